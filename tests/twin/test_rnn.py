"""Many stretches at once are one by one, and the gradient by hand is that of autodiff."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.twin import recurrence, twin
from dtb_jax.twin.rnn import unflatten, unroll, unroll_together, weight_count

INPUTS, UNITS, OUTPUTS, PEOPLE, STRETCHES, STEPS = 3, 7, 4, 5, 2, 30
SIZES = (INPUTS, UNITS, OUTPUTS)


@pytest.fixture
def drawn(x64):
    rng = np.random.default_rng(0)
    weights = jnp.asarray(rng.normal(size=(PEOPLE, weight_count(*SIZES))) / 2)
    stimulus = jnp.asarray(rng.normal(size=(PEOPLE, STRETCHES, STEPS, INPUTS)))
    slope = jnp.asarray(rng.normal(size=(PEOPLE, STRETCHES, STEPS, OUTPUTS)))
    return weights, stimulus, slope


def one_by_one(networks, stimulus):
    return jax.vmap(jax.vmap(unroll, in_axes=(None, 0)))(networks, stimulus)


def slopes(function, drawn):
    """Outputs of everybody, and the gradients of their sum, weighted by `slope`."""
    weights, stimulus, slope = drawn

    def summed(weights, stimulus):
        networks = jax.vmap(lambda one: unflatten(one, *SIZES))(weights)
        outputs = function(networks, stimulus)
        return jnp.vdot(outputs, slope), outputs

    grad = jax.jit(jax.grad(summed, argnums=(0, 1), has_aux=True))
    return jax.tree.leaves(grad(weights, stimulus))


@pytest.mark.parametrize("cache_bytes", [1, 8 * UNITS**2 * 2, 2**20])
def test_everybody_together_is_everybody_alone(drawn, monkeypatch, cache_bytes):
    monkeypatch.setattr(recurrence, "CACHE_BYTES", cache_bytes)
    together = slopes(lambda n, s: twin.unroll_cohort(n, s), drawn)
    for found, expected in zip(together, slopes(one_by_one, drawn), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_the_gradient_by_hand_equals_finite_differences(drawn):
    weights, stimulus, slope = (array[0] for array in drawn)

    def summed(weights):
        return jnp.vdot(unroll_together(unflatten(weights, *SIZES), stimulus), slope)

    gradient = jax.grad(summed)(weights)
    for k in range(0, len(weights), 9):
        step = jnp.zeros_like(weights).at[k].set(1e-6)
        numeric = (summed(weights + step) - summed(weights - step)) / 2e-6
        np.testing.assert_allclose(gradient[k], numeric, rtol=1e-6, atol=1e-8)
