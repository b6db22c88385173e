"""The mixed-effects twin among the other models: what it says of a fold's test part.

Two readings: what is known of the person alone, and with what the training people do on each trial
of the test part beyond what the twin tells of them. People nobody has seen are told the second way
(regressions on edges are, too); in later time of the same people the first is the twin's own.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.glm import expected_t, make_glm
from dtb_jax.models.intervals import errors
from dtb_jax.models.memory import remember_last
from dtb_jax.models.mixed_effects.ensemble import mixture
from dtb_jax.models.mixed_effects.items import of_new_trials
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.mixed_effects.posterior import Gaussian
from dtb_jax.models.mixed_effects.predict import predict
from dtb_jax.models.mixed_effects.training import Mixed, train_members
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import ItemEffects, items_beyond
from dtb_jax.types import Cohort, Run, required

DRAWS = 5
"""Of shuffled connectomes; each costs as much as predicting with the own ones."""


class MixedEffectsTwin(NamedTuple):
    """A population, what connectomes say of its people, and the people; several seeds as one."""

    seeds: Sequence[int] = (0,)
    networks: Sequence[str] | None = None  # a label a parcel, for features between networks
    units: int = 32
    coordinates: int = 16
    method: Method = Method()
    folder: Path | None = None  # of checkpoints, one subfolder a fold; None keeps none
    progress: Callable[[int, str], AbstractContextManager] = lambda epochs, what: nullcontext(
        lambda row: None
    )  # shows epochs: a context that gives what is called after each

    def fit(self, cohort: Cohort, subset: Subset) -> "FittedMembers":
        epochs = self.method.epochs(int(subset.people.sum()))
        with self.progress(epochs, f"learning ({subset.name})") as show:
            members = train_members(
                cohort,
                subset,
                seeds=self.seeds,
                networks=self.networks,
                units=self.units,
                coordinates=self.coordinates,
                method=self.method,
                folder=None if self.folder is None else self.folder / subset.name,
                on_epoch=show,
            )
        return FittedMembers(members, subset)


class FittedMembers(NamedTuple):
    """Mixed-effects twins of several seeds, fitted to the same part of the data."""

    members: list[Mixed]
    training: Subset

    def predict(
        self,
        cohort: Cohort,
        subset: Subset,
        connectomes: np.ndarray | None = None,
        *,
        items: bool | None = None,
    ) -> list[Prediction]:
        """What is expected of people; who trained is known from trials, others from connectomes.

        Args:
            cohort, subset: whom and what to predict.
            connectomes: in place of the cohort's own.
            items: whether to add what the training people do on each trial of the subset; None:
                for people nobody trained on.
        """
        each = [
            one.predict(connectomes, items)
            for one in contexts(self.members, cohort, self.training, subset)
        ]
        return as_one(each, cohort, subset)


@remember_last
def contexts(
    members: Sequence[Mixed], cohort: Cohort, training: Subset, subset: Subset
) -> list["Context"]:
    """What each member knows of the people of a subset."""
    return [Context(one, cohort, Fold(training, subset)) for one in members]


@dataclass(frozen=True)
class Context:
    """A twin in front of the people of a fold's test part."""

    mixed: Mixed
    cohort: Cohort
    fold: Fold

    @cached_property
    def unseen(self) -> bool:
        """Whether nobody tested has trained."""
        return not (self.fold.training.people & self.fold.test.people).any()

    @cached_property
    def belief(self) -> list[Gaussian]:
        """Of every run, in everybody."""
        runs = [run.name for run in self.fold.test.of(self.cohort).runs]
        return everybodys(
            self.mixed, self.cohort, self.mixed.seen(runs, later=self.fold.is_later())
        )

    @cached_property
    def items(self) -> list[ItemEffects]:
        """Of every run, what the training people do on each trial beyond what the twin says."""
        donors = self.fold.test._replace(people=self.fold.training.people | self.fold.test.people)
        return beyond(self.cohort, self.fold, said(self.mixed, self.cohort, donors, self.belief))

    @cached_property
    def wider(self) -> list[float]:
        """See `spread_of`."""
        return spread_of(self.cohort, self.fold, self.mixed)

    def predict(self, connectomes: np.ndarray | None, items: bool | None) -> list[Prediction]:
        """See `FittedMembers.predict`."""
        belief = self.belief
        if connectomes is not None:
            belief = [one._replace(mean=self.mixed.prior.of(connectomes)) for one in belief]
        with_items = self.unseen if items is None else items
        told = said(
            self.mixed,
            self.cohort,
            self.fold.test,
            belief,
            self.items if with_items else None,
            new=not with_items,
        )
        return scaled(told, self.wider) if self.unseen else told


def other_reading(fitted: FittedMembers, cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
    """The reading that `predict` does not give: with items for people seen, without for others."""
    unseen = not (fold.training.people & fold.test.people).any()
    name = "twin_without_items" if unseen else "twin_and_items"
    return {name: fitted.predict(cohort, fold.test, items=not unseen)}


def as_one(each: list[list[Prediction]], cohort: Cohort, subset: Subset) -> list[Prediction]:
    """What several members say, as one."""
    if len(each) == 1:
        return each[0]
    return mixture(each, [subset.trials(run) for run in subset.of(cohort).runs])


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


def beyond(cohort: Cohort, fold: Fold, told: list[Prediction]) -> list[ItemEffects]:
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
        told_sd = required(one.person_time_sd_s)[kept]
        found.append(float(np.sqrt((around**2).mean() / (told_sd**2).mean())))
    return found


def scaled(told: list[Prediction], by: list[float]) -> list[Prediction]:
    """Predictions whose spread of a person's mean time is another."""
    return [
        one._replace(person_time_sd_s=required(one.person_time_sd_s) * factor)
        for one, factor in zip(told, by, strict=True)
    ]


def said(
    mixed: Mixed,
    cohort: Cohort,
    part: Subset,
    belief: list[Gaussian],
    items: list[ItemEffects] | None = None,
    *,
    new: bool = False,
) -> list[Prediction]:
    """What the twin says of a part with this belief in everybody, see `predict.predict`.

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
    told = predict(
        mixed.population, mixed.common, scale, cohort, part, belief, items, drawn or None
    )
    return [with_t(mixed, run, part, one) for run, one in zip(part.of(cohort).runs, told)]


def with_t(mixed: Mixed, run: Run, part: Subset, told: Prediction) -> Prediction:
    """A prediction with the t-values that its BOLD lets one expect in this scanner."""
    if told.bold is None:
        return told
    glm = make_glm(run, *part.span(run))
    series = np.nan_to_num(told.bold[:, : glm.mask.shape[1]])
    sd = np.asarray(mixed.scanner.noise.sd) * mixed.scanner.scale.sd
    t = expected_t(glm, series, sd)
    return told._replace(person_t=np.where(part.people[:, None], t, np.nan))
