"""People do not stay where they are: from run to run, and within a run.

    z_i(r, t) = z_i + v_ir + a(t) l_i + b_i(t) + w_i(r, t),    z_i = f(c_i) + e_i

t is a quarter of a run's training part, a its time since the middle in units of the whole.
e_i ~ N(0, S), v_ir ~ N(0, V 1) is new in every run, l_i ~ N(mean, L 1) goes one way, b_i is a
random walk with steps N(0, R 1) that begins at 0, w_i(r, t) ~ N(0, W 1) is new in every quarter.
Movement is alike in all coordinates, of which a quarter tells little. All are learned from training
people in closed-form rounds towards the likeliest, from what each quarter of each run tells: which
kind of movement there is decides how far a person is known elsewhere.

A place is where a person is somewhere, as how much of z, l, b(2), ..., b(last), v_1, ... it has.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.models.mixed_effects.items import PARTS
from dtb_jax.models.mixed_effects.posterior import Gaussian, GaussianFactor
from dtb_jax.types import Array

TIMES = (np.arange(PARTS) + 0.5) / PARTS - 0.5
EVENLY = np.full(PARTS, 1 / PARTS)
START = 0.05
"""Variance that each kind of movement begins with; people's is 1."""
LEAST = 1e-4
"""Variance below which there is no movement."""
Covariance = Float[Array, "z z"]
Place = Float[np.ndarray, " block"]


class Movement(NamedTuple):
    """How far people are from what connectomes say, and how they move."""

    spread: Covariance  # S
    run: float  # V
    mean: Float[np.ndarray, " z"]  # of l
    trend: float  # L
    walk: float  # R
    wander: float  # W

    @classmethod
    def small(cls, size: int) -> "Movement":
        """People as far apart as the population's prior says, who hardly move."""
        return cls(np.eye(size), START, np.zeros(size), START, START, START)


class Blup(NamedTuple):
    """Belief in several people's z, l, b and v."""

    mean: Float[np.ndarray, "people block z"]
    covariance: Float[np.ndarray, "people block z block z"]

    def at(self, place: Place) -> Gaussian:
        """Where people are there."""
        inside = np.flatnonzero(place)
        covariance = sum(
            place[j] * place[k] * self.covariance[:, j, :, k] for j in inside for k in inside
        )
        return Gaussian(np.einsum("j,pjz->pz", place, self.mean), covariance)


def design(runs: int) -> Float[np.ndarray, "run part block"]:
    """Where people are in every quarter of every run, but for w."""
    found = np.zeros((runs, PARTS, 1 + PARTS + runs))
    found[..., 0] = 1
    found[..., 1] = TIMES
    for t in range(1, PARTS):
        found[:, t, 1 + t] = 1
    for r in range(runs):
        found[r, :, 1 + PARTS + r] = 1
    return found


def walked(runs: int) -> Float[np.ndarray, "step block"]:
    """The steps of the walk."""
    b = design(runs)[0, :, 2 : 1 + PARTS]
    found = np.zeros((PARTS - 1, 1 + PARTS + runs))
    found[:, 2 : 1 + PARTS] = np.diff(b, axis=0)
    return found


def blup(mean: Float[np.ndarray, "people z"], told: GaussianFactor, movement: Movement) -> Blup:
    """What is believed of people after some runs; runs that tell nothing are new ones.

    Args:
        mean: f of everybody's connectome.
        told: by their data, in quarters of runs.
        movement: how people move.
    """
    left, drawn = without(movement.wander, *told)
    people, runs, _, size = drawn.shape
    own, eye = np.linalg.inv(movement.spread), np.eye(size)
    where = design(runs)
    precision = np.einsum("rtj,rtk,prtyz->pjykz", where, where, left, optimize=True)
    push = np.einsum("rtj,prtz->pjz", where, drawn)
    precision[:, 0, :, 0] += own
    precision[:, 1, :, 1] += eye / movement.trend
    steps = walked(runs)
    precision += np.einsum("sj,sk,yz->jykz", steps, steps, eye / movement.walk)
    for r in range(runs):
        precision[:, 1 + PARTS + r, :, 1 + PARTS + r] += eye / movement.run
    push[:, 0] += mean @ own
    push[:, 1] += movement.mean / movement.trend
    blocks = where.shape[-1]
    covariance = np.linalg.inv(precision.reshape(people, blocks * size, blocks * size))
    found = np.einsum("pyz,pz->py", covariance, push.reshape(people, -1))
    return Blup(
        found.reshape(people, blocks, size),
        covariance.reshape(people, blocks, size, blocks, size),
    )


