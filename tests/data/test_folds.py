"""Who trains and who tests: everybody once, families together, nothing in both parts."""

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import folds
from dtb_jax.data.tasks.faces import FACES
from dtb_jax.data.tasks.stroop import STROOP
from dtb_jax.data.tasks.task import possible_actions
from dtb_jax.types import Cohort, Run, Trials

TRIALS, VOLUMES, REGIONS, TR = 24, 150, 3, 0.8
RUNS = (
    (STROOP, "stroopAP_run-01"),
    (FACES, "hammerAP_run-01"),
    (STROOP, "stroopPA_run-01"),
    (FACES, "hammerPA_run-01"),
)


def make_run(task, name, people, seed=0):
    """Two versions of one design; people stop early, the last has no behaviour."""
    rng = np.random.default_rng([seed, *map(ord, name)])
    version = np.arange(people) % 2
    buttons = np.flatnonzero(task.available)
    count = rng.integers(TRIALS - 6, TRIALS + 1, people)
    count[0], count[-1] = TRIALS, 0
    present = np.arange(TRIALS) < count[:, None]
    correct = rng.choice(buttons, (2, TRIALS))[version]
    answered = present & (rng.random(present.shape) < 0.9)
    accurate = rng.random(present.shape) < 0.8
    possible = [possible_actions(*row, task.available) for row in zip(correct, answered, accurate)]
    speed = rng.normal(0.9, 0.15, (people, 1))
    fields = Trials(
        onset_s=np.tile(2 + 4.9 * np.arange(TRIALS), (people, 1)),
        deadline_s=np.full(present.shape, 1.95 if task is FACES else 4.0),
        duration_s=np.full(present.shape, 1.9),
        condition=rng.integers(2, size=(2, TRIALS))[version],
        item=rng.integers(5, size=(2, TRIALS))[version],
        correct=correct,
        possible=np.stack(possible),
        response_time_s=np.where(answered, speed * rng.gamma(16, 1 / 16, present.shape), 0),
        answered=answered,
        present=present,
    )
    trials = Trials(*(np.where(present.T, f.T, np.zeros((), f.dtype)).T for f in fields))
    seen = np.arange(VOLUMES) < rng.integers(110, VOLUMES + 1, people)[:, None]
    seen[0], seen[[1, -1]], seen[2, 80:] = True, False, False
    series = rng.normal(size=(people, VOLUMES, REGIONS)) + rng.normal(size=(people, 1, REGIONS))
    stimulus = rng.random((people, VOLUMES * 10, 2)).astype(np.float32)
    return Run(task, name, trials, stimulus, series * seen[..., None], seen, count > 0)


def make_cohort(people=15, seed=0, runs=RUNS[:2]):
    """People in two tasks, with connectomes of 8 parcels."""
    rng = np.random.default_rng([seed, people])
    participants = pd.DataFrame(
        {
            "age": rng.uniform(18, 60, people),
            "sex": rng.choice(["F", "M"], people),
            "site": rng.choice(["A", "B"], people),
            "group": rng.choice(["GenPop", "Patient"], people),
            "family": np.full(people, np.nan),
            "motion_mm": rng.gamma(2, 0.05, people),
        },
        [f"sub-{k:03d}" for k in range(people)],
    )
    return Cohort(
        participants=participants,
        connectomes=rng.normal(0.2, 0.2, (people, 28)).astype(np.float32),
        runs=tuple(make_run(task, name, people, seed) for task, name in runs),
        regions=tuple("abc"),
        parcels=8,
        repetition_time_s=TR,
        connectome_source="simulated",
        bold_source="simulated",
    )


def people_table(rng, people, families=0):
    """Two large sites and a few people of a third, three groups."""
    site = rng.choice(["A", "B", "C"], people, p=[0.55, 0.42, 0.03])
    group = rng.choice(["GenPop", "Anxiety", "Mood"], people, p=[0.4, 0.35, 0.25])
    family = rng.integers(families, size=people).astype(float) if families else np.nan
    return pd.DataFrame({"site": site, "group": group, "family": family})


def largest_gap(table, column, fold):
    """Between a fold's number of people with some value and a fair share of them."""
    counts = pd.crosstab(table[column], fold)
    return np.abs(counts.sub(counts.mean(axis=1), axis=0)).to_numpy().max()


@pytest.mark.parametrize("people, k", [(23, 2), (228, 5), (101, 10)])
def test_everybody_is_tested_once_with_fair_shares_of_sites_and_groups(people, k):
    for seed in range(5):
        table = people_table(np.random.default_rng(seed), people)
        fold = folds.assign_folds(table, k, seed=seed)
        assert set(fold) == set(range(k))
        assert np.ptp(np.bincount(fold)) <= 2
        assert max(largest_gap(table, name, fold) for name in ("site", "group")) < 3


def test_by_people_trains_on_all_others_and_repeats_differ():
    cohort = make_cohort(30)
    found, again, other = (folds.group_k_fold(cohort, 4, seed=seed) for seed in (0, 0, 1))
    tests = np.stack([fold.test.people for fold in found])
    assert (tests.sum(0) == 1).all()
    for fold, same in zip(found, again):
        np.testing.assert_array_equal(fold.training.people, ~fold.test.people)
        np.testing.assert_array_equal(fold.test.people, same.test.people)
        assert fold.training.runs == fold.test.runs == tuple(run.name for run in cohort.runs)
        assert fold.test.start_s == 0 and fold.test.stop_s == np.inf
    assert any((a.test.people != b.test.people).any() for a, b in zip(found, other))
    assert len({fold.name for fold in (*found, *other)}) == 8


