"""fMRIPrep's and XCP-D's trees: the same people as from TCP's, or one sentence."""

import shutil

import h5py
import nibabel as nib
import numpy as np
import pytest

from dtb_jax.data import DataConfig, DataError, read_cohort
from dtb_jax.data.derivatives import TCP_FOLDER, TCP_SUFFIX, find_imaging
from dtb_jax.data.entities import Sessions, person_and_run, read_sessions


def write(path, values, names):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, values, delimiter="\t", header="\t".join(names), comments="", fmt="%.9g")


def parcels(root):
    rows = (root / "atlas.tsv").read_text().splitlines()[1:]
    return [row.split("\t")[1] for row in rows]


def tcp_series(root):
    """Person, run and values [volume, parcel] of each of TCP's files."""
    for path in sorted((root / TCP_FOLDER).glob("*/*.h5")):
        with h5py.File(path) as file:
            (values,) = [item[()] for item in file.values() if item.ndim == 2]
        run = path.name.removeprefix("task-").removesuffix(TCP_SUFFIX)
        yield "sub-" + path.parent.name.replace("_", ""), run, values.T


@pytest.fixture
def xcpd(root, tmp_path):
    """A function that writes TCP's series as XCP-D's tables in another folder."""

    def move(session=""):
        out = tmp_path / "xcp_d"
        for person, run, values in tcp_series(root):
            inside = f"{person}/{session}/func" if session else f"{person}/func"
            stem = "_".join(part for part in (person, session, f"task-{run}") if part)
            name = f"{stem}_space-fsLR_seg-Tiny_stat-mean_timeseries.tsv"
            write(out / inside / name, values, parcels(root))
        return out

    return move


def without_tcp(root):
    shutil.rmtree(root / TCP_FOLDER)
    return root


