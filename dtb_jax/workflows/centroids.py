"""Where parcels and regions lie, for figures on the brain."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data import DataError
from dtb_jax.data.bids import read_table
from dtb_jax.data.parcels import parcels_and_regions
from dtb_jax.types import required
from dtb_jax.workflows.config import StudyConfig


def read_centroids(path: str, names: Sequence[str]) -> np.ndarray | None:
    """Where parcels lie, [parcel, 3] in MNI mm and in the order of `names`, NaN where not listed.

    Args:
        path: of a table with columns name, x, y, z, split by tabs or commas; "" for none.
        names: of the parcels.

    Raises: DataError when the table can not be read, or does not place one of these parcels.
    """
    if not path:
        return None
    where = f"--config.centroids: {path}"
    if find_spec("nilearn") is None:
        raise DataError(f"{where}: the brain is drawn by nilearn, pip install nilearn")
    try:
        table = read_table(Path(path))
        if len(table.columns) == 1:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except DataError as error:
        raise DataError(f"--config.centroids: {error}") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{where}: not a table ({str(error).strip()})") from error
    table.columns = table.columns.str.strip().str.lower()
    for column in ("name", "x", "y", "z"):
        if column not in table:
            raise DataError(
                f"{where}: column {column} is missing, found {', '.join(table.columns)}; expected "
                "name, x, y, z (MNI mm), split by tabs or commas; is it called otherwise?"
            )
    rows = dict(zip(table["name"].str.strip(), table[["x", "y", "z"]].to_numpy()))
    if len(rows) < len(table):
        twice = table["name"][table["name"].duplicated()].iloc[0]
        raise DataError(f"{where}: {twice!r} has several rows, expected one a parcel")
    found = np.full((len(names), 3), np.nan)
    for k, name in enumerate(names):
        for axis, cell in enumerate(rows.get(name, ())):
            number = pd.to_numeric(cell, errors="coerce")
            if not np.isfinite(number):
                raise DataError(
                    f"{where}: {'xyz'[axis]} of {name} is {cell!r}, expected a number (mm), with a "
                    "decimal point"
                )
            found[k, axis] = number
    if np.isnan(found).all():
        raise DataError(
            f"{where}: no name is a parcel's, found names such as {next(iter(rows), '')!r}, "
            f"expected such as {names[0]!r}; are they of another atlas?"
        )
    return found


def region_centroids(config: StudyConfig) -> np.ndarray | None:
    """Where regions lie, [region, 3] in MNI mm: the mean of their parcels; None if not told.

    Raises: DataError where the table can not be read.
    """
    if not config.evaluation.centroids:
        return None
    names, regions = parcels_and_regions(
        Path(config.data.root), config.data.atlas, config.data.regions
    )
    at = required(read_centroids(config.evaluation.centroids, names))
    return np.array([np.nanmean(at[parcels], axis=0) for parcels in regions.values()])
