"""What a figure may claim about connectomes: correction, permutation, and control of all claims.

Only figures of people nobody trained on can claim anything: a connectome that is fixed per person
works as a name tag among people seen in training. A claim is an r over people, of mean reaction
times, effects and error rates in each task and of t-values, after age, sex, site, motion and what
people's trial lists explain.

Two schemes give its p:

swap    Tested people's predictions are permuted within folds and trial lists, the fits stay. Folds
        share training people, so that their r are not independent: for learners linear in what
        they learn, sum_k r_k holds every pair of people of different folds twice, and its variance
        is up to twice that of the permuted sum. Permuted values are therefore widened by sqrt 2.
refit   People's outcomes are permuted within trial lists and the whole cross-validation is
        repeated: exact, and affordable for regressions in closed form, or for a twin with many
        retrained nulls.

Among unseen people a claim is also checked against what contradicts it, see `contradictions`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm

from dtb_jax.data.averages import masked_mean
from dtb_jax.data.confounds import CONFOUNDS, design, residual
from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.behaviour import error_mask, error_probability, told_means
from dtb_jax.evaluation.figures import BootstrapWeights, Estimate, figure
from dtb_jax.evaluation.imaging import told_t
from dtb_jax.evaluation.scored import EvaluationTargets, drawn_together
from dtb_jax.evaluation.scores import run_names
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.regression import Method

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
    drawn: BootstrapWeights  # folds, bootstrap draws, trial lists


class Evidence(NamedTuple):
    """A claim after confounds, with its permutation p."""

    r: Estimate
    p: float | None
    spread: float | None = None  # SD of arctanh r where predictions tell nothing
    times: int = 1  # by which p was multiplied, over repeats
    folds: int = 1
    why: str = ""  # nothing could be tested


def claims(scored: Sequence[EvaluationTargets], told: Sequence[Prediction]) -> list[Claim]:
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
            found.append(_claim(name, metric, *sides, part.people, part.drawn))
    with_bold = [(part, one) for part, one in zip(scored, told) if part.glm.mask.any()]
    if with_bold and all(one.bold is not None or one.person_t is not None for _, one in with_bold):
        seen_t = np.concatenate([part.t for part, _ in with_bold], axis=1)
        told_ts = np.concatenate([told_t(part, one) for part, one in with_bold], axis=1)
        together = drawn_together([part for part, _ in with_bold])
        everybody = np.ones(len(seen_t), bool)
        found.append(_claim("bold", "person_t_r", seen_t, told_ts, everybody, together))
    return found


def _claim(task, metric, observed, predicted, people, drawn: BootstrapWeights) -> Claim:
    known = people & np.isfinite(observed).all(1) & np.isfinite(predicted).all(1)
    return Claim(task, metric, observed, predicted, known & drawn.comparable, drawn)


def nuisance(claim: Claim, participants) -> Float[np.ndarray, "people regressor"]:
    """Age, sex, site, motion and shares of conditions of the claim's people; other rows are 0."""
    known = design(participants, CONFOUNDS, claim.people)
    both = np.concatenate([known, claim.drawn.nuisance], axis=1)
    return np.where(claim.people[:, None], both, 0.0)


def after_confounds(claim: Claim, participants) -> Claim:
    """Both sides less what age, sex, site, motion and trial lists say of them within folds."""
    kept, stratum = claim.people, claim.drawn.stratum
    known = nuisance(claim, participants)
    sides = []
    for side in (claim.observed, claim.predicted):
        left = np.zeros_like(side, float)
        left[kept] = residual(side[kept].astype(float), known[kept], stratum[kept])
        # what is left of a side that the folds and confounds explain whole is rounding
        scale = np.abs(side[kept]).max(axis=0, initial=0)
        sides.append(np.where(np.abs(left).max(axis=0) > 1e-6 * scale, left, 0.0))
    return claim._replace(observed=sides[0], predicted=sides[1])


def evidence(claim: Claim, participants, *, seed: int, draws: int = PERMUTATIONS) -> Evidence:
    """r after confounds, within folds, with its p by swapping tested people's predictions.

    Undefined, r and p, where too few people are left or where nothing tells them apart.

    Args:
        claim: of a model.
        participants: age, sex, site, motion_mm.
        seed: of the permutations.
        draws: how many.
    """
    left = after_confounds(claim, participants)
    count, folds = int(left.people.sum()), len(np.unique(claim.drawn.fold[left.people]))
    if count < metrics.FEWEST:
        few = "too few people saw each trial list to tell people from lists"
        why = f"{count} people can be compared" if claim.drawn.comparable.any() else few
        return Evidence(Estimate(None, n=count), None, folds=folds, why=why)
    if not (left.observed.any() and left.predicted.any()):
        why = "after confounds and trial lists nothing is left that differs between people"
        return Evidence(Estimate(None, n=count), None, folds=folds, why=why)
    r = figure(within_folds(left), left.people, claim.drawn)
    null = permutation_null(left, seed=seed, draws=draws)
    if r.value is None or null is None:
        return Evidence(r, None, folds=folds, why="folds and trial lists hold too few people")
    z = (np.sqrt(2) if folds > 1 else 1.0) * np.arctanh(null)
    p = permutation_p(np.arctanh(r.value), z)
    return Evidence(r, p, float(z.std()) or None, folds=folds)


