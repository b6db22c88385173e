"""Where imaging lies: TCP's tree, fMRIPrep's and XCP-D's derivatives, ready-made matrices."""

import json
import re
from collections import Counter
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
from dtb_jax.data.files import TCP_FOLDER as TCP_FOLDER
from dtb_jax.data.files import TCP_SUFFIX as TCP_SUFFIX
from dtb_jax.data.files import run_files
from dtb_jax.data.ledger import DataError
from dtb_jax.data.timeseries import READERS

SERIES = re.compile(r"_(timeseries|bold|ptseries|dtseries)\.")
PREPARED = ("space", "seg", "atlas", "den", "res", "desc")
"""Entities in which files of a task's runs must not differ between people."""


class Imaging(NamedTuple):
    """All imaging files of a folder: {participant: {run: path}} and precomputed connectomes."""

    series: dict[str, dict[str, Path]]
    matrices: dict[str, list[Path]]
    simulated: bool  # the folder says so of all it holds; single files may say so themselves


def find_imaging(
    root: Path, wanted: Sequence[str] = (), sessions: Sessions = Sessions()
) -> Imaging:
    """TCP's HDF5 tree, BIDS derivatives below `sub-*/`, and `connectomes/sub-*.*`.

    Of files of one run in several forms the first form in the order of `READERS` serves. Links to
    folders are followed.

    Args:
        root: folder.
        wanted: entities that derivatives must have, like "seg-Schaefer400".
        sessions: which are read.

    Returns: `Imaging`.

    Raises: DataError where files of one run and form differ in another entity, those of several
        people in space or atlas, or none has what is wanted.
    """
    series: dict[str, dict[str, Path]] = {}
    for path in sorted((root / TCP_FOLDER).glob(f"*/task-*{TCP_SUFFIX}")):
        run = path.name.removeprefix("task-").removesuffix(TCP_SUFFIX)
        series.setdefault(_participant(path.parent.name), {})[run] = path
    files = [path for path in run_files(root) if _is_series(path)]
    asked = asked_entities(wanted)
    matrices: dict[str, list[Path]] = {}
    for path in sorted(root.glob("connectomes/sub-*")):
        if path.suffix != ".json":
            matrices.setdefault(path.name.split(".")[0].split("_")[0], []).append(path)
    of_matrices = {
        name: label
        for name, label in asked.items()
        if any(entities_of(path).get(name) == label for some in matrices.values() for path in some)
        and not any(entities_of(path).get(name) == label for path in files)
    }
    files = with_entities(files, {k: label for k, label in asked.items() if k not in of_matrices})
    found: dict[tuple[str, str], dict[int, list[Path]]] = {}
    for path in files:
        form = next((k for k, end in enumerate(READERS) if path.name.endswith(end)), None)
        named = person_and_run(path, sessions)
        if form is not None and named:
            found.setdefault(named, {}).setdefault(form, []).append(path)
    chosen = {}
    for named, forms in found.items():
        paths = forms[min(forms)]
        if len(paths) > 1:
            raise DataError(_several(paths))
        chosen[named] = paths[0]
    _check_alike(chosen)
    for (person, run), path in chosen.items():
        series.setdefault(person, {}).setdefault(run, path)
    matrices = {person: _asked(paths, asked) for person, paths in matrices.items()}
    return Imaging(series, matrices, says_simulated(root))


def _asked(paths: list[Path], asked: dict[str, str]) -> list[Path]:
    """Of several matrices of a person those with the entities that are asked for."""
    fitting = [path for path in paths if asked.items() <= entities_of(path).items()]
    return fitting or paths


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
        return (
            f"{paths[0]}: the same run is also {paths[1]}, expected one of them; "
            "name the folder of one pipeline by --config.derivatives"
        )
    labels = " or ".join(f"{names[0]}-{one[names[0]]}" for one in told if names[0] in one)
    return (
        f"{paths[0]}: one of {len(paths)} files of this run, expected one; "
        f"choose by --config.entities, {labels}"
    )


def _check_alike(chosen: dict[tuple[str, str], Path]) -> None:
    """Raises: DataError where people's files of a task are of another space, atlas or kind."""
    for name in PREPARED:
        labels: dict[str, Counter[str]] = {}
        whose: dict[tuple[str, str], str] = {}
        for (person, _), path in chosen.items():
            told = entities_of(path)
            label = f"{name}-{told[name]}" if name in told else f"no {name}-"
            labels.setdefault(told["task"], Counter())[label] += 1
            whose.setdefault((told["task"], label), person)
        for task, count in labels.items():
            if len(count) > 1:
                (most, many), *_, (few, some) = count.most_common()
                raise DataError(
                    f"task-{task}: {many} files have {most}, {some} {few} "
                    f"({whose[task, few]} first), expected one for all; choose by "
                    "--config.entities, or move the others away"
                )


def says_simulated(root: Path) -> bool:
    """Whether `dataset_description.json` says that the imaging is simulated."""
    described = _described(root)
    return bool(described.get("simulated") or described.get("simulated_imaging"))


def may_be_censored(path: Path, root: Path) -> bool:
    """Whether a series lies among XCP-D's, which leave volumes out of the middle of a run.

    Args:
        path: of the series.
        root: folder that was searched.
    """
    if entities_of(path).get("desc", "").lower().startswith(("denoised", "censored", "scrubbed")):
        return True
    inside = [folder for folder in path.parents if folder == root or root in folder.parents]
    return any(
        "xcp" in folder.name.lower() or "xcp" in _generators(folder).lower() for folder in inside
    )


def _generators(folder: Path) -> str:
    made = _described(folder).get("GeneratedBy", [])
    return json.dumps(made)


def _described(root: Path) -> dict:
    path = root / "dataset_description.json"
    try:
        described = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError:
        return {}
    return described if isinstance(described, dict) else {}


def _participant(folder: str) -> str:
    """TCP writes NDAR_INVX as a folder and sub-NDARINVX in BIDS."""
    return "sub-" + folder.replace("_", "")
