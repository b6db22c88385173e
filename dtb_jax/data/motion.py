"""How much people moved: mean framewise displacement over the runs of their connectomes."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.bids import bare_id, read_table
from dtb_jax.data.entities import Sessions, entities_of, person_and_run
from dtb_jax.data.files import run_files
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.tasks.spec import MISSING

FOLDER = "motion_FD"
COLUMN = "framewise_displacement"

Traces = dict[str, dict[str, np.ndarray]]
"""{participant: {run: displacement at each volume, mm}}"""


def read_motion(
    root: Path,
    told: pd.Series,
    rest_runs: Sequence[str],
    ledger: ExclusionLog,
    sessions: Sessions = Sessions(),
) -> pd.Series:
    """Mean framewise displacement over all volumes of each person's named rest runs.

    Of a person's sources the first that knows any of these runs serves: fMRIPrep's confounds,
    XCP-D's motion files, TCP's tables in motion_FD, what participants.tsv tells.

    Args:
        root: folder that holds them.
        told: what participants.tsv tells, mm, by participant_id.
        rest_runs: names of the runs.
        ledger: lines for what can not be read, and for whose motion stays unknown.
        sessions: which are read.

    Returns: mm, by participant_id as in `told`; NaN where it is unknown.
    """
    files = list(run_files(root))
    confounds = [
        *(path for path in files if "_desc-confounds_" in path.name and path.suffix == ".tsv"),
        *(path for path in files if path.name.endswith("_motion.tsv")),
    ]
    confounds = [path for path in confounds if entities_of(path).get("desc") != "filtered"]
    tables = sorted((root / FOLDER).glob("*.csv"))
    measured = _from_tables(tables, list(told.index), rest_runs, ledger)
    measured |= _from_confounds(confounds, set(told.index), rest_runs, ledger, sessions)
    motion = told.astype(float)
    for person, runs in measured.items():
        motion[person] = np.concatenate(list(runs.values())).mean()
    if motion.isna().all():
        found = "no motion of these rest runs" if confounds or tables else "no motion files"
        ledger.add("all", "", root, f"{found}: no figures after motion")
        return motion
    for person in motion.index[motion.isna()]:
        ledger.add(person, "", "", "motion unknown: not in figures after motion")
    return motion


def _from_confounds(paths, people: set[str], rest_runs, ledger: ExclusionLog, sessions) -> Traces:
    """fMRIPrep's and XCP-D's: a file a person and run, a row a volume."""
    found: Traces = {}
    for path in paths:
        person, run = person_and_run(path, sessions) or ("", "")
        if person not in people or run not in rest_runs or run in found.get(person, {}):
            continue
        try:
            table = read_table(path)
            if COLUMN not in table:
                raise DataError(
                    f"{path}: column {COLUMN} is missing, found {len(table.columns)} others"
                )
            trace, strange = _millimetres(table[COLUMN])
            if not len(trace):
                raise DataError(f"{path}: no number in column {COLUMN}, expected millimetres")
        except DataError as error:
            ledger.add(person, run, path, error)
            continue
        found.setdefault(person, {})[run] = trace
        _note(strange, person, run, path, ledger)
    return found


def _from_tables(paths: Sequence[Path], people: Sequence[str], rest_runs, ledger) -> Traces:
    """TCP's: a file a run, a row a person, a column a volume; with or without a header."""
    found: Traces = {}
    known = {bare_id(person): person for person in people}
    for run in rest_runs if paths else ():
        path = next((path for path in paths if _is_of_run(path, run)), None)
        if path is None:
            names = ", ".join(path.name for path in paths)
            ledger.add("all", run, paths[0].parent, f"no table of this rest run, found {names}")
            continue
        try:
            rows = _rows_by_person(path, known)
        except DataError as error:
            ledger.add("all", run, path, error)
            continue
        all_strange = []
        for person, cells in rows:
            trace, strange = _millimetres(cells)
            all_strange += strange
            if len(trace):
                found.setdefault(person, {}).setdefault(run, trace)
        _note(all_strange, "all", run, path, ledger)
    return found


def _is_of_run(path: Path, run: str) -> bool:
    """Whether a name spells a run: TCP_FD_rest_AP_1 spells restAP_run-01, rest_AP_11 does not."""
    return re.search(_spelling(run) + r"(?!\d|ap|pa)", _spelling(path.stem)) is not None


def _spelling(name: str) -> str:
    """Letters and numbers without "run"; a blank ends a number, so that 1 is not found in 11."""
    words = re.findall(r"[a-z]+|\d+", name.lower())
    return "".join(f"{int(w)} " if w.isdigit() else w for w in words if w != "run")


def _rows_by_person(path: Path, known: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Known people and the cells to the right of their ids, or to the left of ids that are last."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            rows = [[cell.strip() for cell in row] for row in csv.reader(handle)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: can not be read as csv ({error})") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise DataError(f"{path}: the file is empty, expected a row a person")
    place, count = Counter(_place_of_id(row, known) for row in rows).most_common(1)[0]
    if place is None or 2 * count < len(rows):
        raise DataError(
            f"{path}: no column of participant ids, found {rows[-1][0][:40]!r} in the last row, "
            "expected ids as in participants.tsv"
        )
    rows = [row for row in rows if place < len(row)]
    found = [
        (known[bare_id(row[place])], row[place + 1 :] or row[:place])
        for row in rows
        if bare_id(row[place]) in known
    ]
    if not found:
        raise DataError(
            f"{path}: none of these people, found {rows[-1][place][:40]!r} in the last row, "
            "expected ids as in participants.tsv"
        )
    return found


def _place_of_id(row: Sequence[str], known: Mapping[str, str]) -> int | None:
    """The first cell that looks like an id: what stands before it may count the rows."""
    for place, cell in enumerate(row):
        if cell.lower().startswith(("sub-", "ndar")) or known.get(bare_id(cell)) == cell:
            return place
    return None


def _millimetres(cells: Iterable[str]) -> tuple[np.ndarray, list[str]]:
    """Displacements without blanks, and the cells that are none."""
    filled = pd.Series([cell for cell in map(str.strip, cells) if cell not in MISSING], dtype=str)
    numbers = pd.to_numeric(filled, errors="coerce")
    usable = np.isfinite(numbers) & (numbers >= 0)
    return numbers[usable].to_numpy(float), list(filled[~usable])


def _note(strange: Sequence[str], person: str, run: str, path: Path, ledger: ExclusionLog) -> None:
    if strange:
        said = f"{len(strange)} cells such as {strange[0]!r}, expected millimetres: left out"
        ledger.add(person, run, path, said)
