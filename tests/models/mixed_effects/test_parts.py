"""Each part of the mixed-effects twin against what it must equal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.models.mixed_effects.items import PARTS
from dtb_jax.models.mixed_effects.likelihood import (
    attended,
    fit_noise,
    lapsing_hazards,
    read_lapsing,
)
from dtb_jax.models.mixed_effects.movement import Movement, blup, forecast, marginal
from dtb_jax.models.mixed_effects.network import Population, chunked_unroll, haemodynamic
from dtb_jax.models.mixed_effects.posterior import Gaussian, GaussianFactor, joined, nothing
from dtb_jax.models.mixed_effects.predict import points
from dtb_jax.models.mixed_effects.prior import fit_em, fit_prior
from dtb_jax.twin.bold import glover_hrf
from dtb_jax.twin.response import windows
from dtb_jax.twin.rnn import unroll
from dtb_jax.types import STEP_S, Sequences


def test_pieces_put_together_are_the_whole():
    population = Population(inputs=4, units=8, regions=2, coordinates=3, inattention=-4.0)
    params = population.init(jax.random.key(0), jnp.zeros(3))
    network = population.apply(params, jnp.zeros(3)).network
    stimulus = jax.random.uniform(jax.random.key(1), (200, 4))
    whole = unroll(network, stimulus)
    pieces = chunked_unroll(network, stimulus, piece=50, before=40)
    np.testing.assert_allclose(pieces, whole, atol=2e-2)
    np.testing.assert_allclose(pieces[:50], whole[:50], atol=1e-5)


def test_readouts_of_regions_move_with_the_person():
    population = Population(inputs=4, units=8, regions=2, coordinates=3, inattention=-4.0)
    params = population.init(jax.random.key(0), jnp.zeros(3))
    z = jnp.array([0.5, 0.0, -1.0])
    plain = population.apply(params, z).network
    kernel = np.zeros((3, 2, 9))
    kernel[0, 0, 4], kernel[2, 1, 8] = 4.0, 2.0  # a unit's weight in a region, and a bias
    params["params"]["readout"]["kernel"] = jnp.asarray(kernel.reshape(3, 18), jnp.float32)
    moved = population.apply(params, z).network
    more = np.zeros((5, 8))
    more[3, 4] = 0.1 * 4.0 * 0.5
    np.testing.assert_allclose(moved.ho - plain.ho, more, atol=1e-6)
    np.testing.assert_allclose(moved.b_ho - plain.b_ho, [0, 0, 0, 0, -0.1 * 2.0], atol=1e-6)


def test_haemodynamic_is_a_convolution_that_a_delay_shifts():
    neural = np.zeros((600, 1), np.float32)
    neural[100:150] = 1
    early, late = (haemodynamic(jnp.asarray(neural), jnp.float32(d), 10)[:, 0] for d in (0.0, 0.4))
    kernel = glover_hrf(np.arange(0, 32, STEP_S))
    reference = np.convolve(neural[:, 0], kernel / kernel.sum())[:600:10]
    np.testing.assert_allclose(early, reference, atol=1e-4)
    moved = np.convolve(np.roll(neural[:, 0], 5), kernel / kernel.sum())[:600:10]
    assert np.abs(late - moved).max() < 0.2 * np.abs(early - moved).max()


def test_hazards_with_a_lapse_are_probabilities():
    logits = jnp.array([[3.0, -2.0, 50.0], [-60.0, -60.0, 0.0]])
    press, none = lapsing_hazards(logits, jnp.array([1.0, 1.0, 0.0]), jnp.asarray(-3.0))
    np.testing.assert_allclose(jnp.exp(press).sum(-1) + jnp.exp(none), 1, rtol=1e-5)
    assert float(jnp.exp(press[1, 0])) > 0.02


def test_trials_that_go_by_unattended_are_told_as_they_are_read():
    logits = jax.random.normal(jax.random.key(2), (12, 3))
    available = jnp.array([1.0, 1.0, 0.0])
    lapse, inattention = jnp.asarray(-4.0), jnp.asarray(-1.0)
    onset, deadline = np.array([0.0, 5.0]), np.array([5.0, 4.0])  # steps, and steps after it
    frame = windows(
        onset * STEP_S, deadline * STEP_S, np.ones(2, bool), 0.0, len(logits), int(deadline.max())
    )
    told = read_lapsing(lapse, inattention, logits, available, frame)
    trial = np.repeat([1, 2, 0], [5, 4, 3])

    def likely(step, action):
        """Of a press in the first trial, nothing in the second."""
        risk, press = (trial > 0).astype(float), np.zeros((12, 3))
        if step is not None:
            risk[step + 1 : 5], press[step, action] = 0, 1
        none = jnp.zeros((12, 0))
        run = Sequences(none, jnp.asarray(press), jnp.asarray(risk), available, none, jnp.zeros(12))
        steps = jnp.full(12, inattention)
        return np.exp(-attended(logits, run, jnp.asarray(trial), lapse, steps).loss())

    second = float(told.omission_probability[1])
    assert likely(None, None) == pytest.approx(float(told.omission_probability[0]) * second)
    for step, action in ((0, 1), (4, 0)):
        expected = float(told.density[0, step, action]) * second
        assert likely(step, action) == pytest.approx(expected, rel=1e-4)
    assert float(told.density[0].sum() + told.omission_probability[0]) == pytest.approx(1, rel=1e-5)


def told_of(z, noise, rng):
    """What one run's data tell that measure z with this variance in every quarter."""
    people, size = z.shape[0], z.shape[-1]
    seen = z.reshape(people, -1, size) + np.sqrt(noise) * rng.normal(size=(people, PARTS, size))
    information = np.tile(np.eye(size) / noise, (people, 1, PARTS, 1, 1))
    return GaussianFactor(information, seen[:, None] / noise)


