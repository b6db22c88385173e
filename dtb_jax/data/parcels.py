"""The table of parcels that a folder is read with, and which parcels make a region."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.bids import read_table
from dtb_jax.data.ledger import DataError
from dtb_jax.data.regions import region_parcels

MOST_MISSING = 0.05
"""A file that lacks a larger share of the parcels is of another atlas, or can not be used."""


def read_parcels(root: Path, atlas: str = "") -> tuple[Path, pd.DataFrame]:
    """The table of parcels that a folder is read with, and where it lies.

    Raises: DataError when there is none, it has no names, or a name twice.
    """
    places = [root / "atlas.tsv", root.parent / "atlas" / "tcp_434.tsv"]
    path = Path(atlas) if atlas else next((p for p in places if p.exists()), None)
    if path is None or not path.exists():
        raise DataError(
            f"{path or root}: no table of parcel names, expected columns index, name; "
            "give --config.atlas=FILE"
        )
    table = read_table(path)
    table.columns = table.columns.str.strip()
    if "name" not in table:
        raise DataError(f"{path}: column name is missing, found {', '.join(table.columns)}")
    table["name"] = table["name"].str.strip()
    twice = table["name"][table["name"].duplicated()]
    if len(twice):
        raise DataError(f"{path}: parcel {twice.iloc[0]!r} stands in several rows, expected one")
    if len(table) < 2:
        raise DataError(f"{path}: {len(table)} rows, expected a row a parcel")
    return path, table


def networks_of(table: pd.DataFrame) -> list[str] | None:
    """The network of each parcel, or None where the table has none."""
    return [str(name) for name in table["network"]] if "network" in table else None


def labels_of(table: pd.DataFrame) -> tuple[int, ...]:
    """The number of each parcel in a label image: column index, where it has numbers above 0."""
    if "index" not in table:
        return ()
    numbers = pd.to_numeric(table["index"], errors="coerce")
    usable = numbers.notna().all() and (numbers > 0).all() and numbers.is_unique
    return tuple(int(number) for number in numbers) if usable else ()


def read_regions(path: Path, names: Sequence[str], regions: str = "") -> dict[str, list[int]]:
    """The parcels of each region: the paper's, or those of a table.

    Args:
        path: of the table of parcels.
        names: of the parcels.
        regions: a table with columns region and parcel; "": the paper's regions.

    Raises: DataError when the table is missing or empty, or names what is not there.
    """
    if not regions:
        try:
            return region_parcels(names)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
    chosen: dict[str, list[int]] = {}
    rows = read_table(Path(regions))
    rows.columns = rows.columns.str.strip()
    if not {"region", "parcel"} <= set(rows.columns):
        found = ", ".join(rows.columns)
        raise DataError(f"{regions}: found columns {found}, expected region and parcel")
    if rows.empty:
        raise DataError(f"{regions}: a header but no rows, expected a row a parcel of a region")
    place = {name: k for k, name in enumerate(names)}
    for region, parcel in rows[["region", "parcel"]].to_numpy():
        region, parcel = region.strip(), parcel.strip()
        if parcel not in place:
            raise DataError(f"{regions}: parcel {parcel!r} is not in {path}")
        if not region:
            raise DataError(f"{regions}: parcel {parcel!r} has no region")
        if place[parcel] not in chosen.setdefault(region, []):
            chosen[region].append(place[parcel])
    return chosen


def parcels_and_regions(
    root: Path, atlas: str = "", regions: str = ""
) -> tuple[list[str], dict[str, list[int]]]:
    """Names of the parcels, and the parcels of each region.

    Raises: DataError, see `read_parcels` and `read_regions`.
    """
    path, table = read_parcels(root, atlas)
    names = list(table["name"])
    return names, read_regions(path, names, regions)


def places_of(found: Sequence[str], wanted: Sequence[str], path: Path) -> np.ndarray:
    """Where each parcel of the table stands in a file that names its parcels; -1: nowhere.

    Args:
        found: names in the file, in its order.
        wanted: names in the table.
        path: of the file.

    Raises: DataError when a parcel stands there twice, or too many are missing.
    """
    place: dict[str, int] = {}
    known = set(wanted)
    for k, name in enumerate(found):
        if name in known and place.setdefault(name, k) != k:
            raise DataError(f"{path}: parcel {name!r} stands there twice, expected once")
    missing = [name for name in wanted if name not in place]
    if len(missing) > MOST_MISSING * len(wanted):
        unknown = next((name for name in found if name not in known), None)
        there = f"; it has {unknown!r}, which is not in the table" if unknown is not None else ""
        raise DataError(
            f"{path}: names {len(found)} parcels, expected the {len(wanted)} of the table: "
            f"{in_short(missing)} missing{there}; another atlas than the one given?"
        )
    return np.array([place.get(name, -1) for name in wanted])


def in_short(names: Sequence[str]) -> str:
    """The first three of some names, and how many more there are."""
    names = list(map(str, names))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
