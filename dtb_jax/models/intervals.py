"""How far off any model is, learned within the training part: intervals of baselines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Fitted, Model
from dtb_jax.types import Cohort


class WithSpread(NamedTuple):
    """A model of reaction times, with the SD of observed around predicted mean times.

    The SD is learned in folds within what the model may learn from.
    """

    model: Model
    inner: Callable[[Cohort, Subset], Sequence[Fold]]  # of a subset; its people and times alone

    def fit(self, cohort: Cohort, subset: Subset) -> "FittedWithSpread":
        off: dict[str, list[np.ndarray]] = {}
        for fold in self.inner(cohort, subset):
            told = self.model.fit(cohort, fold.training).predict(cohort, fold.test)
            runs = fold.test.of(cohort).runs
            for run, one in zip(runs, errors(cohort, fold.test, told), strict=True):
                off.setdefault(run.name, []).append(one)
        spread = {run: _sd(each) for run, each in off.items()}
        return FittedWithSpread(self.model.fit(cohort, subset), spread)


class FittedWithSpread(NamedTuple):
    """A fitted model, and how far off it is of a person's mean time in each run."""

    fitted: Fitted
    spread: dict[str, float | None]

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        runs = subset.of(cohort).runs
        told = self.fitted.predict(cohort, subset, connectomes)
        people = len(cohort.connectomes)
        return [
            one
            if (sd := self.spread.get(run.name)) is None
            else one._replace(person_time_sd_s=np.full(people, sd))
            for run, one in zip(runs, told, strict=True)
        ]


def errors(cohort: Cohort, part: Subset, told: Sequence[Prediction]) -> list[np.ndarray]:
    """Observed less told mean reaction times, for every run [people]; NaN of who is not tested."""
    found = []
    for run, one in zip(part.of(cohort).runs, told, strict=True):
        tested, mean = part.trials(run), one.person_time_s
        if mean is None and one.reaction_time_s is not None:
            mean = masked_mean(np.nan_to_num(one.reaction_time_s), tested)
        if mean is None:
            mean = np.full(len(tested), np.nan)
        seen = masked_mean(run.trials.response_time_s, tested & correct_mask(run.trials))
        found.append(np.where(part.people, seen - mean, np.nan))
    return found


def _sd(off: list[np.ndarray]) -> float | None:
    known = np.concatenate(off)
    known = known[np.isfinite(known)]
    return float(np.sqrt((known**2).mean())) if len(known) else None
