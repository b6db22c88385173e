"""Cutting runs in time: what trains, what validates, what tests, and what is learned from it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.bold import upsample_cubic
from dtb_jax.tasks.task import press_sequence
from dtb_jax.types import STEP_S, Cohort, Run, TaskRun

SPLIT_S, STOP_S = 196.8, 393.6
"""The paper's split of each run: what comes before the first trains, what follows tests."""


class BoldScale(NamedTuple):
    """Mean and SD of each region over people and training volumes."""

    mean: np.ndarray
    sd: np.ndarray


def volume_range(run: TaskRun, start_s: float, stop_s: float) -> slice:
    """Volumes acquired from `start_s` (included) to `stop_s` (excluded)."""
    per_volume = run.stimulus.shape[1] // run.bold.shape[1]
    seconds = per_volume * STEP_S
    first = int(np.ceil(start_s / seconds - 1e-6))
    return slice(first, min(int(np.ceil(stop_s / seconds - 1e-6)), run.bold.shape[1]))


def fit_bold_scale(cohort: Cohort, stop_s: float, people: np.ndarray) -> BoldScale:
    """Statistics of the training part only: these people, volumes before `stop_s`."""
    rows = [np.zeros((0, len(cohort.regions)))]
    for run in cohort.runs:
        part = volume_range(run, 0.0, stop_s)
        rows.append(run.bold[people, part][run.bold_mask[people, part]])
    values = np.concatenate(rows)
    if len(values) == 0:
        return BoldScale(np.zeros(len(cohort.regions)), np.ones(len(cohort.regions)))
    sd = values.std(axis=0)
    return BoldScale(values.mean(axis=0), np.where(sd > 0, sd, 1.0))


def z_scored(volumes: np.ndarray, mask: np.ndarray, scale: BoldScale) -> np.ndarray:
    """(volumes - mean) / sd of each region; masked volumes become 0."""
    return (volumes - scale.mean) / scale.sd * mask[..., None]


def scaled(cohort: Cohort, scale: BoldScale) -> Cohort:
    """The same people with z-scored BOLD; masked volumes become 0."""
    runs = tuple(run._replace(bold=z_scored(run.bold, run.bold_mask, scale)) for run in cohort.runs)
    return cohort._replace(runs=runs)


def in_part(run: TaskRun, start_s: float, stop_s: float) -> np.ndarray:
    """Trials whose onset lies in [start_s, stop_s), [people, trial]."""
    onset = run.trials.onset_s
    return run.trials.present & (onset >= start_s) & (onset < stop_s)


def cut(
    cohort: Cohort, start_s: float, stop_s: float, scale: BoldScale, *, pulse_steps: int = 1
) -> Run:
    """The part of every run between two times, as the twin sees it.

    BOLD is upsampled from this part's own volumes, so nothing leaks across a split.

    Args:
        cohort: everybody.
        start_s, stop_s: the part; runs that end earlier are masked at the end.
        scale: z-scores BOLD.
        pulse_steps: width of a press in steps.

    Returns: `Run` [people, run, time, ...] on the host.
    """
    steps = round((stop_s - start_s) / STEP_S)
    parts = [_cut_run(run, start_s, stop_s, steps, scale, pulse_steps) for run in cohort.runs]
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *parts)


def _cut_run(run: TaskRun, start_s, stop_s, steps: int, scale: BoldScale, width: int) -> Run:
    first = round(start_s / STEP_S)
    people, total = run.stimulus.shape[:2]
    inside = slice(first, min(first + steps, total))
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
    return Run(
        stimulus=_fill(run.stimulus[:, inside], steps),
        press=_fill(press, steps),
        at_risk=_fill(at_risk, steps),
        available=available,
        bold=_fill(fine.astype(np.float32), steps),
        bold_mask=_fill(seen.astype(np.float32), steps),
    )


def _upsampled(volumes: np.ndarray, mask: np.ndarray, factor: int) -> np.ndarray:
    fine = np.zeros((len(volumes) * factor, volumes.shape[1]))
    count = int(mask.sum())
    if count >= 2:
        fine[: count * factor] = upsample_cubic(volumes[:count], factor)
    return fine


def _fill(sequence: np.ndarray, steps: int) -> np.ndarray:
    missing = steps - sequence.shape[1]
    return np.pad(sequence, [(0, 0), (0, missing)] + [(0, 0)] * (sequence.ndim - 2))


class Parts(NamedTuple):
    """Training data without the validation part, and that part."""

    training: Run
    validation: Run
    validation_people: np.ndarray


def hold_out(runs: Run, *, share: float, steps: int, seed: int) -> Parts:
    """Draw a validation part from the training half: the last steps of some people's runs.

    Args:
        runs: the training half, [people, run, time, ...].
        share: of people whose last steps validate; at least one person.
        steps: how many steps.
        seed: who.

    Returns: `Parts`; the training part masks what validates.
    """
    people = runs.at_risk.shape[0]
    chosen = np.sort(
        np.random.default_rng(seed).permutation(people)[: max(1, round(share * people))]
    )

    def last(leaf):
        return jnp.asarray(leaf[chosen][:, :, -steps:])

    def masked(leaf):
        leaf = np.array(leaf)
        leaf[chosen, :, -steps:] = 0
        return leaf

    sequences = runs._replace(available=np.zeros(0))
    validation = jax.tree.map(last, sequences._replace(available=runs.at_risk))._replace(
        available=jnp.asarray(runs.available[chosen])
    )
    training = runs._replace(
        press=masked(runs.press), at_risk=masked(runs.at_risk), bold_mask=masked(runs.bold_mask)
    )
    return Parts(jax.tree.map(jnp.asarray, training), validation, chosen)
