"""Correlations are held against scikit-learn's at the size of a real run."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from dtb_jax.data.estimators import ESTIMATORS

VOLUMES, PARCELS = 488, 434


@pytest.fixture(scope="module")
def series():
    """Parcels that follow a few signals, in units far apart."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(VOLUMES, 20)) @ rng.normal(size=(20, PARCELS))
    values += 3 * rng.normal(size=values.shape)
    return 100 + values * rng.uniform(0.01, 1000, PARCELS)


def test_pearson_is_numpys(series):
    np.testing.assert_allclose(ESTIMATORS["pearson"](series), np.corrcoef(series.T), atol=1e-12)


def test_ledoit_wolf_is_sklearns(series):
    standardised = (series - series.mean(axis=0)) / series.std(axis=0)
    theirs = LedoitWolf().fit(standardised)
    found = ESTIMATORS["ledoit_wolf"](series)
    assert theirs.shrinkage_ > 0.01
    np.testing.assert_allclose(found, theirs.covariance_, atol=1e-12)
    np.testing.assert_allclose(np.diag(found), 1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_constant_parcel_has_no_edges_and_changes_none(series, name):
    others = np.delete(np.arange(PARCELS), 7)
    with_constant = series.copy()
    with_constant[:, 7] = 0
    found = ESTIMATORS[name](with_constant)
    assert not found[7].any() and not found[:, 7].any()
    alone = ESTIMATORS[name](series[:, others])
    np.testing.assert_allclose(found[np.ix_(others, others)], alone, atol=1e-12)
