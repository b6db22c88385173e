"""What can be said without a connectome; every figure of a twin stands beside these."""

import numpy as np

from dtb_jax.evaluation.metrics import condition_means, masked_mean
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.types import TaskRun, Trials


def correct_mask(trials: Trials) -> np.ndarray:
    """Answered correctly, [people, trial]: the trials whose reaction times are compared."""
    right = np.take_along_axis(trials.possible, trials.correct[..., None], -1)[..., 0]
    return right & trials.answered & trials.present


def always_correct(run: TaskRun) -> Prediction:
    """Everybody presses the correct button on every trial."""
    return Prediction(choice=run.trials.correct)


def own_training_half(run: TaskRun, training: np.ndarray) -> Prediction:
    """A person's own mean reaction time in the training part, overall and by condition.

    Args:
        run: one run.
        training: trials of the training part, [people, trial].
    """
    trials, counted = run.trials, correct_mask(run.trials) & training
    person = masked_mean(trials.response_time_s, counted)
    conditions = len(run.task.conditions)
    means = condition_means(trials.response_time_s, counted, trials.condition, conditions)
    means = np.where(np.isfinite(means), means, person[:, None])
    trial = np.take_along_axis(means, trials.condition, axis=1)
    return Prediction(reaction_time_s=trial, person_time_s=person, condition_time_s=means)


def group_mean(run: TaskRun, training: np.ndarray, test_bold: np.ndarray, mask: np.ndarray):
    """What other people do: the group's condition means and, in BOLD, its mean time course.

    The time course is the mean over the *other* people in the test part: it knows how brains
    answer this very sequence and nothing about the person.

    Args:
        run: one run.
        training: trials of the training part.
        test_bold: observed BOLD of the test part, [people, volume, region].
        mask: [people, volume].
    """
    trials, counted = run.trials, correct_mask(run.trials) & training
    conditions = len(run.task.conditions)
    means = np.array(
        [
            trials.response_time_s[counted & (trials.condition == c)].mean()
            if (counted & (trials.condition == c)).any()
            else np.nan
            for c in range(conditions)
        ]
    )
    weight = mask[..., None].astype(float)
    others = (weight * test_bold).sum(0) - weight * test_bold
    count = weight.sum(0) - weight
    return Prediction(
        choice=trials.correct,
        reaction_time_s=means[trials.condition],
        bold=others / np.maximum(count, 1),
        personal=False,
    )


def derangement(people: int, seed: int) -> np.ndarray:
    """A random order of people in which nobody keeps their own place."""
    order = np.random.default_rng([seed, people]).permutation(people)
    shifted = np.empty(people, int)
    shifted[order] = np.roll(order, 1)
    return shifted
