"""Connectomes against nilearn and against themselves."""

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure
from sklearn.covariance import EmpiricalCovariance

from dtb_jax.twin import connectome as c


@pytest.fixture
def series():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12))


def test_counts():
    assert c.edge_count(446) == 99_235
    assert c.edge_count(434) == 93_961
    assert c.parcel_count(93_961) == 434
    with pytest.raises(ValueError, match="is the diagonal included"):
        c.parcel_count(93_962)


def test_pearson_is_nilearns(series, x64):
    measure = ConnectivityMeasure(EmpiricalCovariance(), kind="correlation", standardize=False)
    np.testing.assert_allclose(c.pearson(series), measure.fit_transform([series])[0], atol=1e-6)
    np.testing.assert_allclose(c.pearson(series), np.corrcoef(series.T), atol=1e-12)


def test_edges_and_matrix_are_inverse(series):
    z = c.connectome(series)
    assert z.shape == (66,)
    square = c.matrix(z)
    np.testing.assert_array_equal(square, square.T)
    np.testing.assert_array_equal(c.edges(square), z)


def test_a_constant_parcel_has_edges_of_zero(series):
    series[:, 3] = 7.0
    square = np.array(c.matrix(c.connectome(series)))
    assert np.isfinite(square).all()
    assert (square[3] == 0).all()


def test_nearest_correlation_is_valid_and_leaves_valid_ones():
    rng = np.random.default_rng(1)
    broken = np.clip(np.corrcoef(rng.normal(size=(10, 6)).T) + rng.normal(size=(6, 6)), -1, 1)
    broken = (broken + broken.T) / 2
    np.fill_diagonal(broken, 1)
    near = c.nearest_correlation(broken)
    assert np.linalg.eigvalsh(near).min() > -1e-7
    np.testing.assert_allclose(np.diag(near), 1)
    valid = np.corrcoef(rng.normal(size=(40, 6)).T)
    np.testing.assert_allclose(c.nearest_correlation(valid), valid, atol=1e-8)
