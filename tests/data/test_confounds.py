"""Age, sex, site, group and motion: regressors that exist, taken out of what they explain."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from dtb_jax.data.confounds import (
    CONFOUNDS,
    DEMOGRAPHICS,
    design,
    known_columns,
    regress_out,
    residual,
)

PEOPLE = 60


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.uniform(18, 70, PEOPLE),
            "sex": rng.choice(["F", "M"], PEOPLE),
            "site": np.array(["A", "B", "C"])[np.arange(PEOPLE) % 3],
            "group": rng.choice(["GenPop", "Patient"], PEOPLE),
            "motion_mm": rng.gamma(2, 0.05, PEOPLE),
        }
    )


TRAINING = np.arange(PEOPLE) < 45


def test_regressors_are_standardised_on_the_training_people(table):
    found = design(table, DEMOGRAPHICS, TRAINING)
    assert found.shape == (PEOPLE, 2 + 1 + 2 + 1 + 1)
    np.testing.assert_allclose(found[TRAINING].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found[TRAINING].std(0), 1)
    age = table["age"] - table["age"][TRAINING].mean()
    for column, values in ((0, age), (1, age**2), (5, np.log(table["motion_mm"]))):
        assert abs(np.corrcoef(found[:, column], values)[0, 1]) == pytest.approx(1)
    assert [len(np.unique(column)) for column in found.T[2:5]] == [2, 2, 2]


def test_only_training_people_set_the_scale(table):
    other = table.copy()
    other.loc[~TRAINING, "age"] += 1000
    other.loc[~TRAINING, "site"] = "Z"
    before, after = (design(t, DEMOGRAPHICS, TRAINING) for t in (table, other))
    np.testing.assert_array_equal(before[TRAINING], after[TRAINING])


def test_a_missing_age_is_the_training_mean_and_many_are_a_column(table):
    few = table.assign(age=table["age"].where(table.index != 3))
    many = table.assign(age=table["age"].where(table.index % 5 > 0), motion_mm=0.1)
    found, flagged = (design(t, ("age", "motion_mm"), TRAINING) for t in (few, many))
    assert found.shape[1] == 3 and flagged.shape[1] == 3
    np.testing.assert_allclose(found[3, :2], 0, atol=1e-12)
    np.testing.assert_allclose(flagged[::5, :2], 0, atol=1e-12)
    missing = np.arange(PEOPLE) % 5 == 0
    assert np.corrcoef(flagged[:, 2], missing)[0, 1] == pytest.approx(1)
    assert np.isfinite(found).all() and np.isfinite(flagged).all()


def test_what_no_training_person_tells_is_finite_and_tells_nothing(table):
    unknown = table.assign(age=table["age"].where(~TRAINING), site=table["site"].where(~TRAINING))
    found = design(unknown, ("age", "site", "sex"), TRAINING)
    assert np.isfinite(found).all()
    spread = found[TRAINING].std(0)
    assert ((spread == 0) | np.isclose(spread, 1)).all()


def test_constant_and_absent_columns_are_no_regressors(table):
    same = table.assign(site="A", sex=np.nan, motion_mm=0.2).drop(columns="group")
    assert known_columns(same, DEMOGRAPHICS) == ("age",)
    assert design(same.drop(columns="age"), DEMOGRAPHICS, TRAINING).shape == (PEOPLE, 0)
    only_here = table.assign(site=np.where(TRAINING, "A", "B"))
    found = design(only_here, ("site", "age"), TRAINING)
    assert np.isfinite(found).all() and np.abs(found).max() < 10


def test_a_site_that_nobody_trained_on_is_like_the_mean_of_all(table):
    for value in ("Z", np.nan):
        odd = table.assign(site=table["site"].astype(object))
        odd.loc[50, "site"] = value
        found = design(odd, ("site", "sex"), TRAINING)
        np.testing.assert_allclose(found[50, :2], 0, atol=1e-12)


def test_sites_differ_no_more_among_training_people(table):
    rng = np.random.default_rng(1)
    shift = table["site"].map({"A": 0, "B": 3, "C": -5}).to_numpy()
    edges = (rng.normal(size=(PEOPLE, 40)) + shift[:, None] * rng.random(40)).astype(np.float32)
    found = regress_out(edges, design(table, ("site",), TRAINING), TRAINING)
    means = np.stack([found[TRAINING & (table["site"] == s)].mean(0) for s in "ABC"])
    np.testing.assert_allclose(means, np.tile(edges[TRAINING].mean(0), (3, 1)), atol=1e-5)
    assert found.dtype == np.float32
    for site in "ABC":
        moved = (edges - found)[table["site"] == site]
        np.testing.assert_allclose(moved, moved[:1].repeat(len(moved), 0), atol=1e-5)


def test_what_is_taken_out_is_what_a_regression_explains(table):
    edges = np.random.default_rng(2).normal(size=(PEOPLE, 6))
    regressors = design(table, CONFOUNDS, TRAINING)
    fit = LinearRegression().fit(regressors[TRAINING], edges[TRAINING])
    expected = edges - fit.predict(regressors) + edges[TRAINING].mean(0)
    found = regress_out(edges, regressors, TRAINING)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    moved = found - regress_out(edges, regressors + 5, TRAINING)
    np.testing.assert_allclose(moved, moved[:1].repeat(PEOPLE, 0), atol=1e-10)


def test_nothing_is_learned_from_people_who_do_not_train(table):
    rng = np.random.default_rng(3)
    edges, regressors = rng.normal(size=(PEOPLE, 6)), design(table, CONFOUNDS, TRAINING)
    other = np.where(TRAINING[:, None], edges, 100 * rng.normal(size=(PEOPLE, 6)))
    other[-1] = edges[-1]
    before, after = (regress_out(e, regressors, TRAINING) for e in (edges, other))
    np.testing.assert_array_equal(before[TRAINING], after[TRAINING])
    np.testing.assert_array_equal(before[-1], after[-1])


def test_people_of_an_unknown_site_stay_as_they_are(table):
    edges = np.random.default_rng(4).normal(size=(PEOPLE, 6))
    edges[table["site"] == "B"] += 4
    odd = table.assign(site=table["site"].where(TRAINING, "Z"))
    found = regress_out(edges, design(odd, ("site",), TRAINING), TRAINING)
    np.testing.assert_allclose(found[~TRAINING], edges[~TRAINING], atol=1e-12)


def test_residuals_know_neither_folds_nor_regressors(table):
    rng = np.random.default_rng(5)
    regressors, fold = design(table, CONFOUNDS, TRAINING), np.arange(PEOPLE) % 4
    values = rng.normal(size=(PEOPLE, 3)) + regressors[:, :1] + 10 * fold[:, None]
    found = residual(values, regressors, fold)
    dummies = (fold[:, None] == np.arange(4)).astype(float)
    np.testing.assert_allclose(dummies.T @ found, 0, atol=1e-10)
    np.testing.assert_allclose(regressors.T @ found, 0, atol=1e-10)
    whole = np.concatenate([dummies, regressors], 1)
    fit = LinearRegression(fit_intercept=False).fit(whole, values)
    np.testing.assert_allclose(found, values - fit.predict(whole), atol=1e-10)
    alone = residual(values, np.zeros((PEOPLE, 0)), fold)
    for k in range(4):
        np.testing.assert_allclose(
            alone[fold == k], values[fold == k] - values[fold == k].mean(0), atol=1e-10
        )
