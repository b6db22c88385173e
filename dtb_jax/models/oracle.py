"""Oracles that know the truth: no model can do better, but by chance.

Three, by what they know of a person:

    time    this run's own parameters: the best for people seen earlier in the same run
    run     what is stable in the person, no run's residual: the best from another run
    people  the causal scores only, no residual: the best for unseen people, whatever is fitted

Each tells the expected reaction time of every trial; what it does not know is averaged over.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.data.folds import Subset
from dtb_jax.data.regions import REGIONS
from dtb_jax.data.tasks.task import effect
from dtb_jax.models.prediction import Prediction
from dtb_jax.simulation.behaviour import Design, Expected, expect
from dtb_jax.simulation.parameters import NAMES, RUNS, Residual
from dtb_jax.simulation.people import People, parameters_of_people
from dtb_jax.simulation.presses import in_chunks
from dtb_jax.simulation.responses import Gains
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.types import Cohort, Run

DRAWS = 8
"""Residuals over which an oracle averages what it does not know."""


def knows_run(truth: CausalModel, scores, residual: Residual, task: Design) -> Expected:
    """One person's expected responses from this run's own parameters."""
    return expect(truth.parameters_of_scores(scores, residual), task)


def knows_person(truth: CausalModel, scores, residual: Residual, task: Design) -> Expected:
    """From the stable parameters, averaged over what runs add."""

    def one(drawn: Residual) -> Expected:
        return knows_run(truth, scores, drawn._replace(person=residual.person), task)

    return _mean_expected(one, task)


def knows_scores(truth: CausalModel, scores, residual: Residual, task: Design) -> Expected:
    """From the causal scores alone, averaged over people who share them."""
    return _mean_expected(lambda drawn: knows_run(truth, scores, drawn, task), task)


def _mean_expected(one: Callable[[Residual], Expected], task: Design) -> Expected:
    """Mean over the same residuals for everybody, each with its mirror image."""
    rng = np.random.default_rng(0)
    half, runs = DRAWS // 2, len(RUNS)
    drawn = [
        rng.normal(size=(half, *shape)).astype(np.float32)
        for shape in ((len(NAMES),), (runs, len(NAMES)), (runs,))
    ]
    found = jax.vmap(one)(Residual(*(jnp.concatenate([field, -field]) for field in drawn)))
    probability = found.probability.mean(axis=0)
    # times are those of correct presses: draws count as often as they lead to one
    trial = jnp.arange(len(task.correct))
    share = found.probability[:, trial, task.correct] / probability[trial, task.correct]
    return Expected(probability, (share * found.reaction_time_s).mean(axis=0))


class Oracle(NamedTuple):
    """An oracle among the other models: it knows the truth of a cohort's people, in their order."""

    truth: CausalModel
    people: People
    knows: Callable[..., Expected]  # `knows_run`, `knows_person` or `knows_scores`

    def fit(self, cohort: Cohort, subset: Subset) -> "Oracle":
        return self

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        regions = [REGIONS.index(name) for name in cohort.regions]
        told = predict(self.truth, self.people, subset.of(cohort).runs, self.knows)
        return [
            one if one.person_t is None else one._replace(person_t=one.person_t[:, regions])
            for one in told
        ]


def predict(
    truth: CausalModel, people: People, runs: Sequence[Run], knows: Callable[..., Expected]
) -> list[Prediction]:
    """What an oracle says about runs of these people.

    Args:
        truth: of their cohort.
        people: the rows of the runs, see `People.of`.
        runs: of the simulated designs, `parameters.RUNS`.
        knows: `knows_run`, `knows_person` or `knows_scores`.

    Returns: one `Prediction` a run; BOLD as the true contrast of every region, which only who knows
        the person has.
    """
    told = []
    for run in runs:
        expected = partial(_expected, knows, truth, task=truth.task(run.name))
        found = in_chunks(expected, (people.scores, people.residual))
        gains = effect(run.task, getattr(people.gains, run.task.name))
        told.append(
            Prediction(
                choice=found.probability.argmax(-1),
                choice_probability=found.probability,
                omission_probability=1 - found.probability.sum(-1),
                reaction_time_s=found.reaction_time_s,
                person_t=None if knows is knows_scores else gains,
            )
        )
    return told


def draw_population(truth: CausalModel, people: int, *, seed: int) -> People:
    """People without brains: scores and residuals only."""
    rng = np.random.default_rng([seed, people])
    parameters, runs = len(NAMES), len(RUNS)
    scores = rng.multivariate_normal(np.zeros(parameters), truth.causes.correlation, people)
    residual = Residual(
        person=rng.normal(size=(people, parameters)),
        run=rng.normal(size=(people, runs, parameters)),
        slope=rng.normal(size=(people, runs)),
    )
    nobody = np.zeros((people, 1, 2))
    return People(
        [str(k) for k in range(people)],
        scores,
        residual,
        parameters_of_people(truth, scores, residual),
        Gains(nobody, nobody),
        np.zeros(people),
    )


@partial(jax.jit, static_argnums=0)
def _expected(knows, truth: CausalModel, scores, residual: Residual, task: Design) -> Expected:
    return jax.vmap(knows, in_axes=(None, 0, 0, None))(truth, scores, residual, task)
