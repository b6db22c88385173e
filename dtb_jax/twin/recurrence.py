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
    """h_1, h_2, ... of h_0 = 0;  h_{t+1} = tanh(drive_t + hh h_t), in every stretch of one person.

    With d_t the gradient to drive_t and g_t that to h_t,
    d_t = (1 - h_{t+1}^2) (g_{t+1} + hh' d_{t+1})  and that to hh is  sum_t d_t h_t':
    one product after the walk, where a transposed scan adds up a matrix at every step.
    """
    return _forward(hh, drive)[0]


def _forward(hh, drive):
    states = _states(hh, drive)
    return states, (hh, states)


def _backward(kept, slope):
    hh, states = kept
    delta = _deltas(hh, slope, states)
    return jnp.einsum("tsi,tsj->ij", delta[1:], states[:-1]), delta


hidden_states.defvjp(_forward, _backward)


def people_by_people(function: Callable) -> Callable:
    """One person's walk through time, whose `vmap` over people suits the device.

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


# Both write each step over what they read there: no other array of all steps is needed, and none
# is turned around.


@people_by_people
def _states(hh, drive):
    """h_1, h_2, ... [time, stretch, hidden]."""
    across = hh.T  # within the loop it would be turned at every step

    def step(t, carry):
        states, hidden = carry
        new = jnp.tanh(_at(states, t) + hidden @ across)
        return _put(states, new, t), new

    start = (drive, jnp.zeros_like(drive[0]))
    return jax.lax.fori_loop(0, drive.shape[0], step, start)[0]


@people_by_people
def _deltas(hh, slope, states):
    """Gradients to what drives every step, from those to h_1, h_2, ..."""
    last = slope.shape[0] - 1

    def step(k, carry):
        deltas, later = carry
        t = last - k
        delta = (1 - _at(states, t) ** 2) * (_at(deltas, t) + later @ hh)
        return _put(deltas, delta, t), delta

    start = (slope, jnp.zeros_like(slope[0]))
    return jax.lax.fori_loop(0, last + 1, step, start)[0]


def _at(array, t):
    return jax.lax.dynamic_index_in_dim(array, t, axis=0, keepdims=False)


def _put(array, now, t):
    return jax.lax.dynamic_update_index_in_dim(array, now, t, axis=0)
