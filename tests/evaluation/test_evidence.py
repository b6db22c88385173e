"""Claims and their p: by hand, by loops, and where there is nothing to be found."""

from math import factorial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from dtb_jax.evaluation import evidence as ev
from dtb_jax.evaluation.figures import resample
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.models.regression import ridge
from tests.data.test_folds import make_cohort
from tests.evaluation.test_behaviour import make_told

PEOPLE = 60
FOLD = np.arange(PEOPLE) % 3


def claim(observed, predicted, fold=FOLD, block=None):
    columns = observed.reshape(len(observed), -1), predicted.reshape(len(predicted), -1)
    drawn = resample(fold[: len(observed)], 50)
    if block is not None:
        drawn = drawn._replace(block=block)
    return ev.Claim("faces", "effect_r", *columns, np.ones(len(observed), bool), drawn)


def table(age=None):
    rng = np.random.default_rng(5)
    age = rng.uniform(18, 60, PEOPLE) if age is None else age
    unknown = dict.fromkeys(["sex", "site", "group", "family"], np.nan)
    return pd.DataFrame({"age": age, "motion_mm": np.nan, **unknown}, index=range(len(age)))


def nothing_known(people=PEOPLE):
    return table(np.full(people, np.nan))


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 5 4 3 2, never falling: what is undefined counts as a claim.
    assert ev.holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx([0.09, 0.05, None, 0.09, 0.08])
    assert ev.holm([0.5, 0.5]) == [1, 1]
    assert ev.holm([None, None]) == [None, None]


def test_holm_is_the_largest_so_far_of_each_times_how_many_are_left():
    rng = np.random.default_rng(0)
    for count in (1, 4, 9):
        p = rng.uniform(0, 0.3, count).round(1 if count > 4 else 3)  # nine with ties
        for one, found in zip(p, ev.holm(list(p))):
            below = np.sort(p)[: (p <= one).sum()]
            expected = max(min(1, (count - i) * q) for i, q in enumerate(below))
            assert found == pytest.approx(expected)


def test_p_counts_the_observed_order_too():
    assert ev.permutation_p(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert ev.permutation_p(9.0, np.zeros(99)) == 1 / 100


def test_permutation_p_of_an_undefined_r_is_undefined():
    assert ev.permutation_p(float("nan"), np.arange(9.0)) is None
    assert ev.permutation_p(1.0, np.full(9, np.nan)) is None
    assert ev.permutation_p(1.0, np.array([np.nan, 0.0])) == 1 / 2


def test_r_within_folds_is_a_loop_over_folds():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, PEOPLE))
    fold = np.repeat([0, 1, 2], [10, 20, 30])
    each = [stats.pearsonr(x[fold == k], y[fold == k])[0] for k in range(3)]
    expected = np.average(each, weights=[9, 19, 29])
    assert ev.within_folds(claim(x, y, fold))(np.ones((1, PEOPLE))) == pytest.approx(expected)


def test_swapping_agrees_with_scipys_permutations():
    rng = np.random.default_rng(1)
    x = rng.normal(size=PEOPLE)
    y = 0.3 * x + rng.normal(size=PEOPLE)
    one = np.zeros(PEOPLE, int)
    null = ev.permutation_null(claim(x, y, one), seed=0)
    r = stats.pearsonr(x, y)[0]
    test = stats.permutation_test(
        (y,), lambda y: stats.pearsonr(x, y)[0], permutation_type="pairings", alternative="greater"
    )
    assert ev.permutation_p(r, null) == pytest.approx(test.pvalue, abs=0.01)
    inside = ev.permutation_null(claim(x + 5 * FOLD, y + 5 * FOLD), seed=0)
    assert abs(inside.mean()) < 0.02  # who is in which fold is no evidence


