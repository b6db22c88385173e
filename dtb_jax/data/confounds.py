"""Age, sex, site, group and motion: as a baseline, taken out of edges, taken out of figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

CONFOUNDS = ("age", "sex", "site", "motion_mm")
"""What a figure is corrected for; diagnosis is not among them: it may be what brains tell."""
DEMOGRAPHICS = (*CONFOUNDS, "group")
"""What the baseline without a connectome knows."""
FEWEST_MISSING = 5
"""People without an age, below whom no column says so: it would be the noise of these few."""


def known_columns(participants: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns that tell people apart."""
    return tuple(
        name
        for name in columns
        if name in participants and participants[name].dropna().nunique() > 1
    )


def design(
    participants: pd.DataFrame, columns: Sequence[str], training: Bool[np.ndarray, " people"]
) -> Float[np.ndarray, "people regressor"]:
    """Regressors of these columns, standardised on the training people.

    Age enters with its square, motion as a logarithm, words as 0/1 columns of the values that
    training people have; what is missing is the training mean, with a column that says so where
    many miss it.

    Args:
        participants: one row a person.
        columns: of `participants`.
        training: on whom mean and SD are taken.
    """
    found = []
    for name in known_columns(participants, columns):
        values = participants[name]
        numbers = pd.to_numeric(values, errors="coerce")
        if name in ("age", "motion_mm") and numbers.notna().any():
            column = numbers.to_numpy(float)
            if not np.isfinite(column[training]).any():
                continue
            if name == "motion_mm":
                column = np.log(np.maximum(column, 1e-3))
            column = column - np.nanmean(column[training])
            found += [column, column**2] if name == "age" else [column]
            missing = np.isnan(column)
            if missing[training].mean() > 0.05 and missing[training].sum() >= FEWEST_MISSING:
                found.append(missing.astype(float))
        else:
            words = values.astype(str).to_numpy()
            kinds = np.unique(words[training & values.notna().to_numpy()].astype(str))
            known = np.isin(words.astype(str), kinds)
            found += [np.where(known, words == kind, np.nan) for kind in kinds[1:]]
    if not found:
        return np.zeros((len(participants), 0))
    columns_ = np.stack(found, axis=1)
    mean = np.nanmean(columns_[training], axis=0)
    columns_ = np.where(np.isfinite(columns_), columns_, mean) - mean
    spread = columns_[training].std(axis=0)
    return columns_ / np.where(spread > 1e-9, spread, 1)


def regress_out(
    features: Float[np.ndarray, "people feature"],
    regressors: Float[np.ndarray, "people regressor"],
    training: Bool[np.ndarray, " people"],
) -> Float[np.ndarray, "people feature"]:
    """Features less what the regressors say of them, learned on the training people only.

    x - D b, b = argmin |x - mean - D b|^2 over training people: with site as the regressor, its
    mean shift (harmonisation); people of a site that no training person has stay as they are.
    """
    inside = regressors[training]
    slope = np.linalg.pinv(inside - inside.mean(axis=0)) @ features[training]
    return (features - regressors @ slope).astype(features.dtype)


def residual(
    values: Float[np.ndarray, "people column"],
    regressors: Float[np.ndarray, "people regressor"],
    fold: Int[np.ndarray, " people"],
) -> Float[np.ndarray, "people column"]:
    """Values less their mean in each fold and what the regressors explain of the rest."""
    kinds = (fold[:, None] == np.unique(fold)).astype(float)
    whole = np.concatenate([kinds, regressors], axis=1)
    return values - whole @ (np.linalg.pinv(whole) @ values)
