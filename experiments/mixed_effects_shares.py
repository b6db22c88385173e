"""The share of individual differences that connectomes carry, and the truth where it is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dtb_jax.data import folds as splits
from dtb_jax.data.averages import condition_means
from dtb_jax.data.confounds import CONFOUNDS, design
from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation.assessment import scored_parts
from dtb_jax.evaluation.carried import VarianceExplained, shares, similarities
from dtb_jax.evaluation.phenotypes import phenotypes
from dtb_jax.models import oracle
from dtb_jax.models.prediction import Prediction
from dtb_jax.simulation.parameters import NAMES, RUNS
from dtb_jax.simulation.people import has_truth, load_truth
from dtb_jax.types import Array, Cohort, Run, required

AMYGDALA = "faces_R_amygdala"


def carried_shares(
    cohort: Cohort, networks: Sequence[str] | None, *, seed: int
) -> dict[str, dict[str, VarianceExplained]]:
    """Shares of all numbers: plain, and beyond age, sex, site and motion."""
    from threadpoolctl import threadpool_limits

    everyone = np.ones(len(cohort.connectomes), bool)
    known = everyone if cohort.other_present is None else cohort.other_present
    scored = scored_parts(cohort, splits.everybody(cohort), np.zeros(len(known), int))
    asked = phenotypes(scored, cohort.regions)
    beyond = design(cohort.participants, CONFOUNDS, known)
    # matrices between people are small: threads would wait for each other
    with threadpool_limits(1):
        kinds = similarities(cohort.connectomes, cohort.other_connectomes, networks)
        return {
            "plain": shares(kinds, asked, known, seed=seed),
            "beyond": shares(kinds, asked, known, seed=seed, regressors=beyond),
        }


def share_metrics(one: VarianceExplained) -> dict:
    """As it goes into `metrics.json`: median, and the 95 % interval as in every figure."""
    known = one.median is not None
    low, high = one.intervals["0.95"] if known else (None, None)
    return {
        "value": one.median,
        "sd": None,
        "ci_low": low,
        "ci_high": high,
        "n": one.people,
        "ci_80": list(one.intervals["0.8"]) if known else None,
        "ci_50": list(one.intervals["0.5"]) if known else None,
        "reliability": one.reliability,
        "kinds": dict(zip(("edges", "blocks"), one.mixture.tolist(), strict=False)),
    }


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


def _numbers(run: Run, told: Prediction) -> dict[str, np.ndarray]:
    trials = run.trials
    times = required(told.reaction_time_s)
    conditions = len(run.task.conditions)
    means = condition_means(times, trials.present, trials.condition, conditions)
    right = np.take_along_axis(required(told.choice_probability), trials.correct[..., None], -1)[
        ..., 0
    ]
    return {
        "reaction_time": times.mean(axis=1),
        "effect": effect(run.task, means),
        "accuracy": right.mean(axis=1),
    }


def _square(one: Array, other: Array) -> float:
    if min(one.std(), other.std()) < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1] ** 2)
