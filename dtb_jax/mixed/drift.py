"""People do not stay where they are: practice, wandering and moods, learned within the training.

    z_i(t) = z_i + a(t) l_i + b_i(t) + w_i(t)

t is a quarter of the training, a its time since the middle in units of the whole. l_i ~ N(mean, L)
goes one way, b_i is a random walk with steps N(0, R) that begins at 0, w_i ~ N(0, W) is new in
every quarter. mean, L, R and W are learned from all training people by expectation and
maximisation in closed form, from what each quarter's data tell: which kind of movement there is
decides how far ahead a person is known.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.mixed.items import PARTS
from dtb_jax.mixed.posterior import Gaussian, Told
from dtb_jax.mixed.wander import square, without
from dtb_jax.types import Array

ROUNDS = 200
TIMES = (np.arange(PARTS) + 0.5) / PARTS - 0.5
START = 0.05
"""Of the spread between people, that each kind of movement begins with."""


class Movement(NamedTuple):
    """How people move."""

    mean: Float[Array, " coordinate"]
    trend: Float[Array, "coordinate coordinate"]  # L
    walk: Float[Array, "coordinate coordinate"]  # R
    wander: Float[Array, "coordinate coordinate"]  # W


def go_on(prior: Gaussian, told: Told) -> Gaussian:
    """Belief in people in a stretch as long as the training, right after it.

    z + l + b(last) + the mean of as many further steps of the walk, + the mean of as many new w.

    Args:
        prior: before their data, over people.
        told: by their data, in parts of time.
    """
    information, pull = (np.asarray(field, float) for field in told)
    size = pull.shape[-1]
    begin = START * prior.covariance.mean(axis=0)
    movement = Movement(np.zeros(size), begin, begin, begin)
    for _ in range(ROUNDS):
        path, movement = _round(prior, information, pull, movement)
    eye, none = np.eye(size), np.zeros((size, size))
    way = np.concatenate([eye, eye, *[none] * (PARTS - 2), eye], axis=1)
    steps = np.minimum.outer(np.arange(PARTS), np.arange(PARTS)) + 1
    further = movement.walk * steps.mean() + movement.wander / PARTS
    return Gaussian(path.mean @ way.T, way @ path.covariance @ way.T + further)


def _round(prior: Gaussian, information, pull, movement: Movement) -> tuple[Gaussian, Movement]:
    """Belief in everybody's path (z, l, b(2), ..., b(last)), and how people move by it."""
    path = _path(prior, information, pull, movement)
    size = len(movement.mean)
    slope = path.mean[:, size : 2 * size]
    mean = slope.mean(axis=0)
    trend = _square(path, np.eye(path.mean.shape[1])[size : 2 * size], mean)
    walk = np.mean([_square(path, way) for way in _steps(size)], axis=0)
    moods = [
        square(
            movement.wander,
            information[:, t],
            pull[:, t],
            path.mean @ way.T,
            way @ path.covariance @ way.T,
        )
        for t, way in enumerate(_ways(size))
    ]
    return path, Movement(mean, trend, walk, np.mean(moods, axis=0))


def _path(prior: Gaussian, information, pull, movement: Movement) -> Gaussian:
    size = len(movement.mean)
    left, drawn = without(movement.wander, information, pull)
    own = np.linalg.inv(prior.covariance)
    trend, walk = np.linalg.inv(movement.trend), np.linalg.inv(movement.walk)
    whole = np.zeros((len(pull), (PARTS + 1) * size, (PARTS + 1) * size))
    push = np.zeros(whole.shape[:2])
    whole[:, :size, :size] = own
    whole[:, size : 2 * size, size : 2 * size] = trend
    push[:, :size] = np.einsum("pyz,pz->py", own, prior.mean)
    push[:, size : 2 * size] = trend @ movement.mean
    whole += sum(way.T @ walk @ way for way in _steps(size))
    for t, way in enumerate(_ways(size)):
        whole += way.T @ left[:, t] @ way
        push += drawn[:, t] @ way
    covariance = np.linalg.inv(whole)
    return Gaussian(np.einsum("pyz,pz->py", covariance, push), covariance)


def _ways(size: int) -> list[np.ndarray]:
    """From a path to where it is in each part."""
    eye, none = np.eye(size), np.zeros((size, size))
    return [
        np.concatenate([eye, a * eye, *(eye if t == k else none for k in range(1, PARTS))], axis=1)
        for t, a in enumerate(TIMES)
    ]


def _steps(size: int) -> list[np.ndarray]:
    """From a path to each step of its walk."""
    eye, none = np.eye(size), np.zeros((size, size))
    rows = []
    for k in range(1, PARTS):
        signs = {k: eye, k - 1: -eye}
        rows.append(
            np.concatenate([none, none, *(signs.get(j, none) for j in range(1, PARTS))], axis=1)
        )
    return rows


def _square(path: Gaussian, way: np.ndarray, mean: Array | float = 0.0) -> Array:
    """E (way x - mean)(way x - mean)', averaged over people."""
    away = path.mean @ way.T - mean
    return away.T @ away / len(away) + (way @ path.covariance @ way.T).mean(axis=0)
