"""BOLD: from the scanner's volumes to network steps, and the GLM that turns it into t-values."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline
from scipy.signal import fftconvolve
from scipy.stats import gamma

from dtb_jax.types import Array


def upsample_cubic(
    volumes: Float[np.ndarray, "volume region"], factor: int = 10
) -> Float[np.ndarray, "step region"]:
    """Cubic spline through the volumes; step j lies at time j / factor volumes.

    The last `factor - 1` steps come after the last volume and repeat it: a cubic extrapolated
    beyond its knots runs away.
    """
    count = volumes.shape[0]
    time = np.minimum(np.arange(count * factor) / factor, count - 1)
    return CubicSpline(np.arange(count), volumes, axis=0)(time)


def glover_hrf(time_s: np.ndarray) -> np.ndarray:
    """Glover's haemodynamic response, difference of two gamma densities, unnormalised.

    h(t) = g(t; 6, .9) - .48 g(t; 12, .9), where g(t; a, b) is the gamma density of mean a,
    dispersion b. Source: Glover 1999, with nilearn's parameters.
    """
    return gamma.pdf(time_s, 6 / 0.9, scale=0.9) - 0.48 * gamma.pdf(time_s, 12 / 0.9, scale=0.9)


@lru_cache
def hrf_kernels(repetition_time_s: float, oversampling: int = 50) -> np.ndarray:
    """Glover's response and its temporal derivative on a fine grid, [time, 2].

    The grid has `oversampling` points a volume over 32 s; the response sums to 1. The derivative
    is (h(t) - h(t - .1 s)) / .1 s.
    """
    step = repetition_time_s / oversampling
    time = np.linspace(0, 32.0, int(round(32.0 / step)))

    def kernel(onset):
        shape = glover_hrf(time - onset)
        return shape / shape.sum()

    return np.stack([kernel(0.0), (kernel(0.0) - kernel(0.1)) / 0.1], axis=1)


def condition_regressors(
    onset_s: np.ndarray,
    duration_s: np.ndarray,
    volumes: int,
    repetition_time_s: float,
    oversampling: int = 50,
) -> Float[np.ndarray, "volume 2"]:
    """Boxcars of one condition convolved with Glover's response and its derivative.

    Args:
        onset_s, duration_s: trials of the condition, seconds after the first volume.
        volumes: number of volumes.
        repetition_time_s: seconds a volume.
        oversampling: points of the fine grid a volume.

    Returns: regressors at the volumes' times.
    """
    step = repetition_time_s / oversampling
    fine = np.zeros(volumes * oversampling + 1)
    first = np.clip(np.round(np.asarray(onset_s) / step), 0, len(fine) - 1).astype(int)
    last = np.clip(np.round((np.asarray(onset_s) + duration_s) / step), 0, len(fine) - 1)
    np.add.at(fine, first, 1.0)
    np.add.at(fine, last.astype(int), -1.0)
    boxcar = np.cumsum(fine)
    kernels = hrf_kernels(repetition_time_s, oversampling)
    convolved = [fftconvolve(boxcar, k)[: len(fine)] for k in kernels.T]
    return np.stack(convolved, axis=1)[: volumes * oversampling : oversampling]


def drift_order(volumes: int, repetition_time_s: float, high_pass_hz: float = 0.01) -> int:
    """Number of cosine drifts, floor(2 n f TR): 3 for TCP's halves, 7 for Faces, 8 for Stroop."""
    return int(np.floor(2 * volumes * high_pass_hz * repetition_time_s))


def cosine_drift(volumes: int, order: int) -> Float[np.ndarray, "volume order"]:
    """The first `order` discrete cosines, sqrt(2 / n) cos(pi (t + 1/2) k / n)."""
    time = np.arange(volumes)[:, None] + 0.5
    return np.sqrt(2 / volumes) * np.cos(np.pi / volumes * time * np.arange(1, order + 1))


def design_matrix(
    conditions: Sequence[tuple[np.ndarray, np.ndarray]],
    volumes: int,
    repetition_time_s: float,
    order: int,
) -> Float[np.ndarray, "volume regressor"]:
    """Response and derivative of each condition, then cosine drifts, then a constant.

    Args:
        conditions: (onset_s, duration_s) of each.
        volumes: number of volumes.
        repetition_time_s: seconds a volume.
        order: number of drifts, see `drift_order`.

    Returns: [volume, 2 conditions + order + 1].
    """
    columns = [
        condition_regressors(onset, duration, volumes, repetition_time_s)
        for onset, duration in conditions
    ]
    return np.concatenate([*columns, cosine_drift(volumes, order), np.ones((volumes, 1))], axis=1)


