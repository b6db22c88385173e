"""An in-silico trial: arms, doses and people, and how differently they respond.

A change is (after - before) / SD of before over people; the paper's effect is its negative, since
it wishes for less of everything.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.evaluation.figures import Estimate, correlation_figure, mean_figure, resample
from dtb_jax.models.regression import ridge

RESPONSE_SD = 0.5
"""A change in the wished direction that makes a responder."""
HARM_SD = 0.2
"""A change for the worse off target that counts as harm."""
WORSE = {"rt_s": 1, "rt_sd_s": 1, "accuracy": -1, "omission": 1}
"""The sign of a change for the worse; of what is not named here, either sign is."""


class Arm(NamedTuple):
    """What a group of people is treated for."""

    name: str
    targets_sd: dict[str, float]  # wished change at dose 1
    held: tuple[str, ...]  # what is to stay
    guarded: tuple[str, ...] = ()  # what may change for the better, see `worse`

    @property
    def counted(self) -> tuple[str, ...]:
        """All that the wish is about."""
        return (*self.targets_sd, *self.held, *self.guarded)


Changes = Mapping[str, Float[np.ndarray, "dose people"]]
"""One arm's changes in SD, by indicator."""


def worse(name: str) -> int:
    """The sign of an indicator's change for the worse, 0 where either is."""
    return next((sign for end, sign in WORSE.items() if name.endswith(f"_{end}")), 0)


def in_sd(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], sd: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """(after - before) / SD of each indicator; 0 / 0 where it is the same in everybody is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: (after[name] - before[name]) / np.float64(sd[name]) for name in before}


def on_target(arm: Arm, changes: Changes) -> Float[np.ndarray, "dose people"]:
    """The wished change that was reached, 1 where all of it: mean over the arm's targets."""
    return np.mean([changes[name] / wished for name, wished in arm.targets_sd.items()], axis=0)


def for_the_worse(changes: Changes, names: Sequence[str]) -> Float[np.ndarray, "dose people"]:
    """The largest change for the worse among these indicators, in SD."""
    each = []
    for name in names:
        sign = worse(name)
        each.append(sign * changes[name] if sign else np.abs(changes[name]))
    return np.max(each, axis=0)


def summary(arm: Arm, changes: Changes) -> dict:
    """One arm at its largest dose: what was reached, by how many, and who was harmed.

    Returns: figures: `on_target` (1: the whole wish), `responders` (share of people who change by
    `RESPONSE_SD` or more as wished in every target), `harmed` (share who worsen by `HARM_SD` or
    more in anything held or guarded), `off_target_sd` (mean absolute change of what is held).
    """
    last = {name: values[-1] for name, values in changes.items()}
    everybody = np.ones(len(next(iter(last.values()))), bool)
    wished = [np.sign(w) * last[name] for name, w in arm.targets_sd.items()]
    responds = (np.min(wished, axis=0) >= RESPONSE_SD).astype(float)
    found = {
        "on_target": mean_figure(on_target(arm, changes)[-1], everybody),
        "responders": mean_figure(responds, everybody),
    }
    if arm.held or arm.guarded:
        harmed = (for_the_worse(changes, arm.held + arm.guarded)[-1] >= HARM_SD).astype(float)
        found["harmed"] = mean_figure(harmed, everybody)
    if arm.held:
        aside = np.mean([np.abs(last[name]) for name in arm.held], axis=0)
        found["off_target_sd"] = mean_figure(aside, everybody)
    return found


def selectivity(
    arms: Mapping[str, Changes], names: Sequence[str]
) -> dict[str, dict[str, Estimate]]:
    """Mean change of each indicator at the largest dose, arm by arm, with bootstrap intervals."""
    return {
        arm: {name: mean_figure(c[name][-1], np.isfinite(c[name][-1])) for name in names}
        for arm, c in arms.items()
    }


def effects_r(changes: Changes, one: str, other: str) -> Estimate:
    """The paper's selectivity: r over people between the changes of two indicators."""
    x, y = changes[one][-1], changes[other][-1]
    return correlation_figure(x, y, np.isfinite(x) & np.isfinite(y))


def who_responds(
    reached: Float[np.ndarray, " people"],
    baseline: Mapping[str, Float[np.ndarray, " people"]],
    connectomes: Float[np.ndarray, "people edge"],
    *,
    folds: int = 5,
    seed: int,
) -> dict[str, Estimate]:
    """How well the response is told by where people start, and by a ridge on their connectomes.

    Args:
        reached: wished change per unit of dose or of edit, one a person.
        baseline: indicators before.
        connectomes: before.
        folds: of people, for the ridge.
        seed: of the folds.

    Returns: r over people: of each baseline indicator, and `connectome`, cross-validated.
    """
    everybody = np.isfinite(reached)
    found = {name: correlation_figure(v, reached, everybody) for name, v in baseline.items()}
    fold = np.random.default_rng(seed).permutation(np.arange(len(reached)) % folds)
    told = np.zeros(len(reached))
    for k in range(folds):
        learn, test = fold != k, fold == k
        told[test] = ridge(connectomes[learn], reached[learn, None], connectomes[test])[:, 0]
    # r within folds: pooled, the folds' different means would bias it downwards
    found["connectome"] = correlation_figure(told, reached, everybody, resample(fold))
    return found
