"""Behaviour of one run, observed beside predicted: choices, errors, omissions, reaction times."""

import numpy as np

from dtb_jax.data.averages import concordance, masked_mean, row_correlation
from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.distributions import intervals, person_intervals, quantiles
from dtb_jax.evaluation.figures import Estimate, correlation_figure, figure, mean_figure
from dtb_jax.evaluation.reliability import disattenuated
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import required

Figures = dict[str, Estimate]


def behaviour(scored: EvaluationTargets, told: Prediction) -> Figures:
    """All figures of one model in one run; a metric about which it says nothing is absent.

    So are those that compare people, of a model that means the same for everybody: its small
    differences come from leaving each person's own trials out, and run against the person.
    """
    figures: Figures = {}
    for part in (choices, errors, times, quantiles, intervals, person_intervals):
        figures |= part(scored, told)
    if told.personal:
        return figures
    return {name: one for name, one in figures.items() if not _of_people(name)}


def _of_people(metric: str) -> bool:
    return metric not in ("trial_reaction_time_r", "within_person_reaction_time_r") and (
        metric == "error_auc_same_trial" or "_r_" in metric or metric.endswith("_r")
    )


def choices(scored: EvaluationTargets, told: Prediction) -> Figures:
    """Agreement with what was pressed; an omission is a disagreement, unless left out."""
    if told.choice is None:
        return {}
    trials, tested = scored.run.trials, scored.tested()
    counted = {
        "choice_concordance": tested,
        "choice_concordance_answered": tested & trials.answered,
    }
    return {
        name: mean_figure(
            concordance(told.choice, trials.possible, mask), scored.people, scored.drawn
        )
        for name, mask in counted.items()
    }


def error_mask(scored: EvaluationTargets) -> np.ndarray:
    """Trials that were not answered correctly: wrong presses and omissions."""
    return scored.tested() & ~scored.timed()


def error_probability(scored: EvaluationTargets, told: Prediction) -> np.ndarray | None:
    """P(not answered correctly), omissions included, [people, trial]."""
    if told.choice_probability is None or told.omission_probability is None:
        return None
    right = np.take_along_axis(told.choice_probability, scored.run.trials.correct[..., None], -1)
    return 1 - right[..., 0] * (1 - told.omission_probability)


def errors(scored: EvaluationTargets, told: Prediction) -> Figures:
    """How well errors and omissions are foretold, trial by trial and person by person.

    `error_auc` is over all pairs of trials of all people, `error_auc_same_trial` over pairs of
    people on the same trial; `error_log_loss` is in nats a trial.
    """
    probability = error_probability(scored, told)
    if probability is None:
        return {}
    people, drawn, tested = scored.people, scored.drawn, scored.tested()
    wrong, counted = error_mask(scored), tested & people[:, None]
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    loss = -np.where(wrong, np.log(clipped), np.log1p(-clipped))
    omitted, omission = tested & ~scored.run.trials.answered, required(told.omission_probability)

    def auc(statistic):
        return figure(metrics.over_folds(statistic, drawn.fold, fisher=False), people, drawn)

    return {
        "error_auc": auc(metrics.auc(probability, wrong, counted)),
        "error_auc_same_trial": auc(
            metrics.auc_within(probability, wrong, counted, scored.lists.label)
        ),
        "error_log_loss": figure(metrics.per_trial(loss, counted), people, drawn),
        "error_rate_r": correlation_figure(
            masked_mean(wrong.astype(float), tested),
            masked_mean(probability, tested),
            people,
            drawn,
        ),
        "omission_rate": mean_figure(masked_mean(omission, tested), people, drawn),
        "omission_rate_r": correlation_figure(
            masked_mean(omitted.astype(float), tested),
            masked_mean(omission, tested),
            people,
            drawn,
        ),
    }


def times(scored: EvaluationTargets, told: Prediction) -> Figures:
    """Correlations of reaction times: of people, by condition, of effects, and of trials.

    Observed means are over correct presses; a model's are over all tested trials: which of them a
    person got right must not help it.
    """
    if told.reaction_time_s is None:
        return {}
    people, drawn, task = scored.people, scored.drawn, scored.run.task
    observed, timed = scored.run.trials.response_time_s, scored.timed()
    person, condition = told_means(scored, told)
    seen = scored.by_condition(observed, timed)
    known = np.isfinite(told.reaction_time_s)
    figures = {
        "reaction_time_r": correlation_figure(masked_mean(observed, timed), person, people, drawn)
    }
    off = np.abs(masked_mean(observed, timed) - person)
    figures["reaction_time_mae_s"] = mean_figure(off, people, drawn)
    for c, name in enumerate(task.conditions):
        figures[f"reaction_time_r_{name}"] = correlation_figure(
            seen[:, c], condition[:, c], people, drawn
        )
    differences = effect(task, seen), effect(task, condition)
    figures["effect_r"] = correlation_figure(*differences, people, drawn)
    figures["effect_r_disattenuated"] = disattenuated(scored, *differences)
    counted = timed & known & people[:, None]
    figures["trial_reaction_time_r"] = figure(
        metrics.over_folds(
            metrics.pooled_correlation(observed, told.reaction_time_s, counted),
            drawn.fold,
            fisher=True,
        ),
        counted.any(1),
        drawn,
    )
    within = row_correlation(told.reaction_time_s, observed, timed & known)
    figures["within_person_reaction_time_r"] = mean_figure(within, people, drawn)
    if told.log_likelihood is not None:
        figures["log_likelihood"] = figure(
            metrics.per_trial(told.log_likelihood, scored.tested() & people[:, None]), people, drawn
        )
    return figures


def told_means(scored: EvaluationTargets, told: Prediction) -> tuple[np.ndarray, np.ndarray]:
    """A model's mean reaction time of each person, and by condition, over all tested trials."""
    expected = required(told.reaction_time_s)
    known = scored.tested() & np.isfinite(expected)
    times = np.where(known, expected, 0)
    person, condition = told.person_time_s, told.condition_time_s
    if person is None:
        person = masked_mean(times, known)
    if condition is None:
        condition = scored.by_condition(times, known)
    return person, condition
