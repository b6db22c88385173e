"""Controls: as long as the designed edits, under the same rules, of somebody else's making."""

import numpy as np
import pytest

from dtb_jax.interventions import constraints as c
from dtb_jax.interventions import controls
from dtb_jax.interventions.against_truth import cosine

PEOPLE, PARCELS, KEPT = 9, 12, 7
EDGES = PARCELS * (PARCELS - 1) // 2


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    connectomes = (0.3 * rng.normal(size=(PEOPLE, EDGES))).astype(np.float32)
    edits = rng.normal(size=(PEOPLE, EDGES)).astype(np.float32)
    edits *= np.linspace(0.1, 0.4, PEOPLE, dtype=np.float32)[:, None]
    edits[4] = 0
    return connectomes, edits


def length(edits):
    return np.linalg.norm(edits.astype(float), axis=1)


def same_length(control, edits, rtol=1e-5):
    np.testing.assert_allclose(length(control), length(edits), rtol=rtol)


def test_sham_is_nothing(people):
    _, edits = people
    sham = controls.sham(edits)
    assert sham.shape == edits.shape and sham.dtype == edits.dtype and not sham.any()


def test_random_edits_obey_and_are_as_long(people):
    connectomes, edits = people
    mask = c.touching([1, 4], PARCELS)
    obey = c.all_of(c.masked(mask), c.at_most(KEPT), c.within_budget(9.0))
    edits = np.stack([obey(edit, edit) for edit in edits])
    drawn = controls.at_random(edits, connectomes, obey, seed=0)
    same_length(drawn, edits)
    assert not drawn[:, ~mask].any()
    np.testing.assert_array_equal(np.count_nonzero(drawn, axis=1), np.where(edits.any(1), KEPT, 0))
    assert np.nanmax(np.abs(cosine(drawn, edits))) < 0.9


def test_no_range_is_left_for_the_length(people):
    connectomes, edits = people
    low, high = connectomes.min(axis=0), connectomes.max(axis=0)
    drawn = controls.at_random(edits, connectomes, c.within_range(low, high), seed=0)
    at = connectomes + drawn
    assert (at >= low - 1e-6).all() and (at <= high + 1e-6).all()
    assert (length(drawn) <= length(edits) * (1 + 1e-5)).all()
    assert (length(drawn)[edits.any(axis=1)] > 0.5 * length(edits)[edits.any(axis=1)]).all()


def test_random_among_people_lies_in_their_span(people):
    connectomes, edits = people
    basis = c.people_basis(connectomes, 4)
    obey = c.within_budget(9.0)
    drawn = controls.at_random(edits, connectomes, obey, seed=0, basis=basis)
    same_length(drawn, edits)
    np.testing.assert_allclose(drawn @ basis @ basis.T, drawn, atol=1e-5)
    anywhere = controls.at_random(edits, connectomes, obey, seed=0)
    assert np.abs(anywhere @ basis @ basis.T - anywhere).max() > 0.1


def test_seeds_draw_the_same_again(people):
    connectomes, edits = people
    free = c.within_budget(9.0)

    def both(seed):
        drawn = controls.at_random(edits, connectomes, free, seed=seed)
        return drawn, controls.of_another(edits, seed=seed)

    for one, again, other in zip(both(3), both(3), both(4)):
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()


def test_the_groups_edit_points_one_way(people):
    _, edits = people
    group = controls.of_the_group(edits)
    same_length(group, edits)
    moved = edits.any(axis=1)
    mean = np.broadcast_to(edits.mean(axis=0), edits.shape)
    np.testing.assert_allclose(cosine(group, mean)[moved], 1, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_nobody_gets_the_own_edit(people, seed):
    edits = np.where(people[1] == 0, 1, people[1])
    theirs = controls.of_another(edits, seed=seed)
    same_length(theirs, edits)
    alike = np.stack([cosine(np.broadcast_to(one, edits.shape), theirs) for one in edits])
    whose = alike.argmax(axis=0)
    np.testing.assert_allclose(alike.max(axis=0), 1, rtol=1e-6)
    assert sorted(whose) == list(range(PEOPLE)) and (whose != np.arange(PEOPLE)).all()


def test_a_length_for_each_direction():
    directions = np.array([[3, 4], [0, 0], [1, 0]], np.float32)
    found = controls.to_length(directions, np.array([10, 7, 0], np.float32))
    np.testing.assert_allclose(found, [[6, 8], [0, 0], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(controls.to_length(directions[0], np.array(1.0)), [0.6, 0.8])
