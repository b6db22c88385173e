"""The race against a third party's distribution, against draws, and against walking it slowly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from dtb_jax.simulation.race import density, expected_winner, finishing_times

DRIFT, BOUNDARY = np.array([4.3, 0.6, 0.9]), 2.4


def inverse_gaussian(drift):
    return stats.invgauss(1 / (BOUNDARY * drift), scale=BOUNDARY**2)


def test_density_is_scipys():
    t = np.linspace(0.05, 3, 50)
    found = density(jnp.asarray(t), DRIFT[0], BOUNDARY)
    np.testing.assert_allclose(found, inverse_gaussian(DRIFT[0]).pdf(t), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("available", [(1, 1, 1), (1, 1, 0)])
@pytest.mark.parametrize("window_s", [0.6, 1.6, 3.7])
def test_expectation_is_the_integral(available, window_s):
    t = (np.arange(20000) + 0.5) * window_s / 20000
    runs = np.flatnonzero(available)
    found = expected_winner(
        jnp.asarray(DRIFT), jnp.array(BOUNDARY), jnp.array(available, float), jnp.array(window_s)
    )
    for a in runs:
        others = np.prod([inverse_gaussian(DRIFT[b]).sf(t) for b in runs if b != a], axis=0)
        wins = inverse_gaussian(DRIFT[a]).pdf(t) * others * window_s / 20000
        assert float(found.probability[a]) == pytest.approx(wins.sum(), rel=0.01, abs=1e-5)
        assert float(found.time_s[a]) == pytest.approx((t * wins).sum() / wins.sum(), rel=0.005)
    assert float(found.probability[2]) > 0 or not available[2]


def test_draws_agree_with_the_expectation():
    keys = jax.random.split(jax.random.key(0), 100_000)
    drift, boundary = jnp.asarray(DRIFT), jnp.array(BOUNDARY)
    times = jax.vmap(lambda key: finishing_times(drift, boundary, key=key))(keys)
    first, when = np.asarray(times.argmin(axis=1)), np.asarray(times.min(axis=1))
    told = expected_winner(drift, boundary, jnp.ones(3), jnp.array(1.6))
    for a in range(3):
        won = (first == a) & (when < 1.6)
        p = float(told.probability[a])
        assert won.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / len(won)))
        assert when[won].mean() == pytest.approx(float(told.time_s[a]), rel=0.03)


def test_a_slow_walk_finishes_at_the_same_time():
    rng = np.random.default_rng(0)
    step_s, walkers = 0.0005, 4000
    height, time, done = np.zeros(walkers), np.zeros(walkers), np.zeros(walkers, bool)
    for _ in range(6000):
        height += DRIFT[0] * step_s + np.sqrt(step_s) * rng.normal(size=walkers)
        time += step_s * ~done
        done |= height >= BOUNDARY
    mean = BOUNDARY / DRIFT[0]
    assert done.mean() > 0.999
    assert time.mean() == pytest.approx(mean, rel=0.03)


def test_gradient_is_finite_at_the_edges():
    def mean(drift, boundary, window_s):
        return expected_winner(drift, boundary, jnp.ones(3), window_s).time_s[0]

    for window_s in (0.05, 4.0):
        found = jax.grad(mean, argnums=(0, 1, 2))(
            jnp.asarray(DRIFT), jnp.array(BOUNDARY), jnp.array(window_s)
        )
        assert all(np.isfinite(leaf).all() for leaf in found)
