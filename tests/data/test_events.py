"""Events of a run: which rows are trials, which presses count, and what is said of all others."""

import numpy as np
import pytest
import yaml

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data.behaviour import of_these, read_behaviour
from dtb_jax.data.bids import decode_events
from dtb_jax.data.entities import Sessions
from dtb_jax.data.tasks import STROOP, tasks_named

TASK = {
    "name": "flanker",
    "bids_name": "flanker",
    "actions": ["left", "right"],
    "conditions": {"column": "trial_type", "levels": ["congruent", "incongruent"]},
    "contrast": ["incongruent", "congruent"],
    "window_s": 1.6,
    "response_time": "response_time",
    "response": "response",
    "correct": "correct_response",
}
HEADER = ["onset", "trial_type", "response_time", "response", "correct_response"]


def rows(seed=0, trials=6, gap=4):
    rng = np.random.default_rng(seed)
    sides = ["left", "right"]
    return [
        [
            str(gap * k + 2),
            ["congruent", "incongruent"][k % 2],
            f"{rng.uniform(0.4, 0.6):.4f}",
            sides[k % 2],
            sides[k % 2],
        ]
        for k in range(trials)
    ]


def changed(place, column, value, seed=0):
    table = rows(seed)
    table[place][HEADER.index(column)] = value
    return table


def write(root, person, table, run="run-1", header=HEADER, task="flanker"):
    path = root / person / "func" / f"{person}_task-{task}_{run}_events.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("\t".join(row) for row in [header, *table]) + "\n")
    return path


def task_of(root, **more):
    path = root / "task.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in (TASK | more).items() if v is not None}))
    return tasks_named([str(path)])


def decoded(root, table, header=HEADER, **more):
    said = []
    (task,) = task_of(root, **more)
    trials, _ = decode_events(write(root, "sub-1", table, header=header), task, said.append)
    return trials, said


def behaviour(root, tables, tasks=None):
    """{person: rows} read as one run; the ledger's lines as (participant, reason)."""
    for person, table in tables.items():
        write(root, person, table)
    ledger = ExclusionLog()
    read = read_behaviour(root, tasks or task_of(root), (), Sessions(), ledger)
    return read, ledger, [(entry.participant, entry.reason) for entry in ledger.entries]


@pytest.mark.parametrize("code", ["999", "9999", "1.7", "inf"])
def test_press_after_the_window_does_not_count(tmp_path, code):
    trials, (said,) = decoded(tmp_path, changed(2, "response_time", code))
    assert trials.answered.tolist() == [True, True, False, True, True, True]
    assert not trials.possible[2].any() and trials.response_time_s[2] == 0
    assert "1 press later than the window of 1.6 s does not count" in said
    assert ("a code for no press?" in said) == (code != "1.7")


@pytest.mark.parametrize("code", ["0", "n/a", "", "NULL"])
def test_no_press_needs_no_line(tmp_path, code):
    trials, said = decoded(tmp_path, changed(2, "response_time", code))
    assert trials.answered.sum() == 5 and said == []


def test_press_at_the_end_of_the_window_counts(tmp_path):
    trials, said = decoded(tmp_path, changed(2, "response_time", "1.6"))
    assert trials.answered.all() and said == []


def test_codes_for_no_press_are_told_in_the_task_file(tmp_path):
    table = rows()
    table[1][2], table[2][2], table[3][3] = "-1", "-999", "99"
    time = {"column": "response_time", "omitted": [-1, -999]}
    response = {"column": "response", "omitted": [99]}
    trials, said = decoded(tmp_path, table, response_time=time, response=response)
    assert trials.answered.tolist() == [True, False, False, False, True, True] and said == []
    with pytest.raises(DataError, match="line 3|row 3: found -1, expected .*omitted"):
        decoded(tmp_path, table)
    with pytest.raises(DataError, match="response, row 5: found '99'"):
        decoded(tmp_path, table, response_time=time)


def test_code_where_nobody_pressed_needs_no_name(tmp_path):
    table = rows()
    table[2][2:4] = ["n/a", "0"]
    trials, said = decoded(tmp_path, table)
    assert trials.answered.sum() == 5 and said == []


def test_somebody_who_never_pressed_is_not_taken_for_milliseconds(tmp_path):
    table = [[*row[:2], "999", *row[3:]] for row in rows()]
    trials, (said,) = decoded(tmp_path, table)
    assert not trials.answered.any() and "6 presses later than the window" in said


@pytest.mark.parametrize(("unit", "times"), [("s", "5{}7"), ("ms", "0.5{}")])
def test_another_unit_is_refused(tmp_path, unit, times):
    table = [[*row[:2], times.format(k), *row[3:]] for k, row in enumerate(rows())]
    with pytest.raises(DataError, match="are they (milliseconds|seconds)"):
        decoded(tmp_path, table, response_time={"column": "response_time", "unit": unit})