def test_without_trials_a_person_is_where_the_connectome_says():
    movement = Movement.small(3)._replace(spread=2 * np.eye(3))
    mean = np.arange(6.0).reshape(2, 3)
    found = blup(mean, nothing(2, 2, 3), movement)
    np.testing.assert_allclose(marginal(found, movement, 0).mean, mean)
    spread = np.diag(marginal(found, movement, 1).covariance[0])
    assert np.all(spread > 2) and np.all(spread < 2.2)


def test_prior_finds_what_connectomes_say_and_how_far_people_are_from_it():
    rng = np.random.default_rng(3)
    edges = rng.normal(size=(600, 66)).astype(np.float32)
    caused = edges[:, :2] * 1.5
    z = caused + rng.normal(size=(600, 2)) * np.array([0.5, 1.0])
    prior = fit_prior(told_of(z, 2.0, rng), edges)
    apart = prior.movement.spread + prior.movement.run * np.eye(
        2
    )  # one run does not tell them apart
    np.testing.assert_allclose(np.sqrt(np.diag(apart)), [0.6, 1.05], atol=0.25)
    fresh = rng.normal(size=(200, 66)).astype(np.float32)
    told = prior.of(fresh)
    assert np.corrcoef(told[:, 0], fresh[:, 0])[0, 1] > 0.9
    assert np.polyfit(told[:, 0], 1.5 * fresh[:, 0], 1)[0] == pytest.approx(1, abs=0.15)


def test_people_who_go_one_way_are_believed_to_go_on():
    rng = np.random.default_rng(4)
    times = (np.arange(PARTS) + 0.5) / PARTS - 0.5
    slope = 2 + 0.8 * rng.normal(size=(300, 1, 2))
    z = rng.normal(size=(300, 1, 2)) + times[None, :, None] * slope
    movement, found = fit_em(
        np.zeros((300, 2)), told_of(z, 0.1, rng), Movement.small(2), number=200
    )
    ahead = forecast(found, movement, 0)
    truth = z.mean(axis=1) + slope[:, 0]
    off = truth - ahead.mean
    sd = np.sqrt(np.diagonal(ahead.covariance, axis1=1, axis2=2))
    assert np.abs(off.mean()) < 0.15
    assert 0.7 < np.mean(np.abs(off) < 1.2816 * sd) < 0.97


