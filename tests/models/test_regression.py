"""Linear methods against scikit-learn, scipy and nilearn on the raw features."""

import sys

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from scipy import stats
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from sklearn.model_selection import LeaveOneOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer

from dtb_jax.models import regression, tangent
from dtb_jax.twin.connectome import edge_count

LINEAR = [regression.ridge, regression.kernel_ridge, regression.pca_ridge, regression.cpm]
METHODS = [*LINEAR, tangent.tangent_ridge]
PARCELS = 9
MEAN = 1e12  # a penalty, in the same units as `PENALTIES`, that leaves nothing but the mean


def draw(features, n=40, m=7):
    """Training people, targets from clear to (the last) without any cause, unseen people."""
    rng = np.random.default_rng(features)
    factors = rng.normal(size=(n + m, 3))
    everybody = 0.1 + 0.1 * factors @ rng.normal(size=(3, features))
    everybody += 0.2 * rng.normal(size=everybody.shape)
    noise = rng.normal(size=(n, 4))
    y = 5 + factors[:n].sum(axis=1, keepdims=True) * [1, 1, 1, 0] + noise * [0.01, 1, 3, 1]
    return everybody[:n].astype(np.float32).astype(float), y, everybody[n:]


def nested(x, y):
    """Scikit-learn's choice among the same penalties."""
    trace = ((x - x.mean(axis=0)) ** 2).sum()
    alphas = np.append(MEAN, regression.PENALTIES) * trace / len(x)
    return RidgeCV(alphas, alpha_per_target=True).fit(x, y)


@pytest.mark.parametrize("features", [3, 30, 400])
def test_ridge_is_ridge_on_all_features(features):
    x, y, unseen = draw(features)
    told, chosen = regression.ridge(x, y, unseen), nested(x, y)
    assert len(np.unique(chosen.alpha_)) > 2
    alone = Ridge(alpha=chosen.alpha_).fit(x, y)
    np.testing.assert_allclose(told, chosen.predict(unseen), rtol=1e-8)
    np.testing.assert_allclose(told, alone.predict(unseen), rtol=1e-8)
    # Blocks and single precision, in which edges come.
    single = regression.ridge(x.astype(np.float32), y, unseen.astype(np.float32))
    np.testing.assert_allclose(single, told, rtol=1e-5)


def test_blocks_of_features_add_up(monkeypatch):
    x, y, unseen = draw(30)
    whole = [method(x, y, unseen) for method in LINEAR]
    monkeypatch.setattr(regression, "BLOCK", 7)
    for method, told in zip(LINEAR, whole):
        np.testing.assert_allclose(method(x, y, unseen), told, rtol=1e-9)


def test_kernel_ridge_is_the_kernel_ridge_that_leaving_one_out_prefers(monkeypatch):
    monkeypatch.setattr(regression, "PENALTIES", np.array([10, 1, 0.1, 0.01]))
    x, y, unseen = draw(30)
    median = np.median(euclidean_distances(x)[np.triu_indices(len(x), k=1)] ** 2)
    candidates, errors = [], []
    for width in regression.WIDTHS:
        gamma = 1 / (2 * width**2 * median)
        kernel, to = rbf_kernel(x, gamma=gamma), rbf_kernel(unseen, x, gamma=gamma)
        scale = np.trace(KernelCenterer().fit_transform(kernel)) / len(x)
        for penalty in [MEAN, *regression.PENALTIES]:
            ridge = make_pipeline(
                KernelCenterer(), KernelRidge(alpha=penalty * scale, kernel="precomputed")
            )
            mean = y.mean(axis=0)
            candidates.append(mean + ridge.fit(kernel, y - mean).predict(to))
            errors.append(left_out(ridge, kernel, y))
    best = np.argmin(errors, axis=0)
    assert len(np.unique(best)) > 2
    expected = np.stack([candidates[k][:, j] for j, k in enumerate(best)], axis=1)
    np.testing.assert_allclose(regression.kernel_ridge(x, y, unseen), expected, rtol=1e-8)


def left_out(ridge, kernel, y):
    """Squared error when every person is predicted from the others, centred without them."""
    error = np.zeros(y.shape[1])
    for train, test in LeaveOneOut().split(kernel):
        mean = y[train].mean(axis=0)
        told = ridge.fit(kernel[np.ix_(train, train)], y[train] - mean)
        error += ((mean + told.predict(kernel[np.ix_(test, train)]) - y[test]) ** 2)[0]
    return error


def test_pca_ridge_is_ridge_on_the_components_that_leaving_one_out_prefers():
    x, y, unseen = draw(30)
    axes = PCA().fit(x)
    fits = [nested(axes.transform(x)[:, :k], y) for k in regression.COMPONENTS]
    best = np.argmax([fit.best_score_ for fit in fits], axis=0)
    assert len(np.unique(best)) > 1
    told = [
        fit.predict(axes.transform(unseen)[:, :k]) for fit, k in zip(fits, regression.COMPONENTS)
    ]
    expected = np.stack([told[k][:, j] for j, k in enumerate(best)], axis=1)
    np.testing.assert_allclose(regression.pca_ridge(x, y, unseen), expected, rtol=1e-8)


