"""Correlations between parcels, estimated from the series of one run."""

from collections.abc import Callable

import numpy as np


def _pearson(values: np.ndarray) -> np.ndarray:
    unit = _unit(values)
    return unit.T @ unit


def _ledoit_wolf(values: np.ndarray) -> np.ndarray:
    """The shrunk covariance of standardised series, which shrinking leaves at variance 1.

    Not standardised, a parcel's unit would decide how far its edges shrink. Constant parcels have
    no say in the shrinkage.

    Source: Ledoit and Wolf 2004.
    """
    from sklearn.covariance import ledoit_wolf

    unit = _unit(values)
    varies = np.flatnonzero(unit.any(axis=0))
    r = np.zeros((values.shape[1], values.shape[1]))
    standardised = np.sqrt(len(values)) * unit[:, varies]
    r[np.ix_(varies, varies)], _ = ledoit_wolf(standardised, assume_centered=True)
    return r


def _unit(values: np.ndarray) -> np.ndarray:
    """Centred columns of length 1, or 0 where they are constant."""
    centred = values - values.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    return centred / np.where(norm > 0, norm, 1)


ESTIMATORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pearson": _pearson,
    "ledoit_wolf": _ledoit_wolf,
}
"""Series [volume, parcel] to correlations [parcel, parcel]; 0 for a constant parcel."""
