"""What a designed edit must beat: edits of equal length that nobody designed for this person."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.interventions.constraints import Constraint
from dtb_jax.types import Array


def sham(edits: Float[np.ndarray, "people edge"]) -> Float[np.ndarray, "people edge"]:
    """No edit at all."""
    return np.zeros_like(edits)


def at_random(
    edits: Float[np.ndarray, "people edge"],
    connectomes: Float[np.ndarray, "people edge"],
    constraint: Constraint,
    *,
    seed: int,
    basis: Float[np.ndarray, "edge component"] | None = None,
) -> Float[np.ndarray, "people edge"]:
    """Random edits under the same constraint and as long as each person's own.

    Args:
        edits: what they are a control of.
        connectomes: of the same people.
        constraint: mask, number of edges and range are obeyed alike.
        seed: of the directions.
        basis: B; directions B normal, which are among those in which people differ. None: any.
    """
    rng = np.random.default_rng(seed)
    if basis is None:
        drawn = rng.standard_normal(edits.shape, np.float32)
    else:
        drawn = rng.standard_normal((len(edits), basis.shape[1]), np.float32) @ basis.T
    return np.asarray(alike(drawn, edits, connectomes, constraint))


@jax.jit
def alike(
    drawn: Float[Array, "people edge"],
    edits: Float[Array, "people edge"],
    connectomes: Float[Array, "people edge"],
    constraint: Constraint,
) -> Float[Array, "people edge"]:
    """What the constraint leaves of each direction, stretched to an edit's length, constrained."""

    def one(direction, edit, connectome):
        length = jnp.linalg.norm(edit)
        left = constraint(to_length(direction, length), connectome)
        return constraint(to_length(left, length), connectome)

    return jax.vmap(one)(drawn, edits, connectomes)


def to_length(
    direction: Float[Array, "*people edge"], length: Float[Array, "*people"]
) -> Float[Array, "*people edge"]:
    """The vector of this length that points the same way; zeros stay."""
    norm = jnp.linalg.norm(direction, axis=-1)
    return direction * jnp.asarray(length / jnp.where(norm > 0, norm, 1))[..., None]


def of_the_group(edits: Float[np.ndarray, "people edge"]) -> Float[np.ndarray, "people edge"]:
    """Everybody gets the mean edit, as long as the own one."""
    mean = np.broadcast_to(edits.mean(axis=0), edits.shape)
    return np.asarray(to_length(mean, np.linalg.norm(edits, axis=1)))


def of_another(
    edits: Float[np.ndarray, "people edge"], *, seed: int
) -> Float[np.ndarray, "people edge"]:
    """Everybody gets somebody else's edit, as long as the own one."""
    order = np.random.default_rng(seed).permutation(len(edits))
    theirs = np.empty_like(edits)
    theirs[order] = edits[np.roll(order, 1)]  # one circle through all people: nobody gets the own
    return np.asarray(to_length(theirs, np.linalg.norm(edits, axis=1)))
