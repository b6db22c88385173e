"""BIDS tables: events of each run and the list of participants."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.entities import Sessions, entities_of, person_and_run
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.tasks.spec import MISSING
from dtb_jax.types import Task

PARTICIPANT_COLUMNS = ["age", "sex", "site", "group", "family", "motion_mm"]
FAMILY_NAMES = ("family", "family_id")
MOTION_NAMES = ("motion_mm", "mean_fd", "mean_framewise_displacement")


def read_table(path: Path) -> pd.DataFrame:
    """A TSV file with every cell as text.

    Raises: DataError when the file is not there, not UTF-8, has no header, or rows of another
        length.
    """
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path}: can not be opened ({error.strerror}); was its content downloaded?"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text (byte {error.object[error.start]:#x}); "
            "was the file saved in another encoding?"
        ) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty, expected a header line") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: not a tab-separated table ({str(error).strip()})") from error


def read_events(path: Path, task: Task) -> pd.DataFrame:
    """The events a task needs: numbers as floats with NaN for n/a, text without stray blanks.

    Raises: DataError when a column is missing, a number is text, a required one n/a, or there are
        no rows.
    """
    table = read_table(path)
    table.columns = table.columns.str.strip()
    missing = [name for name in task.columns if name not in table.columns]
    if missing:
        raise DataError(
            f"{path}: column {missing[0]!r} is missing, found {', '.join(table.columns)}; "
            f"is this a {task.name} run?"
        )
    if table.empty:
        raise DataError(f"{path}: a header but no events")
    events = table[list(task.columns)].apply(lambda column: column.str.strip())
    for name in task.numeric:
        events[name] = _numbers(events[name], path)
    for name in task.required:
        if events[name].isna().any():
            row = int(np.flatnonzero(events[name].isna())[0])
            raise DataError(f"{path}: line {row + 2}, column {name}: n/a, expected seconds")
    return events


def decode_events(path: Path, task: Task):
    """`task.decode` of a file, with the file's name in every complaint.

    Raises: DataError.
    """
    events = read_events(path, task)
    try:
        return task.decode(events)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _numbers(column: pd.Series, path: Path) -> pd.Series:
    missing = column.isin(MISSING)
    numbers = pd.to_numeric(column.where(~missing, "nan"), errors="coerce")
    text = numbers.isna() & ~missing
    if text.any():
        row = int(np.flatnonzero(text)[0])
        raise DataError(
            f"{path}: line {row + 2}, column {column.name}: found {column.iloc[row]!r}, "
            "expected a number or n/a"
        )
    return numbers.astype(float)


def find_events(
    root: Path, task: Task, sessions: Sessions = Sessions()
) -> dict[str, dict[str, Path]]:
    """Event files of one task: {run name: {participant: path}}, `ses-` folders allowed.

    Raises: DataError where one person has two files of one run.
    """
    found: dict[str, dict[str, Path]] = {}
    names = {task.bids_name, f"{task.bids_name}AP", f"{task.bids_name}PA"}
    paths = [*root.glob("sub-*/func/*_events.tsv"), *root.glob("sub-*/ses-*/func/*_events.tsv")]
    for path in sorted(paths):
        named = person_and_run(path, sessions)
        if named is None or entities_of(path)["task"] not in names:
            continue
        person, run = named
        before = found.setdefault(run, {}).setdefault(person, path)
        if before != path:
            raise DataError(f"{path}: the same run is also {before}, expected one of them")
    return found


def read_participants(root: Path, ledger: Ledger, family: str = "") -> pd.DataFrame:
    """Age, sex, site, group, family and motion by participant_id; what is missing is NaN.

    Args:
        root: folder that holds participants.tsv.
        ledger: a line for who is listed twice (the first row serves) and for text in place of
            a number.
        family: column that says who belongs together; "": one of `FAMILY_NAMES`, where there is
            one.

    Returns: `PARTICIPANT_COLUMNS`; age in years, motion in mm, the others as text.

    Raises: DataError when there is a table without `participant_id`, or not the named column.
    """
    path = root / "participants.tsv"
    if not path.exists():
        if family:
            raise DataError(f"{path}: no such table, expected one with column {family!r}")
        ledger.add("all", "", path, "no participants.tsv: no results by site or group")
        return pd.DataFrame(columns=PARTICIPANT_COLUMNS, index=pd.Index([], name="participant_id"))
    table = read_table(path)
    table.columns = table.columns.str.strip().str.lower()
    for name in ("participant_id", family.lower()):
        if name and name not in table.columns:
            raise DataError(f"{path}: column {name} is missing, found {', '.join(table.columns)}")
    table = table.apply(lambda column: column.str.strip()).set_index("participant_id")
    for name in table.index[table.index.duplicated()].unique():
        ledger.add(name, "", path, "listed more than once: the first row is used")
    table = table[~table.index.duplicated()].replace({text: np.nan for text in MISSING})
    table["family"] = _first_column(table, [family.lower()] if family else FAMILY_NAMES)
    table["motion_mm"] = _first_column(table, MOTION_NAMES)
    table = table.reindex(columns=PARTICIPANT_COLUMNS)
    for column in ("age", "motion_mm"):
        number = pd.to_numeric(table[column], errors="coerce")
        for name, text in table[column][number.isna()].dropna().items():
            ledger.add(name, "", path, f"{column} {text!r} is not a number: {column} unknown")
        table[column] = number
    return table


def _first_column(table: pd.DataFrame, names: Sequence[str]):
    return next((table[name] for name in names if name in table), np.nan)


def bare_id(participant: str) -> str:
    """What sub-NDARINVX, NDARINVX and NDAR_INVX have in common."""
    return participant.strip().lower().removeprefix("sub-").replace("_", "")
