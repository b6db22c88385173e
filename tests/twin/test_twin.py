"""The jitted twin against NumPy loops, finite differences and the paper's counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax import Hypernetwork, Sequences, make_twin, simulate_cohort, unroll
from dtb_jax.twin.response import hazard_loss, read_hazard, windows
from dtb_jax.twin.rnn import flatten, unflatten, weight_count
from dtb_jax.twin.twin import simulate
from tests import reference

INPUTS, UNITS, OUTPUTS = 5, 6, 4


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    connectomes = rng.normal(size=(7, 45)).astype(np.float32)
    stimulus = rng.uniform(size=(7, 2, 40, INPUTS)).astype(np.float32)
    twin = make_twin(connectomes, inputs=INPUTS, units=UNITS, outputs=OUTPUTS, width=11)
    return connectomes, stimulus, twin, twin.init(jax.random.key(1))


def test_the_papers_counts():
    assert weight_count(9, 400, 23) == 173_623
    hypernet = Hypernetwork(inputs=9, units=400, outputs=23, base=False, scale=1.0)
    params = jax.eval_shape(hypernet.init, jax.random.key(0), jnp.zeros(99_235))
    total = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert total == 99_235 * 200 + 200 + 200 * 200 + 200 + 200 * 173_623 + 173_623
    assert round(total / 1e6, 1) == 54.8


def test_the_papers_network_starts_as_pytorch_would_and_can_be_trained():
    hypernet = Hypernetwork(inputs=9, units=40, outputs=23, width=20, base=False, scale=1.0)
    connectome = jax.random.normal(jax.random.key(0), (90,))
    params = hypernet.init(jax.random.key(1), connectome)
    for layer, inputs in zip(params["params"].values(), (90, 20, 20), strict=True):
        for weights in layer.values():
            assert 0.9 < float(jnp.abs(weights).max()) * inputs**0.5 <= 1
    stimulus = jax.random.normal(jax.random.key(2), (262, 9))

    def loss(params):
        return jnp.square(unroll(hypernet.apply(params, connectome), stimulus)).mean()

    slope = jax.tree.leaves(jax.grad(loss)(params))
    assert all(np.isfinite(leaf).all() for leaf in slope)
    assert max(float(jnp.abs(leaf).max()) for leaf in slope) < 100


def test_jitted_twin_equals_numpy_loop(people):
    connectomes, stimulus, twin, params = people
    found = jax.jit(lambda p, c, s: simulate_cohort(twin, p, c, s))(params, connectomes, stimulus)
    features = (connectomes - np.asarray(twin.centre)) / np.asarray(twin.spread)
    gain, scale, pace = twin.hypernet.gain, twin.hypernet.scale, twin.hypernet.pace()
    for i in range(len(connectomes)):
        weights = reference.hypernetwork(params, features[i], gain, scale, pace)
        for r in range(2):
            expected = reference.unroll(weights, stimulus[i, r], INPUTS, UNITS, OUTPUTS)
            np.testing.assert_allclose(found[i, r], expected, atol=1e-5)


def test_a_stimulus_arrives_one_step_late(people):
    connectomes, stimulus, twin, params = people
    network = twin.network(params, jnp.asarray(connectomes[0]))
    before = unroll(network, jnp.asarray(stimulus[0, 0]))
    changed = stimulus[0, 0].copy()
    changed[10] += 1
    after = unroll(network, jnp.asarray(changed))
    np.testing.assert_array_equal(before[:11], after[:11])
    assert (before[11] != after[11]).any()


def test_flatten_inverts_unflatten():
    weights = jnp.arange(float(weight_count(INPUTS, UNITS, OUTPUTS)))
    np.testing.assert_array_equal(flatten(unflatten(weights, INPUTS, UNITS, OUTPUTS)), weights)
    with pytest.raises(ValueError, match="expected"):
        unflatten(weights[1:], INPUTS, UNITS, OUTPUTS)


def random_run(rng, steps=60):
    press, at_risk = np.zeros((steps, 3)), np.zeros(steps)
    for onset, pressed, actions in ((3, 9, [0]), (20, None, []), (40, 45, [0, 1])):
        stop = onset + 12 if pressed is None else pressed + 1
        at_risk[onset:stop] = 1
        if pressed is not None:
            press[pressed, actions] = 1
    return Sequences(
        stimulus=rng.uniform(size=(steps, INPUTS)),
        press=press,
        at_risk=at_risk,
        available=np.array([1.0, 1.0, 0.0]),
        bold=np.zeros((steps, 1)),
        bold_mask=np.zeros(steps),
    )


def test_hazard_loss_and_reading_equal_loops(x64):
    rng = np.random.default_rng(2)
    run, logits = random_run(rng), rng.normal(size=(60, 3)) - 2
    found = hazard_loss(jnp.asarray(logits), jax.tree.map(jnp.asarray, run))
    expected = reference.hazard_loss(logits, run.press, run.at_risk, run.available > 0)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    onset, deadline = np.array([0.31, 1.62, 3.3]), np.array([1.0, 0.9, 1.9])
    frame = windows(jnp.asarray(onset), jnp.asarray(deadline), jnp.ones(3, bool), 0.0, 60, 30)
    told = read_hazard(jnp.asarray(logits), jnp.asarray(run.available), frame)
    for k in range(3):
        choice, omission, time = reference.read_hazard(
            logits, run.available > 0, onset[k], deadline[k], 0.0
        )
        np.testing.assert_allclose(told.choice_probability[k], choice, rtol=1e-6)
        np.testing.assert_allclose(told.omission_probability[k], omission, rtol=1e-6)
        np.testing.assert_allclose(told.reaction_time_s[k], time, rtol=1e-6)


def test_gradient_to_the_connectome_equals_finite_differences(x64):
    rng = np.random.default_rng(3)
    connectomes = rng.normal(size=(4, 45))
    twin = make_twin(connectomes, inputs=INPUTS, units=UNITS, outputs=OUTPUTS, width=11)
    twin = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64) if hasattr(x, "dtype") else x, twin)
    params = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), twin.init(jax.random.key(4)))
    stimulus = jnp.asarray(rng.uniform(size=(1, 60, INPUTS)))
    frame = windows(jnp.asarray([1.0]), jnp.asarray([2.0]), jnp.ones(1, bool), 0.0, 60, 25)

    def expected_rt(edges):
        outputs = simulate(twin, params, edges, stimulus)[0]
        return read_hazard(outputs[:, :3], jnp.ones(3), frame).reaction_time_s[0]

    edges = jnp.asarray(connectomes[0])
    gradient = jax.grad(expected_rt)(edges)
    for k in (0, 17, 44):
        step = jnp.zeros(45).at[k].set(1e-5)
        numeric = (expected_rt(edges + step) - expected_rt(edges - step)) / 2e-5
        np.testing.assert_allclose(gradient[k], numeric, rtol=1e-4, atol=1e-12)
