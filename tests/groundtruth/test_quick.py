"""The quick cohort reads like TCP's."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from dtb_jax.data.bids import read_events
from dtb_jax.data.imaging import find_imaging
from dtb_jax.groundtruth.quick import quick_atlas, simulate_behaviour, write_quick_cohort
from dtb_jax.groundtruth.stand_in import imaging_path
from dtb_jax.regions import REGIONS, region_parcels
from dtb_jax.tasks import FACES, STROOP


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("quick")
    write_quick_cohort(out, participants=3, parcels=24)
    return out


def test_files(cohort):
    assert json.loads((cohort / "dataset_description.json").read_text())["simulated"] is True
    people = pd.read_csv(cohort / "participants.tsv", sep="\t")
    assert {"participant_id", "age", "sex", "Site", "Group"} <= set(people.columns)
    found = find_imaging(cohort).series
    assert sorted(found) == list(people["participant_id"])
    for runs in found.values():
        shapes = {}
        for run, path in runs.items():
            with h5py.File(path) as file:
                assert file.attrs["simulated"] and file["data"].dtype == np.float64
                shapes[run] = file["data"].shape
        assert shapes == {
            "restAP_run-01": (24, 240),
            "restAP_run-02": (24, 240),
            "hammerAP_run-01": (24, 493),
            "stroopAP_run-01": (24, 510),
        }


def test_a_person_does_not_depend_on_the_others(cohort, tmp_path):
    write_quick_cohort(tmp_path, participants=1, parcels=24)
    name = "sub-SIM0001"
    events = f"{name}/func/{name}_task-hammerAP_run-01_events.tsv"
    assert (tmp_path / events).read_bytes() == (cohort / events).read_bytes()
    paths = (imaging_path(root, name, "restAP_run-01") for root in (tmp_path, cohort))
    with h5py.File(next(paths)) as one, h5py.File(next(paths)) as three:
        np.testing.assert_array_equal(one["data"], three["data"])


def test_events_have_the_real_columns(cohort, shared):
    for run in ("hammerAP_run-01", "stroopAP_run-01", "stroopPA_run-01"):
        real = sorted(shared.glob(f"tcp/sub-*/func/*_task-{run}_events.tsv"))[0]
        made = sorted(cohort.glob(f"sub-*/func/*_task-{run}_events.tsv"))[0]
        assert made.read_text().splitlines()[0] == real.read_text().splitlines()[0]


def test_events_decode(cohort):
    for task in (FACES, STROOP):
        for path in cohort.glob(f"sub-*/func/*_task-{task.bids_name}*_events.tsv"):
            trials, _ = task.decode(read_events(path, task))
            assert (trials.response_time_s < trials.deadline_s + 1e-9).all()
            assert trials.answered.mean() > 0.7


def test_behaviour_is_like_people():
    people = [simulate_behaviour(np.random.default_rng(i)) for i in range(150)]
    mean, accuracy, omitted = {}, [], []
    for run in ("hammerAP_run-01", "stroopAP_run-01", "stroopPA_run-01"):
        tables = [person[run][1] for person in people]
        mean[run] = np.array([table["response_time"].mean() for table in tables])
        accuracy += [table["accuracy_binarized"].mean() for table in tables]
        omitted += [table["response_time"].isna().mean() for table in tables]
        assert 0.7 < mean[run].mean() < 1.0 and 0.11 < mean[run].std() < 0.22
    assert 0.55 < np.corrcoef(mean["hammerAP_run-01"], mean["stroopAP_run-01"])[0, 1] < 0.85
    assert 0.85 < np.mean(accuracy) < 0.95 and 0.02 < np.mean(omitted) < 0.06


@pytest.mark.parametrize("parcels", [20, 21, 48])
def test_atlas_has_every_region(parcels):
    atlas = quick_atlas(parcels)
    assert len(atlas) == parcels and atlas["name"].is_unique
    assert list(atlas.columns) == ["index", "name", "network", "hemisphere", "structure"]
    assert tuple(region_parcels(list(atlas["name"]))) == REGIONS


def test_too_few_parcels():
    with pytest.raises(ValueError, match="at least 20"):
        quick_atlas(12)
