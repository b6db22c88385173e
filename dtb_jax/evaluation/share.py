"""The share of individual differences that the connectome carries, with an interval.

What is asked: of the stable differences between people in a number y (a mean reaction time, a
conflict cost), which share is a linear function of the connectome without measurement noise?

The statistic is what the variance components find carried in these people,

    r = E |g|^2 / |y|^2,  g as in `components`, over the grid's posterior.

It falls short of the share for two reasons that no formula covers at all sizes: connectomes are
noisy, and few people leave much to the prior. Both are answered by indirect inference: numbers are
simulated that the measured connectome carries to a known share; the connectomes are measured again,
with as much noise more as two runs of a person differ by; the statistic is found as before. The
interval holds the shares that often lead to a statistic like the observed one.

In half of the simulations the share is exact in these people, in half it is exact in the population
they are drawn from: which of both causes resemble is not known, and so intervals cover what they
say for causes in blocks (benchmarks/share_coverage.py; where nothing is carried they cover more).

Source: Gourieroux, Monfort & Renault 1993 (indirect inference); Cook & Stefanski 1994 (noise added
to learn what noise does).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.models.mixed_effects.components import (
    LEVELS,
    Spectrum,
    log_evidence,
    mixtures,
    outside,
    spectrum,
    weights_of,
)

SHARES = np.linspace(0, 1, 21)
"""At which numbers are simulated."""
REMEASURED = 4
"""How often connectomes are measured again."""
QUANTILES = np.linspace(0.005, 0.995, 199)


class Similarity(NamedTuple):
    """One kind of feature, people x people: x of the mean of two runs, n of half their difference.

    n has as much noise as x; without second runs both others are zeros, and a share is of what was
    measured, noise included.
    """

    measured: Float[np.ndarray, "people people"]  # x x'
    crossed: Float[np.ndarray, "people people"]  # x n'
    noise: Float[np.ndarray, "people people"]  # n n'

    def true(self) -> float:
        """Share of the measured variance that is no noise."""
        return float(np.clip(1 - np.trace(self.noise) / np.trace(self.measured), 0.05, 1))

    def of(self, people: np.ndarray) -> "Similarity":
        """Of some of the people."""
        return Similarity(*(field[np.ix_(people, people)] for field in self))


class SharePosterior(NamedTuple):
    """Posterior quantiles of the share, by `QUANTILES`, for several numbers."""

    quantiles: Float[np.ndarray, "quantile target"]
    mixture: Float[np.ndarray, "kernel target"]  # how much each kind of feature counts

    def interval(self, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Median and the central interval that holds this share of the posterior."""
        at = [np.abs(QUANTILES - q).argmin() for q in (0.5, (1 - share) / 2, (1 + share) / 2)]
        return tuple(self.quantiles[at])


def similarity(
    features: Float[np.ndarray, "people feature"],
    noise: Float[np.ndarray, "people feature"] | None = None,
) -> Similarity:
    """Products between people, features centred.

    Args:
        features: of everybody's mean of two runs.
        noise: of half their difference; None: unknown.
    """
    x = features - features.mean(axis=0)
    n = np.zeros_like(x) if noise is None else noise - noise.mean(axis=0)
    size = np.einsum("ij,ij->", x, x, dtype=float) / len(x)
    return Similarity(*(((a @ b.T) / size).astype(float) for a, b in ((x, x), (x, n), (n, n))))


