"""What a score over people has to do with their clinical measures."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats


def clinical_table(
    score: Float[np.ndarray, " people"],
    measures: pd.DataFrame,
    *,
    fewest: int = 20,
    level: float = 0.95,
) -> pd.DataFrame:
    """Pearson r of a score with each measure, corrected for the number of measures.

    r over people who have both; interval tanh(atanh r +- z / sqrt(n - 3)); p two-sided, of
    t = r sqrt((n - 2) / (1 - r^2)); q = min over p_j >= p of p_j m / rank_j (Benjamini-Hochberg)
    over the m measures tested.

    Args:
        score: of each person; NaN where unknown.
        measures: a row a person in the same order, a column a measure; NaN where missing.
        fewest: people with both, for a measure to be tested.
        level: of the interval.

    Returns: a row a measure with r, low, high, n, p and q, sorted by p. Measures of too few people
        or without variation are not tested: NaN but for n, at the end.

    Raises: ValueError when there are not as many people in `measures`, or `fewest` is below 4.
    """
    if len(score) != len(measures):
        raise ValueError(f"scores of {len(score)} people, expected {len(measures)} as in measures")
    if fewest < 4:
        raise ValueError(f"fewest is {fewest}, expected 4 or more: no interval with 3 people")
    values = measures.to_numpy(float)
    known = np.isfinite(values) & np.isfinite(score)[:, None]
    n = known.sum(0)
    tested = (n >= fewest) & _varies(values, known) & _varies(score[:, None], known)
    found = pd.DataFrame({"n": n}, index=pd.Index(measures.columns, name="measure"))
    r = _correlation(score[:, None], values[:, tested], known[:, tested])
    low, high = _interval(r, n[tested], level)
    # r follows this beta distribution where there is no correlation: the t-test, without 1 / 0
    half = n[tested] / 2 - 1
    p = 2 * stats.beta.sf(np.abs(r), half, half, loc=-1, scale=2)
    q = stats.false_discovery_control(p) if len(p) else p
    for name, column in {"r": r, "low": low, "high": high, "p": p, "q": q}.items():
        found.loc[tested, name] = column
    return found[["r", "low", "high", "n", "p", "q"]].sort_values("p", kind="stable")


def _varies(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether each column differs between known people by more than rounding."""
    most = np.where(known, values, -np.inf).max(0, initial=-np.inf)
    least = np.where(known, values, np.inf).min(0, initial=np.inf)
    size = np.where(known, np.abs(values), 0).max(0, initial=0)
    return most > least + 1e-9 * size


def _correlation(x: np.ndarray, y: np.ndarray, known: np.ndarray) -> Float[np.ndarray, " measure"]:
    a, b = (_standard(side, known) for side in (x, y))
    return np.clip((a * b).sum(0), -1, 1)


def _standard(values: np.ndarray, known: np.ndarray) -> Float[np.ndarray, "people measure"]:
    """Centred over known people, sum of squares 1; 0 where unknown."""
    mean = np.where(known, values, 0).sum(0) / known.sum(0)
    centred = np.where(known, values - mean, 0)
    return centred / np.sqrt((centred**2).sum(0))


def _interval(r: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    # arctanh(1) is infinite, and tanh of that 1
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    half = stats.norm.ppf((1 + level) / 2) / np.sqrt(n - 3)
    return np.tanh(z - half), np.tanh(z + half)
