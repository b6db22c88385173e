"""What is believed of a person before the first trial: f(connectome), and how far off people are.

Both are learned from what training people's data say of them (`posterior.GaussianFactor`), in
turns: where each person is and how people move, given f without that person (`movement`); then f.
Where people are believed to be is shrunk towards f, the more the less their data tell, and f of
that would be too small. With S = E (z - f)(z - f)' and C what is left of it after the data,

    V'S V = 1,   V'(S - C) V = diag(known),   u = V'z:   u_data = f + (u_believed - f) / known

is what the data alone tell along directions that are told apart by how well they are known.

Seen people are believed to be where others with such a connectome are, until their own trials
speak.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.models.mixed_effects.encoder import Encoded, Encoder, fit_encoder, prepare
from dtb_jax.models.mixed_effects.features import features_of
from dtb_jax.models.mixed_effects.movement import Blup, Covariance, Movement, blup, em_step
from dtb_jax.models.mixed_effects.posterior import GaussianFactor
from dtb_jax.types import Array

TURNS, ROUNDS = 4, 20
LEAST_KNOWN = 0.02
"""Share of a direction's spread, below which it is taken for hardly known rather than unknown."""


class Prior(NamedTuple):
    """Learned from training people, for anybody."""

    encoded: Encoded  # V'f
    back: Float[Array, "coordinate coordinate"]  # V^(-1)
    movement: Movement
    middle: Float[np.ndarray, " coordinate"]  # where people are on average

    def encoder(self) -> Encoder:
        """f."""
        return self.encoded.encoder.mapped(self.back)

    def of(self, connectomes: Float[np.ndarray, "people edge"]) -> Float[np.ndarray, "people z"]:
        """f of several connectomes."""
        return np.asarray(self.encoder()(connectomes))

    def of_training(self) -> Float[np.ndarray, "people z"]:
        """f of each training person, learned from the others."""
        return self.encoded.left_out @ self.back


def fit_prior(
    told: GaussianFactor,
    connectomes: Float[np.ndarray, "people edge"],
    networks: Sequence[str] | None = None,
) -> Prior:
    """f and the movement of these people.

    Args:
        told: by their data, see `posterior.laplace_factor`.
        connectomes: of the same people.
        networks: a label a parcel; None: unknown, edges alone are features.
    """
    prepared = prepare(features_of(connectomes, networks), connectomes)
    people, *_, size = told.pull.shape
    mean, movement = np.zeros((people, size)), Movement.small(size)
    for _ in range(2):  # the population's own mean and spread
        movement, found = fit_em(mean, told, movement)
        middle = found.mean[:, 0].mean(axis=0)
        mean = np.tile(middle, (people, 1))
    for _ in range(TURNS):
        known, ways, back = directions(movement.spread, found.covariance[:, 0, :, 0].mean(axis=0))
        off = (found.mean[:, 0] - mean) @ ways / known
        encoded = fit_encoder(prepared, mean @ ways + off)
        mean = encoded.left_out @ back
        movement, found = fit_em(mean, told, movement)
    return Prior(encoded, back, movement, middle)


def directions(
    spread: Covariance, left: Covariance
) -> tuple[Float[np.ndarray, " z"], Covariance, Covariance]:
    """known, V and V^(-1) of S and C, see above; known is at least `LEAST_KNOWN`."""
    root = np.linalg.cholesky(spread)
    inverse = np.linalg.inv(root)
    known, vectors = np.linalg.eigh(inverse @ (spread - left) @ inverse.T)
    return np.maximum(known, LEAST_KNOWN), inverse.T @ vectors, vectors.T @ root.T


def fit_em(
    mean: Float[np.ndarray, "people z"],
    told: GaussianFactor,
    movement: Movement,
    *,
    number: int = ROUNDS,
) -> tuple[Movement, Blup]:
    """So many rounds of `movement.em_step`."""
    for _ in range(number):
        movement = em_step(mean, told, movement)
    return movement, blup(mean, told, movement)
