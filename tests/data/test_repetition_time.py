"""Repetition time: read from files, compared, and any of them brought to whole network steps."""

import json

import h5py
import nibabel as nib
import numpy as np
import pytest

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.data.repetition_time import Reported, on_grid, reported_by, settle, steps_of
from dtb_jax.data.sidecars import Sidecars
from dtb_jax.data.splits import fit_bold_scale, to_sequences
from dtb_jax.data.timeseries import Expect, read_series
from dtb_jax.types import STEP_S
from tests.data.small_study import NAMES, PARCELS, PEOPLE, TASK, said_of, values_of


def test_json_beside_the_series_is_read(study):
    for person in PEOPLE:
        study.say(person, "flanker", RepetitionTime=2.0)
        study.say(person, "rest", RepetitionTime=1.35)  # of no concern: correlations have no time
    cohort, ledger = study.read()
    assert cohort.repetition_time_s == 2.0
    assert cohort.runs[0].stimulus.shape[1] == TASK * 25
    assert ledger.entries == []
    assert ledger.facts["repetition_time"].endswith("5 of 5 series")


@pytest.mark.parametrize("where", ["derivatives", "raw", "participant"])
def test_json_above_the_series_is_inherited(study, where):
    folder = {"derivatives": study.out, "raw": study.root, "participant": None}[where]
    for person in PEOPLE:
        below = folder or study.root / person / "func"
        name = f"{person}_task-flanker" if folder is None else "task-flanker"
        (below / f"{name}_bold.json").write_text(json.dumps({"RepetitionTime": 1.6}))
    (study.root / "task-rest_bold.json").write_text(json.dumps({"RepetitionTime": 3}))
    cohort, _ = study.read(derivatives=str(study.out))
    assert cohort.repetition_time_s == pytest.approx(1.6)


def test_the_nearest_json_holds(study):
    (study.root / "task-flanker_bold.json").write_text(json.dumps({"RepetitionTime": 1.6}))
    path = study.path(PEOPLE[0], "flanker")
    sidecars = Sidecars(study.out, study.root)
    assert sidecars.of(path, PEOPLE[0])["RepetitionTime"][0] == 1.6
    study.say(PEOPLE[0], "flanker", RepetitionTime=2.0)
    fresh = Sidecars(study.out, study.root)
    assert fresh.of(path, PEOPLE[0])["RepetitionTime"][0] == 2.0
    assert fresh.of(study.path(PEOPLE[0], "rest"), PEOPLE[0]) == {}


def test_headers_are_read(tmp_path):
    values = values_of(1, 30)
    models = [
        (name, nib.cifti2.BrainModelAxis.from_surface([k], PARCELS, "CortexLeft"))
        for k, name in enumerate(NAMES)
    ]
    axes = (
        nib.cifti2.SeriesAxis(0, 735, 30, "SECOND"),
        nib.cifti2.ParcelsAxis.from_brain_models(models),
    )
    axes[0].step = 0.735
    nib.save(nib.Cifti2Image(values.astype(np.float32), axes), tmp_path / "s.ptseries.nii")
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["x"] = values
        file["x"].attrs["RepetitionTime"] = 2.1
    atlas = np.arange(1, PARCELS + 1, dtype=np.int16).reshape(PARCELS, 1, 1)
    nib.save(nib.Nifti1Image(atlas, np.eye(4)), tmp_path / "atlas.nii.gz")
    image = nib.Nifti1Image(values.T[:, None, None].astype(np.float32), np.eye(4))
    image.header.set_zooms((1, 1, 1, 1500))
    image.header.set_xyzt_units("mm", "msec")
    nib.save(image, tmp_path / "s.nii.gz")
    expect = Expect(PARCELS, atlas_image=str(tmp_path / "atlas.nii.gz"), names=tuple(NAMES))
    for name, seconds in {"s.ptseries.nii": 0.735, "s.h5": 2.1, "s.nii.gz": 1.5}.items():
        assert read_series(tmp_path / name, expect).repetition_time_s == pytest.approx(seconds)


