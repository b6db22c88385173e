"""Statistics of weights against scikit-learn, scipy and loops over repeated people."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from dtb_jax.evaluation import metrics

PEOPLE, TRIALS = 14, 9


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def counts(rng):
    """Ones, then bootstrap draws."""
    return np.concatenate([np.ones((1, PEOPLE)), rng.multinomial(PEOPLE, [1 / PEOPLE] * PEOPLE, 4)])


def repeated(values, row):
    return np.repeat(values, row.astype(int), axis=0)


def ragged(rng, shape=(PEOPLE, TRIALS)):
    """Which trials count; one person has none and one has all."""
    counted = rng.random(shape) < 0.7
    counted[3], counted[5] = False, True
    return counted


def test_correlation_is_pearsons_of_people_as_often_as_they_were_drawn(rng, counts):
    x = 1e5 + rng.normal(size=PEOPLE)
    y = -1e-3 * (x - 1e5) + 1e-3 * rng.normal(size=PEOPLE)
    people = rng.random(PEOPLE) < 0.8
    found = metrics.correlation(x, y, people)(counts * people)
    for r, row in zip(found, counts * people):
        assert r == pytest.approx(stats.pearsonr(repeated(x, row), repeated(y, row))[0], abs=1e-9)


def test_correlation_of_too_few_is_undefined_and_of_a_constant_0(rng):
    x, y, everybody = rng.normal(size=6), rng.normal(size=6), np.ones(6, bool)
    few = np.array([[1, 1, 1, 0, 0, 0], [9, 9, 9, 0, 0, 0], [1, 1, 1, 1, 0, 0]], float)
    assert list(np.isnan(metrics.correlation(x, y, everybody)(few))) == [True, True, False]
    for constant in (np.zeros(6), np.full(6, 0.7)):
        assert metrics.correlation(constant, y, everybody)(np.ones((1, 6))) == 0
        assert metrics.correlation(y, constant, everybody)(np.ones((1, 6))) == 0


def test_pooled_correlation_is_pearsons_over_all_counted_trials(rng, counts):
    x, y = rng.normal(size=(2, PEOPLE, TRIALS)) + [[[5]], [[0]]]
    y += 0.5 * x
    counted = ragged(rng)
    found = metrics.pooled_correlation(
        np.where(counted, x, np.nan), np.where(counted, y, 1e6), counted
    )(counts)
    for r, row in zip(found, counts):
        kept = repeated(counted, row)
        expected = stats.pearsonr(repeated(x, row)[kept], repeated(y, row)[kept])[0]
        assert r == pytest.approx(expected, abs=1e-9)


def test_auc_is_scikit_learns_ties_included(rng, counts):
    score, counted = rng.integers(0, 5, (PEOPLE, TRIALS)) / 4, ragged(rng)
    event = rng.random((PEOPLE, TRIALS)) < 0.2 + 0.4 * score
    for value, row in zip(metrics.auc(score, event, counted)(counts), counts):
        kept = repeated(counted, row)
        expected = roc_auc_score(repeated(event, row)[kept], repeated(score, row)[kept])
        assert value == pytest.approx(expected, abs=1e-12)
    assert np.isnan(metrics.auc(score, np.zeros_like(event), counted)(counts)).all()


def test_auc_within_compares_people_on_the_same_trial_only(rng, counts):
    score, counted = rng.integers(0, 4, (PEOPLE, TRIALS)) / 4, ragged(rng)
    event = rng.random((PEOPLE, TRIALS)) < 0.3
    event[:, 2] = False
    for value, row in zip(metrics.auc_within(score, event, counted)(counts), counts):
        wins = pairs = 0.0
        for k in range(TRIALS):
            kept = repeated(counted[:, k], row)
            s, e = repeated(score[:, k], row)[kept], repeated(event[:, k], row)[kept]
            for high in s[e]:
                wins += (high > s[~e]).sum() + (high == s[~e]).sum() / 2
                pairs += (~e).sum()
        assert value == pytest.approx(wins / pairs, abs=1e-12)
    assert np.isnan(metrics.auc_within(score, np.zeros_like(event), counted)(counts)).all()


def test_auc_within_is_blind_to_trials_that_are_hard_for_everybody(rng):
    hard = np.linspace(0, 1, 40)
    event = rng.random((30, 40)) < hard
    told, counted = np.tile(hard, (30, 1)), np.ones((30, 40), bool)
    assert metrics.auc(told, event, counted)(np.ones((1, 30))) > 0.75
    assert metrics.auc_within(told, event, counted)(np.ones((1, 30))) == 0.5


def test_per_trial_log_loss_is_scikit_learns(rng, counts):
    p, counted = rng.uniform(0.05, 0.95, (PEOPLE, TRIALS)), ragged(rng)
    event = rng.random((PEOPLE, TRIALS)) < p
    loss = np.where(counted, -np.where(event, np.log(p), np.log(1 - p)), np.nan)
    for value, row in zip(metrics.per_trial(loss, counted)(counts), counts):
        kept = repeated(counted, row)
        assert value == pytest.approx(log_loss(repeated(event, row)[kept], repeated(p, row)[kept]))


def test_group_t_is_scipys_one_sample_t(rng, counts):
    values, mask = 100 + rng.normal(size=(PEOPLE, 5)), rng.random(PEOPLE) < 0.8
    values[~mask] = np.nan
    for t, row in zip(metrics.group_t(values, mask, counts), counts * mask):
        expected = stats.ttest_1samp(repeated(values, row), 0).statistic
        np.testing.assert_allclose(t, expected, rtol=1e-7)
    few = np.zeros((1, PEOPLE))
    few[0, np.flatnonzero(mask)[:3]] = 5
    assert np.isnan(metrics.group_t(values, mask, few)).all()


def test_group_t_correlation_joins_the_regions_of_all_tasks(rng, counts):
    masks = [rng.random(PEOPLE) < 0.9, np.ones(PEOPLE, bool)]
    predicted, observed = ([rng.normal(size=(PEOPLE, 5)) for _ in masks] for _ in range(2))
    for value, row in zip(metrics.group_t_correlation(predicted, observed, masks)(counts), counts):
        sides = [
            np.concatenate(
                [stats.ttest_1samp(repeated(v, row * m), 0).statistic for v, m in zip(side, masks)]
            )
            for side in (predicted, observed)
        ]
        assert value == pytest.approx(stats.pearsonr(*sides)[0], abs=1e-9)


def test_over_folds_is_fishers_average_of_each_folds_r(rng):
    fold = np.array([0] * 6 + [1] * 9 + [2] * 5 + [3] * 3 + [-1])
    x = rng.normal(size=24) + 10 * fold
    y = x - 20 * fold + rng.normal(size=24)
    everybody = np.ones(24, bool)
    everybody[-1] = False
    found = metrics.over_folds(metrics.correlation(x, y, everybody), fold, fisher=True)
    draws = np.concatenate([np.ones((1, 24)), rng.poisson(1, (4, 24))]) * everybody
    for value, row in zip(found(draws), draws):
        total = size = 0
        for k in range(4):
            inside = row * (fold == k)
            if (inside > 0).sum() < metrics.FEWEST:
                continue
            z = np.arctanh(stats.pearsonr(repeated(x, inside), repeated(y, inside))[0])
            total += (inside.sum() - 3) * z
            size += inside.sum() - 3
        assert value == pytest.approx(np.tanh(total / size), abs=1e-9)


def test_over_folds_weighs_other_statistics_by_people(rng):
    fold, values = np.array([0, 0, 0, 1, 1, 1, 1, 1]), rng.normal(size=8)
    found = metrics.over_folds(metrics.mean(values), fold, fisher=False)(np.ones((1, 8)))
    assert found == pytest.approx(values.mean())
    only = np.array([[0, 0, 0, 1, 1, 1, 1, 1.0]])
    assert metrics.over_folds(metrics.mean(values), fold, fisher=False)(only) == pytest.approx(
        values[3:].mean()
    )


def test_levels_of_folds_do_not_bias_a_correlation(rng):
    fold = np.repeat(np.arange(5), 40)
    truth = rng.normal(size=200)
    means = np.array([truth[fold != k].mean() for k in range(5)])
    told = truth + 1e-3 * rng.normal(size=200) + 100 * means[fold]
    r = metrics.correlation(told, truth, np.ones(200, bool))
    one = np.ones((1, 200))
    assert metrics.over_folds(r, fold, fisher=True)(one) > 0.99 > 0.5 > r(one)


def test_mean_correlation_leaves_undefined_ones_out(rng):
    x, y = rng.normal(size=(2, 3, 10))
    everybody, one = np.ones(10, bool), np.ones((1, 10))
    each = [metrics.correlation(a, b, everybody) for a, b in zip(x, y)]
    z = [np.arctanh(stats.pearsonr(a, b)[0]) for a, b in zip(x, y)]
    assert metrics.mean_correlation(each)(one) == pytest.approx(np.tanh(np.mean(z)))
    undefined = lambda weights: np.full(len(weights), np.nan)  # noqa: E731
    assert metrics.mean_correlation([*each, undefined])(one) == pytest.approx(np.tanh(np.mean(z)))
    assert np.isnan(metrics.mean_correlation([undefined])(one))


def test_means_and_ratios_count_people_as_often_as_they_were_drawn(rng, counts):
    above, below = rng.normal(size=PEOPLE), rng.uniform(1, 2, PEOPLE)
    for k, row in enumerate(counts):
        a, b = repeated(above, row), repeated(below, row)
        assert metrics.mean(above)(counts)[k] == pytest.approx(a.mean())
        assert metrics.ratio(above, below)(counts)[k] == pytest.approx(a.sum() / b.sum())
    assert np.isnan(metrics.mean(above)(np.zeros((1, PEOPLE))))
