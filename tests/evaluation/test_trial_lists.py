"""Trial lists: who saw which, and that no r over people comes from them."""

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data.tasks.lists import described, trial_lists
from dtb_jax.data.tasks.stroop import STROOP
from dtb_jax.evaluation import evidence as ev
from dtb_jax.evaluation.behaviour import errors, times
from dtb_jax.evaluation.figures import correlation_figure, resample
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import Run, Trials

TRIALS = 40
SIZES = (74, 52, 22, 16, 3, 2, 1)
RATES = np.array([0.05, 0.07, 0.09, 0.06, 0.38, 0.30, 0.26])


def make_run(condition, correct, wrong=None, present=None):
    """A run of Stroop; everybody presses after half a second."""
    people, trials = condition.shape
    onset = np.tile(2.0 * np.arange(trials), (people, 1))
    right = np.arange(3) == correct[..., None]
    wrong = np.zeros(condition.shape, bool) if wrong is None else wrong
    return Run(
        STROOP,
        "stroopAP_run-01",
        Trials(
            onset_s=onset,
            deadline_s=np.full_like(onset, 1.5),
            duration_s=np.full_like(onset, 1.5),
            condition=condition,
            item=np.zeros_like(condition),
            correct=correct,
            possible=np.where(wrong[..., None], ~right, right),
            response_time_s=np.full_like(onset, 0.5),
            answered=np.ones(condition.shape, bool),
            present=np.ones(condition.shape, bool) if present is None else present,
        ),
        stimulus=np.zeros((people, 25 * trials, 9), np.float32),
        bold=np.zeros((people, trials, 0), np.float32),
        bold_mask=np.zeros((people, trials), bool),
        present=np.ones(people, bool),
    )


def sequences(lists, seed=0):
    """Conditions and correct actions of people who saw these lists."""
    rng = np.random.default_rng(seed)
    kinds = max(lists) + 1
    condition, correct = (
        rng.integers(2, size=(kinds, TRIALS)),
        rng.integers(3, size=(kinds, TRIALS)),
    )
    return condition[lists], correct[lists]


def found(condition, correct, **options):
    run = make_run(condition, correct, **options)
    return trial_lists(run, run.trials.present)


def test_trial_lists_of_one_sequence_leave_everything_as_it_is():
    one = found(*sequences(np.zeros(20, int)))
    assert (one.kind, one.sizes(), one.regressors.shape) == ("one", [20], (20, 0))
    assert one.comparable.all() and described(one) == ""


def test_trial_lists_are_numbered_by_size_and_small_ones_are_not_comparable():
    lists = np.repeat([3, 0, 2, 1], [2, 9, 6, 30])
    several = found(*sequences(lists))
    assert (several.kind, several.sizes()) == ("several", [30, 9, 6, 2])
    assert not several.comparable[:2].any() and several.comparable[2:].all()
    assert "4 trial lists (30, 9, 6, 2 people)" in described(several)
    assert "2 people in lists of fewer than 5" in described(several)


def test_trial_lists_differ_by_correct_actions_alone():
    condition, correct = sequences(np.zeros(20, int))
    correct[10:] = (correct[10:] + 1) % 3  # counterbalanced buttons
    assert found(condition, correct).sizes() == [10, 10]


def test_trial_lists_of_different_length_are_different():
    condition, correct = sequences(np.zeros(20, int))
    present = np.ones(condition.shape, bool)
    present[12:, 25:] = False
    assert found(condition, correct, present=present).sizes() == [12, 8]


def test_trial_lists_survive_a_few_missing_trials():
    condition, correct = sequences(np.zeros(20, int))
    present = np.ones(condition.shape, bool)
    present[3, :3] = False
    assert found(condition, correct, present=present).kind == "one"


def test_trial_lists_ignore_correct_actions_that_are_drawn_for_each_person():
    rng = np.random.default_rng(1)
    condition, _ = sequences(np.zeros(20, int))
    assert found(condition, rng.integers(3, size=condition.shape)).kind == "one"


def test_trial_lists_of_individual_orders_take_out_shares_of_conditions():
    rng = np.random.default_rng(2)
    share = rng.uniform(0.2, 0.8, 30)
    condition = (rng.random((30, TRIALS)) < share[:, None]).astype(int)
    own = found(condition, rng.integers(3, size=condition.shape))
    assert own.kind == "individual" and own.comparable.all()
    np.testing.assert_allclose(own.regressors[:, 0], condition.mean(axis=1))
    assert "differs between people" in described(own)


