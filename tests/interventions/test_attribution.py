"""Attributions of functions whose attributions are known, and what a twin's add up to."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax import Hypernetwork, make_twin
from dtb_jax.interventions import attribution, directions
from dtb_jax.twin.connectome import edge_count
from dtb_jax.twin.rnn import flatten

PEOPLE, PARCELS = 7, 8
EDGES = edge_count(PARCELS)
NETWORKS = ["B", "A", "B", "A", "C", "A", "B", "C"]


class Linear(eqx.Module):
    """f(e) = w e + 3."""

    w: jax.Array

    def __call__(self, connectome):
        return self.w @ connectome + 3


class Traced(eqx.Module):
    """A square that counts how often it is traced."""

    w: jax.Array
    count: list = eqx.field(static=True)

    def __call__(self, connectome):
        self.count[0] += 1
        return jnp.square(self.w @ connectome)


@pytest.fixture(scope="module")
def connectomes():
    return np.random.default_rng(0).normal(size=(PEOPLE, EDGES)).astype(np.float32)


@pytest.fixture(scope="module")
def linear():
    return Linear(jnp.asarray(np.random.default_rng(1).normal(size=EDGES), jnp.float32))


@pytest.fixture(scope="module")
def z1(connectomes):
    """A score of the networks of a real hypernetwork."""
    twin = make_twin(connectomes, kind=Hypernetwork, inputs=3, units=8, outputs=5)
    network_of = eqx.Partial(twin.network, eqx.filter_jit(twin.init)(jax.random.key(0)))
    weights = jax.jit(jax.vmap(lambda e: flatten(network_of(e))))(jnp.asarray(connectomes))
    direction = directions.fit_direction(weights, np.arange(float(PEOPLE)))
    return directions.ConnectomeScore(network_of, direction)


smooth = eqx.filter_jit(attribution.smoothgrad)
integrated = eqx.filter_jit(attribution.integrated_gradients)
slope = eqx.filter_jit(attribution.gradient)


def test_linear_functions_are_attributed_exactly(linear, connectomes):
    e, b = connectomes[:2]
    np.testing.assert_allclose(attribution.gradient(linear, e), linear.w, rtol=1e-6)
    told = smooth(linear, e, key=jax.random.key(0), samples=3, noise_sd=0.5)
    np.testing.assert_allclose(told, linear.w, rtol=1e-5)
    told = integrated(linear, e, b, steps=4)
    np.testing.assert_allclose(told, linear.w * (e - b), rtol=1e-5, atol=1e-6)


def test_integrated_gradients_are_complete(z1, connectomes):
    for e in connectomes[1:4]:
        told = integrated(z1, e, connectomes[0], steps=64)
        np.testing.assert_allclose(told.sum(), z1(e) - z1(connectomes[0]), rtol=1e-3)
    crude = integrated(z1, e, connectomes[0], steps=1)
    assert abs(crude.sum() - told.sum()) > 1e-2 * abs(told.sum())  # the path is bent


def test_smoothgrad_is_the_mean_gradient_of_noisy_copies(z1, connectomes):
    e, key = connectomes[2], jax.random.key(4)
    plain = slope(z1, e)
    still = smooth(z1, e, key=key, samples=5, noise_sd=jnp.zeros(()))
    np.testing.assert_allclose(still, plain, rtol=1e-4, atol=1e-4)
    told = smooth(z1, e, key=key, samples=5, noise_sd=jnp.asarray(0.7))
    noise = [jax.random.normal(k, (EDGES,)) for k in jax.random.split(key, 5)]
    copies = [slope(z1, e + 0.7 * one) for one in noise]
    np.testing.assert_allclose(told, np.mean(copies, axis=0), rtol=1e-4, atol=1e-4)
    again = smooth(z1, e, key=key, samples=5, noise_sd=jnp.asarray(0.7))
    np.testing.assert_array_equal(told, again)
    other = smooth(z1, e, key=jax.random.key(5), samples=5, noise_sd=jnp.asarray(0.7))
    assert (told != other).any()


def test_over_people_is_a_loop(z1, connectomes):
    keys = attribution.person_keys(jax.random.key(0), PEOPLE)
    sd = 0.1 * connectomes.std(axis=1)
    attribute = eqx.Partial(attribution.smoothgrad, z1, samples=3)
    each = [smooth(z1, e, key=k, samples=3, noise_sd=s) for e, k, s in zip(connectomes, keys, sd)]
    told = attribution.over_people(attribute, connectomes, chunk=3, key=keys, noise_sd=sd)
    np.testing.assert_allclose(told, np.mean(each, axis=0), rtol=1e-3, atol=1e-4)
    # A person's noise does not depend on who else is there.
    assert (attribution.person_keys(jax.random.key(0), 3) == keys[:3]).all()
    path = eqx.Partial(
        attribution.integrated_gradients, z1, baseline=connectomes.mean(axis=0), steps=3
    )
    each = [integrated(z1, e, connectomes.mean(axis=0), steps=3) for e in connectomes]
    told = attribution.over_people(path, connectomes, chunk=10)  # more than there are
    np.testing.assert_allclose(told, np.mean(each, axis=0), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="nobody"):
        attribution.over_people(path, connectomes[:0], chunk=4)


def test_one_shape_is_traced_once(connectomes):
    square = Traced(jnp.ones(EDGES), [0])
    attribute = eqx.Partial(attribution.smoothgrad, square, samples=5)
    keys = attribution.person_keys(jax.random.key(0), PEOPLE)
    own = {"key": keys, "noise_sd": np.ones(PEOPLE, np.float32)}
    attribution.over_people(attribute, connectomes, chunk=3, **own)
    once = square.count[0]
    assert once <= 3  # a scan may look at its body more than once
    other = eqx.tree_at(lambda tree: tree.args[0].w, attribute, jnp.zeros(EDGES))
    assert not attribution.over_people(other, connectomes, chunk=3, **own).any()
    assert square.count[0] == once


def test_top_edges_are_far_from_the_maps_mean():
    values = np.random.default_rng(0).normal(1.5, 0.1, 1000).astype(np.float32)
    values[[3, 8]] = 0.9, 2.1
    top = attribution.top_edges(values)
    assert top[[3, 8]].all()
    np.testing.assert_array_equal(top, abs(values - values.mean()) > 2.5 * values.std())
    assert attribution.top_edges(values, 4.5).sum() == 2
    assert not attribution.top_edges(np.full(10, 0.1, np.float32)).any()


def test_tables_name_networks_and_parcels():
    values = np.random.default_rng(0).normal(size=EDGES)
    upper = list(zip(*np.triu_indices(PARCELS, k=1)))
    table = attribution.by_network(values, NETWORKS, beyond_sd=1.0)
    assert table.edges.sum() == EDGES
    assert table.beyond.sum() == attribution.top_edges(values, 1.0).sum() > 0
    for row in table.itertuples():
        pair = {row.network, row.other_network}
        inside = np.array([{NETWORKS[i], NETWORKS[j]} == pair for i, j in upper])
        assert row.network <= row.other_network and row.edges == inside.sum()
        assert row.beyond == attribution.top_edges(values, 1.0)[inside].sum()
        np.testing.assert_allclose(row.mean, values[inside].mean())
        np.testing.assert_allclose(row.mean_absolute, abs(values[inside]).mean())
    names = [f"parcel {k}" for k in range(PARCELS)]
    edges = attribution.edge_table(values, names, NETWORKS, most=4)
    away = abs(values - values.mean())
    for row, k in zip(edges.itertuples(), np.argsort(-away)[:4], strict=True):
        i, j = upper[k]
        assert (row.parcel, row.other_parcel) == (names[i], names[j])
        assert (row.network, row.other_network) == (NETWORKS[i], NETWORKS[j])
        assert row.attribution == values[k]
        np.testing.assert_allclose(abs(row.sd), away[k] / values.std())


def test_deleting_what_matters_matters_most(linear, connectomes):
    e, b = connectomes[0], connectomes.mean(axis=0)
    counts = np.array([0, 1, 5, EDGES])
    # contributions of one sign: those of both would cancel
    part = np.asarray(linear.w) * (e - b)
    part = part if part.sum() > 0 else -part
    order = np.argsort(-part)
    change = eqx.filter_jit(attribution.deletion)(linear, e, b, order, counts)
    np.testing.assert_allclose(
        change, [0, *(abs(part[order[:k]].sum()) for k in counts[1:])], rtol=1e-4, atol=1e-5
    )
    key = jax.random.key(0)
    randomly = eqx.filter_jit(attribution.random_deletions)
    null = randomly(linear, e, b, counts, key=key, draws=6)
    assert null.shape == (6, 4)
    assert (null[:, 2] < change[2]).all()
    assert null[:, 1].mean() < change[1]
    assert len(np.unique(null[:, 2])) == 6
    np.testing.assert_allclose(null[:, 3], change[3], rtol=1e-4)
    np.testing.assert_array_equal(null, randomly(linear, e, b, counts, key=key, draws=6))


def test_deletions_of_many_people(z1, connectomes):
    b, counts = connectomes.mean(axis=0), jnp.array([2, 6])
    orders = jnp.argsort(-abs(connectomes - b), axis=1)
    keys = attribution.person_keys(jax.random.key(0), PEOPLE)

    @jax.jit
    def everybody(function, connectomes, orders, keys):
        def one(e, order, key):
            null = attribution.random_deletions(function, e, b, counts, key=key, draws=3)
            return attribution.deletion(function, e, b, order, counts), null

        return jax.vmap(one)(connectomes, orders, keys)

    change, null = everybody(z1, connectomes, orders, keys)
    assert change.shape == (PEOPLE, 2) and null.shape == (PEOPLE, 3, 2)
    k = 5
    alone = eqx.filter_jit(attribution.deletion)(z1, connectomes[k], b, orders[k], counts)
    np.testing.assert_allclose(change[k], alone, rtol=1e-3, atol=1e-3)
    edited = connectomes[k].copy()
    edited[orders[k][:2]] = b[orders[k][:2]]
    np.testing.assert_allclose(alone[0], abs(z1(edited) - z1(connectomes[k])), rtol=1e-3, atol=1e-3)
