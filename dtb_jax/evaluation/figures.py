"""One number with its interval: a statistic of people, and the same of people drawn again."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from dtb_jax.data.confounds import residual
from dtb_jax.evaluation import metrics

DRAWS = 1000
"""Bootstrap draws of every interval."""
FEWEST = metrics.FEWEST

Statistic = Callable[[Float[np.ndarray, "draw people"]], Float[np.ndarray, " draw"]]
"""From how often each person counts to a number, one a draw."""


class Estimate(NamedTuple):
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


class BootstrapWeights(NamedTuple):
    """People drawn again and again, and what no r over them may come from.

    One set of draws serves all figures of all models.
    """

    fold: Int[np.ndarray, " people"]
    counts: Float[np.ndarray, "draw people"]  # how often a draw holds each person
    # taken out of both sides of every r over people, see `lists`; NaN: not comparable
    nuisance: Float[np.ndarray, "people regressor"]
    block: Int[np.ndarray, " people"]  # only people of equal numbers are compared

    @property
    def comparable(self) -> Bool[np.ndarray, " people"]:
        """Who can be compared with others."""
        return np.isfinite(self.nuisance).all(axis=1)

    @property
    def stratum(self) -> Int[np.ndarray, " people"]:
        """A number for every fold and block of it."""
        pairs = np.stack([self.fold, self.block], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].ravel()


def resample(
    fold: Int[np.ndarray, " people"], draws: int = DRAWS, seed: int = 0
) -> BootstrapWeights:
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
    return BootstrapWeights(fold, counts, np.zeros((len(fold), 0)), np.zeros(len(fold), int))


def figure(
    statistic: Statistic,
    people: Bool[np.ndarray, " people"],
    drawn: BootstrapWeights,
    sd: float | None = None,
) -> Estimate:
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
        return Estimate(None)
    value = float(statistic(people[None].astype(float))[0])
    if not np.isfinite(value):
        return Estimate(None, n=n)
    spread = statistic(drawn.counts * people)
    spread = spread[np.isfinite(spread)]
    if n < 2 or len(spread) == 0:
        return Estimate(value, sd, None, None, n)
    low, high = np.percentile(spread, [2.5, 97.5])
    return Estimate(value, sd, min(float(low), value), max(float(high), value), n)


def mean_figure(
    values: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: BootstrapWeights | None = None,
) -> Estimate:
    """Mean and SD over people; people whose value is NaN do not count."""
    kept = people & np.isfinite(values)
    drawn = drawn or _undivided(kept)
    sd = float(values[kept].std(ddof=1)) if kept.sum() > 1 else None
    return figure(metrics.mean(np.where(kept, values, 0)), kept, drawn, sd)


def correlation_figure(
    x: Float[np.ndarray, " people"],
    y: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: BootstrapWeights | None = None,
) -> Estimate:
    """Pearson r over people within folds, see `correlation_of`.

    Undefined with fewer than `FEWEST` people, or when a side is the same for everybody in every
    fold; where it is so in some folds only, these count as r = 0.
    """
    drawn = drawn or _undivided(people)
    kept = people & np.isfinite(x) & np.isfinite(y) & drawn.comparable
    x, y = (unexplained(side, kept, drawn) for side in (x, y))
    if not (varies(x, kept, drawn.fold) and varies(y, kept, drawn.fold)):
        return Estimate(None, n=int(kept.sum()))
    return figure(metrics.correlation_within(x, y, kept, drawn.fold), kept, drawn)


def correlation_of(
    x: Float[np.ndarray, " people"],
    y: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: BootstrapWeights,
) -> Statistic:
    """`metrics.correlation_within` of comparable people, less what the nuisance explains of both.

    Args:
        x, y: finite for these people.
        people: who counts.
        drawn: folds and nuisance.
    """
    kept = people & drawn.comparable
    x, y = (unexplained(side, kept, drawn) for side in (x, y))
    return metrics.correlation_within(x, y, kept, drawn.fold)


def unexplained(
    values: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    drawn: BootstrapWeights,
) -> Float[np.ndarray, " people"]:
    """Values of these people less what folds, blocks and nuisance explain; 0 for all others.

    Without blocks and nuisance they stay as they are. What is left of values that are explained
    whole is rounding, and is 0.
    """
    kept = np.where(people, values, 0.0)
    known, block = drawn.nuisance[people], drawn.block[people]
    if not (len(block) and (np.ptp(block) or np.ptp(known, axis=0).any())):
        return kept
    left = residual(kept[people][:, None].astype(float), known, drawn.stratum[people])[:, 0]
    scale = np.ptp(kept[people])
    kept[people] = left if np.abs(left).max() > 1e-6 * scale else 0.0
    return kept


def varies(values: np.ndarray, people: np.ndarray, fold: np.ndarray) -> bool:
    """Whether the values tell people of one fold apart."""
    inside = [values[people & (fold == k)] for k in np.unique(fold[people])]
    return any(len(v) > 1 and np.ptp(v) > 1e-6 * np.abs(v).max() for v in inside)


def _undivided(people: np.ndarray) -> BootstrapWeights:
    return resample(np.zeros(len(people), int))