def test_trial_lists_of_too_few_people_compare_nobody():
    few = found(*sequences(np.arange(12) // 3))
    assert few.kind == "few" and not few.comparable.any()
    assert "too few people a list" in described(few)
    r = correlation_figure(
        *np.random.default_rng(0).normal(size=(2, 12)),
        np.ones(12, bool),
        resample(np.zeros(12, int))._replace(nuisance=few.regressors),
    )
    assert r.value is None


def test_people_without_trials_have_no_list():
    condition, correct = sequences(np.zeros(20, int))
    present = np.ones(condition.shape, bool)
    present[4] = False
    one = found(condition, correct, present=present)
    assert one.kind == "one" and one.label[4] == -1 and list(np.flatnonzero(~one.comparable)) == [4]


def by_list(seed):
    """Scored errors of people whose lists differ in difficulty, and a model that knows the list."""
    rng = np.random.default_rng(seed)
    lists = rng.permutation(np.repeat(np.arange(7), SIZES))
    skill = np.exp(0.5 * rng.normal(size=len(lists)))
    rate = np.clip(RATES[lists] * skill, 0, 0.8)
    condition, correct = sequences(lists)
    wrong = rng.random(condition.shape) < rate[:, None]
    fold = rng.permutation(len(lists)) % 4
    run = make_run(condition, correct, wrong)
    scored = scored_part(run, 0.0, 79.0, run.present, None, fold, draws=10)
    told = np.zeros(len(lists))
    for k in range(4):
        train = fold != k
        mean = pd.Series(wrong[train].mean(axis=1)).groupby(lists[train]).mean()
        told[~train] = pd.Series(lists[~train]).map(mean).fillna(wrong[train].mean())
    right = np.arange(3) == correct[..., None]
    probability = np.where(right, 1 - told[:, None, None], told[:, None, None] / 2)
    says = Prediction(
        choice=correct,
        choice_probability=probability,
        omission_probability=np.zeros(condition.shape),
        reaction_time_s=np.tile(0.5 + told[:, None], (1, TRIALS)),
    )
    return scored, says, rate


def test_a_prediction_that_knows_the_list_alone_is_no_evidence():
    ps = []
    for seed in range(20):
        scored, says, _ = by_list(seed)
        (claim,) = [c for c in ev.claims([scored], [says]) if c.metric == "error_rate_r"]
        nobody = pd.DataFrame(index=range(len(claim.people)))
        found = ev.evidence(claim, nobody, seed=seed, draws=400)
        assert found.p is None and "nothing is left" in found.why
        hint = 0.002 * np.random.default_rng(seed).normal(size=claim.predicted.shape)
        ps.append(
            ev.evidence(claim._replace(predicted=claim.predicted + hint), nobody, seed=seed).p
        )
    assert sum(p < 0.05 for p in ps) <= 3, ps


def test_a_prediction_that_knows_the_person_is_evidence_within_lists():
    scored, says, rate = by_list(0)
    told = np.clip(rate, 0.01, 0.7)[:, None]
    right = np.arange(3) == scored.run.trials.correct[..., None]
    knows = says._replace(
        choice_probability=np.where(right, 1 - told[..., None], told[..., None] / 2)
    )
    (claim,) = [c for c in ev.claims([scored], [knows]) if c.metric == "error_rate_r"]
    assert ev.evidence(claim, pd.DataFrame(index=range(len(told))), seed=0).p < 0.01


def test_figures_over_people_do_not_come_from_lists():
    rs = []
    for seed in range(10):
        scored, says, _ = by_list(seed)
        rs.append(errors(scored, says)["error_rate_r"].value)
    assert rs == [None] * 10  # .39 with lists left in
    assert times(scored, says)["reaction_time_r"].value is None  # everybody presses after .5 s


@pytest.mark.parametrize("fold", [np.zeros(60, int), np.arange(60) % 3])
def test_a_correlation_with_lists_is_that_of_deviations_from_their_means(fold):
    rng = np.random.default_rng(4)
    lists = rng.integers(3, size=60)
    x, y = rng.normal(size=(2, 60)) + lists
    left = np.stack([x, y])
    for k in np.unique(3 * fold + lists):
        inside = 3 * fold + lists == k
        left[:, inside] -= left[:, inside].mean(axis=1, keepdims=True)
    drawn = resample(fold, 20)._replace(block=lists)
    found = correlation_figure(x, y, np.ones(60, bool), drawn).value
    each = [np.corrcoef(left[:, fold == k])[0, 1] for k in np.unique(fold)]
    assert found == pytest.approx(np.average(each, weights=np.bincount(fold) - 1))
