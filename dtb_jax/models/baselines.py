"""What can be said without a connectome; every figure of a twin stands beside these.

Each takes the cohort and a fold and tells every run of the fold's test part.
"""

from collections.abc import Callable

import numpy as np

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.data.splits import volume_range
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import (
    ItemEffects,
    ParticipantSummary,
    as_prediction,
    item_profile,
    mean_profile,
    observe,
)
from dtb_jax.types import Cohort, Run

Model = Callable[[Cohort, Fold], list[Prediction]]


def always_correct(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """Everybody presses the correct button on every trial."""
    return [Prediction(choice=run.trials.correct) for run in fold.test.of(cohort).runs]


def condition_mean(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """The training people's mean in each condition, the same for everybody."""
    return [
        as_prediction(run, group_profile(cohort, fold, run))._replace(personal=False)
        for run in fold.test.of(cohort).runs
    ]


def item_means(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """The same, and what other people do on each trial of the test part."""
    return [
        as_prediction(run, group_profile(cohort, fold, run), items_of(fold, run))._replace(
            personal=False
        )
        for run in fold.test.of(cohort).runs
    ]


def within_subject(
    cohort: Cohort, fold: Fold, own: Subset, *, items: bool = False
) -> list[Prediction]:
    """A person's own mean times, error rates and t-values in another part, by condition.

    Args:
        cohort: everybody.
        fold: what is predicted.
        own: where each person is known from; of another run of a task the first serves.
        items: add what other people do on each trial of the test part.
    """
    told = []
    for run in fold.test.of(cohort).runs:
        source = same_task(own.of(cohort), run)
        counted = own._replace(people=np.ones(len(cohort.connectomes), bool)).trials(source)
        profile = observe(source, counted, fold.training.people)
        person = masked_mean(source.trials.response_time_s, counted & correct_mask(source.trials))
        group = group_profile(cohort, fold, run)
        time = np.where(np.isfinite(profile.time_s), profile.time_s, person[:, None])
        known = profile._replace(
            time_s=time, spread=np.where(np.isfinite(profile.spread), profile.spread, group.spread)
        )
        one = as_prediction(run, known, items_of(fold, run) if items else None)
        t = None
        if source.bold_mask.any():
            glm = make_glm(source, *own.span(source))
            t = person_t(glm, source.bold[:, glm.volumes])
        told.append(one._replace(person_time_s=person, condition_time_s=time, person_t=t))
    return told


def group_mean(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """What other people do: condition means, and in BOLD their mean course in the test part.

    The time course is the mean over the *other* training people: it knows how brains answer this
    very sequence and nothing about the person.
    """
    told = condition_mean(cohort, fold)
    return [
        one._replace(
            choice=run.trials.correct,
            bold=other_peoples_bold(run, fold) if run.bold_mask.any() else None,
        )
        for one, run in zip(told, fold.test.of(cohort).runs)
    ]


def group_t_map(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """The training people's mean t-map in their part, the same for everybody; BOLD alone.

    Beside `group_mean`'s time course it is the simplest that is known of a group: which regions
    answer the contrast at all.
    """
    found = []
    for run in fold.test.of(cohort).runs:
        source = same_task(fold.training.of(cohort), run)
        if not source.bold_mask.any():
            found.append(Prediction(personal=False))
            continue
        glm = make_glm(source, *fold.training.span(source))
        t = person_t(glm, source.bold[:, glm.volumes])[fold.training.people]
        known = np.isfinite(t)
        mean = np.where(known, t, 0).sum(0) / np.maximum(known.sum(0), 1)
        found.append(
            Prediction(person_t=np.tile(mean, (len(cohort.connectomes), 1)), personal=False)
        )
    return found


def other_peoples_bold(run: Run, fold: Fold) -> np.ndarray:
    """Mean course of the training people but oneself in the test part, [people, volume, region]."""
    part = volume_range(run, *fold.test.span(run))
    weight = run.bold_mask[:, part, None] * fold.training.people[:, None, None].astype(float)
    series = np.where(weight > 0, run.bold[:, part], 0)  # whatever stands behind a mask
    others = (weight * series).sum(0) - weight * series
    return others / np.maximum(weight.sum(0) - weight, 1)


def same_task(cohort: Cohort, run: Run) -> Run:
    """The run itself if it is there, else the first of its task.

    Raises: ValueError when the task has no run there.
    """
    found = [other for other in cohort.runs if other.task.name == run.task.name]
    if not found:
        raise ValueError(f"no run of {run.task.name} to learn from for {run.name}")
    return next((other for other in found if other.name == run.name), found[0])


def training_profile(cohort: Cohort, fold: Fold, run: Run) -> ParticipantSummary:
    """Own profiles of the training people in their part; NaN for everybody else's times."""
    source = same_task(fold.training.of(cohort), run)
    return observe(source, fold.training.trials(source), fold.training.people)


def group_profile(cohort: Cohort, fold: Fold, run: Run) -> ParticipantSummary:
    """The training people's mean profile."""
    return mean_profile(training_profile(cohort, fold, run), fold.training.people)


def items_of(fold: Fold, run: Run) -> ItemEffects:
    """What the other training people do on each trial of the test part."""
    everyone = fold.test._replace(people=np.ones(len(fold.test.people), bool))
    return item_profile(run, fold.training.people, everyone.trials(run))


def derangement(people: int, seed: int) -> np.ndarray:
    """A random order of people in which nobody keeps their own place."""
    order = np.random.default_rng([seed, people]).permutation(people)
    shifted = np.empty(people, int)
    shifted[order] = np.roll(order, 1)
    return shifted
