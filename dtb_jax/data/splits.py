"""Cutting runs in time: what trains, what validates, what tests, and what is learned from it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import CubicSpline

from dtb_jax.data.tasks.task import press_sequence
from dtb_jax.twin.bold import upsample_cubic
from dtb_jax.types import STEP_S, Cohort, Run, Sequences

SPLIT_S, STOP_S = 196.8, 393.6
"""The paper's split of each run: what comes before the first trains, what follows tests."""


Times = float | Mapping[str, float]
"""Seconds from the start of a run: the same in all runs, or of each by its name."""


def of_run(times: Times, run: str) -> float:
    """The time that holds in a run."""
    return times[run] if isinstance(times, Mapping) else times


def length_s(run: Run) -> float:
    """Length of a run, seconds."""
    return run.stimulus.shape[1] * STEP_S


def volume_s(run: Run) -> float:
    """Seconds between volumes, in whole steps of the network."""
    return run.stimulus.shape[1] // run.bold.shape[1] * STEP_S


def last_second(cohort: Cohort, start_s: Times, stop_s: Times) -> Times:
    """Where a part ends: never later than the longest run, or than each run where each has times of
    its own."""
    if isinstance(start_s, Mapping) or isinstance(stop_s, Mapping):
        return {run.name: min(of_run(stop_s, run.name), length_s(run)) for run in cohort.runs}
    return min(stop_s, max(run.stimulus.shape[1] for run in cohort.runs) * STEP_S)


class BoldScale(NamedTuple):
    """Mean and SD of each region over people and training volumes."""

    mean: np.ndarray
    sd: np.ndarray


def volume_range(run: Run, start_s: float, stop_s: float) -> slice:
    """Volumes acquired from `start_s` (included) to `stop_s` (excluded)."""
    seconds, volumes = volume_s(run), run.bold.shape[1]
    first, last = (min(t / seconds, volumes) for t in (start_s, stop_s))
    return slice(int(np.ceil(first - 1e-6)), int(np.ceil(last - 1e-6)))


def fit_bold_scale(cohort: Cohort, stop_s: Times, people: np.ndarray) -> BoldScale:
    """Statistics of the training part only: these people, volumes before `stop_s`."""
    rows = [np.zeros((0, len(cohort.regions)))]
    for run in cohort.runs:
        part = volume_range(run, 0.0, of_run(stop_s, run.name))
        rows.append(run.bold[people, part][run.bold_mask[people, part]])
    values = np.concatenate(rows)
    if len(values) == 0:
        return BoldScale(np.zeros(len(cohort.regions)), np.ones(len(cohort.regions)))
    sd = values.std(axis=0)
    return BoldScale(values.mean(axis=0), np.where(sd > 0, sd, 1.0))


def z_scored(volumes: np.ndarray, mask: np.ndarray, scale: BoldScale) -> np.ndarray:
    """(volumes - mean) / sd of each region; masked volumes become 0."""
    return np.where(mask[..., None], (volumes - scale.mean) / scale.sd, 0.0)


def scaled(cohort: Cohort, scale: BoldScale) -> Cohort:
    """The same people with z-scored BOLD; masked volumes become 0."""
    runs = tuple(run._replace(bold=z_scored(run.bold, run.bold_mask, scale)) for run in cohort.runs)
    return cohort._replace(runs=runs)


def in_part(run: Run, start_s: float, stop_s: float) -> np.ndarray:
    """Trials whose onset lies in [start_s, stop_s), [people, trial]."""
    onset = run.trials.onset_s
    return run.trials.present & (onset >= start_s) & (onset < stop_s)


def to_sequences(
    cohort: Cohort, start_s: Times, stop_s: Times, scale: BoldScale, *, pulse_steps: int = 1
) -> Sequences:
    """The part of every run between two times, as the twin sees it.

    BOLD is upsampled from this part's own volumes, so nothing leaks across a split.

    Args:
        cohort: everybody.
        start_s, stop_s: the part; runs whose part ends earlier are masked at the end.
        scale: z-scores BOLD.
        pulse_steps: width of a press in steps.

    Returns: `Sequences` [people, run, time, ...] on the host.
    """
    spans = [(of_run(start_s, run.name), of_run(stop_s, run.name)) for run in cohort.runs]
    steps = max(round((stop - start) / STEP_S) for start, stop in spans)
    parts = [
        _cut_run(run, start, stop, steps, scale, pulse_steps)
        for run, (start, stop) in zip(cohort.runs, spans)
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *parts)


