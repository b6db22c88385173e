"""What is counted in real and in simulated people alike, so that the two can stand side by side."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from dtb_jax.data.averages import condition_means, correct_mask, masked_mean
from dtb_jax.data.splits import SPLIT_S, STOP_S
from dtb_jax.simulation.behaviour import DESIGNS
from dtb_jax.types import Trials

SHORT = {
    "hammerAP_run-01": "faces",
    "stroopAP_run-01": "stroop_AP",
    "stroopPA_run-01": "stroop_PA",
}
FIRST = 5
"""Trials of the few-shot figures."""


def behaviour_statistics(runs: Mapping[str, Trials]) -> dict[str, float]:
    """The statistics of TCP's behaviour that a simulation has to reach.

    Times in ms, over correct trials, people with at least one in each condition; shares
    over all trials of everybody.

    Args:
        runs: trials of the three runs, [people, trial], the same people in each.

    Returns: {name: value}. By run: shares of correct, wrong and no presses; mean and SD over
        people of each condition's time and of the effect; SD within people; reliabilities of time
        and effect (odd and even trials, stepped up); r of single trials with what their person
        does in the other trials (`trial_r`), in these trials (`oracle`), and with other people's
        deviation (`item`); the same from the first half to the second. Between runs and tasks: r
        over people, and how well the first five trials tell the rest.
    """
    found: dict[str, float] = {}
    times, effects, halves = {}, {}, {}
    for run, trials in runs.items():
        name, task = SHORT[run], DESIGNS[run][0]
        right, present = correct_mask(trials), trials.present
        time_ms = 1000 * trials.response_time_s
        means = condition_means(time_ms, right, trials.condition, 2)
        known = np.isfinite(means).all(1)
        right = right & known[:, None]
        here, correct = present.any(1), correct_mask(trials)
        for what, counted in (
            ("accuracy", correct),
            ("errors", trials.answered & ~correct),
            ("omissions", ~trials.answered),
        ):
            found[f"{name}_{what}"] = masked_mean(counted * 1.0, present)[here].mean()
        for c, condition in enumerate(task.conditions):
            found[f"{name}_rt_{condition}_ms"] = means[known, c].mean()
            found[f"{name}_rt_{condition}_sd_ms"] = means[known, c].std(ddof=1)
        effect = means[:, 1] - means[:, 0]
        found[f"{name}_effect_ms"] = effect[known].mean()
        found[f"{name}_effect_sd_ms"] = effect[known].std(ddof=1)
        found[f"{name}_rt_within_sd_ms"] = _within_sd(time_ms, right)[known].mean()
        odd = _odd_within_condition(trials.condition)
        parts = [right & odd, right & ~odd]
        found[f"{name}_rt_reliability"] = _stepped_up(
            _r(*(masked_mean(time_ms, part) for part in parts))
        )
        split = [condition_means(time_ms, part, trials.condition, 2) for part in parts]
        halves[run] = [half[:, 1] - half[:, 0] for half in split]
        found[f"{name}_effect_reliability"] = _stepped_up(_r(*halves[run]))
        times[run], effects[run] = masked_mean(time_ms, right), effect
        found |= _trial_statistics(name, trials, time_ms, right)
    faces, ap, pa = runs
    found["stroop_effect_reliability_both_runs"] = _stepped_up(
        _r(*(halves[ap][k] + halves[pa][k] for k in (0, 1)))
    )
    found["stroop_rt_between_runs_r"] = _r(times[ap], times[pa])
    found["stroop_effect_between_runs_r"] = _r(effects[ap], effects[pa])
    found["faces_stroop_AP_rt_r"] = _r(times[faces], times[ap])
    found["faces_stroop_PA_rt_r"] = _r(times[faces], times[pa])
    right, time_ms = correct_mask(runs[pa]), 1000 * runs[pa].response_time_s
    few = right & (np.arange(right.shape[1]) < FIRST)
    first, rest = masked_mean(time_ms, few), masked_mean(time_ms, right & ~few)
    found["stroop_PA_rt_from_5_trials_r"] = _r(first, rest)
    found["stroop_PA_rt_from_AP_r"] = _r(times[ap], rest)
    found["stroop_PA_rt_from_AP_and_5_trials_r"] = _multiple_r(rest, times[ap], first)
    return {name: float(value) for name, value in found.items()}


def _trial_statistics(name, trials: Trials, time_ms, right) -> dict[str, float]:
    """How well single trials are told: by odd and even trials, and by the paper's time split."""
    index = np.arange(right.shape[1])
    first = right & (trials.onset_s < SPLIT_S)
    second = right & (trials.onset_s >= SPLIT_S) & (trials.onset_s < STOP_S)
    even, odd = right & (index % 2 == 0), right & (index % 2 == 1)
    own = _told(time_ms, odd, trials)  # an oracle: it sees the tested trials
    person = _told(time_ms, first, trials)
    return {
        f"{name}_trial_r": _trial_r(time_ms, odd, _told(time_ms, even, trials)),
        f"{name}_trial_oracle_r": _trial_r(time_ms, odd, own),
        f"{name}_trial_oracle_item_r": _trial_r(time_ms, odd, own + _items(time_ms, odd, own)),
        f"{name}_second_half_r": _r(masked_mean(time_ms, first), masked_mean(time_ms, second)),
        f"{name}_second_half_trial_r": _trial_r(time_ms, second, person),
        f"{name}_second_half_trial_item_r": _trial_r(
            time_ms, second, person + _items(time_ms, second, person)
        ),
    }


