"""What measurement noise allows, where its size is known."""

import numpy as np
import pytest

from dtb_jax.data.tasks.stroop import STROOP
from dtb_jax.evaluation.ceilings import additive, ceilings
from dtb_jax.evaluation.reliability import reliability_ceiling
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.types import Run, Trials
from tests.data.test_folds import TRIALS, make_cohort
from tests.evaluation.test_behaviour import make_case

PEOPLE, SHOWN = 2000, 40


def alike(between, within, seed=0):
    """People with mean times of known variances between and within them, always correct."""
    rng = np.random.default_rng(seed)
    shape = (PEOPLE, SHOWN)
    times = 2 + between * rng.normal(size=(PEOPLE, 1)) + within * rng.normal(size=shape)
    correct = rng.integers(3, size=shape)
    trials = Trials(
        onset_s=np.tile(4.0 * np.arange(SHOWN), (PEOPLE, 1)),
        deadline_s=np.full(shape, 4.0),
        duration_s=np.full(shape, 2.0),
        condition=np.tile(np.arange(SHOWN) % 2, (PEOPLE, 1)),
        item=np.zeros(shape, int),
        correct=correct,
        possible=np.eye(3, dtype=bool)[correct],
        response_time_s=times,
        answered=np.ones(shape, bool),
        present=np.ones(shape, bool),
    )
    nothing = np.zeros((PEOPLE, 200, 0))
    seen = np.zeros((PEOPLE, 200), bool)
    everyone = np.ones(PEOPLE, bool)
    stimulus = np.zeros((PEOPLE, 2000, 1), np.float32)
    run = Run(STROOP, "stroopAP_run-01", trials, stimulus, nothing, seen, everyone)
    return scored_part(run, 0.0, 160.0, everyone, None, draws=50)


@pytest.mark.parametrize(("between", "within"), [(0.3, 0.6), (0.1, 0.6)])
def test_the_ceiling_of_r_is_the_root_of_the_reliability(between, within):
    found = ceilings([alike(between, within)])["stroop"]
    reliability = between**2 / (between**2 + within**2 / SHOWN)
    figure = found["reaction_time_r"]
    assert figure.value == pytest.approx(np.sqrt(reliability), abs=0.06)
    assert figure.ci_low <= np.sqrt(reliability) <= figure.ci_high + 0.03
    # One condition has half of the trials.
    half = between**2 / (between**2 + 2 * within**2 / SHOWN)
    assert found["reaction_time_r_congruent"].value == pytest.approx(np.sqrt(half), abs=0.08)


def test_trials_are_told_as_far_as_people_explain_them():
    found = ceilings([alike(0.3, 0.6)])["stroop"]["trial_reaction_time_r"]
    assert found.value == pytest.approx(np.sqrt(0.3**2 / (0.3**2 + 0.6**2)), abs=0.03)
    assert ceilings([alike(0.0, 0.6)])["stroop"]["trial_reaction_time_r"].value < 0.1


def test_halves_that_disagree_allow_nothing():
    x = np.random.default_rng(0).normal(size=50)
    everyone = np.ones(50, bool)
    assert reliability_ceiling(x, -x, everyone)(np.ones((1, 50))) == 0
    assert reliability_ceiling(x, x, everyone)(np.ones((1, 50))) == pytest.approx(1)


def test_additive_is_a_loop_over_people_and_trials():
    scored = make_case(3)[0][0]
    t, counted = scored.run.trials, scored.timed()
    y = t.response_time_s
    found = additive(scored, y, counted)
    people = len(y)

    def own(i, c):
        kept = [y[i, k] for k in range(TRIALS) if counted[i, k] and t.condition[i, k] == c]
        return np.mean(kept) if kept else 0.0

    for k in range(TRIALS):
        off = [y[i, k] - own(i, t.condition[i, k]) for i in range(people) if counted[i, k]]
        item = np.mean(off) if off else 0.0
        for i in range(people):
            assert found[i, k] == pytest.approx(own(i, t.condition[i, k]) + item)


def test_nothing_behind_a_mask_counts():
    scored, _, spoilt, _ = make_case(3)
    found, other = ceilings(scored), ceilings(spoilt)
    for task, figures in found.items():
        assert figures.keys() == other[task].keys()
        for metric, one in figures.items():
            assert one == pytest.approx(other[task][metric]), (task, metric)


def padded(run, people, trials):
    """More rows of nobody, and more trials that nobody saw."""

    def rows(field):
        return np.concatenate([field, np.zeros((people, *field.shape[1:]), field.dtype)])

    def columns(field):
        return np.pad(field, [(0, 0), (0, trials)] + [(0, 0)] * (field.ndim - 2))

    whole = {name: rows(getattr(run, name)) for name in ("stimulus", "bold", "bold_mask")}
    fields = Trials(*(rows(columns(field)) for field in run.trials))
    return run._replace(**whole, trials=fields, present=rows(run.present))


@pytest.mark.parametrize(("people", "trials"), [(6, 0), (0, 7), (200, 30)])
def test_ragged_is_as_unpadded(people, trials):
    runs = make_cohort(26).runs
    fold = np.repeat([0, -1], [26, people])
    alone = [scored_part(run, 40.0, 120.0, run.present, None, draws=5) for run in runs]
    wide = [padded(run, people, trials) for run in runs]
    wider = [scored_part(run, 40.0, 120.0, run.present, None, fold, draws=5) for run in wide]
    found, other = ceilings(alone), ceilings(wider)
    assert found["faces"]["trial_reaction_time_r"].value > 0.2
    for task, figures in found.items():
        for metric, one in figures.items():
            assert other[task][metric].n == one.n, (task, metric)
            assert other[task][metric].value == pytest.approx(one.value), (task, metric)
