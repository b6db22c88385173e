"""Whether a matrix with an edit can exist, and the nearest edit with which it can.

R = tanh(z) off the diagonal and 1 on it. Estimated matrices are singular, and means over runs need
not be positive semidefinite, so that (1 - ridge) R + ridge I is judged: no eigenvalue of R may be
below -ridge / (1 - ridge).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import LinAlgError, cholesky
from threadpoolctl import threadpool_limits

from dtb_jax.interventions.constraints import Constraint
from dtb_jax.twin import connectome as c
from dtb_jax.types import Array

RIDGE = 0.1
SLACK = 1e-5
"""A projected matrix's smallest eigenvalue, so that single precision does not break it again."""
HALVINGS = 12
"""Of the interval that holds the longest step: it is found to 1 / 4096."""


class Feasible(NamedTuple):
    """Edits with which the connectome is still one, of one person or of people."""

    edit: Float[np.ndarray, "*people edge"]  # Fisher z
    kept: Float[np.ndarray, "*people"]  # |edit| / |asked edit|, 0 to 1; 1 where none was asked
    valid: Bool[np.ndarray, "*people"]  # the connectome is valid without any edit


def ridged(
    edges: Float[Array, " edge"], ridge: float = RIDGE
) -> Float[np.ndarray, "parcel parcel"]:
    """The matrix that is judged, (1 - ridge) R + ridge I: symmetric, with diagonal 1.

    Args:
        edges: a connectome, Fisher z.
        ridge: share of the identity, from 0 to below 1; 0 gives R.

    Raises: ValueError when the ridge is no such share.
    """
    if not 0 <= ridge < 1:
        raise ValueError(f"ridge {ridge}: expected a share of the identity, 0 <= ridge < 1")
    parcels = c.parcel_count(len(edges))
    upper = np.zeros((parcels, parcels))
    upper[np.triu_indices(parcels, k=1)] = (1 - ridge) * np.tanh(np.asarray(edges, float))
    return upper + upper.T + np.eye(parcels)


