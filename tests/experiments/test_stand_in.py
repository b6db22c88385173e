"""The stand-in has the names, shapes and labels of TCP's files and resumes."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from dtb_jax.data.derivatives import find_imaging
from dtb_jax.data.ledger import DataError
from dtb_jax.simulation.layout import imaging_path, write_imaging
from dtb_jax.simulation.stand_in import read_manifest, write_stand_in

ROOT = Path(__file__).parents[2]
CUT = "restAP_run-02"
RUNS = ("restAP_run-01", CUT, "stroopAP_run-01", "hammerAP_run-01")


@pytest.fixture(scope="module")
def events(shared, tmp_path_factory):
    """Three people: the first two, and one whose second rest run was cut short."""
    lengths = read_manifest(shared / "tcp" / "timeseries_manifest.tsv")
    cut = next(
        name
        for (name, run), volumes in sorted(lengths.items())
        if run == CUT and volumes < 480 and (shared / "tcp" / name).is_dir()
    )
    root = tmp_path_factory.mktemp("events")
    names = {path.name for path in sorted(shared.glob("tcp/sub-*"))[:2]} | {cut}
    for name in names:
        (root / name).symlink_to(shared / "tcp" / name)
    for name in ("participants.tsv", "timeseries_manifest.tsv", "dataset_description.json"):
        (root / name).symlink_to(shared / "tcp" / name)
    return root, shared / "atlas" / "tcp_434.tsv", cut, lengths


@pytest.fixture(scope="module")
def cohort(events, tmp_path_factory):
    root, atlas, *_ = events
    out = tmp_path_factory.mktemp("out") / "cohort"
    assert write_stand_in(root, out, atlas=atlas, runs=RUNS)["people"] == 3
    return out


def test_names_shapes_and_labels(events, cohort):
    _, _, cut, lengths = events
    found = find_imaging(cohort).series
    assert len(found) == 3
    for name, runs in found.items():
        assert (cohort / name / "func").is_dir()
        for run, path in runs.items():
            assert path.parent.name == name.removeprefix("sub-").replace("NDAR", "NDAR_")
            with h5py.File(path) as file:
                assert list(file) == ["data"] and file["data"].dtype == np.float64
                assert file["data"].shape == (434, lengths[name, run])
                assert file["data"].compression is None
                assert file.attrs["simulated"] and file.attrs["seed"] == 0
                assert file.attrs["repetition_time_s"] == 0.8 and "generator" in file.attrs
    with h5py.File(found[cut][CUT]) as file:
        assert file["data"].shape[1] < 480


def test_companions(cohort):
    for name in ("participants.tsv", "timeseries_manifest.tsv", "atlas.tsv"):
        assert (cohort / name).is_file()
    assert '"simulated_imaging": true' in (cohort / "dataset_description.json").read_text()


def test_resumes_and_repeats(events, cohort):
    root, atlas, cut, _ = events
    path = imaging_path(cohort, cut, CUT)
    with h5py.File(path) as file:
        before = file["data"][()]
    path.unlink()
    path.with_name(path.name + ".tmp").write_bytes(b"interrupted")
    counts = write_stand_in(root, cohort, atlas=atlas, runs=RUNS)
    assert counts["written"] == 1 and not list(cohort.rglob("*.tmp"))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data"], before)


def test_people_do_not_depend_on_each_other(events, cohort, tmp_path):
    root, atlas, *_ = events
    write_stand_in(root, tmp_path, atlas=atlas, runs=RUNS[:1], participants=1)
    (path,) = tmp_path.rglob("*.h5")
    with h5py.File(path) as one, h5py.File(cohort / path.relative_to(tmp_path)) as three:
        np.testing.assert_array_equal(one["data"], three["data"])


def test_never_overwrites_measured_series(events, tmp_path):
    root, atlas, *_ = events
    name = min(path.name for path in root.glob("sub-*"))
    path = imaging_path(tmp_path, name, "restAP_run-01")
    write_imaging(path, np.zeros((488, 434)), 0)
    with h5py.File(path, "a") as file:
        del file.attrs["simulated"]
    with pytest.raises(DataError, match="measured"):
        write_stand_in(root, tmp_path, atlas=atlas, runs=RUNS[:1])


def test_bad_input(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        write_stand_in(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(DataError, match="_events.tsv"):
        write_stand_in(tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match="restXY"):
        write_stand_in(tmp_path, tmp_path / "out", runs=["restXY_run-01"])
    with pytest.raises(DataError, match="from"):
        write_stand_in(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("option", "reason"),
    [("--config.events=nowhere", "no such folder"), ("--config.seed=x", "seed")],
)
def test_command_line_says_why(option, reason, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "experiments.stand_in", option, f"--workdir={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (1, 2) and reason in done.stderr
    assert "Traceback" not in done.stderr
