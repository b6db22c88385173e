"""What stands in a hypernetwork's place, what is absent in training, what a projection keeps."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dtb_jax import Hypernetwork, make_twin
from dtb_jax.twin.config import clip_by_norm
from dtb_jax.twin.hypernetwork import ConstantInput, Rows
from dtb_jax.twin.rnn import flatten, unroll
from dtb_jax.twin.twin import principal_components, simulate

SIZES = {"inputs": 3, "units": 8, "outputs": 5}


@pytest.fixture(scope="module")
def connectomes():
    rng = np.random.default_rng(0)
    return (0.3 + rng.normal(size=(7, 20)) @ rng.normal(size=(20, 20))).astype(np.float32)


def test_a_constant_input_moves_one_bias_and_nothing_else(connectomes):
    twin = make_twin(connectomes, kind=ConstantInput, **SIZES)
    params = twin.init(jax.random.key(0))
    one, two = (twin.network(params, jnp.asarray(c)) for c in connectomes[:2])
    for name in ("ih", "hh", "b_hh", "ho", "b_ho"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert (one.b_ih != two.b_ih).all()
    # The same as an input held at e for the whole run, through weights C scaled by the pace.
    weights = params["params"]["Dense_0"]["kernel"].T * twin.hypernet.gain
    start = Hypernetwork(**SIZES, parent=None)
    moved = start.unit_pace() * (weights @ twin.features(jnp.asarray(connectomes[0])))
    mean = twin.network(params, twin.centre)
    np.testing.assert_allclose(one.b_ih, mean.b_ih + moved, atol=1e-6)


def test_a_constant_input_can_be_learned_from_and_designed_with(connectomes):
    twin = make_twin(connectomes, kind=ConstantInput, **SIZES)
    params = twin.init(jax.random.key(0))
    stimulus = jnp.ones((1, 12, 3))

    def loss(params, connectome):
        return jnp.square(simulate(twin, params, connectome, stimulus)).mean()

    slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))(params, jnp.asarray(connectomes[0]))
    assert all(jnp.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slopes))
    assert (slopes[1] != 0).all()  # every edge


def test_the_absent_have_the_mean_connectomes_network(connectomes):
    features = jnp.asarray(connectomes[0])

    def made(absence):
        return Hypernetwork(**SIZES, width=10, dropout=0.0, absence=absence)

    params = made(0.5).init(jax.random.key(0), features)

    @jax.jit
    def weights(features, key):
        told = made(0.5).apply(params, features, training=True, rngs={"dropout": key})
        return flatten(told)

    mean, own = (flatten(made(0.0).apply(params, e)) for e in (jnp.zeros_like(features), features))
    assert not np.allclose(mean, own, atol=1e-4)
    keys = jax.random.split(jax.random.key(1), 400)
    drawn = np.asarray(jax.vmap(weights, in_axes=(None, 0))(features, keys))
    absent, present = (np.abs(drawn - one).max(axis=1) < 1e-6 for one in (mean, own))
    np.testing.assert_array_equal(absent, ~present)
    assert 0.425 < absent.mean() < 0.575  # .5 +- 3 standard errors
    for absence in (0.5, 1.0):  # nobody is absent outside training
        np.testing.assert_array_equal(flatten(made(absence).apply(params, features)), own)


def test_components_are_those_of_the_training_people(connectomes):
    basis = principal_components(connectomes, 4)
    centred = connectomes - connectomes.mean(0)
    _, _, right = np.linalg.svd(centred.astype(float), full_matrices=False)
    told, expected = centred @ basis, centred @ right[:4].T
    scale = np.sqrt((expected**2).sum() / expected.size)
    signs = np.sign((told * expected).sum(0))
    np.testing.assert_allclose(told * signs, expected / scale, atol=1e-4)
    assert np.square(told).mean() == pytest.approx(1, abs=1e-4)


def test_more_components_than_people_lose_nothing_and_add_nothing(connectomes):
    basis = principal_components(connectomes, 12)
    assert basis.shape == (20, 12)
    assert (basis[:, 6:] == 0).all()  # seven centred people span six directions
    told = (connectomes - connectomes.mean(0)) @ basis
    before = np.linalg.norm(connectomes[:, None] - connectomes[None], axis=-1)
    after = np.linalg.norm(told[:, None] - told[None], axis=-1)
    off = ~np.eye(7, dtype=bool)
    ratio = after[off] / before[off]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_a_twin_of_components_is_the_projection_by_hand(connectomes):
    twin = make_twin(connectomes, components=4, width=10, **SIZES)
    params = twin.init(jax.random.key(1))
    new = np.random.default_rng(1).normal(size=20).astype(np.float32)
    features = (new - connectomes.mean(0)) @ principal_components(connectomes, 4)
    np.testing.assert_allclose(twin.features(jnp.asarray(new)), features, atol=1e-5)
    trained = np.asarray(jax.vmap(twin.features)(connectomes))
    np.testing.assert_allclose(trained.mean(0), 0, atol=1e-5)
    assert np.square(trained).mean() == pytest.approx(1, abs=1e-4)
    stimulus = jnp.ones((1, 12, 3))
    by_hand = unroll(twin.hypernet.apply(params, jnp.asarray(features)), stimulus[0])
    found = simulate(twin, params, jnp.asarray(new), stimulus)[0]
    np.testing.assert_allclose(found, by_hand, atol=1e-5)


def test_edges_are_standardised_on_training_people(connectomes):
    same = connectomes.copy()
    same[:, 3] = 0.7  # does not vary
    twin = make_twin(same, **SIZES)
    trained = np.asarray(jax.vmap(twin.features)(same))
    np.testing.assert_allclose(trained.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(np.delete(trained.std(0), 3), 1, atol=1e-4)
    new = same[0] + 1
    np.testing.assert_allclose(twin.features(new)[3], 1, atol=1e-5)


def test_edges_stay_as_they_are_where_asked(connectomes):
    twin = make_twin(connectomes, standardise=False, **SIZES)
    np.testing.assert_array_equal(twin.features(connectomes[0]), connectomes[0])


def test_a_layer_of_rows_is_flaxs_layer_turned():
    x = jnp.asarray(np.random.default_rng(0).normal(size=6), jnp.float32)
    start = {"kernel_init": nn.initializers.lecun_normal(), "name": "same"}
    rows, dense = Rows(9, **start), nn.Dense(9, **start)
    turned = rows.init(jax.random.key(0), x)["params"]
    kept = dense.init(jax.random.key(0), x)["params"]
    np.testing.assert_array_equal(turned["kernel"], kept["kernel"].T)
    np.testing.assert_allclose(
        rows.apply({"params": turned}, x), dense.apply({"params": kept}, x), rtol=1e-5
    )


@pytest.mark.parametrize("most", [0.5, 100.0, np.inf])
def test_gradients_are_clipped_as_optax_clips_them(most):
    gradient = {"a": jnp.asarray([3.0, -4.0]), "b": jnp.full((2, 2), 6.0)}
    found, _ = clip_by_norm(most).update(gradient, optax.EmptyState())
    expected, _ = optax.clip_by_global_norm(most).update(gradient, optax.EmptyState())
    for name, leaf in expected.items():
        np.testing.assert_allclose(found[name], leaf, rtol=1e-6)


def test_a_norm_beyond_float32_changes_nothing_where_nothing_is_clipped():
    gradient = {"a": jnp.asarray([1e30, 1.0])}
    found, _ = clip_by_norm(np.inf).update(gradient, optax.EmptyState())
    np.testing.assert_array_equal(found["a"], gradient["a"])


@pytest.mark.parametrize("optimiser", ["steepest descent", "Adam"])
def test_a_projection_on_all_people_is_the_same_to_steepest_descent_not_to_adam(
    x64, connectomes, optimiser
):
    """With W = B w, people's activations are the same before any step. Their gradient in W lies in
    the span of B, so that steps along it stay there; Adam's divide every edge's by its own size."""
    centred = jnp.asarray(connectomes - connectomes.mean(0), float)
    basis = jnp.asarray(principal_components(connectomes, 6), float)
    size = 1 / jnp.linalg.norm(basis[:, 0])
    hypernet = Hypernetwork(**SIZES, width=10, dropout=0.0, scale=1.0)
    stimulus = jnp.asarray(np.random.default_rng(2).normal(size=(12, 3)))

    def outputs(params, features):
        return jax.vmap(lambda one: unroll(hypernet.apply(params, one), stimulus))(features)

    def learned(params, features, first):
        def rate(path, _):  # of the kernel whose units differ
            return 0.01 * (first if [step.key for step in path][-2:] == KERNEL else 1.0)

        rates = jax.tree_util.tree_map_with_path(rate, params)
        step = optax.identity() if optimiser == "steepest descent" else optax.scale_by_adam()
        moments = step.init(params)
        for _ in range(5):
            slope = jax.grad(lambda p: jnp.square(outputs(p, features) - 1).mean())(params)
            move, moments = step.update(slope, moments)
            params = jax.tree.map(lambda p, r, m: p - r * m, params, rates, move)
        return params

    KERNEL = ["Dense_0", "kernel"]
    few = jax.tree.map(
        lambda leaf: leaf.astype(float), hypernet.init(jax.random.key(0), centred[0] @ basis)
    )
    all_edges = jax.tree.map(jnp.copy, few)
    all_edges["params"]["Dense_0"]["kernel"] = basis @ few["params"]["Dense_0"]["kernel"]
    before = outputs(few, centred @ basis)
    np.testing.assert_allclose(outputs(all_edges, centred), before, atol=1e-6)
    with_few = outputs(learned(few, centred @ basis, size**2), centred @ basis)
    with_all = outputs(learned(all_edges, centred, 1.0), centred)
    apart, moved = (float(jnp.abs(with_few - other).max()) for other in (with_all, before))
    assert moved > 0.01
    assert apart < 1e-5 * moved if optimiser == "steepest descent" else apart > 0.01 * moved
