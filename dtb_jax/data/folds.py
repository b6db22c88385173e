"""Which part of the data trains and which tests: by time, by run, by people, or by both at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from dtb_jax.data.splits import SPLIT_S, STOP_S, Times, in_part, of_run
from dtb_jax.types import Cohort, Run


class Subset(NamedTuple):
    """Some people, some runs, and a stretch of each run's time, the same or one a run."""

    people: Bool[np.ndarray, " people"]
    runs: tuple[str, ...]
    start_s: Times = 0.0
    stop_s: Times = np.inf
    name: str = "whole"  # of its fold

    def of(self, cohort: Cohort) -> Cohort:
        """The cohort with this part's runs only; people keep their rows."""
        return cohort._replace(runs=tuple(run for run in cohort.runs if run.name in self.runs))

    def span(self, run: Run) -> tuple[float, float]:
        """Start and end of this part in a run, seconds."""
        return of_run(self.start_s, run.name), of_run(self.stop_s, run.name)

    def trials(self, run: Run) -> Bool[np.ndarray, "people trial"]:
        """Trials of a run that begin in this part."""
        if run.name not in self.runs:
            return np.zeros_like(run.trials.present)
        return in_part(run, *self.span(run)) & (self.people & run.present)[:, None]


class Fold(NamedTuple):
    """What may be learned from, and what is predicted."""

    training: Subset
    test: Subset
    name: str = "whole"

    def is_later(self) -> bool:
        """Whether the test follows the training in every run that is tested."""
        return all(
            of_run(self.test.start_s, run) >= of_run(self.training.stop_s, run)
            for run in self.test.runs
            if run in self.training.runs
        )


def everybody(cohort: Cohort) -> Subset:
    """All people, all runs, all of the time."""
    return Subset(np.ones(len(cohort.connectomes), bool), tuple(run.name for run in cohort.runs))


def time_split(cohort: Cohort, split_s: Times = SPLIT_S, stop_s: Times = STOP_S) -> list[Fold]:
    """The paper's split: each run's first part trains, its second tests, the same people."""
    whole = everybody(cohort)
    return [Fold(whole._replace(stop_s=split_s), whole._replace(start_s=split_s, stop_s=stop_s))]


def by_run(cohort: Cohort, test_runs: Sequence[str]) -> list[Fold]:
    """Other runs of the same people test; all the rest trains (AP trains, PA tests).

    Raises: ValueError when a run is not there, or none is left to train on.
    """
    whole = everybody(cohort)
    unknown = [name for name in test_runs if name not in whole.runs]
    if unknown:
        raise ValueError(f"run {unknown[0]!r} is not in the cohort ({', '.join(whole.runs)})")
    rest = tuple(name for name in whole.runs if name not in test_runs)
    if not rest:
        raise ValueError(f"no run is left to train on: all of {', '.join(whole.runs)} test")
    return [Fold(whole._replace(runs=rest), whole._replace(runs=tuple(test_runs)))]


MOST_FOLDS, FEWEST_TESTED = 10, 5
"""Folds of people where nobody says how many, and people that each is to test."""


def usual_folds(people: int) -> int:
    """Ten folds, fewer where a fold would test fewer than `FEWEST_TESTED` people; at least two."""
    return min(MOST_FOLDS, max(2, people // FEWEST_TESTED))


def group_k_fold(cohort: Cohort, folds: int, *, seed: int) -> list[Fold]:
    """K folds of people: whoever tests has trained nothing.

    Args:
        cohort: `participants` with columns site, group and family: folds hold like shares of
            sites and groups, and people of one family (whatever the reader took it from) stay
            together.
        folds: how many.
        seed: of the assignment; repeats take others.

    Raises: ValueError when there are fewer families, or people, than folds.
    """
    fold = assign_folds(cohort.participants, folds, seed=seed)
    whole = everybody(cohort)
    return [
        Fold(whole._replace(people=fold != k), whole._replace(people=fold == k), f"fold_{seed}_{k}")
        for k in range(folds)
    ]


def nested(people: Sequence[Fold], other: Fold) -> list[Fold]:
    """Both at once: people of the training folds in one part, unseen people in the other."""
    return [
        Fold(
            other.training._replace(people=fold.training.people),
            other.test._replace(people=fold.test.people),
            fold.name,
        )
        for fold in people
    ]


def assign_folds(
    participants: pd.DataFrame, folds: int, *, seed: int
) -> Int[np.ndarray, " people"]:
    """A fold for everybody, stratified by site and group, families kept together.

    Source: scikit-learn's StratifiedKFold and StratifiedGroupKFold.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    people = len(participants)
    family = _families(participants)
    if len(np.unique(family)) < folds:
        kind = "people" if len(np.unique(family)) == people else "families"
        raise ValueError(f"{len(np.unique(family))} {kind}, expected at least {folds}: one a fold")
    related = len(np.unique(family)) < people
    kind = StratifiedGroupKFold if related else StratifiedKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    strata = _strata(participants, folds)
    fold = np.zeros(people, int)
    for k, (_, test) in enumerate(
        splitter.split(np.zeros(people), strata, family if related else None)
    ):
        fold[test] = k
    return fold


def _families(participants: pd.DataFrame) -> np.ndarray:
    """A number a family; whoever has none is alone."""
    alone = pd.Series([f"alone {k}" for k in range(len(participants))], participants.index)
    known = participants["family"] if "family" in participants else pd.Series(dtype=object)
    named = known.reindex(participants.index).map(lambda v: v if pd.isna(v) else f"family {v}")
    return pd.factorize(named.where(named.notna(), alone))[0]


def _strata(participants: pd.DataFrame, folds: int) -> np.ndarray:
    """Site and group; combinations too rare for one a fold become one stratum."""
    site, group = (participants[c].astype(object).fillna("unknown") for c in ("site", "group"))
    label = site.astype(str) + " " + group.astype(str)
    count = label.map(label.value_counts())
    label = label.where(count >= folds, "rare")
    if (label == "rare").sum() < folds:  # too few even together: they join the largest
        label = label.where(label != "rare", label.value_counts().index[0])
    return pd.factorize(label)[0]
