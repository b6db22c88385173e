"""Trials to one number a person: means under masks, agreement, courses over time."""

import numpy as np

from dtb_jax.types import Trials

FEWEST = 4
"""People for a correlation over people."""


def correct_mask(trials: Trials) -> np.ndarray:
    """Answered correctly, [people, trial]: the trials whose reaction times are compared."""
    right = np.take_along_axis(trials.possible, trials.correct[..., None], -1)[..., 0]
    return right & trials.answered & trials.present


def masked_mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean over the last axis where the mask holds; NaN where it holds nowhere."""
    count = mask.sum(-1)
    return np.where(count > 0, np.where(mask, values, 0).sum(-1) / np.maximum(count, 1), np.nan)


def condition_means(
    values: np.ndarray, mask: np.ndarray, condition: np.ndarray, conditions: int
) -> np.ndarray:
    """Each person's mean in each condition, [people, condition]; NaN where there is no trial."""
    means = [masked_mean(values, mask & (condition == c)) for c in range(conditions)]
    return np.stack(means, axis=1)


def concordance(choice: np.ndarray, possible: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Share of a person's counted trials whose predicted action is one the record allows.

    The record of an omission allows none, so an omission is a disagreement; leave omissions out
    of `counted` for the share of answered trials. Where only "wrong" is known, any wrong button
    agrees.

    Args:
        choice: predicted action, [people, trial].
        possible: [people, trial, action].
        counted: which trials count, [people, trial].

    Returns: [people], NaN for nobody's trials.
    """
    agree = np.take_along_axis(possible, choice[..., None], -1)[..., 0]
    return masked_mean(agree.astype(float), counted)


def row_correlation(x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pearson r along the last axis where the mask holds; NaN where a side does not vary."""
    weight = mask.astype(float)
    count = np.maximum(weight.sum(-1, keepdims=True), 1)

    def centred(values):
        values = np.where(mask, values, 0)
        return weight * (values - values.sum(-1, keepdims=True) / count)

    a, b = centred(x), centred(y)
    scale = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return np.where(scale > 1e-12, (a * b).sum(-1) / np.where(scale > 0, scale, 1), np.nan)


def time_course_r(predicted: np.ndarray, observed: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Each person's r over time, averaged over regions; [people], NaN without BOLD.

    Args:
        predicted, observed: [people, volume, region].
        mask: [people, volume].
    """
    seen = np.repeat(mask[:, None], predicted.shape[2], axis=1)
    r = row_correlation(predicted.swapaxes(1, 2), observed.swapaxes(1, 2), seen)
    return masked_mean(r, np.isfinite(r))
