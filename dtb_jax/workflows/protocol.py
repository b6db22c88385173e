"""What a report says of who, what and with which software."""

from importlib.metadata import version

import numpy as np

from dtb_jax.twin.connectome import edge_count
from dtb_jax.types import Cohort
from dtb_jax.workflows.session import commit, versions


def protocol(cohort: Cohort, split: str, *, units: int, seed: int, drawn: bool = False) -> dict:
    """Who, what and with which software; `drawn`: nilearn's brains are in the figures."""
    used = versions() | ({"nilearn": version("nilearn")} if drawn else {})
    return {
        "split": split,
        "participants": len(cohort.connectomes),
        "seen_in_training": split != "people",
        "parcels": cohort.parcels,
        "edges": edge_count(cohort.parcels),
        "units": units,
        "seed": seed,
        "commit": commit(),
        "versions": used,
        "connectome": cohort.connectome_source,
        "bold": cohort.bold_source,
        "runs": [run.name for run in cohort.runs],
        "people_with_behaviour": {run.name: int(np.sum(run.present)) for run in cohort.runs},
    }
