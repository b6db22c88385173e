"""The clinical table, against SciPy one measure at a time and Benjamini-Hochberg by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dtb_jax.interventions.clinical import clinical_table

PEOPLE = 60


@pytest.fixture
def score():
    values = np.random.default_rng(0).normal(size=PEOPLE)
    values[[3, 7]] = np.nan
    return values


@pytest.fixture
def measures(score):
    """Twelve measures of other scales, some of which follow the score; holes in each."""
    rng = np.random.default_rng(1)
    known = np.nan_to_num(score)[:, None] * np.linspace(0, 1, 12)
    values = 1e4 + 50 * (known + rng.normal(size=(PEOPLE, 12)))
    values[rng.random(values.shape) < 0.2] = np.nan
    return pd.DataFrame(values, columns=[f"table: m{k}" for k in range(12)])


def by_hand(p):
    """Benjamini-Hochberg: the least p_j m / rank_j of those at or above each p."""
    return [min(b * len(p) / np.sum(p <= b) for b in p if b >= a) for a in p]


def test_each_measure_as_scipy_has_it(score, measures):
    table = clinical_table(score, measures)
    assert list(table) == ["r", "low", "high", "n", "p", "q"] and table.index.name == "measure"
    assert set(table.index) == set(measures) and list(table["p"]) == sorted(table["p"])
    for name, row in table.iterrows():
        both = np.isfinite(score) & measures[name].notna()
        found = stats.pearsonr(score[both], measures[name][both])
        interval = found.confidence_interval(0.95)
        expected = [found.statistic, *interval, both.sum(), found.pvalue]
        np.testing.assert_allclose(row[["r", "low", "high", "n", "p"]], expected, rtol=1e-9)
    np.testing.assert_allclose(table["q"], by_hand(table["p"].to_numpy()), rtol=1e-12)
    assert (table["q"] < 0.05).any() and (table["q"] > 0.05).any()


def test_what_can_not_be_tested_counts_for_nothing(score, measures):
    before = clinical_table(score, measures)
    extra = measures.assign(constant=0.1 + 0.2, empty=np.nan, few=measures["table: m3"])
    extra.loc[25:, "few"] = np.nan
    # varies, but not among those who have a score
    extra["elsewhere"] = np.where(np.isnan(score), 5.0, 1.0)
    table = clinical_table(score, extra)
    pd.testing.assert_frame_equal(table[:12], before)
    assert set(table.index[12:]) == {"constant", "empty", "few", "elsewhere"}
    assert table[12:][["r", "low", "high", "p", "q"]].isna().all(axis=None)
    assert table["n"]["empty"] == 0 and 0 < table["n"]["few"] < 20


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_a_score_that_tells_nobody_apart(measures, value):
    table = clinical_table(np.full(PEOPLE, value), measures)
    assert len(table) == 12 and table["p"].isna().all()


def test_exact_relations(score):
    measures = pd.DataFrame({"same": 3 * score - 1, "opposite": -score})
    table = clinical_table(score, measures)
    np.testing.assert_allclose(table["r"].abs(), 1)
    np.testing.assert_allclose(table.loc["opposite", ["low", "high"]].astype(float), -1)
    np.testing.assert_allclose(table["p"], 0, atol=1e-12)


def test_people_needed_and_level(score, measures):
    small = measures[:12]
    assert clinical_table(score[:12], small)["p"].isna().all()
    wide, narrow = (clinical_table(score[:12], small, fewest=4, level=x) for x in (0.95, 0.5))
    assert (wide["low"] < narrow["low"]).all() and (wide["high"] > narrow["high"]).all()


def test_no_measures(score):
    table = clinical_table(score, pd.DataFrame(index=range(PEOPLE)))
    assert table.empty and list(table) == ["r", "low", "high", "n", "p", "q"]


def test_what_does_not_fit(score, measures):
    with pytest.raises(ValueError, match="scores of 60 people, expected 50"):
        clinical_table(score, measures[:50])
    with pytest.raises(ValueError, match="fewest is 3, expected 4"):
        clinical_table(score, measures, fewest=3)
