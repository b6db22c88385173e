"""Trial lists of TCP's three task runs: what was shown when, nobody's answers.

Onsets and durations are medians over people, rounded to milliseconds (stimuli are the majority's).
Source: OpenNeuro ds005237 (CC0), 219 / 226 / 219 people.
"""

from importlib.resources import files

import pandas as pd

DESIGNS = {
    "hammerAP_run-01": "faces",
    "stroopAP_run-01": "stroop_ap",
    "stroopPA_run-01": "stroop_pa",
}
"""Design of each run, by the run's BIDS entities."""


def load_design(name: str) -> pd.DataFrame:
    """One trial list with the column names of the events files.

    Args:
        name: "faces", "stroop_ap" or "stroop_pa".

    Returns: a row a trial; onset, duration and cue times in seconds, NaN where there is no cue.

    Raises: ValueError when there is no such design.
    """
    if name not in DESIGNS.values():
        raise ValueError(f"design {name!r}: expected one of {', '.join(DESIGNS.values())}")
    # a folder of the same name holds the tables: it is no package, so the module is what imports
    with (files("dtb_jax.tasks") / "designs" / f"{name}.tsv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, sep="\t", na_values=["n/a"], keep_default_na=False)
