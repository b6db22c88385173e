"""Which causes a map of edges finds: blocks between networks, and single edges."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import roc_auc_score

from dtb_jax.evaluation.figures import BootstrapWeights, Estimate, figure
from dtb_jax.models.regression import ridge
from dtb_jax.twin.connectome import edge_blocks

MATTERS = 0.95
"""Causes that matter are the largest ones that make up this share of the squared true gradient."""


def onto_blocks(
    edges: Float[np.ndarray, "people edge"], networks: Sequence[str]
) -> Float[np.ndarray, "people block"]:
    """1'e / sqrt(n) of each pair of networks: the part of an edit that shifts the whole block."""
    block, _ = edge_blocks(networks)
    return np.stack([np.bincount(block, row) for row in edges]) / np.sqrt(np.bincount(block))


def causal(strength: Float[np.ndarray, " part"], share: float) -> Bool[np.ndarray, " part"]:
    """The largest parts that make up this share of the sum of squares, and whichever are as large
    as the least of them; 1: all that are not 0."""
    order = np.argsort(-strength)
    total = np.cumsum(strength[order] ** 2)
    if total[-1] == 0:
        return np.zeros(len(strength), bool)
    least = strength[order[np.searchsorted(total, share * total[-1] * (1 - 1e-9))]]
    # edges of one block cause alike, but for rounding
    return strength >= max(least * (1 - 1e-5), 1e-9 * strength.max())


def block_auc(
    edits: Float[np.ndarray, "people edge"],
    gradients: Float[np.ndarray, "others edge"],
    networks: Sequence[str],
    drawn: BootstrapWeights,
) -> dict[str, Estimate]:
    """How well the mean edit finds the blocks that cause the wished change.

    Args:
        edits: designed.
        gradients: see `true_gradient`.
        networks: a label a parcel.
        drawn: of the people.

    Returns: AUC over blocks of |mean of `onto_blocks`|: `block_auc`, of the blocks that `MATTERS`;
        `block_auc_all`, of all blocks with any effect. Undefined where nothing causes anything.
    """
    onto = onto_blocks(edits, networks)
    truly = np.abs(onto_blocks(gradients.mean(axis=0, keepdims=True), networks)[0])

    def auc(chosen):
        def of(w):
            mean = np.abs(w @ onto)
            return np.array([roc_auc_score(chosen, row) for row in mean])

        if not chosen.any() or chosen.all():
            return Estimate(None, n=len(edits))
        return figure(of, np.ones(len(edits), bool), drawn)

    return {
        "block_auc": auc(causal(truly, MATTERS)),
        "block_auc_all": auc(causal(truly, 1.0)),
    }


def precision_at_k(
    strength: Float[np.ndarray, " edge"], chosen: Bool[np.ndarray, " edge"]
) -> float:
    """Share of causal edges among as many of the strongest."""
    k = int(chosen.sum())
    return float(chosen[np.argsort(-strength)[:k]].mean()) if k else float("nan")


def ridge_map(
    connectomes: Float[np.ndarray, "people edge"], observed: Float[np.ndarray, " people"]
) -> Float[np.ndarray, " edge"]:
    """Weights of the ridge that tells an observed indicator, X' (X X')+ (told - mean)."""
    known = np.isfinite(observed)
    features = connectomes[known]
    told = ridge(features, observed[known, None], features)[:, 0]
    centred = features - features.mean(axis=0)
    kernel = centred.astype(float) @ centred.T
    weights = np.linalg.pinv(kernel, rcond=1e-9, hermitian=True) @ (told - told.mean())
    return centred.T @ weights.astype(np.float32)
