"""The mixed-effects twin of `experiments.interventions`, with f of connectomes free of noise."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from dtb_jax.data.parcels import networks_of
from dtb_jax.evaluation.folds import Part
from dtb_jax.mixed import workflow
from dtb_jax.mixed.intervene import free_of_noise
from dtb_jax.mixed.model import Method
from dtb_jax.mixed.workflow import Mixed
from dtb_jax.types import Cohort
from experiments import common
from experiments.interventions_choices import parcel_table
from experiments.mixed_effects import both_connectomes


def halve_rest(config: ConfigDict) -> None:
    """Two connectomes a person of the rest runs, where this twin is asked for: they tell noise."""
    runs = tuple(config.rest_runs)
    if config.twin == "mixed" and len(runs) > 1 and not config.other_rest_runs:
        half = len(runs) // 2
        config.rest_runs, config.other_rest_runs = runs[:half], runs[half:]


def both_rests(config: ConfigDict, cohort: Cohort) -> tuple[Cohort, np.ndarray | None]:
    """For this twin people's mean connectomes, and one less the other.

    Returns: the cohort; [people, edge], NaN for who has one, or None where nobody has two.
    """
    if config.twin != "mixed" or cohort.other_connectomes is None:
        return cohort, None
    two = cohort.other_present[:, None]
    apart = np.where(two, cohort.other_connectomes - cohort.connectomes, np.float32(np.nan))
    return both_connectomes(cohort), apart


def mixed_effects(
    config: ConfigDict,
    cohort: Cohort,
    part: Part,
    seed: int,
    name: str,
    folder: Path,
    apart: np.ndarray | None,
) -> Mixed:
    """The twin, trained on a part with the defaults of its experiment.

    Args:
        config: see `interventions_choices.get_config`.
        cohort: everybody.
        part: who trains.
        seed, name, folder: of the twin.
        apart: see `both_rests`.
    """
    networks, method = networks_of(parcel_table(config)), Method()
    with common.epochs_bar(method.epochs(int(part.people.sum())), name) as show:
        mixed = workflow.train(
            cohort,
            part,
            seed=seed,
            networks=networks,
            method=method,
            folder=folder,
            on_epoch=show,
        )
    if apart is None:
        return mixed
    own = apart[mixed.people]
    return free_of_noise(mixed, own[np.isfinite(own[:, 0])])
