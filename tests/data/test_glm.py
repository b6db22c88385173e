"""t-values of people, observed and expected."""

import numpy as np
import pytest

from dtb_jax.data.glm import Glm, expected_t, make_glm, noise_effect, person_t
from tests.data.test_folds import make_cohort


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


def test_noise_effect_tells_how_much_too_large_ols_t_are():
    run = make_cohort(20).runs[0]
    glm = make_glm(run, 0.0, np.inf)
    rng = np.random.default_rng(1)
    white = rng.normal(size=run.bold.shape)
    dependent = white.copy()
    for t in range(1, white.shape[1]):
        dependent[:, t] += 0.6 * dependent[:, t - 1]
    plain, found = (noise_effect(glm, series) for series in (white, dependent))
    assert plain.t_ratio == pytest.approx(1, abs=0.15) and abs(plain.autocorrelation) < 0.15
    assert found.t_ratio > 1.2 * plain.t_ratio and found.autocorrelation == pytest.approx(
        0.5, abs=0.15
    )
    ar1 = make_glm(run, 0.0, np.inf, noise="ar1")
    ols = person_t(glm, dependent)
    assert np.nanstd(person_t(ar1, dependent)) < np.nanstd(ols)
    np.testing.assert_array_equal(np.isnan(ols), np.isnan(person_t(ar1, dependent)))


def test_noise_effect_is_none_without_bold():
    run = make_cohort(8).runs[0]
    run = run._replace(bold_mask=np.zeros_like(run.bold_mask))
    glm = make_glm(run, 0.0, np.inf)
    assert noise_effect(glm, run.bold) is None
