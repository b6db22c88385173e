"""How likely what people did and what the scanner saw is, given their networks.

Presses: competing hazards with a lapse, p_t(a) = (1 - e) p_t(a | network) + e / actions: at every
step at risk a random button may be pressed, so that no press is impossible. With probability m a
whole trial goes by unattended,

    p(omission) = m + (1 - m) prod_t p_t(none),    p(a at t) = (1 - m) p_t(a) prod_(s < t) p_s(none)

so that who sleeps is not taken for somebody slow.

BOLD: at the scanner's own volumes, r = W (y - y_network) S^(-1/2), r ~ N(0, 1). W takes out slow
drifts (as in the GLM) and whitens an AR(1) process, S is the noise's covariance between regions.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from dtb_jax.twin.bold import cosine_drift, drift_order
from dtb_jax.twin.response import Response, Windows, log_hazards, read_hazards, steps_likelihood
from dtb_jax.types import Array, Sequences

FLOOR = -30.0


def lapsing_hazards(
    logits: Float[Array, "*time action"],
    available: Float[Array, " action"],
    lapse: Float[Array, ""],
) -> tuple[Float[Array, "*time action"], Float[Array, "*time"]]:
    """log p(press a) and log p(no press) at every step.

    Args:
        logits: of the network.
        available: which actions are buttons.
        lapse: logit of e.
    """
    log_press, log_none = log_hazards(logits, available)
    kept, lost = jax.nn.log_sigmoid(-lapse), jax.nn.log_sigmoid(lapse)
    random = jnp.where(available > 0, lost - jnp.log(available.sum()), -jnp.inf)
    log_press = jnp.where(
        available > 0, jnp.logaddexp(jnp.maximum(log_press, FLOOR) + kept, random), -jnp.inf
    )
    return log_press, log_none + kept


class Attended(NamedTuple):
    """A stretch's trials; number 0 is none."""

    kept: Float[Array, " trial"]  # log p(what was done, and the trial was attended)
    lost: Float[Array, " trial"]  # log p(it was not)
    answered: Bool[Array, " trial"]
    steps: Float[Array, " trial"]  # at risk; 0: there is no such trial

    def loss(self) -> Float[Array, ""]:
        """Negative log likelihood of what was done, summed."""
        either = jnp.where(self.answered, self.kept, jnp.logaddexp(self.kept, self.lost))
        return -jnp.sum(jnp.where(self.steps > 0, either, 0.0))

    def share(self) -> Float[Array, " trial"]:
        """p(the trial was attended), given what was done."""
        return jnp.where(self.answered, 1.0, jax.nn.sigmoid(self.kept - self.lost))


def attended(
    logits: Float[Array, "time action"],
    run: Sequences,
    trial: Int[Array, " time"],
    lapse: Float[Array, ""],
    inattention: Float[Array, " time"],
) -> Attended:
    """How likely what was done in a stretch is, trial by trial.

    Args:
        logits: of the network.
        run: what was done.
        trial: which one is on; 0: none.
        lapse: logit of e.
        inattention: logit of m, one a step so that its slope tells when; a trial has their mean.
    """
    total = partial(jax.ops.segment_sum, segment_ids=trial, num_segments=len(trial))
    count = total(run.at_risk).at[0].set(0)
    logit = total(run.at_risk * inattention) / jnp.maximum(count, 1)
    done = total(steps_likelihood(*lapsing_hazards(logits, run.available, lapse), run))
    return Attended(
        done + jax.nn.log_sigmoid(-logit),
        jax.nn.log_sigmoid(logit),
        total(run.at_risk * jnp.any(run.press > 0, axis=-1)) > 0,
        count,
    )


def read_lapsing(
    lapse: Float[Array, ""],
    inattention: Float[Array, ""],
    logits: Float[Array, "time action"],
    available: Float[Array, " action"],
    windows: Windows,
) -> Response:
    """P(choice), P(omission) and E[RT] of every trial, as `response.read_hazard` with lapses."""
    told = read_hazards(*lapsing_hazards(logits, available, lapse), windows)
    kept = jax.nn.sigmoid(-inattention)
    missed = 1 - kept * (1 - told.omission_probability)
    return told._replace(omission_probability=missed, density=kept * told.density)


