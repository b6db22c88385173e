"""Trials against the scan: outside of it they do not count, and somebody says so."""

import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.scan import full_length
from tests.data.small_study import PEOPLE, said_of

AFTER = "{} of 10 trials begin after the last volume (48 s)"


def without_bold(study):
    for person in PEOPLE:
        study.path(person, "flanker").unlink()


def test_trials_after_the_last_volume_are_not_present(study):
    study.events(PEOPLE[1], 1, clock=lambda s: 2 * s)
    cohort, ledger = study.read()
    trials = cohort.runs[0].trials
    assert list(trials.present.sum(1)) == [10, 6, 10, 10, 10]
    assert not trials.answered[1, 6:].any() and not trials.possible[1, 6:].any()
    assert trials.onset_s[1, 9] == 76  # still there to be counted
    assert AFTER.format(4) in said_of(ledger, PEOPLE[1])
    assert "are onsets milliseconds" in said_of(ledger, PEOPLE[1])


def test_trials_before_the_first_volume_are_not_present(study):
    for i, person in enumerate(PEOPLE):
        study.events(person, i, clock=lambda s: s - 7)
    cohort, ledger = study.read()
    assert (cohort.runs[0].trials.present.sum(1) == 8).all()
    for person in PEOPLE:
        assert "2 of 10 trials begin before the first volume" in said_of(ledger, person)


@pytest.mark.parametrize("clock", [lambda s: 1000 * s, lambda s: s + 1000, lambda s: s - 1000])
def test_nobodys_trials_within_the_scan_is_an_error(study, clock):
    for i, person in enumerate(PEOPLE):
        study.events(person, i, clock=clock)
    with pytest.raises(DataError, match=r"no trial of anybody begins within the scan; the first: "):
        study.read()


@pytest.mark.parametrize("bold", [True, False])
def test_one_persons_clock_costs_this_person_alone(study, bold):
    study.events(PEOPLE[0], 0, clock=lambda s: 1000 * s)
    if not bold:
        without_bold(study)
    cohort, ledger = study.read()
    assert list(cohort.participants.index) == PEOPLE[1:]
    assert cohort.runs[0].stimulus.shape[1] == (600 if bold else 620)  # 38 + 1 + 10 s
    assert "10 of 10 trials begin after" in said_of(ledger, PEOPLE[0])
    assert "not in the cohort" in said_of(ledger, PEOPLE[0])


def test_a_person_without_trials_in_one_run_keeps_the_others(study):
    for i, person in enumerate(PEOPLE):
        path = study.events(person, i)
        path.with_name(path.name.replace("run-01", "run-02")).write_text(path.read_text())
    study.events(PEOPLE[0], 0, clock=lambda s: s + 1000)
    cohort, _ = study.read()
    assert list(cohort.participants.index) == PEOPLE
    assert [bool(run.present[0]) for run in cohort.runs] == [False, True]
    assert not cohort.runs[0].trials.present[0].any()


def test_a_run_without_bold_ends_after_its_latest_event(study):
    without_bold(study)
    for person in PEOPLE:
        path = study.root / person / "func" / f"{person}_task-flanker_run-01_events.tsv"
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *rows[6:], *rows[:6]]) + "\n")
    cohort, _ = study.read()
    assert cohort.runs[0].bold.shape[1] == np.ceil((38 + 1 + 10) / 0.8)
    assert (cohort.runs[0].trials.present.sum(1) == 10).all()


def test_impossible_clocks_are_refused_without_bold(study):
    without_bold(study)
    for clock, words in (
        (lambda s: 1000 * s, r"4000 s from one trial to the next"),
        (lambda s: 1000 + s, r"the first trial begins at 1002 s.*session's clock"),
        (lambda s: s - 1000, r"every trial begins before 0 s"),
    ):
        for i, person in enumerate(PEOPLE):
            study.events(person, i, clock=clock)
        with pytest.raises(DataError, match=words):
            study.read()


@pytest.mark.parametrize(
    ("lengths", "full"),
    [
        ([100.0] * 8, 100),
        ([100.0] * 4 + [120.0] * 4, 120),
        ([100.0] * 9 + [9000.0], 100),
        ([57.0] + [493.0] * 30, 493),
        ([-5.0, -5.0], -5),
        ([40.0], 40),
    ],
)
def test_one_wild_length_is_not_the_runs(lengths, full):
    assert full_length(lengths) == full
