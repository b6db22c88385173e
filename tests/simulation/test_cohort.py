"""A simulated cohort reads like TCP's, knows its truth, can be resumed, repeats to the bit."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import DataConfig, read_cohort
from dtb_jax.data.bids import read_events
from dtb_jax.data.derivatives import find_imaging
from dtb_jax.data.ledger import DataError
from dtb_jax.simulation import cohort as writer
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import DESIGNS
from dtb_jax.simulation.cohort import simulate_behaviour, write_cohort
from dtb_jax.simulation.layout import events_path, imaging_path
from dtb_jax.simulation.parameters import RUNS
from dtb_jax.simulation.people import gather, has_truth, load_connectomes, load_truth
from dtb_jax.simulation.presses import as_trials
from dtb_jax.simulation.world import draw_subject, make_world
from tests.small import write_small_cohort


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=8, parcels=32)


def tree(root):
    return {p.relative_to(root): p for p in sorted(root.rglob("*")) if p.is_file()}


def test_files(folder):
    assert json.loads((folder / "dataset_description.json").read_text())["simulated"] is True
    people = pd.read_csv(folder / "participants.tsv", sep="\t")
    assert {"participant_id", "age", "sex", "Site", "Group"} <= set(people.columns)
    found = find_imaging(folder)
    assert found.simulated and sorted(found.series) == list(people["participant_id"])
    for runs in found.series.values():
        shapes = {}
        for run, path in runs.items():
            with h5py.File(path) as file:
                assert file.attrs["simulated"] and file["data"].dtype == np.float64
                shapes[run] = file["data"].shape
        assert shapes == {
            "restAP_run-01": (32, 240),
            "restAP_run-02": (32, 240),
            "hammerAP_run-01": (32, 493),
            "stroopAP_run-01": (32, 510),
        }


def test_events_have_the_real_columns_and_decode(folder, shared):
    for run, (task, _) in DESIGNS.items():
        real = sorted(shared.glob(f"tcp/sub-*/func/*_task-{run}_events.tsv"))[0]
        made = sorted(folder.glob(f"sub-*/func/*_task-{run}_events.tsv"))
        assert made[0].read_text().splitlines()[0] == real.read_text().splitlines()[0]
        for path in made:
            trials, _ = task.decode(read_events(path, task))
            assert (trials.response_time_s <= trials.deadline_s).all()
            assert trials.answered.mean() > 0.5


def test_what_is_simulated_is_what_is_read(folder):
    world = make_world(choose_parcels(32), seed=0)
    subjects = [draw_subject(world, f"sub-SIM{k + 1:05d}") for k in range(8)]
    simulated = simulate_behaviour(world, gather(world.truth, subjects))
    for run in RUNS:
        task = DESIGNS[run][0]
        kept = as_trials(run, simulated[run])
        for k, subject in enumerate(subjects):
            read, _ = task.decode(read_events(events_path(folder, subject.name, run), task))
            for name in read._fields:
                mine = getattr(kept, name)[k]
                np.testing.assert_allclose(mine, getattr(read, name), atol=1e-6, err_msg=name)


def test_the_truth_comes_back(folder):
    world = make_world(choose_parcels(32), seed=0)
    truth, people = load_truth(folder)
    np.testing.assert_array_equal(truth.causes.weights, world.truth.causes.weights)
    np.testing.assert_array_equal(truth.items[RUNS[0]], world.truth.items[RUNS[0]])
    few = people.of(["sub-SIM00005", "sub-SIM00002"])
    subject = draw_subject(world, "sub-SIM00005")
    np.testing.assert_allclose(few.scores[0], subject.scores, rtol=1e-6)
    np.testing.assert_allclose(few.gains.faces[0], subject.gains.faces)
    (edges,) = load_connectomes(folder, ["sub-SIM00005"])
    np.testing.assert_array_equal(edges, subject.edges)
    direct = truth.true_parameters(edges, subject.residual)
    for name, value in direct._asdict().items():
        np.testing.assert_allclose(getattr(few.parameters, name)[0], value, rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError, match="no connectome of sub-NOBODY"):
        load_connectomes(folder, ["sub-NOBODY"])
    with pytest.raises(DataError, match="another cohort"):
        people.of(["sub-NOBODY"])
    causes = pd.read_csv(folder / "truth" / "causes.tsv", sep="\t")
    assert set(causes.columns) == {"parameter", "network", "other_network", "edges", "weight"}


def test_only_simulated_cohorts_know_their_causes(tmp_path):
    assert not has_truth(tmp_path)
    with pytest.raises(DataError, match="only simulated cohorts"):
        load_truth(tmp_path)


def test_a_broken_shard_is_one_sentence(tmp_path):
    write_small_cohort(tmp_path, participants=2, parcels=24, series=False)
    shard = tmp_path / "truth" / "people_00000.npz"
    shard.write_bytes(shard.read_bytes()[:500])
    with pytest.raises(DataError, match="people_00000.npz: not a readable part"):
        load_truth(tmp_path)
    (tmp_path / "truth" / "world.npz").write_bytes(b"")
    with pytest.raises(DataError, match="world.npz: not a readable part"):
        load_truth(tmp_path)


def test_seeds_reproduce_to_the_bit(folder, tmp_path):
    write_small_cohort(tmp_path, participants=8, parcels=32)
    first, second = tree(folder), tree(tmp_path)
    assert list(first) == list(second)
    for name, path in first.items():
        if path.suffix == ".h5":
            with h5py.File(path) as a, h5py.File(second[name]) as b:
                np.testing.assert_array_equal(a["data"], b["data"])
        elif path.suffix == ".npz":
            with np.load(path) as a, np.load(second[name]) as b:
                assert all(np.array_equal(a[key], b[key]) for key in a.files)
        else:
            assert path.read_bytes() == second[name].read_bytes(), name


def test_a_person_does_not_depend_on_the_others(folder, tmp_path):
    write_small_cohort(tmp_path, participants=2, parcels=32)
    name = "sub-SIM00002"
    for run in RUNS:
        assert (
            events_path(tmp_path, name, run).read_bytes()
            == events_path(folder, name, run).read_bytes()
        )
    paths = (imaging_path(root, name, "restAP_run-01") for root in (tmp_path, folder))
    with h5py.File(next(paths)) as two, h5py.File(next(paths)) as eight:
        np.testing.assert_array_equal(two["data"], eight["data"])


def test_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CHUNK", 4)
    world = make_world(choose_parcels(24), seed=0)

    def interrupted(chunks):
        yield chunks[0]
        raise KeyboardInterrupt

    options = {"participants": 7, "rest_volumes": 60, "series": False}
    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path, world, progress=interrupted, **options)
    assert write_cohort(tmp_path, world, **options) == {"people": 7, "written": 3}
    assert write_cohort(tmp_path, world, **options) == {"people": 7, "written": 0}
    assert len(load_truth(tmp_path)[1].participants) == 7
    with pytest.raises(DataError, match="more than 6 people"):
        write_cohort(tmp_path, world, **options | {"participants": 6})
    with pytest.raises(DataError, match="another seed"):
        write_cohort(tmp_path, make_world(choose_parcels(24), seed=1), **options)
    assert len(list((tmp_path / "connectomes").glob("*.npy"))) == 7


def test_measured_edges_serve_in_place_of_series(folder, tmp_path):
    write_small_cohort(tmp_path, participants=8, parcels=32, series=False)
    with_series, _ = read_cohort(folder, DataConfig())
    with_edges, _ = read_cohort(tmp_path, DataConfig())
    np.testing.assert_allclose(with_edges.connectomes, with_series.connectomes, atol=1e-4)
    assert with_edges.connectome_source == with_series.connectome_source == "simulated"
    assert (with_edges.bold_source, with_series.bold_source) == ("none", "simulated")
    true = load_connectomes(folder, list(with_series.participants.index))
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(true, with_series.connectomes, strict=True)]
    assert 0.5 < np.mean(r) < 0.98
