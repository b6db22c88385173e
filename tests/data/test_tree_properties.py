"""Whole folders with faults of real files: read as they were meant, or told; nobody is lost."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dtb_jax.data import DataError
from dtb_jax.twin.connectome import connectome
from tests.data.small_study import (
    NAMES,
    PARCELS,
    PEOPLE,
    REST,
    TASK,
    TR,
    Study,
    said_of,
    values_of,
    write_table,
)

TREES = int(os.environ.get("DTB_TREES", "40"))
"""Folders that are tried; DTB_TREES=2000 is the long run."""
WINDOW_S = 1.2
HEADER = ["onset", "duration", "trial_type", "response_time", "response", "correct_response"]
EVENTS = (
    *("right", "missing", "unsorted", "bom and crlf", "trailing tabs", "quotation mark"),
    *("late press", "code 999", "onsets in ms", "another clock", "before the scan", "empty"),
    *("numeric header", "short row", "onset n/a", "negative time", "unknown condition"),
)
REST_KINDS = (
    *(
        "right",
        "missing",
        "permuted",
        "no header",
        "numeric header",
        "a parcel less",
        "other names",
    ),
    *("a cell n/a", "constant parcel", "short", "empty", "text", "a row n/a"),
)
BOLD_KINDS = ("right", "missing", "permuted", "short", "longer", "no header", "a row n/a", "empty")
TABLES = (
    *("right", "absent", "without sub-", "lost zeros", "bom and crlf", "row twice"),
    *("quotation mark", "age 999", "other columns", "blank headers"),
)


def true_rows(i):
    """Onset, condition, time and button of ten trials."""
    rng = np.random.default_rng(1000 + i)
    button = rng.integers(2, size=10)
    return [
        (2 + 4.0 * k, k % 2, round(0.4 + 0.3 * float(rng.random()), 3), int(button[k]))
        for k in range(10)
    ]


def write_events(study, person, i, kind):
    """The file, and the trials that a reader may keep: {onset: time or None}."""
    path = study.root / person / "func" / f"{person}_task-flanker_run-01_events.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        [f"{on:g}", "1", ("congruent", "incongruent")[c], f"{t:.3f}", *[("left", "right")[b]] * 2]
        for on, c, t, b in true_rows(i)
    ]
    kept = {on: t for on, _, t, _ in true_rows(i)}
    header, end = list(HEADER), "\n"
    if kind == "missing":
        path.unlink(missing_ok=True)
        return {}
    if kind == "unsorted":
        rows = rows[5:] + rows[:5]
    if kind in ("late press", "code 999"):
        rows[3][3] = "3.2" if kind == "late press" else "999"
        kept[14.0] = None
    if kind == "negative time":
        rows[3][3] = "-1"
    if kind in ("onsets in ms", "another clock", "before the scan"):
        move = {"onsets in ms": lambda s: 1000 * s, "another clock": lambda s: s + 5000.0}
        shift = move.get(kind, lambda s: s - 10)
        for row in rows:
            row[0] = f"{shift(float(row[0])):g}"
        kept = {shift(on): t for on, t in kept.items() if 0 <= shift(on) < TASK * TR}
    if kind == "quotation mark":
        header, rows = [*header, "note"], [[*row, "n/a"] for row in rows]
        rows[2][-1], rows[6][-1] = '"slow', 'twice"'
    if kind == "trailing tabs":
        header, rows = [*header, ""], [[*row, ""] for row in rows]
    if kind == "numeric header":
        header = [str(k) for k in range(len(header))]
    if kind == "short row":
        rows[4] = rows[4][:3]
    if kind == "onset n/a":
        rows[4][0] = "n/a"
    if kind == "unknown condition":
        rows[4][2] = "fixation"
    if kind == "bom and crlf":
        end = "\r\n"
    text = end.join("\t".join(row) for row in [header, *rows]) + end
    text = "" if kind == "empty" else text
    path.write_bytes((b"\xef\xbb\xbf" if kind == "bom and crlf" else b"") + text.encode())
    return kept


def write_series(study, person, task, values, kind, seed):
    """One table of a person with a fault."""
    path, names, order = study.path(person, task), list(NAMES), np.arange(PARCELS)
    values = values.copy()
    if kind == "missing":
        path.unlink(missing_ok=True)
        return
    if kind == "permuted":
        order = np.random.default_rng(seed).permutation(PARCELS)
    if kind == "a parcel less":
        order = order[:-1]
    if kind == "other names":
        names = [f"other{k}" for k in range(PARCELS)]
    if kind == "a cell n/a":
        values[7, 2] = np.nan
    if kind == "a row n/a":
        values[7] = np.nan
    if kind == "constant parcel":
        values[:, 2] = 4.0
    if kind == "short":
        values = values[: len(values) // 3]
    if kind == "longer":
        values = np.concatenate([values, values[:5]])
    shown = [names[k] for k in order]
    if kind == "numeric header":
        shown = [str(k) for k in range(PARCELS)]
    write_table(path, values[:, order], None if kind == "no header" else shown)
    if kind == "empty":
        path.write_text("")
    if kind == "text":
        path.write_text("no numbers here\nnone\n")


def write_participants(study, kind):
    path = study.root / "participants.tsv"
    rows = [[p, str(20 + i), "FM"[i % 2], "A"] for i, p in enumerate(PEOPLE)]
    header, end = ["participant_id", "age", "sex", "site"], "\n"
    if kind == "absent":
        path.unlink()
        return
    if kind == "without sub-":
        rows = [[row[0].removeprefix("sub-"), *row[1:]] for row in rows]
    if kind == "lost zeros":
        rows = [[row[0].replace("sub-0", "sub-"), *row[1:]] for row in rows]
    if kind == "row twice":
        rows += [[rows[0][0], "77", "M", "B"]]
    if kind == "quotation mark":
        rows[1][3], rows[3][3] = '"A', 'A"'
    if kind == "age 999":
        rows[2][1] = "999"
    if kind == "other columns":
        header = ["participant_id", "age_years", "gender", "Scanner"]
    if kind == "blank headers":
        header = [f" {name} " for name in header]
    if kind == "bom and crlf":
        end = "\r\n"
    text = end.join("\t".join(row) for row in [header, *rows]) + end
    path.write_bytes((b"\xef\xbb\xbf" if kind == "bom and crlf" else b"") + text.encode())


def is_where_it_was(read, true_values, mask):
    """Volumes that count have the values that were written there."""
    kept = np.flatnonzero(mask)
    kept = kept[kept < len(true_values)]
    np.testing.assert_allclose(read[kept], true_values[kept], rtol=1e-4, atol=1e-4)


def longer_than_short(inside, kinds):
    """Whether somebody who is read has a rest run of the whole length."""
    read = [kinds[PEOPLE.index(person)][1] for person in inside]
    return any(kind != "short" for kind in read)


def short_among(count):
    """As many people with a short rest run beside one with a whole one."""
    right = ("right", "right", "right")
    short = [("right", "short", "right")] * count
    return [right, *[("right", "missing", "right")] * (len(PEOPLE) - 1 - count), *short]


KINDS = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from(REST_KINDS), st.sampled_from(BOLD_KINDS)),
    min_size=len(PEOPLE),
    max_size=len(PEOPLE),
)


@settings(
    max_examples=TREES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(kinds=KINDS, table=st.sampled_from(TABLES), right=st.integers(0, 3))
@example(kinds=short_among(1), table="right", right=0)
@example(kinds=short_among(2), table="right", right=0)
def test_a_folder_is_read_as_it_was_meant_or_told(kinds, table, right):
    kinds = [("right",) * 3] * right + kinds[right:]  # some people have no fault
    with TemporaryDirectory() as folder:
        study, kept = Study(Path(folder)), {}
        write_participants(study, table)
        for i, (person, (events, rest, bold)) in enumerate(zip(PEOPLE, kinds)):
            kept[person] = write_events(study, person, i, events)
            write_series(study, person, "rest", values_of(i, REST), rest, i)
            write_series(study, person, "flanker", values_of(i, TASK), bold, i)
        try:
            cohort, ledger = study.read()
        except DataError as error:
            assert "\n" not in str(error) and 20 < len(str(error)) < 900, str(error)
            return
        inside = list(cohort.participants.index)
        (run,) = cohort.runs
        for i, person in enumerate(PEOPLE):
            has_files = any(kind != "missing" for kind in kinds[i])
            assert person in inside or said_of(ledger, person) or not has_files, (person, kinds[i])
            if person not in inside:
                continue
            row = inside.index(person)
            events, rest, bold = kinds[i]
            true = values_of(i, REST)
            if rest in ("right", "permuted", "no header", "numeric header", "a row n/a"):
                there = np.delete(true, 7, axis=0) if rest == "a row n/a" else true
                expected = np.asarray(connectome(there))
                np.testing.assert_allclose(cohort.connectomes[row], expected, atol=1e-4)
                if rest == "a row n/a":
                    assert any("left out of correlations" in e.reason for e in ledger.entries)
            elif rest != "short" or longer_than_short(inside, kinds):
                # less than what was written: said; where all are short nobody can know
                assert said_of(ledger, person) or any(
                    "volumes" in e.reason for e in ledger.entries if e.participant == "all"
                ), kinds[i]
            trials = run.trials
            shown = trials.present[row]
            for onset, time, answered in zip(
                trials.onset_s[row][shown],
                trials.response_time_s[row][shown],
                trials.answered[row][shown],
            ):
                meant = kept[person][min(kept[person], key=lambda on: abs(on - onset))]
                assert answered == (meant is not None)
                assert not answered or time == meant
            assert shown.sum() in (0, len(kept[person])) or said_of(ledger, person), kinds[i]
            if run.bold_mask[row].any():
                is_where_it_was(run.bold[row, :, 0], values_of(i, TASK)[:, 3], run.bold_mask[row])
