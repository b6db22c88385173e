"""A person in a few numbers, and what they say of every trial: the form all baselines share.

A profile holds a mean time, a spread and two error rates a condition. With what other people do
on each trial it becomes a full prediction, in which presses are lognormal.
"""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit
from scipy.stats import norm

from dtb_jax.data.averages import condition_means, correct_mask
from dtb_jax.models.prediction import LEVELS, Prediction
from dtb_jax.types import STEP_S, Run, Trials

PRIOR_TRIALS = 5.0
"""Trials of the group that a person's own error rates are mixed with: no rate is 0 or 1."""
BEYOND_PRIOR = 2.0
"""Donors who say that a trial adds nothing to what a model tells."""
SPREAD = 0.3
"""SD of log times in a condition in which nobody pressed correctly twice."""
LAPSE = 0.01
"""Share of presses anywhere in the window: one odd press must not outweigh all others."""


class ParticipantSummary(NamedTuple):
    """What is said of each person in each condition; NaN where nothing is known."""

    time_s: Float[np.ndarray, "people condition"]  # mean of correct presses
    spread: Float[np.ndarray, "people condition"]  # SD of the logarithm of the time
    error: Float[np.ndarray, "people condition"]  # P(wrong | pressed)
    omission: Float[np.ndarray, "people condition"]


class ItemEffects(NamedTuple):
    """What a trial adds to everybody's condition: seconds, and log odds of the two rates."""

    time_s: Float[np.ndarray, "people trial"]
    error: Float[np.ndarray, "people trial"]
    omission: Float[np.ndarray, "people trial"]


def observe(
    run: Run, counted: Bool[np.ndarray, "people trial"], donors: Bool[np.ndarray, " people"]
) -> ParticipantSummary:
    """Everybody's own profile in the counted trials.

    Args:
        run: behaviour.
        counted: trials that may be used.
        donors: people whose rates smooth everybody's, see `PRIOR_TRIALS`.
    """
    trials, conditions = run.trials, len(run.task.conditions)
    right = correct_mask(trials)

    def means(values, mask):
        return condition_means(values, mask, trials.condition, conditions)

    timed = counted & right
    time = means(trials.response_time_s, timed)
    logs = np.log(np.where(timed & (trials.response_time_s > 0), trials.response_time_s, 1))
    variance = means(logs**2, timed) - means(logs, timed) ** 2
    number = _count(timed, trials, conditions)
    spread = np.sqrt(np.maximum(variance, 1e-4) * number / np.maximum(number - 1, 1))
    pressed = counted & trials.answered
    return ParticipantSummary(
        time,
        np.where(number > 1, spread, np.nan),
        _rate(pressed & ~right, pressed, trials, conditions, donors),
        _rate(counted & ~trials.answered, counted, trials, conditions, donors),
    )


def _count(mask, trials: Trials, conditions: int) -> np.ndarray:
    return np.stack([(mask & (trials.condition == c)).sum(1) for c in range(conditions)], 1)


def _rate(event, counted, trials: Trials, conditions: int, donors) -> np.ndarray:
    """Events among counted trials, mixed with the donors' rate."""
    events, count = (_count(mask, trials, conditions) for mask in (event, counted))
    group = (events[donors].sum(0) + 0.5) / (count[donors].sum(0) + 1.0)
    return (events + PRIOR_TRIALS * group) / (count + PRIOR_TRIALS)


def mean_profile(
    profile: ParticipantSummary, people: Bool[np.ndarray, " people"]
) -> ParticipantSummary:
    """The same for everybody: the mean of these people, their differences added to the spread.

    NaN in a condition of which nobody knows anything.
    """
    total = len(profile.time_s)
    with warnings.catch_warnings():  # numpy warns where a mean is of nobody
        warnings.simplefilter("ignore", RuntimeWarning)
        within = np.nanmean(profile.spread[people] ** 2, axis=0)
        between = np.nanvar(np.log(np.maximum(profile.time_s[people], 1e-3)), axis=0)
        means = [np.nanmean(field[people], axis=0) for field in profile]
    within = np.where(np.isfinite(within), within, SPREAD**2)  # one correct press each
    rows = [means[0], np.sqrt(within + between), *means[2:]]
    return ParticipantSummary(*(np.tile(row, (total, 1)) for row in rows))


def item_profile(
    run: Run,
    donors: Bool[np.ndarray, " people"],
    counted: Bool[np.ndarray, "people trial"],
) -> ItemEffects:
    """What each trial adds, from the other donors who saw the same stimulus on it.

    Times are deviations from the donor's own condition means, rates log odds against the rate of
    the condition; a person is never their own donor.

    Args:
        run: behaviour.
        donors: who may tell.
        counted: trials of the part.
    """
    trials, conditions = run.trials, len(run.task.conditions)
    counted = counted & donors[:, None]
    right = correct_mask(trials)
    timed = counted & right
    own = condition_means(trials.response_time_s, timed, trials.condition, conditions)
    deviation = trials.response_time_s - np.take_along_axis(
        np.where(np.isfinite(own), own, 0), trials.condition, axis=1
    )
    pressed = counted & trials.answered
    shown = _kinds(trials)
    time = _others(deviation, timed, shown, prior=0.0, pseudo=0.0)
    return ItemEffects(
        np.where(np.isfinite(time), time, 0),
        _odds(pressed & ~right, pressed, shown, trials, conditions),
        _odds(counted & ~trials.answered, counted, shown, trials, conditions),
    )


