"""`data.check` on cohorts whose slips are known, and on cohorts drawn at random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtb_jax.data import DataConfig, ExclusionLog, read_cohort
from dtb_jax.data.check import after_window, as_text, late_presses, outside_scan, overview
from dtb_jax.data.cohort import below_chance
from tests.data.test_folds import make_cohort
from tests.small import write_small_cohort

PEOPLE = 15


@pytest.fixture
def cohort():
    """Nobody stopped early, and everybody who was there has all volumes."""
    found = make_cohort(PEOPLE)
    whole = [
        run._replace(
            trials=run.trials._replace(
                **{
                    name: getattr(run.trials, name)[np.where(run.present, 0, PEOPLE - 1)]
                    for name in ("onset_s", "deadline_s", "present")
                }
            ),
            bold_mask=np.tile(run.present[:, None], (1, run.bold_mask.shape[1])),
        )
        for run in found.runs
    ]
    return found._replace(runs=tuple(whole))


def with_trials(cohort, **fields):
    """The same people with other trials in the first run."""
    run = cohort.runs[0]
    changed = run._replace(trials=run.trials._replace(**fields))
    return cohort._replace(runs=(changed, *cohort.runs[1:]))


def warned(cohort):
    return overview(cohort, ExclusionLog())


def test_overview_counts_each_condition(cohort):
    run = cohort.runs[0]
    found = warned(cohort).conditions.set_index(["run", "condition"])
    for c, name in enumerate(run.task.conditions):
        inside = run.trials.present & (run.trials.condition == c)
        row = found.loc[run.name, name]
        assert row["trials"] == inside.sum() and row["people"] == inside.any(1).sum()
        right = np.take_along_axis(run.trials.possible, run.trials.correct[..., None], -1)[..., 0]
        assert row["accuracy"] == pytest.approx((right & run.trials.answered)[inside].mean())
        assert row["omissions"] == pytest.approx(1 - run.trials.answered[inside].mean())
    text = as_text(found.reset_index())
    assert text["accuracy"].str.endswith(" %").all()
    assert text["RT (SD), s"].str.fullmatch(r"\d\.\d{3} \(\d\.\d{3}\)").all()


def test_overview_has_no_time_of_a_condition_without_correct_presses(cohort):
    trials = cohort.runs[0].trials
    pressed = trials.possible & (trials.condition != 0)[..., None]
    found = warned(with_trials(cohort, possible=pressed, answered=pressed.any(-1))).conditions
    assert np.isnan(found.loc[0, "RT (s)"]) and found.loc[0, "omissions"] == 1
    assert as_text(found).loc[0, "RT (SD), s"] == "\u2013"


@pytest.mark.parametrize("move", [lambda s: 1000 * s, lambda s: s + 5000, lambda s: s - 30])
def test_overview_warns_of_onsets_outside_the_scan(cohort, move):
    moved = with_trials(cohort, onset_s=move(cohort.runs[0].trials.onset_s))
    run, tr = moved.runs[0], moved.repetition_time_s
    length = run.bold_mask.shape[1] * tr
    onset = run.trials.onset_s
    expected = ((onset < 0) | (onset >= length)) & run.present[:, None]
    np.testing.assert_array_equal(outside_scan(run, tr), expected)
    found = warned(moved)
    (warning,) = found.warnings
    assert f"{expected.sum()} of" in warning and "outside the scan" in warning
    assert not found.complete and found.runs.loc[run.name, "outside the scan"] == expected.sum()


def test_trials_after_a_persons_own_last_volume_are_outside(cohort):
    run, tr = cohort.runs[0], cohort.repetition_time_s
    assert not outside_scan(run, tr).any()
    mask = run.bold_mask.copy()
    mask[3, 20:] = False
    found = outside_scan(run._replace(bold_mask=mask), tr)
    assert found[3].any() and not np.delete(found, 3, 0).any()
    np.testing.assert_array_equal(found[3], run.trials.onset_s[3] >= 20 * tr)


def test_overview_warns_where_half_of_the_people_are_below_chance(cohort):
    trials = cohort.runs[0].trials
    assert not warned(cohort).warnings
    wrong = np.roll(trials.possible, 1, axis=-1)
    turned = np.where((np.arange(PEOPLE) < 9)[:, None, None], wrong, trials.possible)
    found = warned(with_trials(cohort, possible=turned))
    below = below_chance(with_trials(cohort, possible=turned).runs[0]).sum()
    assert below >= 8
    (warning,) = found.warnings
    assert f"{below} of {PEOPLE - 1} people" in warning and "turned around" in warning


def test_overview_warns_of_many_presses_after_the_window(cohort):
    trials = cohort.runs[0].trials
    late = with_trials(cohort, response_time_s=trials.response_time_s + 10 * trials.answered)
    count = int(trials.answered.sum())
    assert after_window(late.runs[0]).sum() == count
    (warning,) = warned(late).warnings
    assert f"{count} of {count} presses" in warning and "after the window" in warning


def test_late_presses_that_readers_left_out_are_counted_by_their_lines(cohort):
    ledger, run = ExclusionLog(), cohort.runs[0]
    said = "later than the window of 1.6 s do not count, the latest after 9 s"
    ledger.add("sub-001", run.name, "f", f"3 presses {said}")
    ledger.add("sub-002", run.name, "f", f"1 press {said}")
    ledger.add("sub-003", "another", "f", f"9 presses {said}")
    assert late_presses(run, ledger) == 4
    assert overview(cohort, ledger).runs.loc[run.name, "late presses"] == 4


def test_facts_say_where_they_were_read(cohort):
    found = warned(cohort).facts
    assert found["repetition time"].endswith("(default)")
    assert found["parcels"] == f"{cohort.parcels}, in the table's order"
    ledger = ExclusionLog()
    ledger.facts |= {"repetition_time": "bold.json", "parcels_by_name": "8"}
    ledger.add("all", "", "participants.tsv", "columns not used: gender (sex?), IQ")
    found = overview(cohort, ledger).facts
    assert found["repetition time"].endswith("(bold.json)")
    assert found["parcels"] == f"{cohort.parcels}, 8 of them matched by name"
    assert "gender (sex?), IQ" in found.values()


def test_overview_counts_trial_lists(cohort):
    run = cohort.runs[0]
    alike = np.tile(np.arange(run.trials.condition.shape[1]) % 2, (PEOPLE, 1))
    one = with_trials(cohort, condition=alike, correct=alike)
    assert warned(one).runs.loc[run.name, "trial lists"] == "1"
    other = np.where((np.arange(PEOPLE) < 6)[:, None], 1 - alike, alike)
    found = warned(with_trials(cohort, condition=other, correct=alike))
    assert found.runs.loc[run.name, "trial lists"] == "2"
    assert any("2 trial lists" in fact for fact in found.facts.values())


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = write_small_cohort(tmp_path_factory.mktemp("small"), participants=5)
    cohort, ledger = read_cohort(root, DataConfig())
    return cohort, ledger


REASONS = st.text("abc: ", min_size=1, max_size=6).map(lambda text: f"why {text}")
PERSON = st.integers(0, 4)


@settings(max_examples=60, deadline=None)
@given(
    inside=st.sets(PERSON, min_size=1),
    present=st.lists(st.tuples(*[st.booleans()] * 5), min_size=2, max_size=2),
    with_bold=st.tuples(st.booleans(), st.booleans()),
    lines=st.lists(st.tuples(PERSON, st.sampled_from(["", "run"]), REASONS), max_size=6),
)
def test_everybody_is_in_or_out_with_a_reason(small, inside, present, with_bold, lines):
    cohort, _ = small
    everybody, rows = list(cohort.participants.index), np.array(sorted(inside))
    runs = tuple(
        run._replace(
            trials=type(run.trials)(*(field[rows] for field in run.trials)),
            stimulus=run.stimulus[rows],
            bold=run.bold[rows],
            bold_mask=run.bold_mask[rows] & scanned,
            present=np.array(there)[rows],
        )
        for run, there, scanned in zip(cohort.runs, present, with_bold, strict=True)
    )
    some = cohort._replace(
        participants=cohort.participants.iloc[rows], connectomes=cohort.connectomes[rows], runs=runs
    )
    ledger = ExclusionLog()
    for i in sorted(set(range(5)) - inside):
        ledger.add(everybody[i], "", "", "not in the cohort")
    for i, run, reason in lines:
        ledger.add(everybody[i], run, "", reason)
    found = overview(some, ledger)
    assert sorted(found.people.index) == sorted(everybody)
    in_cohort = found.people["in_cohort"].astype(bool)
    assert set(found.people.index[in_cohort]) == set(some.participants.index)
    assert (found.people.loc[~in_cohort, "odd"] != "").all()
    named = {entry.participant for entry in ledger.entries}
    assert set(found.people.index[found.people["odd"] != ""]) == named
    assert found.complete == (not named and not found.warnings)
    assert len(as_text(found.conditions)) == len(found.conditions)
    for run in runs:
        assert found.runs.loc[run.name, "behaviour"] == run.present.sum()
