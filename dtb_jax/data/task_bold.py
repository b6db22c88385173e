"""Task BOLD of everybody: read, brought to one grid of times, and how long a run is."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.beside import censored_volumes
from dtb_jax.data.derivatives import Imaging, may_be_censored
from dtb_jax.data.files import TCP_SUFFIX
from dtb_jax.data.imaging import missing_parcels, named
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.parcels import in_short
from dtb_jax.data.regions import region_means
from dtb_jax.data.repetition_time import (
    USUAL_S,
    Reported,
    misfit,
    on_grid,
    reported_by,
    settle,
    steps_of,
)
from dtb_jax.data.scan import full_length
from dtb_jax.data.sidecars import Sidecars
from dtb_jax.data.timeseries import Expect, Series, read_series
from dtb_jax.types import STEP_S


class Scan(NamedTuple):
    """One run of one person, mean over each region's parcels."""

    path: Path
    values: np.ndarray  # [volume, region], 0 where masked
    mask: np.ndarray  # [volume]
    told: Reported
    simulated: bool
    has_table: bool  # beside it stands which volumes were censored
    among_censored: bool  # what prepared it leaves volumes out of the middle of a run


class TaskBold(NamedTuple):
    """Of a study: seconds between volumes, and {run: {participant: scan}}."""

    repetition_time_s: float  # whole steps of the network
    scans: dict[str, dict[str, Scan]]


def read_task_bold(
    runs: Mapping[str, Iterable[str]],
    imaging: Imaging,
    regions: Mapping[str, Sequence[int]],
    expect: Expect,
    sidecars: Sidecars,
    *,
    repetition_time_s: float | None,
    least_share: float,
    dummy_volumes: int,
    ledger: ExclusionLog,
) -> TaskBold:
    """Task BOLD of these people's runs at one repetition time, which is whole network steps.

    Where the scanner's is not (2.1 s), everybody is resampled to the nearest (2.08 s), by cubic
    splines through the volumes that are there; people whose own differs by up to 5 % as well.
    Whose differs more has no BOLD, and a line says so.

    Args:
        runs: {run: participants with behaviour}.
        imaging: where files are.
        regions: parcels of each.
        expect: what a file should hold.
        sidecars: where JSON files are.
        repetition_time_s: None: what files say.
        least_share: of a run's usual volumes that has to be there.
        dummy_volumes: acquired before the first volume of a file, after the events' clock began.
        ledger: who has no BOLD of a run, and why.

    Raises: DataError where repetition times contradict the option.
    """
    scans = {
        run: _read_run(run, people, imaging, regions, expect, sidecars, repetition_time_s, ledger)
        for run, people in runs.items()
    }
    told = {(person, run): one.told for run, some in scans.items() for person, one in some.items()}
    study_s = settle(told, repetition_time_s, ledger)
    grid_s = steps_of(study_s) * STEP_S
    if told and abs(grid_s - study_s) > 1e-4 * grid_s:
        words = (
            f"repetition time {study_s:g} s is no multiple of the network's {STEP_S} s: task BOLD "
            f"is resampled to {grid_s:g} s, cubic in time"
        )
        ledger.add("all", "", "", words)
    for run, some in scans.items():
        fitting = {}
        for person, one in some.items():
            problem = misfit(one.told, study_s)
            if problem:
                ledger.add(person, run, one.path, f"{problem}: behaviour only")
                continue
            blank = np.zeros((dummy_volumes, one.values.shape[1]))
            values = np.concatenate([blank, one.values])
            mask = np.concatenate([np.zeros(dummy_volumes, bool), one.mask])
            fitting[person] = one._replace(values=values, mask=mask)
        scans[run] = {
            person: _resampled(one, one.told.seconds or study_s, grid_s)
            for person, one in _long_enough(run, fitting, least_share, ledger).items()
        }
    return TaskBold(grid_s, scans)


def _resampled(scan: Scan, own_s: float, grid_s: float) -> Scan:
    values, mask = on_grid(scan.values, scan.mask, own_s, grid_s)
    return scan._replace(values=values, mask=mask)