def _told(time_ms, training, trials: Trials) -> np.ndarray:
    """Each trial told by its person's mean in its condition, or overall where there is none."""
    means = condition_means(time_ms, training, trials.condition, 2)
    overall = masked_mean(time_ms, training)[:, None]
    return np.take_along_axis(np.where(np.isfinite(means), means, overall), trials.condition, 1)


def _items(time_ms, mask, told) -> np.ndarray:
    """What other people do in each trial beyond what they are told to do."""
    beyond = np.where(mask & np.isfinite(told), time_ms - told, 0)
    others = mask.sum(0) - mask
    return (beyond.sum(0) - beyond) / np.maximum(others, 1)


def _trial_r(time_ms, tested, told) -> float:
    counted = tested & np.isfinite(told)
    return np.corrcoef(time_ms[counted], told[counted])[0, 1]


def _within_sd(values, mask) -> np.ndarray:
    centred = np.where(mask, values - masked_mean(values, mask)[:, None], 0)
    return np.sqrt((centred**2).sum(1) / np.maximum(mask.sum(1) - 1, 1))


def _odd_within_condition(condition) -> np.ndarray:
    odd = np.zeros(condition.shape, bool)
    for c in np.unique(condition):
        odd |= (condition == c) & (np.cumsum(condition == c, axis=1) % 2 == 1)
    return odd


def _r(x, y) -> float:
    known = np.isfinite(x) & np.isfinite(y)
    return np.corrcoef(x[known], y[known])[0, 1]


def _multiple_r(y, *columns) -> float:
    known = np.isfinite(y) & np.all([np.isfinite(column) for column in columns], axis=0)
    design = np.stack([np.ones(known.sum()), *(column[known] for column in columns)], axis=1)
    fitted = design @ np.linalg.lstsq(design, y[known], rcond=None)[0]
    return np.corrcoef(fitted, y[known])[0, 1]


def _stepped_up(r: float) -> float:
    """Spearman and Brown: from half the trials to all."""
    return 2 * r / (1 + r)


def connectome_statistics(
    first: Float[np.ndarray, "people edge"],
    second: Float[np.ndarray, "people edge"],
    whole: Float[np.ndarray, "people edge"],
) -> dict[str, float]:
    """Similarity and spread of edges within one run.

    Args:
        first, second: edges of the run's two halves.
        whole: edges of the run.

    Returns: `similarity_between_people`: mean r of the edges of two people (whole runs);
        `split_half_similarity`: mean r of a person's halves; `identification`: share of people
        whose half is most similar to their own other half, both ways; `edge_mean`; `edge_sd`
        over edges within a person; `edge_sd_between_people`; `edge_split_half_r`: r over people
        of an edge's two halves, mean over edges.
    """
    people = len(whole)
    other = ~np.eye(people, dtype=bool)
    r = np.corrcoef(first, second)[:people, people:]
    own = np.arange(people)
    a, b = (half - half.mean(0) for half in (first, second))
    scale = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return {
        "similarity_between_people": float(np.corrcoef(whole)[other].mean()),
        "split_half_similarity": float(np.diag(r).mean()),
        "identification": float(((r.argmax(0) == own).mean() + (r.argmax(1) == own).mean()) / 2),
        "edge_mean": float(whole.mean()),
        "edge_sd": float(whole.std(axis=1).mean()),
        "edge_sd_between_people": float(whole.std(axis=0, ddof=1).mean()),
        "edge_split_half_r": float(((a * b).sum(0) / scale).mean()),
    }


def reliability(
    first: Float[np.ndarray, "people measure"], second: Float[np.ndarray, "people measure"]
) -> float:
    """ICC(1, 1) over two runs, mean over measures: (MS between - MS within) / their sum."""
    between = 2 * ((first + second) / 2).var(axis=0, ddof=1)
    within = ((first - second) ** 2).mean(axis=0) / 2
    return float(((between - within) / (between + within)).mean())
