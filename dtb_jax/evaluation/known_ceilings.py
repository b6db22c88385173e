"""Figures of the oracles in simulated people: ceilings that no model exceeds, but by chance."""

from typing import Any

import numpy as np

from dtb_jax.data.splits import SPLIT_S, STOP_S, in_part
from dtb_jax.data.tasks.lists import trial_lists
from dtb_jax.evaluation.behaviour import choices, times
from dtb_jax.evaluation.figures import FEWEST, Estimate, resample
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.models.oracle import knows_person, knows_run, knows_scores, predict
from dtb_jax.models.prediction import Prediction
from dtb_jax.simulation.behaviour import DESIGNS
from dtb_jax.simulation.parameters import RUNS
from dtb_jax.simulation.people import People
from dtb_jax.simulation.presses import as_trials, simulate_presses
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.types import Run


def ceilings(truth: CausalModel, people: People, *, seed: int) -> dict[str, dict[str, dict]]:
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


def _nothing_known(metric: str, figure: Estimate) -> Estimate:
    """An oracle that says the same of everybody has r = 0; of too few people r stays undefined."""
    constant = figure.value is None and figure.n >= FEWEST
    return Estimate(0.0, n=figure.n) if constant and "_r" in metric else figure


def _as_run(run: str, responses) -> Run:
    trials = as_trials(run, responses)
    people = len(trials.onset_s)
    nothing = np.zeros((people, 0, 0), np.float32)
    return Run(
        DESIGNS[run][0],
        run,
        trials,
        stimulus=nothing,
        bold=nothing,
        bold_mask=np.zeros((people, 0), bool),
        present=np.ones(people, bool),
    )


def _figures(scored: EvaluationTargets, told: Prediction) -> dict[str, Estimate]:
    found = choices(scored, told) | times(scored, told)
    del found["effect_r_disattenuated"]  # these people's noise is known: the others' r are ceilings
    return found


def _scored(run: Run, start_s: float, stop_s: float) -> EvaluationTargets:
    drawn = resample(np.zeros(len(run.present), int))
    lists = trial_lists(run, in_part(run, start_s, stop_s))
    drawn = drawn._replace(nuisance=lists.regressors, block=lists.block)
    no_glm: Any = None  # these people were not scanned
    return EvaluationTargets(
        run, start_s, stop_s, run.present, drawn, lists, no_glm, run.bold, run.bold
    )
