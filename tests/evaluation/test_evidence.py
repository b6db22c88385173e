"""Claims and their p: by hand, by loops, and where there is nothing to be found."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from dtb_jax.evaluation import evidence as ev
from dtb_jax.evaluation.linear import ridge
from dtb_jax.evaluation.scored import scored_part
from tests.evaluation.test_behaviour import make_told
from tests.evaluation.test_folds import make_cohort

PEOPLE = 60
FOLD = np.arange(PEOPLE) % 3


def claim(observed, predicted):
    return ev.Claim("faces", "effect_r", observed[:, None], predicted[:, None], np.ones(60, bool))


def table(age=None):
    rng = np.random.default_rng(5)
    age = rng.uniform(18, 60, PEOPLE) if age is None else age
    unknown = dict.fromkeys(["sex", "site", "group", "family"], np.nan)
    return pd.DataFrame({"age": age, "motion_mm": np.nan, **unknown}, index=range(PEOPLE))


def drawn(fold=FOLD):
    run = make_cohort(PEOPLE).runs[0]
    return scored_part(run, 0.0, 120.0, run.present, None, fold, draws=50)


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1, never falling.
    assert ev.holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx([0.06, 0.04, None, 0.06, 0.06])
    assert ev.holm([0.5, 0.5]) == [1, 1]
    assert ev.holm([None, None]) == [None, None]


def test_p_counts_the_observed_order_too():
    assert ev.permutation_p(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert ev.permutation_p(9.0, np.zeros(99)) == 1 / 100


def test_r_within_folds_is_a_loop_over_folds():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, PEOPLE))
    fold = np.repeat([0, 1, 2], [10, 20, 30])
    each = [stats.pearsonr(x[fold == k], y[fold == k])[0] for k in range(3)]
    expected = np.tanh(np.average(np.arctanh(each), weights=[7, 17, 27]))
    assert ev.within_folds(claim(x, y), fold)(np.ones((1, PEOPLE))) == pytest.approx(expected)


def test_swapping_agrees_with_scipys_permutations():
    rng = np.random.default_rng(1)
    x = rng.normal(size=PEOPLE)
    y = 0.3 * x + rng.normal(size=PEOPLE)
    one = np.zeros(PEOPLE, int)
    null = ev.swapped(claim(x, y), one, seed=0)
    r = stats.pearsonr(x, y)[0]
    test = stats.permutation_test(
        (y,), lambda y: stats.pearsonr(x, y)[0], permutation_type="pairings", alternative="greater"
    )
    assert ev.permutation_p(r, null) == pytest.approx(test.pvalue, abs=0.01)
    inside = ev.swapped(claim(x + 5 * FOLD, y + 5 * FOLD), FOLD, seed=0)
    assert abs(inside.mean()) < 0.02  # who is in which fold is no evidence


@pytest.mark.parametrize(("folds", "widened"), [(1, 1.0), (3, np.sqrt(2))])
def test_the_null_is_widened_where_fits_share_people(folds, widened):
    rng = np.random.default_rng(2)
    x = rng.normal(size=PEOPLE)
    y = 0.35 * x + rng.normal(size=PEOPLE)
    fold = np.arange(PEOPLE) % folds
    part = drawn(fold)
    none = table().assign(age=np.nan)
    found = ev.evidence(claim(x, y), none, part, seed=0)
    left = ev.after_confounds(claim(x, y), none, fold)
    null = ev.swapped(left, fold, seed=0)
    assert found.p == ev.permutation_p(np.arctanh(found.r.value), widened * np.arctanh(null))


def test_an_effect_is_found_and_a_confound_is_not():
    rng = np.random.default_rng(3)
    x, age = rng.normal(size=(2, PEOPLE))
    noise = 0.5 * rng.normal(size=(3, PEOPLE))
    part = drawn()
    assert ev.evidence(claim(x, x + noise[0]), table(), part, seed=0).p < 0.01
    aged = claim(age + noise[1], age + noise[2])
    assert ev.evidence(aged, table(30 + age), part, seed=0).p > 0.05
    assert ev.evidence(aged, table(), part, seed=0).p < 0.01  # somebody else's ages


def test_no_p_for_who_says_the_same_of_everybody():
    x = np.random.default_rng(0).normal(size=PEOPLE)
    found = ev.evidence(claim(x, np.full(PEOPLE, 0.7)), table(), drawn(), seed=0)
    assert found.r.value in (None, 0) and (found.p is None or found.p > 0.5)
    few = claim(x, x)._replace(people=np.arange(PEOPLE) < 3)
    assert ev.evidence(few, table(), drawn(), seed=0) == (ev.Figure(None, n=3), None)


def test_refitting_is_a_loop_over_folds_and_orders():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(PEOPLE, 8))
    y = features[:, 0] + rng.normal(size=PEOPLE)
    none = table().assign(age=np.nan)
    r, p = ev.refitted(claim(y, y), none, features, FOLD, ridge, seed=0, draws=99)
    each = []
    for k in range(3):
        test = np.isin(FOLD, k)
        train = ~test
        told = ridge(features[train], (y - y.mean())[train, None], features[test])[:, 0]
        each.append(np.arctanh(stats.pearsonr(told, y[test])[0]))
    assert r == pytest.approx(np.tanh(np.mean(each)))
    assert p == 1 / 100
    _, p = ev.refitted(claim(rng.permutation(y), y), none, features, FOLD, ridge, seed=0, draws=99)
    assert p > 0.05


def test_r_of_cross_validated_folds_vary_up_to_twice_as_much_as_permuted_ones():
    """Why the null is widened by sqrt 2, and why by no more."""
    rng, observed, permuted = np.random.default_rng(0), [], []
    for _ in range(300):
        x, y = rng.normal(size=(PEOPLE, 100)), rng.normal(size=PEOPLE)
        parts = list(KFold(5).split(x))
        told = [Ridge(alpha=1000).fit(x[a], y[a]).predict(x[b]) for a, b in parts]
        z = [np.arctanh(stats.pearsonr(t, y[b])[0]) for t, (_, b) in zip(told, parts)]
        observed.append(np.mean(z))
        swapped = [
            np.arctanh(stats.pearsonr(rng.permutation(t), y[b])[0])
            for t, (_, b) in zip(told, parts)
        ]
        permuted.append(np.mean(swapped))
    ratio = np.mean(np.square(observed)) / np.mean(np.square(permuted))
    assert 1.2 < ratio < 2.3


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
