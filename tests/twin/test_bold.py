"""BOLD against SciPy, nilearn and the fit without the masked volumes."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.contrasts import compute_contrast
from nilearn.glm.first_level import make_first_level_design_matrix, run_glm

from dtb_jax.twin import bold

TR = 0.8


@pytest.fixture
def events():
    onset = np.arange(10.0, 180.0, 12.0)
    return pd.DataFrame(
        {"onset": onset, "duration": 2.0, "trial_type": ["a", "b"] * (len(onset) // 2) + ["a"]}
    )


def designs(events, volumes=246, order=3):
    ours = bold.design_matrix(
        [
            (group["onset"].to_numpy(), group["duration"].to_numpy())
            for _, group in events.groupby("trial_type")
        ],
        volumes,
        TR,
        order,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = make_first_level_design_matrix(
            np.arange(volumes) * TR,
            events,
            hrf_model="glover + derivative",
            drift_model="cosine",
            high_pass=0.01,
        )
    return ours, theirs


def test_design_spans_nilearns(events):
    ours, theirs = designs(events)
    assert ours.shape == theirs.shape
    for k, name in enumerate(theirs.columns):
        r = np.corrcoef(ours[:, k], theirs[name])[0, 1] if name != "constant" else 1.0
        assert r > 0.999, name


@pytest.mark.parametrize(("volumes", "order"), [(246, 3), (493, 7), (510, 8)])
def test_drift_order_is_nilearns(volumes, order):
    assert bold.drift_order(volumes, TR) == order
    assert bold.drift_order(246, TR, 0.020335) == 8


def test_glm_equals_nilearn(events, x64):
    ours, _ = designs(events)
    series = np.random.default_rng(0).normal(size=(246, 5))
    contrast = bold.condition_contrast(0, 1, ours.shape[1])
    labels, results = run_glm(series, ours, noise_model="ols")
    expected = compute_contrast(labels, results, contrast, stat_type="t").stat()
    found = bold.glm_t(
        jnp.asarray(series), jnp.asarray(ours), jnp.asarray(contrast), jnp.ones(246, bool)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def ar1_noise(rng, rho, volumes, regions):
    series = rng.normal(size=(volumes, regions))
    for t in range(1, volumes):
        series[t] += rho * series[t - 1]
    return series


def test_t_with_ar1_noise_is_nilearns(events, x64):
    """nilearn rounds rho to 1 / bins: with many bins nothing is rounded."""
    ours, _ = designs(events)
    rng = np.random.default_rng(5)
    rhos = np.array([-0.3, 0.0, 0.3, 0.6, 0.8])
    series = ours[:, :4] @ rng.normal(size=(4, 5)) + ar1_noise(rng, rhos, 246, 5)
    contrast = bold.condition_contrast(0, 1, ours.shape[1])
    labels, results = run_glm(series, ours, noise_model="ar1", bins=10**9)
    expected = compute_contrast(labels, results, contrast, stat_type="t").stat()
    whole = jnp.ones(246, bool)
    given = jnp.asarray(series), jnp.asarray(ours), jnp.asarray(contrast), whole
    found = bold.glm_t_ar1(*given)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (np.abs(bold.glm_t(*given) - expected) > 0.05 * np.abs(expected))[3:].all()
    solver = bold.glm_solver(*given[1::2])
    told = bold.autocorrelation(given[0] - given[1] @ (solver.inverse @ given[0]), whole)
    np.testing.assert_allclose(told, rhos, atol=0.2)


def test_ar1_t_of_a_run_that_ends_early_is_that_of_a_shorter_run(events, x64):
    ours, _ = designs(events)
    series = ar1_noise(np.random.default_rng(6), 0.5, 246, 3)
    contrast = jnp.asarray(bold.condition_contrast(1, 0, ours.shape[1]))
    mask = jnp.arange(246) < 200
    whole = bold.glm_t_ar1(jnp.asarray(series), jnp.asarray(ours), contrast, mask)
    kept = bold.glm_t_ar1(
        jnp.asarray(series[:200]), jnp.asarray(ours[:200]), contrast, jnp.ones(200, bool)
    )
    np.testing.assert_allclose(whole, kept, rtol=1e-8)


def test_ar1_t_does_not_depend_on_what_is_masked(events, x64):
    ours, _ = designs(events)
    rng = np.random.default_rng(7)
    series, mask = ar1_noise(rng, 0.5, 246, 2), rng.random(246) > 0.2
    contrast = jnp.asarray(bold.condition_contrast(1, 0, ours.shape[1]))
    other = np.where(mask[:, None], series, 1e3)
    found = [
        bold.glm_t_ar1(jnp.asarray(one), jnp.asarray(ours), contrast, jnp.asarray(mask))
        for one in (series, other)
    ]
    np.testing.assert_allclose(*found, rtol=1e-10)


def test_ar1_gradient(events, x64):
    ours, _ = designs(events)
    rng = np.random.default_rng(8)
    series = jnp.asarray(ar1_noise(rng, 0.6, 246, 2))
    contrast = jnp.asarray(bold.condition_contrast(1, 0, ours.shape[1]))

    def total(y):
        return bold.glm_t_ar1(y, jnp.asarray(ours), contrast, jnp.ones(246, bool)).sum()

    direction = jnp.asarray(rng.normal(size=series.shape))
    numeric = (total(series + 1e-6 * direction) - total(series - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(jnp.sum(jax.grad(total)(series) * direction), numeric, rtol=1e-5)


def test_mask_equals_dropping(events, x64):
    ours, _ = designs(events)
    rng = np.random.default_rng(1)
    series, mask = rng.normal(size=(246, 3)), rng.random(246) > 0.2
    contrast = jnp.asarray(bold.condition_contrast(1, 0, ours.shape[1]))
    whole = bold.glm_t(jnp.asarray(series), jnp.asarray(ours), contrast, jnp.asarray(mask))
    kept = bold.glm_t(
        jnp.asarray(series[mask]), jnp.asarray(ours[mask]), contrast, jnp.ones(mask.sum(), bool)
    )
    np.testing.assert_allclose(whole, kept, rtol=1e-9)


def test_glm_gradient(events, x64):
    ours, _ = designs(events)
    series = jnp.asarray(np.random.default_rng(2).normal(size=(246, 2)))
    contrast = jnp.asarray(bold.condition_contrast(1, 0, ours.shape[1]))

    def total(y):
        return bold.glm_t(y, jnp.asarray(ours), contrast, jnp.ones(246, bool)).sum()

    direction = jnp.asarray(np.random.default_rng(3).normal(size=series.shape))
    numeric = (total(series + 1e-6 * direction) - total(series - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(jnp.sum(jax.grad(total)(series) * direction), numeric, rtol=1e-6)


def test_upsample_passes_through_the_volumes():
    series = np.random.default_rng(4).normal(size=(30, 2))
    fine = bold.upsample_cubic(series)
    assert fine.shape == (300, 2)
    np.testing.assert_allclose(fine[::10], series, atol=1e-12)
    np.testing.assert_allclose(fine[-9:], np.repeat(series[-1:], 9, axis=0))
