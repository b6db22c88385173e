"""`dtb check`: thirty ways in which a folder can be broken, each told in one sentence."""

import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from dtb_jax.data.derivatives import TCP_FOLDER
from tests.small import write_small_cohort

PEOPLE = 4
WITH_BOLD = ("--runs=hammerAP_run-01", "--runs=stroopAP_run-01")


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A folder that misses nothing, motion included."""
    root = write_small_cohort(tmp_path_factory.mktemp("sound"), participants=PEOPLE)
    path = root / "participants.tsv"
    edit_table(path, lambda table: table.assign(mean_fd="0.1"))
    return root


@pytest.fixture
def root(sound, tmp_path):
    """A copy to break; the large files are links, replaced before they are changed."""
    copy = tmp_path / "cohort"
    shutil.copytree(sound, copy, copy_function=os.link)
    return copy


def check(root, *options):
    """Exit code, what was printed, and the table of people where there is one."""
    table, exclusions = root.parent / "people.tsv", root.parent / "why.tsv"
    extra = [f"--table={table}", f"--exclusions={exclusions}", *options]
    found = CliRunner().invoke(app, ["check", str(root), *extra])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    people = pd.read_csv(table, sep="\t", index_col=0) if table.exists() else None
    return found.exit_code, found.output, people


def edit_table(path, change):
    table = change(pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False))
    path.unlink()
    table.to_csv(path, sep="\t", index=False)


def replace(path, content):
    path.unlink()
    path.write_bytes(content)


def events(root, run="stroopAP"):
    return sorted(root.glob(f"sub-*/func/*{run}*_events.tsv"))[0]


def series(root, run="restAP_run-01"):
    return sorted((root / TCP_FOLDER).glob(f"*/task-{run}_*.h5"))[0]


def edit_series(path, change):
    """Change what is [volume, parcel]; the files hold [parcel, volume]."""
    with h5py.File(path) as file:
        (name,) = [name for name, item in file.items() if getattr(item, "ndim", 0) == 2]
        values, marks = file[name][()], dict(file.attrs)
    path.unlink()
    with h5py.File(path, "w") as file:
        file.attrs.update(marks)
        for key, changed in change(values.T).items():
            file[key or name] = changed.T


def first_column(path, value):
    def change(table):
        table.loc[1, "onset"] = value
        return table

    edit_table(path, change)


def gone(paths):
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def with_nan(values):
    values = values.copy()
    values[3, 2] = np.nan
    return values


def with_column(name, value):
    def change(table):
        table[name] = value
        return table

    return change


ONE_PERSON = {
    "events without a column": (
        lambda root: edit_table(events(root), lambda t: t.drop(columns="stimulus_color")),
        "column 'stimulus_color' is missing",
    ),
    "events with text for a number": (
        lambda root: first_column(events(root), "soon"),
        "line 3, column onset: found 'soon', expected a number",
    ),
    "events without an onset": (
        lambda root: first_column(events(root), "n/a"),
        "line 3, column onset: n/a, expected seconds",
    ),
    "events with a header alone": (
        lambda root: edit_table(events(root), lambda t: t.head(0)),
        "a header but no events",
    ),
    "events that are empty": (lambda root: replace(events(root), b""), "the file is empty"),
    "events in another encoding": (
        lambda root: replace(events(root), events(root).read_bytes() + b"\xe9\n"),
        "not UTF-8",
    ),
    "events that are a link to nowhere": (
        lambda root: (events(root).rename(root / "x"), os.symlink("../nowhere", _kept[0])),
        "can not be opened",
    ),
    "events with an unknown colour": (
        lambda root: edit_table(events(root), with_column("stimulus_color", "mauve")),
        "found 'mauve', expected one of red, green, blue",
    ),
    "pictures without a match": (
        lambda root: edit_table(events(root, "hammer"), with_column("stimTop", "other.bmp")),
        "expected exactly one side equal to the top",
    ),
    "an unknown condition": (
        lambda root: edit_table(events(root, "hammer"), with_column("trial_type", "house")),
        "found 'house', expected one of shape, face",
    ),
    "no rest run": (
        lambda root: gone(series(root).parent.glob("task-rest*")),
        "behaviour but no usable rest run: not in the cohort",
    ),
    "one rest run of two": (lambda root: gone([series(root)]), "no file of this rest run"),
    "a series that is no HDF5": (
        lambda root: replace(series(root), b"half a download"),
        "can not be read as .h5",
    ),
    "a series of other parcels": (
        lambda root: edit_series(series(root), lambda v: {"": v[:, :-3]}),
        "expected one axis of 48 parcels",
    ),
    "a series with NaN": (
        lambda root: edit_series(series(root), lambda v: {"": with_nan(v)}),
        "NaN or infinite values in 1 of 48 parcels",
    ),
    "a truncated rest run": (
        lambda root: edit_series(series(root), lambda v: {"": v[:60]}),
        "truncated, 60 of 240 volumes",
    ),
    "a truncated task run": (
        lambda root: edit_series(series(root, "stroopAP_run-01"), lambda v: {"": v[:60]}),
        "truncated, 60 of",
    ),
    "constant parcels": (
        lambda root: edit_series(series(root), lambda v: {"": v * (np.arange(48) > 20)}),
        "parcels are constant",
    ),
    "two datasets in a file": (
        lambda root: edit_series(series(root), lambda v: {"": v, "raw": v}),
        "raw",
    ),
    "no BOLD of a task run": (
        lambda root: gone([series(root, "stroopAP_run-01")]),
        "no BOLD of this run: behaviour only",
    ),
    "somebody who did nothing": (
        lambda root: gone(events(root).parent.glob("*_events.tsv")),
        "no behaviour in these runs: not in the cohort",
    ),
    "somebody who is listed twice": (
        lambda root: edit_table(root / "participants.tsv", lambda t: pd.concat([t, t.head(1)])),
        "listed more than once: the first row is used",
    ),
    "an age in words": (
        lambda root: edit_table(root / "participants.tsv", with_column("age", "old")),
        "age 'old' is not a number: age unknown",
    ),
}
EVERYBODY = {
    "no folder": (lambda root: gone([root]), (), "no such folder"),
    "no events": (lambda root: gone(root.glob("sub-*")), (), "no events of these tasks"),
    "no imaging": (
        lambda root: gone([root / TCP_FOLDER]),
        (),
        "no parcel time series and no connectomes",
    ),
    "no table of parcels": (
        lambda root: gone([root / "atlas.tsv"]),
        (),
        "no table of parcel names",
    ),
    "a table of parcels without names": (
        lambda root: edit_table(root / "atlas.tsv", lambda t: t.drop(columns="name")),
        (),
        "column name is missing",
    ),
    "participants without ids": (
        lambda root: edit_table(
            root / "participants.tsv", lambda t: t.rename(columns={"participant_id": "who"})
        ),
        (),
        "column participant_id is missing",
    ),
    "a description that is no JSON": (
        lambda root: replace(root / "dataset_description.json", b"{"),
        WITH_BOLD,
        None,
    ),
    "a run that is not there": (lambda root: None, ("--runs=gambling",), "no events of gambling"),
    "a rest run that is not there": (
        lambda root: None,
        ("--rest-runs=sleep",),
        "nobody has both behaviour and a connectome",
    ),
    "a task that is none": (lambda root: None, ("--tasks=flanker",), "--tasks: task 'flanker'"),
    "a session that is not there": (lambda root: None, ("--session=2",), "--session: '2', found"),
    "an entity that is none": (lambda root: None, ("--entities=Glasser",), "--entities: 'Glasser'"),
    "derivatives that are not there": (
        lambda root: None,
        ("--derivatives=nowhere",),
        "--derivatives: nowhere: no such folder",
    ),
    "a repetition time between steps": (
        lambda root: None,
        ("--repetition-time-s=0.75",),
        "expected a multiple of the 0.08 s step",
    ),
}
_kept: list[Path] = []


def test_a_sound_folder(root):
    code, said, people = check(root, *WITH_BOLD)
    assert code == 0, said
    assert f"{PEOPLE} of {PEOPLE} people are in" in said and "simulated" in said
    assert people["in_cohort"].all() and people["odd"].isna().all()
    assert people["stroopAP_run-01"].str.match(r"\d+ trials, \d+ volumes").all()


@pytest.mark.parametrize("name", ONE_PERSON)
def test_one_persons_trouble_leaves_the_others_alone(root, name):
    broken, expected = ONE_PERSON[name]
    _kept[:] = [events(root)]
    broken(root)
    code, said, people = check(root, *WITH_BOLD)
    assert code == 2, said
    assert "Traceback" not in said
    assert len(people) == PEOPLE  # nobody is lost
    odd = people["odd"].dropna()
    assert odd.str.contains(expected, regex=False).any(), odd.tolist()
    assert len(odd) == (PEOPLE if name == "an age in words" else 1)
    others = people.drop(odd.index)
    assert others["in_cohort"].all()
    why = pd.read_csv(root.parent / "why.tsv", sep="\t")
    assert set(odd.index) <= set(why["participant"])


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_folder_that_can_not_be_used_is_told_in_a_sentence(root, name):
    broken, options, expected = EVERYBODY[name]
    broken(root)
    code, said, _ = check(root, *options)
    assert "Traceback" not in said
    if expected is None:
        assert code == 0, said  # it says nothing of simulation then; single files still do
        return
    assert code == 1, said
    sentence = [line for line in said.splitlines() if expected in line]
    assert len(sentence) == 1, said
    assert "--config" not in said


def test_help_and_version():
    for arguments in (["--help"], ["check", "--help"]):
        found = CliRunner().invoke(app, arguments)
        assert found.exit_code == 0 and "check" in found.output
    found = CliRunner().invoke(app, ["--version"])
    assert found.exit_code == 0 and found.output.startswith("0.")
    assert json.loads(json.dumps(found.output.strip()))
