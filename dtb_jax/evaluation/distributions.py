"""Predicted distributions of reaction times: quantiles of people, intervals of trials."""

import numpy as np
from scipy.stats import norm

from dtb_jax.data.averages import masked_mean
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.figures import Estimate, correlation_of, figure, mean_figure
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.models.prediction import INTERVALS, LEVELS, Prediction
from dtb_jax.types import required

Figures = dict[str, Estimate]
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)


def quantiles(scored: EvaluationTargets, told: Prediction) -> Figures:
    """r over people of five quantiles of their reaction times, Fisher-averaged."""
    if told.quantiles_s is None:
        return {}
    people, timed = scored.people, scored.timed()
    observed = person_quantiles(scored.run.trials.response_time_s, timed)
    predicted = mixture_quantiles(told.quantiles_s, scored.tested())
    kept = people & np.isfinite(observed).all(1) & np.isfinite(predicted).all(1)
    each = [correlation_of(x, y, kept, scored.drawn) for x, y in zip(observed.T, predicted.T)]
    kept = kept & scored.drawn.comparable
    return {"reaction_time_quantile_r": figure(metrics.mean_correlation(each), kept, scored.drawn)}


def person_quantiles(times: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Quantiles of each person's counted times, [people, quantile]; NaN without trials."""
    rows = [
        np.quantile(t[c], QUANTILES) if c.any() else np.full(len(QUANTILES), np.nan)
        for t, c in zip(times, counted)
    ]
    return np.stack(rows)


def mixture_quantiles(told: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Quantiles of each person's mixture over trials of predicted distributions.

    The mixture's distribution function is the mean of the trials', linear between their quantiles.
    """
    found = np.full((len(told), len(QUANTILES)), np.nan)
    for i, (rows, kept) in enumerate(zip(told, counted)):
        rows = rows[kept]
        if len(rows) == 0 or not np.isfinite(rows).all():
            continue
        grid = np.linspace(rows.min(), rows.max(), 200)
        reached = np.mean([np.interp(grid, row, LEVELS, 0, 1) for row in rows], axis=0)
        found[i] = np.interp(QUANTILES, reached, grid)
    return found


def intervals(scored: EvaluationTargets, told: Prediction) -> Figures:
    """Coverage and interval score (seconds) of central predictive intervals of a press's time.

    Score of the interval [l, u] at 1 - a: (u - l) + 2/a (l - y)+ + 2/a (y - u)+.
    Source: Gneiting & Raftery 2007.
    """
    if told.quantiles_s is None:
        return {}
    counted, y = scored.timed() & scored.people[:, None], scored.run.trials.response_time_s
    figures: Figures = {}
    for share in INTERVALS:
        low, high = (
            told.quantiles_s[..., int(np.argmin(np.abs(LEVELS - level)))]
            for level in ((1 - share) / 2, (1 + share) / 2)
        )
        inside = ((y >= low) & (y <= high)).astype(float)
        miss = np.maximum(low - y, 0) + np.maximum(y - high, 0)
        score = high - low + 2 / (1 - share) * miss
        name = f"{share * 100:.0f}"
        for kind, values in (("coverage", inside), ("interval_score_s", score)):
            figures[f"{kind}_{name}"] = figure(
                metrics.per_trial(values, counted), scored.people, scored.drawn
            )
    return figures


def person_intervals(scored: EvaluationTargets, told: Prediction) -> Figures:
    """Coverage and interval score (seconds) of normal intervals of a person's mean reaction time.

    mean +- z sd, with the told SD of an observed mean around the told one.
    """
    figures: Figures = {}
    for share in INTERVALS if told.person_time_sd_s is not None else ():
        inside, score, known = person_scores(scored, told, share)
        name = f"{share * 100:.0f}"
        figures[f"person_coverage_{name}"] = mean_figure(inside, known, scored.drawn)
        figures[f"person_interval_score_s_{name}"] = mean_figure(score, known, scored.drawn)
    return figures


def person_scores(
    scored: EvaluationTargets, told: Prediction, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each person's mean lies inside, the interval's score in seconds, and who has both."""
    observed = masked_mean(scored.run.trials.response_time_s, scored.timed())
    mean = told.person_time_s
    if mean is None:
        mean = masked_mean(np.nan_to_num(required(told.reaction_time_s)), scored.tested())
    sd = required(told.person_time_sd_s)
    known = scored.people & np.isfinite(observed) & np.isfinite(mean) & np.isfinite(sd)
    off = np.where(known, np.abs(observed - mean), 0)
    half = np.where(known, norm.ppf((1 + share) / 2) * sd, 0)
    score = 2 * half + 2 / (1 - share) * np.maximum(off - half, 0)
    return (off <= half).astype(float), score, known


def reliability_bins(
    probability: np.ndarray, event: np.ndarray, counted: np.ndarray, bins: int = 8
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A reliability diagram: in bins of equal counts, the mean told and the share observed.

    Args:
        probability, event, counted: [people, trial].
        bins: how many.

    Returns: told, observed and number of trials, [bin].
    """
    told, seen = probability[counted], event[counted].astype(float)
    parts = [part for part in np.array_split(np.argsort(told, kind="stable"), bins) if len(part)]
    columns = [(told[part].mean(), seen[part].mean(), len(part)) for part in parts]
    first, second, count = (np.array(column, float) for column in zip(*columns))
    return first, second, count


def coverage(models: dict) -> dict:
    """How many mean times lie inside intervals, and what intervals cost.

    Returns: `reaction_time_r`, the twin's coverage averaged over tasks by the share that intervals
        say; `person_coverage` and `person_interval_score_s`, {model: {task: {share: figure}}}.
    """
    found: dict[str, dict] = {"person_coverage": {}, "person_interval_score_s": {}}
    for model, tasks in models.items():
        for task, figures in tasks.items():
            for share in INTERVALS:
                for kind, place in found.items():
                    if one := figures.get(f"{kind}_{share * 100:.0f}"):
                        place.setdefault(model, {}).setdefault(task, {})[str(share)] = one
    twin = found["person_coverage"].get("twin", {}).values()
    known = {
        str(s): [v for task in twin if (v := task[str(s)].value) is not None] for s in INTERVALS
    }
    mean = {share: float(np.mean(values)) if values else None for share, values in known.items()}
    return {"reaction_time_r": mean} | found
