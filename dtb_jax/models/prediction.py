"""What a model says about one run of everybody: the record that all models are scored on."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.data.splits import Times, of_run
from dtb_jax.twin.response import Response, last_step, log_likelihood, time_quantiles, windows
from dtb_jax.twin.twin import Params, Twin, simulate_cohort, split_outputs
from dtb_jax.types import STEP_S, Cohort, Run, Sequences

INTERVALS = (0.5, 0.8, 0.95)
"""Shares of people's numbers that intervals are meant to hold."""
LEVELS = np.array([0.025, *np.arange(0.05, 0.951, 0.05).round(2), 0.975])
"""Levels of the predicted quantiles of each trial's reaction time."""


class Prediction(NamedTuple):
    """One run; a field is None where a model has nothing to say.

    `person_time_s` and `condition_time_s` are given by baselines that know a person's mean
    directly; otherwise they are the means of `reaction_time_s` over the scored trials.
    """

    choice: np.ndarray | None = None  # [people, trial]
    choice_probability: np.ndarray | None = None  # [people, trial, action]
    omission_probability: np.ndarray | None = None  # [people, trial]
    reaction_time_s: np.ndarray | None = None  # [people, trial]
    reaction_time_sd_s: np.ndarray | None = None
    quantiles_s: np.ndarray | None = None  # [people, trial, level], given a press
    log_likelihood: np.ndarray | None = None  # [people, trial], of what was done
    person_time_s: np.ndarray | None = None  # [people]
    person_time_sd_s: np.ndarray | None = None  # [people], of an observed mean around the told one
    condition_time_s: np.ndarray | None = None  # [people, condition]
    bold: np.ndarray | None = None  # [people, volume, region], z-scored
    person_t: np.ndarray | None = None  # [people, region]; None: that of the series
    personal: bool = True  # False: tells nobody apart, so that r over people means nothing


def predict(
    twin: Twin,
    params: Params,
    connectomes: np.ndarray,
    cohort: Cohort,
    part: Sequences,
    read: Callable[..., Response],
    *,
    start_s: Times,
    people: np.ndarray | None = None,
    chunk: int = 32,
) -> list[Prediction]:
    """Roll a part of every run out in one piece from h = 0 and read choices, times and BOLD.

    Args:
        twin, params: the model.
        connectomes: whose connectome each person gets, [people, edge] (a shuffled one, say).
        cohort: the people's trials.
        part: the part's stimuli, [people, run, time, ...].
        read: `twin.response.read_hazard` or `twin.response.read_pulses`.
        start_s: when the part begins.
        people: rows to predict; None: everybody. Other rows hold zeros.
        chunk: people rolled out together.

    Returns: one `Prediction` a run of the cohort, [people, ...].
    """
    actions = part.press.shape[-1]
    people = np.arange(len(connectomes)) if people is None else people
    told = []
    for start in range(0, len(people), chunk):
        # The last chunk is filled up, so that every call has one shape and one compilation.
        rows = people[np.minimum(np.arange(start, start + chunk), len(people) - 1)]
        edges = jnp.asarray(connectomes[rows], jnp.float32)
        outputs = _simulate(twin, params, edges, part.stimulus[rows])
        found = [
            _read_run(
                run,
                rows,
                outputs[:, r],
                part.available[rows, r],
                actions,
                read,
                of_run(start_s, run.name),
            )
            for r, run in enumerate(cohort.runs)
        ]
        kept = min(chunk, len(people) - start)
        told.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], found))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *told)
    return [spread_out(one, people, len(connectomes)) for one in joined]


def spread_out(found: dict[str, np.ndarray], people: np.ndarray, total: int) -> Prediction:
    """Rows of `people` among zeros for everybody else."""

    def fill(leaf):
        whole = np.zeros((total, *leaf.shape[1:]), leaf.dtype)
        whole[people] = leaf
        return whole

    return Prediction(**{name: fill(leaf) for name, leaf in found.items()})


def _read_run(run: Run, rows, outputs, available, actions, read, start_s) -> dict[str, Any]:
    """Fields of a `Prediction` for some rows of a run."""
    trials = run.trials
    length = int(np.ceil(trials.deadline_s.max() / STEP_S))
    per_volume = run.stimulus.shape[1] // run.bold.shape[1] if run.bold.shape[1] else 1
    logits, series = split_outputs(outputs, actions)
    single = [
        jnp.asarray(field[rows], jnp.float32)
        for field in (trials.onset_s, trials.deadline_s, trials.response_time_s)
    ]
    flags = [trials.present[rows], trials.possible[rows], trials.answered[rows]]
    found = _read(
        logits, available, *single, *flags, jnp.float32(start_s), read=read, length=length
    )
    return found | ({"bold": series[:, ::per_volume]} if series.shape[-1] else {})


_simulate = jax.jit(simulate_cohort)


@partial(jax.jit, static_argnames=("read", "length"))
def _read(
    logits, available, onset, deadline, time, present, possible, answered, start_s, *, read, length
):
    def one(logits, available, onset, deadline, time, present, possible, answered):
        frame = windows(onset, deadline, present, start_s, logits.shape[0], length)
        response = read(logits, available, frame)
        last = last_step(onset, deadline, present, start_s)
        return fields_of(response, onset - start_s, time, possible, answered, last)

    return jax.vmap(one)(logits, available, onset, deadline, time, present, possible, answered)


def fields_of(response: Response, onset_s, time_s, possible, answered, last_step) -> dict[str, Any]:
    """Fields of a `Prediction` about one person's trials.

    Args:
        response: expected on every trial.
        onset_s: of the trials, from the start of the stretch.
        time_s: when the person pressed.
        possible, answered: see `types.Trials`.
        last_step: of each trial's turn, see `response.last_step`: later presses count as made then.
    """
    first, pressed = (jnp.floor((onset_s + late) / STEP_S + 1e-6) for late in (0, time_s))
    after = (jnp.minimum(pressed, last_step) - first).astype(int)
    return {
        "choice": jnp.argmax(response.choice_probability, -1),
        "choice_probability": response.choice_probability,
        "omission_probability": response.omission_probability,
        "reaction_time_s": response.reaction_time_s,
        "reaction_time_sd_s": response.reaction_time_sd_s,
        "quantiles_s": time_quantiles(response, jnp.asarray(LEVELS, jnp.float32)),
        "log_likelihood": log_likelihood(response, possible, answered, after),
    }
