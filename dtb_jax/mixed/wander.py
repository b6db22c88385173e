"""A normal deviation that is new in every part of the data: y tells of z + w, w ~ N(0, W).

With what y tells of z + w as a quadratic form (L, l), see `posterior.Told`:

    of z alone       (1 + L W)^(-1) (L, l)
    of w, given z    w ~ N(A (l - L z), A),   A = (W^(-1) + L)^(-1)
"""

import numpy as np
from jaxtyping import Float

from dtb_jax.types import Array


def without(
    wander: Float[Array, "z z"],
    information: Float[Array, "*people z z"],
    pull: Float[Array, "*people z"],
) -> tuple[Float[Array, "*people z z"], Float[Array, "*people z"]]:
    """What the data tell of z alone."""
    keep = np.linalg.inv(np.eye(len(wander)) + information @ wander)
    return keep @ information, np.einsum("...yz,...z->...y", keep, pull)


def square(
    wander: Float[Array, "z z"],
    information: Float[Array, "people z z"],
    pull: Float[Array, "people z"],
    mean: Float[Array, "people z"],
    covariance: Float[Array, "people z z"],
) -> Float[Array, "z z"]:
    """E w w' averaged over people, where z ~ N(mean, covariance) by all the data."""
    given = np.linalg.inv(np.linalg.inv(wander) + information)
    answer = given @ information
    off = np.einsum("pyz,pz->py", given, pull) - np.einsum("pyz,pz->py", answer, mean)
    unsure = given + answer @ covariance @ answer.swapaxes(1, 2)
    return off.T @ off / len(off) + unsure.mean(axis=0)
