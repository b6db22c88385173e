"""A person's mean times, error rates and t-values from features, and every trial from those."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dtb_jax.data.confounds import DEMOGRAPHICS, design
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.models import baselines
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import ParticipantSummary, as_prediction
from dtb_jax.models.regression import Method, ridge
from dtb_jax.types import Cohort, Run


def edges(cohort: Cohort, training: Subset) -> np.ndarray:
    """The connectomes."""
    return cohort.connectomes


def demographics(cohort: Cohort, training: Subset) -> np.ndarray:
    """Age, its square, sex, group, site and motion."""
    return design(cohort.participants, DEMOGRAPHICS, training.people)


class ProfileRegression(NamedTuple):
    """A regression of each person's profile and t-values on features.

    Its methods learn and predict in one call, so that a kernel over all people is computed once.
    """

    method: Method = ridge
    features: Callable[[Cohort, Subset], np.ndarray] = edges

    def fit(self, cohort: Cohort, subset: Subset) -> "FittedRegression":
        return FittedRegression(self, self.features(cohort, subset), subset)


class FittedRegression(NamedTuple):
    """A regression with everybody's features, and whose targets it may learn from."""

    model: ProfileRegression
    features: np.ndarray  # [people, feature]
    training: Subset

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        shown = None
        if connectomes is not None:
            shown = self.model.features(cohort._replace(connectomes=connectomes), self.training)
        fold = Fold(self.training, subset)
        return regression(cohort, fold, self.features, self.model.method, shown)


def regression(
    cohort: Cohort,
    fold: Fold,
    features: np.ndarray,
    method: Method,
    shown: np.ndarray | None = None,
) -> list[Prediction]:
    """Predict each tested person's profile and t-values from features, then every trial.

    Args:
        cohort: everybody.
        fold: training people's profiles are learned from; tested people's are predicted.
        features: [people, feature].
        method: see `models.regression`.
        shown: tested people's features, if not these.
    """
    shown = features if shown is None else shown
    trained, tested = (np.flatnonzero(p.people) for p in fold[:2])
    runs = fold.test.of(cohort).runs
    targets = [targets_of(cohort, fold, run) for run in runs]
    told = np.full((len(features), sum(t.shape[1] for t in targets)), np.nan)
    joined = np.concatenate([t[trained] for t in targets], axis=1)
    if features.shape[1]:
        told[tested] = method(features[trained], joined, shown[tested])
    found, start = [], 0
    for run, target in zip(runs, targets):
        stop = start + target.shape[1]
        found.append(_of_targets(cohort, fold, run, told[:, start:stop]))
        start = stop
    return found


def targets_of(cohort: Cohort, fold: Fold, run: Run) -> np.ndarray:
    """What regressions learn of a person in a run's task, [people, target]: times, the two error
    rates of every condition, and the t-value of every region; NaN where unknown."""
    source = baselines.same_task(fold.training.of(cohort), run)
    own = baselines.training_profile(cohort, fold, run)
    unknown = ~np.isfinite(own.time_s).any(1)
    rates = np.where(unknown[:, None], np.nan, np.concatenate([own.error, own.omission], axis=1))
    columns = [own.time_s, rates]
    if source.bold_mask.any():
        glm = make_glm(source, *fold.training.span(source))
        columns.append(person_t(glm, source.bold[:, glm.volumes]))
    return np.concatenate(columns, axis=1)


def _of_targets(cohort: Cohort, fold: Fold, run: Run, told: np.ndarray) -> Prediction:
    conditions = len(run.task.conditions)
    group = baselines.group_profile(cohort, fold, run)
    time, error, omission = (told[:, k * conditions : (k + 1) * conditions] for k in range(3))
    profile = ParticipantSummary(
        np.maximum(time, 0.1), group.spread, np.clip(error, 1e-3, 0.9), np.clip(omission, 1e-3, 0.9)
    )
    told_t = told[:, 3 * conditions :]
    one = as_prediction(run, profile, baselines.items_of(fold, run))
    return one._replace(
        condition_time_s=profile.time_s,
        person_time_s=_weighted(run, fold, profile.time_s),
        person_t=told_t if told_t.shape[1] else None,
    )


def _weighted(run: Run, fold: Fold, time: np.ndarray) -> np.ndarray:
    """Mean over the test part's trials of the times of their conditions.

    A condition whose time is unknown (nobody presses correctly in no-go trials) falls out.
    """
    everyone = fold.test._replace(people=np.ones(len(fold.test.people), bool))
    tested = everyone.trials(run)
    count = [(tested & (run.trials.condition == c)).sum(1) for c in range(time.shape[1])]
    share = np.stack(count, axis=1) / np.maximum(tested.sum(1, keepdims=True), 1)
    known = np.isfinite(time)
    whole = np.where(known, share * time, 0).sum(axis=1)
    left = np.where(known, share, 0).sum(axis=1)
    rest = np.divide(whole, left, out=np.full(len(time), np.nan), where=left > 0)
    return np.where(known.all(axis=1), whole, rest)
