"""How well trials measure a person: the reliability of a half, and the ceiling it sets."""

from collections.abc import Callable

import numpy as np

from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.figures import Figure, figure
from dtb_jax.evaluation.scored import Scored
from dtb_jax.tasks.task import effect


def reliability_ceiling(first: np.ndarray, second: np.ndarray, people: np.ndarray) -> Callable:
    """The ceiling of an r with the mean of two halves, sqrt(2 r / (1 + r)), r between halves.

    Source: Spearman 1910, Brown 1910; 0 where the halves do not agree at all.
    """
    kept = people & np.isfinite(first) & np.isfinite(second)
    r = metrics.correlation(np.where(kept, first, 0), np.where(kept, second, 0), kept)

    def statistic(weights):
        between = np.clip(r(weights * kept), -0.99, 1)
        return np.sqrt(np.maximum(2 * between / (1 + between), 0))

    return statistic


def effect_ceiling(scored: Scored) -> Callable:
    """`reliability_ceiling` of the effect on reaction times."""
    observed = scored.run.trials.response_time_s
    first, second = (
        effect(scored.run.task, scored.by_condition(observed, half))
        for half in scored.halves(scored.timed())
    )
    return reliability_ceiling(first, second, scored.people)


def disattenuated(scored: Scored, observed: np.ndarray, predicted: np.ndarray) -> Figure:
    """r / sqrt(reliability of the observed side): what it would be with endless trials."""
    kept = scored.people & np.isfinite(observed) & np.isfinite(predicted)
    r = metrics.over_folds(
        metrics.correlation(np.where(kept, observed, 0), np.where(kept, predicted, 0), kept),
        scored.drawn.fold,
        fisher=True,
    )
    ceiling = effect_ceiling(scored)

    def statistic(weights):
        best = ceiling(weights)
        return np.where(best > 0.1, r(weights) / np.maximum(best, 0.1), np.nan)

    return figure(statistic, kept, scored.drawn)
