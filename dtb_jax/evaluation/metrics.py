"""Statistics as functions of how often each person counts: one formula for value and bootstrap.

A statistic takes weights [draw, people], ones for the figure itself and counts for a bootstrap
draw, and returns one number a draw, NaN where it is undefined.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from dtb_jax.data.averages import FEWEST as FEWEST

FEWEST_IN_FOLD = 3
"""People of a fold, for their r to count among those of other folds."""
FEWEST_REGIONS = 3
"""Values of a group's map for a correlation over them."""
Weights = Float[np.ndarray, "draw people"]
Statistic = Callable[[Weights], Float[np.ndarray, " draw"]]


def mean(values: Float[np.ndarray, " people"]) -> Statistic:
    """sum w v / sum w."""
    return lambda weights: _ratio(weights @ values, weights.sum(1))


def ratio(above: Float[np.ndarray, " people"], below: Float[np.ndarray, " people"]) -> Statistic:
    """sum w a / sum w b: a mean over all trials from everybody's sums and counts."""
    return lambda weights: _ratio(weights @ above, weights @ below)


def per_trial(
    values: Float[np.ndarray, "people trial"], counted: Bool[np.ndarray, "people trial"]
) -> Statistic:
    """Mean over all counted trials of all people."""
    return ratio(np.where(counted, values, 0).sum(1), counted.sum(1).astype(float))


def correlation(
    x: Float[np.ndarray, " people"],
    y: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
) -> Statistic:
    """Pearson r over people, 0 where a side does not vary; NaN with fewer than `FEWEST`."""
    count = people.astype(float)
    sums = _moments(_centred(x, count), _centred(y, count), count)
    return lambda weights: np.where(
        (weights > 0).sum(1) >= FEWEST, _correlation_of(weights @ sums), np.nan
    )


def correlation_within(
    x: Float[np.ndarray, " people"],
    y: Float[np.ndarray, " people"],
    people: Bool[np.ndarray, " people"],
    fold: Int[np.ndarray, " people"],
) -> Statistic:
    """Pearson r of both sides standardised within each fold.

    r = sum_k (n_k - 1) r_k / sum_k (n_k - 1)

    Predictions of different folds come from different fits, whose levels and spreads differ:
    pooled as they are, or only centred, they bias r downwards. A side that does not vary in a fold
    has r = 0 there; folds of fewer than `FEWEST_IN_FOLD` people do not count.
    """
    sides = np.zeros((2, len(x)))
    squares = np.zeros((2, len(x)))
    counted = np.zeros(len(x), bool)
    for k in np.unique(fold[people]):
        inside = people & (fold == k)
        if inside.sum() < FEWEST_IN_FOLD:
            continue
        counted |= inside
        for s, side in enumerate((x, y)):
            centred = side[inside] - side[inside].mean()
            spread = centred.std(ddof=1)
            if spread > 1e-6 * np.abs(side[inside]).max():
                sides[s, inside] = centred / spread
                squares[s, inside] = sides[s, inside] ** 2
            else:
                squares[s, inside] = 1 - 1 / inside.sum()
    a, b = sides
    sums = np.stack([counted.astype(float), a, b, *squares, a * b], axis=-1)
    defined = (sides**2).sum(1).min() > 0

    def statistic(weights):
        found = _correlation_of(weights @ sums) if defined else np.zeros(len(weights))
        return np.where((weights[:, counted] > 0).sum(1) >= FEWEST, found, np.nan)

    return statistic


def pooled_correlation(
    x: Float[np.ndarray, "people trial"],
    y: Float[np.ndarray, "people trial"],
    counted: Bool[np.ndarray, "people trial"],
) -> Statistic:
    """Pearson r over all counted trials of all people, 0 where a side does not vary."""
    count = counted.astype(float)
    a, b = (_centred(np.where(counted, side, 0), count) * count for side in (x, y))
    sums = np.stack([_moments(a[i], b[i], count[i]).sum(0) for i in range(len(a))])
    return lambda weights: _correlation_of(weights @ sums)


