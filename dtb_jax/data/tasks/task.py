"""From decoded trials to the sequences a network sees: intervals become steps, presses pulses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dtb_jax.twin.windows import until_s
from dtb_jax.types import STEP_S, StimulusEvents, Task, Trials

FASTEST_S = 0.01
"""Nobody presses so soon, in the middle of all trials."""


def events_to_timeseries(
    drive: StimulusEvents, steps: int, flags: Sequence[float], step_s: float = STEP_S
) -> Float[np.ndarray, "time input"]:
    """Sensory channels and task flags at every step of one run.

    x[t, c] = sum_k value[k, c] * (start_s[k] <= t * step_s < stop_s[k]), then flags throughout.

    Args:
        drive: intervals, seconds from the run's start.
        steps: length of the run in network steps.
        flags: values of the last channels, which tell tasks apart.
        step_s: seconds per step.

    Returns: float32 [time, channels + flags].
    """
    channels = drive.value.shape[1]
    stimulus = np.zeros((steps, channels + len(flags)), np.float32)
    first = np.clip(np.ceil(drive.start_s / step_s - 1e-9), 0, steps).astype(int)
    last = np.clip(np.ceil(drive.stop_s / step_s - 1e-9), 0, steps).astype(int)
    for start, stop, value in zip(first, last, drive.value, strict=True):
        stimulus[start:stop, :channels] += value
    stimulus[:, channels:] = flags
    return stimulus


class Steps(NamedTuple):
    """One run's trials in steps: those whose intervals hold the times."""

    opens: np.ndarray  # a press is awaited from here
    closes: np.ndarray  # to here, not included: the deadline, or the next trial's onset
    pressed: np.ndarray  # in the last step before the next trial's, if later
    answered: np.ndarray  # pressed in time


def press_steps(trials: Trials, step_s: float = STEP_S) -> Steps:
    """When each trial's press is awaited and made, see `turns`."""
    until = until_s(trials.onset_s, trials.deadline_s, trials.present)
    opens, until = np.floor(trials.onset_s / step_s), np.floor(until / step_s + 1e-6)
    until = np.maximum(until, opens + 1)
    pressed = np.maximum(np.floor((trials.onset_s + trials.response_time_s) / step_s), opens)
    deadline = np.maximum(np.floor((trials.onset_s + trials.deadline_s) / step_s), opens + 1)
    return Steps(
        opens.astype(int),
        np.minimum(deadline, until).astype(int),
        np.minimum(pressed, until - 1).astype(int),
        trials.answered & (trials.response_time_s <= trials.deadline_s),
    )


def press_sequence(
    trials: Trials,
    chosen: Bool[np.ndarray, " trial"],
    steps: int,
    width: int = 1,
    step_s: float = STEP_S,
) -> tuple[Float[np.ndarray, "time action"], Float[np.ndarray, " time"]]:
    """Pulses and at-risk steps of one run, for the trials in `chosen`.

    A press at time s is a pulse on steps floor(s / step_s), ..., + width - 1, on every action it
    may have been. A trial is at risk from its onset to its press, or to its deadline; where windows
    overlap, until the next onset at most, and a later press counts as made just before it.

    Args:
        trials: one run, [trial].
        chosen: which trials count here (a half of the run, say).
        steps: length of the run.
        width: length of a pulse in steps; 1 in the paper.
        step_s: seconds per step.

    Returns: press [time, action] and at_risk [time], float32 zeros and ones.
    """
    press = np.zeros((steps, trials.possible.shape[-1]), np.float32)
    at_risk = np.zeros(steps, np.float32)
    own = press_steps(trials, step_s)
    for k in np.flatnonzero(chosen & trials.present):
        if not own.answered[k]:
            at_risk[own.opens[k] : own.closes[k]] = 1
            continue
        at_risk[own.opens[k] : own.pressed[k] + 1] = 1
        press[own.pressed[k] : own.pressed[k] + width, trials.possible[k]] = 1
    return press, at_risk


