"""Where a person is, given what the connectome says and however many trials there are.

    log p(presses, BOLD | z)  ~  -1/2 z' L z + l'z + constant,   L = J'F J,   l = L z* - gradient

around the mode z*. F is the Fisher information of the presses (a categorical draw at every step at
risk) and of the BOLD (white), J how logits and BOLD move with z. Of a trial without a press it is
not known whether it was attended: its steps count as far as it is likely, and F is as if it were
known, a little too much. The steps to the mode are scoring steps; no network is trained again.
With a normal prior all else is algebra: (P + L)^(-1) and (P + L)^(-1) (P prior mean + l). Without
trials L = 0, and the person is where the prior is.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.models.mixed_effects.items import PARTS, with_items
from dtb_jax.models.mixed_effects.likelihood import Noise, attended, lapsing_hazards
from dtb_jax.models.mixed_effects.model import Common, Method, answers, press_loss
from dtb_jax.models.mixed_effects.network import Population
from dtb_jax.models.mixed_effects.observed import Observed
from dtb_jax.types import Array

LONGEST = 1.5
"""How far one scoring step may go, in the population's standard deviations."""


class Gaussian(NamedTuple):
    """A normal distribution of one person's coordinates, or of several people's."""

    mean: Float[Array, "*people coordinate"]
    covariance: Float[Array, "*people coordinate coordinate"]


class GaussianFactor(NamedTuple):
    """What data tell of coordinates, as a quadratic form; parts of runs add up."""

    information: Float[Array, "*people run part coordinate coordinate"]  # L
    pull: Float[Array, "*people run part coordinate"]  # l


def standard(people: int, coordinates: int) -> Gaussian:
    """The population's own: N(0, 1) for everybody."""
    mean = np.zeros((people, coordinates), np.float32)
    return Gaussian(mean, np.tile(np.eye(coordinates, dtype=np.float32), (people, 1, 1)))


def nothing(people: int, runs: int, coordinates: int) -> GaussianFactor:
    """What runs tell of which there are no data."""
    pull = np.zeros((people, runs, PARTS, coordinates))
    return GaussianFactor(np.zeros((*pull.shape, coordinates)), pull)


def joined(told: Sequence[GaussianFactor]) -> GaussianFactor:
    """What several stretches of runs tell of the same people, run after run."""
    return GaussianFactor(*(np.concatenate(leaves, axis=1) for leaves in zip(*told)))


def laplace_of_person(
    population: Population,
    common: Common,
    prior: Gaussian,
    start: Float[Array, " coordinate"],
    observed: Observed,
    scanner_noise: Noise,
    method: Method,
    steps: int,
) -> GaussianFactor:
    """What one person's data tell, around the mode that they have with this prior.

    Args:
        population, common: the model.
        prior: of this person.
        start: of the scoring steps.
        observed: what is known of the person; masks say what.
        scanner_noise: of BOLD.
        method: lengths of pieces, and how much BOLD counts.
        steps: of scoring.
    """
    precision = jnp.linalg.inv(prior.covariance)

    def told(z):
        person = population.apply(common.network, z)
        logits, bold = answers(person, observed, method)
        logits = with_items(logits, common.items, observed.shown)
        residual = scanner_noise.residual(observed.bold - bold, observed.mask)
        return logits, person.inattention, residual

    def scoring(z):
        logits, inattention, residual = told(z)
        by_logits, by_inattention, by_residual = jax.jacfwd(told)(z)
        everywhere = jnp.full(logits.shape[:2], inattention)
        told_by_presses = _presses(logits, everywhere, by_logits, by_inattention, observed, common)
        seen, moved = _parted(residual), method.bold_weight * _parted(by_residual)
        told_by_bold = (
            jnp.einsum("rvpk,rvpkz->rpz", seen, moved),
            jnp.einsum("rvpky,rvpkz->rpyz", _parted(by_residual), moved),
        )
        return jax.tree.map(jnp.add, told_by_presses, told_by_bold)

    def step(z, _):
        gradient, information = (part.sum((0, 1)) for part in scoring(z))
        gradient += precision @ (z - prior.mean)
        way = jnp.linalg.solve(precision + information, gradient)
        return z - way * jnp.minimum(1.0, LONGEST / jnp.maximum(jnp.linalg.norm(way), 1e-9)), None

    mode, _ = jax.lax.scan(step, start, length=steps)
    gradient, information = scoring(mode)
    return GaussianFactor(information, information @ mode - gradient)


