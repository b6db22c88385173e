"""What drives a simulated person: nine numbers, each from a latent standard normal score.

    latent_p = sqrt(rho_p) causal score_p + sqrt(1 - rho_p) personal residual_p
    u_(r,p)  = mean_(r,p) + sd_p latent_p + run sd_p run residual_(r,p)

for run r, and a link (exp, logistic or none) turns u into the parameter. The numbers below were
found by least squares on `statistics.behaviour_statistics`, TCP against 1,500 simulated people, and
then by hand on the mean over eight seeds of 1,000; `calibration.py` holds them to TCP.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.types import Array

RUNS = ("hammerAP_run-01", "stroopAP_run-01", "stroopPA_run-01")
FACES_RUN, STROOP_AP = 0, 1

NAMES = (
    "drift",  # log rate of the correct action
    "colour_drift",  # what naming colours (Stroop) adds to it
    "boundary",  # log height
    "non_decision",  # log seconds before and after the race
    "conflict_cost",  # what an incongruent word takes off the log rate
    "face_cost",  # what a face, compared with a shape, takes off it
    "lapse",  # logit share of presses on a random button
    "omission",  # logit share of trials not attended
    "amygdala_gain",  # right amygdala's response to faces beyond shapes
)


class Residual(NamedTuple):
    """What is a person's and a run's own beyond the connectome, all standard normal."""

    person: Float[Array, "*people parameter"]
    run: Float[Array, "*people run parameter"]
    slope: Float[Array, "*people run"]  # of the log rate over a run


class Parameters(NamedTuple):
    """One person in each of `RUNS`."""

    drift: Float[Array, "*people run"]  # 1 / sqrt(s), easy condition
    boundary: Float[Array, "*people run"]  # sqrt(s)
    non_decision_s: Float[Array, "*people run"]
    cost: Float[Array, "*people run"]  # off the log rate in the hard condition
    lapse: Float[Array, "*people run"]
    omission: Float[Array, "*people run"]
    slope: Float[Array, "*people run"]  # of the log rate, from -slope to +slope over the run
    selectivity: Float[Array, "*people run"]  # log rate of the correct action over a wrong one's
    lure: Float[Array, "*people run"]  # added to the log rate of the action that the word names
    amygdala_gain: Float[Array, "*people run"]  # latent units: SD 1 over people


class Scale(NamedTuple):
    """Group means by run and standard deviations over people and runs, in latent units."""

    mean: Float[Array, "run parameter"]
    sd: Float[Array, " parameter"]
    run_sd: Float[Array, " parameter"]
    slope_mean: Float[Array, " run"]
    slope_sd: Float[Array, ""]
    selectivity: Float[Array, " run"]
    lure: Float[Array, ""]


def calibrated() -> Scale:
    """The numbers fitted to TCP, rows in the order of `RUNS`, columns of `NAMES`."""
    mean = [
        # drift, colour, boundary, non-decision, conflict, face, lapse, omission, amygdala
        [1.683, 0.0, 1.073, -1.494, 0.0, 0.182, -3.28, -4.06, 0.0],
        [1.683, -0.227, 0.894, -1.494, 0.333, 0.0, -3.50, -4.36, 0.0],
        [1.683, -0.223, 0.894, -1.494, 0.267, 0.0, -4.40, -3.65, 0.0],
    ]
    return Scale(
        mean=np.array(mean, np.float32),
        sd=np.array([0.140, 0.145, 0.095, 0.300, 0.114, 0.109, 0.97, 1.0, 1.0], np.float32),
        run_sd=np.array([0.097, 0.0, 0.050, 0.10, 0.050, 0.060, 0.3, 0.3, 0.3], np.float32),
        slope_mean=np.array([0.060, 0.061, -0.019], np.float32),
        slope_sd=np.array(0.102, np.float32),
        selectivity=np.array([1.978, 2.074, 2.074], np.float32),
        lure=np.array(0.304, np.float32),
    )


def in_runs(
    latent: Float[Array, " parameter"], residual: Residual, scale: Scale
) -> Float[Array, "run parameter"]:
    """u of the module: the latent parameters of one person in every run."""
    return scale.mean + scale.sd * latent + scale.run_sd * residual.run


def parameters_of(
    latent: Float[Array, " parameter"], residual: Residual, scale: Scale
) -> Parameters:
    """One person's parameters in every run.

    Args:
        latent: stable part, SD 1 over people.
        residual: of which the run's and the slope's parts are used.
        scale: see the module.

    Returns: `Parameters`, [run].
    """
    value = dict(zip(NAMES, in_runs(latent, residual, scale).T, strict=True))
    faces = jnp.arange(len(RUNS)) == FACES_RUN
    return Parameters(
        drift=jnp.exp(value["drift"] + jnp.where(faces, 0, value["colour_drift"])),
        boundary=jnp.exp(value["boundary"]),
        non_decision_s=jnp.exp(value["non_decision"]),
        cost=jnp.where(faces, value["face_cost"], value["conflict_cost"]),
        lapse=jax.nn.sigmoid(value["lapse"]),
        omission=jax.nn.sigmoid(value["omission"]),
        slope=scale.slope_mean + scale.slope_sd * residual.slope,
        selectivity=scale.selectivity,
        lure=jnp.where(faces, 0, scale.lure),
        amygdala_gain=value["amygdala_gain"],
    )


def draw_residual(rng: np.random.Generator) -> Residual:
    """A person's residuals."""
    runs, parameters = len(RUNS), len(NAMES)
    return Residual(
        person=rng.normal(size=parameters),
        run=rng.normal(size=(runs, parameters)),
        slope=rng.normal(size=runs),
    )
