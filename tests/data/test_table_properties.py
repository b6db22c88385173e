"""Generated tables: what is accepted is what was written, and all else is one sentence."""

import string

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data.bids import decode_events
from dtb_jax.data.participants import of_people, read_participants
from tests.data.test_events import HEADER, task_of

WINDOW_S = 1.6
quick = settings(max_examples=100, deadline=None)
MISSING = st.sampled_from(["n/a", "", "NaN", "NULL"])
words = st.text(string.ascii_letters + string.digits + "\"'#,; é", max_size=8)
sides = st.sampled_from(["left", "right"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generated")


@pytest.fixture(scope="module")
def task(folder):
    rows = {"column": "trial_type", "only": ["congruent", "incongruent"]}
    time = {"column": "response_time", "omitted": [-1, -999]}
    (task,) = task_of(folder, rows=rows, response_time=time)
    return task


@st.composite
def trials(draw):
    """Rows of a run in order: (onset, condition, time or None, response, right action)."""
    gaps = draw(st.lists(st.integers(1, 4000), min_size=1, max_size=12))
    times = st.none() | st.floats(0.02, 30).map(lambda x: round(x, 3)) | st.just(999.0)
    return [
        (onset / 1000, *draw(st.tuples(st.booleans(), times, sides, sides)))
        for onset in np.cumsum(gaps)
    ]


@st.composite
def spelt(draw, header, table):
    """A table as somebody may have written it: order of columns, line ends, marks, more columns."""
    more = draw(st.lists(words, min_size=len(table), max_size=len(table)))
    rows = [[*row, f"{text}x"] for row, text in zip(table, more)]
    order = draw(st.permutations(range(len(header) + 1)))
    lines = [[*header, "note"], *rows]
    end = "\t" * draw(st.integers(0, 2))
    blank = draw(st.sampled_from(["", " "]))
    texts = ["\t".join(blank + line[k] + blank for k in order) + end for line in lines]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return (mark + newline.join(texts) + newline * draw(st.integers(0, 2))).encode("utf-8")


@quick
@given(st.data())
def test_events_that_are_accepted_are_those_that_were_written(folder, task, data):
    told = data.draw(trials())
    none = st.sampled_from(["n/a", "", "0", "-1", "-999"])
    table = [
        [
            f"{onset:g}" if onset < 1000 else str(onset),
            ["congruent", "incongruent"][hard],
            data.draw(none) if time is None else str(time),
            response,
            right,
        ]
        for onset, hard, time, response, right in told
    ]
    table += [
        ["n/a", data.draw(st.sampled_from(["fixation", "n/a", ""])), "none", "?", "?"]
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    path = folder / "sub-1_task-flanker_events.tsv"
    path.write_bytes(data.draw(spelt(HEADER, data.draw(st.permutations(table)))))
    said = []
    try:
        read, drive = decode_events(path, task, said.append)
    except DataError as error:
        # most presses of one person may be late: another unit, as far as anybody can tell
        assert "are they milliseconds" in str(error) and "\n" not in str(error)
        return
    onset, hard, time, response, right = zip(*told)
    pressed = np.array([0.0 if one is None else one for one in time])
    counts = (pressed > 0) & (pressed <= WINDOW_S)
    assert read.onset_s.tolist() == list(onset) == drive.start_s.tolist()
    assert read.condition.tolist() == list(map(int, hard))
    assert read.answered.tolist() == counts.tolist() and read.present.all()
    assert read.response_time_s.tolist() == np.where(counts, pressed, 0).tolist()
    assert read.correct.tolist() == [["left", "right"].index(one) for one in right]
    assert read.possible.tolist() == [
        [bool(c) and one == side for side in ("left", "right")] for c, one in zip(counts, response)
    ]
    late = int((pressed > WINDOW_S).sum())
    assert [f"{late} press" in one for one in said] == [True] * (late > 0)


numbers = st.floats().map(str) | st.floats(0, 2).map(str) | st.integers(0, 9).map(str) | MISSING
labels = st.sampled_from(["congruent", "incongruent", "left", "right", "n/a", "fixation"])
PEOPLE = ["participant_id", "age", "Sex", "site", "mean_fd"]
cells = words | MISSING | st.floats().map(str) | st.integers().map(str) | sides


@quick
@given(
    st.just(HEADER) | st.lists(st.sampled_from(HEADER) | words, max_size=7),
    st.lists(st.tuples(numbers, labels, numbers, cells, labels), max_size=5)
    | st.lists(st.lists(cells, max_size=7), max_size=5),
    st.just(b"") | st.binary(max_size=20),
)
def test_any_events_are_read_or_refused_in_one_sentence(folder, task, header, table, tail):
    path = folder / "sub-2_task-flanker_events.tsv"
    text = "\n".join("\t".join(row) for row in [header, *table])
    path.write_bytes(text.encode("utf-8") + tail)
    try:
        read, _ = decode_events(path, task)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(read.onset_s).all() and np.isfinite(read.response_time_s).all()


ids = st.text("abAB019_", min_size=1, max_size=4).filter(lambda one: one.strip("_"))
ages = st.none() | st.integers(1, 120)
sexes = st.sampled_from([("F", "F"), ("female", "F"), ("m", "M"), ("Male", "M"), ("n/a", None)])


@quick
@given(st.data())
def test_participants_that_are_accepted_are_those_that_were_written(folder, data):
    bare = st.lists(ids, min_size=1, max_size=8, unique_by=lambda one: one.lower().replace("_", ""))
    people = data.draw(bare)
    told = {one: (data.draw(ages), data.draw(sexes)) for one in people}
    prefix = data.draw(st.sampled_from(["sub-", ""]))
    table = [
        [prefix + one, "n/a" if age is None else str(age), sex[0]]
        for one, (age, sex) in told.items()
    ]
    path = folder / "participants.tsv"
    path.write_bytes(data.draw(spelt(["participant_id", "age", "sex"], table)))
    with_folder = [f"sub-{one}" for one in people if data.draw(st.booleans())]
    strangers = ["sub-zz9"] if data.draw(st.booleans()) else []
    ledger = ExclusionLog()
    read = read_participants(folder, ledger)
    found = of_people(read, with_folder + strangers, with_folder + strangers, folder, ledger)
    assert list(found.index) == with_folder + strangers
    for person in with_folder:
        age, (_, sex) = told[person.removeprefix("sub-")]
        row = found.loc[person]
        assert (row["age"] == age) if age else np.isnan(row["age"])
        assert row["sex"] == sex if sex else pd.isna(row["sex"])
    named = {entry.participant for entry in ledger.entries}
    assert named <= {"all", *strangers}  # nobody else has a reason for a line
    assert not strangers or named & {"all", "sub-zz9"}


@quick
@given(
    st.just(PEOPLE) | st.lists(st.sampled_from(PEOPLE) | words),
    st.lists(st.tuples(*[cells] * len(PEOPLE)) | st.lists(cells, max_size=6), max_size=5),
)
def test_any_participants_are_read_or_refused_in_one_sentence(folder, header, table):
    text = "\n".join("\t".join(row) for row in [header, *table])
    (folder / "participants.tsv").write_text(text, encoding="utf-8")
    try:
        read = read_participants(folder, ExclusionLog())
        found = of_people(read, ["sub-1", "left"], ["sub-1", "left"], folder, ExclusionLog())
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert ((found["age"] > 0) & (found["age"] <= 120) | found["age"].isna()).all()
        assert list(found.index) == ["sub-1", "left"]
