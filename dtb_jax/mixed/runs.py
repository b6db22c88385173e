"""From run to run people are not quite the same: z in run r is z + w_r, w_r ~ N(0, W).

W is learned from training people with several runs, by expectation and maximisation in closed form.
What one run tells of the next is then as much as it should be.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dtb_jax.mixed.posterior import Gaussian, Told

ROUNDS = 100
START = 0.1
"""Of the spread between people, that W begins with."""


def between_runs(prior: Gaussian, told: Sequence[Told], rounds: int = ROUNDS) -> np.ndarray:
    """W of these people.

    Args:
        prior: before their data.
        told: by the data of every run; no information where a person lacks a run.
        rounds: of expectation and maximisation.
    """
    wander = START * prior.covariance.mean(axis=0)
    parts = [_whole(one) for one in told]
    known = np.stack([np.trace(one, axis1=1, axis2=2) > 0 for one, _ in parts])
    for _ in range(rounds):
        stable = stable_part(prior, told, wander)
        inverse, square = np.linalg.inv(wander), np.zeros_like(wander)
        for (information, pull), seen in zip(parts, known, strict=True):
            given = np.linalg.inv(inverse + information)
            answer = given @ information
            off = np.einsum("pyz,pz->py", given, pull)
            off -= np.einsum("pyz,pz->py", answer, stable.mean)
            unsure = given + answer @ stable.covariance @ answer.swapaxes(1, 2)
            square += off[seen].T @ off[seen] + unsure[seen].sum(axis=0)
        wander = square / max(known.sum(), 1)
    return wander


def stable_part(
    prior: Gaussian, told: Sequence[Told], wander: Float[np.ndarray, "coordinate coordinate"]
) -> Gaussian:
    """Belief in what people are in every run, after some runs.

    Args:
        prior: before.
        told: by the data of every known run.
        wander: W.
    """
    precision = np.linalg.inv(np.asarray(prior.covariance, float))
    push = np.einsum("pyz,pz->py", precision, prior.mean)
    eye = np.eye(len(wander))
    for information, pull in map(_whole, told):
        keep = np.linalg.inv(eye + information @ wander)
        precision = precision + keep @ information
        push = push + np.einsum("pyz,pz->py", keep, pull)
    covariance = np.linalg.inv(precision)
    return Gaussian(np.einsum("pyz,pz->py", covariance, push), covariance)


def in_a_new_run(stable: Gaussian, wander: Float[np.ndarray, "coordinate coordinate"]) -> Gaussian:
    """Belief in people in a run of which nothing is known yet."""
    return stable._replace(covariance=stable.covariance + wander)


def _whole(told: Told) -> tuple[np.ndarray, np.ndarray]:
    information, pull = told.whole()
    return np.asarray(information, float), np.asarray(pull, float)
