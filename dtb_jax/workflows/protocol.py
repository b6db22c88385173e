"""How the options make a twin, and what a report says of who, what and with which software."""

from importlib.metadata import version

import numpy as np

from dtb_jax.data import DataError
from dtb_jax.data.glm import NOISE
from dtb_jax.models.recipe import Recipe
from dtb_jax.twin.config import Settings
from dtb_jax.twin.connectome import edge_count
from dtb_jax.twin.response import (
    hazard_loss,
    press_count,
    pulse_count,
    pulse_loss,
    read_hazard,
    read_pulses,
)
from dtb_jax.types import Cohort
from dtb_jax.workflows.options import Study
from dtb_jax.workflows.session import commit, versions

RESPONSES = {
    "hazard": (hazard_loss, press_count, read_hazard),
    "pulses": (pulse_loss, pulse_count, read_pulses),
}
AT_LEAST_1 = (
    *("units", "width", "epochs", "passes", "segments", "segment_steps"),
    *("segment_stride", "save_every", "pulse_steps"),
)
NOT_NEGATIVE = (
    *("components", "patience", "warmup_steps", "clip_norm", "weight_decay", "scale"),
    *("bold_weight", "bold_warmup_steps", "learning_rate", "slow_share", "drifts", "gain"),
)
SHARES = ("dropout", "absence", "validation_share")
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
    least = dict.fromkeys(AT_LEAST_1, 1) | dict.fromkeys(NOT_NEGATIVE, 0)
    for name, number in (least | {"batch_people": fewest_batch}).items():
        value = getattr(options, name)
        if value is not None and value < number:
            raise DataError(f"--config.{name}: {value}, expected at least {number}")
    for name in SHARES:
        if not 0 <= getattr(options, name) < 1:
            raise DataError(
                f"--config.{name}: {getattr(options, name)}, expected from 0 to below 1"
            )
    if options.slow_share > 1:
        raise DataError(f"--config.slow_share: {options.slow_share}, expected at most 1")
    if options.response not in RESPONSES:
        raise DataError(
            f"--config.response: {options.response!r}, expected one of {', '.join(RESPONSES)}"
        )
    if options.noise not in NOISE:
        raise DataError(f"--config.noise: {options.noise!r}, expected one of {', '.join(NOISE)}")
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


def no_exact(options: Study) -> None:
    """Raises: DataError where the paper's numbers are asked of what the paper did not do."""
    if options.exact:
        raise DataError("--config.exact: the paper's numbers are for its own protocol alone")


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
