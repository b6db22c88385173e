"""Tables beside a series: which volumes were censored, how much of each parcel was covered."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.bids import read_table
from dtb_jax.data.entities import entities_of
from dtb_jax.data.ledger import DataError
from dtb_jax.data.numbers import read_numbers

MADE_OF = {"desc", "stat", "space", "seg", "atlas", "den", "res", "cohort"}
"""Entities of how a scan was prepared, which a table about the scan itself does not have."""
LEAST_COVERAGE = 0.5
"""Parcels covered less are missing, as in XCP-D."""


def censored_volumes(path: Path) -> np.ndarray | None:
    """Which volumes of the scan the preparation left out, all volumes [volume], or None.

    A table `*_outliers.tsv` of XCP-D has 1 where a volume was left out, `*_tmask.tsv` has 1 where
    it was kept.
    """
    for table in _tables(path, ("_outliers.tsv", "_tmask.tsv")):
        found = read_table(table)
        flags = found.apply(pd.to_numeric, errors="coerce").to_numpy(float)
        if not len(found) or not np.isin(flags, (0, 1)).all():
            raise DataError(f"{table}: expected a row a volume, 0 or 1")
        return flags == (1 if table.name.endswith("_outliers.tsv") else 0)
    return None


def at_their_places(values: np.ndarray, path: Path) -> np.ndarray:
    """A series with every volume at its place in the scan; those that were censored are NaN.

    Args:
        values: [volume, parcel], with all volumes of the scan or without the censored ones.
        path: of the series, beside which the table of censored volumes may lie.

    Raises: DataError where the table fits neither.
    """
    flags = censored_volumes(path)
    if flags is None:
        return values
    # of several reasons to leave a volume out the file was made with one, or with all together
    reasons = [flags[:, 0], flags.any(axis=1), *flags.T[1:]]
    if len(values) == len(flags):
        return np.where(reasons[0][:, None], np.nan, values)
    for left_out in reasons:
        if (~left_out).sum() == len(values):
            placed = np.full((len(flags), values.shape[1]), np.nan)
            placed[~left_out] = values
            return placed
    kept = (~reasons[0]).sum()
    raise DataError(
        f"{path}: {len(values)} volumes, but the table of censored volumes beside it keeps "
        f"{kept} of {len(flags)}"
    )


def coverage(path: Path) -> dict[str, float]:
    """Share of each parcel, by name, that held data: XCP-D's `*_stat-coverage*`; {} without."""
    for table in _tables(path, ("_coverage.tsv", "_bold.tsv", "_timeseries.tsv")):
        if entities_of(table).get("stat") == "coverage" or table.name.endswith("_coverage.tsv"):
            found = read_numbers(table)
            if len(found.values) == 1:
                return dict(zip(found.columns, found.values[0], strict=False))
            if found.values.shape[1] == 1:  # a row a parcel
                return dict(zip(found.rows, found.values[:, 0], strict=False))
    return {}


def _tables(path: Path, ends: tuple[str, ...]) -> Iterator[Path]:
    """Tables in the same folder about the same scan, and the same atlas where they name one."""
    own = entities_of(path)
    if "task" not in own:
        return
    for other in sorted(path.parent.glob(f"*task-{own['task']}*.tsv")):
        told = entities_of(other)
        scan = {name: label for name, label in own.items() if name not in MADE_OF}
        same = {name: label for name, label in told.items() if name not in {"desc", "stat"}}
        fits = scan.items() <= told.items() and same.items() <= own.items()
        if fits and other != path and other.name.endswith(ends):
            yield other