def _parted(sequence: Float[Array, "run time ..."]) -> Float[Array, "run step part ..."]:
    """Time as parts of equal length, a last odd step left out."""
    runs, time, *rest = sequence.shape
    kept = time // PARTS * PARTS
    return sequence[:, :kept].reshape(runs, PARTS, kept // PARTS, *rest).swapaxes(1, 2)


def _presses(logits, inattention, by_logits, by_inattention, observed: Observed, common: Common):
    """Gradient and Fisher information of z [run, part, ...]."""
    slopes = jax.grad(press_loss, (0, 1))(logits, inattention, observed, common)
    slope, slope_inattention, by = (_parted(one) for one in (*slopes, by_logits))
    gradient = jnp.einsum("rtpa,rtpaz->rpz", slope, by)
    gradient += jnp.einsum("rtp,z->rpz", slope_inattention, by_inattention)
    risk, whole = jax.vmap(_risk, (0, 0, 0, None, 0))(
        logits, observed.run, observed.shown.trial, common.lapse, inattention
    )
    p = jax.vmap(_press_probability, (0, 0, None))(logits, observed.run.available, common.lapse)
    middle = _parted(jnp.einsum("rta,rtaz->rtz", p, by_logits))
    weight = _parted(risk)[..., None]
    information = jnp.einsum("rtpa,rtpay,rtpaz->rpyz", weight * _parted(p), by, by)
    information -= jnp.einsum("rtpy,rtpz->rpyz", weight * middle, middle)
    unsure = whole * jax.nn.sigmoid(inattention) * jax.nn.sigmoid(-inattention)
    way = jnp.outer(by_inattention, by_inattention)
    information += jnp.einsum("rtp,yz->rpyz", _parted(unsure), way)
    return gradient, information


def _risk(logits, run, trial, lapse, inattention):
    """How likely every step is at risk in an attended trial, and its share of its trial's risk."""
    trials = attended(logits, run, trial, lapse, inattention)
    count = trials.steps[trial]
    risk = run.at_risk * (count > 0)
    return risk * trials.share()[trial], risk / jnp.maximum(count, 1)


def _press_probability(logits, available, lapse) -> Float[Array, "time action"]:
    return jnp.exp(lapsing_hazards(logits, available, lapse)[0])


@partial(jax.jit, static_argnames=("population", "method", "steps"))
def _several(population, common, prior, start, observed, scanner_noise, *, method, steps):
    def one(prior, start, observed):
        return laplace_of_person(
            population, common, prior, start, observed, scanner_noise, method, steps
        )

    return jax.vmap(one)(prior, start, observed)


def laplace_factor(
    population: Population,
    common: Common,
    prior: Gaussian,
    start: Float[np.ndarray, "people coordinate"],
    observed: Observed,
    scanner_noise: Noise,
    method: Method,
    *,
    steps: int,
    chunk: int = 32,
) -> GaussianFactor:
    """`laplace_of_person` of several people, some at a time; arguments have an axis of people."""
    people, found = len(start), []
    beliefs = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), (prior, np.asarray(start)))
    each = (*beliefs, jax.tree.map(np.asarray, observed))
    for first in range(0, people, chunk):
        rows = np.minimum(np.arange(first, first + chunk), people - 1)
        part = jax.tree.map(lambda leaf, rows=rows: leaf[rows], each)
        one = _several(population, common, *part, scanner_noise, method=method, steps=steps)
        found.append(jax.tree.map(lambda leaf, n=people - first: np.asarray(leaf)[:n], one))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
