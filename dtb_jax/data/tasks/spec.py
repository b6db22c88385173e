"""A task that is told, not programmed: which columns of an events table are what."""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data.tasks.task import numbered, possible_actions, pressed_in_window
from dtb_jax.types import Rows, StimulusEvents, Trials

MISSING = ("n/a", "N/A", "NA", "NaN", "nan", "NULL", "null", "")
UNITS = {"s": 1.0, "ms": 1e-3}
OMITTED, UNKNOWN = -1, -2
"""Accuracy of no press, and of a press about which it is not recorded."""
CORRECT = "correct"
"""A channel's name: where the right answer was to be seen, one input an action."""


class Field(NamedTuple):
    """One entry of the file: a column, and what its values mean."""

    column: str
    levels: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    unit: str = "s"
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    names: Mapping[str, str] = {}


class Spec(NamedTuple):
    """A task file as it was written."""

    name: str
    bids_name: str
    actions: tuple[str, ...]
    conditions: Field
    contrast: tuple[str, ...]
    window_s: float
    response_time: Field
    response: Field | None = None
    accuracy: Field | None = None
    correct: Field | None = None
    duration: Field | None = None
    channels: tuple[Field | str, ...] = (CORRECT,)
    rows: Rows | None = None


def decode(spec: Spec, events: pd.DataFrame) -> tuple[Trials, StimulusEvents]:
    """Trials and sensory intervals of one run, as they are told.

    What is shown stays on for the whole window: an input that went off with the press would tell
    when the press was. Where the record does not say which action was right (an omission, or only
    right and wrong are recorded), one is drawn by the table's content, so that nothing about the
    answer can be read off it.

    Args:
        spec: what the columns are.
        events: a run's events table, numbers as floats, `n/a` as NaN.

    Returns: `Trials` [trial] and `StimulusEvents`.

    Raises: ValueError for a value that is not listed.
    """
    onset = events["onset"].to_numpy(float)
    window = np.full(len(onset), spec.window_s)
    time = _times(events, spec.response_time)
    answered = pressed_in_window(
        time, window, spec.response_time.column, (" ('unit: ms')", " ('unit: s')")
    )
    pressed = accurate = None
    if spec.response:
        pressed = _levels(events, spec.response, spec.actions, needed=answered)
        answered &= pressed >= 0
    if spec.accuracy:
        accurate = _accuracy(events, spec.accuracy, needed=answered)
        answered &= accurate != OMITTED
    correct, judged = _correct(spec, events, pressed, accurate)
    if pressed is not None:
        possible = (np.arange(len(spec.actions)) == pressed[:, None]) & answered[:, None]
    else:
        every = (True,) * len(spec.actions)
        possible = possible_actions(correct, answered, (accurate == 1) & answered, every)
    if spec.response and spec.accuracy and spec.correct:
        told = _levels(events, spec.correct, spec.actions)
        recorded = answered & (told >= 0) & (accurate != UNKNOWN)
        turned = recorded & ((pressed == told) != (accurate == 1))
        expected = "what press and right action say; are right and wrong turned around?"
        _complain(events, spec.accuracy.column, turned, expected)
    condition = _conditions(events, spec.conditions)
    value = np.concatenate([_channel(events, one, correct, spec) for one in spec.channels], axis=1)
    duration = window
    if spec.duration:
        told = events[spec.duration.column].to_numpy(float) * UNITS[spec.duration.unit]
        duration = np.where(np.nan_to_num(told) > 0, told, window)
    trials = Trials(
        onset_s=onset,
        deadline_s=window,
        duration_s=duration,
        condition=condition,
        item=numbered([tuple(row) for row in value]),
        correct=correct,
        possible=possible,
        response_time_s=np.where(np.isnan(time), 0.0, time),
        answered=answered,
        present=~answered | judged,
    )
    return trials, StimulusEvents(onset, onset + window, value)


def _conditions(events: pd.DataFrame, field: Field) -> np.ndarray:
    known = [*field.levels, *field.names]
    strange = ~events[field.column].map(label).isin(known).to_numpy()
    expected = f"one of {', '.join(field.levels)}; rows that are no trials: 'rows' in docs/tasks.md"
    _complain(events, field.column, strange, expected)
    return _levels(events, field, field.levels)


