"""The best that measurement noise allows, estimated from the tested part itself.

The ceiling of an r is the root of the reliability of the observed side. For single trials it is
what a person's condition and the trial explain together: an oracle that saw the tested trials.
"""

from collections.abc import Sequence

import numpy as np

from dtb_jax.data.averages import masked_mean
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.behaviour import error_mask
from dtb_jax.evaluation.distributions import person_quantiles
from dtb_jax.evaluation.figures import Estimate, figure, mean_figure
from dtb_jax.evaluation.reliability import effect_ceiling, reliability_ceiling
from dtb_jax.evaluation.scored import EvaluationTargets, drawn_together
from dtb_jax.evaluation.scores import run_names

Figures = dict[str, Estimate]


def ceilings(scored: Sequence[EvaluationTargets]) -> dict[str, Figures]:
    """The ceiling of every metric that has one, {task: {metric: Figure}}."""
    found = {name: _behaviour(part) for name, part in zip(run_names(scored), scored)}
    found["bold"] = _bold(scored)
    return found


def _behaviour(scored: EvaluationTargets) -> Figures:
    people, drawn, trials = scored.people, scored.drawn, scored.run.trials
    timed, tested, wrong = scored.timed(), scored.tested(), error_mask(scored)
    halves, all_halves = scored.halves(timed), scored.halves(tested)
    observed = trials.response_time_s

    def of(first, second):
        kept = people & np.isfinite(first) & np.isfinite(second) & drawn.comparable
        return figure(reliability_ceiling(first, second, people, drawn), kept, drawn)

    seen = [scored.by_condition(observed, half) for half in halves]
    omitted = (tested & ~trials.answered).astype(float)
    answered = masked_mean((tested & trials.answered).astype(float), tested)
    figures = {
        # whoever always presses agrees at most where there is a press
        "choice_concordance": mean_figure(answered, people, drawn),
        "reaction_time_r": of(*(masked_mean(observed, half) for half in halves)),
        "effect_r": figure(effect_ceiling(scored), people & timed.any(1) & drawn.comparable, drawn),
        "error_rate_r": of(*(masked_mean(wrong.astype(float), half) for half in all_halves)),
        "omission_rate_r": of(*(masked_mean(omitted, half) for half in all_halves)),
        "omission_rate": mean_figure(masked_mean(omitted, tested), people, drawn),
    }
    for c, name in enumerate(scored.run.task.conditions):
        figures[f"reaction_time_r_{name}"] = of(*(side[:, c] for side in seen))
    quantiles = [person_quantiles(observed, half) for half in halves]
    known = people & np.isfinite(quantiles[0]).all(1) & np.isfinite(quantiles[1]).all(1)
    known = known & drawn.comparable
    each = [reliability_ceiling(a, b, known, drawn) for a, b in zip(*(q.T for q in quantiles))]
    figures["reaction_time_quantile_r"] = figure(metrics.mean_correlation(each), known, drawn)
    return figures | _trials(scored)


def _trials(scored: EvaluationTargets) -> Figures:
    """Ceilings of single trials, from an additive model of person, condition and trial."""
    people, drawn = scored.people, scored.drawn
    timed, tested = (mask & scored.people[:, None] for mask in (scored.timed(), scored.tested()))
    explained = additive(scored, scored.run.trials.response_time_s, timed)
    means = np.isfinite(scored.by_condition(scored.run.trials.response_time_s, timed))
    freedom = timed.sum() - means.sum() - timed.any(0).sum()
    inflation = (timed.sum() - 1) / max(freedom, 1)
    r = metrics.pooled_correlation(scored.run.trials.response_time_s, explained, timed)

    def adjusted(weights):
        return np.sqrt(np.maximum(1 - (1 - r(weights) ** 2) * inflation, 0))

    rate = np.clip(additive(scored, error_mask(scored).astype(float), tested), 0.002, 0.998)
    rate = 0.7 * rate + 0.3 * error_mask(scored)[tested].mean()  # towards the mean: few trials each
    expected = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
    return {
        "trial_reaction_time_r": figure(adjusted, people & timed.any(1), drawn),
        "error_log_loss": figure(metrics.per_trial(expected, tested), people, drawn),
    }


def additive(scored: EvaluationTargets, values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean of the person in the condition plus the trial's mean deviation from it."""
    means = scored.by_condition(values, counted)
    own = np.take_along_axis(
        np.where(np.isfinite(means), means, 0), scored.run.trials.condition, axis=1
    )
    return own + np.nan_to_num(masked_mean((values - own).T, counted.T))


def _bold(scored: Sequence[EvaluationTargets]) -> Figures:
    """Person-level t from two halves of the part; the group's map from two halves of the people."""
    with_bold = [part for part in scored if part.glm.mask.any()]
    if not with_bold:
        return {}
    first, second = (
        np.concatenate([half_t(part, k) for part in with_bold], axis=1) for k in (0, 1)
    )
    drawn = drawn_together(with_bold)
    tested = drawn.fold >= 0
    known = tested & np.isfinite(first).all(1) & np.isfinite(second).all(1) & drawn.comparable
    each = [reliability_ceiling(a, b, known, drawn) for a, b in zip(first.T, second.T)]
    sides = [part.t for part in with_bold]
    masks = [tested & np.isfinite(t).all(1) for t in sides]
    rows = np.flatnonzero(np.logical_or.reduce(masks))
    half = np.zeros(len(known), bool)
    half[rows] = np.random.default_rng(0).permutation(len(rows)) % 2 == 0
    halves = [[mask & side for mask in masks] for side in (half, ~half)]

    def group(weights):
        maps = [
            np.concatenate([metrics.group_t(t, m, weights) for t, m in zip(sides, mask)], axis=1)
            for mask in halves
        ]
        a, b = (one - one.mean(1, keepdims=True) for one in maps)
        r = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
        r = np.clip(r, -0.99, 1)  # of one region in two tasks r is 1 or -1
        return np.sqrt(np.maximum(2 * r / (1 + r), 0))

    return {
        "person_t_r": figure(metrics.mean_correlation(each), known, drawn),
        "group_t_r": figure(group, np.logical_or.reduce(masks), drawn),
    }


def half_t(part: EvaluationTargets, k: int) -> np.ndarray:
    """t-values from the first or the second half of the part."""
    seconds = part.run.bold.shape[1] and part.run.stimulus.shape[1] / part.run.bold.shape[1] * 0.08
    stop_s = min(part.stop_s, part.run.bold.shape[1] * seconds)
    middle = (part.start_s + stop_s) / 2
    start, stop = (part.start_s, middle) if k == 0 else (middle, stop_s)
    glm = make_glm(part.run, start, stop, noise=part.glm.noise)
    return person_t(glm, part.run.bold[:, glm.volumes])
