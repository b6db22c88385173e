"""What of a person's imaging becomes a connectome."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.connectome import LARGEST_R, edge_count
from dtb_jax.data.derivatives import Imaging
from dtb_jax.data.estimators import ESTIMATORS
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.data.timeseries import READERS, Expect, Series, read_series

MOST_CONSTANT = 0.05
"""A run with a larger share of constant parcels is left out."""


class Rest(NamedTuple):
    """Which rest runs make a connectome, and by which rules."""

    runs: Sequence[str]
    full_length: int  # volumes
    least_share: float  # of the full length; shorter runs are left out
    estimator: str  # one of `ESTIMATORS`


def typical_length(imaging: Imaging, runs: Sequence[str], expect: Expect) -> int:
    """Median volumes over a few people's first named run: what a full run is."""
    lengths = []
    for paths in imaging.series.values():
        path = next((paths[run] for run in runs if run in paths), None)
        if path is None:
            continue
        try:
            lengths.append(len(read_series(path, expect).values))
        except DataError:
            continue
        if len(lengths) == 9:
            break
    return int(np.median(lengths)) if lengths else 0


def person_connectome(
    paths: dict[str, Path], rest: Rest, expect: Expect, *, participant: str, ledger: Ledger
) -> tuple[np.ndarray | None, bool]:
    """Mean Fisher-z edges over a person's named rest runs, weighted by volumes.

    Rules, each with a line in the ledger: a run that can not be read is left out; so is one
    shorter than `least_share` of `full_length`, or with more than 5 % constant parcels; below
    that, a constant parcel's edges are 0.

    Returns: edges (None when no run is left) and whether any file says it is simulated.
    """
    total, weight, simulated = np.zeros(edge_count(expect.parcels)), 0, False
    for run in rest.runs:
        path = paths.get(run)
        if path is None:
            ledger.add(participant, run, "", "no file of this rest run")
            continue
        try:
            series = read_series(path, expect)
            enough_volumes(series, rest.full_length, rest.least_share, path)
            values = _without_constants(series.values, path, participant, run, ledger)
        except DataError as error:
            ledger.add(participant, run, path, error)
            continue
        r = ESTIMATORS[rest.estimator](values)[np.triu_indices(expect.parcels, k=1)]
        total += len(values) * np.arctanh(np.clip(r, -LARGEST_R, LARGEST_R))
        weight += len(series.values)
        simulated |= series.simulated
    return (total / weight if weight else None), simulated


def other_connectomes(
    imaging: Imaging, people: Sequence[str], rest: Rest, expect: Expect, ledger: Ledger
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
    present, simulated = np.zeros(len(people), bool), False
    for i, person in enumerate(people):
        paths = imaging.series.get(person, {})
        found, is_simulated = person_connectome(
            paths, rest, expect, participant=person, ledger=ledger
        )
        if found is None:
            ledger.add(person, "", "", "no usable run of other_rest_runs: no second connectome")
            continue
        edges[i], present[i] = found, True
        simulated |= is_simulated
    return (edges, present, simulated) if present.any() else (None, None, False)


def enough_volumes(series: Series, full_length: int, least_share: float, path: Path) -> None:
    """Raises: DataError when a run is truncated too far."""
    if len(series.values) < least_share * full_length:
        raise DataError(
            f"{path}: truncated, {len(series.values)} of {full_length} volumes, expected at least "
            f"{least_share:.0%}"
        )


def _without_constants(values: np.ndarray, path: Path, participant, run, ledger: Ledger):
    """The series with zeros in place of constant parcels, which rounding would let correlate."""
    constant = values.std(axis=0) <= 1e-12 * np.abs(values).max()
    if constant.mean() > MOST_CONSTANT:
        raise DataError(
            f"{path}: {constant.sum()} of {len(constant)} parcels are constant, expected at most "
            f"{MOST_CONSTANT:.0%}"
        )
    if constant.any():
        which = ", ".join(map(str, np.flatnonzero(constant)))
        ledger.add(participant, run, path, f"constant parcels {which}: their edges are set to 0")
        values = np.where(constant, 0.0, values)
    return values


def read_matrix(path: Path, expect: Expect) -> tuple[np.ndarray, bool]:
    """Fisher-z edges of a precomputed matrix: correlations (unit diagonal) or Fisher z already.

    An NPY file may also hold the edge vector itself: the upper triangle row by row, Fisher z.

    Raises: DataError when a matrix is not square, symmetric and finite off the diagonal.
    """
    if path.suffix == ".npy":
        square, simulated = np.load(path, allow_pickle=False), False
    else:
        square, simulated = READERS["".join(path.suffixes)](path, expect)
    if square.shape == (edge_count(expect.parcels),) and np.isfinite(square).all():
        return square, simulated
    square = np.array(square, float)
    if square.shape != (expect.parcels, expect.parcels):
        raise DataError(f"{path}: shape {square.shape}, expected {expect.parcels} parcels squared")
    diagonal = np.diag(square).copy()
    np.fill_diagonal(square, 0)
    if not np.isfinite(square).all() or not np.allclose(square, square.T, atol=1e-5):
        raise DataError(f"{path}: expected a finite symmetric matrix; is it a time series?")
    edges = square[np.triu_indices(expect.parcels, k=1)]
    if np.allclose(diagonal, 1):
        edges = np.arctanh(np.clip(edges, -LARGEST_R, LARGEST_R))
    return edges, simulated