def _times(events: pd.DataFrame, field: Field) -> np.ndarray:
    """Seconds from the onset; NaN for what means that nobody pressed."""
    written = events[field.column].to_numpy(float)
    time = np.where(np.isin(written, [float(code) for code in field.omitted]), np.nan, written)
    expected = "seconds after onset, or a code for no press ('omitted: [...]')"
    _complain(events, field.column, time < 0, expected)
    return time * UNITS[field.unit]


def _correct(spec: Spec, events: pd.DataFrame, pressed, accurate) -> tuple[np.ndarray, np.ndarray]:
    """The right action of every trial, see `decode` where nobody knows it; and whether a press on
    it is known to be right or wrong."""
    content = zlib.crc32(events.to_csv().encode())
    drawn = np.random.default_rng(content).integers(len(spec.actions), size=len(events))
    told = np.full(len(events), -1)
    if spec.correct:
        told = _levels(events, spec.correct, spec.actions)
    if pressed is not None and accurate is not None:
        other = 1 - pressed if len(spec.actions) == 2 else -1
        follows = np.select([accurate == 1, accurate == 0], [pressed, other], -1)
        told = np.where((told < 0) & (pressed >= 0), follows, told)
    correct = np.where(told >= 0, told, drawn)
    return correct, told >= 0 if pressed is not None else accurate >= 0


def _channel(events: pd.DataFrame, field: Field | str, correct, spec: Spec) -> np.ndarray:
    """Inputs of one entry, [trial, channel]; a missing value shows nothing."""
    if isinstance(field, str):
        return np.eye(len(spec.actions))[correct]
    if field.range:
        low, high = field.range
        number = events[field.column].to_numpy(float)
        outside = (number < low) | (number > high)
        _complain(events, field.column, outside, f"a number from {low:g} to {high:g}")
        return np.nan_to_num((number - low) / (high - low))[:, None]
    level = _levels(events, field, field.levels)
    return (np.arange(len(field.levels)) == level[:, None]).astype(float)


def label(value: object) -> str:
    """Text without blanks, numbers in their shortest form: 1, "1" and "1.0" are one label."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else str(number)


def _levels(
    events: pd.DataFrame, field: Field, levels: Sequence[str], needed: np.ndarray | None = None
) -> np.ndarray:
    """Place of each value among the levels, -1 for n/a and for what was omitted.

    Args:
        events: with the column.
        field: which one.
        levels: that are known; another one is an error.
        needed: only where this holds, [trial]; elsewhere an unknown value is -1, as a code for no
            press is. None: everywhere.
    """
    text = events[field.column].map(label)
    named = text.replace(dict(field.names))
    place = named.map({level: k for k, level in enumerate(levels)})
    unknown = place.isna() & ~text.isin([*MISSING, *field.omitted])
    unknown = unknown.to_numpy() & (True if needed is None else needed)
    _complain(events, field.column, unknown, f"one of {', '.join(levels)}")
    return place.where(~text.isin(field.omitted)).fillna(-1).to_numpy(int)


def _accuracy(events: pd.DataFrame, field: Field, needed: np.ndarray) -> np.ndarray:
    """1 right, 0 wrong, `OMITTED` or `UNKNOWN` (n/a, or any label where it is not needed)."""
    text = events[field.column].map(label)
    known = [*field.right, *field.wrong, *field.omitted]
    strange = ~text.isin([*known, *MISSING]).to_numpy() & needed
    _complain(events, field.column, strange, f"one of {', '.join(known)}")
    kinds = ((field.right, 1), (field.wrong, 0), (field.omitted, OMITTED))
    places = [text.isin(labels).to_numpy() for labels, _ in kinds]
    return np.select(places, [kind for _, kind in kinds], UNKNOWN)


def _complain(events: pd.DataFrame, column: str, bad: np.ndarray, expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        found = events[column].iloc[row]
        told = repr(found) if isinstance(found, str) else f"{found:g}"
        raise ValueError(
            f"column {column}, row {events.index[row] + 2}: found {told}, expected {expected}"
        )
