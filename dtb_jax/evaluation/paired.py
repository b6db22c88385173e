"""One model beside another on the same people and trials: differences with paired intervals."""

from collections.abc import Sequence

import numpy as np

from dtb_jax.data.averages import concordance, masked_mean
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.behaviour import told_means
from dtb_jax.evaluation.distributions import person_scores
from dtb_jax.evaluation.figures import Estimate, Statistic, correlation_of, figure, varies
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.evaluation.scores import known_people, run_names
from dtb_jax.models.prediction import Prediction

SHARE = 0.8
"""Of the intervals whose scores are compared."""


def compare(
    scored: Sequence[EvaluationTargets], one: Sequence[Prediction], other: Sequence[Prediction]
) -> dict[str, dict[str, Estimate]]:
    """By how much one model's figures exceed another's, {task: {metric: Figure}}.

    value(one) - value(other), with the interval of the same difference over people drawn again.
    Of `reaction_time_r`, `trial_reaction_time_r`, `log_likelihood`, `choice_concordance` and
    `person_interval_score_s_80` (less is better), those that both models have.

    Args:
        scored: what is compared, one a run.
        one, other: what both say of it.
    """
    found = {}
    for name, part, first, second in zip(run_names(scored), scored, one, other, strict=True):
        kept = part.people & known_people(part, first) & known_people(part, second)
        part = part._replace(people=kept)
        own, theirs = _statistics(part, first), _statistics(part, second)
        found[name] = {
            metric: figure(_difference(own[metric], theirs[metric]), kept, part.drawn)
            for metric in own
            if metric in theirs
        }
    return found


def _mean(values: np.ndarray, known: np.ndarray) -> Statistic:
    return metrics.ratio(np.where(known, values, 0), known.astype(float))


def _difference(one: Statistic, other: Statistic) -> Statistic:
    return lambda weights: one(weights) - other(weights)


def _statistics(part: EvaluationTargets, told: Prediction) -> dict[str, Statistic]:
    """The figures of `behaviour` that are compared, before anybody is drawn again."""
    people, trials, fold = part.people, part.run.trials, part.drawn.fold
    counted = part.tested() & people[:, None]
    found: dict[str, Statistic] = {}
    if told.reaction_time_s is not None:
        observed = masked_mean(trials.response_time_s, part.timed())
        mean, _ = told_means(part, told)
        known = people & np.isfinite(observed) & np.isfinite(mean)
        timed = part.timed() & np.isfinite(told.reaction_time_s) & people[:, None]
        if told.personal and varies(mean, known, fold):
            found["reaction_time_r"] = correlation_of(observed, mean, known, part.drawn)
        r = metrics.pooled_correlation(trials.response_time_s, told.reaction_time_s, timed)
        found["trial_reaction_time_r"] = metrics.over_folds(r, fold, fisher=True)
    if told.log_likelihood is not None:
        found["log_likelihood"] = metrics.per_trial(told.log_likelihood, counted)
    if told.choice is not None:
        agreed = concordance(told.choice, trials.possible, counted)
        found["choice_concordance"] = _mean(agreed, np.isfinite(agreed))
    if told.person_time_sd_s is not None:
        _, scores, known = person_scores(part, told, SHARE)
        found["person_interval_score_s_80"] = _mean(scores, known)
    return found
