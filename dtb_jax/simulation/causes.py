"""Which edges cause which parameter: a linear function of the noise-free connectome.

    score_p = (w_p . z - centre_p) / spread_p,  mean 0 and SD 1 over the population.

Three kinds: `blocks`, means of network-to-network blocks, half of them with a minus sign; `sparse`,
a few single edges; `dense`, all edges. The amygdala's gain, where blocks cause it, is caused by the
blocks between limbic and parietal networks.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.simulation.parameters import NAMES
from dtb_jax.twin.connectome import edge_blocks

BLOCKS, SPARSE_EDGES = 8, 64
FEWEST_EDGES = 12
"""Of a block that may be a cause, where the parcel table has enough of them."""
CANDIDATES = 40
"""Drawn for each parameter; the one least correlated with the others' scores is taken."""
LIMBIC, PARIETAL = r"Limbic|medial_temporal", r"DorsAttn|ContA"


class Causes(NamedTuple):
    """Weights and standardisation of every parameter's score."""

    weights: Float[np.ndarray, "parameter edge"]
    centre: Float[np.ndarray, " parameter"]
    spread: Float[np.ndarray, " parameter"]
    correlation: Float[np.ndarray, "parameter parameter"]  # of the scores, over the population


def draw_causes(
    rng: np.random.Generator,
    kind: str,
    networks: Sequence[str],
    population_edges: Float[np.ndarray, "people edge"],
) -> Causes:
    """Draw each parameter's causal edges and standardise its score over a population.

    Scores of different parameters should not tell of each other: candidates are drawn, and the one
    whose score correlates least with the scores so far is kept. Blocks are used once while they
    last.

    Args:
        rng: of the causes.
        kind: blocks, sparse or dense.
        networks: a label a parcel.
        population_edges: noise-free edges of a sample of the population.

    Returns: `Causes`.

    Raises: ValueError for another kind.
    """
    draw = _KINDS.get(kind)
    if draw is None:
        raise ValueError(f"causes {kind!r}: expected one of {', '.join(_KINDS)}")
    block, pairs = edge_blocks(networks)
    used: set[int] = set()
    weights = np.zeros((len(NAMES), len(block)), np.float32)
    scores: list[np.ndarray] = []
    # the amygdala's first: it has the fewest blocks to choose from
    for p in reversed(range(len(NAMES))):
        drawn = [draw(rng, NAMES[p], block, pairs, used) for _ in range(CANDIDATES)]
        told = population_edges @ np.stack([w for w, _ in drawn], axis=1).astype(np.float32)
        told = (told - told.mean(axis=0)) / told.std(axis=0)
        overlap = np.abs(np.stack(scores) @ told).max(axis=0) if scores else np.zeros(CANDIDATES)
        best = int(overlap.argmin())
        weights[p], taken = drawn[best]
        scores.append(told[:, best])
        used |= taken
    told = population_edges @ weights.T
    return Causes(weights, told.mean(axis=0), told.std(axis=0), np.corrcoef(told.T))


def causal_scores(
    causes: Causes, edges: Float[np.ndarray, "*people edge"]
) -> Float[np.ndarray, "*people parameter"]:
    """Scores of one or several people."""
    return (edges @ causes.weights.T - causes.centre) / causes.spread


def _draw_blocks(rng, parameter: str, block, pairs, used: set[int]):
    size = np.bincount(block)
    large = size >= min(FEWEST_EDGES, np.median(size))
    unused = np.array([k not in used for k in range(len(size))])
    eligible = np.ones(len(size), bool)
    if parameter == "amygdala_gain":
        limbic_parietal = np.array([_joins(pair, LIMBIC, PARIETAL) for pair in pairs])
        eligible = limbic_parietal if limbic_parietal.sum() >= 2 else eligible
    # small blocks before used ones
    choices = (eligible & unused & large, eligible & unused, eligible)
    free = next((c for c in choices if c.sum() >= BLOCKS), eligible)
    chosen = rng.permutation(np.flatnonzero(free))[:BLOCKS]
    chosen = chosen[: len(chosen) // 2 * 2]
    sign = np.zeros(len(size))
    sign[chosen] = np.tile([1, -1], len(chosen) // 2)
    return (sign / size / len(chosen))[block], set(chosen.tolist())


def _draw_sparse(rng, parameter, block, pairs, used):
    count = min(SPARSE_EDGES, len(block) // 2 * 2)
    weights = np.zeros(len(block))
    weights[rng.permutation(len(block))[:count]] = np.tile([1, -1], count // 2) / count
    return weights, set()


def _draw_dense(rng, parameter, block, pairs, used):
    return rng.normal(size=len(block)) / len(block), set()


def _joins(pair: tuple[str, str], one: str, other: str) -> bool:
    a, b = pair
    return bool(re.match(one, a) and re.match(other, b) or re.match(one, b) and re.match(other, a))


_KINDS: dict[str, Callable] = {
    "blocks": _draw_blocks,
    "sparse": _draw_sparse,
    "dense": _draw_dense,
}
