"""What forbids a claim that permutation and Holm's correction let through."""

import numpy as np
import pytest

from dtb_jax.data.averages import masked_mean
from dtb_jax.data.folds import usual_folds
from dtb_jax.evaluation.assessment import evidence_of
from dtb_jax.evaluation.contradictions import contradictions
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.regression import coordinates, ridge, squared_distances
from tests.data.test_folds import make_cohort

KEY = "stroop.reaction_time_r"
PEOPLE = 80


@pytest.fixture(scope="module")
def case():
    """A cohort in which one edge is the person's speed, and what the twin says of it."""
    rng = np.random.default_rng(0)
    cohort = make_cohort(PEOPLE)
    run, fold = cohort.runs[0], np.arange(PEOPLE) % 4
    scored = [scored_part(run, 0.0, 120.0, run.present, None, fold, draws=5)]
    speed = np.nan_to_num(masked_mean(run.trials.response_time_s, scored[0].timed()))
    edges = 0.05 * rng.normal(size=cohort.connectomes.shape)
    edges[:, 0] += speed
    told = {"twin": [says(run, speed + 0.1 * rng.normal(size=PEOPLE))]}
    return cohort._replace(connectomes=edges), scored, told, speed


def says(run, time):
    trials = np.tile(time[:, None], (1, run.trials.onset_s.shape[1]))
    return Prediction(reaction_time_s=trials, person_time_s=time)


def against(case, more=None, demographics=0.1, connectomes=None):
    cohort, scored, told, _ = case
    if connectomes is not None:
        cohort = cohort._replace(connectomes=connectomes)
    found = evidence_of(cohort, scored, told["twin"], seed=0)
    models = {
        "twin": {"stroop": {"reaction_time_r": Estimate(0.8)}},
        "demographics": {"stroop": {"reaction_time_r": Estimate(demographics)}},
    }
    said = contradictions(
        cohort,
        scored,
        told | (more or {}),
        models,
        found,
        covariates="a regression on age",
        seed=0,
        draws=99,
    )
    return said.get(KEY, [])


def test_a_claim_that_nothing_contradicts_stands(case):
    assert against(case) == []


def test_covariates_that_reach_the_figure_contradict_it(case):
    assert against(case, demographics=0.8) == ["a regression on age reaches .80"]


def test_other_connectomes_that_reach_half_of_r_contradict_it(case):
    _, scored, _, speed = case
    run, rng = scored[0].run, np.random.default_rng(1)
    same = says(run, speed + 0.1 * rng.normal(size=PEOPLE))
    noise = says(run, 0.8 + 0.1 * rng.normal(size=PEOPLE))
    (said,) = against(case, {"shuffled_connectome": [same]})
    assert "other people's connectomes reach" in said
    assert against(case, {"shuffled_connectome": [noise]}) == []
    draws = {f"shuffled_connectome_{k}": [noise] for k in range(2, 6)}  # one draw is not all
    assert against(case, {"shuffled_connectome": [same], **draws}) == []
    (said,) = against(case, {"group_mean_connectome": [same._replace(personal=False)]})
    assert "the mean connectome reaches" in said


def test_a_ridge_that_finds_nothing_contradicts_it(case):
    noise = np.random.default_rng(2).normal(size=(PEOPLE, 28))
    (said,) = against(case, connectomes=noise)
    assert "permuted people finds nothing (p = " in said


def test_coordinates_keep_distances_and_what_a_ridge_tells():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 200)), rng.normal(size=(20, 1))
    found = coordinates(x)
    assert found.shape == (30, 29)
    for a, b in zip(squared_distances(x, x), squared_distances(found, found)):
        np.testing.assert_allclose(a, b, atol=1e-8)
    y += x[:20, :1] * 3
    np.testing.assert_allclose(ridge(x[:20], y, x[20:]), ridge(found[:20], y, found[20:]))


@pytest.mark.parametrize(("people", "folds"), [(4, 2), (12, 2), (27, 5), (50, 10), (228, 10)])
def test_usual_folds_test_at_least_five_people(people, folds):
    assert usual_folds(people) == folds
