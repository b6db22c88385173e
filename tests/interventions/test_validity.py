"""Edited matrices stay correlation matrices; edits lose as little as that takes."""

import numpy as np
import pytest

from dtb_jax.interventions import constraints, validity
from dtb_jax.interventions.validity import RIDGE, clipped, feasible, feasible_people, is_valid
from dtb_jax.twin.connectome import edge_count, nearest_correlation

PARCELS = 14
EDGES = edge_count(PARCELS)
SEEDS = range(4)


def person(seed, time=10):
    """A singular connectome: fewer volumes than parcels."""
    series = np.random.default_rng(seed).normal(size=(time, PARCELS))
    return np.arctanh(np.corrcoef(series.T)[np.triu_indices(PARCELS, k=1)]).astype(np.float32)


def broken(seed):
    """No one's connectome: smallest eigenvalue far below what the ridge lifts."""
    edges = person(seed) + dense_edit(seed, 2.0)
    assert not is_valid(edges)
    return edges


def dense_edit(seed, size=0.6):
    return (size * np.random.default_rng(100 + seed).normal(size=EDGES)).astype(np.float32)


def sparse_edit(seed, size=3.0):
    edit = np.zeros(EDGES, np.float32)
    edit[np.random.default_rng(seed).choice(EDGES, 5, replace=False)] = size
    return edit


def smallest(edges):
    """Least eigenvalue of R, without the code under test."""
    r = np.eye(PARCELS)
    upper = np.triu_indices(PARCELS, k=1)
    r[upper] = r.T[upper] = np.tanh(np.asarray(edges, float))
    return np.linalg.eigvalsh(r)[0]


def distance(a, b):
    return np.linalg.norm(np.tanh(np.asarray(a, float)) - np.tanh(np.asarray(b, float)))


@pytest.mark.parametrize("ridge", [0.02, RIDGE, 0.4])
def test_valid_is_no_eigenvalue_below_what_the_ridge_lifts(ridge):
    found = []
    for seed in range(40):
        edges = person(seed) + dense_edit(seed, 0.02 * (seed % 10))
        found.append(is_valid(edges, ridge))
        assert found[-1] == (smallest(edges) >= -ridge / (1 - ridge))
        judged = validity.ridged(edges, ridge)
        np.testing.assert_array_equal(judged, judged.T)
        np.testing.assert_array_equal(np.diag(judged), 1)
    assert 0 < sum(found) < len(found)
    assert not is_valid(np.full(EDGES, np.nan), ridge)


def test_a_ridge_is_a_share():
    for ridge in (-0.1, 1.0):
        with pytest.raises(ValueError, match="expected a share of the identity"):
            is_valid(person(0), ridge)


@pytest.mark.parametrize("seed", SEEDS)
def test_shortened_is_the_longest_valid_step(seed):
    own, edit = person(seed), sparse_edit(seed)
    assert is_valid(own) and not is_valid(own + edit)
    found = validity.shortened(own, edit)
    share = found.max() / edit.max()
    assert found.dtype == np.float32 and 0 < share < 1
    np.testing.assert_allclose(found, share * edit, rtol=1e-6)
    assert is_valid(own + found)
    assert not is_valid(own + (share + 2.0**-validity.HALVINGS) * edit)
    np.testing.assert_array_equal(validity.shortened(own, found), found)
    assert not validity.shortened(own, np.zeros_like(edit)).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_projected_is_valid_nearer_than_shortened_and_stays(seed):
    own, edit = person(seed), dense_edit(seed)
    assert not is_valid(own + edit)
    found, short = validity.projected(own, edit), validity.shortened(own, edit)
    assert is_valid(own + found) and smallest(own + found) < 0
    asked = own + edit
    assert distance(own + found, asked) < 0.8 * distance(own + short, asked)
    assert np.linalg.norm(found - edit) < np.linalg.norm(short - edit)
    np.testing.assert_array_equal(validity.projected(own, found), found)
    assert not validity.projected(own, np.zeros_like(edit)).any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("iterations", [1, 30])
