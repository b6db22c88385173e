"""Ridge on connectomes in the tangent space of their geometric mean (nilearn's)."""

import numpy as np

from dtb_jax.models.regression import ridge
from dtb_jax.twin.connectome import parcel_count

SMALLEST = 0.5
"""No eigenvalue of a correlation matrix is left below it: the logarithm of small ones is noise.

Measured on simulated people (205 to train, 195 unseen, 434 parcels, mean r over four targets): .48
with 0.5, .45 with 0.1, .42 with 0.001; ridge on the edges .47.
"""


def tangent_ridge(features: np.ndarray, targets: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge on log(G^-1/2 C G^-1/2), G the geometric mean of the training people's C.

    Args:
        features: edges in Fisher z, [training people, edge].
        targets: [training people, target], NaN where a person has no such value.
        unseen: [test people, edge].

    Returns: [test people, target], as `ridge`; G is the mean of all training people, whoever has
    values.

    Raises: ImportError without nilearn; ValueError when edges are not n (n - 1) / 2.

    Source: Varoquaux et al. 2010, MICCAI.
    """
    try:
        from nilearn.connectome import ConnectivityMeasure
        from sklearn.covariance import EmpiricalCovariance
    except ImportError as error:
        raise ImportError("tangent_ridge needs nilearn: pip install nilearn") from error

    series = [series_of(correlations(edges)) for edges in (*features, *unseen)]
    measure = ConnectivityMeasure(
        EmpiricalCovariance(assume_centered=True), kind="tangent", vectorize=True
    )
    measure.fit(series[: len(features)])
    # Everybody at once, because nilearn places no single person; G stays the training people's.
    placed = measure.transform(series)
    return ridge(placed[: len(features)], targets, placed[len(features) :])


def correlations(edges: np.ndarray) -> np.ndarray:
    """The correlation matrix of Fisher-z edges, C <- (1 - s) C + s I where it is near singular.

    s is the least that leaves no eigenvalue below `SMALLEST`.

    Args:
        edges: upper triangle row by row, [edge].

    Returns: [parcel, parcel], positive definite, with diagonal 1.
    """
    parcels = parcel_count(len(edges))
    upper = np.zeros((parcels, parcels))
    upper[np.triu_indices(parcels, k=1)] = np.tanh(edges)
    off = upper + upper.T
    least = 1 + np.linalg.eigvalsh(off)[0]
    share = (SMALLEST - least) / (1 - least) if least < SMALLEST else 0.0
    return np.eye(parcels) + (1 - share) * off


def series_of(covariance: np.ndarray) -> np.ndarray:
    """A series [time, parcel] with this covariance, S'S / time; nilearn takes nothing else."""
    return np.sqrt(len(covariance)) * np.linalg.cholesky(covariance).T
