"""Maps of edges: the true gradient finds its causes, noise finds nothing, ridge maps tell."""

import numpy as np
import pytest

from dtb_jax.evaluation.figures import Estimate, resample
from dtb_jax.interventions import recovery
from dtb_jax.interventions.against_truth import true_gradient
from dtb_jax.interventions.trial import Arm
from dtb_jax.models.regression import ridge
from dtb_jax.twin.connectome import edge_blocks
from tests.interventions.small import PEOPLE, small_truth

ARMS = [
    Arm("affective", {"faces_bold": -1.0}, ()),
    Arm("cognitive", {"faces_rt_s": -1.0, "stroop_rt_s": -1.0}, ()),
]
DRAWN = resample(np.zeros(PEOPLE, int), draws=3)


@pytest.fixture(scope="module")
def world():
    return small_truth(rho=0.5)


def networks_of(world):
    return list(world.atlas["network"])


def test_blocks_are_loops_over_edges():
    networks = ["b", "a", "b", "c", "a"]
    edges = np.random.default_rng(0).normal(size=(2, 10))
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    names = edge_blocks(networks)[1]
    found = recovery.onto_blocks(edges, networks)
    assert found.shape == (2, len(names))
    for k, pair in enumerate(names):
        inside = [n for n, (i, j) in enumerate(pairs) if {networks[i], networks[j]} == set(pair)]
        np.testing.assert_allclose(found[:, k], edges[:, inside].sum(1) / len(inside) ** 0.5)


@pytest.mark.parametrize("arm", ARMS)
def test_the_true_gradient_finds_its_own_edges(world, arm):
    strength = np.abs(true_gradient(world[1], arm).mean(axis=0))
    for share in (0.5, recovery.MATTERS, 1.0):
        chosen = recovery.causal(strength, share)
        assert recovery.precision_at_k(strength, chosen) == 1
        block = edge_blocks(networks_of(world[0]))[0]
        assert all(chosen[block == k].all() for k in np.unique(block[chosen]))  # whole blocks


@pytest.mark.parametrize("arm", ARMS)
def test_the_true_gradient_finds_its_own_blocks(world, arm):
    slopes = true_gradient(world[1], arm)
    found = recovery.block_auc(slopes, slopes, networks_of(world[0]), DRAWN)
    assert found["block_auc"].value == found["block_auc_all"].value == 1
    assert found["block_auc"].ci_low == 1 and found["block_auc"].n == PEOPLE
    turned = recovery.block_auc(-slopes, slopes, networks_of(world[0]), DRAWN)
    assert turned == found  # the sign of an edit is no matter of which block it finds


def test_noise_finds_blocks_by_chance(world):
    slopes, rng = true_gradient(world[1], ARMS[1]), np.random.default_rng(1)
    networks, drawn = networks_of(world[0]), resample(np.zeros(PEOPLE, int), draws=1)
    told = [
        recovery.block_auc(rng.normal(size=slopes.shape), slopes, networks, drawn)
        for _ in range(60)
    ]
    for name in ("block_auc", "block_auc_all"):
        assert np.mean([one[name].value for one in told]) == pytest.approx(0.5, abs=0.05)


def test_where_nothing_causes_anything_there_is_no_auc(world):
    edits = np.random.default_rng(2).normal(size=world[1].connectomes.shape)
    found = recovery.block_auc(edits, 0 * edits, networks_of(world[0]), DRAWN)
    assert found == dict.fromkeys(("block_auc", "block_auc_all"), Estimate(None, n=PEOPLE))


def test_causal_parts_make_up_their_share():
    strength = np.array([0.0, 1.0, 5.0, 2.0, 1e-12])  # squares 0, 1, 25, 4
    for share, expected in ((0.5, [2]), (25 / 30, [2]), (0.9, [2, 3]), (1.0, [1, 2, 3])):
        assert np.flatnonzero(recovery.causal(strength, share)).tolist() == expected
    assert not recovery.causal(np.zeros(4), 0.95).any()
    # Of equal parts none is more of a cause than the others.
    equal = np.array([1.0, 3.0, 3.0 - 1e-7, 3.0, 0.1])
    assert np.flatnonzero(recovery.causal(equal, 0.5)).tolist() == [1, 2, 3]


def test_precision_at_k_by_hand():
    strength = np.array([0.9, 0.1, 0.8, 0.7, 0.2])
    chosen = np.array([True, True, False, True, False])
    assert recovery.precision_at_k(strength, chosen) == pytest.approx(2 / 3)
    assert recovery.precision_at_k(chosen.astype(float), chosen) == 1
    assert np.isnan(recovery.precision_at_k(strength, np.zeros(5, bool)))


def test_the_ridges_map_tells_what_the_ridge_tells():
    rng = np.random.default_rng(3)
    connectomes = (0.3 + rng.normal(size=(50, 200))).astype(np.float32)
    seen = 0.6 + 0.1 * connectomes[:, :4].sum(axis=1).astype(float) + 0.05 * rng.normal(size=50)
    seen[[2, 9]] = np.nan
    known = np.isfinite(seen)
    unseen = (0.3 + rng.normal(size=(20, 200))).astype(np.float32)
    expected = ridge(connectomes, seen[:, None], unseen)[:, 0]
    weights = recovery.ridge_map(connectomes, seen)
    told = seen[known].mean() + (unseen - connectomes[known].mean(axis=0)) @ weights
    np.testing.assert_allclose(told, expected, atol=1e-4)
    assert expected.std() > 0.02 and weights[:4].mean() > 4 * np.abs(weights[4:]).mean()
    assert not np.abs(recovery.ridge_map(connectomes, np.full(50, 0.7))).max() > 1e-9
