"""How a folder is read."""

from dataclasses import dataclass

from dtb_jax.data.estimators import ESTIMATORS
from dtb_jax.twin.option import BASIC, Config, option
from dtb_jax.types import DataError

READING = "Reading"
VALUES, ORDERS = ("r", "z"), ("upper", "lower")


@dataclass(frozen=True)
class DataConfig(Config):
    """How to read a folder with BIDS events, participants.tsv and imaging."""

    root: str = option("", "Folder with BIDS events, participants.tsv and imaging.", flag="data")
    tasks: tuple[str, ...] = option(
        ("faces", "stroop"),
        "Tasks: faces, stroop, or a YAML file that describes another (docs/tasks.md).",
        BASIC,
    )
    runs: tuple[str, ...] = option(
        ("hammerAP_run-01", "stroopAP_run-01"),
        "Task runs to read; '' for all runs of these tasks.",
        BASIC,
    )
    rest_runs: tuple[str, ...] = option(
        ("restAP_run-01", "restAP_run-02"), "Rest runs that make the connectome.", BASIC
    )
    other_rest_runs: tuple[str, ...] = option(
        (), "Rest runs that make a second connectome of the same people.", READING
    )
    estimator: str = option(
        "pearson",
        "Estimator of correlations: pearson or ledoit_wolf.",
        READING,
        one_of=tuple(ESTIMATORS),
    )
    derivatives: str = option(
        "", "Folder of fMRIPrep's or XCP-D's output, where it is not below the data.", BASIC
    )
    entities: tuple[str, ...] = option(
        (), "BIDS entities of the files to read where several differ, like seg-Glasser.", READING
    )
    session: str = option(
        "",
        "The only session to read; default: all, runs are named ses-1_... where there are several.",
        READING,
    )
    family: str = option(
        "",
        "Column of participants.tsv that tells families; default: family or family_id, if any.",
        READING,
    )
    columns: tuple[str, ...] = option(
        (),
        "Columns of participants.tsv that have other names, like sex=gender,site=Scanner.",
        READING,
    )
    atlas: str = option(
        "",
        "Table with a column `name` and a row a parcel; default: atlas.tsv near the data.",
        BASIC,
    )
    regions: str = option(
        "", "Table with columns region and parcel; default: the paper's 20 regions.", BASIC
    )
    dataset: str = option("", "HDF5 dataset to read, where a file has several.", READING)
    atlas_image: str = option("", "Label image, for dtseries and NIfTI series.", READING)
    repetition_time_s: float | None = option(
        None,
        "Seconds between volumes; default: what headers and JSON files say, else 0.8.",
        READING,
    )
    least_share: float = option(
        0.5, "Share of a full run's volumes below which a run is left out.", READING
    )
    dummy_volumes: int = option(
        0,
        "Volumes cut from the start of task series, but not from the clock of the events.",
        READING,
        least=0,
    )
    matrices: str = option(
        "",
        "What ready-made matrices hold, r or z; default: what their diagonal says.",
        READING,
        one_of=VALUES,
    )
    vector_order: str = option(
        "",
        "Triangle that ready-made vectors hold: upper (NumPy) or lower (nilearn).",
        READING,
        one_of=ORDERS,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        twice = set(self.rest_runs) & set(self.other_rest_runs)
        if twice:
            raise DataError(
                f"--config.other_rest_runs: {min(twice)} is one of rest_runs, expected other runs"
            )
