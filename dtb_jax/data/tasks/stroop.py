"""Colour-word Stroop: name the ink, ignore the word; three buttons."""

import numpy as np
import pandas as pd

from dtb_jax.data.tasks.task import numbered, possible_actions, pressed_in_window
from dtb_jax.types import StimulusEvents, Task, Trials

COLOURS = ("red", "green", "blue")
WINDOW_S = 4.0
GAP_S = 0.25
"""The word is on, and a press awaited, until GAP_S before its trial ends and WINDOW_S at most.

TCP's tables give no offset; the latest presses are 1.94 s in 2.25-s trials and 4.0 s in longer ones
(three later ones, of 4.02 to 6.64 s, do not count). Without a gap, a repeated word would have no
onset.
"""


def decode(events: pd.DataFrame) -> tuple[Trials, StimulusEvents]:
    """Trials and sensory intervals of one run: 3 ink channels, 3 word channels, 2 unused.

    The button is never recorded, so a wrong answer may have been either other colour. A duration of
    0 or n/a is none: the word then is on for WINDOW_S, or until the next trial.

    Args:
        events: a run's events table, numbers as floats, `n/a` as NaN.

    Returns: `Trials` [trial] and `StimulusEvents` with 8 channels; the word is on for the
        response window.

    Raises: ValueError when a colour is not one of red, green, blue, or times look like another
        unit.

    Source: Takahashi et al. 2026, Inputs.
    """
    ink = _colours(events["stimulus_color"], "stimulus_color")
    word = _colours(events["stimulus_text"], "stimulus_text")
    onset, duration = (events[c].to_numpy(float) for c in ("onset", "duration"))
    response_time = events["response_time"].to_numpy(float)
    window = _windows(onset, duration)
    answered = pressed_in_window(response_time, window, "response_time")
    accuracy = events["accuracy_binarized"].to_numpy(float)
    trials = Trials(
        onset_s=onset,
        deadline_s=window,
        duration_s=window,  # the table's durations include the pause after the word
        condition=(ink != word).astype(int),
        item=numbered(list(zip(ink, word, strict=True))),
        correct=ink,
        possible=possible_actions(ink, answered, accuracy == 1, STROOP.available),
        response_time_s=np.where(np.isnan(response_time), 0.0, response_time),
        answered=answered,
        present=~answered | np.isfinite(accuracy),
    )
    one_hot = np.eye(3)
    value = np.concatenate([one_hot[ink], one_hot[word], np.zeros((len(ink), 2))], axis=1)
    return trials, StimulusEvents(onset, onset + window, value)


def _windows(onset: np.ndarray, duration: np.ndarray) -> np.ndarray:
    following = np.append(np.diff(onset), np.inf)
    unknown = np.where(following < WINDOW_S, following - GAP_S, WINDOW_S)
    known = np.nan_to_num(duration) > GAP_S
    window = np.where(known, np.minimum(duration - GAP_S, WINDOW_S), unknown)
    return np.where(window > 0, window, WINDOW_S)


def _colours(column: pd.Series, name: str) -> np.ndarray:
    text = column.astype(str).str.strip().str.lower()
    unknown = ~text.isin(COLOURS)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"column {name}, row {column.index[row] + 2}: found {column.iloc[row]!r}, "
            f"expected one of {', '.join(COLOURS)}"
        )
    return text.map(COLOURS.index).to_numpy(int)


STROOP = Task(
    name="stroop",
    bids_name="stroop",
    channels=8,
    actions=COLOURS,
    available=(True, True, True),
    conditions=("congruent", "incongruent"),
    contrast=("incongruent", "congruent"),
    columns=(
        "onset",
        "duration",
        "response_time",
        "accuracy_binarized",
        "stimulus_text",
        "stimulus_color",
    ),
    numeric=("onset", "duration", "response_time", "accuracy_binarized"),
    decode=decode,
    flags=(1.0,),
)
