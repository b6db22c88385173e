"""Instructions last until the next one, and nothing else changes."""

import numpy as np
import pytest

from dtb_jax.data import Choices, read_cohort
from dtb_jax.mixed.cues import remembered, with_memory
from dtb_jax.types import STEP_S
from tests.small import write_small_cohort


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=3)
    cohort, _ = read_cohort(folder, Choices())
    return cohort.runs, with_memory(cohort).runs


def test_in_every_trial_the_network_hears_which_block_it_is(runs):
    (faces, _), (held, _) = runs
    for person in range(3):
        trials = faces.trials
        step = np.ceil(trials.onset_s[person] / STEP_S).astype(int) + 3
        assert not faces.stimulus[person, step, :2].any()
        on = held.stimulus[person, step]
        np.testing.assert_array_equal(on[:, 0], trials.condition[person])  # match faces
        np.testing.assert_array_equal(on[:, 1], 1 - trials.condition[person])


def test_nothing_else_changes_and_nothing_is_known_before_the_first_cue(runs):
    (faces, stroop), (held, other) = runs
    np.testing.assert_array_equal(faces.stimulus[..., 2:], held.stimulus[..., 2:])
    np.testing.assert_array_equal(stroop.stimulus, other.stimulus)
    np.testing.assert_array_equal(remembered(held).stimulus, held.stimulus)
    first = int(faces.stimulus[0, :, :2].any(axis=-1).argmax())
    assert first > 0 and not held.stimulus[0, :first, :2].any()
