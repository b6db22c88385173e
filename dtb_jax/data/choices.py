"""How a folder is read, as options that experiments and the command line share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def option(default: Any, told: str, group: str = "Reading") -> Any:
    """A field with its default, and what `--help` tells of it under a heading."""
    return field(default=default, metadata={"help": told, "group": group})


def told(kind: type, name: str) -> Mapping[str, str]:
    """An option's `help` and `group`, from the class that first had it.

    Raises: KeyError where no class says what it is.
    """
    for owner in kind.__mro__:
        declared = getattr(owner, "__dataclass_fields__", {}).get(name)
        if declared is not None and declared.metadata:
            return declared.metadata
    raise KeyError(f"{name}: no class says what it is")


@dataclass(frozen=True)
class Choices:
    """How to read a folder; every field is an option of experiments and of `dtb`."""

    tasks: tuple[str, ...] = option(
        ("faces", "stroop"), "faces, stroop, or a file that tells of another (docs/tasks.md)."
    )
    runs: tuple[str, ...] = option(
        ("hammerAP_run-01", "stroopAP_run-01"), "Task runs to read; '' for all of these tasks."
    )
    rest_runs: tuple[str, ...] = option(
        ("restAP_run-01", "restAP_run-02"), "Rest runs of the connectome."
    )
    other_rest_runs: tuple[str, ...] = option(
        (), "Rest runs of a second connectome of the same people."
    )
    estimator: str = option("pearson", "Of correlations: pearson or ledoit_wolf.")
    derivatives: str = option(
        "", "Folder of fMRIPrep's or XCP-D's output, where it is not below the data."
    )
    entities: tuple[str, ...] = option(
        (), "Which files to read where several differ, like seg-Glasser."
    )
    session: str = option(
        "", "The only session to read; default: all, runs are named ses-1_... where several."
    )
    family: str = option(
        "", "Column of who belongs together; default: family or family_id, if any."
    )
    columns: tuple[str, ...] = option(
        (), "Columns of participants.tsv that are called otherwise, like sex=gender,site=Scanner."
    )
    atlas: str = option(
        "", "Table with a column `name`, a row a parcel; default: atlas.tsv near the data."
    )
    regions: str = option(
        "", "Table with columns region and parcel; default: the paper's 20 regions."
    )
    dataset: str = option("", "HDF5 dataset, where a file has several.")
    atlas_image: str = option("", "Label image, for dtseries and NIfTI series.")
    repetition_time_s: float | None = option(
        None, "Seconds between volumes; default: what headers and JSON files say, else 0.8."
    )
    least_share: float = option(0.5, "Of a full run's volumes; shorter runs are left out.")
    dummy_volumes: int = option(
        0, "Volumes cut from the start of task series, but not from the clock of the events."
    )
    matrices: str = option(
        "", "Ready-made matrices hold r or z; default: what their diagonal says."
    )
    vector_order: str = option(
        "", "Triangle that ready-made vectors hold: upper (NumPy) or lower (nilearn)."
    )