def is_valid(edges: Float[Array, " edge"], ridge: float = RIDGE) -> bool:
    """Whether (1 - ridge) R + ridge I is positive definite, by Cholesky in double precision.

    Args:
        edges: a connectome, Fisher z; one with NaN is not valid.
        ridge: see `ridged`.
    """
    judged = ridged(edges, ridge)
    if not np.isfinite(judged).all():
        return False
    try:
        cholesky(judged, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return False
    return True


def shortened(
    connectome: Float[Array, " edge"], edit: Float[Array, " edge"], ridge: float = RIDGE
) -> Float[np.ndarray, " edge"]:
    """The longest step along the edit that leaves a valid matrix, s edit with s in [0, 1].

    Found by halving: s = 1 where that is valid, else the end of the valid stretch to 1 / 4096. The
    valid R are convex, but z is curved: a very large edit may have several such stretches, and then
    it is the end of one of them. Mask, number of edges, range and budget stay met.

    Args:
        connectome: the person's edges, Fisher z.
        edit: what is to be added to them.
        ridge: see `ridged`.

    Returns: the edit to add; zeros where no step was found.
    """
    connectome, edit = np.asarray(connectome), np.asarray(edit)
    if is_valid(connectome + edit, ridge):
        return edit
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if is_valid(connectome + middle * edit, ridge):
            low = middle
        else:
            high = middle
    return low * edit if low else np.zeros_like(edit)


def projected(
    connectome: Float[Array, " edge"],
    edit: Float[Array, " edge"],
    ridge: float = RIDGE,
    iterations: int = 6,
) -> Float[np.ndarray, " edge"]:
    """The edit to the valid matrix nearest to the edited one, in Frobenius norm of R.

    For dense edits: all edges move, also ones that were not edited. What early stopping and
    rounding leave is mended by N <- (N + lift I) / (1 + lift), lift = `SLACK` - min(smallest
    eigenvalue, 0), and should an edge have been clipped at r = 1, by `shortened`.

    Args:
        connectome: the person's edges, Fisher z.
        edit: what is to be added to them; returned as it is where that is valid.
        ridge: see `ridged`.
        iterations: of alternating projections, each an eigendecomposition.

    Returns: the edit to add.
    """
    connectome, edit = np.asarray(connectome), np.asarray(edit)
    if is_valid(connectome + edit, ridge):
        return edit
    near = c.nearest_correlation(ridged(connectome + edit, ridge), iterations)
    lift = SLACK - min(np.linalg.eigvalsh(near)[0], 0)
    r = near[np.triu_indices(len(near), k=1)] / (1 + lift) / (1 - ridge)
    moved = np.arctanh(np.clip(r, -c.LARGEST_R, c.LARGEST_R)) - connectome
    return shortened(connectome, moved.astype(edit.dtype), ridge)


def clipped(edges: Float[Array, " edge"]) -> Float[np.ndarray, " edge"]:
    """A correlation matrix near one that is none: no eigenvalue below 0, then diagonal 1.

    The mean over runs of Fisher z is no correlation matrix in general, though each run's is.

    Args:
        edges: a connectome, Fisher z.

    Source: Rebonato & Jaeckel 1999, spectral decomposition.
    """
    values, vectors = np.linalg.eigh(ridged(edges, 0.0))
    near = (vectors * np.maximum(values, 0)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(near))
    near = near * scale * scale[:, None]
    r = np.clip(near[np.triu_indices(len(near), k=1)], -c.LARGEST_R, c.LARGEST_R)
    return np.arctanh(r).astype(np.asarray(edges).dtype)


def feasible(
    connectome: Float[Array, " edge"],
    edit: Float[Array, " edge"],
    *,
    dense: bool,
    ridge: float = RIDGE,
    then: Constraint | None = None,
) -> Feasible:
    """An edit with which one person's connectome is still a correlation matrix.

    An edit that is valid stays as it is. Others are projected where `dense`, else shortened. Of a
    person whose measured connectome is not valid itself, the edit is judged on the nearest that is
    (`clipped`).

    Args:
        connectome: the person's edges, Fisher z.
        edit: what is to be added to them.
        dense: every edge may move.
        ridge: see `ridged`.
        then: a constraint that the projection may have broken, such as range and budget; applied
            after it, and the step is shortened once more.

    Returns: `Feasible`; the zero edit where connectome or edit hold NaN.
    """
    connectome, edit = np.asarray(connectome), np.asarray(edit)
    valid = is_valid(connectome, ridge)
    if not (np.isfinite(edit).all() and np.isfinite(connectome).all()):
        return Feasible(np.zeros_like(edit), np.asarray(0.0), np.asarray(valid))
    start = connectome if valid else clipped(connectome)
    if is_valid(start + edit, ridge):
        found = edit
    elif dense:
        found = projected(start, edit, ridge)
        if then is not None:
            found = shortened(start, np.asarray(then(found, connectome)), ridge)
    else:
        found = shortened(start, edit, ridge)
    return Feasible(found, np.asarray(_share(found, edit)), np.asarray(valid))


def _share(found: np.ndarray, asked: np.ndarray) -> float:
    if not asked.any():
        return 1.0
    if not found.any():
        return 0.0
    # A projected edit is never longer in R, but it may be in Fisher z.
    return min(1.0, float(np.linalg.norm(found) / np.linalg.norm(asked)))


def feasible_people(
    connectomes: Float[Array, "people edge"],
    edits: Float[Array, "people edge"],
    *,
    dense: bool,
    ridge: float = RIDGE,
    then: Constraint | None = None,
) -> Feasible:
    """`feasible` for everybody, a person a core.

    Args:
        connectomes: one row a person, Fisher z.
        edits: what is to be added to each.
        dense, ridge, then: see `feasible`.

    Returns: `Feasible` with people as its first axis.

    Raises: ValueError when edits were asked for and nobody can have one.
    """
    one = partial(feasible, dense=dense, ridge=ridge, then=then)
    # matrices are small: threads that wait for each other, and for JAX's, cost forty times the work
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as pool:
        each = list(pool.map(one, np.asarray(connectomes), np.asarray(edits)))
    found = Feasible(*(np.stack(part) for part in zip(*each)))
    asked = np.any(np.asarray(edits), axis=1)
    if asked.any() and not found.edit.any():
        raise ValueError(
            f"none of the {asked.sum()} people asked for an edit can have one that leaves a "
            f"correlation matrix at ridge {ridge}: not even 1 / {2**HALVINGS} of an edit does; are "
            "connectomes and edits finite and in Fisher z, and is the ridge too small?"
        )
    return found
