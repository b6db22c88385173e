"""Task BOLD: responses where they should be, moderately reliable, the amygdala's caused."""

import numpy as np
import pytest

from dtb_jax.data.regions import REGIONS, region_means
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import run_trials
from dtb_jax.simulation.responses import AMYGDALA, mean_response, task_series
from dtb_jax.simulation.world import draw_subject, make_world
from dtb_jax.twin.bold import condition_contrast, design_matrix, drift_order

PEOPLE = 60


@pytest.fixture(scope="module")
def world():
    return make_world(choose_parcels(140), seed=0)


@pytest.fixture(scope="module")
def subjects(world):
    return [draw_subject(world, f"sub-{k}") for k in range(PEOPLE)]


def scan(world, subject, task, trials, volumes, seed):
    brain = subject.brain, world.population, subject.gains
    rng = np.random.default_rng([4, seed])
    return task_series(rng, *brain, task, trials, volumes, world.regions)


def t_values(series, design, contrast):
    inverse = np.linalg.pinv(design)
    beta = inverse @ series
    residual = series - design @ beta
    variance = (residual**2).sum(axis=0) / (len(series) - np.linalg.matrix_rank(design))
    return (contrast @ beta) / np.sqrt(variance * ((contrast @ inverse) ** 2).sum())


@pytest.mark.parametrize(
    ("run", "volumes", "largest"),
    [("hammerAP_run-01", 493, "L_higher_visual"), ("stroopAP_run-01", 510, "L_VLPFC")],
)
def test_responses_are_moderately_reliable(world, subjects, run, volumes, largest):
    task, trials = run_trials(run)
    kinds = [trials.condition == k for k in (0, 1)]
    middle = volumes // 2
    t = []
    for index, subject in enumerate(subjects):
        series = region_means(scan(world, subject, task, trials, volumes, index), world.regions)
        row = []
        for window in (slice(0, middle), slice(middle, volumes), slice(0, volumes)):
            start_s, length = window.start * 0.8, window.stop - window.start
            inside = (trials.onset_s >= start_s) & (trials.onset_s < window.stop * 0.8)
            shown = [k & inside for k in kinds]
            events = [(trials.onset_s[k] - start_s, trials.duration_s[k]) for k in shown]
            matrix = design_matrix(events, length, 0.8, drift_order(length, 0.8))
            contrast = condition_contrast(1, 0, matrix.shape[1])
            row.append(t_values(series[window], matrix, contrast))
        t.append(row)
    first, second, whole = np.array(t).transpose(1, 0, 2)
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(first.T, second.T, strict=True)]
    assert 0.15 < np.mean(r) < 0.55
    group = whole.mean(axis=0) / whole.std(axis=0, ddof=1) * np.sqrt(PEOPLE)
    assert 4 < group[REGIONS.index(largest)] < 20
    expected = mean_response(task.name) @ np.array([-1, 1])
    assert np.corrcoef(group, expected)[0, 1] > 0.6
    if task.name == "faces":
        true = [s.gains.faces[AMYGDALA] @ [-1, 1] for s in subjects]
        assert np.corrcoef(true, whole[:, AMYGDALA])[0, 1] > 0.3


def test_truncated_and_broken_runs(world, subjects):
    task, trials = run_trials("hammerAP_run-01")
    broken = np.arange(len(trials.onset_s)) < 3
    trials = trials._replace(duration_s=np.where(broken, -1.0, trials.duration_s))
    series = scan(world, subjects[0], task, trials, 57, seed=0)
    assert series.shape == (57, 140) and np.isfinite(series).all()


def test_conditions_are_in_the_order_of_the_tables():
    for run in ("hammerAP_run-01", "stroopAP_run-01"):
        task, _ = run_trials(run)
        assert tuple(task.conditions.index(name) for name in task.contrast) == (1, 0)
