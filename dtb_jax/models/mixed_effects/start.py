"""Where people begin: what any twin should know of them, in principal components."""

import warnings

import numpy as np
from jaxtyping import Float

from dtb_jax.data.folds import Subset
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.models.profiles import observe
from dtb_jax.types import Cohort

SHRUNK = 0.7
"""Of a component's spread: noise is a part of what few trials show."""


def start_from_profiles(
    cohort: Cohort, part: Subset, coordinates: int
) -> Float[np.ndarray, "people coordinate"]:
    """Scores of everybody on the training people's first components, with SD `SHRUNK`.

    Components are of the logarithms of mean times, spreads and error rates in every run and
    condition, and of the t-values of the contrasts, each standardised; where a person lacks a
    number it is the mean. Coordinates beyond are 0.
    """
    columns = []
    for run in part.of(cohort).runs:
        if run.bold_mask.any():
            glm = make_glm(run, *part.span(run))
            columns.append(person_t(glm, run.bold[:, glm.volumes]))
        counted = part._replace(people=np.ones(len(part.people), bool)).trials(run)
        profile = observe(run, counted, part.people)
        columns += [np.log(np.maximum(field, 1e-4)) for field in profile]
    known = np.concatenate(columns, axis=1)
    with warnings.catch_warnings():  # numpy warns where a mean is of nobody
        warnings.simplefilter("ignore", RuntimeWarning)
        mean, sd = (f(known[part.people], axis=0) for f in (np.nanmean, np.nanstd))
    scores = np.nan_to_num((known - mean) / np.where(sd > 0, sd, 1))
    _, size, ways = np.linalg.svd(scores[part.people], full_matrices=False)
    kept = min(coordinates, int((size > 1e-6 * size[0]).sum()))
    spread = size[:kept] / np.sqrt(part.people.sum())
    found = np.zeros((len(scores), coordinates))
    found[:, :kept] = SHRUNK * np.clip(scores @ ways[:kept].T / spread, -3, 3)
    return found