def test_draws_have_the_mean_and_the_spread_of_the_belief():
    rng = np.random.default_rng(7)
    ways = rng.normal(size=(16, 16))
    mean, covariance = rng.normal(size=(1, 16)), (ways @ ways.T)[None]
    drawn = points(Gaussian(mean, covariance))[0]
    np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=1e-6)
    np.testing.assert_allclose(np.cov(drawn.T, bias=True), covariance[0], atol=1e-5)


def test_what_runs_share_is_told_from_what_they_do_not():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(400, 2))
    runs = [z + 0.5 * rng.normal(size=z.shape) for _ in range(2)]
    told = joined([told_of(one[:, None], 0.2, rng) for one in runs])
    movement, _ = fit_em(np.zeros((400, 2)), told, Movement.small(2), number=200)
    np.testing.assert_allclose(np.sqrt(movement.run), 0.5, atol=0.1)
    found = blup(np.zeros((400, 2)), joined([told, nothing(400, 1, 2)]), movement)
    third = z + 0.5 * rng.normal(size=z.shape)
    new = marginal(found, movement, 2)
    sd = np.sqrt(np.diagonal(new.covariance, axis1=1, axis2=2))
    assert np.mean(np.abs(third - new.mean) < 1.2816 * sd) == pytest.approx(0.8, abs=0.05)


def test_a_course_is_what_generalised_least_squares_says():
    rng = np.random.default_rng(8)
    way = rng.normal(size=(2, 2))
    spread, (run, trend, walk, wander) = np.eye(2) + way @ way.T, (0.3, 0.7, 0.2, 0.4)
    movement = Movement(spread, run, np.array([0.5, -0.2]), trend, walk, wander)
    z = rng.normal(size=(3, 2))
    told = joined([told_of(z[:, None], noise, rng) for noise in (0.3, 0.8)])
    found = blup(np.ones((3, 2)), told, movement)
    times = np.tile((np.arange(PARTS) + 0.5) / PARTS - 0.5, 2)
    quarter, which = np.tile(np.arange(PARTS), 2), np.repeat([0, 1], PARTS)
    shared = np.minimum.outer(quarter, quarter)
    noise = np.where(which == 0, 0.3, 0.8)
    between = (
        np.kron(np.ones((8, 8)), spread)
        + np.kron(np.equal.outer(which, which), run * np.eye(2))
        + np.kron(np.outer(times, times), trend * np.eye(2))
        + np.kron(shared, walk * np.eye(2))
        + np.kron(np.eye(8), wander * np.eye(2))
        + np.kron(np.diag(noise), np.eye(2))
    )
    seen = (told.pull * noise.reshape(2, PARTS, 1)).reshape(3, -1)
    expected = np.tile(np.ones(2), 8) + np.kron(times, movement.mean)
    gain = np.kron(np.ones((1, 8)), spread) @ np.linalg.inv(between)
    np.testing.assert_allclose(found.mean[:, 0], 1 + (seen - expected) @ gain.T, atol=1e-8)
    left = spread - gain @ np.kron(np.ones((8, 1)), spread)
    np.testing.assert_allclose(found.covariance[0, 0, :, 0], left, atol=1e-8)


def test_fit_noise_leaves_masked_gaps_out():
    rng = np.random.default_rng(0)
    bold, mask = rng.normal(size=(6, 1, 60, 2)), np.ones((6, 1, 60), bool)
    mask[:, :, 20:30] = False
    design = np.tile(np.stack([np.sin(np.arange(60) / 5), np.ones(60)], axis=1), (6, 1, 1))
    found = fit_noise([design], bold, mask, 0.8)
    again = fit_noise([design], np.where(mask[..., None], bold, 1e3), mask, 0.8)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.whiten[0, 59].any()  # the volumes after the gap count
    np.testing.assert_allclose(found.sd, 1, atol=0.15)
