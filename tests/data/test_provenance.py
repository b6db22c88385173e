"""What is kept tells whose data it was made from, and is used for no one else's."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dtb_jax.data import provenance
from dtb_jax.data.folds import group_k_fold, time_split
from dtb_jax.data.ledger import DataError
from dtb_jax.evaluation.crossvalidation import cross_validate, is_kept, origin_of, told_at
from dtb_jax.models.paper_twin import PaperTwin, restore
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Rule
from dtb_jax.twin.config import TwinConfig
from dtb_jax.types import Cohort, Run
from tests.data.test_folds import make_cohort
from tests.small import SETTINGS

PEOPLE = 12


def some(cohort: Cohort, rows) -> Cohort:
    """These people's rows."""
    runs = tuple(
        Run(
            run.task,
            run.name,
            type(run.trials)(*(field[rows] for field in run.trials)),
            *(field[rows] for field in run[3:]),
        )
        for run in cohort.runs
    )
    return cohort._replace(
        participants=cohort.participants.iloc[rows],
        connectomes=cohort.connectomes[rows],
        runs=runs,
    )


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(PEOPLE)


def changed(before, now, kinds=provenance.OF_FIGURES):
    first, then = provenance.of_people(before), provenance.of_people(now)
    return provenance.changed(json.loads(json.dumps(first)), then, "since then", kinds)


def test_of_people_finds_nothing_changed_in_the_same_data_of_another_machine(cohort):
    rng = np.random.default_rng(0)
    noise = 1 + 1e-7 * rng.standard_normal(cohort.connectomes.shape)
    assert changed(cohort, cohort) == ""
    assert changed(cohort, cohort._replace(connectomes=cohort.connectomes * noise)) == ""


def test_changed_names_people_who_came_and_went(cohort):
    told = changed(some(cohort, np.arange(9)), some(cohort, np.arange(2, 12)))
    assert "3 people are new" in told and "2 people are gone" in told and "sub-009 first" in told
    assert "1 person is gone" in changed(cohort, some(cohort, np.arange(11)))


@pytest.mark.parametrize("kind", ["connectome", "events", "stimulus", "bold", "age"])
def test_changed_names_the_kind_of_data_and_the_first_person(cohort, kind):
    if kind == "connectome":
        edges = cohort.connectomes.copy()
        edges[4, [0, 1]] = edges[4, [1, 0]]
        now, words = cohort._replace(connectomes=edges), "connectome of 1 person changed"
    elif kind == "age":
        table = cohort.participants.copy()
        table.loc["sub-004", "age"] += 1
        now, words = cohort._replace(participants=table), "participants.tsv of 1 person"
        assert changed(cohort, now, provenance.OF_THE_TWIN) == ""
    else:
        run = cohort.runs[1]
        if kind == "events":
            times = run.trials.response_time_s.copy()
            times[4, 3] += 0.01
            run = run._replace(trials=run.trials._replace(response_time_s=times))
        elif kind == "stimulus":
            shown = run.stimulus.copy()
            shown[4, 7, 0] += 1
            run = run._replace(stimulus=shown)
        else:
            bold = run.bold.copy()
            bold[4, 3] += 0.1
            run = run._replace(bold=bold)
        now = cohort._replace(runs=(cohort.runs[0], run))
        words = "BOLD of 1 person" if kind == "bold" else "events of 1 person"
    told = changed(cohort, now)
    assert words in told and "sub-004 first" in told


def own_numbers(cohort, fold):
    """Everybody's first edge."""
    return [Prediction(person_time_s=cohort.connectomes[:, 0])]


@pytest.mark.parametrize("rows", [np.r_[0:3, 4:12], np.r_[0:12][::-1], np.arange(11)])
def test_kept_folds_never_tell_other_people(cohort, tmp_path, rows):
    for now in (cohort, some(cohort, rows), cohort):
        folds = group_k_fold(now, 3, seed=0)
        told = cross_validate(now, folds, {"own": Rule(own_numbers)}, folder=tmp_path)
        np.testing.assert_array_equal(
            told.predictions["own"][0].person_time_s, now.connectomes[:, 0]
        )


