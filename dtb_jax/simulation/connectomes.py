"""Simulated brains at rest: a covariance a person, series with measurement error, numpy only.

A parcel's signal has variance 1 and is a sum of parts, each with the share of `SHARES`:

    global     one signal, as strong as the person has it
    network    one signal a network
    gradients  a few signals that networks follow or oppose; how much is a person's own: this is
               what makes network-to-network strengths differ between people
    detail     signals that parcels follow as they please: the same in everybody, a person's own,
               and the state of one run
    own        noise

The noise-free connectome is Fisher z of a person's correlations without any run's state. What a
scan gives differs from it by the run's state and by the length of the scan. Nothing here knows
behaviour, and nothing is a network that a twin could be.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import lfilter

from dtb_jax.twin.connectome import LARGEST_R

SHARES = {
    "global": 0.235,
    "network": 0.04,
    "group_gradients": 0.05,
    "own_gradients": 0.12,
    "group_detail": 0.445,
    "own_detail": 0.015,
    "state": 0.085,
    "own": 0.01,
}
"""Of a parcel's variance; with the numbers below fitted to 90 real series, see `calibration`."""
GLOBAL_SD = 0.14
"""Of the logarithm of a person's global signal, over people."""
GRADIENTS, DETAILS = 4, 12
NETWORK_TIME_S, DETAIL_TIME_S = 2.0, 14.0
"""After which a network's signal and a detail's have forgotten all but 1/e of themselves."""
WARM_UP = 60
"""Volumes made and thrown away, so that a run begins in its stationary state."""


class Population(NamedTuple):
    """What all simulated people have in common."""

    network: Int[np.ndarray, " parcel"]
    gradients: Float[np.ndarray, "network gradient"]
    detail: Float[np.ndarray, "parcel detail"]
    motion: Float[np.ndarray, " parcel"]  # how much of a movement a parcel shows


class Person(NamedTuple):
    """Loadings of the parcels on one person's signals."""

    fast: Float[np.ndarray, "parcel fast"]  # global, network, gradients
    detail: Float[np.ndarray, "parcel detail"]
    motion: float  # amplitude of movement artefacts, in SD of a parcel; 0: none


def simulate_population(
    rng: np.random.Generator, networks: Sequence[str] | np.ndarray
) -> Population:
    """Draw the shared part.

    Args:
        rng: generator of the population; the same for everybody.
        networks: a label a parcel.

    Returns: `Population`.
    """
    names, network = np.unique(np.asarray(networks), return_inverse=True)
    return Population(
        network=network,
        gradients=_loadings(rng, (len(names), GRADIENTS), SHARES["group_gradients"]),
        detail=_loadings(rng, (len(network), DETAILS), SHARES["group_detail"]),
        motion=rng.uniform(0.5, 1.5, len(network)),
    )


def simulate_person(rng: np.random.Generator, population: Population) -> Person:
    """Draw one person around the population.

    Args:
        rng: the person's generator; all runs of a person reuse the result.
        population: what is shared.

    Returns: `Person`, who lies still.
    """
    network, parcels = population.network, len(population.network)
    strength = np.sqrt(SHARES["global"]) * np.exp(rng.normal(0, GLOBAL_SD))
    own = _loadings(rng, population.gradients.shape, SHARES["own_gradients"])
    fast = [
        np.full((parcels, 1), strength),
        np.sqrt(SHARES["network"]) * np.eye(network.max() + 1)[network],
        (population.gradients + own)[network],
    ]
    detail = population.detail + _loadings(rng, population.detail.shape, SHARES["own_detail"])
    return Person(np.concatenate(fast, axis=1), detail, 0.0)


def noise_free_edges(person: Person) -> Float[np.ndarray, " edge"]:
    """Fisher z of the person's correlations, C_ij / sqrt(C_ii C_jj), C = L L' + (state + own) I."""
    loadings = np.concatenate([person.fast, person.detail], axis=1)
    variance = (loadings**2).sum(axis=1) + SHARES["state"] + SHARES["own"]
    loadings = loadings / np.sqrt(variance)[:, None]
    return upper_fisher_z(loadings @ loadings.T)


def rest_series(
    rng: np.random.Generator,
    person: Person,
    population: Population,
    volumes: int,
    repetition_time_s: float = 0.8,
) -> Float[np.ndarray, "volume parcel"]:
    """One run at rest.

    x_t = L f_t + (D + R) d_t + own noise + motion,  f and d autoregressive of order 1

    with the person's loadings L, D and the run's state R.

    Args:
        rng: the run's generator.
        person: whose run.
        population: what is shared.
        volumes: length.
        repetition_time_s: seconds a volume.

    Returns: series with a variance near 1.
    """
    parcels = len(person.detail)
    state = _loadings(rng, person.detail.shape, SHARES["state"])
    fast = _signals(rng, volumes, person.fast.shape[1], repetition_time_s / NETWORK_TIME_S)
    slow = _signals(rng, volumes, DETAILS, repetition_time_s / DETAIL_TIME_S)
    series = fast @ person.fast.T + slow @ (person.detail + state).T
    series += np.sqrt(SHARES["own"]) * rng.normal(size=(volumes, parcels))
    if person.motion:
        jerk = rng.standard_t(3, size=(volumes, 1)) / np.sqrt(3)
        series += person.motion * jerk * population.motion
    return series


def upper_fisher_z(r: Float[np.ndarray, "parcel parcel"]) -> Float[np.ndarray, " edge"]:
    """Edges of a matrix of correlations, NaN where it is."""
    return np.arctanh(np.clip(r[np.triu_indices(len(r), k=1)], -LARGEST_R, LARGEST_R))


def _loadings(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> np.ndarray:
    return rng.normal(0, np.sqrt(share / shape[1]), shape)


def _signals(rng: np.random.Generator, volumes: int, count: int, rate: float) -> np.ndarray:
    """x_t = a x_(t-1) + sqrt(1 - a^2) e_t with a = exp(-rate), [volume, count]."""
    a = np.exp(-rate)
    noise = rng.normal(size=(WARM_UP + volumes, count))
    return lfilter([np.sqrt(1 - a**2)], [1, -a], noise, axis=0)[WARM_UP:]
