"""The table of parcels that a folder is read with, and which parcels make a region."""

from pathlib import Path

import pandas as pd

from dtb_jax.data.bids import read_table
from dtb_jax.data.ledger import DataError
from dtb_jax.regions import region_parcels


def read_parcels(root: Path, atlas: str = "") -> tuple[Path, pd.DataFrame]:
    """The table of parcels that a folder is read with, and where it lies.

    Raises: DataError when there is none, or it has no names.
    """
    places = [root / "atlas.tsv", root.parent / "atlas" / "tcp_434.tsv"]
    path = Path(atlas) if atlas else next((p for p in places if p.exists()), None)
    if path is None or not path.exists():
        raise DataError(
            f"{path or root}: no table of parcel names, expected columns index, name; "
            "give --config.atlas=FILE"
        )
    table = read_table(path)
    if "name" not in table:
        raise DataError(f"{path}: column name is missing, found {', '.join(table.columns)}")
    return path, table


def networks_of(table: pd.DataFrame) -> list[str] | None:
    """The network of each parcel, or None where the table has none."""
    return [str(name) for name in table["network"]] if "network" in table else None


def parcels_and_regions(
    root: Path, atlas: str = "", regions: str = ""
) -> tuple[list[str], dict[str, list[int]]]:
    """Names of the parcels, and the parcels of each region: the paper's, or those of a table.

    Raises: DataError when a table is missing, or names what is not there.
    """
    path, table = read_parcels(root, atlas)
    names = list(table["name"])
    if not regions:
        try:
            return names, region_parcels(names)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
    chosen: dict[str, list[int]] = {}
    rows = read_table(Path(regions))
    if not {"region", "parcel"} <= set(rows.columns):
        found = ", ".join(rows.columns)
        raise DataError(f"{regions}: found columns {found}, expected region and parcel")
    for region, parcel in rows[["region", "parcel"]].to_numpy():
        if parcel not in names:
            raise DataError(f"{regions}: parcel {parcel!r} is not in {path}")
        chosen.setdefault(region, []).append(names.index(parcel))
    return names, chosen
