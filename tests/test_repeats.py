"""What several assignments of people to folds say together."""

import pytest

from dtb_jax.assessment import Assessed
from dtb_jax.evaluation.evidence import Evidence
from dtb_jax.evaluation.figures import Figure
from dtb_jax.repeats import over_repeats
from tests.evaluation.test_folds import make_cohort

KEY = "faces.reaction_time_r"


def once(r, p):
    figure = Figure(r, None, r - 0.1, r + 0.1, 12)
    models = {"twin": {"faces": {"reaction_time_r": figure}}}
    return Assessed(models, [], {}, {"twin": {KEY: Evidence(figure, p)}}, {}, {}, {})


@pytest.mark.parametrize(
    ("ps", "expected"),
    [((0.01, 0.02, 0.4), 0.04), ((0.01, 0.03), 0.04), ((0.6, 0.7, 0.8), 1), ((0.01, None), None)],
)
def test_p_is_twice_the_median(ps, expected):
    found = over_repeats(make_cohort(12), [once(0.3, p) for p in ps])
    told = found.evidence["twin"][KEY].p
    assert told == expected if expected is None else told == pytest.approx(expected)


def test_figures_are_means_and_the_verdict_is_theirs():
    found = over_repeats(make_cohort(12), [once(0.2, 0.01), once(0.4, 0.03)])
    figure = found.models["twin"]["faces"]["reaction_time_r"]
    assert figure == Figure(pytest.approx(0.3), None, pytest.approx(0.2), pytest.approx(0.4), 12)
    assert found.verdicts[KEY].evidence and "= .30 [.20, .40]" in found.verdicts[KEY].sentence


def test_once_is_as_it_was():
    one = once(0.2, 0.01)
    assert over_repeats(make_cohort(12), [one]) is one
