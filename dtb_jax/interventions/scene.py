"""One standard session for all twins: the same stimuli and trials, so that only networks differ."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dtb_jax.data.splits import BoldScale, volume_range
from dtb_jax.twin.bold import Solver, condition_contrast, design_matrix, drift_order, glm_solver
from dtb_jax.twin.response import Windows, windows
from dtb_jax.types import STEP_S, Array, Cohort, Run


class RunReadout(NamedTuple):
    """How one run's outputs become behaviour and t-values."""

    windows: Windows  # [trial, window]
    correct: Int[Array, " trial"]
    more: Float[Array, " trial"]  # 1 in the first condition of the task's contrast
    less: Float[Array, " trial"]  # 1 in the second
    available: Float[Array, " action"]
    volumes: Int[Array, " volume"]  # step at which each volume is taken
    solver: Solver
    contrast: Float[Array, " regressor"]


class SessionProtocol(NamedTuple):
    """All that twins are shown, and how they are read."""

    stimulus: Float[Array, "run time input"]
    readings: dict[str, RunReadout]  # by the task's name, in alphabetical order, as runs are
    unit: Float[Array, " region"]  # SD of each region: what one unit of a BOLD channel is worth


def standard_protocol(
    cohort: Cohort, scale: BoldScale, *, start_s: float = 0.0, stop_s: float = np.inf
) -> SessionProtocol:
    """The session of whoever's timing is nearest to everybody's median, run by run.

    Args:
        cohort: whose designs.
        scale: units of the twin's BOLD channels.
        start_s, stop_s: the part of each run; it begins at h = 0.

    Returns: `SessionProtocol`; the first run of each task serves.

    Raises: ValueError when the part has no whole trial of a condition of the contrast.
    """
    runs = {run.task.name: run for run in reversed(cohort.runs)}
    runs = {name: runs[name] for name in sorted(runs)}  # the order that JAX gives a dict
    length_s = min(stop_s, max(run.stimulus.shape[1] for run in runs.values()) * STEP_S)
    steps = round((length_s - start_s) / STEP_S)
    stimulus, readings = [], {}
    for name, run in runs.items():
        person = typical_person(run)
        first = round(start_s / STEP_S)
        shown = run.stimulus[person, first : first + steps]
        stimulus.append(np.pad(shown, [(0, steps - len(shown)), (0, 0)]))
        readings[name] = _reading(run, person, start_s, length_s, steps)
    scene = SessionProtocol(np.stack(stimulus), readings, np.asarray(scale.sd, np.float32))
    return jax.tree.map(jnp.asarray, scene)


def typical_person(run: Run) -> int:
    """The row whose onsets and durations are nearest to the median of all who have every trial."""
    trials = run.trials
    count = (trials.present & run.present[:, None]).sum(axis=1)
    whole = np.flatnonzero(count == count.max())
    timing = np.concatenate([trials.onset_s, trials.duration_s], axis=1)[whole]
    away = np.abs(timing - np.median(timing, axis=0)).sum(axis=1)
    return int(whole[away.argmin()])


def _reading(run: Run, person: int, start_s: float, stop_s: float, steps: int) -> RunReadout:
    trials = type(run.trials)(*(field[person] for field in run.trials))
    # A trial whose window is cut off by the end would look faster than it is; one that nobody could
    # answer has expectations without a gradient.
    whole = (trials.onset_s >= start_s) & (trials.onset_s + trials.deadline_s <= stop_s)
    kept = trials.present & whole
    trials = type(trials)(*(field[kept] for field in trials))
    for name in run.task.contrast:
        if not np.any(trials.condition == run.task.conditions.index(name)):
            raise ValueError(
                f"{run.task.name}: no trial with {name} has its whole window from {start_s:g} to "
                f"{stop_s:g} s; expected a part with both conditions"
            )
    length = int(np.ceil(trials.deadline_s.max() / STEP_S))
    frame = windows(
        jnp.asarray(trials.onset_s, jnp.float32),
        jnp.asarray(trials.deadline_s, jnp.float32),
        jnp.asarray(trials.present),
        start_s,
        steps,
        length,
    )
    more, less = (run.task.conditions.index(name) for name in run.task.contrast)
    volumes = volume_range(run, start_s, stop_s)
    count, tr = volumes.stop - volumes.start, run.stimulus.shape[1] * STEP_S / run.bold.shape[1]
    events = [trials.condition == c for c in range(len(run.task.conditions))]
    timing = [(trials.onset_s[e] - start_s, trials.duration_s[e]) for e in events]
    design = design_matrix(timing, count, tr, drift_order(count, tr)).astype(np.float32)
    return RunReadout(
        frame,
        trials.correct.astype(np.int32),
        (trials.condition == more).astype(np.float32),
        (trials.condition == less).astype(np.float32),
        np.array(run.task.available, np.float32),
        (np.arange(count) * round(tr / STEP_S)).astype(np.int32),
        glm_solver(jnp.asarray(design), jnp.ones(count, bool)),
        condition_contrast(more, less, design.shape[1]).astype(np.float32),
    )
