"""Constraints hold exactly, alone and together, for one person as for all."""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.interventions import constraints as c
from dtb_jax.twin.connectome import edge_count, matrix

PARCELS = 12
EDGES = edge_count(PARCELS)
PEOPLE = 9
BUDGET, KEPT = 0.4, 7
SEEDS = range(5)


def world(seed):
    """Fisher z of people, a person who was not among them, an edit, and every constraint."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(PEOPLE, EDGES)).astype(np.float32) * 0.3
    person = (rng.normal(size=EDGES) * 0.6).astype(np.float32)
    edit = rng.normal(size=EDGES).astype(np.float32)
    low, high = people.min(axis=0), people.max(axis=0)
    mask = c.touching([1, 4], PARCELS)
    made = {
        "manifold": c.near_manifold(c.people_basis(people, 6)),
        "mask": c.masked(mask),
        "number": c.at_most(KEPT),
        "range": c.within_range(low, high),
        "budget": c.within_budget(BUDGET),
    }
    return people, person, edit, mask, made


def length(edit):
    return np.linalg.norm(np.asarray(edit, float))


def obeys(name, people, person, mask, edit):
    edit, own = np.asarray(edit, float), person.astype(float)
    if name == "budget":
        return length(edit) <= BUDGET * (1 + 1e-6)
    if name == "number":
        return np.count_nonzero(edit) <= KEPT
    if name == "mask":
        return not edit[~mask].any()
    if name == "range":
        low, high = np.minimum(people.min(0), own), np.maximum(people.max(0), own)
        return (low - 1e-6 <= own + edit).all() and (own + edit <= high + 1e-6).all()
    basis = c.people_basis(people, 6).astype(float)
    return np.allclose(basis @ (basis.T @ edit), edit, atol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_combination_keeps_all_exact(seed):
    people, person, edit, mask, made = world(seed)
    rest = [name for name in made if name != "manifold"]
    for count in range(1, 5):
        for names in combinations(rest, count):
            constraint = c.all_of(made["manifold"], *(made[name] for name in names))
            found = constraint(edit, person)
            assert all(obeys(name, people, person, mask, found) for name in names), names
            assert np.any(found) and np.isfinite(found).all()
            assert obeys("manifold", people, person, mask, found) == (names == ("budget",))
            rebuilt = np.asarray(matrix(person + found))
            np.testing.assert_array_equal(rebuilt, rebuilt.T)


@pytest.mark.parametrize("seed", SEEDS)
def test_again_changes_nothing_and_zero_obeys(seed):
    _, person, edit, _, made = world(seed)
    made["none"] = c.all_of()
    made["all but manifold"] = c.all_of(*(made[n] for n in ("mask", "number", "range", "budget")))
    for name, constraint in made.items():
        once = constraint(edit, person)
        tolerance = {"manifold": 1e-5, "budget": 1e-7, "all but manifold": 1e-7}.get(name, 0)
        np.testing.assert_allclose(constraint(once, person), once, atol=tolerance, err_msg=name)
        assert not np.any(constraint(np.zeros_like(edit), person)), name
    np.testing.assert_array_equal(made["none"](edit, person), edit)


@pytest.mark.parametrize("size", [1e-6, 1, 1e4])
def test_budget_is_met_and_not_undercut(size):
    edit = (size * np.random.default_rng(0).normal(size=94_000)).astype(np.float32)
    budget = 0.5 * length(edit)
    found = c.within_budget(budget)(edit, edit)
    assert length(found) == pytest.approx(budget, rel=1e-6)
    np.testing.assert_allclose(found, 0.5 * edit, rtol=1e-5)
    np.testing.assert_array_equal(c.within_budget(3 * budget)(edit, edit), edit)
    assert not np.any(c.within_budget(0)(edit, edit))


def test_gradients_are_finite_also_at_zero():
    _, person, edit, mask, made = world(0)
    for name, constraint in made.items():
        for start in (edit, np.zeros_like(edit)):
            slope = jax.grad(lambda e, made=constraint: jnp.sum(made(e, person) ** 2 + 2 * e))
            assert np.isfinite(slope(jnp.asarray(start))).all(), name
    slope = jax.grad(lambda e: jnp.sum(made["mask"](e, person)))(jnp.asarray(edit))
    np.testing.assert_array_equal(slope, mask)


def test_ties_never_keep_more():
    edit = np.array([1, -1, 1, 1, 0.5, -1], np.float32)
    found = np.asarray(c.at_most(3)(edit, edit))
    np.testing.assert_array_equal(found, [1, -1, 1, 0, 0, 0])
    np.testing.assert_array_equal(c.at_most(99)(edit, edit), edit)
    with pytest.raises(ValueError, match="at most 0 edges: an edit needs at least 1"):
        c.at_most(0)


def test_the_largest_edges_stay_as_they_are():
    _, person, edit, _, made = world(1)
    found = np.asarray(made["number"](edit, person))
    kept = np.argsort(-np.abs(edit))[:KEPT]
    assert set(np.flatnonzero(found)) == set(kept)
    np.testing.assert_array_equal(found[kept], edit[kept])


def test_whoever_is_outside_the_range_may_stay_or_come_back():
    low, high = np.full(4, -0.2, np.float32), np.full(4, 0.2, np.float32)
    person = np.array([0.5, 0.5, -0.5, 0.1], np.float32)
    edit = np.array([0.3, -1, 0.1, 0.3], np.float32)
    found = c.within_range(low, high)(edit, person)
    np.testing.assert_allclose(found, [0, -0.7, 0.1, 0.1], atol=1e-7)


def test_people_at_once_are_people_one_by_one():
    people, _, _, _, made = world(2)
    edits = np.random.default_rng(3).normal(size=people.shape).astype(np.float32)
    everything = c.all_of(*made.values())
    for constraint in [*made.values(), everything]:
        together = jax.jit(jax.vmap(constraint))(edits, people)
        alone = np.stack([constraint(edit, person) for edit, person in zip(edits, people)])
        np.testing.assert_allclose(together, alone, atol=1e-6)
    budgets = np.linspace(0.1, 1, PEOPLE)
    own = jax.vmap(lambda norm, edit, person: c.within_budget(norm)(edit, person))
    found = own(jnp.asarray(budgets, jnp.float32), edits, people)
    np.testing.assert_allclose([length(edit) for edit in found], budgets, rtol=1e-5)


def test_other_values_are_no_new_compilation():
    traces = []

    @jax.jit
    def apply(constraint, edit, connectome):
        traces.append(None)
        return constraint(edit, connectome)

    def every(seed, norm, kept=KEPT):
        people, _, _, mask, made = world(seed)
        return c.all_of(
            made["manifold"],
            c.masked(np.roll(mask, seed)),
            c.at_most(kept),
            made["range"],
            c.within_budget(norm),
        )

    edit = world(0)[2]
    for seed, norm in enumerate([0.1, 0.2, np.float64(0.3), 1, jnp.asarray(0.5)]):
        found = apply(every(seed, norm), edit, edit)
        assert length(found) <= norm * (1 + 1e-6)
    assert len(traces) == 1
    apply(every(0, 0.1, kept=KEPT + 1), edit, edit)
    assert len(traces) == 2


@pytest.mark.parametrize("components", [1, 4, PEOPLE - 1, 50])
def test_basis_is_the_svds(components):
    people = world(4)[0]
    basis = c.people_basis(people, components)
    kept = min(components, PEOPLE - 1)
    assert basis.dtype == np.float32 and basis.shape == (EDGES, kept)
    np.testing.assert_allclose(basis.T @ basis, np.eye(kept), atol=1e-6)
    axes = np.linalg.svd(people - people.mean(axis=0, dtype=float))[2][:kept].T
    signs = np.sign((axes * basis).sum(axis=0))
    np.testing.assert_allclose(basis * signs, axes, atol=1e-5)


def test_without_differences_there_is_no_basis():
    people = world(0)[0]
    for wrong, components in [(people[:1], 1), (people[[0, 0]], 1), (people, 0)]:
        with pytest.raises(ValueError, match="at least two people who differ"):
            c.people_basis(wrong, components)


def test_masks_are_loops_over_pairs():
    networks = ["Vis", "Cont", "Vis", "Limbic", "Cont", "Cont"]
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    expected = [i in (2, 5) or j in (2, 5) for i, j in pairs]
    np.testing.assert_array_equal(c.touching([2, 5], 6), expected)
    expected = [{networks[i], networks[j]} == {"Vis", "Cont"} for i, j in pairs]
    np.testing.assert_array_equal(c.between(networks, "Vis", "Cont"), expected)
    np.testing.assert_array_equal(c.between(networks, "Cont", "Vis"), expected)
    inside = [networks[i] == networks[j] == "Cont" for i, j in pairs]
    np.testing.assert_array_equal(c.between(networks, "Cont", "Cont"), inside)


def test_wrong_masks_are_refused_in_a_sentence():
    networks = ["Vis", "Cont", "Vis"]
    with pytest.raises(ValueError, match="'Motor': no parcel belongs to it; there are Cont, Vis"):
        c.between(networks, "Vis", "Motor")
    with pytest.raises(ValueError, match="networks 'Cont' and 'Cont': no edge is left"):
        c.between(networks, "Cont", "Cont")
    with pytest.raises(ValueError, match=r"hubs \[3, -1\]: expected parcel indices from 0 to 2"):
        c.touching([3, 0, -1], 3)
    with pytest.raises(ValueError, match="0 hubs among 3 parcels: no edge is left"):
        c.touching([], 3)
