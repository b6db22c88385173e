"""Figures with their intervals: means over people, correlations over people, group t-maps."""

from typing import NamedTuple

import numpy as np
from scipy import stats

FEWEST = 4
"""People for a correlation over people."""


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


def mean_figure(values: np.ndarray, mask: np.ndarray) -> Figure:
    """Mean and SD over people, with a 95 % t-interval of the mean.

    Args:
        values: [people].
        mask: who counts.
    """
    kept = values[mask & np.isfinite(values)]
    if len(kept) == 0:
        return Figure(None)
    mean = float(kept.mean())
    if len(kept) < 2:
        return Figure(mean, n=len(kept))
    sd = float(kept.std(ddof=1))
    half = float(stats.t.ppf(0.975, len(kept) - 1)) * sd / np.sqrt(len(kept))
    return Figure(mean, sd, mean - half, mean + half, len(kept))


def correlation_figure(x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> Figure:
    """Pearson r over people with Fisher's 95 % interval; undefined when a side is constant."""
    kept = mask & np.isfinite(x) & np.isfinite(y)
    x, y, n = x[kept], y[kept], int(kept.sum())
    if n < FEWEST or np.ptp(x) <= 1e-9 * np.abs(x).max() or np.ptp(y) <= 1e-9 * np.abs(y).max():
        return Figure(None, n=n)
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval()
    return Figure(float(found.statistic), None, float(interval.low), float(interval.high), n)


def masked_mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over the last axis where the mask holds; NaN where it holds nowhere."""
    count = mask.sum(-1)
    return np.where(count > 0, np.where(mask, values, 0).sum(-1) / np.maximum(count, 1), np.nan)


def condition_means(
    values: np.ndarray, mask: np.ndarray, condition: np.ndarray, conditions: int
) -> np.ndarray:
    """Each person's mean in each condition, [people, condition]; NaN where there is no trial."""
    means = [masked_mean(values, mask & (condition == c)) for c in range(conditions)]
    return np.stack(means, axis=1)


def concordance(choice: np.ndarray, possible: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Share of a person's counted trials whose predicted action is one the record allows.

    The record of an omission allows none, so an omission is a disagreement; leave omissions out
    of `counted` for the share of answered trials. Where only "wrong" is known, any wrong button
    agrees.

    Args:
        choice: predicted action, [people, trial].
        possible: [people, trial, action].
        counted: which trials count, [people, trial].

    Returns: [people], NaN for nobody's trials.
    """
    agree = np.take_along_axis(possible, choice[..., None], -1)[..., 0]
    return masked_mean(agree.astype(float), counted)


def group_t(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """One-sample t over people, mean / (SD / sqrt n), of [people, region] values."""
    kept = values[mask]
    return kept.mean(0) / (kept.std(0, ddof=1) / np.sqrt(len(kept)))


def group_t_figure(
    predicted: list[np.ndarray],
    observed: list[np.ndarray],
    masks: list[np.ndarray],
    draws: int = 1000,
) -> Figure:
    """r between predicted and observed group t-maps, all tasks' regions together.

    The interval is a percentile bootstrap over people (the same people redrawn in every task),
    widened where needed to hold the value itself.

    Args:
        predicted, observed: person-level t, one [people, region] a task.
        masks: who counts, one [people] a task.
        draws: bootstrap draws.
    """
    people = [np.flatnonzero(mask) for mask in masks]
    if not people or min(map(len, people)) < FEWEST:
        return Figure(None)

    def r(chosen):
        maps = [
            np.concatenate([group_t(v[c], np.ones(len(c), bool)) for v, c in zip(side, chosen)])
            for side in (predicted, observed)
        ]
        return np.corrcoef(maps)[0, 1] if np.isfinite(maps).all() else np.nan

    value = float(r(people))
    if not np.isfinite(value):
        return Figure(None, n=max(map(len, people)))
    rng = np.random.default_rng(0)
    total = len(masks[0])
    spread = []
    for _ in range(draws):
        drawn = rng.integers(total, size=total)
        spread.append(r([drawn[mask[drawn]] for mask in masks]))
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    n = int(np.any(masks, axis=0).sum())
    return Figure(value, None, min(float(low), value), max(float(high), value), n)


def regionwise_r_figure(predicted: np.ndarray, observed: np.ndarray, mask: np.ndarray) -> Figure:
    """r over people in each region, Fisher-averaged over regions; SD is over regions."""
    figures = [correlation_figure(p, o, mask) for p, o in zip(predicted.T, observed.T, strict=True)]
    rs = np.array([figure.value for figure in figures if figure.value is not None])
    if len(rs) == 0:
        return Figure(None)
    mean = float(np.tanh(np.arctanh(np.clip(rs, -0.999999, 0.999999)).mean()))
    return Figure(mean, float(rs.std()), None, None, int(mask.sum()))


def time_course_r(predicted: np.ndarray, observed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Each person's r over time, averaged over regions; [people], NaN without BOLD.

    Args:
        predicted, observed: [people, volume, region].
        mask: [people, volume].
    """
    weight = mask[..., None].astype(float)
    count = np.maximum(weight.sum(1, keepdims=True), 1)

    def centred(series):
        return weight * (series - (weight * series).sum(1, keepdims=True) / count)

    a, b = centred(predicted), centred(observed)
    scale = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    r = np.where(scale > 0, (a * b).sum(1) / np.where(scale > 0, scale, 1), np.nan)
    known = np.isfinite(r)
    return np.where(
        known.any(1), np.where(known, r, 0).sum(1) / np.maximum(known.sum(1), 1), np.nan
    )
