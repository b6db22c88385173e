"""Directions in weight space: how main networks differ with an indicator, and a step that way.

One-component partial least squares (PLS) between standardised weights W [people, weight] and an
indicator s: v = W's / |W's|, z1 = W v. Weights outnumber people a thousand to one, so that v fits
anything in the people it was found in: only r over left-out people says that there is something,
and permuted indicators how large either r is by chance. Both need only W W', people x people.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dtb_jax.evaluation.evidence import permutation_p
from dtb_jax.evaluation.metrics import FEWEST, correlation, over_folds
from dtb_jax.models.regression import unit
from dtb_jax.twin.rnn import MainNetwork, flatten, unflatten
from dtb_jax.types import Array

BLOCK = 2048  # weights in double precision at a time
ROUNDING = 1e-6  # of a weight's size: smaller differences between people are float32's


class Direction(NamedTuple):
    """An axis of standardised weights, in the order of `twin.rnn.flatten`."""

    centre: Float[Array, " weight"]
    spread: Float[Array, " weight"]  # SD over people; 1 where they do not differ
    v: Float[Array, " weight"]  # length 1; 0 where people do not differ


class ConnectomeScore(eqx.Module):
    """z1 of the network that a twin makes of a connectome; `jit` takes it as an argument."""

    network_of: Callable[[Float[Array, " edge"]], MainNetwork]  # eqx.Partial(twin.network, params)
    direction: Direction

    def __call__(self, connectome: Float[Array, " edge"]) -> Float[Array, ""]:
        """z1 = ((w(e) - centre) / spread) v."""
        return score(self.direction, flatten(self.network_of(connectome)))


class Tested(NamedTuple):
    """An r beside what permuted indicators reach."""

    r: float
    null: Float[np.ndarray, " permutation"]
    p: float | None  # None where r is undefined


class PermutationNull(NamedTuple):
    """`in_sample_r` and `cross_validated_r` under permutation."""

    in_sample: Tested
    cross_validated: Tested


def fit_direction(
    weights: Float[Array, "people weight"], indicator: Float[np.ndarray, " people"]
) -> Direction:
    """The direction along which networks differ most with an indicator, v = W's / |W's|.

    Args:
        weights: main networks, flattened.
        indicator: any unit; NaN leaves a person out. z1 grows with it.

    Returns: `Direction`, in the weights' precision; SDs with n - 1, as scikit-learn's.

    Raises: ValueError for fewer than `FEWEST` people, or when no weight differs with the indicator.

    Source: Takahashi et al. 2026, PLS.
    """
    weights, indicator = _known(weights, indicator)
    s = indicator - indicator.mean()
    blocks = _standardised(weights, weights[:0])
    parts = zip(*((centre, spread, w.T @ s) for centre, spread, w, _ in blocks))
    centre, spread, v = (np.concatenate(part) for part in parts)
    v = unit(v)
    if not v.any():
        raise ValueError(f"no weight differs with the indicator over these {len(s)} people")
    return Direction(*(part.astype(weights.dtype) for part in (centre, spread, v)))


def score(direction: Direction, weights: Float[Array, "*people weight"]) -> Float[Array, "*people"]:
    """z1 = ((w - centre) / spread) v of one person or many."""
    standard = (jnp.asarray(weights) - direction.centre) / direction.spread
    return standard @ jnp.asarray(direction.v)


def moved(
    direction: Direction, network: MainNetwork, alpha: float | Float[Array, ""]
) -> MainNetwork:
    """The intervention W + alpha v in the network's own units: w' = w + alpha spread v.

    z1 grows by alpha exactly, since |v| = 1.

    Args:
        direction: found in standardised weights.
        network: one person's.
        alpha: in units of z1; the paper takes 2 SD of z1 over people.

    Returns: the moved network.

    Source: Takahashi et al. 2026, intervention; it does not state the rescaling by the spread.
    """
    weights = flatten(network) + alpha * direction.spread * direction.v
    hidden, inputs = network.ih.shape
    return unflatten(weights, inputs, hidden, network.ho.shape[0])


def in_sample_r(
    weights: Float[Array, "people weight"], indicator: Float[np.ndarray, " people"]
) -> float:
    """r(z1, s) over the people in whom v was found: r(W W's, s), positive whatever s is."""
    weights, indicator = _known(weights, indicator)
    everybody = np.zeros(len(indicator), int)
    return float(_r(_products(weights, weights), indicator[:, None], everybody)[0])


def cross_validated_r(
    weights: Float[Array, "people weight"],
    indicator: Float[np.ndarray, " people"],
    fold: Int[np.ndarray, " people"],
) -> float:
    """r(z1, s) within each fold, with v of all other folds' people, Fisher-averaged over folds.

    Args:
        weights, indicator: as in `fit_direction`.
        fold: in which each person is left out.

    Returns: r; a fold in which z1 or s is the same for everybody counts as 0, one of fewer than
    `FEWEST` people not at all. NaN where no fold counts.

    Raises: ValueError for fewer than `FEWEST` people, or fewer than two folds.
    """
    weights, indicator, fold = _known(weights, indicator, fold)
    return float(_r(_cross_products(weights, fold), indicator[:, None], fold)[0])


def permutation_null(
    weights: Float[Array, "people weight"],
    indicator: Float[np.ndarray, " people"],
    fold: Int[np.ndarray, " people"],
    permutations: int,
    *,
    seed: int,
) -> PermutationNull:
    """Both r with the indicator permuted over people, and v found anew every time.

    p = (1 + #(permuted r >= observed r)) / (1 + permutations).

    Args:
        weights, indicator, fold: as in `cross_validated_r`.
        permutations: how many.
        seed: of the permutations.

    Returns: r, permuted r and p in sample and over left-out people.

    Raises: ValueError as in `cross_validated_r`.

    Source: Phipson & Smyth 2010.
    """
    weights, indicator, fold = _known(weights, indicator, fold)
    rng = np.random.default_rng([seed, permutations])
    orders = [np.arange(len(fold)), *(rng.permutation(len(fold)) for _ in range(permutations))]
    drawn = indicator[np.stack(orders, axis=1)]
    inside = _r(_products(weights, weights), drawn, np.zeros_like(fold))
    outside = _r(_cross_products(weights, fold), drawn, fold)
    tested = (Tested(float(r[0]), r[1:], permutation_p(r[0], r[1:])) for r in (inside, outside))
    return PermutationNull(*tested)


def random_weights_r(weights: int, indicator: Float[np.ndarray, " people"], *, seed: int) -> float:
    """`in_sample_r` of as many standard normal weights, which know nothing of anybody.

    With many more weights than people W W' is nearly a multiple of the identity, z1 of s, and r
    nearly 1 (.999 for 173,623 weights of 228 people).

    Args:
        weights: how many.
        indicator: any unit; NaN leaves a person out.
        seed: of the weights.
    """
    s = indicator[np.isfinite(indicator)]
    rng = np.random.default_rng([seed, weights])
    products = np.zeros((len(s), len(s)))
    for start in range(0, weights, BLOCK):
        block = rng.standard_normal((len(s), min(BLOCK, weights - start)))
        products += _products(block, block)
    return float(_r(products, s[:, None], np.zeros(len(s), int))[0])


def _known(weights, indicator, *others) -> tuple[np.ndarray, ...]:
    """The people with an indicator, in every argument."""
    rows = np.isfinite(indicator)
    if rows.sum() < FEWEST:
        raise ValueError(f"{rows.sum()} people have the indicator, expected at least {FEWEST}")
    parts = (np.asarray(part) for part in (weights, indicator, *others))
    return tuple(part if rows.all() else part[rows] for part in parts)


def _standardised(people: np.ndarray, others: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Centre, spread, and standard weights of `people` and of `others`, some weights at a time."""
    for start in range(0, people.shape[1], BLOCK):
        inside = slice(start, start + BLOCK)
        own = people[:, inside].astype(float)
        centre, spread = own.mean(axis=0), own.std(axis=0, ddof=1)
        varies = spread > ROUNDING * np.abs(own).max(axis=0)
        spread = np.where(varies, spread, 1.0)
        w, o = ((part - centre) * (varies / spread) for part in (own, others[:, inside]))
        yield centre, spread, w, o


def _products(people: np.ndarray, others: np.ndarray) -> np.ndarray:
    """W_o W' [others, people], standardised by `people`: applied to s, the others' z1 |W's|."""
    products = np.zeros((len(others), len(people)))
    for _, _, w, o in _standardised(people, others):
        products += o @ w.T
    return products


def _cross_products(weights: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """`_products` of each person left out (rows) with the other folds' people, 0 elsewhere."""
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError("one fold: nobody is left to find a direction in")
    products = np.zeros((len(fold), len(fold)))
    for k in folds:
        out = fold == k
        products[np.ix_(out, ~out)] = _products(weights[~out], weights[out])
    return products


def _r(products: np.ndarray, drawn: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """r(z1, s) within folds, Fisher-averaged over them, of every draw of s [people, draw]."""
    # standard weights sum to 0 over the people who train: whatever mean is taken off is nothing
    told = products @ (drawn - drawn.mean(axis=0))
    for k in np.unique(fold):
        own = told[fold == k]
        same = np.ptp(own, axis=0) <= 1e-9 * np.abs(own).max(axis=0)
        told[fold == k] = np.where(same, 0.0, own)  # else rounding would have an r
    everybody, once = np.ones(len(fold), bool), np.ones((1, len(fold)))
    pairs = [correlation(x, y, everybody) for x, y in zip(told.T, drawn.T)]
    return np.array([over_folds(pair, fold, fisher=True)(once)[0] for pair in pairs])
