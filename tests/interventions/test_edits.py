"""Designed edits reach what is wished, hold what is held, and obey exactly."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import (
    Search,
    design,
    design_people,
    endpoints_of_people,
    in_parts,
    make_objective,
    vector,
)
from tests.interventions.small import PARCELS, PEOPLE

BUDGET, SEARCH = 0.5, Search(steps=60)
HELD = dict.fromkeys(("faces_bold", "stroop_rt_s", "faces_accuracy", "stroop_accuracy"), 1.0)
TRACES: list[None] = []


def counting(network_of, connectome):
    TRACES.append(None)
    return network_of(connectome)


@pytest.fixture(scope="module")
def counted(setting):
    """The same twin, which counts how often it is looked through."""
    return setting._replace(network_of=jax.tree_util.Partial(counting, setting.network_of))


@pytest.fixture(scope="module")
def before(setting):
    return told(setting, setting.cohort.connectomes)


@pytest.fixture(scope="module")
def sd(before):
    return {name: float(values.std(ddof=1)) for name, values in before.items()}


def told(setting, connectomes):
    found = endpoints_of_people(setting.network_of, connectomes, setting.scene, asked=setting.asked)
    return {name: np.asarray(values, float) for name, values in found.items()}


def wish_for(sd, targets_sd, hold=HELD, price=0.01):
    hold = {name: weight for name, weight in hold.items() if name not in targets_sd}
    wish = make_objective(sorted(sd), sd, targets_sd, hold, price=price)
    return wish._replace(target=jnp.tile(wish.target, (PEOPLE, 1)))


def edited(setting, wish, constraint, budget=BUDGET):
    found = design_people(
        setting.network_of,
        setting.cohort.connectomes,
        setting.scene,
        wish,
        constraint,
        np.float32(budget),
        asked=setting.asked,
        search=SEARCH,
    )
    return np.asarray(found)


def only_budget(budget=BUDGET):
    return c.all_of(c.within_budget(budget))


def length(edits):
    return np.linalg.norm(edits.astype(float), axis=1)


@pytest.mark.parametrize("targets", [{"faces_rt_s": -1.0}, {"faces_bold": 0.7, "stroop_rt_s": -1}])
def test_edits_reach_their_target_and_hold_the_rest(counted, before, sd, targets):
    edits = edited(counted, wish_for(sd, targets, price=1e-3), only_budget())
    after = told(counted, counted.cohort.connectomes + edits)
    for name in {*targets, *HELD}:
        change = (after[name] - before[name]) / sd[name]
        assert np.abs(change - targets.get(name, 0)).max() < 0.05, name
    # Smallness is part of the wish: with a price there is no more than that takes.
    assert length(edits).min() > 0 and length(edits).max() < BUDGET


def test_what_is_not_held_may_move(counted, before, sd):
    edits = edited(counted, wish_for(sd, {"faces_rt_s": -1.0}, {}), only_budget())
    after = told(counted, counted.cohort.connectomes + edits)
    moved = [np.abs(after[name] - before[name]).mean() / sd[name] for name in HELD]
    assert max(moved) > 0.2


@pytest.mark.parametrize("worse", [-1, 1])
def test_what_is_guarded_moves_one_way_only(counted, before, sd, worse):
    guard = dict.fromkeys(("faces_accuracy", "stroop_accuracy"), worse)
    wish = make_objective(sorted(sd), sd, {"faces_rt_s": -1.0}, {}, guard, price=1e-3)
    wish = wish._replace(target=jnp.tile(wish.target, (PEOPLE, 1)))
    edits = edited(counted, wish, only_budget())
    after = told(counted, counted.cohort.connectomes + edits)
    changes = {name: (after[name] - before[name]) / sd[name] for name in ("faces_rt_s", *guard)}
    assert np.abs(changes["faces_rt_s"] + 1).max() < 0.05
    assert max((worse * changes[name]).max() for name in guard) < 0.05
    # either way is not forbidden, and somebody takes the other
    assert min((worse * changes[name]).min() for name in guard) < -0.1


def test_a_budget_too_small_is_used_up(counted, before, sd):
    wish = wish_for(sd, {"faces_rt_s": -30.0}, {}, price=0.0)
    edits = edited(counted, wish, only_budget(0.05), 0.05)
    np.testing.assert_allclose(length(edits), 0.05, rtol=1e-5)
    change = told(counted, counted.cohort.connectomes + edits)["faces_rt_s"] - before["faces_rt_s"]
    assert (change < 0).all()


def test_all_constraints_are_exact(setting, sd):
    connectomes = setting.cohort.connectomes
    mask = c.touching([3, 8], PARCELS)
    low, high = connectomes.min(axis=0), connectomes.max(axis=0)
    obey = c.all_of(
        c.masked(mask), c.at_most(20), c.within_range(low, high), c.within_budget(BUDGET)
    )
    edits = edited(setting, wish_for(sd, {"faces_rt_s": -30.0}), obey)
    assert edits.any(axis=1).all() and not edits[:, ~mask].any()
    assert (np.count_nonzero(edits, axis=1) <= 20).all()
    assert (length(edits) <= BUDGET * (1 + 1e-6)).all()
    at = connectomes + edits
    assert (at >= low - 1e-6).all() and (at <= high + 1e-6).all()
    # with what may be changed, the search does go somewhere
    assert (length(edits) > BUDGET / 4).all()


def test_the_group_at_once_is_one_by_one(counted, sd):
    wish = wish_for(sd, {"faces_rt_s": -1.0})
    together = edited(counted, wish, only_budget())
    one = jax.jit(partial(design, asked=counted.asked, search=SEARCH))
    for k in (0, 5):
        alone = one(
            counted.network_of,
            counted.cohort.connectomes[k],
            counted.scene,
            wish._replace(target=wish.target[k]),
            only_budget(),
            np.float32(BUDGET),
        )
        np.testing.assert_allclose(alone, together[k], atol=1e-4)
    np.testing.assert_array_equal(edited(counted, wish, only_budget()), together)


def test_other_budgets_and_targets_are_no_new_compilation(counted, sd):
    edited(counted, wish_for(sd, {"faces_rt_s": -1.0}), only_budget())
    once = len(TRACES)
    assert once > 0
    for budget, targets in ((0.2, {"stroop_rt_s": 1.0}), (0.3, {"faces_bold": 0.5})):
        edits = edited(counted, wish_for(sd, targets, {}), only_budget(budget), budget)
        assert (length(edits) <= budget * (1 + 1e-6)).all()
    assert len(TRACES) == once


def test_everybody_may_have_an_own_target(counted, before, sd):
    wish = wish_for(sd, {"faces_rt_s": 1.0}, {}, price=1e-3)
    own = np.linspace(-1, 1, PEOPLE, dtype=np.float32)[:, None]
    edits = edited(counted, wish._replace(target=own * wish.target), only_budget())
    change = told(counted, counted.cohort.connectomes + edits)["faces_rt_s"] - before["faces_rt_s"]
    np.testing.assert_allclose(change / sd["faces_rt_s"], own[:, 0], atol=0.05)


def test_a_wish_in_the_order_of_sorted_names():
    sd = {"b": 2.0, "a": 0.5, "c": 0.0}
    told = make_objective(sorted(sd), sd, {"b": -1.5}, {"a": 3.0}, price=0.2)
    np.testing.assert_array_equal(told.target, [0, -3, 0])
    np.testing.assert_array_equal(told.weight, [3, 1, 0])
    np.testing.assert_array_equal(told.scale, [0.5, 2, 1])
    np.testing.assert_array_equal(told.worse, [0, 0, 0])
    guarded = make_objective(sorted(sd), sd, {"b": -1.5}, {}, {"a": -1})
    np.testing.assert_array_equal(guarded.weight, [1, 1, 0])
    np.testing.assert_array_equal(guarded.worse, [-1, 0, 0])
    assert told.price == np.float32(0.2)
    turned = dict(reversed(sd.items()))
    again = make_objective(sorted(turned), turned, {"b": -1.5}, {"a": 3.0}, price=0.2)
    jax.tree.map(np.testing.assert_array_equal, again, told)
    values = {name: np.full(3, value) for name, value in sd.items()}
    np.testing.assert_array_equal(vector(values), np.tile([0.5, 2, 0], (3, 1)))


def test_impossible_wishes_are_refused_in_a_sentence():
    sd = {"a": 1.0, "flat": 0.0, "unknown": np.nan}
    with pytest.raises(ValueError, match="'z': expected one of a, flat, unknown"):
        make_objective(list(sd), sd, {"a": 1.0}, {}, {"z": 1})
    for wished, held in (({"z": 1.0}, {}), ({"a": 1.0}, {"z": 1.0})):
        with pytest.raises(ValueError, match="'z': expected one of a, flat, unknown"):
            make_objective(list(sd), sd, wished, held)
    for wished, held in (({"flat": 1.0}, {}), ({"a": 1.0}, {"unknown": 1.0})):
        with pytest.raises(ValueError, match="is the same in everybody: there is no SD to move"):
            make_objective(list(sd), sd, wished, held)


@pytest.mark.parametrize(("people", "calls"), [(7, 3), (6, 2), (2, 1)])
def test_parts_have_one_shape_and_the_last_may_be_incomplete(people, calls):
    x, y = np.arange(2.0 * people).reshape(people, 2), np.arange(float(people))
    shapes = []

    def function(x, y):
        shapes.append(x.shape)
        return {"sum": x.sum(axis=1) + y, "both": (x, y)}

    found = in_parts(function, x, y, chunk=3)
    assert shapes == [(3, 2)] * calls
    np.testing.assert_array_equal(found["sum"], x.sum(axis=1) + y)
    np.testing.assert_array_equal(found["both"][0], x)
    np.testing.assert_array_equal(found["both"][1], y)