def within_folds(claim: Claim) -> metrics.Statistic:
    """r over people within folds, Fisher-averaged over columns."""
    each = [
        metrics.correlation_within(x, y, claim.people, claim.drawn.fold)
        for x, y in zip(claim.observed.T, claim.predicted.T)
    ]
    return metrics.mean_correlation(each)


def permutation_null(
    claim: Claim, *, seed: int, draws: int = PERMUTATIONS
) -> Float[np.ndarray, " draw"] | None:
    """`within_folds` with predictions permuted among people of one fold and trial list.

    None where folds hold too few people, or no two of one list.
    """
    rng = np.random.default_rng([seed, draws])
    total, weight, moved = np.zeros((claim.observed.shape[1], draws)), 0, False
    for k in np.unique(claim.drawn.fold[claim.people]):
        inside = np.flatnonzero(claim.people & (claim.drawn.fold == k))
        if len(inside) < metrics.FEWEST_IN_FOLD:
            continue
        x, y = (_standard(side[inside]) for side in (claim.observed, claim.predicted))
        order = permuted_within(claim.drawn.block[inside], rng, draws)
        moved |= bool((order != np.arange(len(inside))).any())
        r = np.stack([a[None] * b[order] for a, b in zip(x.T, y.T)]).sum(2)
        total, weight = total + (len(inside) - 1) * r, weight + len(inside) - 1
    return _averaged(total / weight) if moved else None


def permuted_within(
    block: Int[np.ndarray, " people"], rng: np.random.Generator, draws: int
) -> Int[np.ndarray, "draw people"]:
    """Orders of people in which each keeps to a place of the own block."""
    order = np.tile(np.arange(len(block)), (draws, 1))
    for k in np.unique(block):
        rows = np.flatnonzero(block == k)
        order[:, rows] = rng.permuted(np.tile(rows, (draws, 1)), axis=1)
    return order


def _averaged(r: Float[np.ndarray, "column draw"]) -> Float[np.ndarray, " draw"]:
    """Fisher-average over columns."""
    return np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)).mean(axis=0))


def permutation_test_score(
    claim: Claim,
    participants,
    features: Float[np.ndarray, "people feature"],
    method: Method,
    *,
    seed: int,
    draws: int = 500,
) -> tuple[float | None, float | None]:
    """A regression's own claim, tested by repeating its whole cross-validation.

    Outcomes less confounds and trial lists are permuted over people of one list; every fold is
    learned and told anew.

    Args:
        claim: its observed side is what is learned.
        participants: confounds of people.
        features: of people.
        method: see `evaluation.linear`.
        seed: of the permutations.
        draws: how many.

    Returns: r within folds, Fisher-averaged over columns, and its p; None where every fold has
    too few people.
    """
    rows = np.flatnonzero(claim.people)
    if len(rows) < metrics.FEWEST:
        return None, None
    fold = claim.drawn.fold[rows]
    known, block = nuisance(claim, participants)[rows], claim.drawn.block[rows]
    outcome = residual(claim.observed[rows].astype(float), known, block)
    rng = np.random.default_rng([seed, draws])
    orders = permuted_within(block, rng, draws)
    orders = np.concatenate([np.arange(len(rows))[None], orders])
    flat = outcome[orders.T].reshape(len(rows), -1)  # [people, draw and column]
    total, weight = np.zeros(flat.shape[1]), 0
    for k in np.unique(fold):
        test = fold == k
        if test.sum() < metrics.FEWEST_IN_FOLD or (~test).sum() < metrics.FEWEST:
            continue
        told = method(features[rows[~test]], flat[~test], features[rows[test]])
        total += (test.sum() - 1) * (_standard(told) * _standard(flat[test])).sum(0)
        weight += test.sum() - 1
    if weight == 0:
        return None, None
    r = _averaged((total / weight).reshape(len(orders), -1).T)
    return float(r[0]), permutation_p(r[0], r[1:])


def _standard(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    same = length <= 1e-6 * np.abs(columns).max(axis=0, initial=0) * np.sqrt(len(columns))
    return np.where(same, 0.0, centred / np.where(same, 1, length))


def permutation_p(observed: float, null: np.ndarray) -> float | None:
    """(1 + number of null values as large) / (1 + their number); None of what is undefined.

    Source: Phipson & Smyth 2010.
    """
    null = null[np.isfinite(null)]
    if not np.isfinite(observed) or not len(null):
        return None
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
    """p adjusted for all m claims made at once, max_{j <= i} (m - j + 1) p_(j).

    An undefined p counts as 1: whether a claim can be tested depends on the data.

    Source: Holm 1979.
    """
    known = {k: one for k, one in enumerate(p) if one is not None}
    adjusted: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, k in enumerate(sorted(known, key=known.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * known[k]))
        adjusted[k] = largest
    return adjusted
