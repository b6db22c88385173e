"""One number with its interval: a statistic of people, and the same of people drawn again."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from dtb_jax.evaluation import metrics

DRAWS = 1000
"""Bootstrap draws of every interval."""
FEWEST = metrics.FEWEST

Statistic = Callable[[Float[np.ndarray, "draw people"]], Float[np.ndarray, " draw"]]
"""From how often each person counts to a number, one a draw."""


class Figure(NamedTuple):
    """One number as it goes into `metrics.json`; None where undefined."""

    value: float | None
    sd: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0

    def as_dict(self) -> dict:
        """Plain numbers, None for anything that is not finite."""
        return {
            name: number if number is None or np.isfinite(number) else None
            for name, number in self._asdict().items()
        }


class Resampled(NamedTuple):
    """People drawn again and again: one set of draws serves all figures of all models."""

    fold: Int[np.ndarray, " people"]
    counts: Float[np.ndarray, "draw people"]  # how often a draw holds each person


def resample(fold: Int[np.ndarray, " people"], draws: int = DRAWS, seed: int = 0) -> Resampled:
    """Bootstrap draws of as many people as there are, within each fold.

    Args:
        fold: in which fold each person is tested; all 0 where there is one.
        draws: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((draws, len(fold)))
    for k in np.unique(fold):
        inside = np.flatnonzero(fold == k)
        counts[:, inside] = rng.multinomial(len(inside), np.ones(len(inside)) / len(inside), draws)
    return Resampled(fold, counts)


def figure(
    statistic: Statistic,
    people: Bool[np.ndarray, " people"],
    drawn: Resampled,
    sd: float | None = None,
) -> Figure:
    """The statistic of these people with a 95 % percentile interval over draws.

    The interval is widened where needed to hold the value itself.

    Args:
        statistic: of weights, see `metrics`.
        people: who counts.
        drawn: see `resample`.
        sd: spread to report beside it.
    """
    n = int(people.sum())
    if n == 0:
        return Figure(None)
    value = float(statistic(people[None].astype(float))[0])
    if not np.isfinite(value):
        return Figure(None, n=n)
    spread = statistic(drawn.counts * people)
    spread = spread[np.isfinite(spread)]
    if n < 2 or len(spread) == 0:
        return Figure(value, sd, None, None, n)
    low, high = np.percentile(spread, [2.5, 97.5])
    return Figure(value, sd, min(float(low), value), max(float(high), value), n)


def mean_figure(
    values: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: Resampled | None = None,
) -> Figure:
    """Mean and SD over people; people whose value is NaN do not count."""
    kept = people & np.isfinite(values)
    drawn = drawn or _undivided(kept)
    sd = float(values[kept].std(ddof=1)) if kept.sum() > 1 else None
    return figure(metrics.mean(np.where(kept, values, 0)), kept, drawn, sd)


def correlation_figure(
    x: Float[np.ndarray, " people"],
    y: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: Resampled | None = None,
) -> Figure:
    """Pearson r over people, within folds and Fisher-averaged over them.

    Undefined with fewer than `FEWEST` people in every fold, or when a side is the same for
    everybody in every fold; where it is so in some folds only, these count as r = 0.
    """
    kept = people & np.isfinite(x) & np.isfinite(y)
    drawn = drawn or _undivided(kept)
    if not (varies(x, kept, drawn.fold) and varies(y, kept, drawn.fold)):
        return Figure(None, n=int(kept.sum()))
    r = metrics.correlation(np.where(kept, x, 0), np.where(kept, y, 0), kept)
    return figure(metrics.over_folds(r, drawn.fold, fisher=True), kept, drawn)


def varies(values: np.ndarray, people: np.ndarray, fold: np.ndarray) -> bool:
    """Whether the values tell people of one fold apart."""
    inside = [values[people & (fold == k)] for k in np.unique(fold[people])]
    return any(len(v) > 1 and np.ptp(v) > 1e-6 * np.abs(v).max() for v in inside)


def _undivided(people: np.ndarray) -> Resampled:
    return resample(np.zeros(len(people), int))
