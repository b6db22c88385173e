"""Fit a mixed-effects twin to a part of a cohort, and what it believes of people then."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dtb_jax.data.folds import Subset
from dtb_jax.models.mixed_effects.fit import State, initial_state, learn
from dtb_jax.models.mixed_effects.items import Known, deviations, known_items
from dtb_jax.models.mixed_effects.model import Common, Method
from dtb_jax.models.mixed_effects.movement import EVENLY, blup, forecast, marginal
from dtb_jax.models.mixed_effects.network import Population
from dtb_jax.models.mixed_effects.observed import Scanner, fit_scanner, observe, rows, volume_steps
from dtb_jax.models.mixed_effects.posterior import (
    Gaussian,
    GaussianFactor,
    joined,
    laplace_factor,
    nothing,
    standard,
)
from dtb_jax.models.mixed_effects.prior import Prior, fit_prior
from dtb_jax.models.mixed_effects.start import start_from_profiles
from dtb_jax.models.paper_twin import check_origin, origin_of
from dtb_jax.twin.checkpoint import Checkpoints
from dtb_jax.types import Array, Cohort

SEEN_STEPS, FEW_STEPS = 2, 8
"""Of scoring: from where learning left people, and from where their connectome puts them."""


class Mixed(NamedTuple):
    """A fitted mixed-effects twin."""

    population: Population
    common: Common
    scanner: Scanner
    items: Known
    prior: Prior
    told: GaussianFactor  # by the training people's data
    people: np.ndarray  # rows who trained
    method: Method
    timing: dict[str, Any]

    def seen(
        self, runs: Sequence[str], *, later: bool = False, share: Array = EVENLY
    ) -> list[Gaussian]:
        """Belief in the training people in some runs.

        Args:
            runs: of which those that nobody trained on are new ones.
            later: in a stretch as long as the training, right after it, rather than in it.
            share: of each quarter of the training, unless later.
        """
        known = self.scanner.runs
        names = (*known, *(run for run in runs if run not in known))
        people, *_, size = self.told.pull.shape
        told = joined([self.told, nothing(people, len(names) - len(known), size)])
        found = blup(self.prior.of_training(), told, self.prior.movement)
        where = forecast if later else partial(marginal, share=share)
        return [where(found, self.prior.movement, names.index(run)) for run in runs]

    def unseen(self, mean: np.ndarray) -> Gaussian:
        """Belief in people in a run, of whom nothing is known but f of their connectomes."""
        movement = self.prior.movement
        return marginal(blup(mean, nothing(len(mean), 1, mean.shape[1]), movement), movement, 0)


def both_connectomes(cohort: Cohort) -> Cohort:
    """Each person's mean of both connectomes, where there are two."""
    if cohort.other_connectomes is None:
        return cohort
    edges = cohort.connectomes.copy()
    two = cohort.other_present
    edges[two] = (edges[two] + cohort.other_connectomes[two]) / 2
    return cohort._replace(connectomes=edges, other_connectomes=None, other_present=None)


def train(cohort: Cohort, part: Subset, *, seed: int, **options) -> Mixed:
    """`train_members` with one seed."""
    (mixed,) = train_members(cohort, part, seeds=[seed], **options)
    return mixed


