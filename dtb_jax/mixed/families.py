"""The mixed-effects twin among the other models: what it says of a fold's test part.

Two readings: what is known of the person alone, and with what the training people do on each trial
of the test part beyond what the twin tells of them. People nobody has seen are told the second way
(regressions on edges are, too); in later time of the same people the first is the twin's own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dtb_jax.evaluation.baselines import derangement
from dtb_jax.evaluation.folds import Fold, Part
from dtb_jax.evaluation.people import correct_mask, masked_mean
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.evaluation.profiles import Items, items_beyond
from dtb_jax.mixed.posterior import Gaussian
from dtb_jax.mixed.tell import tell
from dtb_jax.mixed.workflow import Mixed, train
from dtb_jax.types import Cohort

Family = Callable[[Cohort, Fold], dict[str, list[Prediction]]]


def mixed_effects(
    *,
    seed: int,
    networks: Sequence[str] | None,
    folder: Path | None = None,
    on_fit: Callable[[Fold, Mixed], None] = lambda fold, mixed: None,
    **options,
) -> Family:
    """A mixed-effects twin trained on the fold.

    Args:
        seed: of everything random.
        networks: a label a parcel; None: unknown.
        folder: of checkpoints, one subfolder a fold.
        on_fit: told every fitted twin.
        **options: of `workflow.train`.
    """

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        place = None if folder is None else folder / fold.name
        mixed = train(cohort, fold.training, seed=seed, networks=networks, folder=place, **options)
        on_fit(fold, mixed)
        return told_by(mixed, cohort, fold, seed=seed)

    return family


def told_by(mixed: Mixed, cohort: Cohort, fold: Fold, *, seed: int) -> dict[str, list[Prediction]]:
    """What a fitted twin says of the test part.

    People who trained are known from their training trials, others from their connectomes alone.
    """
    unseen = not (fold.training.people & fold.test.people).any()
    later = fold.test.start_s >= fold.training.stop_s
    belief = everybodys(mixed, cohort, mixed.ahead() if later else mixed.seen())
    donors = fold.test._replace(people=fold.training.people | fold.test.people)
    plain = _tell(mixed, cohort, donors, belief)
    items = beyond(cohort, fold, plain)
    more = _tell(mixed, cohort, fold.test, belief, items)
    if not unseen:
        return {"twin": plain, "twin_and_items": more}
    found = {"twin": more, "twin_without_items": plain}
    for name, other in swapped(cohort, fold, seed=seed).items():
        moved = belief._replace(mean=mixed.prior.of(other).mean)
        found[name] = _tell(mixed, cohort, fold.test, moved, items)
    wider = spread_of(cohort, fold, mixed)
    return {name: scaled(told, wider) for name, told in found.items()}


def swapped(cohort: Cohort, fold: Fold, *, seed: int) -> dict[str, np.ndarray]:
    """Connectomes in the tested people's place: each other's, and the training people's mean."""
    edges, tested = cohort.connectomes, np.flatnonzero(fold.test.people)
    shuffled = edges.copy()
    shuffled[tested] = edges[tested[derangement(len(tested), seed)]]
    mean = edges[fold.training.people].mean(axis=0)
    return {
        "shuffled_connectome": shuffled,
        "group_mean_connectome": np.broadcast_to(mean, edges.shape),
    }


def everybodys(mixed: Mixed, cohort: Cohort, trained: Gaussian) -> Gaussian:
    """Belief in all people of a cohort: those who trained, and others by their connectomes."""
    belief = mixed.prior.of(cohort.connectomes)
    belief.mean[mixed.people] = trained.mean
    belief.covariance[mixed.people] = trained.covariance
    return belief


def beyond(cohort: Cohort, fold: Fold, told: list[Prediction]) -> list[Items]:
    """What the training people do on each trial of the test part beyond what is told of them."""
    whole = fold.test._replace(people=np.ones(len(fold.test.people), bool))
    runs = whole.of(cohort).runs
    return [
        items_beyond(run, one, fold.training.people & run.present, whole.trials(run))
        for run, one in zip(runs, told, strict=True)
    ]


def spread_of(cohort: Cohort, fold: Fold, mixed: Mixed) -> list[float]:
    """By how much mean times of training people are off, in units of what was told, for every run.

    Training people are told from what the others make of their connectomes.
    """
    part = fold.test._replace(people=fold.training.people)
    belief = everybodys(mixed, cohort, mixed.prior.of_training())
    told = _tell(mixed, cohort, part, belief)
    found = []
    for run, one in zip(part.of(cohort).runs, told, strict=True):
        tested = part.trials(run)
        timed = tested & correct_mask(run.trials)
        off = masked_mean(run.trials.response_time_s, timed) - masked_mean(
            one.reaction_time_s, tested
        )
        kept = timed.sum(axis=1) > 1
        off = off[kept] - off[kept].mean()  # items say what is everybody's
        found.append(float(np.sqrt((off**2).mean() / (one.person_time_sd_s[kept] ** 2).mean())))
    return found


def scaled(told: list[Prediction], by: list[float]) -> list[Prediction]:
    """Predictions whose spread of a person's mean time is another."""
    return [
        one._replace(person_time_sd_s=one.person_time_sd_s * factor)
        for one, factor in zip(told, by, strict=True)
    ]


def _tell(mixed: Mixed, cohort: Cohort, part: Part, belief: Gaussian, items=None):
    return tell(mixed.population, mixed.common, mixed.scanner.scale, cohort, part, belief, items)
