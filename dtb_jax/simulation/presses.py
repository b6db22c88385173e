"""Presses of several people at once, and the tables they are written in."""

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.tasks.task import possible_actions
from dtb_jax.simulation.behaviour import DESIGNS, Responses, respond, run_table, run_trials
from dtb_jax.simulation.layout import events_table
from dtb_jax.simulation.parameters import RUNS, Residual
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.types import Trials

CHUNK = 64
"""People simulated together; the last chunk is filled up, so that nothing is compiled twice."""


def simulate_presses(
    truth: CausalModel,
    participants: Sequence[str],
    scores: Float[np.ndarray, "people parameter"],
    residual: Residual,
    *,
    seed: int,
) -> dict[str, Responses]:
    """One session of several people: whoever they are together with changes nothing.

    Args:
        truth: see `truth.CausalModel`.
        participants: names; with the seed they are all that is random.
        scores: causal scores.
        residual: [people, ...].
        seed: of the presses.

    Returns: {run: `Responses` [people, trial]} for all of `RUNS`.
    """
    people = np.array([zlib.crc32(name.encode()) for name in participants], np.uint32)
    found = {}
    for k, run in enumerate(RUNS):
        key = jax.random.fold_in(jax.random.key(seed), k)
        draw = partial(_respond, truth, task=truth.task(run), key=key)
        found[run] = in_chunks(draw, (people, scores, residual))
    return found


def in_chunks(call: Callable, own: tuple) -> Any:
    """`call(*own)` on `CHUNK` people at a time, results joined on the host.

    Args:
        call: of arrays and records whose first axis is people.
        own: these.
    """
    own = jax.tree.map(_in_single_precision, own)
    count = len(jax.tree.leaves(own)[0])
    parts = []
    for start in range(0, count, CHUNK):
        rows = np.minimum(np.arange(start, start + CHUNK), count - 1)
        parts.append(call(*jax.tree.map(lambda a, rows=rows: a[rows], own)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)


def _in_single_precision(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.float32) if np.issubdtype(leaf.dtype, np.floating) else leaf


def events_tables(run: str, responses: Responses) -> list[pd.DataFrame]:
    """A table a person, with the columns of TCP's files."""
    task, design = DESIGNS[run][0], run_table(run)
    correct = run_trials(run)[1].correct
    times = np.where(responses.answered, responses.response_time_s, np.nan).astype(float)
    accurate = responses.answered & (responses.action == correct)
    return [events_table(design, task, t, a) for t, a in zip(times, accurate, strict=True)]


def as_trials(run: str, responses: Responses) -> Trials:
    """What the readers make of these tables, [people, trial]."""
    task, design = run_trials(run)
    people = len(responses.action)
    trials = Trials(*(np.broadcast_to(field, (people, *field.shape)) for field in design))
    answered = np.asarray(responses.answered)
    accurate = answered & (responses.action == design.correct)
    possible = possible_actions(
        trials.correct.ravel(), answered.ravel(), accurate.ravel(), task.available
    )
    return trials._replace(
        possible=possible.reshape(*answered.shape, -1),
        response_time_s=np.where(answered, responses.response_time_s, 0.0).astype(float),
        answered=answered,
    )


@jax.jit
def _respond(truth: CausalModel, people, scores, residual: Residual, task, key) -> Responses:
    def one(person, scores, residual):
        parameters = truth.parameters_of_scores(scores, residual)
        return respond(parameters, task, key=jax.random.fold_in(key, person))

    return jax.vmap(one)(people, scores, residual)
