"""Simulated series have the statistics their docstring promises."""

import numpy as np
import pytest

from dtb_jax.bold import condition_contrast, design_matrix, drift_order
from dtb_jax.groundtruth.imaging import (
    mean_response,
    rest_series,
    simulate_person,
    simulate_population,
    task_series,
)
from dtb_jax.groundtruth.quick import quick_atlas
from dtb_jax.regions import REGIONS, region_means, region_parcels
from dtb_jax.tasks import FACES, STROOP
from dtb_jax.tasks.designs import load_design

ATLAS = quick_atlas(140)
PEOPLE = 60


@pytest.fixture(scope="module")
def people():
    population = simulate_population(np.random.default_rng(1), list(ATLAS["network"]))
    return [simulate_person(np.random.default_rng([2, i]), population) for i in range(PEOPLE)]


def test_connectomes_are_personal(people):
    upper = np.triu_indices(len(ATLAS), 1)

    def connectome(person, seed):
        series = rest_series(np.random.default_rng(seed), person, 488)
        return np.arctanh(np.corrcoef(series.T)[upper])

    first, second = (
        np.array([connectome(p, [3, i, run]) for i, p in enumerate(people[:20])]) for run in (0, 1)
    )
    r = np.corrcoef(first, second)[:20, 20:]
    same, between = np.diag(r).mean(), r[~np.eye(20, dtype=bool)].mean()
    assert 0.5 < same < 0.8 and 0.3 < between < 0.65 and same > between + 0.1
    assert 0.05 < first.mean() < 0.3 and 0.15 < first.std(axis=1).mean() < 0.35


def test_rest_is_autocorrelated_with_unit_variance(people):
    series = rest_series(np.random.default_rng(0), people[0], 4000)
    assert series.shape == (4000, len(ATLAS)) and series.dtype == np.float64
    assert series.var(axis=0).mean() == pytest.approx(1, abs=0.05)
    centred = series - series.mean(axis=0)
    lag = (centred[1:] * centred[:-1]).mean() / (centred**2).mean()
    assert lag == pytest.approx(0.5, abs=0.05)


def test_runs_repeat_and_persons_differ(people):
    once, again = (rest_series(np.random.default_rng(5), people[0], 50) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert np.abs(once - rest_series(np.random.default_rng(5), people[1], 50)).max() > 0.1


def _t_values(series, design, contrast):
    inverse = np.linalg.pinv(design)
    beta = inverse @ series
    residual = series - design @ beta
    variance = (residual**2).sum(axis=0) / (len(series) - np.linalg.matrix_rank(design))
    return (contrast @ beta) / np.sqrt(variance * ((contrast @ inverse) ** 2).sum())


@pytest.mark.parametrize(
    ("task", "name", "volumes", "largest"),
    [(FACES, "faces", 493, "L_higher_visual"), (STROOP, "stroop_ap", 510, "L_VLPFC")],
)
def test_responses_are_moderately_reliable(people, task, name, volumes, largest):
    design = load_design(name).assign(response_time=1.0, accuracy_binarized=1.0)
    trials, _ = task.decode(design)
    regions = region_parcels(list(ATLAS["name"]))
    kinds = [trials.condition == k for k in (0, 1)]
    full = [(trials.onset_s[k], trials.duration_s[k]) for k in kinds]
    matrix = design_matrix(full, volumes, 0.8, drift_order(volumes, 0.8))
    more, less = (task.conditions.index(condition) for condition in task.contrast)
    contrast = condition_contrast(more, less, matrix.shape[1])
    middle = volumes // 2
    t = []
    for index, person in enumerate(people):
        rng = np.random.default_rng([4, index])
        series = region_means(task_series(rng, person, task, trials, volumes, regions), regions)
        windows = slice(0, middle), slice(middle, volumes), slice(0, volumes)
        t.append([_t_values(series[w], matrix[w], contrast) for w in windows])
    first, second, whole = np.array(t).transpose(1, 0, 2)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)]
    assert 0.15 < np.mean(r) < 0.55
    group = whole.mean(axis=0) / whole.std(axis=0, ddof=1) * np.sqrt(PEOPLE)
    assert 4 < group[REGIONS.index(largest)] < 20
    expected = mean_response()[task.name] @ (np.eye(2)[more] - np.eye(2)[less])
    assert np.corrcoef(group, expected)[0, 1] > 0.6


def test_truncated_and_broken_runs(people):
    trials, _ = FACES.decode(load_design("faces").assign(response_time=1.0, accuracy_binarized=1.0))
    broken = np.arange(len(trials.onset_s)) < 3
    trials = trials._replace(duration_s=np.where(broken, -1.0, trials.duration_s))
    regions = region_parcels(list(ATLAS["name"]))
    series = task_series(np.random.default_rng(0), people[0], FACES, trials, 57, regions)
    assert series.shape == (57, len(ATLAS)) and np.isfinite(series).all()
