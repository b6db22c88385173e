"""Ways in which a small cohort's folder can be broken, and what is said of each."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from dtb_jax.data.derivatives import TCP_FOLDER

WITH_BOLD = ("--runs=hammerAP_run-01", "--runs=stroopAP_run-01")


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
        lambda root: (events(root).rename(root / "x"), os.symlink("../nowhere", KEPT[0])),
        "can not be opened",
    ),
    "events with an unknown colour": (
        lambda root: edit_table(events(root), with_column("stimulus_color", "mauve")),
        "found 'mauve', expected one of red, green, blue",
    ),
    "a colour in brackets": (
        lambda root: edit_table(events(root), with_column("stimulus_color", "[/red]")),
        "found '[/red]', expected one of red, green, blue",
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
    "no events": (lambda root: gone(root.glob("sub-*")), (), "found no task-hammer or task-stroop"),
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
        "nobody has both behaviour and a connectome of sleep; imaging is of",
    ),
    "a task that is none": (lambda root: None, ("--tasks=flanker",), "--tasks: task 'flanker'"),
    "a session that is not there": (lambda root: None, ("--session=2",), "--session: '2', found"),
    "an entity that is none": (lambda root: None, ("--entities=Glasser",), "--entities: 'Glasser'"),
    "derivatives that are not there": (
        lambda root: None,
        ("--derivatives=nowhere",),
        "--derivatives: nowhere: no such folder",
    ),
    "a repetition time that no file has": (
        lambda root: None,
        ("--repetition-time-s=0.75",),
        "--repetition-time-s: 0.75 s, but 0.8 s in its header",
    ),
    "a repetition time in milliseconds": (
        lambda root: None,
        ("--repetition-time-s=800",),
        "is it milliseconds",
    ),
}
KEPT: list[Path] = []
"""The file that a link to nowhere takes the place of."""
