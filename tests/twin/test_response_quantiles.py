"""Reading distributions of answers: quantiles, likelihoods, and all that can happen, in loops."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.twin import response
from dtb_jax.twin.response import windows
from dtb_jax.types import STEP_S
from tests import reference

ONSET = np.array([0.31, 2.3, 4.0, 7.19, 9.0])
DEADLINE = np.array([1.95, 0.9, 2.4, 1.0, 1.95])
PRESENT = np.array([True, True, True, True, False])
STEPS, LENGTH = 140, 30
LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])

time_quantiles = jax.jit(response.time_quantiles)
log_likelihood = jax.jit(response.log_likelihood)


@partial(jax.jit, static_argnums=4)
def _read(logits, available, onset, deadline, start_s):
    frame = windows(onset, deadline, PRESENT, start_s, STEPS, LENGTH)
    return frame, response.read_hazard(logits, available, frame)


def read(logits, available, start_s):
    return _read(*map(jnp.asarray, (logits, available, ONSET, DEADLINE)), start_s)


def answer(seed=0, start_s=0.0, level=-3.0, available=(1.0, 1.0, 0.0)):
    logits = np.random.default_rng(seed).normal(size=(STEPS, 3)) + level
    return logits, *read(logits, available, start_s)


def when(probability, edges):
    """Time by which so much of the mass has come, for each level, uniform within steps."""
    share, found = np.cumsum(probability) / probability.sum(), []
    for level in LEVELS:
        k = int(np.argmax(share >= level))
        before = share[k - 1] if k else 0.0
        inside = (level - before) / (share[k] - before)
        found.append(edges[k] + inside * (edges[k + 1] - edges[k]))
    return found


@pytest.mark.parametrize("start_s", [0.0, 0.16])
@pytest.mark.parametrize("level", [-6.0, -3.0, 0.0, 3.0])
def test_all_that_can_happen_on_a_trial_sums_to_one(x64, level, start_s):
    _, _, told = answer(level=level, start_s=start_s)
    total = np.asarray(told.density.sum((1, 2)) + told.omission_probability)
    np.testing.assert_allclose(total, 1, atol=1e-9)
    np.testing.assert_array_equal(told.density[..., 2], 0)
    np.testing.assert_array_equal(told.density[4], 0)
    assert told.omission_probability[4] == 1


def test_the_density_is_a_race_of_hazards(x64):
    logits, _, told = answer()
    for k in range(4):
        survival, step = 1.0, int(np.floor(ONSET[k] / STEP_S + 1e-6))
        for offset in range(LENGTH):
            p, none = reference.hazard(logits[step + offset], np.array([1, 1, 0]))
            expected = survival * p if offset * STEP_S < DEADLINE[k] else np.zeros(3)
            np.testing.assert_allclose(told.density[k, offset], expected, rtol=1e-6, atol=1e-15)
            survival *= none


def likelihood(told, possible, answered, step):
    return np.asarray(
        log_likelihood(told, jnp.asarray(possible), jnp.asarray(answered), jnp.asarray(step))
    )


def test_likelihoods_are_looked_up_step_by_step(x64):
    _, _, told = answer(1)
    rng = np.random.default_rng(1)
    for _ in range(20):
        possible, step = rng.random((5, 3)) < 0.5, rng.integers(0, LENGTH, 5)
        answered = rng.random(5) < 0.7
        for k, found in enumerate(likelihood(told, possible, answered, step)):
            p = told.omission_probability[k]
            if answered[k]:
                p = sum(told.density[k, step[k], a] for a in range(3) if possible[k, a])
            assert found == pytest.approx(np.log(max(p, 1e-6)), rel=1e-9)


def test_likelihoods_of_all_that_can_happen_sum_to_one(x64):
    _, _, told = answer(2, level=-2.0)
    nothing, trial = np.zeros((5, 3), bool), np.arange(5)
    total = np.exp(likelihood(told, nothing, np.zeros(5, bool), 0 * trial))
    for step in range(LENGTH):
        for action in range(3):
            possible = nothing | (np.arange(3) == action)
            total += np.exp(likelihood(told, possible, np.ones(5, bool), step + 0 * trial))
    np.testing.assert_allclose(total, 1, atol=3 * LENGTH * 1e-6)


@pytest.mark.parametrize("step", [-1, LENGTH, LENGTH + 7])
def test_a_press_outside_the_window_is_as_unlikely_as_can_be(step):
    _, _, told = answer(level=-5.0)
    longest = np.full(5, step)
    found = likelihood(told, np.ones((5, 3), bool), np.ones(5, bool), longest)
    np.testing.assert_allclose(found, np.log(1e-6), rtol=1e-5)


def test_quantiles_are_a_loop_over_steps(x64):
    _, frame, told = answer(3)
    found = time_quantiles(told, jnp.asarray(LEVELS))
    for k in range(4):
        middle = np.asarray(frame.time_s[k])
        edges = np.append(middle - STEP_S / 2, middle[-1] + STEP_S / 2)
        expected = when(np.asarray(told.density[k].sum(1)), edges)
        np.testing.assert_allclose(found[k], expected, atol=1e-3)


@pytest.mark.parametrize("start_s", [0.0, 0.15, 0.31])
def test_quantiles_and_the_mean_speak_of_the_same_moment(start_s):
    logits = np.full((STEPS, 3), -30.0)
    pressed = np.floor((ONSET - start_s) / STEP_S + 1e-6).astype(int) + 8
    logits[pressed, 0] = 30.0
    _, told = read(logits, np.ones(3), start_s)
    found = np.asarray(time_quantiles(told, jnp.array([0.025, 0.5, 0.975])))[:4]
    time = np.asarray(told.reaction_time_s)[:4]
    np.testing.assert_allclose(time, (pressed[:4] + 0.5) * STEP_S + start_s - ONSET[:4], atol=1e-4)
    np.testing.assert_allclose(found[:, 1], time, atol=1e-3)
    np.testing.assert_allclose(found[:, [0, 2]].T - time, [[-0.038] * 4, [0.038] * 4], atol=1e-3)


def test_quantiles_grow_and_lie_in_the_window():
    for seed, level in enumerate((-6.0, -3.0, 0.0, 4.0)):
        _, _, told = answer(seed, level=level)
        found = np.asarray(time_quantiles(told, jnp.asarray(LEVELS)))[:4]
        assert (np.diff(found, axis=1) > 0).all()
        assert (found > -STEP_S).all() and (found.max(1) < DEADLINE[:4] + STEP_S).all()


def test_quantiles_do_not_depend_on_how_many_omit(x64):
    _, _, told = answer(4)
    half = told._replace(density=told.density / 2)
    np.testing.assert_allclose(
        time_quantiles(half, jnp.asarray(LEVELS)), time_quantiles(told, jnp.asarray(LEVELS))
    )


def test_quantiles_of_draws_are_those_of_the_density(x64):
    _, frame, told = answer(5)
    found, rng = time_quantiles(told, jnp.asarray(LEVELS)), np.random.default_rng(5)
    for k in range(4):
        p = np.asarray(told.density[k].sum(1))
        drawn = rng.choice(LENGTH, 40000, p=p / p.sum())
        times = np.asarray(frame.time_s[k])[drawn] + STEP_S * (rng.random(40000) - 0.5)
        np.testing.assert_allclose(found[k], np.quantile(times, LEVELS), atol=0.03)
