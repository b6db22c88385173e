"""The protocol: every model fits a subset and predicts another, by name or added."""

import numpy as np
import pytest

from dtb_jax.data.folds import group_k_fold
from dtb_jax.data.writing import as_json
from dtb_jax.evaluation.assessment import evaluate
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.evaluation.verdict_table import verdict_table
from dtb_jax.models import registry
from dtb_jax.models.memory import remember_last
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.models.protocol import Fitted, Model, Pretrained, Rule
from dtb_jax.models.surrogates import MEAN, OnOtherConnectomes, one_hot, shuffled, surrogates
from tests.data.test_folds import make_cohort

PEOPLE = 24


@pytest.fixture(scope="module")
def data():
    cohort = make_cohort(PEOPLE)
    return cohort, group_k_fold(cohort, 3, seed=0)


def numbers_of(cohort, fold):
    """Everybody's first edge as their mean time."""
    return [Prediction(person_time_s=cohort.connectomes[:, 0]) for _ in fold.test.of(cohort).runs]


NAMES = ["condition_mean", "group_mean", "demographics", "own_training_half", "ridge", "cpm"]


@pytest.mark.parametrize("name", NAMES)
def test_models_have_the_protocols_two_methods(data, name):
    cohort, folds = data
    model = (registry.baselines(folds[0].training) | registry.regressions(["ridge", "cpm"]))[name]
    assert isinstance(model, Model)
    fitted = model.fit(cohort, folds[0].training)
    assert isinstance(fitted, Fitted)
    told = fitted.predict(cohort, folds[0].test)
    assert len(told) == len(cohort.runs)
    again = Pretrained(fitted).fit(cohort, folds[1].training).predict(cohort, folds[0].test)
    for one, two in zip(told, again, strict=True):
        np.testing.assert_array_equal(one.choice, two.choice)


def test_an_unknown_name_is_told_with_those_that_are_there():
    with pytest.raises(ValueError, match="'forest', expected some of ridge, kernel_ridge"):
        registry.regressions(["ridge", "forest"])


def test_an_added_model_is_in_the_verdict_table(data, monkeypatch):
    cohort, folds = data
    best = registry.Entry(lambda: ProfileRegression(exactly), "what an oracle would say")
    monkeypatch.setitem(registry.REGRESSIONS, "mine", best)
    models = {"twin": ProfileRegression(), **registry.regressions(["mine"])}
    found = evaluate(cohort, folds, cross_validate(cohort, folds, models), seed=0)
    verdicts = {key: one._asdict() for key, one in found.verdicts.items()}
    table = verdict_table(
        as_json(found.models), as_json(verdicts), ["reaction_time_r"], unseen=True
    )
    shown = [cell for _, row in table.rows for cell in row]
    assert any(words == "what an oracle would say" for _, words in shown)


def exactly(features, targets, unseen):
    """Targets told by the rows' order of their first feature."""
    known = np.where(np.isfinite(targets), targets, np.nanmean(targets, axis=0))
    near = np.abs(features[:, None, 0] - unseen[None, :, 0]).argmin(axis=0)
    return known[near]


def test_other_connectomes_are_learned_from_and_shown(data):
    cohort, folds = data
    model, (training, test) = Rule(numbers_of), folds[0][:2]
    tags = OnOtherConnectomes(model, one_hot).fit(cohort, training).predict(cohort, test)
    np.testing.assert_array_equal(tags[0].person_time_s, np.eye(PEOPLE)[:, 0])
    mixed = OnOtherConnectomes(model, shuffled(0)).fit(cohort, training).predict(cohort, test)
    own = cohort.connectomes[:, 0]
    assert sorted(mixed[0].person_time_s) == sorted(own)
    assert (mixed[0].person_time_s != own).all()


def test_surrogates_are_predicted_by_the_same_fit(data):
    cohort, folds = data
    told = cross_validate(
        cohort, folds, {"ridge": ProfileRegression()}, probes={"ridge": [surrogates(seed=0)]}
    ).predictions
    assert {"ridge", "shuffled_connectome", MEAN, "another_person"} <= set(told)
    assert not any(run.personal for run in told[MEAN])
    tested = told["ridge"][0].person_time_s, told["shuffled_connectome"][0].person_time_s
    assert (tested[0] != tested[1]).any()


def test_the_last_result_is_remembered_for_the_same_objects_alone():
    calls = []
    remembered = remember_last(lambda *args: calls.append(args) or len(calls))
    one, two = [1], [1]
    assert [remembered(one), remembered(one), remembered(two), remembered(one)] == [1, 1, 2, 3]
    assert remembered(one, two) == 4