def test_code_in_milliseconds_is_asked_about(tmp_path):
    table = [[*row[:2], str(round(1000 * float(row[2]))), *row[3:]] for row in rows()]
    table[0][2] = table[4][2] = "999"
    time = {"column": "response_time", "unit": "ms"}
    _, (said,) = decoded(tmp_path, table, response_time=time)
    assert "2 presses after exactly 0.999 s: a code for no press" in said


@pytest.mark.parametrize(
    "rule",
    [{"only": ["congruent", "incongruent"]}, {"not": ["fixation", "n/a"]}],
    ids=["only", "not"],
)
def test_rows_choose_the_trials(tmp_path, rule):
    table = [
        row
        for k, trial in enumerate(rows())
        for row in (trial, [str(4 * k + 3), ["fixation", "n/a"][k % 2], "no", "n/a", "n/a"])
    ]
    told = {"column": "trial_type", **rule}
    trials, said = decoded(tmp_path, table, rows=told)
    assert trials.onset_s.tolist() == [2, 6, 10, 14, 18, 22] and said == []
    with pytest.raises(DataError, match="line 3, column response_time: found 'no'"):
        decoded(tmp_path, table)
    table[2][1] = "neutral"  # in line 4 of the file
    if "not" in rule:
        with pytest.raises(DataError, match="column trial_type, row 4: found 'neutral'"):
            decoded(tmp_path, table, rows=told)
    with pytest.raises(DataError, match="no row is a trial, with only: go"):
        decoded(tmp_path, rows(), rows={"column": "trial_type", "only": ["go"]})


def test_rows_are_read_by_onset(tmp_path):
    table = rows()
    trials, _ = decoded(tmp_path, table)
    turned, said = decoded(tmp_path, table[3:] + table[:3])
    for one, other in zip(trials, turned):
        np.testing.assert_array_equal(one, other)
    assert said == []
    with pytest.raises(DataError, match="line 3, column onset: n/a"):
        decoded(tmp_path, [table[5], ["n/a", *table[0][1:]], *table[1:3]])
    with pytest.raises(DataError, match="line 3, column onset: found inf"):
        decoded(tmp_path, [table[5], ["inf", *table[0][1:]], *table[1:3]])


def test_row_that_is_there_twice_is_read_once(tmp_path):
    table = rows()
    trials, (said,) = decoded(tmp_path, [*table, table[2]])
    assert len(trials.onset_s) == 6 and "1 row" in said
    table[3][0] = table[2][0]
    trials, (said,) = decoded(tmp_path, table)
    assert len(trials.onset_s) == 6 and "1 trial with the onset of another one, at 10 s" in said


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER[:-1] + ["Correct_response"], "'Correct_response' differs by blanks or case"),
        (HEADER[:-1] + ["Response "], "columns 'response' and 'Response' differ by blanks or case"),
        (rows()[0][:4] + ["right"], "numbers where names are expected"),
        (["2", "0.5", "3", "4", "left"], "numbers where names are expected"),
    ],
)
def test_header_that_does_not_fit_is_one_sentence(tmp_path, header, said):
    with pytest.raises(DataError, match=said) as error:
        decoded(tmp_path, rows(), header=header)
    assert "\n" not in str(error.value)


ACCURACY = {"column": "hit", "right": "yes", "wrong": "no", "omitted": "none"}


@pytest.mark.parametrize(
    ("more", "present"),
    [
        ({"accuracy": ACCURACY, "correct": None, "response": None}, [True, False]),
        ({"accuracy": ACCURACY, "correct": None}, [True, False]),
        ({"accuracy": ACCURACY}, [True, True]),
    ],
    ids=["accuracy alone", "accuracy and response", "response and right action"],
)
def test_press_of_unknown_accuracy_is_no_error(tmp_path, more, present):
    table = [[*row, "yes"] for row in rows()[:2]]
    table[1][-1] = "n/a"
    trials, said = decoded(tmp_path, table, header=[*HEADER, "hit"], **more)
    assert trials.present.tolist() == present and len(said) == (not all(present))
    table[1][2] = "n/a"  # nor is it a press
    trials, said = decoded(tmp_path, table, header=[*HEADER, "hit"], **more)
    assert trials.present.all() and trials.answered.tolist() == [True, False] and said == []


def test_right_action_that_is_not_recorded_is_no_error(tmp_path):
    trials, (said,) = decoded(tmp_path, changed(1, "correct_response", "n/a"))
    assert trials.present.tolist() == [True, False, True, True, True, True]
    assert "1 trial left out: pressed, but not known whether right" in said


