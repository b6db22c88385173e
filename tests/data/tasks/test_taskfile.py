"""Tasks told in a file: what the columns mean, what several tasks share, what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from dtb_jax.data import DataConfig, DataError, read_cohort
from dtb_jax.data.bids import decode_events, find_events
from dtb_jax.data.tasks import FACES, STROOP, read_task, tasks_named, together
from dtb_jax.data.tasks.task import events_to_timeseries

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "emomatching.yaml"
TOLD = {
    "name": "flanker",
    "bids_name": "flanker",
    "actions": ["left", "right"],
    "conditions": {"column": "trial_type", "levels": ["congruent", "incongruent"]},
    "contrast": ["incongruent", "congruent"],
    "window_s": 1.5,
    "response_time": {"column": "rt", "unit": "ms"},
    "response": {"column": "key", "names": {1: "left", 2: "right"}},
    "correct": {"column": "target"},
    "channels": [
        {"column": "target", "levels": ["left", "right"]},
        {"column": "load", "range": [0, 10]},
    ],
}
EVENTS = """onset\ttrial_type\trt\tkey\ttarget\tload
1\tcongruent\t500\t1\tleft\t0
4\tincongruent\t650.5\t1\tright\t5
7\tincongruent\tn/a\tn/a\tright\t10
"""


def written(folder, told, name="flanker.yaml"):
    path = folder / name
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


def decoded(folder, told, events=EVENTS):
    task = read_task(written(folder, told))
    path = folder / "sub-A_task-flanker_events.tsv"
    path.write_text(events, encoding="utf-8")
    return decode_events(path, task)


def test_columns_become_trials_and_inputs(tmp_path):
    trials, drive = decoded(tmp_path, TOLD)
    np.testing.assert_array_equal(trials.condition, [0, 1, 1])
    np.testing.assert_array_equal(trials.correct, [0, 1, 1])
    np.testing.assert_array_equal(trials.answered, [True, True, False])
    np.testing.assert_allclose(trials.response_time_s, [0.5, 0.6505, 0])
    np.testing.assert_array_equal(trials.possible, [[1, 0], [1, 0], [0, 0]])
    np.testing.assert_array_equal(trials.deadline_s, [1.5] * 3)
    np.testing.assert_array_equal(drive.value, [[1, 0, 0], [0, 1, 0.5], [0, 1, 1]])
    np.testing.assert_array_equal(drive.stop_s - drive.start_s, [1.5] * 3)


def test_a_wrong_press_tells_the_right_one_of_two(tmp_path):
    told = {key: value for key, value in TOLD.items() if key not in ("correct", "channels")}
    told["accuracy"] = {"column": "hit", "right": "yes", "wrong": ["no"], "omitted": "late"}
    lines = EVENTS.splitlines()
    ends = ["hit", "yes", "no", "late"]
    events = "\n".join(f"{line}\t{end}" for line, end in zip(lines, ends)) + "\n"
    trials, drive = decoded(tmp_path, told, events)
    np.testing.assert_array_equal(trials.correct[:2], [0, 1])
    np.testing.assert_array_equal(drive.value[:2], [[1, 0], [0, 1]])
    assert drive.value[2].sum() == 1  # an omission shows a side, too: else it would be told
    again, _ = decoded(tmp_path, told, events)
    np.testing.assert_array_equal(again.correct, trials.correct)


def test_stroop_can_be_told(tmp_path, shared):
    told = {
        "name": "told",
        "bids_name": "stroop",
        "actions": ["red", "green", "blue"],
        "conditions": {"column": "trial_type", "levels": ["congruent", "incongruent"]},
        "contrast": ["incongruent", "congruent"],
        "window_s": 2.0,
        "response_time": "response_time",
        "accuracy": {"column": "accuracy_binarized", "right": "1", "wrong": "0"},
        "correct": "stimulus_color",
        "channels": [
            {"column": column, "levels": ["red", "green", "blue"]}
            for column in ("stimulus_color", "stimulus_text")
        ],
    }
    people = next(iter(find_events(shared / "tcp", STROOP).values()))
    path = next(iter(people.values()))
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in ("stimulus_color", "stimulus_text"):
        table[column] = table[column].str.strip().str.lower()
    same = table["stimulus_color"] == table["stimulus_text"]
    table["trial_type"] = np.where(same, "congruent", "incongruent")
    copy = tmp_path / path.name
    table.to_csv(copy, sep="\t", index=False)
    trials, drive = decode_events(copy, read_task(written(tmp_path, told)))
    expected, seen = decode_events(path, STROOP)
    for name in ("onset_s", "condition", "correct", "possible", "response_time_s", "answered"):
        np.testing.assert_array_equal(getattr(trials, name), getattr(expected, name), name)
    np.testing.assert_array_equal(drive.value, seen.value[:, :6])


def test_tasks_share_buttons_inputs_and_have_flags(tmp_path):
    assert together((FACES, STROOP)) == (FACES, STROOP)
    faces, flanker, stroop = together((FACES, read_task(written(tmp_path, TOLD)), STROOP))
    assert flanker.actions == ("left", "right", "unused")
    assert flanker.available == (True, True, False)
    assert [task.flags for task in (faces, flanker, stroop)] == [(0, 0), (1, 0), (0, 1)]
    events = pd.DataFrame(
        {
            "onset": [1.0],
            "trial_type": ["congruent"],
            "rt": [500.0],
            "key": ["2"],
            "target": ["right"],
            "load": [10.0],
        }
    )
    trials, drive = flanker.decode(events)
    assert trials.possible.tolist() == [[False, True, False]]
    shown = events_to_timeseries(drive, 30, flanker.flags)
    np.testing.assert_array_equal(shown[0], [0] * 8 + [1, 0])
    np.testing.assert_array_equal(shown[13], [0, 1, 1, 0, 0, 0, 0, 0, 1, 0])
    (alone,) = together((STROOP,))
    assert alone.flags == (0.0,)


def test_a_python_file_may_define_a_task(tmp_path):
    (tmp_path / "mine.py").write_text("from dtb_jax.data.tasks import STROOP as TASK\n")
    (task,) = tasks_named([str(tmp_path / "mine.py")])
    assert task.name == "stroop"
    (tmp_path / "none.py").write_text("TASK = 3\n")
    for name, said in {
        str(tmp_path / "none.py"): "expected a variable TASK",
        str(tmp_path / "nowhere.py"): "no such file",
        "flanker": "expected faces, stroop, a .yaml or a .py file",
    }.items():
        with pytest.raises(ValueError, match=said):
            tasks_named([name])
    with pytest.raises(ValueError, match="differ in name"):
        tasks_named(["faces", "faces"])
    same = written(tmp_path, TOLD | {"bids_name": "stroop"})
    with pytest.raises(ValueError, match="differ in bids_name"):
        tasks_named(["stroop", str(same)])


WRONG = {
    "name: missing": {"name": None},
    "colour: unknown": {"colour": "red"},
    "actions: found": {"actions": ["left"]},
    "conditions: found 3": {"conditions": 3},
    "conditions: no levels": {"conditions": "trial_type"},
    "contrast: found": {"contrast": ["hard", "easy"]},
    "window_s: found 'soon'": {"window_s": "soon"},
    "response_time: found": {"response_time": ["rt"]},
    "response_time: units unknown": {"response_time": {"column": "rt", "units": "ms"}},
    "response_time, unit: 'm'": {"response_time": {"column": "rt", "unit": "m"}},
    "accuracy: missing": {"correct": None},
    "accuracy: expected right and wrong": {"accuracy": "hit"},
    "correct: missing; of 3": {
        "actions": ["left", "right", "up"],
        "correct": None,
        "accuracy": {"column": "hit", "right": "yes", "wrong": "no"},
    },
    "accuracy, right: found .True": {"accuracy": {"column": "hit", "right": True, "wrong": False}},
    "channels: found": {"channels": "target"},
    "channels, entry 1: found 3": {"channels": [3]},
    "channels: target, expected either": {"channels": ["target"]},
    "channels: load, expected either": {
        "channels": [{"column": "load", "levels": [1, 2], "range": [1, 2]}]
    },
    "conditions, levels: found .'a', 'b', 'a'.": {
        "conditions": {"column": "trial_type", "levels": ["a", "b", "a"]}
    },
    "response, names: found .True": {"response": {"column": "key", "names": {True: "left"}}},
    "name: found": {"name": ["a", "b"]},
    "window_s: found inf": {"window_s": float("inf")},
    "channels, entry 1, range: found .5, 5": {"channels": [{"column": "load", "range": [5, 5]}]},
    "channels, entry 1, range: found 5": {"channels": [{"column": "load", "range": 5}]},
    "response, names: found .'left'": {"response": {"column": "key", "names": ["left"]}},
    "response_time: right unknown": {"response_time": {"column": "rt", "right": "x"}},
    "window_s: found True": {"window_s": True},
    "contrast: found .'congruent', 'congruent'": {"contrast": ["congruent", "congruent"]},
    "accuracy: found .'yes', 'yes'": {"accuracy": {"column": "a", "right": "yes", "wrong": "yes"}},
}


@pytest.mark.parametrize("said", WRONG)
def test_a_broken_file_is_told_in_one_sentence(tmp_path, said):
    told = {k: v for k, v in (TOLD | WRONG[said]).items() if v is not None}
    path = written(tmp_path, told)
    with pytest.raises(ValueError, match=said) as error:
        read_task(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("events", "said"),
    {
        "column trial_type, row 2: found 'neutral', expected one of": ("congruent", "neutral"),
        "column trial_type, row 4: found 'n/a'": ("incongruent\tn/a", "n/a\tn/a"),
        "column key, row 2: found '3', expected one of left, right": ("500\t1", "500\t3"),
        "column load, row 4: found 11, expected a number from 0 to 10": (
            "right\t10",
            "right\t11",
        ),
        "line 3, column rt: found 'fast', expected a number": ("650.5", "fast"),
        "column 'target' is missing": ("target", "aim"),
        "row 2: found -500, expected seconds after onset": ("500", "-500"),
        "column rt: a median of 500.325 s, .* are they milliseconds": ("500", "1000000"),
    }.items(),
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_broken_table_is_told_in_one_sentence(tmp_path, events, said):
    before, after = said
    with pytest.raises(DataError, match=events) as error:
        decoded(tmp_path, TOLD, EVENTS.replace(before, after, 1))
    assert "\n" not in str(error.value)


def test_a_task_file_that_is_none_stops_the_reader(tmp_path):
    (tmp_path / "broken.yaml").write_text("name: [\n")
    for name, said in (("broken.yaml", "not YAML"), ("absent.yaml", "can not be opened")):
        with pytest.raises(DataError, match=f"--config.tasks: .*{said}"):
            read_cohort(tmp_path, DataConfig(tasks=(str(tmp_path / name),)))


def test_piop2_is_as_accurate_as_its_turned_labels_say(shared):
    task = read_task(EXAMPLE)
    ((_, people),) = find_events(shared / "piop2", task).items()
    assert len(people) == 222
    hits, trials, labels = 0, 0, 0
    for path in people.values():
        told, _ = decode_events(path, task)
        hits += np.take_along_axis(told.possible, told.correct[:, None], 1).sum()
        trials += len(told.onset_s)
        table = pd.read_csv(path, sep="\t")
        in_time = table["response_time"] <= 4.9  # 37 presses of the last trials come later
        labels += ((table["response_accuracy"] == "incorrect") & in_time).sum()
    assert hits == labels == 9901 - 35
    assert hits / trials == pytest.approx(0.926, abs=5e-4)
