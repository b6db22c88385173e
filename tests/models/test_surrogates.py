"""Other connectomes in a person's place, and what a change in one person may not change."""

import numpy as np
import pytest

from dtb_jax.data.folds import by_run, group_k_fold, nested, time_split
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.assessment import scored_parts
from dtb_jax.evaluation.imaging import bold
from dtb_jax.models import baselines, profile_regression
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profile_regression import regression
from dtb_jax.models.regression import kernel_ridge, ridge
from dtb_jax.models.surrogates import (
    DRAWS,
    is_draw,
    is_matrix,
    same_spectrum,
    surrogate_connectomes,
)
from dtb_jax.twin.connectome import edge_count, edges, fisher_z
from tests.data.test_folds import RUNS, make_cohort
from tests.models.test_profiles import behave_otherwise

PARCELS = 30


def correlations(samples, seed=0, parcels=PARCELS):
    rng = np.random.default_rng(seed)
    mix = np.eye(parcels) + 0.4 * rng.normal(size=(parcels, parcels))
    return np.corrcoef(rng.normal(size=(samples, parcels)) @ mix, rowvar=False)


def whole(edge, parcels=PARCELS):
    matrix = np.eye(parcels)
    upper = np.triu_indices(parcels, k=1)
    matrix[upper] = matrix.T[upper] = np.tanh(edge)
    return matrix