def items_beyond(
    run: Run,
    told: Prediction,
    donors: Bool[np.ndarray, " people"],
    counted: Bool[np.ndarray, "people trial"],
) -> ItemEffects:
    """What each trial adds to what a model tells, from the other donors who saw the same stimulus.

    As `item_profile`, but deviations are from the model's times and rates, so that nothing counts
    twice; with few donors an item adds little, see `BEYOND_PRIOR`.

    Args:
        run: behaviour.
        told: of the donors, by the model.
        donors: who may tell.
        counted: trials of the part.
    """
    trials = run.trials
    counted = counted & donors[:, None]
    right = correct_mask(trials)
    shown = _kinds(trials)
    own = np.take_along_axis(told.choice_probability, trials.correct[..., None], -1)[..., 0]
    deviation = np.where(counted & right, trials.response_time_s - told.reaction_time_s, 0.0)
    pressed = counted & trials.answered

    def beyond(event, among, expected):
        base = np.clip(_others(expected, among, shown, 0.01, BEYOND_PRIOR), 1e-4, 0.9)
        seen = _others(event.astype(float), among, shown, base, BEYOND_PRIOR)
        return logit(seen) - logit(base)

    return ItemEffects(
        _others(deviation, counted & right, shown, 0.0, BEYOND_PRIOR),
        beyond(pressed & ~right, pressed, 1 - own),
        beyond(counted & ~trials.answered, counted, told.omission_probability),
    )


def _odds(event, counted, shown, trials: Trials, conditions: int) -> np.ndarray:
    own = [_count(mask, trials, conditions) for mask in (event, counted)]
    events, count = (each.sum(0) - each for each in own)  # of all others
    prior = np.take_along_axis((events + 0.5) / (count + 1.0), trials.condition, axis=1)
    return logit(_others(event.astype(float), counted, shown, prior, pseudo=2.0)) - logit(prior)


def _kinds(trials: Trials) -> Int[np.ndarray, "people trial"]:
    """Equal numbers in a column: people who saw the same stimulus on the trial."""
    place = np.broadcast_to(np.arange(trials.condition.shape[1]), trials.condition.shape)
    shown = np.stack([place, trials.condition, trials.item, trials.correct], axis=-1)
    _, kind = np.unique(shown.reshape(-1, 4), axis=0, return_inverse=True)
    return kind.reshape(place.shape)


def _others(values, counted, kind, prior, pseudo: float) -> np.ndarray:
    """Mean over the other donors with the same stimulus on the trial, mixed with a prior."""
    kept = np.where(counted, values, 0.0)
    own = counted.astype(float)
    total, number = (np.bincount(kind.ravel(), each.ravel())[kind] - each for each in (kept, own))
    weight = number + pseudo
    prior = np.broadcast_to(prior, kind.shape)
    return np.where(weight > 0, (total + pseudo * prior) / np.maximum(weight, 1e-9), np.nan)


def as_prediction(
    run: Run, profile: ParticipantSummary, items: ItemEffects | None = None
) -> Prediction:
    """Every trial of a run from people's profiles.

    Time = lognormal with the condition's mean (plus the item's) and spread, cut at the deadline;
    P(wrong | pressed) and P(omission) = expit(logit(condition's) + item's). Where a condition's
    time is unknown, a press may come at any time of the window.

    Args:
        run: whose trials.
        profile: of everybody.
        items: what trials add; None: nothing.
    """
    trials = run.trials

    def at_trial(values):
        return np.take_along_axis(values, trials.condition, axis=1)

    time, spread = at_trial(profile.time_s), at_trial(profile.spread)
    error, omission = at_trial(profile.error), at_trial(profile.omission)
    if items is not None:
        time = np.maximum(time + items.time_s, 0.1)
        error = expit(logit(np.clip(error, 1e-4, 0.9)) + items.error)
        omission = expit(logit(np.clip(omission, 1e-4, 0.9)) + items.omission)
    available = np.array(run.task.available)
    right = np.arange(len(available)) == trials.correct[..., None]
    wrong = ~right & available
    share = wrong / np.maximum(wrong.sum(-1, keepdims=True), 1)
    probability = np.where(right, 1 - error[..., None], error[..., None] * share)
    centre = np.log(np.maximum(time, 1e-3)) - spread**2 / 2
    deadline = np.maximum(trials.deadline_s, STEP_S)
    reached = np.maximum(norm.cdf((np.log(deadline) - centre) / spread), 1e-9)
    quantiles = np.exp(
        centre[..., None] + spread[..., None] * norm.ppf(reached[..., None] * LEVELS)
    )
    quantiles = np.minimum(quantiles, deadline[..., None])

    def share_before(t):
        return norm.cdf((np.log(np.maximum(t, 1e-9)) - centre) / spread) / reached

    first = np.floor(trials.response_time_s / STEP_S + 1e-6) * STEP_S
    first, last = np.minimum(first, deadline), np.minimum(first + STEP_S, deadline)
    at_step = share_before(last) - share_before(first)
    at_step = np.where(np.isfinite(at_step), at_step, (last - first) / deadline)
    at_step = (1 - LAPSE) * at_step + LAPSE * (last - first) / deadline
    pressed = (1 - omission) * (probability * trials.possible).sum(-1) * at_step
    told = np.where(trials.answered, pressed, omission)
    return Prediction(
        choice=np.where(np.isfinite(error), probability.argmax(-1), trials.correct),
        choice_probability=probability,
        omission_probability=omission,
        reaction_time_s=time,
        reaction_time_sd_s=time * np.sqrt(np.expm1(spread**2)),
        quantiles_s=quantiles,
        log_likelihood=np.log(np.maximum(told, 1e-6)),
    )
