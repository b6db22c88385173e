"""A condition without correct presses (stop trials) falls out alone; people and tasks stay."""

import numpy as np
import pytest

from dtb_jax.data.averages import condition_means, correct_mask, masked_mean
from dtb_jax.data.folds import group_k_fold, time_split
from dtb_jax.models import profile_regression, registry
from dtb_jax.models.few_shot import shrunken
from dtb_jax.models.mixed_effects.start import start_from_profiles
from tests.data.test_folds import make_cohort

PEOPLE, STOP = 24, 1


def without_presses(cohort, people=slice(None)):
    """Nobody of these presses correctly in the second condition of the first run."""
    run = cohort.runs[0]
    possible = run.trials.possible.copy()
    there = np.zeros_like(run.trials.present)
    there[people] = run.trials.condition[people] == STOP
    right = np.arange(possible.shape[-1]) == run.trials.correct[..., None]
    possible[there[..., None] & right] = False
    changed = run._replace(trials=run.trials._replace(possible=possible))
    return cohort._replace(runs=(changed, *cohort.runs[1:]))


@pytest.fixture(scope="module")
def cohort():
    return without_presses(make_cohort(PEOPLE))


METHODS = ["ridge", "kernel_ridge", "pca_ridge", "cpm"]


def predicted(name, cohort, fold):
    model = (registry.baselines(fold.training) | registry.regressions(METHODS))[name]
    return model.fit(cohort, fold.training).predict(cohort, fold.test)


@pytest.mark.parametrize("name", ["demographics", *METHODS])
def test_regressions_tell_mean_times_without_a_condition_nobody_presses_in(cohort, name):
    fold = group_k_fold(cohort, 3, seed=0)[0]
    told = predicted(name, cohort, fold)
    tested = fold.test.people
    for run, one in zip(cohort.runs, told, strict=True):
        seen = tested & run.present
        assert np.isfinite(one.person_time_s[seen]).all()
        assert np.isfinite(one.log_likelihood[seen][run.trials.present[seen]]).all()
        assert np.isfinite(one.omission_probability[seen]).all()
    assert np.isnan(told[0].condition_time_s[:, STOP]).all()
    np.testing.assert_allclose(told[0].person_time_s[tested], told[0].condition_time_s[tested, 0])


@pytest.mark.parametrize(
    "name", ["condition_mean", "item_profile", "group_mean", "own_training_half"]
)
def test_baselines_tell_the_other_condition_and_the_other_run(cohort, name):
    (fold,) = time_split(cohort, 60.0, np.inf)
    told = predicted(name, cohort, fold)
    for run, one in zip(cohort.runs, told, strict=True):
        known = np.isfinite(one.reaction_time_s)
        there = run.trials.present & run.present[:, None]
        assert known[there & (run.trials.condition != STOP)].mean() > 0.95
        assert np.isfinite(one.log_likelihood[there]).mean() > 0.95
    assert np.isfinite(told[1].reaction_time_s[cohort.runs[1].trials.present]).mean() > 0.95


def test_a_person_without_correct_presses_in_a_condition_is_told_by_the_others():
    cohort = without_presses(make_cohort(PEOPLE), people=[3])
    fold = group_k_fold(cohort, 3, seed=0)[0]
    told = predicted("ridge", cohort, fold)
    tested = fold.test.people
    assert np.isfinite(told[0].condition_time_s[tested]).all()
    assert np.isfinite(told[0].person_time_s[tested]).all()


def test_unequal_shares_of_a_known_condition_are_a_weighted_mean(cohort):
    run, (fold,) = cohort.runs[0], time_split(cohort, 0.0, np.inf)
    time = np.stack([np.full(PEOPLE, 0.5), np.full(PEOPLE, 1.0)], axis=1)
    share = masked_mean((run.trials.condition == STOP).astype(float), run.trials.present)
    np.testing.assert_allclose(
        profile_regression._weighted(run, fold, time)[run.present], 0.5 + 0.5 * share[run.present]
    )


def test_shrinkage_and_mixed_starts_do_without_the_condition(cohort):
    fold = group_k_fold(cohort, 3, seed=0)[0]
    for shots in (0, 5):
        runs = shrunken(cohort, fold, shots=shots)
        right = correct_mask(cohort.runs[0].trials) & (cohort.runs[0].trials.condition == 0)
        assert np.isfinite(runs[0].reaction_time_s[right]).all()
    assert np.isfinite(start_from_profiles(cohort, fold.training, 4)).all()
    means = condition_means(
        cohort.runs[0].trials.response_time_s,
        correct_mask(cohort.runs[0].trials),
        cohort.runs[0].trials.condition,
        2,
    )
    assert np.isnan(means[:, STOP]).all()
