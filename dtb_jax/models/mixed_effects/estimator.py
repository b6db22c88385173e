"""The mixed-effects twin among the other models: what it says of a fold's test part.

Two readings: what is known of the person alone, and with what the training people do on each trial
of the test part beyond what the twin tells of them. People nobody has seen are told the second way
(regressions on edges are, too); in later time of the same people the first is the twin's own.
"""

import numpy as np

from dtb_jax.data.folds import Fold, Part
from dtb_jax.data.glm import expected_t, make_glm
from dtb_jax.models.families import MEAN
from dtb_jax.models.intervals import errors
from dtb_jax.models.mixed_effects.items import of_new_trials
from dtb_jax.models.mixed_effects.posterior import Gaussian
from dtb_jax.models.mixed_effects.predict import tell
from dtb_jax.models.mixed_effects.training import Mixed
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import Items, items_beyond
from dtb_jax.models.surrogates import strangers
from dtb_jax.types import Cohort, TaskRun

DRAWS = 5
"""Of shuffled connectomes; each costs as much as telling of the own ones."""


def told_by(mixed: Mixed, cohort: Cohort, fold: Fold, *, seed: int) -> dict[str, list[Prediction]]:
    """What a fitted twin says of the test part.

    People who trained are known from their training trials, others from their connectomes alone.
    """
    unseen = not (fold.training.people & fold.test.people).any()
    later = fold.is_later()
    runs = [run.name for run in fold.test.of(cohort).runs]
    belief = everybodys(mixed, cohort, mixed.seen(runs, later=later))
    donors = fold.test._replace(people=fold.training.people | fold.test.people)
    items = beyond(cohort, fold, said(mixed, cohort, donors, belief))
    more = said(mixed, cohort, fold.test, belief, items)
    plain = said(mixed, cohort, fold.test, belief, new=True)
    if not unseen:
        return {"twin": plain, "twin_and_items": more}
    found = {"twin": more, "twin_without_items": plain}
    for name, other in strangers(cohort, fold, seed=seed, draws=DRAWS).items():
        moved = [one._replace(mean=mixed.prior.of(other)) for one in belief]
        found[name] = said(mixed, cohort, fold.test, moved, items)
    found[MEAN] = [run._replace(personal=False) for run in found[MEAN]]
    wider = spread_of(cohort, fold, mixed)
    return {name: scaled(told, wider) for name, told in found.items()}


def everybodys(mixed: Mixed, cohort: Cohort, trained: list[Gaussian]) -> list[Gaussian]:
    """Belief in all people of a cohort in some runs.

    Args:
        mixed: the twin.
        cohort: people who did not train are known by their connectomes alone.
        trained: of every run, belief in those who did.
    """
    others = mixed.unseen(mixed.prior.of(cohort.connectomes))
    return [replaced(others, mixed.people, one) for one in trained]


def replaced(belief: Gaussian, people: np.ndarray, now: Gaussian) -> Gaussian:
    """The belief with that in some people exchanged for another."""
    found = Gaussian(belief.mean.copy(), belief.covariance.copy())
    found.mean[people], found.covariance[people] = now
    return found


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
    alone = mixed.unseen(mixed.prior.of_training())
    belief = everybodys(mixed, cohort, [alone] * len(part.of(cohort).runs))
    told = said(mixed, cohort, part, belief)
    found = []
    for off, one in zip(errors(cohort, part, told), told, strict=True):
        kept = np.isfinite(off)
        around = off[kept] - off[kept].mean()  # items say what is everybody's
        found.append(float(np.sqrt((around**2).mean() / (one.person_time_sd_s[kept] ** 2).mean())))
    return found


def scaled(told: list[Prediction], by: list[float]) -> list[Prediction]:
    """Predictions whose spread of a person's mean time is another."""
    return [
        one._replace(person_time_sd_s=one.person_time_sd_s * factor)
        for one, factor in zip(told, by, strict=True)
    ]


def said(
    mixed: Mixed,
    cohort: Cohort,
    part: Part,
    belief: list[Gaussian],
    items: list[Items] | None = None,
    *,
    new: bool = False,
) -> list[Prediction]:
    """What the twin says of a part with this belief in everybody, see `tell.tell`.

    Args:
        mixed: the twin.
        cohort, part: whom and what to tell.
        belief: of every run, in each person of the cohort.
        items: what trials add to everybody.
        new: whether each trial may be any that the twin has learned; else it adds nothing.
    """
    drawn = []
    for run in part.of(cohort).runs if new else ():
        alike = [one.name for one in cohort.runs if one.task.name == run.task.name]
        shape = (belief[0].mean.shape[1] + 1, run.trials.onset_s.shape[1])
        drawn.append(of_new_trials(mixed.common.items, mixed.items, alike, shape, seed=0))
    scale = mixed.scanner.scale
    told = tell(mixed.population, mixed.common, scale, cohort, part, belief, items, drawn or None)
    return [with_t(mixed, run, part, one) for run, one in zip(part.of(cohort).runs, told)]


def with_t(mixed: Mixed, run: TaskRun, part: Part, told: Prediction) -> Prediction:
    """A prediction with the t-values that its BOLD lets one expect in this scanner."""
    if told.bold is None:
        return told
    glm = make_glm(run, *part.span(run))
    series = np.nan_to_num(told.bold[:, : glm.mask.shape[1]])
    sd = np.asarray(mixed.scanner.noise.sd) * mixed.scanner.scale.sd
    t = expected_t(glm, series, sd)
    return told._replace(person_t=np.where(part.people[:, None], t, np.nan))
