"""Edits through the mixed-effects twin, with f of connectomes free of noise."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from dtb_jax.data import DataConfig
from dtb_jax.data.folds import Subset
from dtb_jax.data.parcels import networks_of
from dtb_jax.interventions.mixed_effects import disattenuate
from dtb_jax.models.mixed_effects import training
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.mixed_effects.training import Mixed, both_connectomes
from dtb_jax.types import Cohort, required
from dtb_jax.workflows import session
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.choices import parcel_table


def halve_rest(config: DataConfig) -> DataConfig:
    """Two connectomes a person, each of half the rest runs: what differs between them is noise."""
    runs = config.rest_runs
    if len(runs) < 2 or config.other_rest_runs:
        return config
    half = len(runs) // 2
    return replace(config, rest_runs=runs[:half], other_rest_runs=runs[half:])


def both_rests(config: InterventionConfig, cohort: Cohort) -> tuple[Cohort, np.ndarray | None]:
    """For this twin people's mean connectomes, and one less the other.

    Returns: the cohort; [people, edge], NaN for who has one, or None where nobody has two.
    """
    if config.edits.kind != "mixed" or cohort.other_connectomes is None:
        return cohort, None
    two = required(cohort.other_present)[:, None]
    apart = np.where(two, cohort.other_connectomes - cohort.connectomes, np.float32(np.nan))
    return both_connectomes(cohort), apart


def mixed_effects(
    config: InterventionConfig,
    cohort: Cohort,
    part: Subset,
    seed: int,
    name: str,
    folder: Path,
    apart: np.ndarray | None,
) -> Mixed:
    """The twin, trained on a part with the defaults of its experiment.

    Args:
        config: of the study.
        cohort: everybody.
        part: who trains.
        seed, name, folder: of the twin.
        apart: see `both_rests`.
    """
    networks, method = networks_of(parcel_table(config)), Method()
    with session.epochs_bar(method.epochs(int(part.people.sum())), name) as show:
        mixed = training.train(
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
    return disattenuate(mixed, own[np.isfinite(own[:, 0])])