def test_projection_is_the_nearest_valid_matrix_and_valid_when_stopped_early(seed, iterations):
    for own in (person(seed), broken(seed)):
        asked = own + dense_edit(seed)
        found = own + validity.projected(own, asked - own, iterations=iterations)
        assert is_valid(found)
        best = nearest_correlation(validity.ridged(asked), 500) / (1 - RIDGE)
        best = np.arctanh(best[np.triu_indices(PARCELS, k=1)])
        assert distance(found, asked) > distance(best, asked) - 1e-4
        if iterations == 30:
            assert distance(found, asked) < distance(best, asked) * (1 + 1e-3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dense", [False, True])
def test_what_is_valid_stays_as_it_is(seed, dense):
    own = person(seed)
    for edit in (np.zeros(EDGES, np.float32), dense_edit(seed, 0.01)):
        found = feasible(own, edit, dense=dense)
        np.testing.assert_array_equal(found.edit, edit)
        assert found.kept == 1 and found.valid


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dense", [False, True])
def test_a_feasible_edit_obeys_its_constraints(seed, dense):
    own = person(seed)
    spread = np.full(EDGES, 0.9, np.float32)
    after = [
        constraints.within_range(own - spread, own + spread / 3),
        constraints.within_budget(6.0 if dense else 3.0),
    ]
    mask = constraints.touching([0, 3], PARCELS)
    sparse = [] if dense else [constraints.masked(mask), constraints.at_most(9)]
    asked = np.asarray(constraints.all_of(*sparse, *after)(dense_edit(seed, 5.0), own))
    assert not is_valid(own + asked)
    found = feasible(own, asked, dense=dense, then=constraints.all_of(*after))
    assert found.valid and 0 < found.kept <= 1 and is_valid(own + found.edit)
    assert np.linalg.norm(found.edit) <= (6 if dense else 3) * (1 + 1e-6)
    assert (np.abs(found.edit + spread / 3) <= spread * 2 / 3 + 1e-6).all()
    if not dense:
        assert not found.edit[~mask].any() and np.count_nonzero(found.edit) <= 9
        assert found.kept == pytest.approx(np.linalg.norm(found.edit) / np.linalg.norm(asked))


@pytest.mark.parametrize("dense", [False, True])
def test_a_connectome_that_is_none_is_judged_on_the_nearest(dense):
    edit = dense_edit(0)
    start = clipped(broken(0))
    assert is_valid(start) and smallest(start) > -1e-5
    found = feasible(broken(0), edit, dense=dense)
    assert not found.valid and found.edit.any() and is_valid(start + found.edit)
    assert feasible(broken(0), 0 * edit, dense=dense).kept == 1


@pytest.mark.parametrize("dense", [False, True])
def test_without_a_finite_edit_nothing_is_edited(dense):
    edit = dense_edit(0)
    edit[3] = np.nan
    found = feasible(person(0), edit, dense=dense)
    assert found.valid and found.kept == 0 and not found.edit.any()


@pytest.mark.parametrize("dense", [False, True])
def test_people_are_one_after_another(dense):
    people = np.stack([person(0), broken(1), person(2), person(3)])
    edits = np.stack([dense_edit(0), dense_edit(1), dense_edit(2, 0.01), 0 * dense_edit(3)])
    found = feasible_people(people, edits, dense=dense)
    for k, (own, edit) in enumerate(zip(people, edits)):
        for part, alone in zip(found, feasible(own, edit, dense=dense)):
            np.testing.assert_array_equal(part[k], alone)
    np.testing.assert_array_equal(found.valid, [True, False, True, True])
    np.testing.assert_array_equal(found.kept[2:], [1, 1])


def test_nobody_with_a_feasible_edit_is_an_error():
    people = np.stack([broken(0), broken(1), person(2)])
    edits = np.stack([dense_edit(0), dense_edit(1), 0 * dense_edit(2)])
    with pytest.raises(ValueError, match="none of the 1 people .* not even 1 / 4096"):
        feasible_people(people[2:], np.full((1, EDGES), np.nan, np.float32), dense=True)
    assert not feasible_people(people, 0 * edits, dense=False).edit.any()