def test_kept_folds_of_other_times_or_covariates_are_made_anew(cohort, tmp_path):
    calls = []

    def family(cohort, fold):
        calls.append(fold.name)
        return own_numbers(cohort, fold)

    def ask(now, split_s):
        cross_validate(now, time_split(now, split_s), {"own": Rule(family)}, folder=tmp_path)

    ask(cohort, 50.0)
    ask(cohort, 50.0)
    assert len(calls) == 1
    ask(cohort, {run.name: 50.0 for run in cohort.runs})  # the same, said otherwise
    ask(cohort, 40.0)
    assert len(calls) == 2
    older = cohort._replace(participants=cohort.participants.assign(age=99.0))
    ask(older, 40.0)
    assert len(calls) == 3


def test_a_fold_without_an_origin_is_made_anew(cohort, tmp_path):
    (fold,) = time_split(cohort, 50.0)
    origin = origin_of(provenance.of_people(cohort), cohort, fold)
    path = told_at(tmp_path, fold, "own")
    assert not is_kept(path, origin)
    np.savez(path, seconds=np.array(1.0), **{"own|0|person_time_s": np.zeros(PEOPLE)})
    assert not is_kept(path, origin)
    told = cross_validate(cohort, [fold], {"own": Rule(own_numbers)}, folder=tmp_path)
    assert told.predictions["own"][0].person_time_s[0] == cohort.connectomes[0, 0]
    assert is_kept(path, origin)
    with np.load(path) as file:
        made_of = json.loads(str(file["made_of"]))
    assert list(made_of["people"]) == list(cohort.participants.index)


TWIN = PaperTwin(TwinConfig(units=8, width=8, scale=0.03), replace(SETTINGS, epochs=1))


def train(cohort, folder, **options):
    (fold,) = time_split(cohort, 60.0)
    twin = TWIN._replace(folder=folder.parent, **options)
    return twin.fit(cohort, fold.training._replace(name=folder.name))


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "checkpoints"
    train(cohort, folder)
    return folder


def test_a_training_goes_on_with_its_own_people_alone(cohort, trained):
    assert train(cohort, trained).timing["resumed_after"] == 1
    with pytest.raises(DataError, match="1 person is gone since this was trained, sub-011 first"):
        train(some(cohort, np.arange(11)), trained)
    with pytest.raises(DataError, match="other seed"):
        train(cohort, trained, seed=1)
    shuffled = cohort._replace(connectomes=cohort.connectomes[::-1])
    with pytest.raises(DataError, match="connectome of 12 people changed"):
        train(shuffled, trained)


def test_a_twin_is_restored_for_those_it_was_trained_on(cohort, trained):
    assert restore(TWIN, trained, cohort).history
    with pytest.raises(DataError, match="sub-011"):
        restore(TWIN, trained, some(cohort, np.arange(11)))


def test_checkpoints_with_options_in_another_form_are_refused_in_a_sentence(cohort, tmp_path):
    from dtb_jax.twin.checkpoint import Checkpoints

    made_of = {"people": provenance.of_people(cohort), "choices": {"recipe": {}, "seed": 0}}
    store = Checkpoints(tmp_path / "old")
    store.save(1, {"a": np.zeros(2)}, {"history": [], "made_of": made_of})
    store.close()
    with pytest.raises(DataError, match="another version of dtb_jax.*name another folder"):
        train(cohort, tmp_path / "old")


def test_checkpoints_of_an_older_version_are_refused_in_a_sentence(cohort, trained, tmp_path):
    from dtb_jax.twin.checkpoint import Checkpoints

    store = Checkpoints(tmp_path / "old")
    store.save(1, {"a": np.zeros(2)}, {"history": []})
    store.close()
    with pytest.raises(DataError, match="older version.*name another folder"):
        train(cohort, tmp_path / "old")
