"""What the connectome says of a person: f(c) = offset + W'(c - centre), with honest shrinkage.

Every coordinate of a person is a number with the variance components of `components.py`; f is
its posterior mean, averaged over how much each kind of feature counts and how much counts at all.
Being linear in edges, its gradient is W for everybody.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.mixed.components import (
    LEVELS,
    log_evidence,
    mixtures,
    outside,
    spectrum,
    weights_of,
)
from dtb_jax.mixed.features import Features
from dtb_jax.types import Array


class Encoder(NamedTuple):
    """A linear function of the connectome."""

    centre: Float[Array, " edge"]
    weights: Float[Array, "edge target"]
    offset: Float[Array, " target"]

    def __call__(self, connectome: Float[Array, " edge"]) -> Float[Array, " target"]:
        """f of one connectome."""
        return self.offset + (connectome - self.centre) @ self.weights


class Encoded(NamedTuple):
    """An encoder and what fitting it told."""

    encoder: Encoder
    left_out: Float[np.ndarray, "people target"]  # of training people, fitted without them
    mixture: Float[np.ndarray, "kernel target"]  # how much each kind of feature counts


def fit_encoder(
    kinds: Sequence[Features],
    connectomes: Float[np.ndarray, "people edge"],
    targets: Float[np.ndarray, "people target"],
) -> Encoded:
    """f by averaging over the grid of `components`, weighted by restricted likelihood.

    With v = h l + 1 - h and a = U diag(h / v) U'y: the weights of kind k are m_k phi_k'a; without
    person i, y_i - (U diag(1 / v) U'y)_i / (U diag(1 / v) U')_ii.

    Args:
        kinds: of features, made for these people.
        connectomes: training people's.
        targets: what is to be told, nothing missing.

    Returns: `Encoded`.
    """
    people = len(connectomes)
    features = [kind.of(connectomes) for kind in kinds]
    kernels = [f @ f.T for f in features]
    rest = outside(np.zeros((people, 0)))
    spectra = [spectrum(m, kernels, rest) for m in mixtures(len(kinds))]
    weights = weights_of(log_evidence(spectra, targets))
    h = LEVELS[:, None]
    dual = np.zeros((len(kinds), *targets.shape))
    left_out = np.zeros(targets.shape)
    for one, weight in zip(spectra, weights, strict=True):
        v = h * one.variance + 1 - h
        along = one.basis.T @ targets
        shrunk = (h / v).T @ weight * along  # averaged over h at once
        trace = sum(m * np.trace(rest.T @ k @ rest) for m, k in zip(one.mixture, kernels))
        dual += one.mixture[:, None, None] * (one.basis @ shrunk) * len(along) / trace
        square = one.basis**2
        for level, inverse in enumerate(1 / v):
            if weight[level].max() > 1e-4:
                off = one.basis @ (inverse[:, None] * along) / (square @ inverse)[:, None]
                left_out += weight[level] * (targets - off)
    edges = sum(k.to_edges(f.T @ a) for k, f, a in zip(kinds, features, dual))
    encoder = Encoder(
        jnp.asarray(connectomes.mean(axis=0)),
        jnp.asarray(edges, jnp.float32),
        jnp.asarray(targets.mean(axis=0), jnp.float32),
    )
    mixture = np.stack([one.mixture for one in spectra], axis=1) @ weights.sum(axis=1)
    return Encoded(encoder, left_out, mixture)
