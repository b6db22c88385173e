"""Simulated imaging: rest and task series of made-up people over a named atlas, numpy only.

Connectomes have three parts: what everybody shares (networks, three gradients over them), what is a
person's own (network-to-network strengths and edge by edge) and what one run adds. Task series add
responses in the paper's 20 regions. Nothing here knows behaviour: only what a pipeline does with
imaging of TCP's shape can be tried on it, never whether imaging predicts anything.

Measured over TCP's atlas (434 parcels, 488 volumes a run, 40 people): edges in Fisher z have mean
.12 and SD .23; two runs of a person correlate at .64, runs of two people at .43 (means of two
runs: .52).
Measured over TCP's 228 people and events, first half against second half of a run, mean over
regions of the correlation over people of the contrast's t-values: Faces .30, Stroop AP .32. Group t
of the second half: higher visual 14 and amygdala 11 for face > shape; VLPFC 13-15 and superior
parietal 12-14 for incongruent > congruent.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from dtb_jax.bold import condition_regressors, cosine_drift
from dtb_jax.regions import REGIONS
from dtb_jax.types import Task, Trials

AUTOCORRELATION = 0.5
"""Of one volume with the next."""
DRIFT_SD = 0.2
"""Slow drift of a task run, in standard deviations of its parcel."""
GAIN_SD = 0.5
"""Of a region's response over people, as a share of its mean."""
OWN_SHARE = 0.25
"""Of a gain's variance: the part that differs between the conditions of one region."""
LEAST_SCALE = 0.15
"""Regions without a mean response still differ between people as if it were this large."""

RESPONSE = {
    "faces": {  # shape, face
        "anterior_PFC": (0.06, 0.10),
        "VLPFC": (0.17, 0.28),
        "premotor": (0.34, 0.41),
        "M1": (0.34, 0.34),
        "S1": (0.17, 0.17),
        "superior_parietal": (0.41, 0.36),
        "auditory": (-0.17, -0.15),
        "higher_visual": (0.51, 0.85),
        "V1": (0.56, 0.70),
        "amygdala": (0.11, 0.32),
    },
    "stroop": {  # congruent, incongruent
        "anterior_PFC": (0.14, 0.27),
        "VLPFC": (0.16, 0.34),
        "premotor": (0.34, 0.54),
        "M1": (0.48, 0.50),
        "S1": (0.20, 0.22),
        "superior_parietal": (0.34, 0.52),
        "auditory": (-0.16, -0.22),
        "higher_visual": (0.48, 0.54),
        "V1": (0.48, 0.52),
        "amygdala": (0.08, 0.11),
    },
}
"""Mean response over people by task, region and condition, in standard deviations of a parcel."""


class Population(NamedTuple):
    """What all simulated people have in common."""

    network: Int[np.ndarray, " parcel"]
    gradients: Float[np.ndarray, "network 3"]
    detail: Float[np.ndarray, "parcel rank"]


class Person(NamedTuple):
    """One person: signal = loadings @ factors + gradients @ (three more) + noise."""

    loadings: Float[np.ndarray, "parcel factor"]
    gradients: Float[np.ndarray, "parcel 3"]
    response: dict[str, np.ndarray]  # by task, [region, condition]


def simulate_population(
    rng: np.random.Generator, networks: Sequence[str] | np.ndarray, rank: int = 20
) -> Population:
    """Draw the shared part: network memberships as numbers, gradients, parcel detail.

    Args:
        rng: generator of the population; the same for everybody.
        networks: a label a parcel.
        rank: dimensions in which edges differ within networks.

    Returns: `Population`.
    """
    _, network = np.unique(np.asarray(networks), return_inverse=True)
    return Population(
        network=network,
        gradients=rng.normal(0, np.sqrt(0.42 / 3), (network.max() + 1, 3)),
        detail=rng.normal(0, np.sqrt(0.27 / rank), (len(network), rank)),
    )


