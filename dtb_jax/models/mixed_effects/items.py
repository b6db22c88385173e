"""What a trial does to everybody: people and items cross, and both have their own spread.

    logit(press a) = network + u(item),   u ~ N(0, ITEM_SD^2) for right and for wrong presses

Everybody sees the same trials in the same order: what they do to everybody must not be learned by
heart, nor be taken for what a person is. An item is a stimulus at its place in a run. On new trials
u is drawn from the items that were learned. u is a deviation from trials of the same condition and
of the same quarter of the time: what conditions do is the network's to say, and what practice does
is people's.

Source: Baayen, Davidson & Bates 2008 (people and items as crossed random effects).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dtb_jax.data.folds import Subset
from dtb_jax.data.tasks.task import press_steps
from dtb_jax.types import STEP_S, Array, Cohort, Run, Trials

ITEM_SD = 0.5
"""Of u before any data, in logits."""
PARTS = 4
"""Of the time of a run, that are told apart: do people stay where they are?"""
FEWEST = 8
"""People who saw an item, below whom it has no number of its own."""

Known = dict[tuple[str, int, int, int, int], int]
"""(run, place, condition, stimulus, correct press) -> number from 1."""


class Shown(NamedTuple):
    """What is on at every step."""

    trial: Int[np.ndarray, "*people run time"]  # from 1; 0: none
    item: Int[np.ndarray, "*people run time"]  # 0 where none is known
    correct: Int[np.ndarray, "*people run time"]  # which press is right


def known_items(cohort: Cohort, part: Subset) -> Known:
    """Numbers of all items that enough of the part's people saw."""
    count: dict = {}
    for run in part.of(cohort).runs:
        for i, k in np.argwhere(part.trials(run)):
            key = _key(run, int(i), int(k))
            count[key] = count.get(key, 0) + 1
    kept = [key for key, people in count.items() if people >= FEWEST]
    return {key: number for number, key in enumerate(kept, 1)}


def deviations(known: Known, cohort: Cohort, part: Subset) -> Float[np.ndarray, "item item"]:
    """Projects u on what neither conditions nor quarters of the time explain, run by run."""
    columns: dict = {}
    for run in part.of(cohort).runs:
        start_s, stop_s = part.span(run)
        stop_s = min(stop_s, run.stimulus.shape[1] * STEP_S)
        onset_s = np.nanmedian(np.where(run.trials.present, run.trials.onset_s, np.nan), axis=0)
        share = (onset_s - start_s) / (stop_s - start_s)
        quarter = np.clip(share * PARTS, 0, PARTS - 1).astype(int)
        for key, number in known.items():
            if key[0] == run.name:
                columns.setdefault((run.name, "condition", key[2]), []).append(number)
                columns.setdefault((run.name, "quarter", quarter[key[1]]), []).append(number)
    inside = np.zeros((len(known) + 1, len(columns)))
    for k, rows in enumerate(columns.values()):
        inside[rows, k] = 1
    return np.eye(len(inside)) - inside @ np.linalg.pinv(inside)


def shown_of(run: Run, inside: slice, known: Known) -> Shown:
    """Everybody's trials in some steps of a run, [people, time]."""
    people, steps = run.stimulus.shape[:2]
    trial, item, correct = np.zeros((3, people, steps), np.int32)
    for i in range(people):
        trials = Trials(*(field[i] for field in run.trials))
        own = press_steps(trials)
        # a press may lie in the window's last part of a step
        end = np.where(own.answered, np.maximum(own.closes, own.pressed + 1), own.closes)
        for k in np.flatnonzero(trials.present):
            on = slice(own.opens[k], end[k])
            trial[i, on], correct[i, on] = k + 1, trials.correct[k]
            item[i, on] = known.get(_key(run, i, int(k)), 0)
    return Shown(trial[:, inside], item[:, inside], correct[:, inside])


def _key(run: Run, i: int, k: int) -> tuple[str, int, int, int, int]:
    trials = run.trials
    condition, stimulus, correct = (
        int(field[i, k]) for field in (trials.condition, trials.item, trials.correct)
    )
    return run.name, k, condition, stimulus, correct


def of_new_trials(
    table: Float[Array, "item 2"],
    known: Known,
    runs: Sequence[str],
    shape: tuple[int, int],
    seed: int,
) -> Float[np.ndarray, "draw trial 2"]:
    """u of trials that nobody was seen on: drawn from the items of some runs.

    Args:
        table: learned.
        known: its numbers.
        runs: of the same task.
        shape: draws, trials.
        seed: of the draws.
    """
    rows = [number for (name, *_), number in known.items() if name in runs]
    if not rows:
        return np.zeros((*shape, 2), np.float32)
    chosen = np.random.default_rng(seed).choice(rows, shape)
    return np.asarray(table, np.float32)[chosen]


def with_items(
    logits: Float[Array, "*time action"], table: Float[Array, "item 2"], shown: Shown
) -> Float[Array, "*time action"]:
    """Logits and what the items that are on add to the right press and to all others."""
    u = jnp.where(shown.item[..., None] > 0, table[shown.item], 0.0)
    right = jnp.arange(logits.shape[-1]) == shown.correct[..., None]
    return logits + jnp.where(right, u[..., :1], u[..., 1:])
