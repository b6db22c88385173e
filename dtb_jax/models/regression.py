"""Person-level targets of unseen people from edges: ridge, kernel, components, predictive networks.

Edges outnumber people 400 to 1, but a ridge sees of them only how the training people lie to each
other: people x people. All that is chosen (penalty, width, components) is chosen within the
training people, by leaving one out in closed form, so that thousands of permuted targets cost
little more than one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from dtb_jax.data.averages import FEWEST, masked_mean

Method = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(features, targets, unseen) -> told, as in `ridge`."""

PENALTIES = np.logspace(4, -3, 22)  # in units of the mean eigenvalue; the mean is tried as well
WIDTHS = (0.5, 1.0, 2.0, 4.0)  # of the kernel, in units of the median distance
COMPONENTS = (5, 10, 20, 40, 80)
EDGE_P = 0.01  # an edge enters a predictive network below it
BLOCK = 2048  # features in double precision at a time


class Span(NamedTuple):
    """The space that the training people span, centred on their mean."""

    basis: np.ndarray  # [training people, component], orthonormal, largest variance first
    variance: np.ndarray  # [component], eigenvalues of the centred kernel
    unseen: np.ndarray  # [test people, component], in the coordinates of `basis`


def ridge(features: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge regression, one penalty a target: w = argmin |y - mean - X w|^2 + penalty |w|^2.

    Args:
        features: [training people, feature].
        targets: [training people, target], NaN where a person has no such value.
        unseen: [test people, feature].

    Returns: [test people, target]; the mean where fewer than `FEWEST` people have a value, NaN
    where nobody has.
    """
    near, far = squared_distances(features, unseen)

    def fit(rows, known):
        return shrink([span(-near[np.ix_(rows, rows)] / 2, -far[:, rows] / 2)], known)

    return by_pattern(targets, unseen, fit)


def kernel_ridge(features: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge in the space of k(a, b) = exp(-|a - b|^2 / (2 width^2)), with an unpenalised mean.

    The width is one of `WIDTHS` times the median distance between training people, one a target.
    Arguments and result as in `ridge`.
    """
    near, far = squared_distances(features, unseen)

    def fit(rows, known):
        d, to = near[np.ix_(rows, rows)], far[:, rows]
        # Where most people are the same person there is no median distance, and any will do.
        median = np.median(d[np.triu_indices(len(d), k=1)]) or 1.0
        scales = [2 * width**2 * median for width in WIDTHS]
        return shrink([span(np.exp(-d / s), np.exp(-to / s)) for s in scales], known)

    return by_pattern(targets, unseen, fit)


def pca_ridge(features: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge on the first principal components, one of `COMPONENTS` a target.

    They are the components of all training people, also while their number is chosen.
    Arguments and result as in `ridge`.
    """
    near, far = squared_distances(features, unseen)

    def fit(rows, known):
        whole = span(-near[np.ix_(rows, rows)] / 2, -far[:, rows] / 2)
        return shrink([Span(*(part[..., :k] for part in whole)) for k in COMPONENTS], known)

    return by_pattern(targets, unseen, fit)


def cpm(features: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Connectome-based predictive modelling: y = mean + slope (strength - its mean).

    strength = sum of the edges with r > 0 minus sum of those with r < 0, of the edges whose r
    with the target has p < `EDGE_P` in the training people; without any, the mean.
    Arguments and result as in `ridge`.

    Source: Shen et al. 2017, Nature Protocols 12, 506-518.
    """

    def fit(rows, known):
        n = len(known)
        t = stats.t.isf(EDGE_P / 2, n - 2)
        critical = t / np.sqrt(n - 2 + t**2)
        y = known - known.mean(axis=0)
        direction = unit(y)
        strength = np.zeros((n + len(unseen), y.shape[1]))
        for block in centred_blocks(features[rows], unseen):
            r = unit(block[:n]).T @ direction
            strength += block @ (np.sign(r) * (np.abs(r) > critical))
        seen = strength[:n]
        power = (seen**2).sum(axis=0)
        slope = (seen * y).sum(axis=0) / np.where(power > 0, power, 1)
        return known.mean(axis=0) + slope * strength[n:]

    return by_pattern(targets, unseen, fit)


def by_pattern(
    targets: np.ndarray,
    unseen: np.ndarray,
    fit: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Fit all targets known of the same people at once, on those people.

    Args:
        targets: [training people, target], NaN where missing.
        unseen: [test people, ...].
        fit: (who is known [training people], their targets [known people, target]) -> [test
            people, target].

    Returns: [test people, target]; the mean where fewer than `FEWEST` people are known.
    """
    known = np.isfinite(targets)
    told = np.tile(masked_mean(targets.T, known.T), (len(unseen), 1))
    patterns, pattern = np.unique(known, axis=1, return_inverse=True)
    for k, rows in enumerate(patterns.T):
        if rows.sum() >= FEWEST:
            told[:, pattern == k] = fit(rows, targets[np.ix_(rows, pattern == k)])
    return told


def centred_blocks(features: np.ndarray, unseen: np.ndarray) -> Iterator[np.ndarray]:
    """Everybody's features in double precision, less the training mean, some at a time.

    Args:
        features: [training people, feature].
        unseen: [test people, feature].

    Returns: blocks [training, then test people; at most `BLOCK` features].
    """
    for start in range(0, features.shape[1], BLOCK):
        inside = slice(start, start + BLOCK)
        block = np.concatenate([features[:, inside], unseen[:, inside]], dtype=float)
        yield block - block[: len(features)].mean(axis=0)


def unit(columns: np.ndarray) -> np.ndarray:
    """Columns of length 1; a column of zeros stays."""
    length = np.linalg.norm(columns, axis=0)
    return columns / np.where(length > 0, length, 1)


def coordinates(features: np.ndarray) -> Float[np.ndarray, "people component"]:
    """Everybody in as many coordinates as there are people, at the same distances as in features.

    What depends on distances only, as ridge and kernel ridge do, is the same on either; learned
    again and again, it is learned faster on these.

    Args:
        features: [people, feature].
    """
    near, _ = squared_distances(features, features[:0])
    whole = span(-near / 2, np.zeros((0, len(near))))
    return whole.basis * np.sqrt(whole.variance)


def squared_distances(features: np.ndarray, unseen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|a - b|^2 from everybody to each training person.

    Returns: among training people [training, training]; from test people [test, training].
    """
    n = len(features)
    square, product = np.zeros((n + len(unseen), 1)), np.zeros((n + len(unseen), n))
    for block in centred_blocks(features, unseen):
        square += (block**2).sum(axis=1, keepdims=True)
        product += block @ block[:n].T
    distances = np.maximum(square + square[:n].T - 2 * product, 0)
    return distances[:n], distances[n:]


def span(near: np.ndarray, far: np.ndarray) -> Span:
    """The training people's principal axes, from kernels: centred K = B diag(variance) B'.

    With K = -|a - b|^2 / 2 these are the axes of the features themselves, exactly: centring takes
    away what tells a distance from a product.

    Args:
        near: kernel among training people, [training, training].
        far: kernel from test people, [test, training].

    Returns: `Span`; unseen people at far B / variance, which is X V / S in a thin SVD X = B S V'.
    """
    mean = near.mean(axis=0)
    near_centred = near - mean - mean[:, None] + mean.mean()
    far_centred = far - mean - far.mean(axis=1, keepdims=True) + mean.mean()
    variance, basis = np.linalg.eigh(near_centred)
    kept = np.flatnonzero(variance > 1e-12 * variance[-1])[::-1]
    variance, basis = variance[kept], basis[:, kept]
    return Span(basis, variance, far_centred @ basis / variance)


def shrink(spans: Sequence[Span], targets: np.ndarray) -> np.ndarray:
    """Ridge in the span and at the penalty that leaving one person out favours, for each target.

    Leaving person i out, the residual is (y - H y)_i / (1 - H_ii), with
    H = 1/n + B diag(w) B', w = variance / (variance + penalty). An infinite penalty is the mean.

    Args:
        spans: to choose from, of the same people.
        targets: [training people, target], nothing missing.

    Returns: [test people, target].

    Source: Rifkin & Lippert 2007, Notes on regularized least squares.
    """
    n = len(targets)
    mean = targets.mean(axis=0)
    y = targets - mean
    least = (y**2).sum(axis=0) / (1 - 1 / n) ** 2
    told = np.tile(mean, (len(spans[0].unseen), 1))
    for basis, variance, unseen in spans:
        for penalty in PENALTIES * variance.sum() / n:
            w = variance / (variance + penalty)
            leaves = np.eye(n) - 1 / n - (basis * w) @ basis.T
            residual = (leaves / np.diag(leaves)[:, None]) @ y
            error = np.einsum("ij,ij->j", residual, residual)
            better = error < least
            least = np.where(better, error, least)
            told[:, better] = mean[better] + (unseen * w) @ (basis.T @ y[:, better])
    return told
