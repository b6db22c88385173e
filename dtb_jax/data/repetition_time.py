"""Seconds between volumes: what files say, what a study takes, and series brought to its grid."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.sidecars import Sidecars
from dtb_jax.types import STEP_S, required

USUAL_S = 0.8
"""Taken where nothing says another: TCP's."""
SAME = 0.001
"""Repetition times this close, as a share, are one that was rounded."""
NEAR = 0.05
"""People whose repetition time is this close to the others' are resampled, as a share."""
SLOWEST_S = 30.0
"""A larger number is in milliseconds."""


class Reported(NamedTuple):
    """What a file says of its repetition time."""

    seconds: float | None = None  # None: nothing
    where: str = ""  # a file's name, or "its header"
    problem: str = ""  # why it can not be used


def is_possible(seconds: float) -> bool:
    """Whether volumes can be so many seconds apart."""
    return bool(np.isfinite(seconds)) and STEP_S <= seconds <= SLOWEST_S


def check_option(seconds: float | None) -> None:
    """Raises: DataError for an option that is no time between volumes."""
    if seconds is not None and not is_possible(seconds):
        raise DataError(
            f"--config.repetition_time_s: {seconds:g}, expected seconds from {STEP_S} to "
            f"{SLOWEST_S:g}; is it milliseconds, or what a lost header says?"
        )


def reported_by(
    path: Path, header_s: float | None, sidecars: Sidecars, participant: str, option: float | None
) -> Reported:
    """What the JSON files of a series and its own header say.

    A header's 0 or NaN is one that was lost and says nothing. With an option, what can not be a
    repetition time says nothing either.

    Args:
        path: of the series.
        header_s: repetition time in its header, if any.
        sidecars: where JSON files are looked for.
        participant: whose.
        option: `repetition_time_s`, which settles what contradicts itself.
    """
    try:
        value, where = sidecars.of(path, participant).get("RepetitionTime", (None, path))
    except DataError as error:
        return Reported(problem=str(error))
    said = [] if value is None else [(value, where.name)]
    said += [] if header_s is None else [(header_s, "its header")]
    found: list[Reported] = []
    for number, name in said:
        try:
            seconds = float(number)
        except (TypeError, ValueError):
            return Reported(problem=f"RepetitionTime {number!r} in {name}, expected seconds")
        if is_possible(seconds):
            found.append(Reported(seconds, name))
        elif option is None and np.isfinite(seconds) and seconds != 0:
            words = f"repetition time {seconds:g} in {name}, expected seconds; is it milliseconds?"
            return Reported(problem=words)
    agreeing = [one for one in found if option is not None and _same(one.seconds, option)]
    if agreeing or not found:
        return agreeing[0] if agreeing else Reported()
    if len(found) == 2 and not _same(found[0].seconds, found[1].seconds):
        first, second = found
        return Reported(
            problem=f"repetition time {first.seconds:g} s in {first.where}, "
            f"{second.seconds:g} s in {second.where}"
        )
    return found[0]


def settle(
    told: Mapping[tuple[str, str], Reported], option: float | None, ledger: ExclusionLog
) -> float:
    """The repetition time of a study's task BOLD: the option, else what most series say, else .8 s.

    Args:
        told: by participant and run.
        option: `repetition_time_s`.
        ledger: a line where series differ, or say nothing.

    Raises: DataError where every series that says a repetition time contradicts the option, or
        none says one that can be used.
    """
    known = {key: one for key, one in told.items() if one.seconds is not None}
    if option is not None:
        others = {key: one for key, one in known.items() if not _same(one.seconds, option)}
        if others and len(others) == len(known):
            (person, run), one = next(iter(others.items()))
            raise DataError(
                f"--config.repetition_time_s: {option:g} s, but {one.seconds:g} s in {one.where} "
                f"for {person} {run}, and no series has {option:g} s; leave the option out, or "
                "mend these files"
            )
        ledger.facts["repetition_time"] = "--repetition-time-s"
        return option
    strange = [(key, one) for key, one in told.items() if one.problem]
    if strange and not known:
        (person, run), one = strange[0]
        raise DataError(
            f"{person} {run}: {one.problem}, and no other series says a repetition time; mend "
            "these files, or give --config.repetition_time_s"
        )
    if not known:
        ledger.facts["repetition_time"] = "not in files"
        if told:
            words = f"no repetition time in headers and JSON files: {USUAL_S} s is taken"
            ledger.add("all", "", "", f"{words}; else give --repetition-time-s")
        return USUAL_S
    groups: Counter[float] = Counter()
    for one in known.values():
        seconds: float = required(one.seconds)
        groups[next((t for t in groups if _same(seconds, t)), seconds)] += 1
    usual = groups.most_common(1)[0][0]
    first = next(one for one in known.values() if _same(one.seconds, usual))
    silent = len(told) - len(known) - len(strange)
    rest = f"; {silent} series say nothing and are taken to have the same" if silent else ""
    ledger.facts["repetition_time"] = f"{first.where}; {len(known)} of {len(told)} series"
    if len(groups) > 1:
        each = ", ".join(f"{seconds:g} s ({count} series)" for seconds, count in groups.items())
        words = f"repetition times differ, {each}: {usual:g} s is that of the study{rest}"
        ledger.add("all", "", "", words)
    elif silent:
        ledger.add("all", "", "", f"repetition time {usual:g} s{rest}")
    return usual


def misfit(one: Reported, study_s: float) -> str:
    """Why a series can not be used beside others of this repetition time; "" where it can."""
    if one.problem:
        return one.problem
    if one.seconds is None or abs(one.seconds - study_s) <= NEAR * study_s:
        return ""
    return f"repetition time {one.seconds:g} s in {one.where}, the study's is {study_s:g} s"


def steps_of(seconds: float) -> int:
    """Whole steps of the network that are nearest to a repetition time, at least one."""
    return max(1, int(np.floor(seconds / STEP_S + 0.5 + 1e-9)))


def on_grid(
    values: np.ndarray, mask: np.ndarray, own_s: float, grid_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """A series at other times: a cubic spline through the volumes that are there.

    Args:
        values: [volume, region].
        mask: volumes that are there, [volume].
        own_s: seconds between them.
        grid_s: seconds between the new ones; the first has the same time.

    Returns: values and mask at the new times; a new volume is there where both its neighbours
        are. Masked volumes are 0.
    """
    if abs(own_s - grid_s) <= 1e-4 * grid_s:
        return np.where(mask[:, None], values, 0.0), mask
    last = len(values) - 1
    time = np.arange(int(np.floor(last * own_s / grid_s + 1e-6)) + 1) * (grid_s / own_s)
    before = np.floor(time + 1e-6).astype(int)
    after = np.minimum(np.ceil(time - 1e-6).astype(int), last)
    kept = mask[before] & mask[after]
    if mask.sum() < 2 or not kept.any():
        return np.zeros((len(time), values.shape[1])), np.zeros(len(time), bool)
    spline = CubicSpline(np.flatnonzero(mask), values[mask], axis=0)
    return np.where(kept[:, None], spline(np.minimum(time, last)), 0.0), kept


def _same(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SAME * other
