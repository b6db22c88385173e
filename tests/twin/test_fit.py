"""Training on plain arrays: it learns, resumes to the bit, does not recompile, ignores padding."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax import fit
from dtb_jax.twin.batching import batches, segment_starts
from dtb_jax.twin.checkpoint import Checkpoints
from dtb_jax.twin.fit import NonFiniteLoss
from dtb_jax.twin.response import hazard_loss, press_count, pulse_count, pulse_loss
from dtb_jax.twin.step import initial_state, train_step
from dtb_jax.twin.twin import cohort_loss
from tests.small import PEOPLE, SETTINGS, pressing_people, twin_of


@pytest.fixture(scope="module")
def data():
    return pressing_people()


def train(data, epochs=6, state=None, seed=0, on_epoch=lambda state, row: None, **changes):
    connectomes, runs = data
    settings = replace(SETTINGS, **changes)
    stop = settings.epochs if epochs is None else epochs
    kept = {}

    def watch(state, row):
        if row["epoch"] == stop:
            kept["state"] = jax.tree.map(jnp.copy, state)
        on_epoch(state, row)

    final = fit(
        twin_of(connectomes),
        connectomes,
        runs,
        runs,
        np.arange(PEOPLE),
        settings,
        seed=seed,
        state=state,
        on_epoch=watch,
    )
    return kept.get("state"), final


def test_it_learns_and_reports_norms(data):
    rows = []
    train(data, on_epoch=lambda state, row: rows.append(row), epochs=6)
    assert rows[-1]["validation_loss"] < rows[0]["validation_loss"]
    assert {"grad_norm", "parameter_norm", "update_norm"} <= set(rows[0])


def test_a_resumed_run_ends_bit_identical(data, tmp_path):
    midway, whole = train(data, epochs=3)
    store = Checkpoints(tmp_path / "c")
    store.save(3, {"state": midway}, {"history": [1]})
    store.close()
    store = Checkpoints(tmp_path / "c")
    twin = twin_of(data[0])
    like = {
        "state": jax.eval_shape(lambda k: initial_state(twin, SETTINGS, key=k), jax.random.key(0))
    }
    restored, record = store.restore(like)
    assert record == {"history": [1]}
    _, again = train(data, state=restored["state"])
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(again)):
        np.testing.assert_array_equal(a, b)


def test_one_compilation_for_all_steps_and_folds(data):
    before = train_step._cache_size()
    for people in (np.array([0, 1, 2, 4, 5]), np.array([1, 2, 3, 4, 5]), np.arange(5)):
        twin = twin_of(data[0][people])
        held = np.setdiff1d(np.arange(PEOPLE), people)
        validation = jax.tree.map(lambda leaf, held=held: leaf[held], data[1])
        settings = replace(SETTINGS, epochs=2, learning_rate=1e-3)
        fit(twin, *data, validation, held, settings, seed=0, people=people)
    assert train_step._cache_size() == before + 1


def test_whoever_does_not_train_changes_nothing(data):
    connectomes, runs = data
    people, held = np.arange(4), np.array([4, 5])
    spoilt = connectomes.copy()
    spoilt[held] = 7
    validation = jax.tree.map(lambda leaf: leaf[:2], runs)
    states = [
        fit(
            twin_of(connectomes[people]),
            c,
            jax.tree.map(lambda leaf, f=f: leaf.at[held].multiply(f), runs),
            validation,
            held,
            SETTINGS,
            seed=0,
            people=people,
        )
        for c, f in ((connectomes, 1), (spoilt, 0))
    ]
    for a, b in zip(*(jax.tree.leaves(state.params) for state in states)):
        np.testing.assert_array_equal(a, b)


def test_people_who_fill_up_a_batch_change_nothing(data):
    connectomes, runs = data
    twin = twin_of(connectomes)
    params = twin.init(jax.random.key(0))
    options = {"action_loss": hazard_loss, "action_count": press_count, "bold_weight": 1.0}

    def loss(rows, weight):
        networks = jax.vmap(lambda c: twin.network(params, c))(jnp.asarray(connectomes[rows]))
        chosen = jax.tree.map(lambda leaf: leaf[rows], runs)
        return cohort_loss(networks, chosen, jnp.asarray(weight, jnp.float32), **options).total

    alone = loss(np.arange(4), np.ones(4))
    padded = loss(np.array([0, 1, 2, 3, 0, 5]), np.array([1, 1, 1, 1, 0, 0]))
    np.testing.assert_allclose(alone, padded, rtol=1e-6)


def test_pulses_train_too(data):
    _, final = train(data, action_loss=pulse_loss, action_count=pulse_count)
    assert np.isfinite(final.best_loss)


def test_a_loss_that_is_not_a_number_stops_with_a_sentence(data):
    with pytest.raises(NonFiniteLoss, match="a learning rate below"):
        train(data, learning_rate=1e30, warmup_steps=0, clip_norm=0.0, decay=False)


def test_segments_stay_inside_and_on_the_grid():
    starts = segment_starts(jax.random.key(0), 5, 2, 10, 2460 - 262, 262)
    assert starts.min() >= 0
    assert starts.max() <= 2460 - 262
    assert (np.asarray(starts) % 262 == 0).all()


def test_every_person_once_a_pass():
    rows = [(chosen, weight) for chosen, weight in batches(7, 3, 0, 0, 2)]
    people = np.concatenate([chosen[weight > 0] for chosen, weight in rows])
    assert (np.bincount(people) == 2).all()
