"""Oracles that know the truth, and the ceilings they set: no model can do better, but by chance.

Three, by what they know of a person:

    time    this run's own parameters: the best for people seen earlier in the same run
    run     what is stable in the person, no run's residual: the best from another run
    people  the causal scores only, no residual: the best for unseen people, whatever is fitted

Each tells the expected reaction time of every trial; what it does not know is averaged over.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.evaluation import Prediction
from dtb_jax.evaluation.behaviour import choices, times
from dtb_jax.evaluation.figures import FEWEST, Figure, resample
from dtb_jax.evaluation.scored import Scored
from dtb_jax.evaluation.splits import SPLIT_S, STOP_S, in_part
from dtb_jax.groundtruth.behaviour import DESIGNS, Design, Expected, expect
from dtb_jax.groundtruth.parameters import NAMES, RUNS, Residual
from dtb_jax.groundtruth.people import People, parameters_of_people
from dtb_jax.groundtruth.presses import as_trials, in_chunks, simulate_presses
from dtb_jax.groundtruth.responses import Gains
from dtb_jax.groundtruth.truth import Truth
from dtb_jax.tasks.lists import trial_lists
from dtb_jax.tasks.task import effect
from dtb_jax.types import TaskRun

DRAWS = 8
"""Residuals over which an oracle averages what it does not know."""


def knows_run(truth: Truth, scores, residual: Residual, task: Design) -> Expected:
    """One person's expected responses from this run's own parameters."""
    return expect(truth.parameters_of_scores(scores, residual), task)


def knows_person(truth: Truth, scores, residual: Residual, task: Design) -> Expected:
    """From the stable parameters, averaged over what runs add."""

    def one(drawn: Residual) -> Expected:
        return knows_run(truth, scores, drawn._replace(person=residual.person), task)

    return _mean_expected(one, task)


def knows_scores(truth: Truth, scores, residual: Residual, task: Design) -> Expected:
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


def predict(
    truth: Truth, people: People, runs: Sequence[TaskRun], knows: Callable[..., Expected]
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


def ceilings(truth: Truth, people: People, *, seed: int) -> dict[str, dict[str, dict]]:
    """Figures of the oracles in these people: in a large population, the ceilings.

    Args:
        truth: their causes.
        people: see `draw_population`, or a cohort's own.
        seed: of their presses; a cohort's own seed gives the presses in its files.

    Returns: {split: {task: {metric: Figure}}}. `time`: second half of Faces and Stroop AP; `run`:
        all of Stroop PA; `people`: all of Faces and Stroop AP. Where nothing is known (`people` at
        rho = 0) a correlation is 0.
    """
    presses = simulate_presses(
        truth, people.participants, people.scores, people.residual, seed=seed
    )
    faces, ap, pa = (_as_run(run, presses[run]) for run in RUNS)
    end = np.inf
    wanted = {
        "time": (knows_run, (faces, ap), SPLIT_S, STOP_S),
        "run": (knows_person, (pa,), 0.0, end),
        "people": (knows_scores, (faces, ap), 0.0, end),
    }
    found: dict[str, dict[str, dict]] = {}
    for split, (knows, runs, start_s, stop_s) in wanted.items():
        told = predict(truth, people, runs, knows)
        found[split] = {
            run.task.name: {
                metric: _nothing_known(metric, figure)
                for metric, figure in _figures(_scored(run, start_s, stop_s), one).items()
            }
            for run, one in zip(runs, told, strict=True)
        }
    return found


def draw_population(truth: Truth, people: int, *, seed: int) -> People:
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


def _nothing_known(metric: str, figure: Figure) -> Figure:
    """An oracle that says the same of everybody has r = 0; of too few people r stays undefined."""
    constant = figure.value is None and figure.n >= FEWEST
    return Figure(0.0, n=figure.n) if constant and "_r" in metric else figure


def _as_run(run: str, responses) -> TaskRun:
    trials = as_trials(run, responses)
    people = len(trials.onset_s)
    nothing = np.zeros((people, 0, 0), np.float32)
    return TaskRun(
        DESIGNS[run][0],
        run,
        trials,
        stimulus=nothing,
        bold=nothing,
        bold_mask=np.zeros((people, 0), bool),
        present=np.ones(people, bool),
    )


def _figures(scored: Scored, told: Prediction) -> dict[str, Figure]:
    found = choices(scored, told) | times(scored, told)
    del found["effect_r_disattenuated"]  # these people's noise is known: the others' r are ceilings
    return found


def _scored(run: TaskRun, start_s: float, stop_s: float) -> Scored:
    drawn = resample(np.zeros(len(run.present), int))
    lists = trial_lists(run, in_part(run, start_s, stop_s))
    drawn = drawn._replace(nuisance=lists.regressors, block=lists.block)
    return Scored(run, start_s, stop_s, run.present, drawn, lists, None, run.bold, run.bold)


@partial(jax.jit, static_argnums=0)
def _expected(knows, truth: Truth, scores, residual: Residual, task: Design) -> Expected:
    return jax.vmap(knows, in_axes=(None, 0, 0, None))(truth, scores, residual, task)
