"""The trial lists of TCP's three runs: order, timing and stimuli; nobody's answers."""

from importlib.resources import files

import pandas as pd

NAMES = ("faces", "stroop_ap", "stroop_pa")


def load_design(name: str) -> pd.DataFrame:
    """One of `NAMES`: a trial list whose onsets are medians over people.

    Raises: ValueError for any other name.

    Source: events of OpenNeuro ds005237 (CC0).
    """
    if name not in NAMES:
        raise ValueError(f"unknown design {name!r}, expected one of {', '.join(NAMES)}")
    with (files(__name__) / f"{name}.tsv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, sep="\t", keep_default_na=False, na_values=["n/a"])
