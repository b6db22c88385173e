"""The GLM of everybody: one part of a run, its designs, and person-level t-values."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.data.splits import in_part, volume_range
from dtb_jax.twin import bold
from dtb_jax.types import STEP_S, Run

PEOPLE_AT_ONCE = 16
"""Whose regions are prewhitened together."""


class Glm(NamedTuple):
    """Designs of one part of a run, at the scanner's volumes."""

    designs: np.ndarray  # [people, volume, regressor]
    contrast: np.ndarray  # [regressor]
    mask: np.ndarray  # [people, volume]
    enough: np.ndarray  # [people]: at least half of the part's volumes
    volumes: slice
    noise: str = "ols"  # one of `NOISE`


def make_glm(
    run: Run, start_s: float, stop_s: float, drifts: int | None = None, noise: str = "ols"
) -> Glm:
    """Designs from everybody's own onsets: the events that begin in the part, from its start.

    Args:
        run: events and masks.
        start_s, stop_s: the part.
        drifts: number of cosine drifts; None: nilearn's rule at .01 Hz for the part's length.
        noise: how it is modelled, one of `NOISE`.
    """
    volumes = volume_range(run, start_s, stop_s)
    mask = run.bold_mask[:, volumes]
    count = mask.shape[1]
    tr = run.stimulus.shape[1] * STEP_S / run.bold.shape[1]
    order = bold.drift_order(count, tr) if drifts is None else drifts
    chosen, trials = in_part(run, start_s, stop_s), run.trials

    known: dict[bytes, np.ndarray] = {}

    def design(i):
        events = [chosen[i] & (trials.condition[i] == c) for c in range(len(run.task.conditions))]
        timing = [(trials.onset_s[i][e] - start_s, trials.duration_s[i][e]) for e in events]
        key = b"|".join(np.stack(one).tobytes() for one in timing)
        if key not in known:  # whoever saw the same sequence at the same times has the same design
            known[key] = bold.design_matrix(timing, count, tr, order)
        return known[key]

    designs = np.stack([design(i) for i in range(len(mask))]).astype(np.float32)
    more, less = (run.task.conditions.index(name) for name in run.task.contrast)
    contrast = bold.condition_contrast(more, less, designs.shape[-1]).astype(np.float32)
    return Glm(designs, contrast, mask, run.present & (2 * mask.sum(1) >= count), volumes, noise)


def _everybody(fit):
    """A fit of one person's series as one of everybody's, a few people at once."""

    def fitted(series, designs, contrast, mask):
        return jax.lax.map(
            lambda one: fit(one[0], one[1], contrast, one[2]),
            (series, designs, mask),
            batch_size=PEOPLE_AT_ONCE,
        )

    return jax.jit(fitted)


NOISE = {
    "ols": jax.jit(jax.vmap(bold.glm_t, in_axes=(0, 0, None, 0))),
    "ar1": _everybody(bold.glm_t_ar1),
}
"""How noise is modelled: independent from volume to volume, or AR(1)."""


def _residual_autocorrelation(series, design, mask):
    series = jnp.where(mask[:, None], series, 0)
    solver = bold.glm_solver(design, mask)
    return bold.autocorrelation(series - solver.design @ (solver.inverse @ series), mask)


_autocorrelation = jax.jit(jax.vmap(_residual_autocorrelation))


class NoiseEffect(NamedTuple):
    """What taking noise for independent does to t-values, over people and regions."""

    autocorrelation: float  # median, of neighbouring volumes' residuals
    t_ratio: float  # mean |t| by ordinary least squares / with AR(1) noise


def noise_effect(glm: Glm, series: np.ndarray) -> NoiseEffect | None:
    """How much larger t-values are where noise is taken for independent; None without BOLD.

    Args:
        glm: designs of the part.
        series: its BOLD, [people, volume, region].
    """
    if not (glm.enough & glm.mask.any(1)).any():
        return None
    kept = glm.enough
    rho = _autocorrelation(jnp.asarray(series, jnp.float32), glm.designs, glm.mask)
    ols, ar1 = (np.abs(person_t(glm._replace(noise=noise), series))[kept].mean() for noise in NOISE)
    return NoiseEffect(float(np.median(np.asarray(rho)[kept])), float(ols / ar1))


def _expected(series, design, contrast, mask, sd):
    solver = bold.glm_solver(design, mask)
    size, _ = bold.glm_contrast(jnp.where(mask[:, None], series, 0), solver, contrast)
    return size / (sd * jnp.linalg.norm(contrast @ solver.inverse))


_expect = jax.jit(jax.vmap(_expected, in_axes=(0, 0, None, 0, None)))


def expected_t(glm: Glm, series: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """t of the task's contrast, if noise is added to a series that has none, [people, region].

    c'b / (sd sqrt(c'(X'X)+ c)); a t-value of the series itself would divide by how far its shape
    is from the design's, and not change with its size.

    Args:
        glm: designs of the part.
        series: expected BOLD, [people, volume, region].
        sd: of the noise of each region.
    """
    told, noise = jnp.asarray(series, jnp.float32), jnp.asarray(sd, jnp.float32)
    t = np.asarray(_expect(told, glm.designs, glm.contrast, glm.mask, noise))
    return np.where(glm.enough[:, None], t, np.nan)


def person_t(glm: Glm, series: np.ndarray) -> np.ndarray:
    """t of the task's contrast, [people, region]; NaN for people without enough volumes.

    Args:
        glm: designs of the part.
        series: its BOLD, [people, volume, region].
    """
    data = jnp.asarray(series, jnp.float32)
    t = np.asarray(NOISE[glm.noise](data, glm.designs, glm.contrast, glm.mask))
    return np.where(glm.enough[:, None], t, np.nan)
