"""Profiles against loops; what is said of a trial is a distribution; nobody tells of themselves."""

import numpy as np
import pytest
from scipy.special import logit

from dtb_jax.data.folds import everybody, time_split
from dtb_jax.models.baselines import group_profile, item_means
from dtb_jax.models.profiles import (
    PRIOR_TRIALS,
    ParticipantSummary,
    as_prediction,
    item_profile,
    mean_profile,
    observe,
)
from dtb_jax.types import STEP_S
from tests.data.test_folds import TRIALS, make_cohort
from tests.evaluation.test_behaviour import spoil

PEOPLE = 12


@pytest.fixture(params=[0, 1], ids=["stroop", "faces"])
def run(request):
    return make_cohort(PEOPLE).runs[request.param]


def own_trials(run, counted, i, condition):
    """Indices of a person's counted trials, and those of them that were right."""
    t = run.trials
    inside = [k for k in range(TRIALS) if counted[i, k] and t.condition[i, k] == condition]
    right = [k for k in inside if t.answered[i, k] and t.possible[i, k, t.correct[i, k]]]
    return inside, right


def counts(run, counted, i, condition):
    """Wrong presses, presses, omissions, trials."""
    inside, right = own_trials(run, counted, i, condition)
    pressed = [k for k in inside if run.trials.answered[i, k]]
    return np.array(
        [len(pressed) - len(right), len(pressed), len(inside) - len(pressed), len(inside)]
    )


def test_a_profile_is_a_loop_over_the_persons_trials(run):
    counted = run.trials.present & (np.arange(TRIALS) % 4 > 0)
    counted[2] &= run.trials.condition[2] == 0
    donors = np.arange(PEOPLE) % 3 > 0
    found = observe(run, counted, donors)
    for c in range(2):
        of_donors = sum(counts(run, counted, i, c) for i in np.flatnonzero(donors)) + [0.5, 1] * 2
        for i in range(PEOPLE):
            _, right = own_trials(run, counted, i, c)
            times = run.trials.response_time_s[i, right]
            wrong, pressed, omitted, shown = counts(run, counted, i, c)
            expected = [
                times.mean() if len(times) else np.nan,
                max(np.log(times).std(ddof=1), 0.01) if len(times) > 1 else np.nan,
                (wrong + PRIOR_TRIALS * of_donors[0] / of_donors[1]) / (pressed + PRIOR_TRIALS),
                (omitted + PRIOR_TRIALS * of_donors[2] / of_donors[3]) / (shown + PRIOR_TRIALS),
            ]
            np.testing.assert_allclose([f[i, c] for f in found], expected, rtol=1e-9)


def test_nothing_behind_a_mask_is_observed(run):
    counted, donors = run.trials.present, np.ones(PEOPLE, bool)
    pairs = [
        (observe(run, counted, donors), observe(spoil(run), counted, donors)),
        (item_profile(run, donors, counted), item_profile(spoil(run), donors, counted)),
    ]
    for clean, dirty in pairs:
        for a, b in zip(clean, dirty):
            mask = counted if a.shape == counted.shape else np.ones(a.shape, bool)
            np.testing.assert_allclose(a[mask], b[mask], rtol=1e-12)


def test_the_mean_profile_is_the_same_for_everybody_and_only_of_these_people(run):
    profile = observe(run, run.trials.present, np.ones(PEOPLE, bool))
    people = np.arange(PEOPLE) < 7
    found = mean_profile(profile, people)
    others = [np.where(people[:, None], field, 99) for field in profile]
    for a, b, own in zip(found, mean_profile(ParticipantSummary(*others), people), profile):
        np.testing.assert_array_equal(a, b)
        assert np.ptp(a, axis=0).max() == 0
        if own is not profile.spread:
            np.testing.assert_allclose(a[0], own[:7].mean(0))
    within = (profile.spread[:7] ** 2).mean(0)
    between = np.log(profile.time_s[:7]).var(0)
    np.testing.assert_allclose(found.spread[0] ** 2, within + between)


def expected_items(run, donors, counted, i, k):
    """Time, error and omission from the others on trial k, in loops."""
    t = run.trials
    others = [j for j in np.flatnonzero(donors) if j != i]

    def rate(which, people, trial=None):
        total = np.zeros(2)
        for j in people:
            kept = counted.copy()
            if trial is not None:
                kept[:, np.arange(TRIALS) != trial] = False
            total += counts(run, kept, j, t.condition[i, k])[which : which + 2]
        return total

    def same(j):
        shown = ("condition", "item", "correct")
        return all(getattr(t, n)[i, k] == getattr(t, n)[j, k] for n in shown)

    alike = [j for j in others if counted[j, k] and same(j)]
    deviations = []
    for j in alike:
        _, right = own_trials(run, counted, j, t.condition[j, k])
        if k in right:
            times = t.response_time_s[j]
            deviations.append(times[k] - times[right].mean())
    found = [np.mean(deviations) if deviations else 0.0]
    for which in (0, 2):
        events, number = rate(which, others)
        base = (events + 0.5) / (number + 1)
        events, number = rate(which, alike, trial=k)
        found.append(logit((events + 2 * base) / (number + 2)) - logit(base))
    return found


def test_items_are_told_by_the_other_donors_who_saw_the_same(run):
    counted = run.trials.present & (np.arange(TRIALS) > 8)
    donors = np.arange(PEOPLE) % 4 > 0
    found = item_profile(run, donors, counted)
    for i in range(0, PEOPLE, 3):
        for k in range(9, TRIALS, 2):
            expected = expected_items(run, donors, counted, i, k)
            np.testing.assert_allclose([f[i, k] for f in found], expected, atol=1e-9)


