"""BIDS tables: events of each run and the list of participants."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.types import Task

MISSING = ("n/a", "N/A", "NaN", "nan", "")


def read_table(path: Path) -> pd.DataFrame:
    """A TSV file with every cell as text.

    Raises: DataError when the file is not UTF-8, has no header, or rows of another length.
    """
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8")
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

    Raises: DataError when a column is missing, a number is text, an onset or duration is missing,
        or there are no rows.
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
    for name in ("onset", "duration"):
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


def find_events(root: Path, task: Task) -> dict[str, dict[str, Path]]:
    """Event files of one task: {run name: {participant: path}}, `ses-` folders allowed."""
    found: dict[str, dict[str, Path]] = {}
    pattern = re.compile(rf"^(sub-[^_]+)_.*?task-({task.bids_name}(?:AP|PA)?)_(?:.*?(run-\d+)_)?")
    paths = [*root.glob("sub-*/func/*_events.tsv"), *root.glob("sub-*/ses-*/func/*_events.tsv")]
    for path in sorted(paths):
        match = pattern.match(path.name)
        if match:
            name = "_".join(part for part in match.groups()[1:] if part)
            found.setdefault(name, {})[match[1]] = path
    return found


def read_participants(root: Path, ledger: Ledger) -> pd.DataFrame:
    """Age, sex, site and group by participant_id; what is missing is NaN.

    A repeated participant keeps the first row and costs a line in the ledger.

    Raises: DataError when there is a table without `participant_id`.
    """
    path = root / "participants.tsv"
    columns = ["age", "sex", "site", "group"]
    if not path.exists():
        ledger.add("all", "", path, "no participants.tsv: no results by site or group")
        return pd.DataFrame(columns=columns, index=pd.Index([], name="participant_id"))
    table = read_table(path)
    table.columns = table.columns.str.strip().str.lower()
    if "participant_id" not in table.columns:
        raise DataError(f"{path}: column participant_id is missing, found {list(table.columns)}")
    table = table.apply(lambda column: column.str.strip()).set_index("participant_id")
    for name in table.index[table.index.duplicated()].unique():
        ledger.add(name, "", path, "listed more than once: the first row is used")
    table = table[~table.index.duplicated()]
    table = table.reindex(columns=columns).replace({text: np.nan for text in MISSING})
    age = pd.to_numeric(table["age"], errors="coerce")
    for name in table.index[age.isna() & table["age"].notna()]:
        ledger.add(name, "", path, f"age {table.loc[name, 'age']!r} is not a number: age unknown")
    return table.assign(age=age)
