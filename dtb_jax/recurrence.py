"""The recurrence, fast: many stretches a product, and a gradient that is one product."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Float

from dtb_jax.types import Array

CACHE_BYTES = 2**20
"""Recurrent weights that stay in a CPU core's cache beside what else a step touches."""


@jax.custom_vjp
def hidden_states(
    hh: Float[Array, "hidden hidden"], drive: Float[Array, "time stretch hidden"]
) -> Float[Array, "time stretch hidden"]:
    """h_0 = 0;  h_{t+1} = tanh(drive_t + hh h_t), at every step and in every stretch of one person.

    With d_t the gradient to drive_t and g_t that to h_t,
    d_t = (1 - h_{t+1}^2) (g_{t+1} + hh' d_{t+1})  and that to hh is  sum_t d_t h_t':
    one product after the scan, where a transposed scan adds up a matrix at every step.
    """
    return _forward(hh, drive)[0]


def _forward(hh, drive):
    new = _states(hh, drive)
    return _before(new), (hh, new)


def _backward(kept, slope):
    hh, new = kept
    into_new = jnp.concatenate([slope[1:], jnp.zeros_like(slope[:1])])
    delta = _deltas(hh, into_new, new)
    return jnp.einsum("tsi,tsj->ij", delta, _before(new)), delta


hidden_states.defvjp(_forward, _backward)


def _before(new):
    """h_0, h_1, ... of h_1, h_2, ..."""
    return jnp.concatenate([jnp.zeros_like(new[:1]), new[:-1]])


def people_by_people(function: Callable) -> Callable:
    """One person's scan, whose `vmap` over people suits the device.

    An accelerator takes all people at every step. A CPU takes as many as have room in its cache
    through all of their time, so that nobody's weights are fetched from memory at every step.
    """
    alone = custom_vmap(function)

    @alone.def_vmap
    def everybody(people, batched, hh, *rest):
        together = jax.vmap(function, in_axes=[0 if one else None for one in batched])
        bytes_each = hh.shape[-1] ** 2 * hh.dtype.itemsize
        at_once = max(1, CACHE_BYTES // bytes_each)
        if at_once >= people or not batched[0]:
            return together(hh, *rest), True

        def few(*arrays):
            each = tuple(
                array if own else jnp.broadcast_to(array, (people, *array.shape))
                for array, own in zip(arrays, batched)
            )
            # a batch of one would make every product a batched one
            size = at_once if at_once > 1 else None
            return jax.lax.map(lambda one: alone(*one), each, batch_size=size)

        return jax.lax.platform_dependent(hh, *rest, cpu=few, default=together), True

    return alone


@people_by_people
def _states(hh, drive):
    """h_1, h_2, ... [time, stretch, hidden]."""
    across = hh.T  # within the scan it would be turned at every step

    def step(hidden, drive_t):
        new = jnp.tanh(drive_t + hidden @ across)
        return new, new

    return jax.lax.scan(step, jnp.zeros_like(drive[0]), drive)[1]


@people_by_people
def _deltas(hh, slope, new):
    """Gradients to what drives every step, from those to h_1, h_2, ..."""

    def step(later, now):
        slope_t, new_t = now
        delta = (1 - new_t**2) * (slope_t + later @ hh)
        return delta, delta

    return jax.lax.scan(step, jnp.zeros_like(slope[0]), (slope, new), reverse=True)[1]
