"""Where files lie: links, sessions, scans of one run, and never two atlases side by side."""

import shutil

import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.derivatives import find_imaging
from dtb_jax.data.entities import Sessions, read_sessions
from dtb_jax.data.files import files_below
from tests.data.small_study import PEOPLE, REST, said_of, values_of


@pytest.mark.parametrize("derivatives", ["", "derivatives", "derivatives/xcp_d"])
def test_links_to_folders_are_followed(study, tmp_path, derivatives):
    whole, _ = study.read()
    store = shutil.move(study.out, tmp_path / "store")
    (study.root / "derivatives").mkdir()
    (study.root / "derivatives" / "xcp_d").symlink_to(store)
    named = str(study.root / derivatives) if derivatives else ""
    cohort, _ = study.read(derivatives=named)
    np.testing.assert_array_equal(cohort.connectomes, whole.connectomes)
    np.testing.assert_array_equal(cohort.runs[0].bold, whole.runs[0].bold)


def test_circles_and_second_links_are_walked_once(tmp_path):
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / "a" / ".git" / "x").touch()
    (tmp_path / "a" / "one").touch()
    (tmp_path / "a" / "circle").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert [path.name for path in files_below(tmp_path)] == ["one"]


def test_a_second_pipeline_has_to_be_left_out(study):
    shutil.copytree(study.out, study.root / "derivatives" / "other")
    with pytest.raises(DataError, match="the same run is also.*--config.derivatives"):
        study.read()
    assert len(study.read(derivatives=str(study.out))[0].connectomes) == 5


def in_session(study, person, task, session):
    path = study.path(person, task)
    folder = study.out / person / f"ses-{session}" / "func"
    folder.mkdir(parents=True, exist_ok=True)
    name = path.name.replace(f"{person}_", f"{person}_ses-{session}_")
    path.rename(folder / name)


def test_one_person_in_another_session_renames_nobodys_runs(study):
    for person in PEOPLE:
        in_session(study, person, "rest", "2" if person == PEOPLE[2] else "1")
    cohort, ledger = study.read()
    assert list(cohort.participants.index) == PEOPLE
    assert not any(said_of(ledger, person) for person in PEOPLE)


def test_one_person_who_came_twice_is_read_once_and_told(study):
    for i, person in enumerate(PEOPLE):
        in_session(study, person, "rest", "1")
        if i == 2:
            study.series(person, "rest", values_of(77, REST))
            in_session(study, person, "rest", "2")
    cohort, ledger = study.read()
    assert len(cohort.connectomes) == 5
    assert "also in ses-2: ses-1 is read; ask for ses-2_rest_run-01" in said_of(ledger, PEOPLE[2])
    assert [said_of(ledger, p) for p in PEOPLE if p != PEOPLE[2]] == [""] * 4
    named, ledger = study.read(rest_runs=("ses-1_rest_run-01",))
    np.testing.assert_array_equal(named.connectomes, cohort.connectomes)


def test_everybody_twice_is_named_by_session(study):
    for i, person in enumerate(PEOPLE):
        in_session(study, person, "rest", "1")
        study.series(person, "rest", values_of(50 + i, REST))
        in_session(study, person, "rest", "2")
    assert read_sessions([study.root]).named
    first, _ = study.read(rest_runs=("ses-1_rest_run-01",))
    second, _ = study.read(rest_runs=("ses-2_rest_run-01",))
    assert not np.allclose(first.connectomes, second.connectomes)
    assert read_sessions([study.root], only="ses-1") == Sessions("1")


@pytest.mark.parametrize("name", ["space", "seg", "den", "desc"])
def test_spaces_and_atlases_are_never_mixed(study, name):
    for task in ("rest", "flanker"):
        path = study.path(PEOPLE[1], task)
        if name == "seg":
            path.rename(path.with_name(path.name.replace("seg-T", "seg-U")))
        else:
            path.rename(path.with_name(path.name.replace("_seg-T", f"_{name}-x_seg-T")))
    with pytest.raises(DataError, match=rf"{name}-.*\(sub-02 first\).*--config.entities"):
        study.read()
    if name == "seg":
        cohort, ledger = study.read(entities=("seg-T",))
        assert list(cohort.participants.index) == [p for p in PEOPLE if p != PEOPLE[1]]


@pytest.mark.parametrize("name", ["acq", "rec", "echo", "part"])
def test_one_of_several_scans_of_a_run_is_chosen(study, name):
    for i, person in enumerate(PEOPLE):
        path = study.path(person, "rest")
        for label in ("1", "2"):
            other = path.with_name(path.name.replace("_seg-T", f"_{name}-{label}_seg-T"))
            shutil.copy(path, other)
        study.series(person, "rest", values_of(40 + i, REST))
        shutil.copy(path, path.with_name(path.name.replace("_seg-T", f"_{name}-1_seg-T")))
        path.unlink()
    with pytest.raises(DataError, match=rf"choose by --config.entities, {name}-1 or {name}-2"):
        study.read()
    chosen, _ = study.read(entities=(f"{name}-2",))
    assert chosen.runs[0].bold_mask.all()  # task runs have no such entity
    other, _ = study.read(entities=(f"{name}-1",))
    assert not np.allclose(chosen.connectomes, other.connectomes)


def test_a_folder_without_imaging_is_told_where_it_may_lie(study):
    shutil.rmtree(study.out)
    with pytest.raises(DataError, match=r"no parcel time series.*name it by --derivatives") as told:
        study.read()
    assert "stand_in" not in str(told.value)
    assert find_imaging(study.root).series == {}
