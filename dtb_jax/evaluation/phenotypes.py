"""The individual differences that are asked about: one number a person, and how reliable it is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation.ceilings import half_t
from dtb_jax.evaluation.reliability import reliability_ceiling
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.evaluation.scores import run_names


class Phenotype(NamedTuple):
    """One number of everybody; NaN where unknown."""

    values: Float[np.ndarray, " people"]
    reliability: Float[np.ndarray, " draw"]


def phenotypes(scored: Sequence[EvaluationTargets], regions: Sequence[str]) -> dict[str, Phenotype]:
    """Of every run: TASK_reaction_time, TASK_effect, TASK_accuracy, and TASK_REGION.

    Times and effects are of correct presses; the last is the t-value of the task's contrast.
    Reliability is that of the whole from two halves (Spearman-Brown): every other trial of a
    condition, or for t-values the halves of the run.

    Args:
        scored: parts of runs.
        regions: names of the regions.
    """
    found: dict[str, Phenotype] = {}
    for name, part in zip(run_names(scored), scored, strict=True):
        tested = part.tested()
        for kind, measure in _MEASURES.items():
            halves = [measure(part, half) for half in part.halves(tested)]
            found[f"{name}_{kind}"] = _number(part, measure(part, tested), *halves)
        if part.run.bold_mask.any():
            first, second = (half_t(part, k) for k in (0, 1))
            for r, region in enumerate(regions):
                found[f"{name}_{region}"] = _number(part, part.t[:, r], first[:, r], second[:, r])
    return found


def _number(
    part: EvaluationTargets, values: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Phenotype:
    known = part.people & np.isfinite(values) & np.isfinite(first) & np.isfinite(second)
    ceiling = reliability_ceiling(first, second, known)
    return Phenotype(np.where(known, values, np.nan), ceiling(part.drawn.counts * known) ** 2)


def _time(part: EvaluationTargets, counted: Bool[np.ndarray, "people trial"]) -> np.ndarray:
    trials = part.run.trials
    return masked_mean(trials.response_time_s, counted & correct_mask(trials))


def _effect(part: EvaluationTargets, counted: Bool[np.ndarray, "people trial"]) -> np.ndarray:
    trials = part.run.trials
    means = part.by_condition(trials.response_time_s, counted & correct_mask(trials))
    return effect(part.run.task, means)


def _accuracy(part: EvaluationTargets, counted: Bool[np.ndarray, "people trial"]) -> np.ndarray:
    return masked_mean(correct_mask(part.run.trials).astype(float), counted)


_MEASURES = {"reaction_time": _time, "effect": _effect, "accuracy": _accuracy}