def _centred(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """A common shift changes no correlation and saves digits."""
    return values - (values * count).sum() / max(count.sum(), 1)


def _moments(x: np.ndarray, y: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.stack([count, x * count, y * count, x * x, y * y, x * y], axis=-1) * count[..., None]


def _correlation_of(sums: Float[np.ndarray, "draw 6"]) -> Float[np.ndarray, " draw"]:
    n, x, y, xx, yy, xy = sums.T
    size = np.maximum(n, 1e-30)
    spread_x, spread_y = xx / size - (x / size) ** 2, yy / size - (y / size) ** 2
    # differences of sums: what is smaller than this is rounding
    varies = (spread_x > 1e-9 * xx / size) & (spread_y > 1e-9 * yy / size)
    r = (xy / size - x * y / size**2) / np.sqrt(np.where(varies, spread_x * spread_y, 1))
    return np.where(n > 0, np.where(varies, np.clip(r, -1, 1), 0.0), np.nan)


def auc(
    score: Float[np.ndarray, "people trial"],
    event: Bool[np.ndarray, "people trial"],
    counted: Bool[np.ndarray, "people trial"],
) -> Statistic:
    """P(score of an event > score of a non-event), ties a half, over all pairs of trials.

    sum_ij w_i w_j A_ij / sum_ij w_i w_j B_ij, with A_ij the wins of person i's events against
    person j's other trials and B_ij the number of such pairs: the sort is done once, not a draw.
    """
    wins, pairs = pairwise_wins(score, event, counted)
    return lambda weights: _ratio(
        ((weights @ wins) * weights).sum(1), ((weights @ pairs) * weights).sum(1)
    )


def auc_within(
    score: Float[np.ndarray, "people trial"],
    event: Bool[np.ndarray, "people trial"],
    counted: Bool[np.ndarray, "people trial"],
    lists: Int[np.ndarray, " people"] | None = None,
) -> Statistic:
    """The same over pairs of people on one and the same trial: who errs, not where one errs.

    With `lists`, only of pairs who saw the same list, where a trial is the same one.
    """
    wins, pairs = np.zeros((2, len(score), len(score)))
    for k in np.flatnonzero((event & counted).any(0)):
        who, others = (event & counted)[:, k], (counted & ~event)[:, k]
        mine, theirs = score[who, k][:, None], score[others, k]
        cell = np.ix_(who, others)
        wins[cell] += (mine > theirs) + 0.5 * (mine == theirs)
        pairs[cell] += 1
    if lists is not None:
        same = lists[:, None] == lists
        wins, pairs = wins * same, pairs * same
    return lambda weights: _ratio(
        ((weights @ wins) * weights).sum(1), ((weights @ pairs) * weights).sum(1)
    )


def pairwise_wins(
    score: np.ndarray, event: np.ndarray, counted: np.ndarray
) -> tuple[Float[np.ndarray, "people people"], Float[np.ndarray, "people people"]]:
    """Wins of each person's events against each person's other trials, and numbers of pairs."""
    people = len(score)
    who, _ = np.nonzero(event & counted)
    scores = score[event & counted]
    wins = np.zeros((people, people))
    for j in range(people):
        others = np.sort(score[j][counted[j] & ~event[j]])
        below = np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")
        wins[:, j] = np.bincount(who, below / 2, people)
    return wins, np.outer((event & counted).sum(1), (counted & ~event).sum(1)).astype(float)


def group_t_correlation(
    predicted: Sequence[Float[np.ndarray, "people region"]],
    observed: Sequence[Float[np.ndarray, "people region"]],
    masks: Sequence[Bool[np.ndarray, " people"]],
) -> Statistic:
    """r between predicted and observed group t-maps, all tasks' regions together; of two, none."""

    def statistic(weights):
        if sum(v.shape[1] for v in observed) < FEWEST_REGIONS:
            return np.full(len(weights), np.nan)
        sides = [
            np.concatenate([group_t(v, mask, weights) for v, mask in zip(side, masks)], axis=1)
            for side in (predicted, observed)
        ]
        a, b = (side - side.mean(1, keepdims=True) for side in sides)
        return _ratio((a * b).sum(1), np.sqrt((a**2).sum(1) * (b**2).sum(1)))

    return statistic


def group_t(
    values: Float[np.ndarray, "people region"], mask: Bool[np.ndarray, " people"], weights: Weights
) -> Float[np.ndarray, "draw region"]:
    """One-sample t over people, mean / (SD / sqrt n); NaN with fewer than `FEWEST` people."""
    weights = weights * mask
    n = weights.sum(1, keepdims=True)
    centre = values[mask].mean(0) if mask.any() else 0.0
    kept = np.where(mask[:, None], values - centre, 0)
    average = _ratio(weights @ kept, n)
    variance = (_ratio(weights @ kept**2, n) - average**2) * _ratio(n, n - 1)
    enough = ((weights > 0).sum(1) >= FEWEST)[:, None]
    return np.where(enough, (average + centre) / np.sqrt(np.maximum(variance / n, 1e-300)), np.nan)


def over_folds(statistic: Statistic, fold: Int[np.ndarray, " people"], fisher: bool) -> Statistic:
    """The statistic within each fold, averaged by the folds' people (n - 3 for Fisher's z of r).

    Predictions of different folds come from different fits, whose levels differ: pooled, they
    would bias a correlation downwards.
    """
    folds = np.unique(fold)
    if len(folds) == 1:
        return statistic

    def combined(weights):
        found = np.stack([statistic(weights * (fold == k)) for k in folds])
        size = np.stack([(weights * (fold == k)).sum(1) for k in folds]) - (3 if fisher else 0)
        size = np.where(np.isfinite(found), np.maximum(size, 0), 0)
        if fisher:
            found = np.arctanh(np.clip(found, -0.999999, 0.999999))
        average = _ratio((size * np.where(size > 0, found, 0)).sum(0), size.sum(0))
        return np.tanh(average) if fisher else average

    return combined


def mean_correlation(statistics: Sequence[Statistic]) -> Statistic:
    """Fisher-average of several correlations, of many regions say."""

    def statistic(weights):
        z = np.arctanh(np.clip([one(weights) for one in statistics], -0.999999, 0.999999))
        known = np.isfinite(z)
        return np.tanh(_ratio(np.where(known, z, 0).sum(0), known.sum(0).astype(float)))

    return statistic


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1), np.nan)