class Noise(NamedTuple):
    """What BOLD does besides answering to a task, fitted to the training people."""

    whiten: Float[Array, "run volume volume"]  # W of each run
    mix: Float[Array, "region region"]  # S^(-1/2)
    sd: Float[Array, " region"]  # of what a GLM leaves

    def residual(
        self, difference: Float[Array, "run volume region"], mask: Float[Array, "run volume"]
    ) -> Float[Array, "run volume region"]:
        """r of one person; masked volumes count as told exactly."""
        return jnp.einsum("rvw,rwk,kl->rvl", self.whiten, mask[..., None] * difference, self.mix)


def fit_noise(
    designs: list[Float[np.ndarray, "people _ _"]],
    bold: Float[np.ndarray, "people run volume region"],
    mask: Bool[np.ndarray, "people run volume"],
    repetition_time_s: float,
) -> Noise:
    """Autocorrelation and covariance of what a GLM of each person leaves, of whole runs only.

    Args:
        designs: of every run, the task's regressors first, then drifts and a constant.
        bold: z-scored series of the training people.
        mask: volumes that were acquired.
        repetition_time_s: seconds a volume.
    """
    people, runs, volumes, regions = bold.shape
    left, free = [], 0
    for r in range(runs):
        count = mask[:, r].sum(axis=1)
        chosen = np.flatnonzero(count == max(count.max(initial=0), 1))
        length = int(np.flatnonzero(mask[chosen, r].any(axis=0)).max(initial=-1)) + 1
        for i in chosen:
            there = mask[i, r, :length, None]  # gaps leave 0
            design, series = designs[r][i][:length] * there, bold[i, r, :length] * there
            left.append((r, (series - design @ (np.linalg.pinv(design) @ series)) * there))
            free += count[i] - np.linalg.matrix_rank(design)
    whiten = np.zeros((runs, volumes, volumes), np.float32)
    if not left:
        eye = np.eye(regions, dtype=np.float32)
        return Noise(whiten, eye, np.diag(eye))
    neighbours = sum((rest[1:] * rest[:-1]).sum() for _, rest in left)
    phi = float(np.clip(neighbours / sum((rest**2).sum() for _, rest in left), 0, 0.95))
    for r, rest in left:
        if not whiten[r].any():
            whiten[r, : len(rest), : len(rest)] = _whitening(len(rest), phi, repetition_time_s)
    covariance, freedom = np.zeros((regions, regions)), 0.0
    for r, rest in left:
        white = whiten[r, : len(rest), : len(rest)] @ rest
        covariance += white.T @ white
        freedom += int(rest.any(axis=1).sum()) - drift_order(len(rest), repetition_time_s) - 1
    values, vectors = np.linalg.eigh(covariance / freedom)
    mix = (vectors / np.sqrt(np.maximum(values, 1e-3 * values.max()))) @ vectors.T
    sd = np.sqrt(sum((rest**2).sum(axis=0) for _, rest in left) / free)
    return Noise(whiten, mix.astype(np.float32), sd.astype(np.float32))


def _whitening(volumes: int, phi: float, repetition_time_s: float) -> np.ndarray:
    """(1 - Q Q') A: A makes AR(1) noise white, Q spans what A makes of drifts and a constant."""
    drifts = cosine_drift(volumes, drift_order(volumes, repetition_time_s))
    drifts = np.concatenate([drifts, np.ones((volumes, 1))], axis=1)
    white = np.eye(volumes) - phi * np.eye(volumes, k=-1)
    white[0, 0] = np.sqrt(1 - phi**2)
    basis, _ = np.linalg.qr(white @ drifts)
    return white - basis @ (basis.T @ white)


def bold_loss(residual: Float[Array, "run volume region"]) -> Float[Array, ""]:
    """Negative log likelihood of one person's BOLD up to a constant, |r|^2 / 2."""
    return 0.5 * jnp.sum(residual**2)