def connectome_share(
    kinds: Sequence[Similarity],
    values: Float[np.ndarray, "people target"],
    reliability: Float[np.ndarray, "draw target"],
    *,
    seed: int,
    regressors: Float[np.ndarray, "people regressor"] | None = None,
    repeats: int = 50,
) -> SharePosterior:
    """Posterior of the share for several numbers of the same people.

    Args:
        kinds: of features.
        values: numbers, nothing missing.
        reliability: of each, in draws of its uncertainty; the share is of the reliable variance.
        seed: of the simulations.
        regressors: taken out of both sides; None: a constant only.
        repeats: simulated numbers for each time that connectomes are measured again, each share
            and each mixture.

    Returns: `SharePosterior`.
    """
    people = len(values)
    rest = outside(np.zeros((people, 0)) if regressors is None else regressors)
    mixed = mixtures(len(kinds))
    own = [_spectrum(kinds, m, rest) for m in mixed]
    observed, weight = statistic(own, values)
    rng = np.random.default_rng(seed)
    simulated = np.stack(
        [_simulated(kinds, own, rest, rng, repeats) for _ in range(REMEASURED)], axis=2
    ).reshape(len(mixed), len(SHARES), -1)
    below = np.einsum(
        "mst,mt->st", (simulated[..., None] <= observed).mean(axis=2), weight
    )  # P(statistic <= observed | share), averaged over mixtures
    found = np.stack([_inverted(column) for column in below.T], axis=1)
    spread = np.quantile(reliability, QUANTILES[::-1], axis=0)
    quantiles = np.clip(_ratio(found, np.clip(spread, 0.05, 1), rng), 0, 1)
    mixture = np.stack(mixed, axis=1) @ weight
    return SharePosterior(quantiles, mixture)


def statistic(
    spectra: Sequence[Spectrum], values: Float[np.ndarray, "people target"]
) -> tuple[Float[np.ndarray, " target"], Float[np.ndarray, "mixture target"]]:
    """E |g|^2 / |y|^2 over the grid's posterior, and how much each mixture counts.

    g_j is normal with mean (h l_j / v_j) u_j'y and variance s2 h l_j (1 - h) / v_j.
    """
    weights = weights_of(log_evidence(spectra, values))
    h, total = LEVELS[:, None], np.zeros(values.shape[1])
    for one, weight in zip(spectra, weights, strict=True):
        power = (one.basis.T @ values) ** 2
        v = h * one.variance + 1 - h
        s2 = (1 / v) @ power / len(power)
        kept = (h * one.variance / v) ** 2 @ power
        unsure = s2 * (h * one.variance * (1 - h) / v).sum(axis=1)[:, None]
        total += (weight * (kept + unsure)).sum(axis=0) / power.sum(axis=0)
    return total, weights.sum(axis=1)


def _spectrum(kinds, mixture, rest, again=None) -> Spectrum:
    """Of the kernels as measured, or measured `again` with the noise of people in that order."""
    noise = sum(m * (1 - k.true()) for m, k in zip(mixture, kinds))
    if again is None:
        return spectrum(mixture, [k.measured for k in kinds], rest, noise)
    kernels = []
    for kind in kinds:
        # as much noise compared with the measured signal as there is compared with the true one
        size = kind.true() ** -0.5
        cross = size * kind.crossed[:, again]
        kernels.append(kind.measured + cross + cross.T + size**2 * kind.noise[np.ix_(again, again)])
    noise += sum(m * (1 - k.true()) / k.true() for m, k in zip(mixture, kinds))
    return spectrum(mixture, kernels, rest, noise)


def _simulated(kinds, own, rest, rng, repeats: int) -> Float[np.ndarray, "mixture share repeat"]:
    """Statistics of simulated numbers with connectomes measured once more."""
    again = rng.permutation(len(rest))
    spectra = [_spectrum(kinds, one.mixture, rest, again) for one in own]
    return np.stack([[_statistics(spectra, one, s, rng, repeats) for s in SHARES] for one in own])


def _statistics(spectra, source: Spectrum, share: float, rng, repeats: int):
    size = (len(source.variance), repeats)
    carried = np.sqrt(source.variance)[:, None] * rng.normal(size=size)
    exact = np.sqrt(rng.chisquare(size[0], repeats) / (carried**2).sum(axis=0))
    carried *= np.sqrt(share) * np.where(np.arange(repeats) % 2, exact, 1)
    own = np.sqrt(1 - share) * rng.normal(size=size)
    return statistic(spectra, source.basis @ (carried + own))[0]


def _inverted(below: Float[np.ndarray, " share"]) -> Float[np.ndarray, " quantile"]:
    """Shares at which the observed statistic has each level of being exceeded."""
    falling = np.minimum.accumulate(below)
    return np.interp(QUANTILES, 1 - falling, SHARES)


def _ratio(shares, reliability, rng):
    """Quantiles of a ratio of two independent numbers, each given by its quantiles."""
    order = rng.permutation(len(QUANTILES))
    return np.sort(shares / reliability[order], axis=0)