def test_cpm_is_a_loop_over_edges():
    x, y, unseen = draw(20)
    x[:, 7] = 0.2
    none = 0
    for j, told in enumerate(regression.cpm(x, y, unseen).T):
        sign = np.zeros(x.shape[1])
        for edge in np.flatnonzero(np.ptp(x, axis=0)):
            r, p = stats.pearsonr(x[:, edge], y[:, j])
            sign[edge] = np.sign(r) * (p < 0.01)
        none += not sign.any()
        strength, new = x @ sign[:, None], unseen @ sign[:, None]
        expected = LinearRegression().fit(strength, y[:, j]).predict(new)
        np.testing.assert_allclose(told, expected, rtol=1e-9)
    assert 0 < none < y.shape[1]


def draw_series(people=30):
    """Parcel series of mean 0 and SD 1, and their Fisher-z edges."""
    rng = np.random.default_rng(0)
    mix = np.eye(PARCELS) + 0.3 * rng.normal(size=(people, PARCELS, PARCELS))
    series = rng.normal(size=(people, 120, PARCELS)) @ mix
    series = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    r = series.swapaxes(1, 2) @ series / 120
    upper = np.triu_indices(PARCELS, k=1)
    return series, np.arctanh(r[:, upper[0], upper[1]])


def test_tangent_ridge_is_nilearns_on_the_series(monkeypatch):
    monkeypatch.setattr(tangent, "SMALLEST", 1e-6)
    series, edges = draw_series()
    measure = ConnectivityMeasure(EmpiricalCovariance(), kind="tangent", vectorize=True)
    placed = measure.fit(list(series[:20])).transform(list(series))
    y = placed[:20, :3] + np.random.default_rng(1).normal(size=(20, 3)) * [0, 0.1, 1]
    y[4, 0] = np.nan
    expected = regression.ridge(placed[:20], y, placed[20:])
    np.testing.assert_allclose(tangent.tangent_ridge(edges[:20], y, edges[20:]), expected, 1e-7)


def test_correlations_are_those_of_the_edges_unless_near_singular():
    _, edges = draw_series(1)
    upper = np.triu_indices(PARCELS, k=1)
    for factor in (0, 0.1, 1, 20):
        edge = factor * edges[0]
        whole = np.eye(PARCELS)
        whole[upper] = whole.T[upper] = np.tanh(edge)
        least, found = np.linalg.eigvalsh(whole)[0], tangent.correlations(edge)
        if least > tangent.SMALLEST:
            np.testing.assert_allclose(found, whole, atol=1e-15)
        else:
            assert np.linalg.eigvalsh(found)[0] == pytest.approx(tangent.SMALLEST)
            ratio = found[upper] / whole[upper]
            assert np.ptp(ratio) < 1e-9 and 0 < ratio[0] < 1
        np.testing.assert_array_equal(np.diag(found), 1)
        covariance = EmpiricalCovariance(assume_centered=True).fit(tangent.series_of(found))
        np.testing.assert_allclose(covariance.covariance_, found, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_unseen_people_do_not_see_each_other(method):
    (_, edges), (_, y, _) = draw_series(), draw(3)
    x, y, unseen = edges[:23], y[:23], edges[23:]
    told, others = method(x, y, unseen), unseen.copy()
    others[1:] *= -0.3
    np.testing.assert_allclose(method(x, y, others)[0], told[0], rtol=1e-12)
    np.testing.assert_allclose(method(x, y, unseen[:1])[0], told[0], rtol=1e-9)


@pytest.mark.parametrize("method", LINEAR)
def test_missing_values_leave_their_people_out(method):
    x, y, unseen = draw(50)
    y[:3, 0] = y[:3, 2] = y[5:9, 3] = np.nan
    told = method(x, y, unseen)
    for j, known in enumerate(np.isfinite(y).T):
        alone = method(x[known], y[known, j : j + 1], unseen)
        np.testing.assert_allclose(told[:, j], alone[:, 0], rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_too_few_values_tell_the_mean(method):
    (_, edges), (_, y, _) = draw_series(), draw(3)
    x, y, unseen = edges[:23], y[:23], edges[23:]
    y[3:, 0], y[:, 1], y[:, 2] = np.nan, np.nan, 4
    told = method(x, y, unseen)
    np.testing.assert_allclose(told[:, 0], y[:3, 0].mean())
    assert np.isnan(told[:, 1]).all()
    np.testing.assert_allclose(told[:, 2], 4)
    assert np.isfinite(told[:, 3]).all()


@pytest.mark.parametrize("method", METHODS)
def test_people_who_are_all_the_same_tell_the_mean(method):
    _, y, unseen = draw(edge_count(PARCELS))
    same = np.full((len(y), unseen.shape[1]), 0.125)
    told = method(same, y, same[: len(unseen)])
    np.testing.assert_allclose(told, np.tile(y.mean(axis=0), (len(unseen), 1)))


def test_without_nilearn_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn.connectome", None)
    x, y, unseen = draw(edge_count(PARCELS))
    with pytest.raises(ImportError, match=r"nilearn: pip install nilearn"):
        tangent.tangent_ridge(x, y, unseen)