@pytest.mark.parametrize("samples", [20, 60, 400], ids=["singular", "few", "many"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_surrogate_keeps_the_spectrum_and_nothing_else(samples, dtype):
    matrix = correlations(samples)
    own = np.asarray(fisher_z(edges(matrix)), dtype)
    for seed in range(5):
        found = same_spectrum(own, np.random.default_rng(seed))
        assert found.dtype == dtype and found.shape == own.shape
        surrogate = whole(found.astype(float))
        np.testing.assert_allclose(
            np.linalg.eigvalsh(surrogate), np.linalg.eigvalsh(matrix), atol=2e-3
        )
        assert abs(np.corrcoef(found, own)[0, 1]) < 0.3


def test_surrogates_are_drawn_anew():
    own = np.asarray(fisher_z(edges(correlations(100))), float)
    rng = np.random.default_rng(0)
    first, second = (same_spectrum(own, rng) for _ in range(2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


@pytest.mark.parametrize("people", [2, 3, 10, 57])
def test_nobody_keeps_their_own(people):
    for seed in range(20):
        order = baselines.derangement(people, seed)
        np.testing.assert_array_equal(np.sort(order), np.arange(people))
        assert (order != np.arange(people)).all()
    orders = {tuple(baselines.derangement(people, seed)) for seed in range(20)}
    assert len(orders) > (people > 2)


@pytest.fixture(scope="module")
def cohort():
    found = make_cohort(16, runs=RUNS)
    other = np.zeros_like(found.connectomes)
    other[:12] = found.connectomes[:12] + 0.01
    return found._replace(other_connectomes=other, other_present=np.arange(16) < 12)


def owner(cohort, edge):
    """Whose connectome it is."""
    (who,) = np.flatnonzero((cohort.connectomes == edge).all(1))
    return who


def test_unseen_people_are_shown_others_connectomes(cohort):
    before = cohort.connectomes.copy()
    for fold in group_k_fold(cohort, 3, seed=0):
        tested, trained = (np.flatnonzero(p.people) for p in (fold.test, fold.training))
        shown = surrogate_connectomes(cohort, fold, seed=4)
        shuffled = [owner(cohort, shown["shuffled_connectome"][i]) for i in tested]
        assert sorted(shuffled) == list(tested) and (shuffled != tested).all()
        strangers = [owner(cohort, shown["another_person"][i]) for i in tested]
        assert set(strangers) <= set(trained)
        mean = before[trained].mean(0)
        np.testing.assert_allclose(shown["group_mean_connectome"][tested], [mean] * len(tested))
        other = shown["other_rest_run"]
        np.testing.assert_array_equal(np.isnan(other).all(1), ~cohort.other_present)
        np.testing.assert_array_equal(np.isnan(other).any(1), ~cohort.other_present)
        np.testing.assert_array_equal(other[:12], cohort.other_connectomes[:12])
        for i in tested:
            surrogate = np.linalg.eigvalsh(whole(shown["surrogate"][i], 8))
            positive = np.maximum(np.linalg.eigvalsh(whole(before[i], 8)), 1e-6)
            np.testing.assert_allclose(surrogate, positive * 8 / positive.sum(), atol=2e-3)
    np.testing.assert_array_equal(cohort.connectomes, before)
    assert (cohort.other_connectomes[12:] == 0).all()


def test_shuffled_connectomes_are_drawn_several_times(cohort):
    (fold, *_) = group_k_fold(cohort, 2, seed=0)
    tested = np.flatnonzero(fold.test.people)
    shown = surrogate_connectomes(cohort, fold, seed=4)
    drawn = [edges for name, edges in shown.items() if is_draw(name)]
    assert len(drawn) == DRAWS and not is_draw("shuffled_retrained")
    orders = {tuple(owner(cohort, edges[i]) for i in tested) for edges in drawn}
    assert len(orders) == DRAWS
    assert all(sorted(order) == list(tested) and (order != tested).all() for order in orders)


def test_the_mean_t_map_is_the_training_peoples(cohort):
    fold = folds_of_people(cohort)[0]
    for run, told in zip(cohort.runs, baselines.group_t_map(cohort, fold), strict=True):
        glm = make_glm(run, fold.training.start_s, fold.training.stop_s)
        t = person_t(glm, run.bold[:, glm.volumes])[fold.training.people]
        np.testing.assert_allclose(told.person_t, np.tile(np.nanmean(t, 0), (16, 1)), rtol=1e-5)
        assert not told.personal and told.choice is None


def test_one_map_of_everybody_is_compared_with_the_group_map(cohort):
    (fold, *_) = group_k_fold(cohort, 2, seed=0)
    scored = scored_parts(cohort, fold.test, np.where(fold.test.people, 0, -1), draws=50)
    seen = [
        metrics.group_t(part.t, np.isfinite(part.t).all(1) & fold.test.people, np.ones((1, 16)))[0]
        for part in scored
    ]
    tested = fold.test.people[:, None]  # as folds are put together: nothing of others
    told = [Prediction(person_t=np.where(tested, 3 * t, np.nan), personal=False) for t in seen]
    figures = bold(scored, told)
    assert set(figures) == {"group_t_r"}
    assert figures["group_t_r"].value == pytest.approx(1)
    turned = [one._replace(person_t=-one.person_t) for one in told]
    assert bold(scored, turned)["group_t_r"].value == pytest.approx(-1)


def test_people_who_trained_are_shown_no_stranger(cohort):
    (fold,) = time_split(cohort, 50.0, 120.0)
    assert "another_person" not in surrogate_connectomes(cohort, fold, seed=0)
    alone = surrogate_connectomes(
        cohort._replace(other_connectomes=None, other_present=None), fold, seed=0
    )
    assert "other_rest_run" not in alone
    odd = cohort._replace(connectomes=np.ones((16, 27), np.float32), other_connectomes=None)
    assert "surrogate" not in surrogate_connectomes(odd, fold, seed=0)
    assert is_matrix(edge_count(434)) and not is_matrix(27)


FIELDS = (
    "choice",
    "choice_probability",
    "omission_probability",
    "reaction_time_s",
    "reaction_time_sd_s",
    "quantiles_s",
    "person_time_s",
    "condition_time_s",
    "bold",
    "person_t",
)


def assert_same(found, other, people):
    for one, two in zip(found, other, strict=True):
        for name in FIELDS:
            a, b = getattr(one, name), getattr(two, name)
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a[people], b[people], rtol=1e-9, err_msg=name)


def on_edges(cohort, fold):
    return regression(cohort, fold, cohort.connectomes, ridge)


def demographics(cohort, fold):
    known = profile_regression.demographics(cohort, fold.training)
    return regression(cohort, fold, known, ridge)


MODELS = [
    on_edges,
    lambda cohort, fold: regression(cohort, fold, cohort.connectomes, kernel_ridge),
    demographics,
    baselines.always_correct,
    baselines.condition_mean,
    baselines.item_means,
    baselines.group_mean,
    baselines.group_t_map,
]
NAMES = ["ridge", "kernel", "demographics", "correct", "condition", "item", "group", "t map"]


def live_otherwise(cohort, people):
    """Other presses and other brain activity in these people's runs."""
    rng, runs = np.random.default_rng(6), []
    for run in cohort.runs:
        noise = 3 * rng.normal(size=run.bold.shape) * run.bold_mask[..., None]
        bold = np.where(people[:, None, None], noise, run.bold)
        runs.append(behave_otherwise(run, people)._replace(bold=bold))
    return cohort._replace(runs=tuple(runs))


def folds_of_people(cohort):
    people = group_k_fold(cohort, 2, seed=0)
    other = [*time_split(cohort, 60.0, 120.0), *by_run(cohort, [name for _, name in RUNS[2:]])]
    return [people[0], *(nested(people, fold)[1] for fold in other)]


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["people", "time", "run"])
def test_what_tested_people_do_changes_nothing_that_is_told_of_them(cohort, kind, model):
    fold = folds_of_people(cohort)[kind]
    other = live_otherwise(cohort, fold.test.people)
    assert_same(model(cohort, fold), model(other, fold), fold.test.people)


@pytest.mark.parametrize("model", MODELS[:1] + MODELS[2:3] + MODELS[4:], ids=lambda m: m.__name__)
def test_what_training_people_do_changes_what_is_told(cohort, model):
    fold = folds_of_people(cohort)[0]
    with pytest.raises(AssertionError):
        test = fold.test.people
        assert_same(model(cohort, fold), model(live_otherwise(cohort, ~test), fold), test)


def test_a_tested_persons_connectome_tells_of_that_person_only(cohort):
    fold = folds_of_people(cohort)[0]
    me = np.flatnonzero(fold.test.people)[0]
    spoilt = cohort.connectomes.copy()
    spoilt[me] = 0.9 - spoilt[me]
    found, other = on_edges(cohort, fold), on_edges(cohort._replace(connectomes=spoilt), fold)
    assert_same(found, other, fold.test.people & (np.arange(16) != me))
    assert any((a.person_t[me] != b.person_t[me]).any() for a, b in zip(found, other))


def test_only_tested_people_are_told_of(cohort):
    fold = folds_of_people(cohort)[0]
    for told in on_edges(cohort, fold):
        for field in (told.reaction_time_s, told.person_time_s, told.person_t):
            assert np.isfinite(field[fold.test.people]).all()
            assert np.isnan(field[~fold.test.people]).all()