def train_members(
    cohort: Cohort,
    part: Subset,
    *,
    seeds: Sequence[int],
    networks: Sequence[str] | None = None,
    units: int = 32,
    coordinates: int = 16,
    method: Method = Method(),
    folder: Path | None = None,
    on_epoch: Callable[[dict[str, float | int]], None] = lambda row: None,
) -> list[Mixed]:
    """Learn the population, where its people are, and what connectomes say of that.

    Twins of several seeds learn side by side, as one device program.

    Args:
        cohort: everybody.
        part: who trains, on which runs and times.
        seeds: of everything random, one for each twin.
        networks: a label a parcel, for features between networks; None: edges alone.
        units, coordinates: sizes.
        method: how.
        folder: of checkpoints, from which an interrupted call goes on; None keeps none.
        on_epoch: told every epoch's numbers; first, where learning goes on, after which.
    """
    began = time.perf_counter()
    people = np.flatnonzero(part.people)
    items = known_items(cohort, part)
    steps = volume_steps(cohort)  # a piece holds whole volumes, whatever the repetition time
    method = method._replace(piece=max(method.piece // steps, 1) * steps)
    scanner, seen = fit_scanner(cohort, part, items, piece=method.piece)
    population = Population(
        inputs=seen.run.stimulus.shape[-1],
        units=units,
        regions=seen.bold.shape[-1] if seen.mask.any() else 0,
        coordinates=coordinates,
        actions=seen.run.press.shape[-1],
        inattention=method.inattention,
        memory=scanner.memory,
    )
    seen = seen._replace(bold=seen.bold[..., : population.regions])
    if not population.regions:
        noise = scanner.noise
        none = noise._replace(mix=noise.mix[:0, :0], sd=noise.sd[:0])
        scanner = scanner._replace(noise=none)
    each = method.updates_of_epoch(len(people))
    start = start_from_profiles(cohort, part, coordinates)[people]
    states, checkpoints, origin = None, None, {}
    if folder is not None:
        checkpoints = Checkpoints(folder)
        choices = {"units": units, "coordinates": coordinates, "method": method}
        origin = origin_of(cohort, part, seeds=list(seeds), networks=networks, **choices)
        check_origin(checkpoints, origin, folder)
        fresh = partial(initial_state, population, start, len(items), method)
        keys = jax.random.split(jax.random.key(0), len(seeds))
        like = jax.eval_shape(jax.vmap(lambda key: fresh(key=key)), keys)
        found = checkpoints.restore({"state": like})
        if found is not None:
            kept = found[0]["state"]
            states = kept if isinstance(kept, State) else State(*kept)
            on_epoch({"resumed_after_epoch": int(states.step[0]) // each})

    def note(states: State, row: dict[str, float | int]) -> None:
        if checkpoints is not None and (row["epoch"] % 5 == 0 or row["epoch"] == row["epochs"]):
            checkpoints.save(int(row["epoch"]), {"state": states}, {"made_of": origin})
        on_epoch(row)

    states = learn(
        population,
        seen,
        scanner.noise,
        deviations(items, cohort, part),
        start,
        method,
        seeds=seeds,
        states=states,
        on_epoch=note,
    )
    if checkpoints is not None:
        checkpoints.close()
    learned_s = time.perf_counter() - began
    found_members = []
    for member in range(len(seeds)):
        state = jax.tree.map(lambda leaf, k=member: np.asarray(leaf[k]), states)
        began = time.perf_counter()
        told = laplace_factor(
            population,
            state.common,
            standard(len(people), coordinates),
            state.belief.mean,
            seen,
            scanner.noise,
            method,
            steps=SEEN_STEPS,
        )
        listened = time.perf_counter()
        prior = fit_prior(told, cohort.connectomes[people], networks)
        timing = {
            "learn_s": learned_s,  # of all members together
            "listen_s": listened - began,
            "prior_s": time.perf_counter() - listened,
            "epochs": method.epochs(len(people)),
            "parameters": sum(np.size(leaf) for leaf in jax.tree.leaves(state.common)),
        }
        found_members.append(
            Mixed(population, state.common, scanner, items, prior, told, people, method, timing)
        )
    return found_members


def condition(
    mixed: Mixed,
    cohort: Cohort,
    part: Subset,
    prior: Gaussian,
    start: np.ndarray | None = None,
) -> GaussianFactor:
    """What the data of a part tell of its people.

    Args:
        mixed: the twin.
        cohort: everybody; trials that are not `present` and masked volumes are not known.
        part: whose people, runs and times are known.
        prior: belief in the part's people.
        start: where scoring begins; None: at the prior's mean, with more steps.
    """
    scanner, piece = mixed.scanner, mixed.method.piece
    seen = observe(cohort, part, scanner.scale, mixed.items, memory=scanner.memory, piece=piece)
    seen = rows(seen, np.flatnonzero(part.people))
    seen = seen._replace(bold=seen.bold[..., : mixed.population.regions])
    noise = scanner.noise_of(tuple(run.name for run in part.of(cohort).runs), seen.bold.shape[2])
    return laplace_factor(
        mixed.population,
        mixed.common,
        prior,
        np.asarray(prior.mean) if start is None else start,
        seen,
        noise,
        mixed.method,
        steps=FEW_STEPS if start is None else SEEN_STEPS,
    )
