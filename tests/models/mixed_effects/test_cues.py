"""Instructions last until the next one, and nothing else changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.data import DataConfig, read_cohort
from dtb_jax.models.mixed_effects.cues import remembered_cues, with_memory
from dtb_jax.models.mixed_effects.network import Population
from dtb_jax.twin.rnn import unroll
from dtb_jax.types import STEP_S
from tests.small import write_small_cohort


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=3)
    cohort, _ = read_cohort(folder, DataConfig())
    assert remembered_cues(cohort) == 2
    return cohort.runs, with_memory(cohort, 2).runs


def test_in_every_trial_it_is_remembered_which_block_it_is(runs):
    (faces, _), (held, _) = runs
    for person in range(3):
        trials = faces.trials
        step = np.ceil(trials.onset_s[person] / STEP_S).astype(int) + 3
        assert not faces.stimulus[person, step, :2].any()
        on = held.stimulus[person, step, -2:]
        np.testing.assert_array_equal(on[:, 0], trials.condition[person])  # match faces
        np.testing.assert_array_equal(on[:, 1], 1 - trials.condition[person])


def test_nothing_else_changes_and_nothing_is_known_before_the_first_cue(runs):
    for before, after in zip(*runs, strict=True):
        np.testing.assert_array_equal(before.stimulus, after.stimulus[..., :-2])
    (faces, _), (held, other) = runs
    assert not other.stimulus[..., -2:].any()
    first = int(faces.stimulus[0, :, :2].any(axis=-1).argmax())
    assert first > 0 and not held.stimulus[0, :first, -2:].any()


def test_memory_shifts_what_is_read_out_and_no_unit_hears_it():
    population = Population(inputs=6, units=8, regions=2, coordinates=3, inattention=-4.0, memory=2)
    params = population.init(jax.random.key(0), jnp.zeros(3))
    network = population.apply(params, jnp.ones(3)).network
    stimulus = jax.random.uniform(jax.random.key(1), (40, 6))
    silent = stimulus.at[:, 4:].set(0)
    shift = unroll(network, stimulus) - unroll(network, silent)
    expected = jnp.tanh(stimulus[:-1, 4:]) @ network.ho[:, 8:].T
    np.testing.assert_allclose(shift[1:], expected, atol=1e-5)
    assert (network.ih[:8, 4:] == 0).all() and (network.hh[:8, 8:] == 0).all()
