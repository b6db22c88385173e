"""Trials against the scan: how long a run is, and which trials begin outside of it."""

from collections.abc import Mapping, Sequence

import numpy as np

from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.types import StimulusEvents, Trials

LONGEST = 1.5
"""A run this many times as long as nearly everybody's is somebody's slip."""
REST_S = 10.0
"""After the last event, where no BOLD says when a run ends: the response to it."""
LONGEST_GAP_S = 100.0
"""Between two trials, at most: a longer one is in milliseconds."""
LATEST_START_S = 120.0

People = Mapping[str, tuple[Trials, StimulusEvents]]


def full_length(lengths: Sequence[float]) -> float:
    """The longest of the lengths of people's runs, but for some that are far from the others'."""
    usual = np.quantile(lengths, 0.9, method="lower")
    limit = max(usual, LONGEST * usual)
    return float(max(length for length in lengths if length <= limit))


def behaviour_length_s(run: str, people: People) -> float:
    """Length of a run that has no BOLD: the end of its last event, and 10 s.

    Args:
        run: its name.
        people: their trials; the order of rows does not matter.

    Raises: DataError where onsets can be no seconds.
    """
    gaps, starts, ends = [], [], []
    for trials, _ in people.values():
        known = np.isfinite(trials.onset_s)
        if known.any():
            onset = np.sort(trials.onset_s[known])
            gaps += list(np.diff(onset))
            starts.append(onset[0])
            ends.append(float((trials.onset_s + np.nan_to_num(trials.duration_s))[known].max()))
    if not ends:
        raise DataError(f"{run}: nobody's trials have an onset")
    if gaps and np.median(gaps) > LONGEST_GAP_S:
        raise DataError(
            f"{run}: {np.median(gaps):g} s from one trial to the next (median); "
            "are onsets milliseconds?"
        )
    length = full_length(ends) + REST_S
    if length <= 0:
        raise DataError(f"{run}: every trial begins before 0 s; are onsets of another clock?")
    if np.median(starts) > max(LATEST_START_S, length / 2):
        raise DataError(
            f"{run}: the first trial begins at {np.median(starts):g} s of {length:g} s (median); "
            "are onsets of the session's clock? expected seconds from the start of the run"
        )
    return length


def inside_scan(
    run: str, people: People, length_s: float, has_bold: bool, ledger: ExclusionLog
) -> dict[str, tuple[Trials, StimulusEvents]]:
    """The same people; trials that begin outside of the scan are not present.

    Args:
        run: its name.
        people: their trials.
        length_s: the scan lasts from 0 to here.
        has_bold: whether volumes say so.
        ledger: a line a person.

    Returns: people of whom a trial is left.

    Raises: DataError where all trials of everybody lie outside.
    """
    end = "last volume" if has_bold else "end of the others' run"
    kept, first = {}, None
    for person, (trials, drive) in people.items():
        onset = trials.onset_s
        late, early = onset >= length_s, onset < 0
        kinds = (
            (
                late,
                f"begin after the {end} ({length_s:g} s): are onsets milliseconds, or of "
                "another clock?",
            ),
            (early, "begin before the first volume: left out"),
            (np.isnan(onset), "have no onset: left out"),
        )
        for which, words in kinds:
            which = which & trials.present
            if which.any():
                said = f"{which.sum()} of {trials.present.sum()} trials {words}"
                first = first or f"{person}: {said}"
                ledger.add(person, run, "", said)
        inside = trials.present & ~(late | early | np.isnan(onset))
        if inside.any():
            timed = np.isfinite(drive.start_s) & np.isfinite(drive.stop_s)
            kept[person] = (
                _only(trials, inside),
                StimulusEvents(*(field[timed] for field in drive)),
            )
        else:
            ledger.add(person, run, "", "no trial within the scan: no behaviour in this run")
    if not kept:
        raise DataError(f"{run}: no trial of anybody begins within the scan; the first: {first}")
    return kept


def _only(trials: Trials, inside: np.ndarray) -> Trials:
    """The others keep their place and onset, so that they can be counted, and nothing else."""
    if inside.all():
        return trials
    return trials._replace(
        onset_s=np.nan_to_num(trials.onset_s),
        possible=trials.possible & inside[:, None],
        answered=trials.answered & inside,
        response_time_s=np.where(inside, trials.response_time_s, 0.0),
        present=trials.present & inside,
    )
