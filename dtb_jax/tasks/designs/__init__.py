"""The trial lists of TCP's three runs: order, timing and stimuli; nobody's answers."""

from importlib.resources import files

import pandas as pd


def load_design(name: str) -> pd.DataFrame:
    """One trial list: "faces", "stroop_ap" or "stroop_pa"; onsets are medians over people.

    Source: events of OpenNeuro ds005237 (CC0).
    """
    with (files(__package__) / f"{name}.tsv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, sep="\t", keep_default_na=False, na_values=["n/a"])
