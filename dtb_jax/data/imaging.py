"""What of a person's imaging becomes a connectome."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.derivatives import Imaging
from dtb_jax.data.estimators import ESTIMATORS
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.parcels import MOST_MISSING, in_short
from dtb_jax.data.timeseries import Expect, Series, read_series
from dtb_jax.twin.connectome import LARGEST_R, edge_count


class Rest(NamedTuple):
    """Which rest runs make a connectome, and by which rules."""

    runs: Sequence[str]
    full_length: int  # volumes
    least_share: float  # of the full length; shorter runs are left out
    estimator: str  # one of `ESTIMATORS`


class RestConnectome(NamedTuple):
    """What a person's rest runs or matrix give."""

    edges: np.ndarray | None  # [edge], Fisher z; None when no file could be used
    simulated: bool  # some file says so
    volumes: dict[str, int] = {}  # of each used run
    gaps: dict[str, int] = {}  # of these, missing or censored


def note_volumes(everybody: Mapping[str, RestConnectome], ledger: ExclusionLog) -> None:
    """A line for everybody whose run is shorter than others', and one a run about gaps."""
    for run in sorted({run for one in everybody.values() for run in one.volumes}):
        known = {person: one for person, one in everybody.items() if run in one.volumes}
        longest = max(one.volumes[run] for one in known.values())
        for person, one in known.items():
            if one.volumes[run] < longest:
                words = f"{one.volumes[run]} volumes, others have {longest}: used as it is"
                ledger.add(person, run, "", words)
        gaps = [one.gaps[run] for one in known.values() if run in one.gaps]
        if gaps:
            words = f"{sum(gaps)} volumes of {len(gaps)} people are missing or censored"
            ledger.add("all", run, "", f"{words}: left out of correlations")