def _read_run(
    run: str, people, imaging: Imaging, regions, expect, sidecars, option, ledger: ExclusionLog
) -> dict[str, Scan]:
    """Everybody's scan of a run, as the scanner's volumes; a line for who has none."""
    paths = {person: imaging.series.get(person, {}).get(run) for person in people}
    if not any(paths.values()):
        ledger.add("all", run, "", "nobody has BOLD of this run: behaviour only")
        return {}
    scans = {}
    for person, path in paths.items():
        if path is None:
            ledger.add(person, run, "", "no BOLD of this run: behaviour only")
            continue
        try:
            scans[person] = _read(path, person, run, regions, expect, sidecars, option, ledger)
        except DataError as error:
            ledger.add(person, run, path, f"{error}: behaviour only")
    return scans


def _read(path, person, run, regions, expect, sidecars, option, ledger: ExclusionLog) -> Scan:
    series = read_series(path, expect)
    told = reported_by(path, series.repetition_time_s, sidecars, person, option)
    if told == Reported() and option is None and path.name.endswith(TCP_SUFFIX):
        told = Reported(USUAL_S, "TCP's layout")
    values = _without_missing(series, regions, expect, path, person, run, ledger)
    there = series.present()
    means = region_means(np.where(there[:, None], values, 0.0), dict(regions))
    return Scan(
        path,
        np.where(there[:, None], means, 0.0),
        there,
        told,
        series.simulated,
        has_table=censored_volumes(path) is not None,
        among_censored=may_be_censored(path, sidecars.imaging),
    )


def _without_missing(series: Series, regions, expect, path, person, run, ledger) -> np.ndarray:
    """Missing parcels take the mean of their region's others, so that they do not count.

    Raises: DataError where a region has no other.
    """
    missing = missing_parcels(series, expect, path)
    values = np.array(series.values)
    gone = {int(k) for which in missing.values() for k in which}
    touched = {name: set(parcels) & gone for name, parcels in regions.items()}
    for name, lost in touched.items():
        if not lost:
            continue
        others = [k for k in regions[name] if k not in gone]
        which = in_short(named(sorted(lost), expect))
        kind = " or ".join(missing)
        if not others:
            raise DataError(f"{path}: {kind} parcels {which} are all of region {name}")
        values[:, sorted(lost)] = values[:, others].mean(axis=1, keepdims=True)
        ledger.add(person, run, path, f"{kind} parcels {which}: not in the mean of region {name}")
    return values


def _long_enough(
    run: str, scans: dict[str, Scan], least_share: float, ledger: ExclusionLog
) -> dict[str, Scan]:
    """The scans with enough volumes; a line for each that is left out, cut or short."""
    if not scans:
        return {}
    lengths = [float(len(one.mask)) for one in scans.values()]
    full, usual = int(full_length(lengths)), int(np.median(lengths))
    some_censored = any(one.has_table for one in scans.values())
    kept = {}
    for person, one in scans.items():
        length, there = len(one.mask), int(one.mask.sum())
        if there < least_share * usual:
            how = "truncated" if one.mask.all() else "censored"
            words = f"{how}, {there} of {usual} volumes, expected at least {least_share:.0%}"
            ledger.add(person, run, one.path, f"{words}: behaviour only")
            continue
        if length < full and not one.has_table and (some_censored or one.among_censored):
            words = (
                f"{length} volumes, others have {full}: not known which are missing (no "
                "outliers.tsv beside it): behaviour only"
            )
            ledger.add(person, run, one.path, words)
            continue
        if length < usual:
            words = f"{length} of {usual} volumes: taken as cut at the end, the rest is masked"
            ledger.add(person, run, one.path, words)
        if length > full:
            words = f"{length} volumes, others have {usual}: cut after {full}"
            ledger.add(person, run, one.path, words)
        kept[person] = one._replace(values=one.values[:full], mask=one.mask[:full])
    gaps = [int((~one.mask).sum()) for one in kept.values() if not one.mask.all()]
    if gaps:
        words = f"{sum(gaps)} volumes of {len(gaps)} people are missing or censored: masked"
        ledger.add("all", run, "", words)
    return kept
