"""How a twin is made, and what of a cohort it is trained on."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dtb_jax.data.folds import Part
from dtb_jax.data.ledger import DataError
from dtb_jax.data.splits import (
    BoldScale,
    Parts,
    Times,
    cut,
    fit_bold_scale,
    hold_out,
    last_second,
    of_run,
)
from dtb_jax.twin.config import Settings
from dtb_jax.twin.response import Response, read_hazard
from dtb_jax.twin.twin import Twin, make_twin
from dtb_jax.types import STEP_S, Cohort, Run


class Recipe(NamedTuple):
    """How a twin is made, trained and read."""

    sizes: dict[str, Any]  # further arguments of `make_twin`
    settings: Settings = Settings()
    read: Callable[..., Response] = read_hazard
    pulse_steps: int = 1
    hold_out: Callable[..., Parts] = hold_out
    validation_share: float = 0.2  # of the training people


class Prepared(NamedTuple):
    """A part of a cohort as a training sees it."""

    connectomes: np.ndarray  # everybody's
    twin: Twin
    scale: BoldScale
    parts: Parts


def prepare(cohort: Cohort, part: Part, recipe: Recipe, *, seed: int) -> Prepared:
    """Cut a part of the data, keep some of it for validation, and make a twin of its size.

    Args:
        cohort: everybody.
        part: whose trials and volumes may be learned from.
        recipe: how.
        seed: of who validates.

    Raises: DataError where a segment is longer than what may be learned from.
    """
    steps = recipe.settings.segment_steps
    fits(cohort, part, steps)
    people = np.flatnonzero(part.people)
    cohort = part.of(cohort)
    stop_s = last_second(cohort, part.start_s, part.stop_s)
    scale = fit_bold_scale(cohort, stop_s, people)
    whole = cut(cohort, part.start_s, stop_s, scale, pulse_steps=recipe.pulse_steps)
    if cohort.bold_source == "none":
        whole = whole._replace(bold=whole.bold[..., :0])
    # one end for all runs is the paper's: what shorter runs lack at it validates nothing there
    own = _steps(cohort, part.start_s, stop_s) if isinstance(stop_s, Mapping) else None
    parts = recipe.hold_out(
        whole, people, share=recipe.validation_share, steps=steps, seed=seed, lengths=own
    )
    twin = twin_for(cohort.connectomes[parts.people], whole, recipe)
    return Prepared(cohort.connectomes, twin, scale, parts)


def _steps(cohort: Cohort, start_s: Times, stop_s: Times) -> list[int]:
    """Of each run's own part."""
    return [
        round((of_run(stop_s, run.name) - of_run(start_s, run.name)) / STEP_S)
        for run in cohort.runs
    ]


def fits(cohort: Cohort, part: Part, segment_steps: int) -> None:
    """Raises: DataError where a segment is longer than what may be learned from."""
    inside = part.of(cohort)
    longest = max(_steps(inside, part.start_s, last_second(inside, part.start_s, part.stop_s)))
    if segment_steps > longest:
        raise DataError(
            f"--config.segment_steps: {segment_steps} steps ({segment_steps * STEP_S:.0f} s) do "
            f"not fit into the training part of {longest * STEP_S:g} s; expected at most {longest}"
        )


def twin_for(connectomes: np.ndarray, runs: Run, recipe: Recipe) -> Twin:
    """A twin for these training people, with the inputs and outputs of these runs."""
    actions = runs.press.shape[-1]
    return make_twin(
        connectomes,
        inputs=runs.stimulus.shape[-1],
        outputs=actions + runs.bold.shape[-1],
        actions=actions,
        **recipe.sizes,
    )
