"""f of connectomes: features, weights left out, spreads of edits."""

import jax
import numpy as np
import pytest

from dtb_jax.models.mixed_effects.encoder import fit_encoder, prepare
from dtb_jax.models.mixed_effects.features import (
    block_features,
    edge_features,
    features_of,
    parcel_features,
)

PEOPLE, PARCELS = 60, 12
NETWORKS = ["A"] * 4 + ["B"] * 4 + ["C"] * 4


@pytest.fixture(scope="module")
def edges():
    rng = np.random.default_rng(0)
    return rng.normal(size=(PEOPLE, PARCELS * (PARCELS - 1) // 2)).astype(np.float32)


def test_features_and_weights_of_edges_say_the_same(edges):
    for kind in features_of(edges, NETWORKS):
        phi = kind.of(edges)
        assert np.square(phi).sum(axis=1).mean() == pytest.approx(1, rel=0.02)
        weights = np.random.default_rng(1).normal(size=(phi.shape[1], 2))
        direct = (edges - edges.mean(axis=0)) @ kind.to_edges(weights)
        np.testing.assert_allclose(phi @ weights, direct, atol=1e-4)


def test_a_parcels_features_are_its_mean_edges_to_networks(edges):
    full = np.zeros((PARCELS, PARCELS))
    full[np.triu_indices(PARCELS, k=1)] = edges[0]
    full += full.T
    kind = parcel_features(edges, NETWORKS)
    found = (kind.of(edges[:1])[0] * kind.spread + kind.centre).reshape(PARCELS, 3)
    for parcel in range(PARCELS):
        for k, network in enumerate("ABC"):
            inside = (np.array(NETWORKS) == network) & (np.arange(PARCELS) != parcel)
            assert found[parcel, k] == pytest.approx(full[parcel, inside].mean(), abs=1e-5)


def test_left_out_people_are_told_by_the_others(edges):
    y = edges[:, :20].sum(axis=1, keepdims=True) + np.random.default_rng(2).normal(size=(PEOPLE, 1))
    kinds = [edge_features(edges), block_features(edges, NETWORKS)]
    found = fit_encoder(prepare(kinds, edges), y)
    inside = np.corrcoef(np.asarray(jax.vmap(found.encoder)(edges))[:, 0], y[:, 0])[0, 1]
    apart = np.corrcoef(found.left_out[:, 0], y[:, 0])[0, 1]
    others = np.arange(PEOPLE) != 0
    again = fit_encoder(prepare(kinds, edges[others]), y[others])
    assert inside > apart > 0
    assert float(again.encoder(edges[0])[0]) == pytest.approx(found.left_out[0, 0], abs=1.0)


def test_spread_of_an_edit_holds_what_it_truly_does(edges):
    rng = np.random.default_rng(6)
    truth = rng.normal(size=(edges.shape[1], 40)) / np.sqrt(edges.shape[1])
    y = edges @ truth + rng.normal(size=(PEOPLE, 40))
    found = fit_encoder(prepare([edge_features(edges)], edges), y)
    edits = rng.normal(size=(30, edges.shape[1])).astype(np.float32)
    off = edits @ (found.encoder.weights - truth)
    sd = np.sqrt(found.variance_of_change(edits))
    assert np.mean(np.abs(off) < 1.2816 * sd) == pytest.approx(0.8, abs=0.1)


def test_an_edit_is_told_by_what_connectomes_without_noise_do():
    rng = np.random.default_rng(7)
    people, few = 400, 6
    ways = rng.normal(size=(few, 30))
    true = rng.normal(size=(people, few)) @ ways
    one, other = (true + 4.0 * rng.normal(size=true.shape) for _ in range(2))
    cause = ways.T @ rng.normal(size=(few, 40)) / 30
    mean = ((one + other) / 2).astype(np.float32)
    y = true @ cause + 0.5 * rng.normal(size=(people, 40))
    found = fit_encoder(prepare([edge_features(mean)], mean), y)
    edits = (rng.normal(size=(50, few)) @ ways).astype(np.float32)
    steeper = found.disattenuate(other - one)

    def slope(encoded):
        told = edits @ encoded.encoder.weights
        return np.sum(told * (edits @ cause)) / np.sum(told**2)

    assert slope(found) > 1.1
    assert slope(steeper) == pytest.approx(1, abs=0.06)
    np.testing.assert_allclose(
        steeper.variance_of_change(edits),
        found.variance_of_change(edits) * steeper.steeper**2,
        rtol=1e-6,
    )
