"""Numbers with intervals: scipy's bootstrap, reliability that is known, quantiles, maps of BOLD."""

import numpy as np
import pytest
from scipy import stats

from dtb_jax.data.glm import person_t
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.distributions import QUANTILES, mixture_quantiles, person_quantiles
from dtb_jax.evaluation.figures import Estimate, correlation_figure, figure, mean_figure, resample
from dtb_jax.evaluation.imaging import bold
from dtb_jax.evaluation.reliability import reliability_ceiling
from dtb_jax.evaluation.scored import drawn_together
from dtb_jax.models.prediction import LEVELS
from dtb_jax.twin.bold import design_matrix, drift_order
from tests.data.test_folds import REGIONS, TR
from tests.evaluation.test_behaviour import START, STOP, beyond, make_case

FOLDS = np.repeat(np.arange(3), [10, 20, 15])


def whole(values, **options):
    return resample(np.zeros(len(values), int), **options)


def test_the_interval_of_a_mean_is_scipys():
    everybody = np.random.default_rng(0).gamma(2, size=90)
    kept = np.arange(90) < 60
    values = everybody[kept]
    found = mean_figure(everybody, kept, whole(everybody, draws=4000))
    drawn = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=0)
    expected = drawn.confidence_interval
    width = expected.high - expected.low
    assert found.ci_low == pytest.approx(expected.low, abs=0.06 * width)
    assert found.ci_high == pytest.approx(expected.high, abs=0.06 * width)
    assert found.value == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std(ddof=1)) and found.n == 60


