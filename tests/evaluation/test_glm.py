"""t-values of people, observed and expected."""

import numpy as np
import pytest

from dtb_jax.evaluation.glm import Glm, expected_t, person_t


def test_expected_t_is_what_noise_leaves_of_a_series_and_grows_with_it():
    rng = np.random.default_rng(0)
    people, volumes = 400, 120
    on = (np.arange(volumes) // 10 % 2).astype(np.float32)
    design = np.stack([on, 1 - on, np.linspace(-1, 1, volumes)], axis=1).astype(np.float32)
    mask = np.ones((people, volumes), bool)
    mask[:, 100:] = False
    glm = Glm(
        np.tile(design, (people, 1, 1)),
        np.array([1, -1, 0], np.float32),
        mask,
        np.ones(people, bool),
        slice(0, volumes),
    )
    shape = (0.3 * on + 0.1 * np.sin(np.arange(volumes)))[:, None]  # not quite the design's
    sd = np.array([0.8])
    told = expected_t(glm, np.tile(shape, (people, 1, 1)), sd)
    seen = person_t(glm, shape + sd * rng.normal(size=(people, volumes, 1)))
    assert told[0, 0] == pytest.approx(seen.mean(), rel=0.06)
    twice = expected_t(glm, np.tile(2 * shape, (people, 1, 1)), sd)
    np.testing.assert_allclose(twice, 2 * told, rtol=1e-5)