def test_nothing_said_is_one_line_for_all(study):
    cohort, ledger = study.read()
    assert cohort.repetition_time_s == 0.8
    (entry,) = ledger.entries
    assert entry.participant == "all" and "0.8 s is taken" in entry.reason


def test_people_with_another_repetition_time_have_behaviour_only(study):
    for person in PEOPLE:
        study.say(person, "flanker", RepetitionTime=1.6 if person == PEOPLE[1] else 2.0)
    cohort, ledger = study.read()
    assert cohort.repetition_time_s == 2.0
    assert cohort.runs[0].present.all()
    assert list(cohort.runs[0].bold_mask.any(1)) == [person != PEOPLE[1] for person in PEOPLE]
    assert "1.6 s in sub-02_task-flanker" in said_of(ledger, PEOPLE[1])
    assert "2 s (4 series), 1.6 s (1 series)" in said_of(ledger, "all")


def test_a_site_with_nearly_the_same_repetition_time_is_resampled(study):
    time = np.arange(TASK)
    for i, person in enumerate(PEOPLE):
        own = 2.52 if i < 2 else 2.5
        wave = np.sin(2 * np.pi * time * own / 60)[:, None] * (1 + np.arange(PARCELS))
        study.series(person, "flanker", wave)
        study.say(person, "flanker", RepetitionTime=own)
    cohort, _ = study.read()
    run = cohort.runs[0]
    assert cohort.repetition_time_s == pytest.approx(2.48)
    at = np.arange(run.bold.shape[1]) * 2.48
    for series, mask in zip(run.bold[..., 0], run.bold_mask, strict=True):
        np.testing.assert_allclose(series[mask], 4 * np.sin(2 * np.pi * at[mask] / 60), atol=0.02)


def test_an_option_that_every_file_contradicts_is_refused(study):
    for person in PEOPLE:
        study.say(person, "flanker", RepetitionTime=2.0)
    with pytest.raises(DataError, match="repetition_time_s: 0.8 s, but 2 s in sub-01_task-flanker"):
        study.read(repetition_time_s=0.8)


@pytest.mark.parametrize("seconds", [0.0, -2.0, 800.0, float("nan"), float("inf")])
def test_no_time_between_volumes_is_refused(study, seconds):
    with pytest.raises(DataError, match=r"--config.repetition_time_s: .*expected seconds from"):
        study.read(repetition_time_s=seconds)


def test_milliseconds_in_json_are_refused_or_overruled(study):
    for person in PEOPLE:
        study.say(person, "flanker", RepetitionTime=800)
    with pytest.raises(DataError, match=r"sub-01 .*repetition time 800 in .*is it milliseconds"):
        study.read()
    assert study.read(repetition_time_s=0.8)[0].repetition_time_s == 0.8
    study.say(PEOPLE[0], "flanker", RepetitionTime=0.8)
    cohort, ledger = study.read()
    assert list(cohort.runs[0].bold_mask.any(1)) == [True, False, False, False, False]
    assert "milliseconds" in said_of(ledger, PEOPLE[1])


def test_a_lost_header_says_nothing_and_a_contradiction_is_told(tmp_path):
    path = tmp_path / "sub-1_task-x_timeseries.tsv"
    sidecars = Sidecars(tmp_path, tmp_path)
    assert reported_by(path, 0.0, sidecars, "sub-1", None) == Reported()
    assert reported_by(path, 0.8000001, sidecars, "sub-1", None).where == "its header"
    path.with_suffix(".json").write_text('{"RepetitionTime": 2}')
    found = reported_by(path, 0.8, Sidecars(tmp_path, tmp_path), "sub-1", None)
    assert "2 s in sub-1_task-x_timeseries.json, 0.8 s in its header" in found.problem
    assert reported_by(path, 0.8, Sidecars(tmp_path, tmp_path), "sub-1", 2.0).seconds == 2.0
    path.with_suffix(".json").write_text('{"RepetitionTime": "fast"}')
    assert "'fast'" in reported_by(path, 0.8, Sidecars(tmp_path, tmp_path), "sub-1", None).problem
    path.with_suffix(".json").write_text("{")
    assert "JSON" in reported_by(path, 0.8, Sidecars(tmp_path, tmp_path), "sub-1", None).problem