def pressed_in_window(
    time_s: Float[np.ndarray, " trial"],
    window_s: Float[np.ndarray, " trial"],
    column: str,
    way_out: tuple[str, str] = ("", ""),
) -> Bool[np.ndarray, " trial"]:
    """Which trials were answered: n/a, 0 and less, and times beyond the window are no presses.

    Args:
        time_s: of the press, from the onset; NaN where there is none.
        window_s: in which a press counts.
        column: of the times, for the complaint.
        way_out: what to do about milliseconds and about seconds, for the complaint.

    Raises: ValueError where the times look like another unit; one or two long times that several
        trials share are codes for "no press" and do not.
    """
    longest = np.max(window_s, initial=0)
    times, count = np.unique(time_s[np.nan_to_num(time_s) > 0], return_counts=True)
    codes = (times > longest) & (count > 1)
    times = times[~codes] if codes.sum() <= 2 else times
    middle = np.median(times) if len(times) else np.nan
    if middle > longest:
        raise ValueError(
            f"column {column}: a median of {middle:g} s, expected times within the window of "
            f"{longest:g} s; are they milliseconds{way_out[0]}?"
        )
    if middle < FASTEST_S:
        raise ValueError(
            f"column {column}: a median of {middle:g} s, expected times of people; are they "
            f"seconds{way_out[1]}?"
        )
    return (time_s > 0) & (time_s <= window_s)


def counted_presses(trials: Trials) -> tuple[Trials, list[str]]:
    """Trials in which only presses within the window count, and what is to be said of the others.

    Args:
        trials: as decoded, [trial]; a press that does not count may still have its time.
    """
    time = np.where(np.isnan(trials.response_time_s), 0.0, trials.response_time_s)
    late, early = (trials.present & which for which in (time > trials.deadline_s, time < 0))
    answered = trials.answered & (time > 0) & ~late
    counted = trials._replace(
        answered=answered,
        possible=trials.possible & answered[:, None],
        response_time_s=np.where(answered, time, 0.0),
    )
    said = []
    if late.any():
        windows = np.unique(trials.deadline_s[late].round(3))
        which = f"the window of {windows[0]:g} s" if len(windows) == 1 else "their windows"
        said.append(
            f"{_number(late, 'press')} later than {which} {_do(late)} not count, the latest after "
            f"{time[late].max():g} s" + (": a code for no press?" if time[late].max() > 50 else "")
        )
    coded = answered & (np.isclose(time, 0.999) | np.isclose(time, 9.999))
    if coded.sum() > 1:
        said.append(
            f"{_number(coded, 'press')} after exactly {time[coded][0]:g} s: a code for no press "
            "('omitted' in docs/tasks.md)?"
        )
    if early.any():
        said.append(
            f"{_number(early, 'press')} before the trial ({time[early].min():g} s) "
            f"{_do(early)} not count"
        )
    if (unknown := ~trials.present).any():
        said.append(f"{_number(unknown, 'trial')} left out: pressed, but not known whether right")
    onset = trials.onset_s[trials.present]
    if (twice := np.diff(np.sort(onset)) == 0).any():
        first = np.sort(onset)[1:][twice][0]
        said.append(
            f"{_number(twice, 'trial')} with the onset of another one, at {first:g} s first"
        )
    return counted, said


def _number(which: np.ndarray, name: str) -> str:
    count = int(which.sum())
    plural = name + ("es" if name.endswith("s") else "s")
    return f"{count} {name if count == 1 else plural}"


def _do(which: np.ndarray) -> str:
    return "does" if which.sum() == 1 else "do"


def numbered(rows: list) -> np.ndarray:
    """Equal rows get equal numbers, in order of first appearance."""
    seen: dict = {}
    return np.array([seen.setdefault(row, len(seen)) for row in rows], int)


def possible_actions(
    correct: np.ndarray, answered: np.ndarray, accurate: np.ndarray, available: tuple[bool, ...]
) -> Bool[np.ndarray, "trial action"]:
    """Which buttons the record allows: the correct one, any wrong one, or none (omission)."""
    right = np.arange(len(available)) == correct[:, None]
    wrong = ~right & np.array(available)
    return np.where(accurate[:, None], right, wrong) & answered[:, None]


def stack_trials(people: Mapping[str, Trials], kept: Sequence[str]) -> Trials:
    """Trials of these people, [people, trial]; who has none, or fewer, is filled with absent ones.

    Args:
        people: each person's trials, [trial].
        kept: whom to stack, in this order.
    """
    most = max(len(trials.onset_s) for trials in people.values())
    blank = _padded(next(iter(people.values())), 0)
    rows = [_padded(people.get(person, blank), most) for person in kept]
    return Trials(*(np.stack(column) for column in zip(*rows, strict=True)))


def _padded(trials: Trials, length: int) -> Trials:
    """Trials cut or filled with absent ones to a common number."""

    def pad(field):
        field = field[:length]
        return np.concatenate(
            [field, np.zeros((length - len(field), *field.shape[1:]), field.dtype)]
        )

    return Trials(*(pad(field) for field in trials))


def effect(task: Task, condition_values: np.ndarray) -> np.ndarray:
    """Difference of the task's contrast, from values with conditions on the last axis."""
    more, less = (task.conditions.index(name) for name in task.contrast)
    return condition_values[..., more] - condition_values[..., less]
