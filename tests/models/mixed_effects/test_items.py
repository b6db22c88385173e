"""What trials do to everybody: numbering, adding, and drawing for new ones."""

import jax.numpy as jnp
import numpy as np

from dtb_jax.data.folds import everybody
from dtb_jax.data.tasks.task import press_sequence, press_steps
from dtb_jax.models.mixed_effects.items import (
    Shown,
    deviations,
    known_items,
    of_new_trials,
    shown_of,
    with_items,
)
from dtb_jax.twin.windows import until_s
from dtb_jax.types import STEP_S
from tests.data.test_folds import make_cohort


def test_an_item_is_on_from_its_onset_to_its_deadline_for_all_who_saw_it():
    cohort = make_cohort(26)
    known = known_items(cohort, everybody(cohort))
    run = cohort.runs[0]
    on = shown_of(run, slice(0, run.stimulus.shape[1]), known)
    person = int(np.flatnonzero(run.present)[0])
    trials = type(run.trials)(*(field[person] for field in run.trials))
    onset, deadline, *_ = press_steps(trials)
    for k in np.flatnonzero(trials.present):
        key = (run.name, int(k), *(int(f[k]) for f in trials[3:6]))
        assert (on.item[person, onset[k] : deadline[k]] == known.get(key, 0)).all()
    between = np.ones(run.stimulus.shape[1], bool)
    for first, last in zip(onset, deadline):
        between[first:last] = False
    assert not on.item[person, between].any()


def test_press_after_the_next_onset_is_of_its_own_trial():
    run = make_cohort(3).runs[0]
    steps = run.stimulus.shape[1]
    trials = run.trials._replace(deadline_s=np.full_like(run.trials.deadline_s, 9.0))
    on = shown_of(run._replace(trials=trials), slice(0, steps), {})
    for i in np.flatnonzero(run.present):
        one = type(trials)(*(field[i] for field in trials))
        own = press_steps(one)
        _, at_risk = press_sequence(one, one.present, steps)
        assert (on.trial[i][at_risk > 0] > 0).all()  # no step is at risk for nobody
        assert np.isfinite(until_s(one.onset_s, one.deadline_s, one.present)).any()
        for k in np.flatnonzero(own.answered & one.present & (own.pressed < steps)):
            assert on.trial[i, own.pressed[k]] == k + 1


def test_items_that_few_people_saw_have_no_number():
    cohort = make_cohort(26)
    part = everybody(cohort)
    few = part._replace(people=np.arange(26) < 4)
    assert known_items(cohort, part) and not known_items(cohort, few)


def test_right_and_wrong_presses_are_moved_apart_and_silence_is_not():
    table = jnp.array([[9.0, 9.0], [0.5, -0.2]])
    logits = jnp.zeros((3, 3))
    moved = with_items(
        logits, table, Shown(jnp.ones(3, int), jnp.array([0, 1, 1]), jnp.array([0, 0, 2]))
    )
    np.testing.assert_allclose(moved, [[0, 0, 0], [0.5, -0.2, -0.2], [-0.2, -0.2, 0.5]])


def test_new_trials_are_like_those_of_their_task():
    table = np.array([[0, 0], [1, 1], [2, 2], [3, 3]], np.float32)
    known = {("a", 0, 0, 0, 0): 1, ("b", 0, 0, 0, 0): 2, ("a", 1, 0, 0, 0): 3}
    drawn = of_new_trials(table, known, ["a"], (50, 4), seed=0)
    assert set(np.unique(drawn)) == {1.0, 3.0}
    assert not of_new_trials(table, known, ["c"], (2, 4), seed=0).any()


def test_deviations_leave_nothing_to_conditions_or_to_the_time():
    cohort = make_cohort(26)
    part = everybody(cohort)
    known = known_items(cohort, part)
    project = deviations(known, cohort, part)
    np.testing.assert_allclose(project @ project, project, atol=1e-9)
    left = project @ np.random.default_rng(0).normal(size=len(project))
    for name, condition in {(key[0], key[2]) for key in known}:
        rows = [n for key, n in known.items() if key[0] == name and key[2] == condition]
        assert abs(left[rows].mean()) < 1e-9
    for run in cohort.runs:
        shown = np.where(run.trials.present, run.trials.onset_s, np.nan)
        onset = np.nanmedian(shown, axis=0)
        stop = run.stimulus.shape[1] * STEP_S
        early = [n for key, n in known.items() if key[0] == run.name and onset[key[1]] < stop / 4]
        assert not early or abs(left[early].mean()) < 1e-9


def test_a_press_in_the_windows_last_part_of_a_step_is_its_trials():
    cohort = make_cohort(12)
    run = cohort.runs[0]
    k = int(np.flatnonzero(run.trials.present[0] & run.trials.answered[0])[0])
    time, deadline = run.trials.response_time_s.copy(), run.trials.deadline_s.copy()
    onset = run.trials.onset_s[0, k]
    last = np.floor((onset + deadline[0, k]) / STEP_S)
    deadline[0, k] = (last + 0.6) * STEP_S - onset
    time[0, k] = (last + 0.3) * STEP_S - onset
    run = run._replace(trials=run.trials._replace(response_time_s=time, deadline_s=deadline))
    shown = shown_of(run, slice(None), {})
    assert shown.trial[0, int(last)] == k + 1
