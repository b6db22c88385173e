"""Cohorts in which people saw different trial lists, for `benchmarks.false_claims`.

The brains, parameters and race of `dtb_jax.simulation`; only what is shown differs:

seven_lists     One task; seven orders, seen by 44, 31, 13, 9, 2, 1 and 1 % of the people, with
                other shares of hard trials and error rates from .05 to .38.
lists_by_site   One task; three such lists, one at each of three sites. Scanners differ, so that
                connectomes tell the site, and participants.tsv does not.
unequal_shares  One task; everybody has an order of their own, and a share of hard trials between
                .2 and .8.
three_tasks     Three tasks; two lists of different difficulty in each, drawn independently.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from dtb_jax.data.bids import PARTICIPANT_COLUMNS
from dtb_jax.data.tasks.task import events_to_timeseries, possible_actions
from dtb_jax.simulation.behaviour import Design, Responses, respond
from dtb_jax.simulation.parameters import RUNS
from dtb_jax.simulation.people import People
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.twin.connectome import parcel_count
from dtb_jax.types import STEP_S, Cohort, Run, StimulusEvents, Task, Trials

DESIGNS = ("seven_lists", "lists_by_site", "unequal_shares", "three_tasks")
TRIALS, GAP_S, WINDOW_S = 60, 2.4, 1.8
SHARES = (0.435, 0.306, 0.129, 0.094, 0.018, 0.012, 0.006)
RATES = (0.05, 0.07, 0.09, 0.06, 0.38, 0.30, 0.26)
HARD = (0.5, 0.4, 0.6, 0.3, 0.5, 0.7, 0.5)
SITE_SHIFT = 0.5
"""Of connectomes between sites, in SD of an edge over people."""


def _no_events(events):
    raise NotImplementedError("simulated without events files")


def make_task(name: str, flags: tuple[float, ...]) -> Task:
    """Two buttons, an easy and a hard condition; condition and correct side are shown."""
    return Task(
        name=name,
        bids_name=name,
        channels=4,
        actions=("left", "right"),
        available=(True, True),
        conditions=("easy", "hard"),
        contrast=("hard", "easy"),
        columns=(),
        numeric=(),
        decode=_no_events,
        flags=flags,
    )


def listed_cohort(
    kind: str,
    truth: CausalModel,
    people: People,
    edges: np.ndarray,
    table: pd.DataFrame,
    *,
    seed: int,
) -> Cohort:
    """People with behaviour in one of `DESIGNS`, and no BOLD.

    Args:
        kind: of the design.
        truth: which parameters connectomes cause.
        people: their scores and residuals.
        edges: [people, edge].
        table: age, sex, site and so on.
        seed: of lists, order and presses.
    """
    rng = np.random.default_rng([seed, DESIGNS.index(kind)])
    count = len(edges)
    if kind == "lists_by_site":
        site = rng.integers(3, size=count)
        shift = rng.normal(size=(3, edges.shape[1])) * SITE_SHIFT * edges.std(axis=0)
        edges = (edges + shift[site]).astype(np.float32)
        table = table.assign(site=np.nan)
        runs = [_lists(rng, site, RATES[1:6:2], HARD[1:6:2])]
    elif kind == "seven_lists":
        runs = [_lists(rng, rng.choice(7, count, p=np.divide(SHARES, sum(SHARES))), RATES, HARD)]
    elif kind == "unequal_shares":
        share = rng.uniform(0.2, 0.8, count)
        hard = (rng.permuted(np.tile(np.arange(TRIALS), (count, 1)), axis=1) + 0.5) / TRIALS
        hard = (hard < share[:, None]).astype(int)
        runs = [(hard, rng.integers(2, size=hard.shape), np.full(hard.shape, _offset(0.08)))]
    else:
        two = [rng.integers(2, size=count) for _ in range(3)]
        runs = [_lists(rng, of, (0.05, 0.3), (0.4, 0.6)) for of in two]
    flags = np.eye(3)[:, 1:] if kind == "three_tasks" else np.zeros((1, 1))
    made = [
        _run(make_task(f"task{k}", tuple(map(float, flags[k]))), k, shown, truth, people, seed)
        for k, shown in enumerate(runs)
    ]
    return Cohort(
        participants=table.reindex(columns=list(PARTICIPANT_COLUMNS)),
        connectomes=edges,
        runs=tuple(made),
        regions=(),
        parcels=parcel_count(edges.shape[1]),
        repetition_time_s=0.8,
        connectome_source="simulated",
        bold_source="none",
    )


def _lists(rng: np.random.Generator, of: np.ndarray, rates, hard):
    """Condition, correct side and difficulty of every trial of people who saw these lists."""
    kinds = len(rates)
    order = rng.permuted(np.tile(np.arange(TRIALS), (kinds, 1)), axis=1)
    condition = (order < np.array(hard)[:, None] * TRIALS).astype(int)
    correct = rng.integers(2, size=(kinds, TRIALS))
    item = np.array([_offset(rate) for rate in rates])[:, None] + 0.1 * rng.normal(size=(1, TRIALS))
    return condition[of], correct[of], item[of]


@cache
def _offset(rate: float) -> float:
    """Difficulty, off the log rate of the correct action, that gives about this error rate."""
    return float(np.interp(rate, ERRORS, (-0.6, 0.0, 0.4, 0.8)))


ERRORS = (0.043, 0.086, 0.211, 0.433)
"""Error rates, omissions included, of offsets -.6, 0, .4 and .8: 300 people, rho = 0."""


def _run(task: Task, k: int, shown, truth: CausalModel, people: People, seed: int) -> Run:
    condition, correct, item = shown
    count = len(condition)
    key = jax.random.fold_in(jax.random.key(seed), k)
    made = _respond(
        truth,
        people.scores,
        people.residual,
        condition,
        correct,
        item,
        jnp.int32((k + 1) % len(RUNS)),
        key,
    )
    pressed = Responses(*map(np.asarray, made))
    onset = np.tile(1.0 + GAP_S * np.arange(TRIALS), (count, 1))
    accurate = pressed.answered & (pressed.action == correct)
    possible = possible_actions(
        correct.ravel(), pressed.answered.ravel(), accurate.ravel(), task.available
    )
    trials = Trials(
        onset_s=onset,
        deadline_s=np.full_like(onset, WINDOW_S),
        duration_s=np.full_like(onset, WINDOW_S),
        condition=condition,
        item=2 * condition + correct,
        correct=correct,
        possible=possible.reshape(*correct.shape, 2),
        response_time_s=np.where(pressed.answered, pressed.response_time_s, 0.0).astype(float),
        answered=pressed.answered,
        present=np.ones(correct.shape, bool),
    )
    volumes = int(np.ceil((onset[0, -1] + 10) / 0.8))
    steps = volumes * round(0.8 / STEP_S)
    value = np.concatenate([np.eye(2)[condition], np.eye(2)[correct]], axis=2)
    stimulus = np.stack(
        [
            events_to_timeseries(
                StimulusEvents(onset[i], onset[i] + WINDOW_S, value[i]), steps, task.flags
            )
            for i in range(count)
        ]
    )
    return Run(
        task,
        f"{task.name}_run-01",
        trials,
        stimulus=stimulus,
        bold=np.zeros((count, volumes, 0), np.float32),
        bold_mask=np.zeros((count, volumes), bool),
        present=np.ones(count, bool),
    )


@jax.jit
def _respond(truth: CausalModel, scores, residual, condition, correct, item, run, key) -> Responses:
    def one(i, scores, residual, condition, correct, item):
        design = Design(
            run=run,
            correct=correct,
            hard=condition.astype(jnp.float32),
            lure=jnp.zeros((TRIALS, 2)),
            item=item.astype(jnp.float32),
            progress=jnp.linspace(-1, 1, TRIALS),
            window_s=jnp.full(TRIALS, WINDOW_S),
            available=jnp.ones(2),
        )
        return respond(
            truth.parameters_of_scores(scores, residual), design, key=jax.random.fold_in(key, i)
        )

    return jax.vmap(one)(jnp.arange(len(condition)), scores, residual, condition, correct, item)
