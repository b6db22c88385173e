"""Simulated BOLD of a task: the person's brain at rest, slow drift, and responses in 20 regions.

Measured on 120 people, whole runs, group t as of 228: face > shape higher visual 14, amygdala 11;
incongruent > congruent VLPFC 16, superior parietal 12. The contrasts' t of two halves of a run
correlate over people at .30 and .34, mean over regions.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.data.regions import REGIONS
from dtb_jax.simulation.connectomes import Person, Population, rest_series
from dtb_jax.twin.bold import condition_regressors, cosine_drift
from dtb_jax.types import Task, Trials

DRIFT_SD = 0.2
"""Slow drift of a task run, in standard deviations of its parcel."""
GAIN_SD = 0.5
"""Of a region's response over people, as a share of its mean."""
OWN_SHARE = 0.25
"""Of a gain's variance: the part that differs between the conditions of one region."""
LEAST_SCALE = 0.15
"""Regions without a mean response still differ between people as if it were this large."""
AMYGDALA_SD = 0.18
"""Over people, of the right amygdala's response to faces beyond shapes."""

RESPONSE = {
    "faces": {  # shape, face
        "anterior_PFC": (0.07, 0.12),
        "VLPFC": (0.21, 0.35),
        "premotor": (0.43, 0.51),
        "M1": (0.43, 0.43),
        "S1": (0.21, 0.21),
        "superior_parietal": (0.51, 0.45),
        "auditory": (-0.21, -0.19),
        "higher_visual": (0.64, 1.06),
        "V1": (0.70, 0.88),
        "amygdala": (0.14, 0.40),
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
AMYGDALA = REGIONS.index("R_amygdala")


class Gains(NamedTuple):
    """A person's responses, in standard deviations of a parcel, regions in the order of REGIONS."""

    faces: Float[np.ndarray, "*people region condition"]
    stroop: Float[np.ndarray, "*people region condition"]


def mean_response(task: str) -> Float[np.ndarray, "region condition"]:
    """`RESPONSE` in the order of `data.regions.REGIONS`: both hemispheres respond alike."""
    return np.array([RESPONSE[task][region.split("_", 1)[1]] for region in REGIONS])


def amygdala_contrast(gain):
    """The right amygdala's response to faces beyond shapes, from `Parameters.amygdala_gain`."""
    shape, face = RESPONSE["faces"]["amygdala"]
    return face - shape + AMYGDALA_SD * gain


def draw_gains(rng: np.random.Generator, amygdala_gain: float) -> Gains:
    """A person's responses: all their own but for the right amygdala's to faces.

    Args:
        rng: the person's generator.
        amygdala_gain: see `amygdala_contrast`.
    """
    gains = Gains(*(_around(rng, mean_response(task)) for task in Gains._fields))
    gains.faces[AMYGDALA, 1] = gains.faces[AMYGDALA, 0] + amygdala_contrast(amygdala_gain)
    return gains


def task_series(
    rng: np.random.Generator,
    person: Person,
    population: Population,
    gains: Gains,
    task: Task,
    trials: Trials,
    volumes: int,
    regions: dict[str, list[int]],
    repetition_time_s: float = 0.8,
) -> Float[np.ndarray, "volume parcel"]:
    """One run of a task.

    Args:
        rng: the run's generator.
        person, population, gains: whose run.
        task: faces or stroop.
        trials: onsets, durations and conditions, [trial].
        volumes: length; trials after it leave no trace.
        regions: parcels of each region, see `data.regions.region_parcels`.
        repetition_time_s: seconds a volume.

    Returns: series.
    """
    series = rest_series(rng, person, population, volumes, repetition_time_s)
    drift = cosine_drift(volumes, 3) * np.sqrt(volumes)
    series += drift @ rng.normal(0, DRIFT_SD / np.sqrt(3), (3, series.shape[1]))
    regressors = []
    for condition in range(len(task.conditions)):
        # recorded durations can be broken, zero or negative: such trials leave no response
        shown = (trials.condition == condition) & (trials.duration_s > 0) & (trials.onset_s >= 0)
        onset, duration = trials.onset_s[shown], trials.duration_s[shown]
        regressors.append(condition_regressors(onset, duration, volumes, repetition_time_s)[:, 0])
    responses = np.stack(regressors, axis=1) @ getattr(gains, task.name).T
    for name, response in zip(REGIONS, responses.T, strict=True):
        series[:, regions[name]] += response[:, None]
    return series


def _around(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Most variance over people is a region's own in both conditions, `OWN_SHARE` a condition's."""
    shared = rng.normal(size=(len(mean), 1))
    own = rng.normal(size=mean.shape)
    scale = GAIN_SD * np.maximum(np.abs(mean), LEAST_SCALE)
    return mean + scale * (np.sqrt(1 - OWN_SHARE) * shared + np.sqrt(OWN_SHARE) * own)
