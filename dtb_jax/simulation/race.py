"""A race of diffusions: one accumulator an action, the first at the boundary is the press.

Accumulator a starts at 0 and drifts at rate v_a with unit noise; it reaches the boundary b at an
inverse-Gaussian time

    f(t) = b / sqrt(2 pi t^3) exp(-(b - v t)^2 / (2 t)),  S(t) = 1 - int_0^t f.

Source: Tillman, Van Zandt and Logan 2020, Psychonomic Bulletin & Review 27:911.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, PRNGKeyArray

from dtb_jax.types import Array

GRID = 64
"""Points of the expectation's time grid, midpoints between 0 and the window's end."""


class Winner(NamedTuple):
    """Expected outcome of a race that must end within a window."""

    probability: Float[Array, " action"]  # this one wins in time; the rest to 1: nobody does
    time_s: Float[Array, " action"]  # expected time, given that it wins in time


def density(t: Float[Array, "..."], drift, boundary) -> Float[Array, "..."]:
    """f(t), the density of one accumulator's finishing time, in 1 / s."""
    scale = boundary / (jnp.sqrt(2 * jnp.pi * t) * t)
    return scale * jnp.exp(-((boundary - drift * t) ** 2) / (2 * t))


def finishing_times(
    drift: Float[Array, "*trial action"], boundary: Float[Array, ""], *, key: PRNGKeyArray
) -> Float[Array, "*trial action"]:
    """Draw when each accumulator reaches the boundary, seconds."""
    return boundary**2 * jax.random.wald(key, 1 / (boundary * drift))


def expected_winner(
    drift: Float[Array, " action"],
    boundary: Float[Array, ""],
    available: Float[Array, " action"],
    window_s: Float[Array, ""],
) -> Winner:
    """Who wins within the window, and when, by quadrature; differentiable in all arguments.

    p_a = int_0^w f_a(t) prod_(b != a) S_b(t) dt.

    Args:
        drift: rates, 1 / sqrt(s).
        boundary: height, sqrt(s).
        available: 1 for accumulators that run, 0 for those that do not.
        window_s: when the race is broken off.

    Returns: `Winner`.
    """
    step = window_s / GRID
    t = (jnp.arange(GRID)[:, None] + 0.5) * step
    runs = available > 0
    ends = jnp.where(runs, density(t, drift, boundary), 0.0) * step
    alive = jnp.maximum(1 - jnp.cumsum(ends, axis=0) + ends / 2, 1e-6)
    wins = ends * jnp.prod(alive, axis=1, keepdims=True) / alive
    mass = wins.sum(axis=0)
    return Winner(mass, (t * wins).sum(axis=0) / jnp.maximum(mass, 1e-12))