def condition_contrast(more: int, less: int, regressors: int) -> Float[np.ndarray, " regressor"]:
    """+1 on condition `more`'s response, -1 on `less`'s, for a `design_matrix`."""
    contrast = np.zeros(regressors)
    contrast[2 * more], contrast[2 * less] = 1, -1
    return contrast


class Solver(NamedTuple):
    """What a least-squares fit needs of its design, worked out once for many series."""

    design: Float[Array, "volume regressor"]
    inverse: Float[Array, "regressor volume"]
    freedom: Float[Array, ""]


def glm_solver(design: Float[Array, "volume regressor"], mask: Bool[Array, " volume"]) -> Solver:
    """X+ and n - rank X of the volumes that count; a masked fit equals the fit without them."""
    design = jnp.where(mask[:, None], design, 0)
    freedom = jnp.maximum(jnp.sum(mask) - jnp.linalg.matrix_rank(design), 1)
    return Solver(design, jnp.linalg.pinv(design), freedom.astype(design.dtype))


def glm_contrast(
    bold: Float[Array, "volume region"], solver: Solver, contrast: Float[Array, " regressor"]
) -> tuple[Float[Array, " region"], Float[Array, " region"]]:
    """A contrast's size and its t-value, by ordinary least squares; smooth in `bold`.

    b = X+ y;  s2 = |y - X b|^2 / (n - rank X);  c'b;  t = c'b / sqrt(s2 c'(X'X)+ c).

    Args:
        bold: series at the scanner's volumes; 0 where masked.
        solver: see `glm_solver`.
        contrast: weights of the regressors.
    """
    beta = solver.inverse @ bold
    residual = bold - solver.design @ beta
    variance = jnp.sum(residual**2, axis=0) / solver.freedom
    scale = jnp.sum((contrast @ solver.inverse) ** 2)
    size = contrast @ beta
    return size, size / jnp.sqrt(variance * scale)


def autocorrelation(
    residual: Float[Array, "volume region"], mask: Bool[Array, " volume"]
) -> Float[Array, " region"]:
    """Lag-1 autocorrelation of neighbouring volumes that count (Yule-Walker).

    rho = mean of e[t] e[t - 1] / mean of e[t]^2.
    """
    both = mask[1:] & mask[:-1]
    e = jnp.where(mask[:, None], residual, 0)
    lagged = jnp.sum(e[1:] * e[:-1] * both[:, None], axis=0) / jnp.maximum(jnp.sum(both), 1)
    variance = jnp.sum(e**2, axis=0) / jnp.maximum(jnp.sum(mask), 1)
    return lagged / jnp.where(variance > 0, variance, 1)


def prewhiten(
    values: Float[Array, "volume column"], rho: Float[Array, ""], mask: Bool[Array, " volume"]
) -> Float[Array, "volume column"]:
    """y[t] - rho y[t - 1]; a volume without a counting one before it stays as it is."""
    before = jnp.pad(jnp.where(mask[:-1, None], values[:-1], 0), ((1, 0), (0, 0)))
    return values - rho * before


def glm_t_ar1(
    bold: Float[Array, "volume region"],
    design: Float[Array, "volume regressor"],
    contrast: Float[Array, " regressor"],
    mask: Bool[Array, " volume"],
) -> Float[Array, " region"]:
    """t-values under AR(1) noise: each region is fitted again, prewhitened by its own rho.

    Arguments as in `glm_t`. rho is of the residuals of ordinary least squares; smooth in `bold`.

    Source: Cochrane & Orcutt 1949; nilearn's `run_glm(noise_model="ar1")`, which rounds rho to .01.
    """
    bold = jnp.where(mask[:, None], bold, 0)
    design = jnp.where(mask[:, None], design, 0)
    plain = glm_solver(design, mask)
    rho = autocorrelation(bold - design @ (plain.inverse @ bold), mask)

    def one(series, r):
        whitened = prewhiten(design, r, mask) * mask[:, None]
        # prewhitening can be undone: the rank is that of the design
        solver = Solver(whitened, jnp.linalg.pinv(whitened), plain.freedom)
        own = prewhiten(series[:, None], r, mask) * mask[:, None]
        return glm_contrast(own, solver, contrast)[1][0]

    return jax.vmap(one, in_axes=(1, 0))(bold, rho)


def glm_t(
    bold: Float[Array, "volume region"],
    design: Float[Array, "volume regressor"],
    contrast: Float[Array, " regressor"],
    mask: Bool[Array, " volume"],
) -> Float[Array, " region"]:
    """t-values of a contrast, see `glm_contrast`; only volumes of the mask count.

    Args:
        bold: series at the scanner's volumes.
        design: regressors.
        contrast: weights of the regressors.
        mask: volumes that count.

    Returns: t a region.
    """
    bold = jnp.where(mask[:, None], bold, 0)
    return glm_contrast(bold, glm_solver(design, mask), contrast)[1]
