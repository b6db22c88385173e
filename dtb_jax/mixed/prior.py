"""What is believed of a person before the first trial: f(connectome), and how far off people are.

    z_i = f(c_i) + e_i,   e_i ~ N(0, S)

Both are learned from what training people's data tell of them (`posterior.Told`), by expectation
and maximisation in closed form: where each person is, given f and S without that person; then f and
S, given where they are. Seen people are believed to be where others with such a connectome are,
until their own trials speak.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.mixed.encoder import Encoded, fit_encoder, prepare
from dtb_jax.mixed.features import features_of
from dtb_jax.mixed.posterior import Gaussian, Told, combine

ROUNDS, SPREAD_ROUNDS = 4, 30


class Prior(NamedTuple):
    """Learned from training people, for anybody."""

    encoded: Encoded  # f
    spread: Float[np.ndarray, "coordinate coordinate"]  # S
    population: Gaussian  # of one person about whom nothing is known, not even the connectome

    def of(self, connectomes: Float[np.ndarray, "people edge"]) -> Gaussian:
        """What is believed of people whom nobody has seen do anything."""
        encoder = self.encoded.encoder
        mean = (connectomes - encoder.centre) @ encoder.weights + encoder.offset
        return Gaussian(np.asarray(mean), np.tile(self.spread, (len(mean), 1, 1)))

    def of_training(self) -> Gaussian:
        """The same of each training person, learned from the others."""
        return Gaussian(
            self.encoded.left_out, np.tile(self.spread, (len(self.encoded.left_out), 1, 1))
        )


def fit_prior(
    told: Told,
    connectomes: Float[np.ndarray, "people edge"],
    networks: Sequence[str] | None = None,
) -> Prior:
    """f and S of these people.

    Args:
        told: by their data, see `posterior.listen_to`.
        connectomes: of the same people.
        networks: a label a parcel; None: unknown, edges alone are features.
    """
    prepared = prepare(features_of(connectomes, networks), connectomes)
    coordinates = told.pull.shape[-1]
    mean = np.zeros((len(connectomes), coordinates))
    spread = np.eye(coordinates)
    for _ in range(2):  # the population's own mean and spread
        spread, where = spread_around(mean, told, spread)
        mean = np.tile(where.mean.mean(axis=0), (len(mean), 1))
    population = Gaussian(mean[0], spread)
    for _ in range(ROUNDS):
        encoded = fit_encoder(prepared, np.asarray(where.mean))
        spread, where = spread_around(encoded.left_out, told, spread)
    return Prior(encoded, spread, population)


def spread_around(
    mean: Float[np.ndarray, "people coordinate"],
    told: Told,
    spread: Float[np.ndarray, "coordinate coordinate"],
) -> tuple[Float[np.ndarray, "coordinate coordinate"], Gaussian]:
    """S = mean over people of E (z - mean)(z - mean)', and where people are believed to be with it.

    Args:
        mean: expected of each person.
        told: by their data.
        spread: to begin with.
    """
    for _ in range(SPREAD_ROUNDS):
        where = combine(Gaussian(mean, np.tile(spread, (len(mean), 1, 1))), told)
        away = np.asarray(where.mean) - mean
        spread = (away.T @ away + np.asarray(where.covariance).sum(axis=0)) / len(mean)
    return spread, where
