"""An unseen person's first trials of a run, and what they tell of the rest of it.

twin_after_K              the connectome and K trials
twin_with_runs_after_K    and the person's other runs
regression_after_K        the same as a regression: mean times of the other runs of the task and
                          of the first trials, item-adjusted, on the mean of the rest
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.models import baselines
from dtb_jax.models.few_shot import first_trials, variances
from dtb_jax.models.mixed_effects.estimator import (
    FittedMembers,
    as_one,
    beyond,
    everybodys,
    replaced,
    said,
)
from dtb_jax.models.mixed_effects.items import PARTS
from dtb_jax.models.mixed_effects.movement import EVENLY, blup, marginal
from dtb_jax.models.mixed_effects.observed import whole_pieces
from dtb_jax.models.mixed_effects.posterior import joined, nothing
from dtb_jax.models.mixed_effects.training import Mixed, condition
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import as_prediction
from dtb_jax.models.protocol import Probe, Rule
from dtb_jax.types import STEP_S, Array, Cohort, Run


def after_first_trials(shots: Sequence[int]) -> Probe:
    """The twins after so many first trials of one run of unseen people, see `few_shot`."""

    def probe(fitted: FittedMembers, cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        each = [few_shot(one, cohort, fold, shots) for one in fitted.members]
        return {name: as_one([one[name] for one in each], cohort, fold.test) for name in each[0]}

    return probe


def few_shot(
    mixed: Mixed, cohort: Cohort, fold: Fold, shots: Sequence[int]
) -> dict[str, list[Prediction]]:
    """The twin of unseen people after their first trials of a run, without and with other runs.

    Args:
        mixed: trained on the fold's training people, on all runs.
        cohort: everybody.
        fold: whose test part is one run.
        shots: numbers of first trials; 0: none.
    """
    (run,) = fold.test.of(cohort).runs
    others = tuple(name for name in fold.training.runs if name != run.name)
    mean, movement = mixed.prior.of(cohort.connectomes[fold.test.people]), mixed.prior.movement
    silence = nothing(len(mean), 1, mean.shape[1])
    prior = mixed.unseen(mean)
    knowns = {"twin": silence}
    if others:
        part = fold.test._replace(runs=others)
        knowns["twin_with_runs"] = condition(mixed, cohort, part, prior)
    share = quarters_after(run, max(shots), whole_pieces(cohort, fold.test, mixed.method.piece))
    seen = everybodys(mixed, cohort, mixed.seen([run.name], share=share))
    donors = fold.test._replace(people=fold.training.people)
    items = beyond(cohort, fold, said(mixed, cohort, donors, seen))
    found = {}
    for name, other in knowns.items():
        before = marginal(blup(mean, joined([other, silence]), movement), movement, -1)
        for k in shots:
            first = silence
            if k:
                known = first_alone(cohort, fold.test, k)
                first = condition(mixed, known, fold.test, before)
            now = marginal(blup(mean, joined([other, first]), movement), movement, -1, share)
            belief = [replaced(seen[0], fold.test.people, now)]
            found[f"{name}_after_{k}"] = said(mixed, cohort, fold.test, belief, items)
    return found


def first_alone(cohort: Cohort, part: Subset, shots: int) -> Cohort:
    """The part's runs with everybody's first trials only, and without BOLD."""
    kept = [
        run._replace(
            trials=run.trials._replace(present=first_trials(run, shots)),
            bold_mask=np.zeros_like(run.bold_mask),
        )
        for run in part.of(cohort).runs
    ]
    return cohort._replace(runs=tuple(kept))


def quarters_after(run: Run, shots: int, steps: int) -> Array:
    """In which quarters of so many steps the trials lie that are not among the first.

    Returns: shares [part] that sum to 1; equal ones where there are no such trials.
    """
    later = run.trials.present & run.present[:, None] & ~first_trials(run, shots)
    quarter = (run.trials.onset_s[later] / (steps * STEP_S) * PARTS).astype(int)
    count = np.bincount(np.clip(quarter, 0, PARTS - 1), minlength=PARTS)
    return count / count.sum() if count.any() else EVENLY


class RunRegression(NamedTuple):
    """The mean of the rest of a run from its first trials and from the other runs of the task.

    Least squares on training people; a person's predictor is the mean deviation of the first
    trials from everybody's on these trials, and the mean time of each other run of the task.
    Whoever lacks a number has the training mean.
    """

    shots: int
    most: int  # the rest is what follows so many trials

    def fit(self, cohort: Cohort, subset: Subset):
        return Rule(partial(regression, shots=self.shots, most=self.most)).fit(cohort, subset)


def regression(cohort: Cohort, fold: Fold, *, shots: int, most: int) -> list[Prediction]:
    """What `RunRegression` predicts of a fold's test part, which is one run."""
    (run,) = fold.test.of(cohort).runs
    others = [
        one
        for one in fold.training.of(cohort).runs
        if one.task.name == run.task.name and one.name != run.name
    ]
    group, items = baselines.group_profile(cohort, fold, run), baselines.items_of(fold, run)
    plain = as_prediction(run, group, items)
    right = correct_mask(run.trials) & run.present[:, None]
    off = np.where(right, run.trials.response_time_s - plain.reaction_time_s, 0)
    known = [
        masked_mean(one.trials.response_time_s, correct_mask(one.trials) & one.present[:, None])
        for one in others
    ]
    target = masked_mean(off, right & ~first_trials(run, most))
    trained = fold.training.people
    between, within = variances(off[trained], right[trained])
    first = masked_mean(off, first_trials(run, shots) & right)
    columns = np.stack([*known, first] if shots else known, axis=1) if known or shots else None
    moved, left = _least_squares(columns, target, trained & np.isfinite(target))
    narrower = np.sqrt((within + left * between) / (within + between))
    one = as_prediction(
        run,
        group._replace(
            time_s=np.maximum(group.time_s + moved[:, None], 0.1),
            spread=group.spread * narrower,
        ),
        items,
    )
    return [one._replace(personal=columns is not None)]


def _least_squares(columns, target: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, float]:
    """Told deviations of everybody, and the share of training people's variance that is left."""
    if columns is None:
        return np.full(len(target), target[training].mean()), 1.0
    mean = np.nanmean(columns[training], axis=0)
    whole = np.concatenate(
        [np.ones((len(target), 1)), np.where(np.isfinite(columns), columns, mean)], axis=1
    )
    slope = np.linalg.lstsq(whole[training], target[training], rcond=None)[0]
    told = whole @ slope
    return told, float(np.var(target[training] - told[training]) / np.var(target[training]))
