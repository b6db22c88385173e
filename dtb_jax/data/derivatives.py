"""Where imaging lies: TCP's tree, fMRIPrep's and XCP-D's derivatives, ready-made matrices."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dtb_jax.data.entities import (
    Sessions,
    asked_entities,
    entities_of,
    person_and_run,
    with_entities,
)
from dtb_jax.data.ledger import DataError
from dtb_jax.data.timeseries import READERS

TCP_FOLDER = "fMRI_timeseries_clean_denoised_GSR_parcellated"
TCP_SUFFIX = "_bold_Atlas_hp2000_clean_GSR_parcellated.h5"
SERIES = re.compile(r"_(timeseries|bold|ptseries|dtseries)\.")


class Imaging(NamedTuple):
    """All imaging files of a folder: {participant: {run: path}} and precomputed connectomes."""

    series: dict[str, dict[str, Path]]
    matrices: dict[str, Path]
    simulated: bool  # the folder says so of all it holds; single files may say so themselves


def find_imaging(
    root: Path, wanted: Sequence[str] = (), sessions: Sessions = Sessions()
) -> Imaging:
    """TCP's HDF5 tree, BIDS derivatives below `sub-*/`, and `connectomes/sub-*.*`.

    Of files of one run in several forms the first form in the order of `READERS` serves.

    Args:
        root: folder.
        wanted: entities that derivatives must have, like "seg-Schaefer400".
        sessions: which are read.

    Returns: `Imaging`.

    Raises: DataError where files of one run and form differ in another entity, or none has what is
        wanted.
    """
    series: dict[str, dict[str, Path]] = {}
    for path in sorted((root / TCP_FOLDER).glob(f"*/task-*{TCP_SUFFIX}")):
        run = path.name.removeprefix("task-").removesuffix(TCP_SUFFIX)
        series.setdefault(_participant(path.parent.name), {})[run] = path
    files = [
        path for path in sorted(root.glob("**/sub-*/**/func/sub-*_task-*")) if _is_series(path)
    ]
    found: dict[tuple[str, str], dict[int, list[Path]]] = {}
    for path in with_entities(files, asked_entities(wanted)):
        form = next((k for k, end in enumerate(READERS) if path.name.endswith(end)), None)
        named = person_and_run(path, sessions)
        if form is not None and named:
            found.setdefault(named, {}).setdefault(form, []).append(path)
    for (person, run), forms in found.items():
        paths = forms[min(forms)]
        if len(paths) > 1:
            raise DataError(_several(paths))
        series.setdefault(person, {}).setdefault(run, paths[0])
    matrices = {
        path.name.split(".")[0].split("_")[0]: path
        for path in sorted(root.glob("connectomes/sub-*"))
    }
    return Imaging(series, matrices, says_simulated(root))


def _is_series(path: Path) -> bool:
    """Time series that were prepared: no confounds, no maps of coverage or ALFF, no raw images."""
    told = entities_of(path)
    other = told.get("desc") == "confounds" or told.get("stat", "mean") != "mean"
    raw = re.search(r"_bold\.nii(\.gz)?$", path.name) and not {"space", "desc"} & set(told)
    return SERIES.search(path.name) is not None and not other and not raw


def _several(paths: Sequence[Path]) -> str:
    """Which choice is missing, for files of one run."""
    told = [entities_of(path) for path in paths]
    every = dict.fromkeys(name for one in told for name in one)
    names = [name for name in every if len({one.get(name) for one in told}) > 1]
    if not names:
        return f"{paths[0]}: the same run is also {paths[1]}, expected one of them"
    labels = " or ".join(f"{names[0]}-{one[names[0]]}" for one in told if names[0] in one)
    return (
        f"{paths[0]}: one of {len(paths)} files of this run, expected one; "
        f"choose by --config.entities, {labels}"
    )


def says_simulated(root: Path) -> bool:
    """Whether `dataset_description.json` says that the imaging is simulated."""
    path = root / "dataset_description.json"
    try:
        described = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError:
        return False
    return bool(described.get("simulated") or described.get("simulated_imaging"))


def _participant(folder: str) -> str:
    """TCP writes NDAR_INVX as a folder and sub-NDARINVX in BIDS."""
    return "sub-" + folder.replace("_", "")