def same_people(found, expected):
    assert list(found.participants.index) == list(expected.participants.index)
    assert found.connectome_source == expected.connectome_source == "simulated"
    np.testing.assert_allclose(found.connectomes, expected.connectomes, atol=1e-4)
    for one, other in zip(found.runs, expected.runs, strict=True):
        np.testing.assert_allclose(one.bold, other.bold, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("session", ["", "ses-01"])
def test_xcpd_tables_are_the_same_cohort(root, xcpd, session):
    expected, _ = read_cohort(root)
    out = xcpd(session=session)
    found, _ = read_cohort(without_tcp(root), DataConfig(derivatives=str(out)))
    same_people(found, expected)
    shutil.move(out, root / "derivatives" / "xcp_d")  # found below the data without being named
    found, _ = read_cohort(root)
    same_people(found, expected)


def test_what_is_no_time_series_is_passed_over(root, xcpd):
    out = xcpd()
    raw = sorted(root.glob("sub-*/func/*_events.tsv"))[0]
    (raw.parent / raw.name.replace("events.tsv", "bold.nii.gz")).touch()
    assert find_imaging(without_tcp(root)).series == {}
    (first, *_) = sorted(out.glob("sub-*/func/*"))
    for ends in ("stat-coverage_bold.tsv", "stat-alff_bold.tsv", "desc-confounds_timeseries.tsv"):
        (first.parent / first.name.replace("stat-mean_timeseries.tsv", ends)).write_text("x\n1\n")
    (first.parent / first.name.replace("stat-mean_timeseries.tsv", "boldref.nii.gz")).touch()
    series = find_imaging(out).series
    assert first in [path for runs in series.values() for path in runs.values()]


def test_another_atlas_or_space_has_to_be_chosen(root, xcpd):
    out = xcpd()
    without_tcp(root)
    (first, *_) = sorted(out.glob("sub-*/func/*"))
    shutil.copy(first, first.parent / first.name.replace("seg-Tiny", "seg-Other"))
    with pytest.raises(DataError, match=r"one of 2 files of this run.*seg-Other or seg-Tiny"):
        read_cohort(root, DataConfig(derivatives=str(out)))
    cohort, _ = read_cohort(root, DataConfig(derivatives=str(out), entities=("seg-Tiny",)))
    assert len(cohort.connectomes) == 4
    for wrong, said in (
        ("Tiny", "expected ENTITY-LABEL"),
        ("seg-None", "seg-None is in no file name, found seg-Other, seg-Tiny"),
    ):
        with pytest.raises(DataError, match=said):
            read_cohort(root, DataConfig(derivatives=str(out), entities=(wrong,)))


def test_several_sessions_are_named_or_one_is_chosen(root, xcpd):
    expected, _ = read_cohort(root)
    for session in ("ses-1", "ses-2"):
        out = xcpd(session=session)
    without_tcp(root)
    both = DataConfig(
        derivatives=str(out), rest_runs=("ses-2_restAP_run-01", "ses-2_restAP_run-02")
    )
    cohort, ledger = read_cohort(root, both)
    np.testing.assert_allclose(cohort.connectomes, expected.connectomes, atol=1e-4)
    one = DataConfig(derivatives=str(out), session="ses-2")
    same_people(read_cohort(root, one)[0], expected)
    with pytest.raises(DataError, match="--config.session: '3', found 1, 2"):
        read_cohort(root, DataConfig(derivatives=str(out), session="3"))


def test_directions_are_part_of_a_run(tmp_path):
    name = "sub-A_ses-1_task-rest_acq-x_dir-AP_run-01_bold.nii.gz"
    assert person_and_run(tmp_path / name) == ("sub-A", "rest_dir-AP_run-01")
    told = person_and_run(tmp_path / name, Sessions(named=True))
    assert told == ("sub-A", "ses-1_rest_dir-AP_run-01")
    assert person_and_run(tmp_path / name, Sessions(only="2")) is None
    assert person_and_run(tmp_path / "participants.tsv") is None
    assert read_sessions([tmp_path]) == Sessions()


def test_runs_that_nobody_in_the_cohort_has_cost_a_line(root):
    (first, *_) = sorted(root.glob("sub-*/func/*stroopAP_run-01_events.tsv"))
    lone = root / "sub-LONE" / "func" / "sub-LONE_task-stroopAP_run-7_events.tsv"
    lone.parent.mkdir(parents=True)
    shutil.copy(first, lone)
    broken = first.parent / first.name.replace("run-01", "run-8")
    broken.write_text("onset\n")
    cohort, ledger = read_cohort(root, DataConfig(runs=()))
    names = {"hammerAP_run-01", "stroopAP_run-01", "stroopPA_run-01"}
    assert {run.name for run in cohort.runs} == names
    for run in ("stroopAP_run-07", "stroopAP_run-08"):
        assert [e.reason for e in ledger.entries if (e.participant, e.run) == ("all", run)] == [
            "nobody in the cohort has this run: not read"
        ]


def test_runs_and_tasks_that_are_not_read_are_told(root):
    _, ledger = read_cohort(root, DataConfig(runs=("hammerAP_run-01", "stropAP_run-01")))
    told = {entry.run: entry.reason for entry in ledger.entries if entry.participant == "all"}
    assert told["stropAP_run-01"].startswith("no events of this run, found hammerAP_run-01")
    assert "nothing of stroop is read" in told["stroopAP_run-01"]


def test_events_twice_are_refused(root):
    (first, *_) = sorted(root.glob("sub-*/func/*hammerAP_run-01_events.tsv"))
    shutil.copy(first, first.parent / first.name.replace("_run-01", "_acq-b_run-01"))
    with pytest.raises(DataError, match="the same run is also"):
        read_cohort(root)


def test_fmriprep_images_with_an_atlas_image(root, tmp_path):
    number = len(parcels(root))
    labels = np.arange(64).reshape(4, 4, 4)
    labels[labels > number] = 0
    nib.save(nib.Nifti1Image(labels.astype(np.int16), np.eye(4)), tmp_path / "dseg.nii.gz")
    expected, _ = read_cohort(root)
    for person, run, values in tcp_series(root):
        image = np.zeros((4, 4, 4, len(values)), np.float32)
        for k in range(number):
            image[labels == k + 1] = values[:, k]
        folder = tmp_path / "fmriprep" / person / "func"
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{person}_task-{run}_space-MNI152NLin2009cAsym"
        nib.save(nib.Nifti1Image(image, np.eye(4)), folder / f"{stem}_desc-preproc_bold.nii.gz")
        (folder / f"{stem}_desc-brain_mask.nii.gz").touch()
        (folder / f"{person}_task-{run}_desc-confounds_timeseries.tsv").write_text(
            "framewise_displacement\nn/a\n0.2\n"
        )
    chosen = DataConfig(
        derivatives=str(tmp_path / "fmriprep"), atlas_image=str(tmp_path / "dseg.nii.gz")
    )
    found, _ = read_cohort(without_tcp(root), chosen)
    same_people(found, expected)
    np.testing.assert_allclose(found.participants["motion_mm"], 0.2)


def test_xcpd_tells_motion(root, xcpd):
    out = xcpd()
    for path in sorted(out.glob("sub-*/func/*rest*_timeseries.tsv")):
        stem = path.name.split("_space-")[0]
        (path.parent / f"{stem}_motion.tsv").write_text("rot_x\tframewise_displacement\n0\t0.1\n")
    cohort, _ = read_cohort(without_tcp(root), DataConfig(derivatives=str(out)))
    np.testing.assert_allclose(cohort.participants["motion_mm"], 0.1)


def test_a_folder_of_derivatives_that_is_none(root):
    with pytest.raises(DataError, match="--config.derivatives: .*no such folder"):
        read_cohort(root, DataConfig(derivatives=str(root / "nowhere")))