def test_settle_takes_what_most_say():
    told = {(f"sub-{k}", "a"): Reported(s, "x.json") for k, s in enumerate([1.0, 1.0, 2.0, None])}
    ledger = ExclusionLog()
    assert settle(told, None, ledger) == 1.0
    (entry,) = ledger.entries
    assert "1 series say nothing" in entry.reason


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [(0.8, 10), (2.0, 25), (2.1, 26), (0.735, 9), (1.5, 19), (1.0, 13), (2.5, 31), (3.0, 38)],
)
def test_any_repetition_time_is_whole_steps(seconds, steps):
    assert steps_of(seconds) == steps


def test_resampling_keeps_time_and_masks_what_neighbours_a_gap():
    time = np.arange(60) * 2.1
    values = np.stack([np.sin(time / 9), np.cos(time / 7)], axis=1)
    mask = np.ones(60, bool)
    mask[20:25] = False
    values[~mask] = np.nan
    found, kept = on_grid(values, mask, 2.1, 2.08)
    at = np.arange(len(found)) * 2.08
    assert len(found) == int(59 * 2.1 / 2.08) + 1
    np.testing.assert_allclose(found[kept, 0], np.sin(at[kept] / 9), atol=2e-3)
    assert not kept[(at > 19.01 * 2.1) & (at < 24.99 * 2.1)].any()
    assert kept[(at < 18.9 * 2.1) | (at > 25 * 2.1)].all()
    assert (found[~kept] == 0).all()


@pytest.mark.parametrize("seconds", [2.0, 2.1, 0.735, 1.5, 1.0, 3.0])
def test_a_response_is_found_whatever_the_repetition_time(study, seconds):
    from dtb_jax.twin.bold import condition_regressors

    volumes = int(60 / seconds)
    onset = np.arange(2.0, 42, 8) + 4  # of incongruent trials
    for i, person in enumerate(PEOPLE):
        shape = condition_regressors(onset, np.ones(5), volumes, seconds)[:, [0]]
        noise = 0.02 * shape.std() * values_of(i, volumes)
        study.series(person, "flanker", shape + noise)
        study.say(person, "flanker", RepetitionTime=seconds)
    cohort, _ = study.read()
    (run,) = cohort.runs
    steps = round(cohort.repetition_time_s / STEP_S)
    assert cohort.repetition_time_s == pytest.approx(steps * STEP_S)
    assert run.stimulus.shape[1] == run.bold.shape[1] * steps
    t = person_t(make_glm(run, 0.0, np.inf), run.bold)
    assert (t > 8).all(), t
    part = to_sequences(cohort, 0.0, 40.0, fit_bold_scale(cohort, 40.0, np.arange(5)))
    assert part.bold_mask[:, 0, :490].all()
    np.testing.assert_allclose(
        np.asarray(part.bold[:, 0, ::steps][:, :10]),
        (run.bold[:, :10] - fit_bold_scale(cohort, 40.0, np.arange(5)).mean)
        / fit_bold_scale(cohort, 40.0, np.arange(5)).sd,
        atol=1e-4,
    )


def test_without_task_bold_no_repetition_time_is_refused(study):
    for person in PEOPLE:
        study.path(person, "flanker").unlink()
        study.say(person, "rest", RepetitionTime=2.1)
    for option in (None, 2.1, 0.735):
        cohort, ledger = study.read(repetition_time_s=option)
        assert len(cohort.connectomes) == 5 and cohort.bold_source == "none"
        assert said_of(ledger, "all") == "nobody has BOLD of this run: behaviour only"
