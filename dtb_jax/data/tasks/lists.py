"""Who saw which trial list, and what a list alone says of people's scores.

Orders, versions and counterbalanced mappings differ in difficulty. A prediction made for each
person's own list carries that difficulty, without knowing anything of the person: an r over people
of different lists is an r over lists. Both sides of every r over people are therefore centred
within lists, and predictions are swapped between people of one list only.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from dtb_jax.types import Run

ALIKE, SHARED = 0.9, 0.75
"""Two people of one list agree on `ALIKE` of the trials that both have: correct actions may be
unknown on some. These are at least `SHARED` of the longer one's: some may be missing."""
FEWEST_IN_LIST = 5
"""People who saw a list, for its expectation to be taken out of theirs."""
MOST_PATTERNS = 2000
"""Sequences that are compared one by one; more than these are orders drawn for each person."""


class TrialLists(NamedTuple):
    """The lists of one part of a run.

    `kind` is "one" (everybody saw the same), "several", "individual" (an order drawn for each
    person: lists tell nobody apart but by their shares of conditions) or "few" (too few people a
    list to compare them).
    """

    kind: str
    label: Int[np.ndarray, " people"]  # numbered by size, largest first; -1 for no trials
    regressors: Float[np.ndarray, "people regressor"]  # shares; a row of NaN: not comparable

    @property
    def comparable(self) -> Bool[np.ndarray, " people"]:
        """Whose scores can be compared with those of others."""
        return np.isfinite(self.regressors).all(axis=1)

    @property
    def block(self) -> Int[np.ndarray, " people"]:
        """People of equal numbers are compared with each other."""
        return self.label if self.kind == "several" else np.zeros_like(self.label)

    def sizes(self) -> list[int]:
        """People in each list, largest first."""
        return [int(n) for n in np.bincount(self.label[self.label >= 0])]


def trial_lists(run: Run, tested: Bool[np.ndarray, "people trial"]) -> TrialLists:
    """Groups of people with the same sequence of conditions and correct actions.

    Two sequences are one list where they agree, see `ALIKE`. Correct actions that differ between
    nearly all people of one sequence of conditions were drawn for each person, or are not known,
    and make no list.

    Args:
        run: whose trials.
        tested: trials of the part.

    Returns: `TrialLists`; `regressors` are shares of conditions for individual orders.
    """
    trials = run.trials
    shown = np.asarray(tested.any(axis=1))
    condition = np.where(tested, trials.condition + 1, 0)
    label = np.full(len(shown), -1)
    label[shown] = _alike(condition[shown])
    for k in range(label.max(initial=-1) + 1):
        inside = np.flatnonzero(label == k)
        correct = np.where(tested, trials.correct + 1, 0)[inside]
        own = _alike(correct)
        if 2 * (own.max() + 1) <= len(inside):
            label[inside] = np.where(own > 0, label.max() + own, k)
    label[shown] = _by_size(label[shown])
    count = np.bincount(label[shown]) if shown.any() else np.zeros(0, int)
    none = np.where(shown, 0.0, np.nan)[:, None]
    if len(count) <= 1:
        return TrialLists("one", label, none[:, :0] if shown.all() else none)
    large = shown & (count[np.maximum(label, 0)] >= FEWEST_IN_LIST)
    if 2 * large.sum() >= shown.sum():
        return TrialLists("several", label, np.where(large, 0.0, np.nan)[:, None])
    if 2 * len(count) > shown.sum():
        shares = _shares(run, tested)
        return TrialLists("individual", label, np.where(shown[:, None], shares, np.nan))
    return TrialLists("few", label, np.full((len(shown), 1), np.nan))


def _shares(run: Run, tested: np.ndarray) -> Float[np.ndarray, "people condition"]:
    """Each person's share of every condition but the first among the tested trials."""
    condition = run.trials.condition[..., None] == np.arange(1, len(run.task.conditions))
    share = (condition & tested[..., None]).sum(1) / np.maximum(tested.sum(1, keepdims=True), 1)
    return share


def _alike(sequences: Int[np.ndarray, "people trial"]) -> Int[np.ndarray, " people"]:
    """A number a list: each sequence joins the first, of the commonest, that it agrees with."""
    patterns, own, count = np.unique(sequences, axis=0, return_inverse=True, return_counts=True)
    if len(patterns) > MOST_PATTERNS:
        return own.ravel()
    length = (patterns > 0).sum(axis=1)
    joined = np.full(len(patterns), -1)
    leaders: list[int] = []
    for k in np.argsort(-count, kind="stable"):
        both = (patterns[leaders] > 0) & (patterns[k] > 0)
        agree = (both & (patterns[leaders] == patterns[k])).sum(axis=1)
        shared = both.sum(axis=1)
        like = (agree >= ALIKE * shared) & (
            shared >= SHARED * np.maximum(length[leaders], length[k])
        )
        if like.any():
            joined[k] = int(np.flatnonzero(like)[0])
        else:
            joined[k] = len(leaders)
            leaders.append(int(k))
    return joined[own.ravel()]


def _by_size(label: np.ndarray) -> np.ndarray:
    """The same groups, numbered from the largest."""
    _, own, count = np.unique(label, return_inverse=True, return_counts=True)
    place = np.empty(len(count), int)
    place[np.argsort(-count, kind="stable")] = np.arange(len(count))
    return place[own.ravel()]


def described(lists: TrialLists) -> str:
    """How many lists there are and what is done about them, in one sentence; "" for one list."""
    sizes = lists.sizes()
    left = int(((lists.label >= 0) & ~lists.comparable).sum())
    if lists.kind == "several":
        told = f"{len(sizes)} trial lists ({', '.join(map(str, sizes[:8]))}"
        told += ", ... people)" if len(sizes) > 8 else " people)"
        told += ": every r over people is within lists"
        return told + (
            f"; {left} people in lists of fewer than {FEWEST_IN_LIST} are left out of it"
            if left
            else ""
        )
    if lists.kind == "individual":
        return (
            "the order of trials differs between people: what shares of conditions explain is "
            "taken out of every r over people"
        )
    if lists.kind == "few":
        return (
            f"{len(sizes)} trial lists for {sum(sizes)} people, too few people a list to tell "
            "people from lists: no r over people"
        )
    return ""