def simulate_person(rng: np.random.Generator, population: Population) -> Person:
    """Draw one person around the population.

    Args:
        rng: the person's generator; all runs of a person reuse the result.
        population: what is shared.

    Returns: `Person`.
    """
    network, parcels = population.network, len(population.network)
    blocks = 0.4 * np.eye(network.max() + 1)[network]
    own = rng.normal(0, np.sqrt(0.07 / 3), population.gradients.shape)
    rank = population.detail.shape[1]
    detail = population.detail + rng.normal(0, np.sqrt(0.22 / rank), (parcels, rank))
    return Person(
        loadings=np.concatenate([np.full((parcels, 1), 0.38), blocks, detail], axis=1),
        gradients=(population.gradients + own)[network],
        response={task: _response(rng, mean) for task, mean in mean_response().items()},
    )


def mean_response() -> dict[str, Float[np.ndarray, "region condition"]]:
    """`RESPONSE` in the order of `regions.REGIONS`: both hemispheres respond alike."""
    return {
        task: np.array([table[region.split("_", 1)[1]] for region in REGIONS])
        for task, table in RESPONSE.items()
    }


def rest_series(
    rng: np.random.Generator, person: Person, volumes: int
) -> Float[np.ndarray, "volume parcel"]:
    """One run at rest.

    x_t = a x_(t-1) + sqrt(1 - a^2) e_t,  e_t ~ N(0, C),  C = L L' + (G + R)(G + R)' + noise

    with the person's loadings L and gradients G and the run's own deviation R.

    Args:
        rng: the run's generator.
        person: whose run.
        volumes: length.

    Returns: series with variance 1 in expectation.
    """
    parcels = len(person.loadings)
    run = person.gradients + rng.normal(0, np.sqrt(0.13 / 3), person.gradients.shape)
    loadings = np.concatenate([person.loadings, run], axis=1)
    series = rng.normal(size=(volumes, parcels))
    series *= np.sqrt(0.20)
    series += rng.normal(size=(volumes, loadings.shape[1])) @ loadings.T
    series /= np.sqrt(0.20 + (loadings**2).sum(axis=1))
    series[1:] *= np.sqrt(1 - AUTOCORRELATION**2)
    for before, now in zip(series[:-1], series[1:], strict=True):
        now += AUTOCORRELATION * before
    return series


def task_series(
    rng: np.random.Generator,
    person: Person,
    task: Task,
    trials: Trials,
    volumes: int,
    regions: dict[str, list[int]],
    repetition_time_s: float = 0.8,
) -> Float[np.ndarray, "volume parcel"]:
    """One run of a task: background as at rest, slow drift, responses in the regions' parcels.

    Args:
        rng: the run's generator.
        person: whose run.
        task: one that `RESPONSE` knows.
        trials: onsets, durations and conditions, [trial].
        volumes: length; trials after it leave no trace.
        regions: parcels of each region, see `regions.region_parcels`.
        repetition_time_s: seconds a volume.

    Returns: series.
    """
    series = rest_series(rng, person, volumes)
    drift = cosine_drift(volumes, 3) * np.sqrt(volumes)
    series += drift @ rng.normal(0, DRIFT_SD / np.sqrt(3), (3, series.shape[1]))
    regressors = []
    for condition in range(len(task.conditions)):
        # recorded durations can be broken, zero or negative: such trials leave no response
        shown = (trials.condition == condition) & (trials.duration_s > 0) & (trials.onset_s >= 0)
        onset, duration = trials.onset_s[shown], trials.duration_s[shown]
        regressors.append(condition_regressors(onset, duration, volumes, repetition_time_s)[:, 0])
    responses = np.stack(regressors, axis=1) @ person.response[task.name].T
    for name, response in zip(REGIONS, responses.T, strict=True):
        series[:, regions[name]] += response[:, None]
    return series


def _response(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Most variance over people is a region's own in both conditions, `OWN_SHARE` a condition's."""
    shared = rng.normal(size=(len(mean), 1))
    own = rng.normal(size=mean.shape)
    scale = GAIN_SD * np.maximum(np.abs(mean), LEAST_SCALE)
    return mean + scale * (np.sqrt(1 - OWN_SHARE) * shared + np.sqrt(OWN_SHARE) * own)
