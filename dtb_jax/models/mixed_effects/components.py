"""Variance components: how much of a number's variance over people goes along with their features.

    y = D b + g + e,   g ~ N(0, s2 h K),   e ~ N(0, s2 (1 - h) 1),   K = sum_k m_k K_k

K_k = phi_k phi_k' of each kind of feature, scaled to a mean diagonal of 1. The mixture m and the
share h are not chosen but averaged over: a grid of both, weighted by restricted likelihood. One
eigendecomposition a mixture serves all numbers and all h.

Source: Patterson & Thompson 1971 (restricted likelihood); Yang et al. 2010 (the same for genomes).
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEVELS = np.linspace(0, 0.99, 100)
"""Values of h."""
LEAST = 1e-3
"""Of an eigenvalue from which noise was taken away."""


class Spectrum(NamedTuple):
    """One mixture of kernels, without what the known regressors explain."""

    mixture: Float[np.ndarray, " kernel"]
    variance: Float[np.ndarray, " component"]  # eigenvalues of K, mean 1
    basis: Float[np.ndarray, "people component"]


def mixtures(kernels: int) -> list[np.ndarray]:
    """Each kernel alone, and halves of every two."""
    alone = np.eye(kernels)
    return [(alone[a] + alone[b]) / 2 for a, b in combinations_with_replacement(range(kernels), 2)]


def outside(regressors: Float[np.ndarray, "people regressor"]) -> Float[np.ndarray, "people rest"]:
    """An orthonormal basis of all that neither a constant nor the regressors explain."""
    people = len(regressors)
    whole = np.concatenate([np.ones((people, 1)), regressors], axis=1)
    left, size, _ = np.linalg.svd(whole)
    rank = int((size > 1e-9 * size[0]).sum())
    return left[:, rank:]


def spectrum(
    mixture: Float[np.ndarray, " kernel"],
    kernels: Sequence[Float[np.ndarray, "people people"]],
    rest: Float[np.ndarray, "people rest"],
    noise: float = 0.0,
) -> Spectrum:
    """Eigenvalues and vectors of one mixture.

    Args:
        mixture: weights of the kernels.
        kernels: of the same people.
        rest: see `outside`.
        noise: of the mixture's diagonal that is no likeness but noise.
    """
    mixed = sum(weight * kernel for weight, kernel in zip(mixture, kernels, strict=True))
    variance, basis = np.linalg.eigh(rest.T @ mixed @ rest)
    variance = np.maximum(variance - noise, LEAST)
    return Spectrum(mixture, variance / variance.mean(), rest @ basis)


def log_evidence(
    spectra: Sequence[Spectrum], y: Float[np.ndarray, "people target"]
) -> Float[np.ndarray, "mixture level target"]:
    """Restricted log likelihood on the grid, s2 at its maximum.

    -1/2 [q log s2 + sum_j log v_j],  v_j = h l_j + 1 - h,  s2 = sum_j (u_j'y)^2 / v_j / q
    """
    h = LEVELS[:, None]
    rows = []
    for one in spectra:
        v = h * one.variance + 1 - h
        power = (one.basis.T @ y) ** 2
        s2 = np.maximum((1 / v) @ power / len(power), 1e-300)
        rows.append(-0.5 * (len(power) * np.log(s2) + np.log(v).sum(axis=1)[:, None]))
    return np.stack(rows)


def weights_of(log_evidence: Float[np.ndarray, "mixture level target"]) -> np.ndarray:
    """Posterior weights of the grid's points, sum 1 for each target."""
    weights = np.exp(log_evidence - log_evidence.max(axis=(0, 1)))
    return weights / weights.sum(axis=(0, 1))
