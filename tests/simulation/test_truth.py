"""Causes are standardised and stated; the truth's functions agree with each other."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import expect, run_trials
from dtb_jax.simulation.causes import causal_scores
from dtb_jax.simulation.parameters import NAMES, RUNS, Residual
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.simulation.world import draw_subject, make_world
from dtb_jax.twin.connectome import edge_blocks

PARCELS = 60
P = len(NAMES)


@pytest.fixture(scope="module", params=["blocks", "sparse", "dense"])
def world(request):
    return make_world(choose_parcels(PARCELS), seed=1, kind=request.param, rho=0.5)


@pytest.fixture(scope="module")
def subjects(world):
    return [draw_subject(world, f"sub-{k}") for k in range(300)]


def test_scores_are_standard_and_tell_nothing_of_each_other(world, subjects):
    scores = np.stack([s.scores for s in subjects])
    assert np.abs(scores.mean(axis=0)).max() < 0.25
    assert np.abs(scores.std(axis=0) - 1).max() < 0.2
    assert np.abs(world.truth.causes.correlation - np.eye(P)).max() < 0.25


def test_scores_are_the_stated_function_of_the_noise_free_connectome(world, subjects):
    one = subjects[0]
    causes = world.truth.causes
    by_hand = [
        (float(np.dot(w.astype(float), one.edges.astype(float))) - c) / s
        for w, c, s in zip(causes.weights, causes.centre, causes.spread, strict=True)
    ]
    np.testing.assert_allclose(one.scores, by_hand, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(world.truth.true_scores(one.edges), by_hand, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(causal_scores(causes, one.edges[None])[0], one.scores, rtol=1e-5)


def test_kinds_are_what_they_say(world):
    weights = world.truth.causes.weights
    block, pairs = edge_blocks(list(world.atlas["network"]))
    if world.kind == "blocks":
        for name, w in zip(NAMES, weights, strict=True):
            blocks = np.unique(block[w != 0])
            assert all((w[block == k] == w[block == k][0]).all() for k in blocks)
            assert len(blocks) % 2 == 0 and abs(w.sum()) < 1e-5
            if name == "amygdala_gain":
                joined = ["|".join(pairs[k]) for k in blocks]
                assert all("Limbic" in j or "medial_temporal" in j for j in joined)
                assert all("DorsAttn" in j or "ContA" in j for j in joined)
        free = (weights != 0).sum(axis=0)
        assert (free <= 1).all()  # no edge causes two parameters
    elif world.kind == "sparse":
        assert ((weights != 0).sum(axis=1) == 64).all()
    else:
        assert (weights != 0).all()


def residual_of(subject, run=1.0):
    person, runs, slope = (jnp.asarray(field, jnp.float32) for field in subject.residual)
    return Residual(person, run * runs, run * slope)


def test_rho_splits_the_stable_part():
    parameters = {}
    for rho in (0.0, 0.5, 1.0):
        world = make_world(choose_parcels(PARCELS), seed=1, rho=rho)
        subjects = [draw_subject(world, f"sub-{k}") for k in range(250)]
        log_drift = np.log(
            [
                float(world.truth.true_parameters(s.edges, residual_of(s, 0.0)).drift[0])
                for s in subjects
            ]
        )
        score = np.array([s.scores[NAMES.index("drift")] for s in subjects])
        parameters[rho] = np.corrcoef(log_drift, score)[0, 1], log_drift.std()
    assert abs(parameters[0.0][0]) < 0.2
    assert parameters[0.5][0] ** 2 == pytest.approx(0.5, abs=0.12)
    assert parameters[1.0][0] == pytest.approx(1.0, abs=1e-4)
    assert parameters[0.0][1] == pytest.approx(parameters[1.0][1], rel=0.2)


def test_an_edit_goes_through_the_truth(world, subjects):
    """Along the causes of drift, people get faster; off them, nothing happens."""
    truth, one = world.truth, subjects[0]
    drift = NAMES.index("drift")
    weights = truth.causes.weights[drift]
    edit = 2 * truth.causes.spread[drift] * weights / np.sum(weights**2)
    before = truth.true_indicators(one.edges, residual_of(one))
    after = truth.true_indicators(one.edges + edit.astype(np.float32), residual_of(one))
    assert after.faces_rt_s < before.faces_rt_s - 0.02
    assert after.stroop_rt_s < before.stroop_rt_s - 0.02
    if world.kind == "blocks":
        assert after.affective == pytest.approx(float(before.affective), abs=1e-5)
        untouched = np.where((truth.causes.weights != 0).any(axis=0), 0, 0.3).astype(np.float32)
        same = truth.true_indicators(one.edges + untouched, residual_of(one))
        np.testing.assert_allclose(same, before, rtol=1e-4)


def test_gradient_of_the_indicators(world, subjects, x64):
    truth = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), world.truth)
    residual = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), residual_of(subjects[1]))
    edges = jnp.asarray(subjects[1].edges, float)
    direction = jnp.asarray(np.random.default_rng(0).normal(size=len(edges)))
    for name in ("affective", "faces_rt_s", "stroop_effect_s"):

        def value(e, name=name):
            return getattr(truth.true_indicators(e, residual), name)

        slope = jax.grad(value)(edges) @ direction
        step = 1e-5
        finite = (value(edges + step * direction) - value(edges - step * direction)) / (2 * step)
        assert float(slope) == pytest.approx(float(finite), rel=1e-5)


def test_responses_agree_with_their_expectation(world, subjects):
    truth, one = world.truth, subjects[2]
    parameters = truth.true_parameters(one.edges, residual_of(one))
    draws = 3000
    for run in RUNS:
        design = truth.task(run)
        keys = jax.random.split(jax.random.key(1), draws)
        drawn = jax.vmap(partial(truth.true_response, parameters, design))(key=keys)
        told = expect(parameters, design)
        answered = np.asarray(drawn.answered)
        omitted = 1 - np.asarray(told.probability).sum(axis=1)
        np.testing.assert_allclose(1 - answered.mean(axis=0), omitted, atol=0.04)
        right = answered & (np.asarray(drawn.action) == design.correct)
        p = np.asarray(told.probability)[np.arange(len(design.correct)), design.correct]
        np.testing.assert_allclose(right.mean(axis=0), p, atol=0.05)
        times = np.asarray(drawn.response_time_s)
        mean = np.where(right, times, 0).sum(axis=0) / right.sum(axis=0)
        np.testing.assert_allclose(mean, told.reaction_time_s, atol=0.03)
        assert (times[answered] < np.broadcast_to(design.window_s, answered.shape)[answered]).all()


def test_items_shift_no_condition(world):
    for run in RUNS:
        trials = run_trials(run)[1]
        for c in (0, 1):
            item = world.truth.items[run][trials.condition == c]
            assert abs(item.mean()) < 1e-6 and item.std() > 0.1


def test_bad_numbers_are_refused():
    atlas = choose_parcels(PARCELS)
    for options, words in (
        ({"rho": 1.2}, "expected from 0"),
        ({"kind": "magic"}, "blocks, sparse, dense"),
        ({"motion_r": 2.0}, "motion_r in"),
        ({"motion_r": 0.5}, "nobody moves"),
    ):
        with pytest.raises(ValueError, match=words):
            make_world(atlas, seed=0, **options)


def test_truth_is_a_pytree(world):
    leaves = jax.tree.leaves(world.truth)
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in leaves)
    assert isinstance(world.truth, CausalModel)
