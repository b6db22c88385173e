"""What a model says about one run of everybody: the record that all models are scored on."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.response import Response, windows
from dtb_jax.twin import Params, Twin, simulate, split_outputs
from dtb_jax.types import STEP_S, Cohort, Run, TaskRun


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
    person_time_s: np.ndarray | None = None  # [people]
    condition_time_s: np.ndarray | None = None  # [people, condition]
    bold: np.ndarray | None = None  # [people, volume, region], z-scored
    person_t: np.ndarray | None = None  # [people, region], where no series is predicted
    personal: bool = True  # False: tells nobody apart, so that r over people means nothing


def predict(
    twin: Twin,
    params: Params,
    connectomes: np.ndarray,
    cohort: Cohort,
    part: Run,
    read: Callable[..., Response],
    *,
    start_s: float,
    chunk: int = 32,
) -> list[Prediction]:
    """Roll a part of every run out in one piece from h = 0 and read choices, times and BOLD.

    Args:
        twin, params: the model.
        connectomes: whose connectome each person gets, [people, edge] (a shuffled one, say).
        cohort: the people's trials.
        part: the part's stimuli, [people, run, time, ...].
        read: `response.read_hazard` or `response.read_pulses`.
        start_s: when the part begins.
        chunk: people rolled out together.

    Returns: one `Prediction` a run of the cohort, [people, ...].
    """
    actions = part.press.shape[-1]
    simulate_chunk = jax.jit(
        lambda params, edges, stimulus: jax.vmap(simulate, in_axes=(None, None, 0, 0))(
            twin, params, edges, stimulus
        )
    )
    people = len(connectomes)
    chunks = []
    for start in range(0, people, chunk):
        # The last chunk is filled up, so that every call has one shape and one compilation.
        rows = np.minimum(np.arange(start, start + chunk), people - 1)
        found = simulate_chunk(params, jnp.asarray(connectomes[rows]), part.stimulus[rows])
        chunks.append(np.asarray(found)[: people - start])
    outputs = np.concatenate(chunks)
    predictions = []
    for r, run in enumerate(cohort.runs):
        logits, series = split_outputs(outputs[:, r], actions)
        response = _read_run(run, logits, part.available[:, r], read, start_s)
        per_volume = run.stimulus.shape[1] // run.bold.shape[1]
        probability = np.asarray(response.choice_probability)
        predictions.append(
            Prediction(
                choice=probability.argmax(-1),
                choice_probability=probability,
                omission_probability=np.asarray(response.omission_probability),
                reaction_time_s=np.asarray(response.reaction_time_s),
                reaction_time_sd_s=np.asarray(response.reaction_time_sd_s),
                bold=series[:, ::per_volume] if series.shape[-1] else None,
            )
        )
    return predictions


def _read_run(run: TaskRun, logits, available, read, start_s: float) -> Response:
    trials, steps = run.trials, logits.shape[1]
    length = int(np.ceil(trials.deadline_s.max() / STEP_S))

    def one(logits, available, onset, deadline, present):
        frame = windows(onset, deadline, present, start_s, steps, length)
        return read(logits, available, frame)

    return jax.jit(jax.vmap(one))(
        jnp.asarray(logits),
        jnp.asarray(available),
        jnp.asarray(trials.onset_s, jnp.float32),
        jnp.asarray(trials.deadline_s, jnp.float32),
        jnp.asarray(trials.present),
    )
