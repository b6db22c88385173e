"""A dozen simulated people in memory, an untrained twin of them, and a minute of the session."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax import make_twin
from dtb_jax.data.splits import fit_bold_scale
from dtb_jax.evaluation.scans import scan
from dtb_jax.interventions.against_truth import know
from dtb_jax.interventions.endpoints import Asked, NetworkOf, twin_of
from dtb_jax.interventions.scene import SessionProtocol, standard_protocol
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import Responses, run_trials
from dtb_jax.simulation.memory import RUNS, simulate_cohort_behaviour
from dtb_jax.simulation.people import gather
from dtb_jax.simulation.world import draw_subject, make_world
from dtb_jax.types import Cohort

PEOPLE, PARCELS, UNITS, STOP_S = 12, 48, 16, 60.0
REGIONS = ("L_amygdala", "R_amygdala")


class Setting(NamedTuple):
    """What every test of edits needs."""

    cohort: Cohort
    network_of: NetworkOf
    scene: SessionProtocol
    asked: Asked


def subjects(world, people=PEOPLE):
    return [draw_subject(world, f"sub-{k}") for k in range(people)]


def small_cohort(people=PEOPLE):
    """Faces with BOLD and Stroop without; presses at random, since no twin learns from them."""
    world = make_world(choose_parcels(PARCELS), seed=0)
    drawn, rng = subjects(world, people), np.random.default_rng(0)
    presses = {}
    for run in RUNS:
        shape = people, len(run_trials(run)[1].onset_s)
        presses[run] = Responses(
            rng.integers(0, 2, shape), rng.uniform(0.3, 1.5, shape), rng.random(shape) < 0.9
        )
    edges = np.stack([subject.edges for subject in drawn])
    cohort = simulate_cohort_behaviour([subject.name for subject in drawn], edges, presses)
    seen = scan(world, drawn, RUNS[0], "one")
    rows = [list(world.regions).index(region) for region in REGIONS]
    faces, stroop = cohort.runs
    faces = faces._replace(bold=seen.bold[..., rows], bold_mask=seen.bold_mask)
    stroop = stroop._replace(bold=np.zeros((*stroop.bold.shape[:2], len(rows)), np.float32))
    return cohort._replace(runs=(faces, stroop), regions=REGIONS, bold_source="simulated")


def small_twin(connectomes, units=UNITS, **sizes):
    """Untrained, with people who differ more than a trained twin's do."""
    sizes = {"width": 32, "scale": 0.3} | sizes
    twin = make_twin(connectomes, inputs=9, units=units, outputs=3 + len(REGIONS), **sizes)
    return twin_of(twin, eqx.filter_jit(twin.init)(jax.random.key(0)))


def small_setting():
    cohort = small_cohort()
    scale = fit_bold_scale(cohort, np.inf, np.arange(PEOPLE))
    scene = standard_protocol(cohort, scale, stop_s=STOP_S)
    return Setting(cohort, small_twin(cohort.connectomes), scene, Asked(region=1))


def small_truth(people=PEOPLE, **options):
    """World and what it knows of these people."""
    world = make_world(choose_parcels(PARCELS), seed=0, **options)
    drawn = subjects(world, people)
    edges = np.stack([subject.edges for subject in drawn])
    return world, know(world.truth, gather(world.truth, drawn), edges)


def in_double(tree):
    """Every array of a pytree in double precision."""

    def double(leaf):
        real = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(leaf, jnp.float64) if real else leaf

    return jax.tree.map(double, tree)
