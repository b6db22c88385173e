"""Other connectomes in a person's place: what a twin says without the person's own."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import random_correlation

from dtb_jax.data.folds import Fold, Subset
from dtb_jax.models.baselines import derangement
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Fitted, Model, Probe
from dtb_jax.twin.connectome import LARGEST_R, parcel_count
from dtb_jax.types import Cohort, required

SHUFFLED = "shuffled_connectome"
MEAN = "group_mean_connectome"
DRAWS = 10
"""Of who gets whose connectome: one draw of few people can read like a finding."""


def surrogate_connectomes(
    cohort: Cohort, fold: Fold, *, seed: int
) -> dict[str, Float[np.ndarray, "people edge"]]:
    """Connectomes to show a fitted twin for the people of the test part.

    Args:
        cohort: everybody.
        fold: who trained, who is tested.
        seed: of who gets whose.

    Returns: by name: `shuffled_connectome`, another tested person's, and `shuffled_connectome_2`
        and so on, the same drawn again; `another_person`, some
        training person's (where the tested were not trained on); `group_mean_connectome`, the
        training people's mean; `surrogate`, random with the own one's spectrum;
        `other_rest_run`, the same person's from other runs (NaN for whoever has none).
    """
    edges, tested = cohort.connectomes, np.flatnonzero(fold.test.people)
    trained = np.flatnonzero(fold.training.people)
    shown = strangers(cohort, fold, seed=seed)
    if not np.intersect1d(trained, tested).size:
        drawn = np.random.default_rng([seed, 1]).choice(trained, len(edges))
        shown["another_person"] = edges[drawn]
    if is_matrix(edges.shape[1]):
        rng = np.random.default_rng([seed, 2])
        shown["surrogate"] = edges.copy()
        for i in tested:
            shown["surrogate"][i] = same_spectrum(edges[i], rng)
    if cohort.other_connectomes is not None:
        other = cohort.other_connectomes.copy()
        other[~required(cohort.other_present)] = np.nan
        shown["other_rest_run"] = other
    return shown


def strangers(
    cohort: Cohort, fold: Fold, *, seed: int, draws: int = DRAWS
) -> dict[str, Float[np.ndarray, "people edge"]]:
    """So many draws of `shuffled_connectome`, and `group_mean_connectome`."""
    edges, tested = cohort.connectomes, np.flatnonzero(fold.test.people)
    shown = {}
    for k in range(draws):
        shuffled = edges.copy()
        shuffled[tested] = edges[tested[derangement(len(tested), seed + k)]]
        shown[draw_name(k)] = shuffled
    mean = edges[fold.training.people].mean(axis=0)
    return shown | {MEAN: np.broadcast_to(mean, edges.shape)}


def draw_name(k: int) -> str:
    """Of the draw k, from 0."""
    return SHUFFLED + (f"_{k + 1}" if k else "")


def is_draw(model: str) -> bool:
    """Whether a model is a draw of shuffled connectomes."""
    return re.fullmatch(rf"{SHUFFLED}(_\d+)?", model) is not None


def is_matrix(edges: int) -> bool:
    """Whether so many edges fill an upper triangle."""
    try:
        parcel_count(edges)
    except ValueError:
        return False
    return True


def same_spectrum(
    edges: Float[np.ndarray, " edge"], rng: np.random.Generator
) -> Float[np.ndarray, " edge"]:
    """Fisher-z edges of a random correlation matrix with the eigenvalues of the given one.

    Source: Davies & Higham 2000, scipy's `random_correlation`.
    """
    parcels = parcel_count(len(edges))
    upper = np.triu_indices(parcels, k=1)
    matrix = np.eye(parcels)
    matrix[upper] = np.tanh(edges)
    matrix.T[upper] = matrix[upper]
    values = np.maximum(np.linalg.eigvalsh(matrix), 1e-6)
    values *= parcels / values.sum()
    drawn = random_correlation.rvs(values, random_state=rng, tol=1e-4, diag_tol=1e-4)
    return np.arctanh(np.clip(drawn[upper], -LARGEST_R, LARGEST_R)).astype(edges.dtype)


def surrogates(
    swapped: Callable[..., dict[str, np.ndarray]] = surrogate_connectomes, *, seed: int
) -> Probe:
    """What a fitted model predicts with other connectomes in place of people's own.

    Args:
        swapped: (cohort, fold, seed) -> connectomes by name, as `surrogate_connectomes`.
        seed: of who gets whose.
    """

    def probe(fitted: Fitted, cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        told = {
            name: fitted.predict(cohort, fold.test, edges)
            for name, edges in swapped(cohort, fold, seed=seed).items()
        }
        if MEAN in told:  # the same of everybody, but for the clock of each person's stimuli
            told[MEAN] = [run._replace(personal=False) for run in told[MEAN]]
        return told

    return probe


class OnOtherConnectomes(NamedTuple):
    """A model that learns from, and is shown, other connectomes than people's own."""

    model: Model
    change: Callable[[Cohort], np.ndarray]  # everybody's, [people, edge]

    def fit(self, cohort: Cohort, subset: Subset) -> "FittedOnOther":
        other = cohort._replace(connectomes=self.change(cohort))
        return FittedOnOther(self.model.fit(other, subset), self.change)


class FittedOnOther(NamedTuple):
    """A model that has learned from other connectomes than people's own."""

    fitted: Fitted
    change: Callable[[Cohort], np.ndarray]

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        return self.fitted.predict(cohort._replace(connectomes=self.change(cohort)), subset)


def shuffled(seed: int) -> Callable[[Cohort], np.ndarray]:
    """Everybody has another person's connectome."""
    return lambda cohort: cohort.connectomes[derangement(len(cohort.connectomes), seed)]


def one_hot(cohort: Cohort) -> np.ndarray:
    """A name tag for a connectome: one 1 among zeros a person."""
    return np.eye(len(cohort.connectomes), dtype=np.float32)
