"""From run to run people are not quite the same: z in run r is z + w_r, w_r ~ N(0, W).

W is learned from training people with several runs, by expectation and maximisation in closed form.
What one run tells of the next is then as much as it should be.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dtb_jax.mixed.posterior import Gaussian, Told
from dtb_jax.mixed.wander import square, without
from dtb_jax.types import Array

ROUNDS = 100
START = 0.1
"""Of the spread between people, that W begins with."""


def between_runs(prior: Gaussian, told: Sequence[Told]) -> Array:
    """W of these people.

    Args:
        prior: before their data.
        told: by the data of every run; no information where a person lacks a run.
    """
    wander: Array = START * prior.covariance.mean(axis=0)
    parts = [one.whole() for one in told]
    known = [np.trace(information, axis1=1, axis2=2) > 0 for information, _ in parts]
    for _ in range(ROUNDS):
        stable = stable_part(prior, told, wander)
        squares = [
            seen.sum() * square(wander, *(leaf[seen] for leaf in (*part, *stable)))
            for part, seen in zip(parts, known, strict=True)
        ]
        wander = sum(squares) / max(np.sum(known), 1)
    return wander


def stable_part(
    prior: Gaussian, told: Sequence[Told], wander: Float[Array, "coordinate coordinate"]
) -> Gaussian:
    """Belief in what people are in every run, after some runs.

    Args:
        prior: before.
        told: by the data of every known run.
        wander: W.
    """
    precision = np.linalg.inv(np.asarray(prior.covariance, float))
    push = np.einsum("pyz,pz->py", precision, prior.mean)
    for one in told:
        information, pull = without(wander, *one.whole())
        precision, push = precision + information, push + pull
    covariance = np.linalg.inv(precision)
    return Gaussian(np.einsum("pyz,pz->py", covariance, push), covariance)


def in_a_new_run(stable: Gaussian, wander: Float[Array, "coordinate coordinate"]) -> Gaussian:
    """Belief in people in a run of which nothing is known yet."""
    return stable._replace(covariance=stable.covariance + wander)
