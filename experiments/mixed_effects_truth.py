"""Where a cohort knows its causes: the share that connectomes truly carry of every number."""

from pathlib import Path

import numpy as np

from dtb_jax.evaluation.people import condition_means
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.groundtruth import oracle
from dtb_jax.groundtruth.parameters import NAMES, RUNS
from dtb_jax.groundtruth.people import has_truth, load_truth
from dtb_jax.tasks.task import effect
from dtb_jax.types import Cohort, TaskRun

AMYGDALA = "faces_R_amygdala"


def true_shares(folder: Path, cohort: Cohort) -> dict[str, float]:
    """r^2 over these people between what causal scores let one expect and what parameters do.

    Both are expectations without noise, of the same trials; parameters are those of the run.
    Numbers that nothing causes (responses of other regions) are not among them.
    """
    if not has_truth(folder):
        return {}
    truth, people = load_truth(folder)
    people = people.of(list(cohort.participants.index))
    caused, whole = (
        oracle.predict(truth, people, cohort.runs, knows)
        for knows in (oracle.knows_scores, oracle.knows_run)
    )
    found: dict[str, float] = {}
    for run, one, other in zip(cohort.runs, caused, whole, strict=True):
        task = run.task.name
        name = task if f"{task}_reaction_time" not in found else run.name
        for kind, values in _numbers(run, one).items():
            found[f"{name}_{kind}"] = _square(values, _numbers(run, other)[kind])
    gain = people.parameters.amygdala_gain[:, RUNS.index("hammerAP_run-01")]
    scores = people.scores[:, NAMES.index("amygdala_gain")]
    found[AMYGDALA] = _square(scores, gain) if truth.rho[NAMES.index("amygdala_gain")] else 0.0
    return found


def _numbers(run: TaskRun, told: Prediction) -> dict[str, np.ndarray]:
    trials = run.trials
    times = told.reaction_time_s
    conditions = len(run.task.conditions)
    means = condition_means(times, trials.present, trials.condition, conditions)
    right = np.take_along_axis(told.choice_probability, trials.correct[..., None], -1)[..., 0]
    return {
        "reaction_time": times.mean(axis=1),
        "effect": effect(run.task, means),
        "accuracy": right.mean(axis=1),
    }


def _square(one: np.ndarray, other: np.ndarray) -> float:
    if min(one.std(), other.std()) < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1] ** 2)
