"""What a figure may claim about connectomes: correction, permutation, and control of all claims.

Only figures of people nobody trained on can claim anything: a connectome that is fixed per person
works as a name tag among people seen in training. A claim is an r over people, of mean reaction
times, effects and error rates in each task and of t-values, after age, sex, site and motion.

Two schemes give its p:

swap    Tested people's predictions are permuted within folds, the fits stay. Folds share training
        people, so that their r are not independent: for learners linear in what they learn,
        sum_k r_k holds every pair of people of different folds twice, and its variance is up to
        twice that of the permuted sum. Permuted values are therefore widened by sqrt 2.
refit   People's outcomes are permuted and the whole cross-validation is repeated: exact, and
        affordable for regressions in closed form, or for a twin with many retrained nulls.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm

from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.behaviour import error_mask, error_probability, told_means
from dtb_jax.evaluation.confounds import CONFOUNDS, design, residual
from dtb_jax.evaluation.figures import Figure, figure
from dtb_jax.evaluation.imaging import told_t
from dtb_jax.evaluation.linear import Method
from dtb_jax.evaluation.people import masked_mean
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.evaluation.scored import Scored
from dtb_jax.evaluation.scores import run_names
from dtb_jax.tasks.task import effect

CLAIMS = ("reaction_time_r", "effect_r", "error_rate_r", "person_t_r")
PERMUTATIONS = 2000
LEVEL = 0.05
FOUND = 0.8
"""Of cohorts in which what is called detectable is found."""


class Claim(NamedTuple):
    """Observed and predicted numbers of people, of which an r is claimed."""

    task: str
    metric: str
    observed: Float[np.ndarray, "people column"]
    predicted: Float[np.ndarray, "people column"]
    people: np.ndarray


class Evidence(NamedTuple):
    """A claim after confounds, with its permutation p."""

    r: Figure
    p: float | None
    spread: float | None = None  # SD of arctanh r where predictions tell nothing
    times: int = 1  # by which p was multiplied, over repeats


def claims(scored: Sequence[Scored], told: Sequence[Prediction]) -> list[Claim]:
    """The claims of one model; a metric about which it says nothing is absent."""
    found = []
    for name, part, one in zip(run_names(scored), scored, told, strict=True):
        if one.reaction_time_s is None:
            continue
        observed, timed = part.run.trials.response_time_s, part.timed()
        person, condition = told_means(part, one)
        seen = part.by_condition(observed, timed)
        task = part.run.task
        pairs = {
            "reaction_time_r": (masked_mean(observed, timed), person),
            "effect_r": (effect(task, seen), effect(task, condition)),
        }
        wrong = error_probability(part, one)
        if wrong is not None:
            tested = part.tested()
            rate = masked_mean(error_mask(part).astype(float), tested)
            pairs["error_rate_r"] = (rate, masked_mean(wrong, tested))
        for metric, (seen_side, told_side) in pairs.items():
            sides = seen_side[:, None], told_side[:, None]
            found.append(_claim(name, metric, *sides, part.people))
    with_bold = [(part, one) for part, one in zip(scored, told) if part.glm.mask.any()]
    if with_bold and all(one.bold is not None or one.person_t is not None for _, one in with_bold):
        seen_t = np.concatenate([part.t for part, _ in with_bold], axis=1)
        told_ts = np.concatenate([told_t(part, one) for part, one in with_bold], axis=1)
        found.append(_claim("bold", "person_t_r", seen_t, told_ts, np.ones(len(seen_t), bool)))
    return found


def _claim(task, metric, observed, predicted, people) -> Claim:
    known = people & np.isfinite(observed).all(1) & np.isfinite(predicted).all(1)
    return Claim(task, metric, observed, predicted, known)


def after_confounds(claim: Claim, participants, fold: Int[np.ndarray, " people"]) -> Claim:
    """Both sides less what age, sex, site and motion say of them within folds."""
    kept = claim.people
    known = design(participants, CONFOUNDS, kept)
    sides = []
    for side in (claim.observed, claim.predicted):
        left = np.zeros_like(side, float)
        left[kept] = residual(side[kept].astype(float), known[kept], fold[kept])
        # what is left of a side that the folds and confounds explain whole is rounding
        scale = np.abs(side[kept]).max(axis=0, initial=0)
        sides.append(np.where(np.abs(left).max(axis=0) > 1e-6 * scale, left, 0.0))
    return claim._replace(observed=sides[0], predicted=sides[1])


def evidence(claim: Claim, participants, part: Scored, *, seed: int) -> Evidence:
    """r after confounds, within folds, with its p by swapping tested people's predictions.

    Args:
        claim: of a model.
        participants: age, sex, site, motion_mm.
        part: whose folds and bootstrap draws serve.
        seed: of the permutations.
    """
    fold = part.drawn.fold
    left = after_confounds(claim, participants, fold)
    if left.people.sum() < metrics.FEWEST:
        return Evidence(Figure(None, n=int(left.people.sum())), None)
    r = figure(within_folds(left, fold), left.people, part.drawn)
    null = swapped(left, fold, seed=seed)
    if r.value is None or null is None:
        return Evidence(r, None)
    widened = np.sqrt(2) if len(np.unique(fold[left.people])) > 1 else 1.0
    z = widened * np.arctanh(null)
    return Evidence(r, permutation_p(np.arctanh(r.value), z), float(z.std()) or None)


def within_folds(claim: Claim, fold: Int[np.ndarray, " people"]) -> metrics.Statistic:
    """Fisher-average over folds and columns of r over people."""
    each = [
        metrics.over_folds(metrics.correlation(x, y, claim.people), fold, fisher=True)
        for x, y in zip(claim.observed.T, claim.predicted.T)
    ]
    return metrics.mean_correlation(each)


def swapped(
    claim: Claim, fold: Int[np.ndarray, " people"], *, seed: int, draws: int = PERMUTATIONS
) -> Float[np.ndarray, " draw"] | None:
    """`within_folds` with predictions permuted within each fold; None with too few people."""
    rng = np.random.default_rng([seed, draws])
    total, weight = 0.0, 0.0
    for k in np.unique(fold[claim.people]):
        inside = np.flatnonzero(claim.people & (fold == k))
        if len(inside) < metrics.FEWEST:
            continue
        x, y = (_standard(side[inside]) for side in (claim.observed, claim.predicted))
        order = rng.permuted(np.tile(np.arange(len(inside)), (draws, 1)), axis=1)
        r = np.stack([a[None] * b[order] for a, b in zip(x.T, y.T)]).sum(2)
        z = np.arctanh(np.clip(r, -0.999999, 0.999999)).mean(axis=0)
        total, weight = total + (len(inside) - 3) * z, weight + len(inside) - 3
    return None if weight == 0 else np.tanh(total / weight)


def refitted(
    claim: Claim,
    participants,
    features: Float[np.ndarray, "people feature"],
    fold: Int[np.ndarray, " people"],
    method: Method,
    *,
    seed: int,
    draws: int = 500,
) -> tuple[float | None, float | None]:
    """A regression's own claim, tested by repeating its whole cross-validation.

    Outcomes less confounds are permuted over people; every fold is learned and told anew.

    Args:
        claim: its observed side is what is learned.
        participants: confounds of people.
        features: of people.
        fold: in which each person is tested.
        method: see `evaluation.linear`.
        seed: of the permutations.
        draws: how many.

    Returns: r within folds, Fisher-averaged over folds and columns, and its p; None where every
    fold has too few people.
    """
    rows = np.flatnonzero(claim.people)
    known = design(participants, CONFOUNDS, claim.people)[rows]
    outcome = residual(claim.observed[rows].astype(float), known, np.zeros(len(rows), int))
    rng = np.random.default_rng([seed, draws])
    orders = np.stack([np.arange(len(rows)), *(rng.permutation(len(rows)) for _ in range(draws))])
    permuted = outcome[orders.T]  # [people, draw, column]
    total, weight = np.zeros(len(orders)), 0.0
    for k in np.unique(fold[rows]):
        test = fold[rows] == k
        if test.sum() < metrics.FEWEST:
            continue
        flat = permuted.reshape(len(rows), -1)
        told = method(features[rows[~test]], flat[~test], features[rows[test]])
        r = (_standard(told) * _standard(flat[test])).sum(0).reshape(permuted.shape[1:])
        z = np.arctanh(np.clip(r, -0.999999, 0.999999)).mean(axis=1)
        total, weight = total + (test.sum() - 3) * z, weight + test.sum() - 3
    if weight == 0:
        return None, None
    z = total / weight
    return float(np.tanh(z[0])), permutation_p(z[0], z[1:])


def _standard(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return centred / np.where(length > 0, length, 1)


def permutation_p(observed: float, null: np.ndarray) -> float:
    """(1 + number of null values as large) / (1 + their number). Source: Phipson & Smyth 2010."""
    # few people have few orders: the observed one comes again, and rounds otherwise
    return float((1 + (null >= observed - 1e-6).sum()) / (1 + len(null)))


def detectable_r(one: Evidence, count: int) -> float | None:
    """r that would be claimed in four of five cohorts of this size, if no other claim held.

    tanh(s (z(1 - LEVEL / (count times)) + z(.8))), s the spread by chance: Holm's first step asks
    the smallest of `count` p to be below LEVEL / count. None where nothing could be tested.

    Source: Cohen 1988, of one-sided tests of Fisher's z.
    """
    if one.spread is None:
        return None
    needed = norm.isf(LEVEL / (count * one.times)) + norm.ppf(FOUND)
    return float(np.tanh(one.spread * needed))


def holm(p: Sequence[float | None]) -> list[float | None]:
    """p adjusted for all claims made at once, max_{j <= i} (m - j + 1) p_(j). Source: Holm 1979."""
    known = [k for k, one in enumerate(p) if one is not None]
    adjusted: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, k in enumerate(sorted(known, key=lambda k: p[k])):
        largest = max(largest, min(1.0, (len(known) - rank) * p[k]))
        adjusted[k] = largest
    return adjusted