def test_the_interval_of_a_correlation_is_scipys():
    rng = np.random.default_rng(1)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    found = correlation_figure(x, y, np.ones(50, bool), whole(x, draws=4000))
    drawn = stats.bootstrap(
        (x, y), lambda a, b: stats.pearsonr(a, b)[0], paired=True, vectorized=False,
        n_resamples=2000, method="percentile", rng=0,
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx(stats.pearsonr(x, y)[0])
    np.testing.assert_allclose([found.ci_low, found.ci_high], drawn, atol=0.03)


def test_draws_keep_each_folds_people_and_begin_with_the_same_seed():
    drawn = resample(FOLDS, draws=50, seed=3)
    for k in range(3):
        inside = drawn.counts[:, k == FOLDS]
        assert (inside.sum(1) == inside.shape[1]).all()
    np.testing.assert_array_equal(resample(FOLDS, draws=50, seed=3).counts, drawn.counts)
    assert (resample(FOLDS, draws=50, seed=4).counts != drawn.counts).any()


def test_who_does_not_count_changes_nothing():
    rng = np.random.default_rng(2)
    x, y, people = rng.normal(size=45), rng.normal(size=45), rng.random(45) < 0.7
    drawn = resample(FOLDS)
    spoilt = np.where(people, x, np.nan), np.where(people, y, 1e9)
    assert correlation_figure(*spoilt, people, drawn) == correlation_figure(x, y, people, drawn)
    assert mean_figure(spoilt[0], people, drawn) == mean_figure(x, people, drawn)
    assert mean_figure(spoilt[1], people, drawn) == mean_figure(y, people, drawn)
    missing = np.where(people, x, np.nan)
    assert correlation_figure(missing, y, np.ones(45, bool), drawn).n == people.sum()


def test_what_is_undefined_is_none():
    x = np.arange(6.0)
    nobody, everybody = np.zeros(6, bool), np.ones(6, bool)
    assert mean_figure(x, nobody) == Estimate(None)
    assert correlation_figure(x, np.full(6, 0.1), everybody) == Estimate(None, n=6)
    assert correlation_figure(x, x, x < 3) == Estimate(None, n=3)
    assert mean_figure(x, x == 2) == Estimate(2.0, None, None, None, 1)
    assert Estimate(np.nan, np.inf, 1.0).as_dict()["value"] is None


def test_a_model_that_tells_folds_apart_and_not_people_has_no_correlation():
    y = np.random.default_rng(3).normal(size=45)
    assert correlation_figure(FOLDS / 3, y, np.ones(45, bool), resample(FOLDS)).value is None


def test_the_interval_holds_its_value():
    values = np.random.default_rng(4).normal(size=20)
    everybody = np.ones(20, bool)
    far = figure(lambda w: np.where((w == 1).all(1), 99.0, w @ values), everybody, whole(values))
    assert far.ci_low < far.ci_high == far.value == 99


@pytest.mark.parametrize("reliability", [0.3, 0.8])
def test_two_halves_tell_the_root_of_the_reliability(reliability):
    rng, people = np.random.default_rng(5), 6000
    stable = rng.normal(size=people) * np.sqrt(reliability)
    noise = np.sqrt(2 * (1 - reliability))
    first, second = stable + noise * rng.normal(size=(2, people))
    mean = (first + second) / 2
    ceiling = reliability_ceiling(first, second, np.ones(people, bool))(np.ones((1, people)))
    assert ceiling == pytest.approx(np.sqrt(reliability), abs=0.02)
    assert ceiling == pytest.approx(np.corrcoef(mean, stable)[0, 1], abs=0.02)


def test_halves_that_disagree_have_no_ceiling_and_missing_ones_do_not_count():
    rng = np.random.default_rng(6)
    first = rng.normal(size=30)
    everybody, one = np.ones(30, bool), np.ones((1, 30))
    assert reliability_ceiling(first, -first, everybody)(one) == 0
    second = first + rng.normal(size=30)
    kept = np.arange(30) >= 5
    expected = reliability_ceiling(first[kept], second[kept], everybody[:25])(one[:, :25])
    found = reliability_ceiling(np.where(kept, first, np.nan), second, everybody)(one)
    np.testing.assert_allclose(found, expected)


def test_quantiles_of_a_person_are_numpys():
    rng = np.random.default_rng(7)
    times, counted = rng.gamma(3, size=(4, 12)), rng.random((4, 12)) < 0.6
    counted[2] = False
    found = person_quantiles(np.where(counted, times, np.nan), counted)
    for row, t, c in zip(found, times, counted):
        expected = np.quantile(t[c], QUANTILES) if c.any() else np.full(5, np.nan)
        np.testing.assert_allclose(row, expected)


def test_quantiles_of_a_mixture_are_those_of_its_draws():
    rng = np.random.default_rng(8)
    centre, spread = rng.normal(0, 0.4, (2, 6)), rng.uniform(0.1, 0.4, (2, 6))
    told = np.exp(centre[..., None] + spread[..., None] * stats.norm.ppf(LEVELS))
    counted = np.ones((2, 6), bool)
    counted[0, 4:], counted[1] = False, False
    told[0, 5] = np.nan
    draws = np.exp(centre[0, :4] + spread[0, :4] * rng.normal(size=(50000, 4)))
    found = mixture_quantiles(told, counted)
    np.testing.assert_allclose(found[0], np.quantile(draws, QUANTILES), rtol=0.015)
    assert np.isnan(found[1]).all()


def test_a_figure_of_many_regions_is_one_statistic():
    rng = np.random.default_rng(10)
    x = rng.normal(size=(45, 3))
    y, everybody = x + rng.normal(size=(45, 3)), np.ones(45, bool)
    each = [metrics.correlation_within(a, b, everybody, FOLDS) for a, b in zip(x.T, y.T)]
    found = figure(metrics.mean_correlation(each), everybody, resample(FOLDS))
    alone = [correlation_figure(a, b, everybody, resample(FOLDS)).value for a, b in zip(x.T, y.T)]
    assert found.value == pytest.approx(np.tanh(np.arctanh(alone).mean()))
    assert found.ci_low < found.value < found.ci_high


@pytest.fixture(scope="module", params=[1, 2], ids=["one fold", "two folds"])
def case(request):
    return make_case(request.param)


def own_volumes(part, told):
    """(person, observed, predicted) of everybody with BOLD, as long as it is."""
    mask = part.run.bold_mask[:, 50:]
    return {
        i: (part.run.bold[i, 50:][mask[i]], told.bold[i][mask[i]])
        for i in np.flatnonzero(mask.any(1))
    }


def expected_t(part, i):
    """Least squares on a person's own trials and volumes, second less first condition."""
    t, mask = part.run.trials, part.run.bold_mask[i, 50:]
    inside = t.present[i] & (t.onset_s[i] >= START) & (t.onset_s[i] < STOP)
    events = [inside & (t.condition[i] == c) for c in range(2)]
    timing = [(t.onset_s[i][e] - START, t.duration_s[i][e]) for e in events]
    x = design_matrix(timing, len(mask), TR, drift_order(len(mask), TR))[mask]
    y = part.run.bold[i, 50:][mask]
    beta = np.linalg.lstsq(x, y)[0]
    variance = ((y - x @ beta) ** 2).sum(0) / (len(y) - np.linalg.matrix_rank(x))
    contrast = np.zeros(x.shape[1])
    contrast[[2, 0]] = 1, -1
    return contrast @ beta / np.sqrt(variance * (contrast @ np.linalg.pinv(x.T @ x) @ contrast))


def test_t_values_of_masked_people_are_least_squares_on_their_own_volumes(case):
    for part in case[0]:
        enough = part.run.bold_mask[:, 50:].mean(1) >= 0.5
        assert 0 < enough.sum() < len(enough)
        np.testing.assert_array_equal(np.isfinite(part.t).all(1), enough & part.run.present)
        for i in np.flatnonzero(enough & part.run.present):
            np.testing.assert_allclose(part.t[i], expected_t(part, i), rtol=2e-3, atol=2e-3)


def test_every_figure_of_bold_is_that_of_a_loop(case):
    scored, told, _, _ = case
    maps = [
        [t.astype(float) for t in (person_t(part.glm, one.bold), part.t)]
        for part, one in zip(scored, told)
    ]
    average = [one._replace(bold=one.bold * 0.5) for one in told]
    found = bold(scored, told, average)
    known = [np.flatnonzero(np.isfinite(a + b).all(1)) for a, b in maps]
    group = [
        np.concatenate([stats.ttest_1samp(m[side][k], 0).statistic for m, k in zip(maps, known)])
        for side in (0, 1)
    ]
    together = drawn_together(scored)
    both = np.intersect1d(np.intersect1d(*known), np.flatnonzero(together.comparable))
    fold = scored[0].drawn.fold
    z = []
    for maps_of_run in maps:
        a, b = (beyond(side[both], together.stratum[both]) for side in maps_of_run)
        for region in range(REGIONS):
            kept = [fold[both] == k for k in np.unique(fold)]
            r = [stats.pearsonr(a[k, region], b[k, region])[0] for k in kept]
            z.append(np.arctanh(np.average(r, weights=[k.sum() - 1 for k in kept])))
    courses, errors = {}, np.zeros(2)
    for part, one, mean in zip(scored, told, average):
        own, other = own_volumes(part, one), own_volumes(part, mean)
        pooled = np.concatenate([y for y, _ in own.values()])
        total = len(pooled) * pooled.var(0)
        for i, (y, x) in own.items():
            r = [stats.pearsonr(*pair)[0] for pair in zip(x.T, y.T)]
            courses.setdefault(i, []).append(np.mean(r))
            errors += [(((e - y) ** 2).sum(0) / total).sum() for e in (x, other[i][1])]
    expected = {
        "group_t_r": stats.pearsonr(*group)[0],
        "person_t_r": np.tanh(np.mean(z)),
        "person_mean_r": np.mean([np.mean(r) for r in courses.values()]),
        "explained_variance": 1 - errors[0] / errors[1],
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-6), name


def test_what_a_model_does_not_say_is_no_figure(case):
    scored, told, _, _ = case
    same = [one._replace(personal=False) for one in told]
    assert set(bold(scored, same)) == {"group_t_r", "person_mean_r"}
    maps = [one._replace(bold=None, person_t=part.t) for part, one in zip(scored, told)]
    found = bold(scored, maps)
    assert set(found) == {"group_t_r", "person_t_r"}
    assert all(figure.value == pytest.approx(1, abs=1e-5) for figure in found.values())
    assert bold(scored, [told[0], told[1]._replace(bold=None)]) == {}


def test_garbage_in_absent_volumes_changes_no_figure_of_bold(case):
    scored, told, spoilt, worse = case
    clean, dirty = (
        bold(part, one, [t._replace(bold=t.bold * 0.5) for t in one])
        for part, one in ((scored, told), (spoilt, worse))
    )
    for name, found in clean.items():
        assert dirty[name] == pytest.approx(found, abs=1e-9), name
