"""How well trials measure a person: the reliability of a half, and the ceiling it sets."""

from collections.abc import Callable

import numpy as np

from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.figures import (
    BootstrapWeights,
    Estimate,
    correlation_of,
    figure,
    unexplained,
)
from dtb_jax.evaluation.scored import EvaluationTargets


def reliability_ceiling(
    first: np.ndarray, second: np.ndarray, people: np.ndarray, drawn: BootstrapWeights | None = None
) -> Callable:
    """The ceiling of an r with the mean of two halves, sqrt(2 r / (1 + r)), r between halves.

    Args:
        first, second: of people, NaN where unknown.
        people: who counts.
        drawn: whose nuisance is taken out of both halves; None: nothing is.

    Source: Spearman 1910, Brown 1910; 0 where the halves do not agree at all.
    """
    kept = people & np.isfinite(first) & np.isfinite(second)
    sides = [np.where(kept, side, 0) for side in (first, second)]
    if drawn is not None:
        kept = kept & drawn.comparable
        whole = drawn._replace(fold=np.zeros_like(drawn.fold))
        sides = [unexplained(side, kept, whole) for side in sides]
    r = metrics.correlation(sides[0], sides[1], kept)

    def statistic(weights):
        between = np.clip(r(weights * kept), -0.99, 1)
        return np.sqrt(np.maximum(2 * between / (1 + between), 0))

    return statistic


def effect_ceiling(scored: EvaluationTargets) -> Callable:
    """`reliability_ceiling` of the effect on reaction times."""
    observed = scored.run.trials.response_time_s
    first, second = (
        effect(scored.run.task, scored.by_condition(observed, half))
        for half in scored.halves(scored.timed())
    )
    return reliability_ceiling(first, second, scored.people, scored.drawn)


def disattenuated(
    scored: EvaluationTargets, observed: np.ndarray, predicted: np.ndarray
) -> Estimate:
    """r / sqrt(reliability of the observed side): what it would be with endless trials."""
    kept = scored.people & np.isfinite(observed) & np.isfinite(predicted) & scored.drawn.comparable
    r = correlation_of(observed, predicted, kept, scored.drawn)
    ceiling = effect_ceiling(scored)

    def statistic(weights):
        best = ceiling(weights)
        return np.where(best > 0.1, r(weights) / np.maximum(best, 0.1), np.nan)

    return figure(statistic, kept, scored.drawn)
