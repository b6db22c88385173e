"""Every model on every fold, once: kept, merged, and gone on with."""

from types import SimpleNamespace

import numpy as np
import pytest

from dtb_jax.data.folds import group_k_fold
from dtb_jax.evaluation.crossvalidation import cross_validate, load, merge, save
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Rule
from tests.data.test_folds import make_cohort

PEOPLE = 15


@pytest.fixture(scope="module")
def data():
    cohort = make_cohort(PEOPLE)
    return cohort, group_k_fold(cohort, 3, seed=0)


def echo(cohort, fold):
    """Everybody's own number, in every run."""
    own = np.arange(len(cohort.connectomes), dtype=float)
    one = Prediction(person_time_s=own, choice=np.tile(own.astype(int)[:, None], 4), personal=False)
    return [one, one]


def same(found, other):
    for one, two in zip(found, other, strict=True):
        for a, b in zip(one, two, strict=True):
            assert type(a) is type(b)
            if a is not None:
                np.testing.assert_array_equal(a, b)


def test_everybody_is_told_of_in_their_fold(data):
    cohort, folds = data
    told = cross_validate(cohort, folds, {"echo": Rule(echo)})
    for k, fold in enumerate(folds):
        assert (told.fold[fold.test.people] == k).all()
    for run in told.predictions["echo"]:
        np.testing.assert_array_equal(run.person_time_s, np.arange(PEOPLE))
        np.testing.assert_array_equal(run.choice[:, 3], np.arange(PEOPLE))
        assert run.personal is False and run.bold is None


def test_nothing_is_told_of_people_nobody_tested(data):
    cohort, folds = data
    told = cross_validate(cohort, folds[:2], {"echo": Rule(echo)})
    rest = folds[2].test.people
    np.testing.assert_array_equal(told.fold == -1, rest)
    for run in told.predictions["echo"]:
        np.testing.assert_array_equal(np.isnan(run.person_time_s), rest)
        assert (run.choice[rest] == 0).all()  # whole numbers have no NaN


def test_merged_rows_stand_where_they_belong():
    rng = np.random.default_rng(1)
    rows = [np.array([4, 0]), np.array([2]), np.array([], int)]
    series = [rng.normal(size=(len(r), 3, 2)).astype(np.float32) for r in rows]
    whole = merge(rows, [Prediction(bold=one) for one in series], 6).bold
    assert whole.dtype == np.float32
    for inside, one in zip(rows, series):
        np.testing.assert_array_equal(whole[inside], one)
    assert np.isnan(whole[[1, 3, 5]]).all()


def test_a_field_that_one_fold_lacks_is_dropped():
    parts = [Prediction(person_time_s=np.ones(1), personal=True), Prediction(personal=False)]
    whole = merge([np.array([1]), np.array([0])], parts, 2)
    assert whole.person_time_s is None and not whole.personal


def test_a_file_holds_all_that_was_told(tmp_path):
    rng = np.random.default_rng(0)
    one = Prediction(choice=rng.integers(3, size=(4, 5)), bold=rng.normal(size=(4, 6, 2)))
    two = Prediction(quantiles_s=np.full((4, 5, 3), np.nan), personal=False)
    path = tmp_path / "below" / "fold.npz"
    save(path, {"a": [one, two], "b": [two]}, 1.5)
    found, seconds = load(path)
    assert seconds == 1.5 and list(found) == ["a", "b"]
    same(found["a"], [one, two])
    same(found["b"], [two])
    assert [p.name for p in path.parent.iterdir()] == ["fold.npz"]
    assert load(tmp_path / "nowhere.npz") is None


def test_half_a_file_is_no_file(data, tmp_path):
    cohort, folds = data
    fitted = []

    def family(cohort, fold):
        fitted.append(fold.name)
        return echo(cohort, fold)

    whole = cross_validate(cohort, folds, {"echo": Rule(family)}, folder=tmp_path)
    path = tmp_path / f"{folds[1].name}_echo.npz"
    content = path.read_bytes()
    for size in (0, 1, 200, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        assert load(path) is None
        fitted.clear()
        again = cross_validate(cohort, folds, {"echo": Rule(family)}, folder=tmp_path)
        assert fitted == [folds[1].name]
        same(again.predictions["echo"], whole.predictions["echo"])


def test_an_interrupted_call_goes_on(data, tmp_path):
    cohort, folds = data
    calls = SimpleNamespace(fitted=[], prepared=[], stop=True)

    def family(name):
        def fit(cohort, fold):
            if calls.stop and fold.name == folds[1].name and name == "second":
                raise KeyboardInterrupt
            calls.fitted.append((fold.name, name))
            return echo(cohort, fold)

        return Rule(fit)

    def prepare(cohort, fold):
        calls.prepared.append(fold.name)
        return cohort

    both = {name: family(name) for name in ("first", "second")}
    options = {"folder": tmp_path, "prepare": prepare}
    with pytest.raises(KeyboardInterrupt):
        cross_validate(cohort, folds, both, **options)
    calls.stop = False
    seen = []
    told = cross_validate(
        cohort, folds, both, **options, on_model=lambda fold, name: seen.append((fold, name))
    )
    names = [fold.name for fold in folds]
    assert sorted(calls.fitted) == sorted((fold, name) for fold in names for name in both)
    assert calls.prepared == [names[0], names[1], names[1], names[2]]
    assert seen == [(fold, name) for fold in names for name in both]
    alone = cross_validate(cohort, folds, both)
    for name in both:
        same(told.predictions[name], alone.predictions[name])
    calls.prepared.clear()
    cross_validate(cohort, folds, both, **options)
    assert calls.prepared == []


def test_models_see_what_was_prepared(data):
    cohort, folds = data
    shifted = {}

    def family(cohort, fold):
        shifted[fold.name] = cohort.connectomes[0, 0]
        return echo(cohort, fold)

    def prepare(cohort, fold):
        return cohort._replace(connectomes=cohort.connectomes + fold.test.people.sum())

    cross_validate(cohort, folds, {"echo": Rule(family)}, prepare=prepare)
    first = cohort.connectomes[0, 0]
    assert shifted == {f.name: pytest.approx(first + f.test.people.sum()) for f in folds}
