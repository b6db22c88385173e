"""Connectomes: Fisher-z correlations of parcel series, as an edge vector or a matrix."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dtb_jax.types import Array

LARGEST_R = 1 - 1e-6
"""Correlations are clipped here before arctanh, which float32 can still tell from 1."""


def pearson(series: Float[Array, "time parcel"]) -> Float[Array, "parcel parcel"]:
    """Correlation between parcels, r_ij = <s_i s_j> / (|s_i| |s_j|) of the centred series.

    A constant parcel has correlation 0 with every other.
    """
    centred = series - jnp.mean(series, axis=0, keepdims=True)
    norm = jnp.sqrt(jnp.sum(centred**2, axis=0, keepdims=True))
    unit = centred / jnp.where(norm > 0, norm, 1)
    return jnp.clip(unit.T @ unit, -1, 1)


def fisher_z(r: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """z = arctanh(r), with |r| clipped below 1 so that z stays finite."""
    return jnp.arctanh(jnp.clip(r, -LARGEST_R, LARGEST_R))


def edge_count(parcels: int) -> int:
    """Pairs of parcels, n (n - 1) / 2: 99,235 for 446, 93,961 for 434."""
    return parcels * (parcels - 1) // 2


def parcel_count(edges: int) -> int:
    """Inverse of `edge_count`.

    Raises: ValueError when no number of parcels has this many edges.
    """
    parcels = (1 + math.isqrt(1 + 8 * edges)) // 2
    if edge_count(parcels) != edges:
        raise ValueError(
            f"{edges} edges: expected n (n - 1) / 2 for some number n of parcels, such as "
            f"{edge_count(parcels)} for {parcels}; is the diagonal included?"
        )
    return parcels


def edge_blocks(
    networks: Sequence[str],
) -> tuple[Int[np.ndarray, " edge"], list[tuple[str, str]]]:
    """The block of each edge, as a number and as a pair of networks in alphabetical order."""
    names, network = np.unique(np.asarray(networks), return_inverse=True)
    one, other = (network[side] for side in np.triu_indices(len(network), k=1))
    low, high = np.minimum(one, other), np.maximum(one, other)
    codes, block = np.unique(low * len(names) + high, return_inverse=True)
    return block, [(str(names[c // len(names)]), str(names[c % len(names)])) for c in codes]


def edges(matrix: Float[Array, "parcel parcel"]) -> Float[Array, " edge"]:
    """Upper triangle without the diagonal, row by row."""
    return matrix[np.triu_indices(matrix.shape[0], k=1)]


def matrix(edges: Float[Array, " edge"]) -> Float[Array, "parcel parcel"]:
    """The symmetric matrix of an edge vector, with 0 on the diagonal (Fisher z has none there)."""
    parcels = parcel_count(edges.shape[0])
    upper = jnp.zeros((parcels, parcels), edges.dtype).at[np.triu_indices(parcels, k=1)].set(edges)
    return upper + upper.T


def connectome(series: Float[Array, "time parcel"]) -> Float[Array, " edge"]:
    """Fisher-z edges of one run, z = arctanh(pearson(series)) above the diagonal.

    Args:
        series: parcel time series, any unit.

    Returns: edges in Fisher z.

    Source: Takahashi et al. 2026, connectome.
    """
    return fisher_z(edges(pearson(series)))


def nearest_correlation(
    matrix: Float[np.ndarray, "parcel parcel"], iterations: int = 200, tolerance: float = 1e-9
) -> Float[np.ndarray, "parcel parcel"]:
    """The correlation matrix closest to a symmetric one in Frobenius norm.

    Alternating projections onto positive semidefinite and unit-diagonal matrices, with Dykstra's
    correction for the first.

    Source: Higham 2002, algorithm 3.3.
    """
    current = np.array(matrix, float)
    correction = np.zeros_like(current)
    for _ in range(iterations):
        shifted = current - correction
        values, vectors = np.linalg.eigh(shifted)
        projected = (vectors * np.maximum(values, 0)) @ vectors.T
        correction = projected - shifted
        moved = projected.copy()
        np.fill_diagonal(moved, 1.0)
        done = np.linalg.norm(moved - current) <= tolerance * np.linalg.norm(moved)
        current = moved
        if done:
            break
    return current