def typical_length(imaging: Imaging, runs: Sequence[str], expect: Expect) -> int:
    """Median volumes over a few people's first named run: what a full run is."""
    paths = [
        next(one[run] for run in runs if run in one)
        for one in imaging.series.values()
        if set(runs) & set(one)
    ]
    lengths: list[int] = []
    for path in [*paths[:: max(1, len(paths) // 9)], *paths]:  # of all sites, then whoever is left
        if len(lengths) == 9:
            break
        try:
            lengths.append(len(read_series(path, expect).values))
        except DataError:
            continue
    return int(np.quantile(lengths, 0.5, method="higher")) if lengths else 0


def person_connectome(
    paths: dict[str, Path], rest: Rest, expect: Expect, *, participant: str, ledger: ExclusionLog
) -> RestConnectome:
    """Mean Fisher-z edges over a person's named rest runs, weighted by volumes.

    Missing volumes are left out. Rules, each with a line in the ledger: a run that can not be
    read is left out; so is one shorter than `least_share` of `full_length`, or with more than 5 %
    missing or constant parcels; below that, such a parcel's edges are 0.
    """
    total, weight, simulated = np.zeros(edge_count(expect.parcels)), 0, False
    volumes: dict[str, int] = {}
    gaps: dict[str, int] = {}
    for run in rest.runs:
        path = paths.get(run)
        if path is None:
            ledger.add(participant, run, "", "no file of this rest run")
            continue
        try:
            series = read_series(path, expect)
            enough_volumes(series, rest.full_length, rest.least_share, path)
            missing = missing_parcels(series, expect, path)
        except DataError as error:
            ledger.add(participant, run, path, error)
            continue
        if series.names and expect.names:
            matched = expect.parcels - len(series.absent)
            fewest = int(ledger.facts.get("parcels_by_name", matched))
            ledger.facts["parcels_by_name"] = str(min(matched, fewest))
        values = series.values[series.present()]
        left_out = np.zeros(values.shape[1], bool)
        for kind, which in missing.items():
            words = f"{kind} parcels {in_short(named(which, expect))}: their edges are set to 0"
            ledger.add(participant, run, path, words)
            left_out[which] = True
        values = np.where(left_out, 0.0, values)  # rounding would let constant ones correlate
        r = ESTIMATORS[rest.estimator](values)[np.triu_indices(expect.parcels, k=1)]
        total += len(values) * np.arctanh(np.clip(r, -LARGEST_R, LARGEST_R))
        weight += len(values)
        simulated |= series.simulated
        volumes[run] = len(series.values)
        if len(values) < len(series.values):
            gaps[run] = len(series.values) - len(values)
    return RestConnectome(total / weight if weight else None, simulated, volumes, gaps)


def other_connectomes(
    imaging: Imaging, people: Sequence[str], rest: Rest, expect: Expect, ledger: ExclusionLog
) -> tuple[np.ndarray | None, np.ndarray | None, bool]:
    """A second connectome of several people, from rest runs that the first does not use.

    Args:
        imaging: where the runs are.
        people: whose; nobody is dropped.
        rest: which runs; there may be none.
        expect: what a file should hold.
        ledger: a line for whoever has none of these runs, or one for all.

    Returns: edges [people, edge] with zeros for who has none, who has them [people] (both None
        when nobody has), and whether any file says it is simulated.
    """
    if not rest.runs:
        return None, None, False
    if not any(run in imaging.series.get(person, {}) for person in people for run in rest.runs):
        words = f"no file of {', '.join(rest.runs)}: nobody has a second connectome"
        ledger.add("all", "", "", words)
        return None, None, False
    edges = np.zeros((len(people), edge_count(expect.parcels)), np.float32)
    present, everybody = np.zeros(len(people), bool), {}
    for i, person in enumerate(people):
        paths = imaging.series.get(person, {})
        found = person_connectome(paths, rest, expect, participant=person, ledger=ledger)
        if found.edges is None:
            ledger.add(person, "", "", "no usable run of other_rest_runs: no second connectome")
            continue
        edges[i], present[i] = found.edges, True
        everybody[person] = found
    note_volumes(everybody, ledger)
    simulated = any(one.simulated for one in everybody.values())
    return (edges, present, simulated) if present.any() else (None, None, False)


def enough_volumes(series: Series, full_length: int, least_share: float, path: Path) -> None:
    """Raises: DataError when too few volumes of a run are there."""
    there, rows = int(series.present().sum()), len(series.values)
    if there < least_share * full_length:
        how = "truncated" if there == rows else f"{rows - there} volumes missing"
        raise DataError(
            f"{path}: {how}, {there} of {full_length} volumes, expected at least {least_share:.0%}"
        )


def missing_parcels(series: Series, expect: Expect, path: Path) -> dict[str, np.ndarray]:
    """Parcels that say nothing, by kind: absent, poorly covered, empty or constant.

    Raises: DataError when they are more than 5 %.
    """
    values = series.values[series.present()]
    empty = ~np.isfinite(values).all(axis=0)
    filled = np.where(empty, 0.0, values)
    constant = ~empty & (filled.std(axis=0) <= 1e-12 * np.abs(filled).max())
    absent, uncovered = set(series.absent), set(series.uncovered)
    every: dict[str, list[int]] = {
        "absent": sorted(absent),
        "poorly covered": sorted(uncovered - absent),
        "empty": sorted(set(np.flatnonzero(empty).tolist()) - absent - uncovered),
        "constant": np.flatnonzero(constant).tolist(),
    }
    kinds = {kind: which for kind, which in every.items() if which}
    count = sum(map(len, kinds.values()))
    if count > MOST_MISSING * values.shape[1]:
        which = sorted(k for some in kinds.values() for k in some)
        raise DataError(
            f"{path}: {count} of {values.shape[1]} parcels are {' or '.join(kinds)} "
            f"({in_short(named(which, expect))}), expected at most {MOST_MISSING:.0%}"
        )
    return {kind: np.array(which) for kind, which in kinds.items()}


def named(which: Sequence[int] | np.ndarray, expect: Expect) -> list[str]:
    """Names of parcels, or their numbers where no table names them."""
    return [expect.names[k] if expect.names else str(k) for k in which]