def test_lines_name_who_has_other_numbers_of_trials(tmp_path):
    tables = {f"sub-{k}": rows(k) for k in range(4)}
    tables |= {"sub-4": rows(4, 1), "sub-5": rows(5, 9)}
    _, _, said = behaviour(tmp_path, tables)
    assert said == [("sub-4", "1 trial, most have 6"), ("sub-5", "9 trials, most have 6")]


def test_lines_name_who_has_few_trials_where_everybody_has_another_number(tmp_path):
    tables = {f"sub-{k}": rows(k, n) for k, n in enumerate((30, 31, 33, 35, 9))}
    _, _, said = behaviour(tmp_path, tables)
    assert said == [("all", "people have from 9 to 35 trials"), ("sub-4", "9 trials, most have 31")]


def test_line_names_who_lacks_one_of_several_runs(tmp_path):
    write(tmp_path, "sub-1", rows(9), run="run-2")
    read, ledger, said = behaviour(tmp_path, {"sub-1": rows(1), "sub-2": rows(2)})
    assert said == []
    of_these(read, ["sub-1", "sub-2"], ledger)
    assert [(e.participant, e.run, e.reason) for e in ledger.entries] == [
        ("sub-2", "flanker_run-02", "no events of this run")
    ]


def test_line_names_two_people_with_the_same_presses(tmp_path):
    _, _, said = behaviour(tmp_path, {"sub-1": rows(1), "sub-2": rows(2), "sub-901": rows(1)})
    assert said == [("sub-901", "the same events as sub-1: one person twice?")]


def test_task_without_a_press_is_one_sentence(tmp_path):
    silent = [[*row[:2], "n/a", *row[3:]] for row in rows()]
    with pytest.raises(DataError, match="flanker_run-01: none of 2 people pressed in any trial"):
        behaviour(tmp_path, {"sub-1": silent, "sub-2": silent})
    write(tmp_path, "sub-1", rows(3), run="run-2")
    read, _, said = behaviour(tmp_path, {})
    assert list(read) == ["flanker_run-02"] and said[-1][0] == "all"


def test_line_tells_of_trials_that_begin_before_presses_are_late(tmp_path):
    table = rows(gap=1)
    table[2][2] = "1.3"
    read, _, ((who, said),) = behaviour(tmp_path, {"sub-1": table})
    assert who == "all" and "1 of 6 presses come after the next onset" in said
    ((trials, _),) = read["flanker_run-01"][1].values()
    assert trials.answered.all() and trials.response_time_s[2] == 1.3


STROOP_HEADER = [*STROOP.columns]


def stroop(tmp_path, *cells):
    table = [[str(2 + 4 * k), "4.0", "0.7", "1", "red", "blue"] for k in range(3)]
    for row, column, value in cells:
        table[row][STROOP_HEADER.index(column)] = value
    said = []
    path = write(tmp_path, "sub-1", table, header=STROOP_HEADER, task="stroop")
    return (*decode_events(path, STROOP, said.append), said)


@pytest.mark.parametrize("duration", ["0", "-1", "n/a"])
def test_stroop_without_a_duration_shows_its_word_all_the_same(tmp_path, duration):
    trials, drive, said = stroop(tmp_path, *((k, "duration", duration) for k in range(3)))
    np.testing.assert_array_equal(trials.deadline_s, 4.0)
    np.testing.assert_array_equal(drive.stop_s - drive.start_s, 4.0)
    assert said == []


def test_stroop_without_a_duration_ends_before_the_next_word(tmp_path):
    trials, _, _ = stroop(tmp_path, (0, "duration", "0"), (1, "onset", "4"))
    assert trials.deadline_s.tolist() == [1.75, 3.75, 3.75]


def test_stroop_press_of_unknown_accuracy_is_left_out(tmp_path):
    trials, _, (said,) = stroop(tmp_path, (1, "accuracy_binarized", "n/a"))
    assert trials.present.tolist() == [True, False, True] and "1 trial left out" in said


def test_stroop_presses_before_the_onset_and_after_the_window_do_not_count(tmp_path):
    trials, _, said = stroop(tmp_path, (0, "response_time", "-1"), (1, "response_time", "3.9"))
    assert trials.answered.tolist() == [False, False, True]
    assert len(said) == 2 and "later than the window of 3.75 s" in said[0]
    assert "1 press before the trial" in said[1]


def test_stroop_in_milliseconds_is_refused(tmp_path):
    with pytest.raises(DataError, match="are they milliseconds"):
        stroop(tmp_path, *((k, "response_time", f"7{k}0") for k in range(3)))
