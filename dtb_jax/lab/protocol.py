"""How the options make a twin, and what a report says of who, what and with which software."""

import numpy as np

from dtb_jax.connectome import edge_count
from dtb_jax.data import DataError
from dtb_jax.lab.options import Study
from dtb_jax.lab.session import commit, versions
from dtb_jax.recipe import Recipe
from dtb_jax.response import (
    hazard_loss,
    press_count,
    pulse_count,
    pulse_loss,
    read_hazard,
    read_pulses,
)
from dtb_jax.settings import Settings
from dtb_jax.types import Cohort

RESPONSES = {
    "hazard": (hazard_loss, press_count, read_hazard),
    "pulses": (pulse_loss, pulse_count, read_pulses),
}
SIZES = (
    "units",
    "width",
    "dropout",
    "absence",
    "scale",
    "base",
    "slow_share",
    "standardise",
    "components",
)


def recipe(options: Study, fewest_batch: int = 1) -> Recipe:
    """How twins are made; a batch of nobody is a size that the caller chooses.

    Raises: DataError for an unknown way to read responses, or where nothing would be trained.
    """
    least = dict.fromkeys(("units", "epochs", "passes", "segments"), 1)
    for name, number in (least | {"batch_people": fewest_batch}).items():
        if getattr(options, name) < number:
            raise DataError(
                f"--config.{name}: {getattr(options, name)}, expected at least {number}"
            )
    if options.response not in RESPONSES:
        raise DataError(
            f"--config.response: {options.response!r}, expected one of {', '.join(RESPONSES)}"
        )
    loss, count, read = RESPONSES[options.response]
    shared = [name for name in Settings._fields if hasattr(options, name)]
    settings = Settings(
        **{name: getattr(options, name) for name in shared}, action_loss=loss, action_count=count
    )
    sizes = {name: getattr(options, name) for name in SIZES}
    if options.gain is not None:
        sizes["gain"] = options.gain
    return Recipe(
        sizes,
        settings,
        read,
        pulse_steps=options.pulse_steps,
        validation_share=options.validation_share,
    )


def protocol(cohort: Cohort, split: str, *, units: int, seed: int) -> dict:
    """Who, what and with which software."""
    return {
        "split": split,
        "participants": len(cohort.connectomes),
        "seen_in_training": split != "people",
        "parcels": cohort.parcels,
        "edges": edge_count(cohort.parcels),
        "units": units,
        "seed": seed,
        "commit": commit(),
        "versions": versions(),
        "connectome": cohort.connectome_source,
        "bold": cohort.bold_source,
        "runs": [run.name for run in cohort.runs],
        "people_with_behaviour": {run.name: int(np.sum(run.present)) for run in cohort.runs},
    }