def _cut_run(run: Run, start_s, stop_s, steps: int, scale: BoldScale, width: int) -> Sequences:
    first = round(start_s / STEP_S)
    people, total = run.stimulus.shape[:2]
    inside = slice(first, min(first + round((stop_s - start_s) / STEP_S), total))
    chosen = in_part(run, start_s, stop_s) & run.present[:, None]
    sequences = [
        press_sequence(
            type(run.trials)(*(field[i] for field in run.trials)), chosen[i], total, width
        )
        for i in range(people)
    ]
    press, at_risk = (np.stack(column)[:, inside] for column in zip(*sequences, strict=True))
    part = volume_range(run, start_s, stop_s)
    volumes = z_scored(run.bold[:, part], run.bold_mask[:, part], scale)
    per_volume = run.stimulus.shape[1] // run.bold.shape[1]
    seen = np.repeat(run.bold_mask[:, part], per_volume, axis=1)
    fine = np.stack([_upsampled(v, m, per_volume) for v, m in zip(volumes, run.bold_mask[:, part])])
    available = np.tile(np.array(run.task.available, np.float32), (people, 1))
    return Sequences(
        stimulus=_fill(run.stimulus[:, inside], steps),
        press=_fill(press, steps),
        at_risk=_fill(at_risk, steps),
        available=available,
        bold=_fill(fine.astype(np.float32), steps),
        bold_mask=_fill(seen.astype(np.float32), steps),
    )


def _upsampled(volumes: np.ndarray, mask: np.ndarray, factor: int) -> np.ndarray:
    """Volumes at every step; a masked gap is bridged by a cubic spline, and stays masked."""
    fine = np.zeros((len(volumes) * factor, volumes.shape[1]))
    there = np.flatnonzero(mask)
    if len(there) >= 2:
        first, stop = there[0], there[-1] + 1
        gaps = np.setdiff1d(np.arange(first, stop), there)
        bridged = np.array(volumes)
        bridged[gaps] = CubicSpline(there, volumes[there], axis=0)(gaps)
        fine[first * factor : stop * factor] = upsample_cubic(bridged[first:stop], factor)
    return fine


def _fill(sequence: np.ndarray, steps: int) -> np.ndarray:
    sequence = sequence[:, :steps]
    missing = steps - sequence.shape[1]
    return np.pad(sequence, [(0, 0), (0, missing)] + [(0, 0)] * (sequence.ndim - 2))


class Parts(NamedTuple):
    """Training data without the validation part, and that part."""

    training: Sequences
    validation: Sequences
    people: np.ndarray  # who trains
    validation_people: np.ndarray


def hold_out(
    runs: Sequences,
    people: np.ndarray,
    *,
    share: float,
    steps: int,
    seed: int,
    lengths: Sequence[int] | None = None,
) -> Parts:
    """Draw a validation part from the training part: the last steps of some people's runs.

    Args:
        runs: the training part, [people, run, time, ...].
        people: rows who train.
        share: of them whose last steps validate; at least one person.
        steps: how many steps.
        seed: who.
        lengths: steps of each run that are its own, what follows is filling; None: all of them.

    Returns: `Parts`; the training part masks what validates.
    """
    chosen = _some(people, share, seed)
    inside = [slice(max(own - steps, 0), max(own, steps)) for own in _lengths(runs, lengths)]

    def masked(leaf):
        leaf = np.array(leaf)
        for r, one in enumerate(inside):
            leaf[chosen, r, one] = 0
        return leaf

    training = runs._replace(
        press=masked(runs.press), at_risk=masked(runs.at_risk), bold_mask=masked(runs.bold_mask)
    )
    return Parts(_on_device(training), _rows(_stretches(runs, inside), chosen), people, chosen)


def hold_out_people(
    runs: Sequences,
    people: np.ndarray,
    *,
    share: float,
    steps: int,
    seed: int,
    lengths: Sequence[int] | None = None,
) -> Parts:
    """Keep whole people of the training part for validation: they tell how unseen people fare.

    Arguments as in `hold_out`; of each run the middle, at most 8 times `steps`, validates.
    """
    chosen = _some(people, share, seed)
    kept = min(runs.at_risk.shape[2], 8 * steps)
    first = [max((own - kept) // 2, 0) for own in _lengths(runs, lengths)]
    middle = _stretches(runs, [slice(start, start + kept) for start in first])
    others = np.setdiff1d(people, chosen)
    return Parts(_on_device(runs), _rows(middle, chosen), others, chosen)


def _lengths(runs: Sequences, lengths: Sequence[int] | None) -> Sequence[int]:
    return [runs.at_risk.shape[2]] * runs.at_risk.shape[1] if lengths is None else lengths


def _stretches(runs: Sequences, inside: Sequence[slice]) -> Sequences:
    """Of each run a stretch of its own, all of one length."""
    sequences = {name: leaf for name, leaf in runs._asdict().items() if name != "available"}
    return runs._replace(
        **{
            name: np.stack([leaf[:, r, one] for r, one in enumerate(inside)], axis=1)
            for name, leaf in sequences.items()
        }
    )


def _some(people: np.ndarray, share: float, seed: int) -> np.ndarray:
    number = max(1, round(share * len(people)))
    return np.sort(np.random.default_rng(seed).permutation(people)[:number])


def _rows(runs: Sequences, people: np.ndarray) -> Sequences:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[people]), runs)


def _on_device(runs: Sequences) -> Sequences:
    return jax.tree.map(jnp.asarray, runs)
