"""Parcel tables: the 434 names and networks of TCP's atlas, or fewer, chosen evenly.

400 cortical parcels (Yan et al. 2023, 17 networks), 32 subcortical ones (Tian et al. 2020, scale 2)
and two cerebellar ones. Source: HolmesLab/TransdiagnosticConnectomeProject (MIT licence).
"""

from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.bids import read_table
from dtb_jax.data.ledger import DataError
from dtb_jax.data.regions import region_parcels

CORTEX = {
    "TempPar": "IPL 1 1, ST 2 2, Temp 2 5, TempOcc 0 -",
    "DefaultC": "IPL - -, PHC 3 2, RSC - -",
    "DefaultB": "IPL 4 0, PFCd 5 3, PFCl 2 0, PFCv 5 2, TempPole - -, Temp 7 2",
    "DefaultA": "FPole - -, IPL 1 3, PCC 4 3, PFCd 4 4, PFCm 4 3, pCun 2 1, Temp 0 -",
    "ContC": "PCC 1 2, SPL - -, pCun 3 4",
    "ContB": "FPole 2 2, FrMed - -, IPL 2 2, PFCd 1 2, PFCl 1 3, PFCv 1 2, Temp 1 2, OFC 0 -",
    "ContA": "Cingm - -, IPS 5 4, PFCd - -, PFCl 6 5, PrCv 2 1, TempOcc - -",
    "LimbicA": "Ins - 0, TempOcc - -, TempPole 2 2, Temp 2 2, ExStr 0 -",
    "LimbicB": "FPole - -, OFC 6 5, PFCm - -",
    "SalVentAttnB": "FrMed - -, Ins 3 2, PFCl 3 4, PFCm 1 2, IPL 0 -, PFCd 0 -, PFCv 0 2",
    "SalVentAttnA": "FrMed 3 3, FrOper 2 2, IPL 3 4, Ins 4 5, SPL 4 5, PrCv 0 -",
    "DorsAttnB": "IPL 2 2, PFCd - -, PostC 3 2, PrCd 3 2, PrCv - -, SPL 4 4, TempOcc - 0",
    "DorsAttnA": "ExStr 2 0, SPL 4 4, TempOcc 5 5, IPS 0 -",
    "SomMotB": ". 7 7, Ins 2 3, ParOper 4 4, ST 4 4",
    "SomMotA": ". 17 17, SPL - 0, PostC 0 -, PrCd 0 -",
    "VisPeri": "ExStr - 0, ExStrInf 3 2, ExStrSup 4 4, Striate 2 2, PHC 0 -",
    "VisCent": "ExStr 10 12, Striate - -, ExStrInf 0 -",
}
"""Areas of each network with their parcels left and right: a number, or - for one without number.

A full stop is an area without a name."""
SUBCORTEX = {
    "medial_temporal_lobe": ("aHIP", "pHIP", "lAMY", "mAMY"),
    "thalamus": ("THA-DP", "THA-VP", "THA-VA", "THA-DA"),
    "striatum": ("NAc-shell", "NAc-core", "pGP", "aGP", "aPUT", "pPUT", "aCAU", "pCAU"),
}
FEWEST = 20
"""Parcels: one a region and hemisphere."""


def tcp_atlas() -> pd.DataFrame:
    """All 434 parcels, columns index, name, network, hemisphere, structure."""
    rows = []
    for side in ("L", "R"):
        for network, areas in CORTEX.items():
            for area in areas.split(", "):
                name, left, right = area.split(" ")
                count = left if side == "L" else right
                stem = "_".join(
                    part for part in (f"17networks_{side}H", network, name) if part != "."
                )
                numbered = [] if count == "-" else range(1, int(count) + 1)
                names = [stem] if count == "-" else [f"{stem}_{k}" for k in numbered]
                rows += [(name, network, side, "cortex") for name in names]
    for side in ("R", "L"):  # the order of TCP's subcortex
        for network, nuclei in SUBCORTEX.items():
            rows += [(f"{part}-{side.lower()}h", network, side, "subcortex") for part in nuclei]
    for side, name in (("L", "cerebellum_left"), ("R", "cerebellum_right")):
        rows.append((name, name, side, "cerebellum"))
    return _table(rows)


def choose_parcels(parcels: int) -> pd.DataFrame:
    """So many of the 434: one for every region and hemisphere, the rest evenly over the table.

    Args:
        parcels: number of rows.

    Returns: as `tcp_atlas`.

    Raises: ValueError when there are fewer parcels than regions, or more than the atlas has.
    """
    table = tcp_atlas()
    if not FEWEST <= parcels <= len(table):
        raise ValueError(
            f"{parcels} parcels: expected from {FEWEST}, one a region and hemisphere, to "
            f"{len(table)}; for another table give --config.atlas=FILE"
        )
    first = [found[0] for found in region_parcels(list(table["name"])).values()]
    others = np.setdiff1d(np.arange(len(table)), first)
    even = others[np.linspace(0, len(others) - 1, parcels - len(first)).round().astype(int)]
    chosen = table.iloc[np.sort([*first, *even])]
    return _table(list(chosen.drop(columns="index").itertuples(index=False, name=None)))


def read_atlas_table(path: Path) -> pd.DataFrame:
    """A table of parcels with the columns name and network.

    Raises: DataError when it is missing or lacks one of them.
    """
    if not path.is_file():
        raise DataError(f"{path}: no table of parcel names; give --config.atlas=FILE")
    table = read_table(path)
    for column in ("name", "network"):
        if column not in table:
            raise DataError(f"{path}: column {column} is missing, found {', '.join(table.columns)}")
    return table


def _table(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["name", "network", "hemisphere", "structure"])
    return table.rename_axis("index").reset_index()