def em_step(
    mean: Float[np.ndarray, "people z"], told: GaussianFactor, movement: Movement
) -> Movement:
    """One round towards the likeliest movement.

    Args:
        mean: f of everybody's connectome, of training people without themselves.
        told: by their data, in quarters of runs.
        movement: to begin with.
    """
    found = blup(mean, told, movement)
    runs = told.pull.shape[1]
    one = np.eye(1 + PARTS + runs)
    slope = _common(found.at(one[1]), movement.mean, movement.trend)
    spread = _square(_moved(found.at(one[0]), mean))
    trend = _variance([_moved(found.at(one[1]), slope)], movement.trend)
    walk = _variance([found.at(step) for step in walked(runs)], movement.walk)
    run = _variance([found.at(v) for v in one[1 + PARTS :]], movement.run)
    wander = _variance(
        [
            wandered(movement.wander, found.at(place), *(leaf[:, r, t] for leaf in told))
            for r, quarters in enumerate(design(runs))
            for t, place in enumerate(quarters)
        ],
        movement.wander,
    )
    return Movement(spread, run, slope, trend, walk, wander)


def marginal(
    found: Blup,
    movement: Movement,
    r: int,
    share: Float[Array, " part"] = EVENLY,
) -> Gaussian:
    """Where people are on average over a run, or over some of its quarters.

    Args:
        found: belief in people.
        movement: how they move.
        r: which run.
        share: of every quarter.
    """
    where = found.at(share @ design(_runs(found))[r])
    return _wider(where, movement.wander * float(np.sum(share**2)))


def forecast(found: Blup, movement: Movement, r: int) -> Gaussian:
    """Where people are on average over a stretch as long as a run's training, right after it.

    z + v_r + l + b(last) + the mean of as many further steps of the walk, + the mean of as many w.
    """
    ahead = design(_runs(found))[r, -1].copy()
    ahead[1] = 1
    steps = np.minimum.outer(np.arange(PARTS), np.arange(PARTS)) + 1
    return _wider(found.at(ahead), movement.walk * float(steps.mean()) + movement.wander / PARTS)


def without(
    wander: float,
    information: Float[Array, "*people z z"],
    pull: Float[Array, "*people z"],
) -> tuple[Float[Array, "*people z z"], Float[Array, "*people z"]]:
    """What (L, l), told of z + w, tell of z: (1 + L W)^(-1) (L, l)."""
    information, pull = np.asarray(information, float), np.asarray(pull, float)
    keep = np.linalg.inv(np.eye(pull.shape[-1]) + wander * information)
    return keep @ information, np.einsum("...yz,...z->...y", keep, pull)


def wandered(
    wander: float,
    where: Gaussian,
    information: Float[Array, "people z z"],
    pull: Float[Array, "people z"],
) -> Gaussian:
    """Belief in w by the same data, where z is believed to be somewhere by all data.

    Given z, w ~ N(A (l - L z), A),   A = (W^(-1) + L)^(-1).
    """
    given = np.linalg.inv(np.eye(pull.shape[-1]) / wander + information)
    answer = given @ information
    mean = np.einsum("pyz,pz->py", given, pull) - np.einsum("pyz,pz->py", answer, where.mean)
    return Gaussian(mean, given + answer @ where.covariance @ answer.swapaxes(1, 2))


def _runs(found: Blup) -> int:
    return found.mean.shape[1] - 1 - PARTS


def _wider(where: Gaussian, by: float) -> Gaussian:
    return where._replace(covariance=where.covariance + by * np.eye(where.mean.shape[1]))


def _square(where: Gaussian) -> Covariance:
    """E x x', averaged over people."""
    away = where.mean
    return away.T @ away / len(away) + where.covariance.mean(axis=0)


def _moved(where: Gaussian, by: Float[np.ndarray, "*people z"]) -> Gaussian:
    return where._replace(mean=where.mean - by)


def _common(
    where: Gaussian, mean: Float[np.ndarray, " z"], variance: float
) -> Float[np.ndarray, " z"]:
    """The likeliest mean of what is N(mean, variance 1) in everybody, itself N(0, 1) before.

    Newton's step, which ends where it should in one: 1 - covariance / variance is what of a step
    of the mean is not made up by people's own deviations.
    """
    people, size = where.mean.shape
    known = people * np.eye(size) - where.covariance.sum(axis=0) / variance
    pull = (where.mean - mean).sum(axis=0) / variance - mean
    return mean + np.linalg.solve(known / variance + np.eye(size), pull)


def _variance(beliefs: list[Gaussian], now: float) -> float:
    """Of several normal deviations around 0, alike in all coordinates: |mean|^2 / g, where
    g = number - trace(covariance) / now counts what is known of them.

    Where expectation and maximisation end it ends, too, but sooner: hardly anything is known of
    most coordinates, and they would hold back the others. Source: MacKay 1992.
    """
    known = sum(one.mean.size - np.trace(one.covariance.sum(axis=0)) / now for one in beliefs)
    square = sum(np.sum(one.mean**2) for one in beliefs)
    return max(float((square + now) / (known + 1)), LEAST)