def test_swapping_is_a_loop_over_orders_folds_and_columns():
    x, y = np.random.default_rng(6).normal(size=(2, PEOPLE, 2))
    fold = np.repeat([0, 1, 2, 3], [28, 10, 20, 2])
    rng, r = np.random.default_rng([7, 5]), np.zeros((2, 5))
    for k, size in enumerate([28, 10, 20]):  # two people have no r
        orders = rng.permuted(np.tile(np.arange(size), (5, 1)), axis=1)
        for draw, order in enumerate(orders):
            a, b = x[fold == k], y[fold == k][order]
            each = [stats.pearsonr(a[:, c], b[:, c])[0] for c in range(2)]
            r[:, draw] += (size - 1) * np.array(each) / (27 + 9 + 19)
    expected = np.tanh(np.arctanh(r).mean(axis=0))
    np.testing.assert_allclose(ev.permutation_null(claim(x, y, fold), seed=7, draws=5), expected)
    assert ev.permutation_null(claim(x, y, np.arange(PEOPLE) // 2), seed=7) is None


def test_swapped_keeps_predictions_within_trial_lists():
    rng = np.random.default_rng(3)
    block = np.repeat([0, 1, 2], 20)
    order = ev.permuted_within(block, rng, 50)
    assert (block[order] == block).all() and (order != np.arange(PEOPLE)).any()
    alone = claim(*rng.normal(size=(2, PEOPLE)), FOLD, np.arange(PEOPLE))
    assert ev.permutation_null(alone, seed=0) is None  # nobody shares a list


@pytest.mark.parametrize("people", [4, 5])
def test_p_of_few_people_is_no_smaller_than_one_order_among_all(people):
    one = np.zeros(people, int)
    for seed in range(12):
        x, y = np.sort(np.random.default_rng(seed).normal(size=(2, people)), axis=1)
        found = ev.evidence(claim(x, y, one), nothing_known(people), seed=seed)
        assert found.p > 0.4 / factorial(people), seed  # less what 2000 orders miss by chance


@pytest.mark.parametrize(("folds", "widened"), [(1, 1.0), (3, np.sqrt(2))])
def test_the_null_is_widened_where_fits_share_people(folds, widened):
    rng = np.random.default_rng(2)
    x = rng.normal(size=PEOPLE)
    y = 0.35 * x + rng.normal(size=PEOPLE)
    fold = np.arange(PEOPLE) % folds
    none = nothing_known()
    found = ev.evidence(claim(x, y, fold), none, seed=0)
    null = ev.permutation_null(ev.after_confounds(claim(x, y, fold), none), seed=0)
    z = np.arctanh(found.r.value)
    assert found.p == ev.permutation_p(z, widened * np.arctanh(null))
    assert found.p != ev.permutation_p(z, np.sqrt(2) / widened * np.arctanh(null))


def test_an_effect_is_found_and_a_confound_is_not():
    rng = np.random.default_rng(3)
    x, age = rng.normal(size=(2, PEOPLE))
    noise = 0.5 * rng.normal(size=(3, PEOPLE))
    assert ev.evidence(claim(x, x + noise[0]), table(), seed=0).p < 0.01
    aged = claim(age + noise[1], age + noise[2])
    assert ev.evidence(aged, table(30 + age), seed=0).p > 0.05
    assert ev.evidence(aged, table(), seed=0).p < 0.01  # somebody else's ages


@pytest.mark.parametrize("folds", [1, 3])
def test_what_is_detectable_is_found_in_four_of_five_cohorts(folds):
    rng = np.random.default_rng(4)
    fold = np.arange(PEOPLE) % folds
    one = ev.evidence(claim(*rng.normal(size=(2, PEOPLE)), fold), nothing_known(), seed=0)
    claims = 4
    r = ev.detectable_r(one, claims)
    needed = stats.norm.ppf(1 - 0.05 / claims) + stats.norm.ppf(0.8)
    assert np.arctanh(r) / one.spread == pytest.approx(needed)
    assert r < ev.detectable_r(one._replace(times=2), claims) < 0.75
    found = []
    for seed in range(200):
        x, noise = rng.normal(size=(2, PEOPLE))
        told = claim(x, r * x + np.sqrt(1 - r**2) * noise, fold)
        null = min(folds, 2) ** 0.5 * np.arctanh(ev.permutation_null(told, seed=seed, draws=400))
        z = np.arctanh(ev.within_folds(told)(np.ones((1, PEOPLE))))
        found.append(ev.permutation_p(z[0], null) < 0.05 / claims)
    # a null that is widened for fits that share people is too wide for fits that share none
    assert np.mean(found) == pytest.approx(0.8 if folds == 1 else 0.88, abs=0.08)


@pytest.mark.parametrize("told", [np.full(PEOPLE, 0.7), 0.7 + FOLD], ids=["all", "fold"])
def test_no_evidence_in_saying_the_same_of_everybody(told):
    x = np.random.default_rng(0).normal(size=PEOPLE)
    found = ev.evidence(claim(x, told), table(), seed=0)
    assert (found.r.value, found.p) == (None, None) and "nothing is left" in found.why
    assert ev.detectable_r(found, 1) is None


def test_no_p_of_too_few_people():
    x = np.random.default_rng(0).normal(size=PEOPLE)
    for few in (0, 3):
        of_few = claim(x, x)._replace(people=np.arange(PEOPLE) < few)
        found = ev.evidence(of_few, table(), seed=0)
        assert (found.r, found.p) == (ev.Estimate(None, n=few), None)
    twos = np.arange(PEOPLE) // 2
    assert ev.evidence(claim(x, x, twos), table(), seed=0).p is None
    found = ev.permutation_test_score(
        claim(x, x, twos), table(), x[:, None], ridge, seed=0, draws=9
    )
    assert found == (None, None)


def test_refitting_is_a_loop_over_folds_and_orders():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(PEOPLE, 8))
    y = features[:, 0] + rng.normal(size=PEOPLE)
    fold, draws = np.repeat([0, 1, 2], [10, 20, 30]), 9
    for outcome in (y, rng.permutation(y)):
        of = claim(outcome, y, fold)
        r, p = ev.permutation_test_score(of, nothing_known(), features, ridge, seed=3, draws=draws)
        same = np.random.default_rng([3, draws])
        orders = ev.permuted_within(np.zeros(PEOPLE, int), same, draws)
        orders = [np.arange(PEOPLE), *orders]
        averages = []
        for order in orders:
            each, left = [], (outcome - outcome.mean())[order]
            for k in range(3):
                test = fold == k
                told = ridge(features[~test], left[~test, None], features[test])[:, 0]
                same_of_all = np.ptp(told) < 1e-12  # no penalty was enough
                each.append(0 if same_of_all else stats.pearsonr(told, left[test])[0])
            averages.append(np.average(each, weights=[9, 19, 29]))
        assert r == pytest.approx(averages[0])
        assert p == np.mean(np.array(averages) > averages[0] - 1e-9)


def test_refitting_what_is_not_there_gives_any_p_equally_often():
    rng, ps = np.random.default_rng(8), []
    for seed in range(80):
        features, y = rng.normal(size=(30, 8)), rng.normal(size=30)
        options = {"seed": seed, "draws": 19}
        fold, none = np.arange(30) % 3, nothing_known(30)
        ps.append(ev.permutation_test_score(claim(y, y, fold), none, features, ridge, **options)[1])
    assert min(ps) >= 1 / 20
    between = np.array(ps) - rng.uniform(0, 1 / 20, len(ps))  # p has only 20 values
    assert stats.kstest(between, "uniform").pvalue > 0.01


def test_r_of_cross_validated_folds_vary_up_to_twice_as_much_as_permuted_ones():
    """Why the null is widened by sqrt 2, and why by no more."""
    rng, observed, permuted = np.random.default_rng(0), [], []

    def z(told, y):
        return np.arctanh(stats.pearsonr(told, y, axis=0)[0])

    for _ in range(20):
        x, y = rng.normal(size=(PEOPLE, 100)), rng.normal(size=(PEOPLE, 250))
        told = [
            (Ridge(alpha=1000).fit(x[a], y[a]).predict(x[b]), y[b]) for a, b in KFold(5).split(x)
        ]
        observed.append(np.mean([z(*one) for one in told], axis=0))
        permuted.append(np.mean([z(rng.permuted(t, axis=0), b) for t, b in told], axis=0))
    ratio = np.mean(np.square(observed)) / np.mean(np.square(permuted))
    assert 1.5 < ratio < 2


def test_what_may_be_claimed():
    cohort = make_cohort(26)
    scored = [scored_part(run, 40.0, 120.0, run.present, None, draws=10) for run in cohort.runs]
    told = [make_told(run) for run in cohort.runs]
    found = {(one.task, one.metric) for one in ev.claims(scored, told)}
    per_task = {"reaction_time_r", "effect_r", "error_rate_r"}
    expected = {(task, metric) for task in ("faces", "stroop") for metric in per_task}
    assert found == expected | {("bold", "person_t_r")}
    assert {metric for _, metric in found} == set(ev.CLAIMS)
    silent = [one._replace(reaction_time_s=None, bold=None) for one in told]
    assert ev.claims(scored, silent) == []
