"""Choices and reaction times of one simulated person in one run, drawn or expected."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from dtb_jax.data.tasks import FACES, STROOP
from dtb_jax.data.tasks.designs import load_design
from dtb_jax.simulation.parameters import RUNS, Parameters
from dtb_jax.simulation.race import expected_winner, finishing_times
from dtb_jax.types import Array, Task, Trials

ITEM_SD = {FACES.name: 0.155, STROOP.name: 0.135}
"""Of the difficulty that trials have for everybody, off the log rate."""
SHORTEST_WINDOW_S = 0.05
"""Left for the race however slow the rest is."""

DESIGNS = dict(zip(RUNS, ((FACES, "faces"), (STROOP, "stroop_ap"), (STROOP, "stroop_pa"))))
"""Task and trial list of each run."""


class Design(NamedTuple):
    """One run as the response process sees it."""

    run: Int[Array, ""]  # its place in `RUNS`
    correct: Int[Array, " trial"]
    hard: Float[Array, " trial"]  # 1 in the condition that costs: incongruent, face
    lure: Float[Array, "trial action"]  # 1 on the wrong action that an incongruent word names
    item: Float[Array, " trial"]  # shared difficulty, off the log rate
    progress: Float[Array, " trial"]  # from -1 at the run's first trial to 1 at its last
    window_s: Float[Array, " trial"]  # in which a press counts
    available: Float[Array, " action"]


class Responses(NamedTuple):
    """What a person did in one run."""

    action: Int[Array, " trial"]
    response_time_s: Float[Array, " trial"]
    answered: Bool[Array, " trial"]


class Expected(NamedTuple):
    """What the person's parameters lead one to expect, by quadrature."""

    probability: Float[Array, "trial action"]  # the rest to 1 is omission
    reaction_time_s: Float[Array, " trial"]  # of a correct press


def make_design(run: str, item: Float[Array, " trial"]) -> Design:
    """The packaged trial list of a run, with the difficulty of each trial.

    Args:
        run: one of `RUNS`.
        item: [trial], see `Design`.
    """
    task, trials = run_trials(run)
    hard = trials.condition == task.conditions.index(task.contrast[0])
    lure = np.zeros(trials.possible.shape)
    if task is STROOP:
        words = [STROOP.actions.index(w) for w in run_table(run)["stimulus_text"].str.strip()]
        lure[np.arange(len(words)), words] = hard
    return Design(
        run=np.array(RUNS.index(run)),
        correct=trials.correct,
        hard=hard.astype(np.float32),
        lure=lure.astype(np.float32),
        item=item,
        progress=np.linspace(-1, 1, len(hard), dtype=np.float32),
        window_s=trials.deadline_s.astype(np.float32),
        available=np.array(task.available, np.float32),
    )


def draw_items(rng: np.random.Generator, run: str) -> Float[np.ndarray, " trial"]:
    """Difficulty of each trial; each condition's have mean 0 and the SD of `ITEM_SD`."""
    task, trials = run_trials(run)
    item = rng.normal(size=len(trials.condition))
    for c in range(len(task.conditions)):
        chosen = trials.condition == c
        item[chosen] = (item[chosen] - item[chosen].mean()) / item[chosen].std()
    return (ITEM_SD[task.name] * item).astype(np.float32)


def run_table(run: str):
    """Trial list of a run as a table, without answers."""
    return load_design(DESIGNS[run][1])


def run_trials(run: str) -> tuple[Task, Trials]:
    """Task and decoded trials of a run's list, as if nobody had pressed."""
    task = DESIGNS[run][0]
    table = run_table(run).assign(response_time=np.nan, accuracy_binarized=0.0)
    return task, task.decode(table)[0]


def rates(parameters: Parameters, design: Design) -> Float[Array, "trial action"]:
    """Rates of all accumulators in every trial.

    log v_correct = log drift + slope progress - cost hard - item,
    log v_wrong   = log drift + slope progress - selectivity + lure.
    """
    base = jnp.log(parameters.drift[design.run]) + parameters.slope[design.run] * design.progress
    right = base - parameters.cost[design.run] * design.hard - design.item
    wrong = (
        base[:, None]
        - parameters.selectivity[design.run]
        + parameters.lure[design.run] * design.lure
    )
    is_right = jnp.arange(len(design.available)) == design.correct[:, None]
    return jnp.exp(jnp.where(is_right, right[:, None], wrong))


def respond(parameters: Parameters, design: Design, *, key: PRNGKeyArray) -> Responses:
    """Draw one run of one person.

    The race's winner is pressed `non_decision_s` after it finished; a lapse replaces it by a
    random button; unattended trials and presses after the window are omissions.

    Args:
        parameters: of one person, [run].
        design: the run.
        key: of everything random here.

    Returns: `Responses`.
    """
    trials = len(design.correct)
    race_key, lapse_key, button_key, omission_key = jax.random.split(key, 4)
    drift, boundary = rates(parameters, design), parameters.boundary[design.run]
    times = finishing_times(drift, boundary, key=race_key)
    times = jnp.where(design.available > 0, times, jnp.inf)
    time = times.min(axis=1) + parameters.non_decision_s[design.run]
    lapsed = jax.random.uniform(lapse_key, (trials,)) < parameters.lapse[design.run]
    button = jax.random.categorical(button_key, jnp.log(design.available), shape=(trials,))
    attended = jax.random.uniform(omission_key, (trials,)) >= parameters.omission[design.run]
    return Responses(
        action=jnp.where(lapsed, button, times.argmin(axis=1)),
        response_time_s=time,
        answered=attended & (time < design.window_s),
    )


def expect(parameters: Parameters, design: Design) -> Expected:
    """Expectation of `respond`, differentiable in the parameters.

    Args:
        parameters: of one person, [run].
        design: the run.

    Returns: `Expected`.
    """
    drift, boundary = rates(parameters, design), parameters.boundary[design.run]
    wait = parameters.non_decision_s[design.run]
    left = jnp.maximum(design.window_s - wait, SHORTEST_WINDOW_S)
    won = jax.vmap(expected_winner, in_axes=(0, None, None, 0))(
        drift, boundary, design.available, left
    )
    lapse = parameters.lapse[design.run]
    random = lapse * design.available / design.available.sum()
    in_time = won.probability.sum(axis=1, keepdims=True)
    probability = (1 - lapse) * won.probability + random * in_time
    # a correct press is the race's, or a lapse's that happens to be correct
    own = jnp.take_along_axis(won.probability, design.correct[:, None], axis=1)[:, 0]
    own_time = jnp.take_along_axis(won.time_s, design.correct[:, None], axis=1)[:, 0]
    guess = random[design.correct]
    any_time = (won.probability * won.time_s).sum(axis=1)
    mean = ((1 - lapse) * own * own_time + guess * any_time) / jnp.maximum(
        (1 - lapse) * own + guess * in_time[:, 0], 1e-12
    )
    return Expected(
        probability=(1 - parameters.omission[design.run]) * probability,
        reaction_time_s=wait + mean,
    )
