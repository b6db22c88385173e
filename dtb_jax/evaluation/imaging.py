"""BOLD over all runs, observed beside predicted: time courses, people's t-maps, the group's."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from dtb_jax.data.averages import time_course_r
from dtb_jax.data.glm import person_t
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.figures import Estimate, correlation_of, figure, mean_figure
from dtb_jax.evaluation.scored import EvaluationTargets, drawn_together
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import required

Figures = dict[str, Estimate]


def bold(
    scored: Sequence[EvaluationTargets],
    told: Sequence[Prediction],
    average: Sequence[Prediction] | None = None,
) -> Figures:
    """Figures of one model over all runs; none where it says nothing of BOLD.

    Args:
        scored: what is compared, one a run.
        told: what the model says.
        average: what the twin of the mean connectome says; for `explained_variance`.

    Returns: `group_t_r`, r between group t-maps; `person_t_r`, r over people of their t-values in
        each region, averaged; `person_mean_r`, mean over people of the r over time, averaged over
        regions and runs; `explained_variance`, 1 - error / error of the average twin.
    """
    with_bold = [(p, one) for p, one in zip(scored, told, strict=True) if p.glm.mask.any()]
    if not with_bold or any(one.bold is None and one.person_t is None for _, one in with_bold):
        return {}
    maps = [(told_t(part, one), part.t) for part, one in with_bold]
    masks = [np.isfinite(a).all(1) & np.isfinite(b).all(1) for a, b in maps]
    predicted, observed = zip(*maps)
    drawn, everywhere = scored[0].drawn, np.logical_or.reduce(masks)
    one_map = all(one.person_t is not None and not one.personal for _, one in with_bold)
    compared = map_correlation if one_map else metrics.group_t_correlation
    figures = {"group_t_r": figure(compared(predicted, observed, masks), everywhere, drawn)}
    if all(one.personal for _, one in with_bold):
        both = np.logical_and.reduce(masks)
        together = drawn_together([part for part, _ in with_bold])
        figures["person_t_r"] = person_t_figure(predicted, observed, both, together)
    if all(one.bold is not None for _, one in with_bold):
        rs = np.stack([_course_r(part, one) for part, one in with_bold])
        known = np.isfinite(rs)
        mean = np.where(known, rs, 0).sum(0) / np.maximum(known.sum(0), 1)
        figures["person_mean_r"] = mean_figure(mean, known.any(0), drawn)
    if average is not None and "person_mean_r" in figures:
        figures["explained_variance"] = _explained(scored, told, average)
    return figures


def map_correlation(
    told: Sequence[Float[np.ndarray, "people region"]],
    observed: Sequence[Float[np.ndarray, "people region"]],
    masks: Sequence[Bool[np.ndarray, " people"]],
) -> metrics.Statistic:
    """r between one map that is told of everybody and the observed group t-map.

    A group t of the map itself is undefined: nobody differs. Arguments as in
    `metrics.group_t_correlation`.
    """
    said = np.concatenate([t[m].mean(0) for t, m in zip(told, masks)])
    said = said - said.mean()

    def statistic(weights):
        if len(said) < metrics.FEWEST_REGIONS:
            return np.full(len(weights), np.nan)
        maps = [metrics.group_t(t, m, weights) for t, m in zip(observed, masks)]
        seen = np.concatenate(maps, axis=1)
        seen = seen - seen.mean(1, keepdims=True)
        scale = np.sqrt((said**2).sum() * (seen**2).sum(1))
        return np.where(scale > 0, seen @ said / np.where(scale > 0, scale, 1), np.nan)

    return statistic


def person_t_figure(predicted, observed, people: np.ndarray, drawn) -> Estimate:
    """r over people in each region and run, within folds, Fisher-averaged over regions; their SD.

    Args:
        predicted, observed: t-values, one [people, region] a run.
        people: who has all of them.
        drawn: bootstrap draws.
    """
    sides = [np.where(people[:, None], np.concatenate(s, axis=1), 0) for s in (predicted, observed)]
    people = people & drawn.comparable
    each = [correlation_of(x, y, people, drawn) for x, y in zip(sides[0].T, sides[1].T)]
    values = np.array([one(people[None].astype(float))[0] for one in each])
    sd = float(np.nanstd(values)) if np.isfinite(values).any() else None
    return figure(metrics.mean_correlation(each), people, drawn, sd)


def told_t(part: EvaluationTargets, told: Prediction) -> np.ndarray:
    """A model's t-values, [people, region], as it states them or of its series."""
    if told.person_t is not None:
        return told.person_t
    return person_t(part.glm, required(told.bold)[:, : part.bold.shape[1]])


def _course_r(part: EvaluationTargets, told: Prediction) -> np.ndarray:
    return time_course_r(required(told.bold)[:, : part.bold.shape[1]], part.bold, part.glm.mask)


def _explained(scored, told, average) -> Estimate:
    """1 - sum of squares around the model / around the average twin; regions count alike."""
    errors = []
    for model in (told, average):
        total = np.zeros(len(scored[0].people))
        for part, one in zip(scored, model, strict=True):
            if not part.glm.mask.any():
                continue
            mask = part.glm.mask[..., None]
            centred = part.bold - part.bold[part.glm.mask].mean(0)
            scale = (centred**2 * mask).sum((0, 1)) + 1e-12
            off = np.where(mask, one.bold[:, : part.bold.shape[1]] - part.bold, 0) ** 2
            total = total + (off.sum(1) / scale).sum(1)
        errors.append(total)
    people = np.isfinite(errors).all(0) & np.any([p.glm.mask.any(1) for p in scored], axis=0)
    ratio = metrics.ratio(*(np.where(people, error, 0) for error in errors))
    return figure(lambda weights: 1 - ratio(weights), people, scored[0].drawn)
