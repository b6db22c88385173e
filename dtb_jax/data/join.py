"""Two cohorts as one, for models that learn on the first and are tested on the second."""

import numpy as np
import pandas as pd

from dtb_jax.data.ledger import DataError
from dtb_jax.types import Cohort, Run, Trials


def join(first: Cohort, second: Cohort) -> Cohort:
    """People of both, the first's rows before the second's; shorter runs are filled up and masked.

    Args:
        first, second: cohorts of the same parcels, regions and repetition time.

    Returns: `Cohort` with the runs that both have, by name.

    Raises: DataError when they do not fit, share people, or have no run in common.
    """
    for what in ("parcels", "regions", "repetition_time_s"):
        a, b = getattr(first, what), getattr(second, what)
        if a != b:
            raise DataError(f"two cohorts with another {what}: {_short(a)} and {_short(b)}")
    both = first.participants.index.intersection(second.participants.index)
    if len(both):
        raise DataError(
            f"{len(both)} people are in both cohorts, {both[0]} first: not a cohort never seen"
        )
    names = {run.name: run for run in second.runs}
    runs = tuple(_run(run, names[run.name]) for run in first.runs if run.name in names)
    if not runs:
        there = [", ".join(run.name for run in c.runs) for c in (first, second)]
        raise DataError(f"no run in common: {there[0]} in one cohort, {there[1]} in the other")
    sources = {first.connectome_source, second.connectome_source}
    bold = {first.bold_source, second.bold_source}
    return first._replace(
        participants=pd.concat([first.participants, second.participants]),
        connectomes=np.concatenate([first.connectomes, second.connectomes]),
        runs=runs,
        connectome_source="simulated" if "simulated" in sources else "measured",
        bold_source="simulated" if "simulated" in bold else first.bold_source,
        other_connectomes=None,
        other_present=None,
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 60 else text[:57] + "..."


def _run(first: Run, second: Run) -> Run:
    trials = Trials(*(_stacked(a, b) for a, b in zip(first.trials, second.trials, strict=True)))
    return first._replace(
        trials=trials,
        stimulus=_stacked(first.stimulus, second.stimulus),
        bold=_stacked(first.bold, second.bold),
        bold_mask=_stacked(first.bold_mask, second.bold_mask),
        present=np.concatenate([first.present, second.present]),
    )


def _stacked(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One below the other, the shorter filled up along the second axis."""
    length = max(first.shape[1], second.shape[1])

    def filled(one):
        missing = length - one.shape[1]
        return np.pad(one, [(0, 0), (0, missing)] + [(0, 0)] * (one.ndim - 2))

    return np.concatenate([filled(first), filled(second)])
