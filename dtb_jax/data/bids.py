"""Events of each run in BIDS: which files there are, and what a task reads in them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.entities import Sessions, entities_of, person_and_run
from dtb_jax.data.ledger import DataError
from dtb_jax.data.participants import PARTICIPANT_COLUMNS as PARTICIPANT_COLUMNS
from dtb_jax.data.participants import bare_id as bare_id
from dtb_jax.data.participants import read_participants as read_participants
from dtb_jax.data.tables import folded
from dtb_jax.data.tables import read_table as read_table
from dtb_jax.data.tasks.spec import MISSING, label
from dtb_jax.data.tasks.task import counted_presses
from dtb_jax.types import StimulusEvents, Task, Trials


def _ignore(said: str) -> None:
    pass


def read_events(path: Path, task: Task, note: Callable[[str], object] = _ignore) -> pd.DataFrame:
    """The trials of a task, by onset: numbers as floats with NaN for n/a, text without blanks.

    Args:
        path: the run's events.
        task: which columns are needed, and which rows are trials.
        note: is told what was left out.

    Returns: a row a trial; the index is its place below the header, from 0.

    Raises: DataError when a column is missing, a number is text, a required one n/a, or there are
        no rows.
    """
    table = read_table(path)
    wanted = dict.fromkeys([*task.columns, *([task.rows.column] if task.rows else [])])
    for name in wanted:
        _check_column(name, table, path, task)
    if table.empty:
        raise DataError(f"{path}: a header but no events")
    events = table[list(task.columns)]
    if task.rows:
        events = events[_are_trials(table[task.rows.column], path, task)]
    again = events.duplicated()
    if again.any():
        note(f"{again.sum()} rows are there twice: each is read once")
        events = events[~again]
    for name in task.numeric:
        events = events.assign(**{name: _numbers(events[name], path)})
    for name in task.required:
        _check_required(events[name], path)
    return events.sort_values("onset", kind="stable") if "onset" in task.numeric else events


def decode_events(
    path: Path, task: Task, note: Callable[[str], object] = _ignore
) -> tuple[Trials, StimulusEvents]:
    """`task.decode` of a file, with the file's name in every complaint.

    Args:
        path: the run's events.
        task: what they mean.
        note: is told of presses that do not count and of trials that are left out.

    Returns: `Trials` [trial] and `StimulusEvents`.

    Raises: DataError.
    """
    events = read_events(path, task, note)
    try:
        trials, drive = task.decode(events)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    trials, said = counted_presses(trials)
    for one in said:
        note(one)
    return trials, drive


def _check_column(name: str, table: pd.DataFrame, path: Path, task: Task) -> None:
    same = [one for one in table.columns if folded(one) == folded(name)]
    if len(same) > 1:
        raise DataError(
            f"{path}: columns {' and '.join(map(repr, same))} differ by blanks or case alone, "
            "expected one of them"
        )
    if name in same:
        return
    numbers = pd.to_numeric(pd.Series(table.columns), errors="coerce").notna()
    if numbers.any():
        why = "the first line has numbers where names are expected; is the header missing?"
    elif same:
        why = f"{same[0]!r} differs by blanks or case; names have to be the same"
    else:
        why = f"is this a {task.name} run?"
    raise DataError(f"{path}: column {name!r} is missing, found {', '.join(table.columns)}; {why}")


def _are_trials(column: pd.Series, path: Path, task: Task) -> pd.Series:
    """Which rows are, by their label.

    Raises: DataError where none is.
    """
    assert task.rows is not None
    text = column.map(label)
    text = text.where(~text.isin(MISSING), "n/a")
    chosen = text.isin(task.rows.labels) == task.rows.only
    if not chosen.any():
        rule = "only" if task.rows.only else "not"
        raise DataError(
            f"{path}: column {column.name}: found {', '.join(text.unique()[:8])}; no row is a "
            f"trial, with {rule}: {', '.join(task.rows.labels)}"
        )
    return chosen


def _check_required(column: pd.Series, path: Path) -> None:
    unknown = ~np.isfinite(column.to_numpy())
    if unknown.any():
        row, found = column.index[unknown][0], column[unknown].iloc[0]
        said = "n/a" if np.isnan(found) else f"found {found}"
        raise DataError(f"{path}: line {row + 2}, column {column.name}: {said}, expected seconds")


def _numbers(column: pd.Series, path: Path) -> pd.Series:
    missing = column.isin(MISSING)
    numbers = pd.to_numeric(column.where(~missing, "nan"), errors="coerce")
    text = numbers.isna() & ~missing
    if text.any():
        row = column.index[text][0]
        raise DataError(
            f"{path}: line {row + 2}, column {column.name}: found {column[row]!r}, "
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
