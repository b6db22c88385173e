"""A task that is told, not programmed: which columns of an events table are what."""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.tasks.task import numbered, possible_actions
from dtb_jax.types import Drive, Trials

MISSING = ("n/a", "N/A", "NA", "NaN", "nan", "")
UNITS = {"s": 1.0, "ms": 1e-3}
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


def decode(spec: Spec, events: pd.DataFrame) -> tuple[Trials, Drive]:
    """Trials and sensory intervals of one run, as they are told.

    What is shown stays on for the whole window: an input that went off with the press would tell
    when the press was. Where the record does not say which action was right (an omission, or only
    right and wrong are recorded), one is drawn by the table's content, so that nothing about the
    answer can be read off it.

    Args:
        spec: what the columns are.
        events: a run's events table, numbers as floats, `n/a` as NaN.

    Returns: `Trials` [trial] and `Drive`.

    Raises: ValueError for a value that is not listed.
    """
    onset = events["onset"].to_numpy(float)
    time = events[spec.response_time.column].to_numpy(float) * UNITS[spec.response_time.unit]
    _complain(events, spec.response_time.column, time < 0, "seconds after onset")
    answered = np.nan_to_num(time) > 0
    if answered.any() and (middle := np.median(time[answered])) > spec.window_s:
        raise ValueError(
            f"column {spec.response_time.column}: a median of {middle:g} s, expected times within "
            f"the window of {spec.window_s:g} s; are they milliseconds ('unit: ms')?"
        )
    pressed = accurate = None
    if spec.response:
        pressed = _levels(events, spec.response, spec.actions)
        answered &= pressed >= 0
    if spec.accuracy:
        accurate = _accuracy(events, spec.accuracy)
        answered &= accurate >= 0
    correct = _correct(spec, events, pressed, accurate)
    if pressed is not None:
        possible = (np.arange(len(spec.actions)) == pressed[:, None]) & answered[:, None]
    else:
        every = (True,) * len(spec.actions)
        possible = possible_actions(correct, answered, (accurate == 1) & answered, every)
    if spec.response and spec.accuracy and spec.correct:
        told = _levels(events, spec.correct, spec.actions)
        turned = answered & (told >= 0) & ((pressed == told) != (accurate == 1))
        expected = "what press and right action say; are right and wrong turned around?"
        _complain(events, spec.accuracy.column, turned, expected)
    condition = _levels(events, spec.conditions, spec.conditions.levels)
    _complain(
        events, spec.conditions.column, condition < 0, f"one of {', '.join(spec.conditions.levels)}"
    )
    value = np.concatenate([_channel(events, one, correct, spec) for one in spec.channels], axis=1)
    window = np.full(len(onset), spec.window_s)
    duration = window
    if spec.duration:
        told = events[spec.duration.column].to_numpy(float) * UNITS[spec.duration.unit]
        duration = np.where(np.isfinite(told), told, window)
    trials = Trials(
        onset_s=onset,
        deadline_s=window,
        duration_s=duration,
        condition=condition,
        item=numbered([tuple(row) for row in value]),
        correct=correct,
        possible=possible,
        response_time_s=np.where(answered, time, 0.0),
        answered=answered,
        present=np.ones(len(onset), bool),
    )
    return trials, Drive(onset, onset + window, value)


def _correct(spec: Spec, events: pd.DataFrame, pressed, accurate) -> np.ndarray:
    """The right action of every trial; see `decode` where nobody knows it."""
    content = zlib.crc32(events.to_csv().encode())
    drawn = np.random.default_rng(content).integers(len(spec.actions), size=len(events))
    if spec.correct:
        told = _levels(events, spec.correct, spec.actions)
        return np.where(told >= 0, told, drawn)
    if pressed is None or accurate is None:
        return drawn
    known = (pressed >= 0) & (accurate >= 0)
    return np.where(known, np.where(accurate == 1, pressed, 1 - pressed), drawn)


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


def _levels(events: pd.DataFrame, field: Field, levels: Sequence[str]) -> np.ndarray:
    """Place of each value among the levels, -1 for n/a."""
    text = events[field.column].map(label)
    named = text.replace(dict(field.names))
    place = named.map({level: k for k, level in enumerate(levels)})
    unknown = place.isna() & ~text.isin(MISSING)
    _complain(events, field.column, unknown.to_numpy(), f"one of {', '.join(levels)}")
    return place.fillna(-1).to_numpy(int)


def _accuracy(events: pd.DataFrame, field: Field) -> np.ndarray:
    """1 right, 0 wrong, -1 no answer."""
    text = events[field.column].map(label)
    known = [*field.right, *field.wrong, *field.omitted, *MISSING]
    unknown = ~text.isin(known).to_numpy()
    _complain(events, field.column, unknown, f"one of {', '.join(known[: -len(MISSING)])}")
    return np.where(text.isin(field.right), 1, np.where(text.isin(field.wrong), 0, -1))


def _complain(events: pd.DataFrame, column: str, bad: np.ndarray, expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        found = events[column].iloc[row]
        told = repr(found) if isinstance(found, str) else f"{found:g}"
        raise ValueError(f"column {column}, row {row + 2}: found {told}, expected {expected}")