def behave_otherwise(run, people):
    """Other times, choices and omissions of these people on the same trials."""
    rng, t = np.random.default_rng(5), run.trials
    answered = t.present & (rng.random(t.present.shape) < 0.6)
    possible = np.eye(3, dtype=bool)[rng.integers(2, size=t.present.shape)] & answered[..., None]
    other = t._replace(
        answered=answered,
        possible=possible,
        response_time_s=np.where(answered, rng.uniform(0.3, 1.9, t.present.shape), 0),
    )
    trials = type(t)(*(np.where(people, b.T, a.T).T for a, b in zip(t, other)))
    return run._replace(trials=trials)


def test_nobody_is_their_own_donor(run):
    counted, donors = run.trials.present, np.ones(PEOPLE, bool)
    found = item_profile(run, donors, counted)
    for i in (0, 3):
        other = item_profile(behave_otherwise(run, np.arange(PEOPLE) == i), donors, counted)
        for a, b in zip(found, other):
            np.testing.assert_allclose(a[i], b[i], rtol=1e-9)
            assert (np.abs(a - b) > 1e-6).any()


def test_a_persons_second_half_does_not_tell_its_own_items():
    cohort = make_cohort(PEOPLE)
    (fold,) = time_split(cohort, 50.0, np.inf)
    me = np.arange(PEOPLE) == 3
    late = everybody(cohort)._replace(start_s=50.0)
    runs = []
    for run in cohort.runs:
        other = behave_otherwise(run, me).trials
        mask = late.trials(run)
        trials = type(other)(*(np.where(mask.T, b.T, a.T).T for a, b in zip(run.trials, other)))
        runs.append(run._replace(trials=trials))
    changed = cohort._replace(runs=tuple(runs))
    for a, b in zip(item_means(cohort, fold), item_means(changed, fold)):
        for name in ("choice_probability", "omission_probability", "reaction_time_s"):
            np.testing.assert_allclose(getattr(a, name)[3], getattr(b, name)[3], rtol=1e-9)


def profile_of(people, time=0.9, spread=0.3):
    column = np.ones((people, 2))
    return ParticipantSummary(time * column, spread * column, 0.2 * column, 0.1 * column)


@pytest.mark.parametrize("time, spread", [(0.8, 0.2), (1.7, 0.3), (1.2, 1.0)])
@pytest.mark.parametrize("deadline", [25 * STEP_S, 1.95, 4.0])
def test_the_probabilities_of_all_that_can_happen_sum_to_one(run, time, spread, deadline):
    t = run.trials
    run = run._replace(trials=t._replace(deadline_s=np.full(t.onset_s.shape, deadline)))
    profile = profile_of(PEOPLE, time, spread)

    def likelihood(**fields):
        told = as_prediction(run._replace(trials=run.trials._replace(**fields)), profile)
        return np.exp(told.log_likelihood)

    total = likelihood(answered=np.zeros(t.present.shape, bool))
    for k in range(int(np.ceil(deadline / STEP_S - 1e-6))):
        when = np.full(t.present.shape, min((k + 0.5) * STEP_S, deadline - 1e-3))
        for action in np.flatnonzero(run.task.available):
            possible = np.broadcast_to(np.eye(3, dtype=bool)[action], t.possible.shape)
            total += likelihood(
                answered=np.ones(t.present.shape, bool), possible=possible, response_time_s=when
            )
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_an_unknown_wrong_button_is_as_likely_as_all_wrong_ones_together():
    run = make_cohort(PEOPLE).runs[0]
    profile = profile_of(PEOPLE)

    def likelihood(actions):
        possible = np.broadcast_to(np.isin(np.arange(3), actions), run.trials.possible.shape)
        trials = run.trials._replace(possible=possible, correct=np.zeros_like(run.trials.correct))
        told = as_prediction(run._replace(trials=trials), profile).log_likelihood
        return np.exp(told[run.trials.answered])

    np.testing.assert_allclose(likelihood([1, 2]), likelihood([1]) + likelihood([2]))
    np.testing.assert_allclose(likelihood([0]), 0.8 / 0.2 * likelihood([1, 2]))


def test_quantiles_grow_and_stay_below_the_deadline(run):
    group = group_profile(make_cohort(PEOPLE), time_split(make_cohort(PEOPLE), 60.0)[0], run)
    deadline = run.trials.deadline_s[run.trials.present]
    for profile in (group, profile_of(PEOPLE, 1.8, 0.6), profile_of(PEOPLE, 2.5, 0.1)):
        q = as_prediction(run, profile).quantiles_s[run.trials.present]
        assert (np.diff(q) > 0).all() and (q > 0).all()
        assert (q.max(1) < deadline).all()
    late = as_prediction(run, profile_of(PEOPLE, 6.0, 0.05)).quantiles_s[run.trials.present]
    assert (np.diff(late) >= 0).all() and (late.max(1) <= deadline).all()


def test_what_is_predicted_is_the_profile_where_items_add_nothing(run):
    told = as_prediction(run, profile_of(PEOPLE, 0.7, 0.2))
    assert (told.reaction_time_s == 0.7).all() and (told.omission_probability == 0.1).all()
    correct = run.trials.correct[..., None]
    np.testing.assert_allclose(np.take_along_axis(told.choice_probability, correct, -1), 0.8)
    np.testing.assert_allclose(told.choice_probability.sum(-1), 1)
    assert (told.choice_probability[..., ~np.array(run.task.available)] == 0).all()
    np.testing.assert_array_equal(told.choice, run.trials.correct)
    median = told.quantiles_s[run.trials.present, 10]
    np.testing.assert_allclose(median, 0.7 * np.exp(-0.02), rtol=1e-3)
