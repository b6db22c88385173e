"""All that is fixed before anybody is born, and how a person is drawn in it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.regions import region_parcels
from dtb_jax.simulation.behaviour import draw_items
from dtb_jax.simulation.causes import causal_scores, draw_causes
from dtb_jax.simulation.connectomes import (
    Person,
    Population,
    noise_free_edges,
    simulate_person,
    simulate_population,
)
from dtb_jax.simulation.layout import generator
from dtb_jax.simulation.parameters import (
    FACES_RUN,
    NAMES,
    RUNS,
    Residual,
    calibrated,
    draw_residual,
    in_runs,
)
from dtb_jax.simulation.responses import Gains, draw_gains
from dtb_jax.simulation.truth import CausalModel

REFERENCE = 512
"""People whose connectomes standardise the causal scores."""
MOTION_SD = 0.5
"""Of the logarithm of movement over people."""
AMYGDALA_GAIN, DRIFT = NAMES.index("amygdala_gain"), NAMES.index("drift")


class GenerativeModel(NamedTuple):
    """Atlas, population and truth of one seed."""

    seed: int
    atlas: pd.DataFrame
    regions: dict[str, list[int]]
    population: Population
    truth: CausalModel
    kind: str  # of the causes
    motion: float  # median amplitude of movement; 0: nobody moves
    motion_r: float  # correlation of log movement with the latent drift


class Subject(NamedTuple):
    """One simulated person, on the host."""

    name: str
    brain: Person
    edges: Float[np.ndarray, " edge"]  # noise-free
    residual: Residual
    scores: Float[np.ndarray, " parameter"]
    gains: Gains


def make_world(
    atlas: pd.DataFrame,
    *,
    seed: int,
    kind: str = "blocks",
    rho: float | Float[np.ndarray, " parameter"] = 0.5,
    motion: float = 0.0,
    motion_r: float = 0.0,
) -> GenerativeModel:
    """Draw what everybody shares.

    Args:
        atlas: columns name and network, with parcels for all 20 regions.
        seed: of everything.
        kind: of causes: blocks, sparse, dense.
        rho: share of the parameters' stable variance that the connectome causes, for all or each.
        motion: median amplitude of movement artefacts over people, in SD of a parcel.
        motion_r: its correlation with the latent drift: who moves more is slower if negative.

    Returns: `GenerativeModel`.

    Raises: ValueError for another kind, or numbers out of range.
    """
    share = np.broadcast_to(np.asarray(rho, np.float32), (len(NAMES),))
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"rho {rho}: expected from 0 (a name tag) to 1 (all that is stable)")
    if motion < 0 or not -1 <= motion_r <= 1:
        raise ValueError(
            f"motion {motion}, motion_r {motion_r}: expected motion >= 0 and motion_r in [-1, 1]"
        )
    if motion_r and not motion:
        raise ValueError(f"motion_r {motion_r}: nobody moves; expected motion > 0 with it")
    networks = list(atlas["network"])
    population = simulate_population(generator(seed, "population"), networks)
    reference = np.stack(
        [
            noise_free_edges(
                simulate_person(generator(seed, "reference", str(k)), population)
            ).astype(np.float32)
            for k in range(REFERENCE)
        ]
    )
    causes = draw_causes(generator(seed, "causes", kind), kind, networks, reference)
    items = {run: draw_items(generator(seed, "items", run), run) for run in RUNS}
    return GenerativeModel(
        seed=seed,
        atlas=atlas,
        regions=region_parcels(list(atlas["name"])),
        population=population,
        truth=CausalModel(causes, share, calibrated(), items),
        kind=kind,
        motion=motion,
        motion_r=motion_r,
    )


def draw_subject(world: GenerativeModel, name: str) -> Subject:
    """One person, who depends on the world and the name only.

    Args:
        world: see `make_world`.
        name: participant_id.

    Returns: `Subject`.
    """
    brain = simulate_person(generator(world.seed, name, "brain"), world.population)
    edges = noise_free_edges(brain).astype(np.float32)
    residual = draw_residual(generator(world.seed, name, "residual"))
    scores = causal_scores(world.truth.causes, edges)
    latent = world.truth.latent(scores, residual)
    gain = in_runs(latent, residual, world.truth.scale)[FACES_RUN, AMYGDALA_GAIN]
    gains = draw_gains(generator(world.seed, name, "gains"), float(gain))
    if world.motion:
        moves = world.motion_r * latent[DRIFT]
        own = generator(world.seed, name, "motion").normal()
        moves += np.sqrt(1 - world.motion_r**2) * own
        brain = brain._replace(motion=float(world.motion * np.exp(MOTION_SD * moves)))
    return Subject(name, brain, edges, residual, scores, gains)
