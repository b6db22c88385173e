"""What an edit may be: how large, how many edges, which ones, how far, along which directions.

An edit is added to a person's edges (upper triangle, Fisher z). A constraint takes an edit to one
that obeys, and the zero edit to itself. All are pytrees: as arguments of a jitted function they are
compiled once, whatever the values of their arrays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Bool, Float

from dtb_jax.twin.twin import principal_components
from dtb_jax.types import Array

Constraint = Callable[[Float[Array, " edge"], Float[Array, " edge"]], Float[Array, " edge"]]
"""(edit, connectome) -> the edit made to obey, of one person."""


def within_budget(norm: ArrayLike) -> Constraint:
    """Edits no longer than a budget, edit min(1, norm / |edit|).

    Args:
        norm: largest length, in Fisher z (root of the sum of squares over edges).

    Returns: `Constraint`, exact to rounding, differentiable at 0.
    """
    return Partial(_within_budget, jnp.asarray(norm, float))


def _within_budget(
    norm: Float[Array, ""], edit: Float[Array, " edge"], connectome: Float[Array, " edge"]
) -> Float[Array, " edge"]:
    square = jnp.sum(edit**2)
    long = square > norm**2
    # A root's slope at 0 is infinite, and would reach the gradient through the unused branch.
    length = jnp.sqrt(jnp.where(long, square, 1))
    return edit * jnp.where(long, norm / length, 1)


def at_most(edges_kept: int) -> Constraint:
    """Edits of few edges: the `edges_kept` largest |edit| stay, all others are exactly 0.

    Args:
        edges_kept: how many, at least 1; static, another number is another compilation.

    Returns: `Constraint`; of equal ones the first stay, so that there are never more.

    Raises: ValueError when no edge would be kept.
    """
    if edges_kept < 1:
        raise ValueError(f"at most {edges_kept} edges: an edit needs at least 1")
    return Partial(_Largest(edges_kept))


@dataclass(frozen=True)
class _Largest:
    """Equal by value, so that the same number again is no new compilation."""

    kept: int

    def __call__(
        self, edit: Float[Array, " edge"], connectome: Float[Array, " edge"]
    ) -> Float[Array, " edge"]:
        _, largest = jax.lax.top_k(jnp.abs(edit), min(self.kept, edit.shape[0]))
        return jnp.zeros_like(edit).at[largest].set(jnp.asarray(edit)[largest])


def masked(mask: Bool[Array, " edge"]) -> Constraint:
    """Edits of chosen edges, edit where `mask` and 0 elsewhere.

    Args:
        mask: edges that may change, see `touching` and `between`.
    """
    return Partial(_masked, jnp.asarray(mask))


def _masked(
    mask: Bool[Array, " edge"], edit: Float[Array, " edge"], connectome: Float[Array, " edge"]
) -> Float[Array, " edge"]:
    return jnp.where(mask, edit, 0)


def within_range(low: Float[Array, " edge"], high: Float[Array, " edge"]) -> Constraint:
    """Edits that keep every edge where people's edges are, low <= connectome + edit <= high.

    A person outside stays allowed: the range is widened to the person's own value, which leaves
    edit = clip(edit, min(low - connectome, 0), max(high - connectome, 0)).

    Args:
        low, high: least and largest value of each edge in the cohort, Fisher z.
    """
    return Partial(_within_range, jnp.asarray(low), jnp.asarray(high))


def _within_range(
    low: Float[Array, " edge"],
    high: Float[Array, " edge"],
    edit: Float[Array, " edge"],
    connectome: Float[Array, " edge"],
) -> Float[Array, " edge"]:
    return jnp.clip(edit, jnp.minimum(low - connectome, 0), jnp.maximum(high - connectome, 0))


def near_manifold(basis: Float[Array, "edge component"]) -> Constraint:
    """Edits along the directions in which people differ, edit = B B' edit.

    Args:
        basis: B with orthonormal columns, see `people_basis`.
    """
    return Partial(_near_manifold, jnp.asarray(basis))


def _near_manifold(
    basis: Float[Array, "edge component"],
    edit: Float[Array, " edge"],
    connectome: Float[Array, " edge"],
) -> Float[Array, " edge"]:
    return basis @ (edit @ basis)


def people_basis(
    connectomes: Float[np.ndarray, "people edge"], components: int
) -> Float[np.ndarray, "edge component"]:
    """Directions in which people differ most, V of the centred people X = U S V'.

    They come from the eigenvectors of X X' (people x people), in double precision.

    Args:
        connectomes: training people's edges, Fisher z.
        components: how many directions; there are at most people - 1.

    Returns: orthonormal columns, largest variance first.

    Raises: ValueError when people do not differ or no component is asked for.
    """
    if components < 1 or np.ptp(connectomes, axis=0).max() == 0:
        raise ValueError(
            f"{len(connectomes)} people, {components} components: expected at least one component "
            "and at least two people who differ"
        )
    basis = principal_components(connectomes, components).astype(float)
    length = np.linalg.norm(basis, axis=0)
    return (basis[:, length > 0] / length[length > 0]).astype(np.float32)


def all_of(*constraints: Constraint) -> Constraint:
    """Several constraints, applied in the order given; none leaves the edit as it is.

    The order that keeps all exact: manifold, mask, `at_most`, range, budget. What comes after the
    manifold only shrinks edges or sets them to 0, which breaks no mask, number, range or budget
    met before; mask before number, so that the edges kept are ones that may change. The manifold
    itself is only kept by a budget: mask, number and range leave it, and the edit is then near it,
    not on it.

    Args:
        *constraints: made by the functions of this module, or `jax.tree_util.Partial` of others.
    """
    return Partial(_all_of, constraints)


def _all_of(
    constraints: tuple[Constraint, ...],
    edit: Float[Array, " edge"],
    connectome: Float[Array, " edge"],
) -> Float[Array, " edge"]:
    for constraint in constraints:
        edit = constraint(edit, connectome)
    return edit


def touching(hubs: Sequence[int], parcels: int) -> Bool[np.ndarray, " edge"]:
    """Edges with at least one end among `hubs`, such as the site of a stimulation.

    Args:
        hubs: indices of parcels.
        parcels: how many there are.

    Raises: ValueError when an index is out of range or no edge is left.
    """
    wrong = [int(hub) for hub in hubs if not 0 <= hub < parcels]
    if wrong:
        raise ValueError(f"hubs {wrong}: expected parcel indices from 0 to {parcels - 1}")
    chosen = np.zeros(parcels, bool)
    chosen[list(hubs)] = True
    one, other = np.triu_indices(parcels, k=1)
    return _with_edges(chosen[one] | chosen[other], f"{len(hubs)} hubs among {parcels} parcels")


def between(networks: Sequence[str], one: str, other: str) -> Bool[np.ndarray, " edge"]:
    """Edges that join a parcel of network `one` with one of `other`; inside it where equal.

    Args:
        networks: each parcel's network.
        one, other: names among them.

    Raises: ValueError when no parcel has such a network or no edge is left.
    """
    for name in (one, other):
        if name not in networks:
            raise ValueError(
                f"network {name!r}: no parcel belongs to it; there are "
                f"{', '.join(sorted(set(networks)))}"
            )
    names = np.asarray(networks)
    row, column = np.triu_indices(len(names), k=1)
    mask = (names[row] == one) & (names[column] == other)
    mask |= (names[row] == other) & (names[column] == one)
    return _with_edges(mask, f"networks {one!r} and {other!r}")


def _with_edges(mask: np.ndarray, what: str) -> np.ndarray:
    if not mask.any():
        raise ValueError(f"{what}: no edge is left that an edit could change")
    return mask
