"""Every model on the same trials and volumes: predictions in, figures out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.baselines import correct_mask
from dtb_jax.evaluation.glm import Glm, make_glm, person_t
from dtb_jax.evaluation.metrics import Figure
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.evaluation.splits import in_part
from dtb_jax.tasks.task import effect
from dtb_jax.types import Cohort, TaskRun

Figures = dict[str, Figure]


class Scored(NamedTuple):
    """The scored part of a run, whom it is scored on, and what the scanner saw of it."""

    run: TaskRun
    start_s: float
    stop_s: float
    people: np.ndarray  # [people]: present, and not below chance
    glm: Glm
    bold: np.ndarray  # [people, volume, region]
    t: np.ndarray  # [people, region], NaN without BOLD


def scored_part(
    run: TaskRun, start_s: float, stop_s: float, people: np.ndarray, drifts: int | None
) -> Scored:
    """Everything about a part that no model changes, computed once."""
    glm = make_glm(run, start_s, stop_s, drifts)
    seen = run.bold[:, glm.volumes]
    return Scored(run, start_s, stop_s, people, glm, seen, person_t(glm, seen))


def behaviour(scored: Scored, prediction: Prediction) -> Figures:
    """Choice concordance and reaction-time correlations of one model in one run."""
    run, people = scored.run, scored.people
    trials, task = run.trials, run.task
    tested = in_part(run, scored.start_s, scored.stop_s)
    figures: Figures = {}
    if prediction.choice is not None:
        for name, counted in (
            ("choice_concordance", tested),
            ("choice_concordance_answered", tested & trials.answered),
        ):
            share = metrics.concordance(prediction.choice, trials.possible, counted)
            figures[name] = metrics.mean_figure(share, people)
    if prediction.reaction_time_s is None:
        return figures
    counted = tested & correct_mask(run.trials)
    conditions = len(task.conditions)

    def by_condition(times, mask):
        return metrics.condition_means(times, mask, trials.condition, conditions)

    observed = trials.response_time_s
    # a model's means are over all tested trials: which of them a person got right must not help it
    told = tested & np.isfinite(prediction.reaction_time_s)
    predicted = np.where(told, prediction.reaction_time_s, 0)
    person = prediction.person_time_s
    if person is None:
        person = metrics.masked_mean(predicted, told)
    condition = prediction.condition_time_s
    if condition is None:
        condition = by_condition(predicted, told)
    seen = by_condition(observed, counted)
    figures["reaction_time_r"] = metrics.correlation_figure(
        metrics.masked_mean(observed, counted), person, people
    )
    for c, name in enumerate(task.conditions):
        figures[f"reaction_time_r_{name}"] = metrics.correlation_figure(
            seen[:, c], condition[:, c], people
        )
    figures["effect_r"] = metrics.correlation_figure(
        effect(task, seen), effect(task, condition), people
    )
    pooled = counted & people[:, None] & np.isfinite(prediction.reaction_time_s)
    figures["trial_reaction_time_r"] = metrics.correlation_figure(
        observed[pooled], prediction.reaction_time_s[pooled], np.ones(pooled.sum(), bool)
    )
    return figures


def bold(scored: Sequence[Scored], predictions: Sequence[Prediction]) -> Figures:
    """Group t-map r, person-level t r and time-course r of one model over all runs.

    `person_mean_r` is the mean over people of a person's r between predicted and observed time
    courses, averaged over regions and runs.
    """
    maps, courses = [], []
    for part, prediction in zip(scored, predictions, strict=True):
        if prediction.bold is None and prediction.person_t is None or not part.glm.mask.any():
            return {}
        told = prediction.person_t
        if prediction.bold is not None:
            series = prediction.bold[:, : part.bold.shape[1]]
            told = person_t(part.glm, series)
            courses.append(metrics.time_course_r(series, part.bold, part.glm.mask))
        maps.append((told, part.t, np.isfinite(told).all(1) & np.isfinite(part.t).all(1)))
    predicted, observed, masks = (list(column) for column in zip(*maps, strict=True))
    figures = {"group_t_r": metrics.group_t_figure(predicted, observed, masks)}
    if all(prediction.personal for prediction in predictions):
        both = np.logical_and.reduce(masks)
        figures["person_t_r"] = metrics.regionwise_r_figure(
            np.concatenate(predicted, axis=1), np.concatenate(observed, axis=1), both
        )
    if courses:
        known = np.isfinite(courses)
        mean = np.where(known, courses, 0).sum(0) / np.maximum(known.sum(0), 1)
        figures["person_mean_r"] = metrics.mean_figure(mean, np.logical_or.reduce(known))
    return figures


def score(scored: Sequence[Scored], predictions: Sequence[Prediction]) -> dict[str, Figures]:
    """All figures of one model: {task: {metric: Figure}}; runs of one task keep the first's name.

    A second run of the same task is named by its run.
    """
    figures: dict[str, Figures] = {}
    for part, prediction in zip(scored, predictions, strict=True):
        name = part.run.task.name
        figures[part.run.name if name in figures else name] = behaviour(part, prediction)
    figures["bold"] = bold(scored, predictions)
    return figures


def subgroups(cohort: Cohort, scored, predictions) -> dict[str, dict]:
    """The twin's behaviour figures by diagnosis and site."""
    figures = {}
    for column in ("group", "site"):
        values = cohort.participants[column]
        for value in sorted(values.dropna().unique()):
            inside = (values == value).to_numpy()
            figures[f"{column}={value}"] = {
                part.run.task.name: behaviour(part._replace(people=part.people & inside), told)
                for part, told in zip(scored, predictions)
            }
    return figures
