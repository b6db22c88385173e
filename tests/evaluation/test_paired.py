"""Paired differences against the two figures they are between."""

import numpy as np
import pytest

from dtb_jax.evaluation.behaviour import behaviour
from dtb_jax.evaluation.paired import compare
from dtb_jax.evaluation.scored import scored_part
from tests.data.test_folds import make_cohort
from tests.evaluation.test_behaviour import START, STOP, make_told


@pytest.fixture(scope="module")
def part():
    run = make_cohort().runs[0]
    return scored_part(run, START, STOP, run.present, None)


def told(part, seed):
    spread = 0.2 * np.ones(len(part.people))
    return make_told(part.run, seed)._replace(person_time_sd_s=spread)


def test_differences_are_those_of_the_figures(part):
    one, other = told(part, 1), told(part, 2)
    first, second = behaviour(part, one), behaviour(part, other)
    (found,) = compare([part], [one], [other]).values()
    assert set(found) == {
        "reaction_time_r",
        "trial_reaction_time_r",
        "log_likelihood",
        "choice_concordance",
        "person_interval_score_s_80",
    }
    for metric, difference in found.items():
        assert difference.value == pytest.approx(first[metric].value - second[metric].value)
        assert difference.ci_low <= difference.value <= difference.ci_high


def test_the_same_model_differs_by_nothing(part):
    (found,) = compare([part], [told(part, 1)], [told(part, 1)]).values()
    assert {d for one in found.values() for d in (one.value, one.ci_low, one.ci_high)} == {0.0}


def test_a_model_that_tells_nobody_apart_has_no_r(part):
    (found,) = compare([part], [told(part, 1)], [told(part, 2)._replace(personal=False)]).values()
    assert "reaction_time_r" not in found and "log_likelihood" in found
