"""What the connectome says of a person: f(c) = offset + W'(c - centre), with honest shrinkage.

Every coordinate of a person is a number with the variance components of `components.py`; f is
its posterior mean, averaged over how much each kind of feature counts and how much counts at all.
Being linear in edges, its gradient is W for everybody.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.models.mixed_effects.components import (
    LEVELS,
    Spectrum,
    log_evidence,
    mixtures,
    outside,
    spectrum,
    weights_of,
)
from dtb_jax.models.mixed_effects.features import Features
from dtb_jax.types import Array

NEGLIGIBLE = 1e-4
"""Weight of a point of the grid."""
LEAST_RELIABLE = 0.5
"""Of what f says; where less is left, there is hardly anything to say."""


class Encoder(NamedTuple):
    """A linear function of the connectome."""

    centre: Float[Array, " edge"]
    weights: Float[Array, "edge target"]
    offset: Float[Array, " target"]

    def __call__(self, connectome: Float[Array, "*people edge"]) -> Float[Array, "*people target"]:
        """f of one connectome or of several."""
        return self.offset + (connectome - self.centre) @ self.weights

    def mapped(self, linear: Float[Array, "target other"]) -> "Encoder":
        """The encoder of other targets, which are linear in these."""
        return Encoder(
            self.centre,
            np.asarray(self.weights @ linear, np.float32),
            np.asarray(self.offset @ linear, np.float32),
        )


class Kernels(NamedTuple):
    """All that does not depend on what is to be told."""

    kinds: list[Features]
    features: list[Float[np.ndarray, "people feature"]]
    spectra: list[Spectrum]
    sizes: list[float]  # mean eigenvalue of each mixture, before it was scaled to 1
    centre: Float[np.ndarray, " edge"]


class Encoded(NamedTuple):
    """An encoder and what fitting it told."""

    encoder: Encoder
    left_out: Float[np.ndarray, "people target"]  # of training people, fitted without them
    prepared: Kernels
    targets: Float[np.ndarray, "people target"]
    weights: Float[np.ndarray, "mixture level target"]  # of the grid's points
    steeper: Float[np.ndarray, " target"]  # than what measured connectomes let one expect

    def disattenuate(self, apart: Float[np.ndarray, "people edge"]) -> "Encoded":
        """f of connectomes without measurement noise, to which edits are added.

        Noise in its features flattens a regression. With n = apart / 2 the noise of a mean of two,

            W / reliability,    reliability = 1 - var(W'n) / var(f of who did not train)

        Args:
            apart: one connectome less another of the same people, whose means f is fitted to.

        Source: Fuller 1987, with reliability that of what is told.
        """
        noise = np.square(apart @ self.encoder.weights / 2).mean(axis=0, dtype=float)
        whole = np.maximum(self.left_out.var(axis=0), np.finfo(float).tiny)
        by = 1 / np.maximum(1 - noise / whole, LEAST_RELIABLE)
        weights = np.asarray(self.encoder.weights * by, np.float32)
        return self._replace(encoder=self.encoder._replace(weights=weights), steeper=by)

    def variance_of_change(
        self, edits: Float[np.ndarray, "edited edge"]
    ) -> Float[np.ndarray, "edited target"]:
        """Posterior variance of W'edit: how sure the encoder is of what edits do.

        At a point of the grid s2 h (k - h sum_j (u_j'k_X)^2 / v_j), with k the edit's product with
        itself and k_X those with the training people; over the grid by the law of total variance.

        Args:
            edits: differences of edges.
        """
        own = [kind.difference(edits) for kind in self.prepared.kinds]
        square = [np.einsum("pf,pf->p", f, f, dtype=float) for f in own]
        across = [np.asarray(f @ x.T, float) for f, x in zip(own, self.prepared.features)]
        h = LEVELS[:, None]
        mean = np.zeros((len(edits), self.targets.shape[1]))
        second, within = np.zeros_like(mean), np.zeros_like(mean)
        for one, size, weight in zip(self.prepared.spectra, self.prepared.sizes, self.weights):
            itself = sum(m * k for m, k in zip(one.mixture, square)) / size
            along = sum(m * k for m, k in zip(one.mixture, across)) @ one.basis / size
            y = one.basis.T @ self.targets
            v = h * one.variance + 1 - h
            s2 = (1 / v) @ y**2 / len(y)  # [level, target]
            known = along**2 @ (h / v).T  # [edited, level]
            for level in np.flatnonzero(weight.any(axis=1)):
                told = along @ ((LEVELS[level] / v[level])[:, None] * y)
                left = np.maximum(itself - known[:, level], 0)
                mean += weight[level] * told
                second += weight[level] * told**2
                within += weight[level] * s2[level] * LEVELS[level] * left[:, None]
        return self.steeper**2 * (within + np.maximum(second - mean**2, 0))


def prepare(kinds: Sequence[Features], connectomes: Float[np.ndarray, "people edge"]) -> Kernels:
    """Kernels between the training people and their spectra.

    Args:
        kinds: of features, made for these people.
        connectomes: theirs.
    """
    features = [kind.of(connectomes) for kind in kinds]
    kernels = [np.asarray(f @ f.T, float) for f in features]
    rest = outside(np.zeros((len(connectomes), 0)))
    mixed = mixtures(len(kinds))
    traces = np.array([np.einsum("ij,ik,kj->", rest, k, rest, optimize=True) for k in kernels])
    return Kernels(
        list(kinds),
        features,
        [spectrum(mixture, kernels, rest) for mixture in mixed],
        [float(mixture @ traces) / rest.shape[1] for mixture in mixed],
        connectomes.mean(axis=0),
    )


def fit_encoder(prepared: Kernels, targets: Float[np.ndarray, "people target"]) -> Encoded:
    """f by averaging over the grid of `components`, weighted by restricted likelihood.

    With v = h l + 1 - h and a = U diag(h / v) U'y: the weights of kind k are m_k phi_k'a; without
    person i, y_i - (U diag(1 / v) U'y)_i / (U diag(1 / v) U')_ii.

    Args:
        prepared: of the training people.
        targets: what is to be told of them, nothing missing.
    """
    weights = weights_of(log_evidence(prepared.spectra, targets))
    weights = np.where(weights > NEGLIGIBLE, weights, 0)
    weights /= weights.sum(axis=(0, 1))
    h = LEVELS[:, None]
    dual = np.zeros((len(prepared.kinds), *targets.shape))
    left_out = np.zeros(targets.shape)
    for one, size, weight in zip(prepared.spectra, prepared.sizes, weights, strict=True):
        v = h * one.variance + 1 - h
        along = one.basis.T @ targets
        told = one.basis @ ((h / v).T @ weight * along) / size
        dual += one.mixture[:, None, None] * told
        square = one.basis**2
        for inverse, part in zip(1 / v, weight):
            if part.any():
                off = one.basis @ (inverse[:, None] * along) / (square @ inverse)[:, None]
                left_out += part * (targets - off)
    parts = zip(prepared.kinds, prepared.features, dual, strict=True)
    edges = sum(kind.to_edges(f.T @ a) for kind, f, a in parts)
    encoder = Encoder(
        prepared.centre.astype(np.float32),
        np.asarray(edges, np.float32),
        targets.mean(axis=0).astype(np.float32),
    )
    return Encoded(encoder, left_out, prepared, targets, weights, np.ones(targets.shape[1]))