def test_families_stay_together_and_shares_stay_fair():
    for seed in range(5):
        table = people_table(np.random.default_rng(seed), 200, families=80)
        table.loc[::7, "family"] = np.nan
        fold = folds.assign_folds(table, 5, seed=seed)
        assert (pd.Series(fold).groupby(table["family"]).nunique() == 1).all()
        assert np.ptp(np.bincount(fold, minlength=5)) <= 6
        assert max(largest_gap(table, name, fold) for name in ("site", "group")) <= 4


def test_whoever_has_no_family_is_alone():
    table = people_table(np.random.default_rng(0), 40).assign(family=[np.nan] * 38 + ["F", "F"])
    fold = folds.assign_folds(table, 20, seed=0)
    assert (np.bincount(fold) == 2).all() and fold[38] == fold[39]
    named = table.assign(family=[f"alone {k}" for k in (1, 0)] * 20)
    assert len(set(folds.assign_folds(named, 2, seed=0)[::2])) == 1


def test_groups_keep_their_shares_where_no_site_is_known():
    table = people_table(np.random.default_rng(1), 90).assign(site=np.nan)
    for known in (table, table.assign(site=pd.Series([None] * 90, dtype=object))):
        for seed in range(8):
            fold = folds.assign_folds(known, 5, seed=seed)
            assert largest_gap(known, "group", fold) <= 1


def test_sites_keep_their_shares_where_no_group_is_known():
    table = people_table(np.random.default_rng(1), 90).assign(group=np.nan)
    for seed in range(8):
        assert largest_gap(table, "site", folds.assign_folds(table, 5, seed=seed)) <= 2


def test_strata_of_one_person_each_still_fill_all_folds():
    table = people_table(np.random.default_rng(2), 12).assign(site=[f"s{k}" for k in range(12)])
    for seed in range(4):
        assert (np.bincount(folds.assign_folds(table, 4, seed=seed)) == 3).all()
    lone = people_table(np.random.default_rng(3), 41).assign(site=["A"] * 40 + ["Z"], group="G")
    assert np.ptp(np.bincount(folds.assign_folds(lone, 4, seed=0))) <= 1


def test_no_fold_is_empty_where_families_are_few():
    rng = np.random.default_rng(4)
    for seed in range(20):
        table = people_table(rng, 30).assign(family=rng.permutation(30) % 5)
        assert set(folds.assign_folds(table, 5, seed=seed)) == set(range(5))


def test_too_few_people_or_families_are_one_sentence():
    table = people_table(np.random.default_rng(0), 4)
    with pytest.raises(ValueError, match="4 people, expected at least 5: one a fold"):
        folds.assign_folds(table, 5, seed=0)
    with pytest.raises(ValueError, match="2 families, expected at least 3: one a fold"):
        folds.assign_folds(table.assign(family=["a", "a", "b", "b"]), 3, seed=0)


def test_by_run_says_what_is_wrong():
    cohort = make_cohort()
    with pytest.raises(ValueError, match=r"run 'x' is not in the cohort \(stroopAP_run-01, hamm"):
        folds.by_run(cohort, ["x"])
    with pytest.raises(ValueError, match="no run is left to train on: all of stroopAP_run-01, h"):
        folds.by_run(cohort, [run.name for run in cohort.runs])


def trials_of(part, cohort):
    """(person, run, trial) of all trials of a part."""
    return {
        (i, run.name, k)
        for run in part.of(cohort).runs
        for i, k in zip(*np.nonzero(part.trials(run)))
    }


def test_no_trial_is_in_both_parts_and_none_is_forgotten():
    cohort = make_cohort(12, runs=RUNS)
    present = trials_of(folds.everybody(cohort), cohort)
    assert len(present) == sum(run.trials.present.sum() for run in cohort.runs)
    (time,), (run,) = (
        folds.time_split(cohort, 50.0, 90.0),
        folds.by_run(cohort, ["hammerPA_run-01"]),
    )
    people = folds.group_k_fold(cohort, 3, seed=0)
    for fold in (time, run, *people, *folds.nested(people, time), *folds.nested(people, run)):
        training, test = (trials_of(part, cohort) for part in fold[:2])
        assert training and test and not training & test and training | test <= present
    for whole in (run, *people):
        assert trials_of(whole.training, cohort) | trials_of(whole.test, cohort) == present
    onset = {run.name: run.trials.onset_s for run in cohort.runs}
    until = {(i, name, k) for i, name, k in present if onset[name][i, k] < 50}
    assert trials_of(time.training, cohort) == until
    (whole,) = folds.time_split(cohort, 50.0, np.inf)
    assert trials_of(whole.test, cohort) == present - until


def test_across_keeps_people_and_times_apart():
    cohort = make_cohort(12)
    (time,) = folds.time_split(cohort, 50.0, 90.0)
    people = folds.group_k_fold(cohort, 3, seed=0)
    for fold, unseen in zip(people, folds.nested(people, time)):
        assert unseen.name == fold.name
        training, test = (trials_of(part, cohort) for part in unseen[:2])
        assert not {i for i, _, _ in training} & {i for i, _, _ in test}
        onset = cohort.runs[0].trials.onset_s
        assert all(onset[i, k] < 50 for i, _, k in training)
        assert all(50 <= onset[i, k] < 90 for i, _, k in test)
