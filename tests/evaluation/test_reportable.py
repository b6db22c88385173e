"""Which figures are reported as numbers."""

import numpy as np
import pytest

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.reportable import FEWEST_COVERED, over_draws, reportable


def draw(r, mae=0.1):
    return {
        "reaction_time_r": Estimate(r, None, r and r - 0.2, r and r + 0.2, 27),
        "reaction_time_mae_s": Estimate(mae, 0.05, 0.0, 0.2, 27),
    }


def test_draws_are_told_by_their_mean_and_range():
    found = over_draws([draw(-0.62, 0.3), draw(0.3, 0.1), draw(None, 0.2), draw(0.1, 0.2)])
    r, mae = found["reaction_time_r"], found["reaction_time_mae_s"]
    assert r.value == pytest.approx(np.tanh(np.arctanh([-0.62, 0.3, 0.1]).mean()))
    assert (r.ci_low, r.ci_high, r.n) == (-0.62, 0.3, 27)
    assert mae.value == pytest.approx(0.2) and mae.sd == pytest.approx(0.05)
    assert (mae.ci_low, mae.ci_high) == (0.1, 0.3)


def test_one_draw_and_undefined_draws_stay_what_they_are():
    assert over_draws([draw(0.3)]) == draw(0.3)
    assert over_draws([draw(None), draw(None)])["reaction_time_r"].value is None


def test_reportable_has_one_row_of_shuffled_connectomes():
    models = {
        "twin": {"faces": draw(0.4), "bold": {}},
        "shuffled_connectome": {"faces": draw(-0.1), "bold": {}},
        "shuffled_retrained": {"faces": draw(0.2), "bold": {}},
        "shuffled_connectome_2": {"faces": draw(0.3), "bold": {}},
    }
    found = reportable(models)
    assert list(found) == ["twin", "shuffled_connectome", "shuffled_retrained"]
    assert found["shuffled_connectome"]["faces"]["reaction_time_r"].ci_low == -0.1
    assert found["twin"] == models["twin"] and models["shuffled_connectome"]["faces"] == draw(-0.1)


@pytest.mark.parametrize("people", [FEWEST_COVERED - 1, FEWEST_COVERED])
def test_coverage_of_few_people_is_undefined(people):
    names = ("coverage_80", "person_coverage_80")
    figures = {name: Estimate(0.5, None, 0.1, 0.9, people) for name in names}
    for one in reportable({"twin": {"faces": figures}})["twin"]["faces"].values():
        assert (one.value is None) == (people < FEWEST_COVERED) and one.n == people


def test_a_ceiling_of_nothing_is_undefined():
    figures = {
        "effect_r": Estimate(0.0, None, 0.0, 0.3, 30),
        "reaction_time_r_face": Estimate(0.004, None, 0.0, 0.3, 30),
        "error_rate_r": Estimate(0.2, None, 0.0, 0.3, 30),
        "omission_rate": Estimate(0.0, 0.0, 0.0, 0.0, 30),  # observed, no ceiling of an r
    }
    models = {"twin": {"faces": {"effect_r": Estimate(0.0)}}, "ceiling": {"faces": figures}}
    found = reportable(models)
    told = {name: one.value for name, one in found["ceiling"]["faces"].items()}
    assert told == {
        "effect_r": None,
        "reaction_time_r_face": None,
        "error_rate_r": 0.2,
        "omission_rate": 0.0,
    }
    assert found["twin"]["faces"]["effect_r"].value == 0
