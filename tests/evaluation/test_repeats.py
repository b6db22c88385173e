"""What several assignments of people to folds say together."""

import numpy as np
import pytest

from dtb_jax.evaluation.assessment import EvaluationResult
from dtb_jax.evaluation.evidence import Evidence, claims, permutation_test_score
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.repeats import refitted_p, repeated_cross_validation
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.models.regression import ridge
from tests.data.test_folds import make_cohort
from tests.evaluation.test_behaviour import make_told

KEY = "faces.reaction_time_r"


def once(r, p):
    figure = Estimate(r, None, r - 0.1, r + 0.1, 12)
    models = {"twin": {"faces": {"reaction_time_r": figure}}}
    return EvaluationResult(models, [], {}, {"twin": {KEY: Evidence(figure, p)}}, {}, {}, {})


@pytest.mark.parametrize(
    ("ps", "expected"),
    [((0.01, 0.02, 0.4), 0.04), ((0.01, 0.03), 0.04), ((0.6, 0.7, 0.8), 1), ((0.01, None), None)],
)
def test_p_is_twice_the_median(ps, expected):
    found = repeated_cross_validation(make_cohort(12), [once(0.3, p) for p in ps])
    told = found.evidence["twin"][KEY].p
    assert told == expected if expected is None else told == pytest.approx(expected)


def test_figures_are_means_and_the_verdict_is_theirs():
    found = repeated_cross_validation(make_cohort(12), [once(0.2, 0.01), once(0.4, 0.03)])
    figure = found.models["twin"]["faces"]["reaction_time_r"]
    assert figure == Estimate(pytest.approx(0.3), None, pytest.approx(0.2), pytest.approx(0.4), 12)
    assert found.verdicts[KEY].evidence and "= .30 [.20, .40]" in found.verdicts[KEY].sentence


def test_once_is_as_it_was():
    one = once(0.2, 0.01)
    assert repeated_cross_validation(make_cohort(12), [one]) is one


def test_a_twin_among_its_retrained_nulls():
    one = once(0.3, 0.01)
    for k, r in enumerate((0.1, 0.4, -0.2, 0.0)):
        name = "shuffled_retrained" + (f"_{k + 1}" if k else "")
        one.evidence[name] = {KEY: Evidence(Estimate(r), 0.5)}
    assert refitted_p(make_cohort(12), one, seed=0) == {"twin": {KEY: 2 / 5}}
    one.evidence["shuffled_retrained_2"][KEY] = Evidence(Estimate(None), None)
    assert refitted_p(make_cohort(12), one, seed=0) == {"twin": {}}


def test_a_ridge_is_refitted_on_the_edges_it_saw():
    cohort = make_cohort(24)
    run, fold = cohort.runs[0], np.arange(24) % 3
    scored = [scored_part(run, 0.0, 120.0, run.present, None, fold, draws=5)]
    told = [make_told(run)._replace(bold=None)]
    one = once(0.3, 0.01)._replace(scored=scored, predictions={"ridge": told})
    found = refitted_p(cohort, one, seed=2)["ridge"]
    first = claims(scored, told)[0]
    p = permutation_test_score(first, cohort.participants, cohort.connectomes, ridge, seed=2)[1]
    assert len(found) == 3 and found["stroop.reaction_time_r"] == p
    assert refitted_p(cohort, one, seed=2, on_edges=False) == {}
