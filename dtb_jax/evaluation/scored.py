"""The scored part of a run: who and what is compared, computed once for all models."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dtb_jax.data.averages import condition_means, correct_mask
from dtb_jax.data.glm import Glm, make_glm, person_t
from dtb_jax.data.splits import in_part
from dtb_jax.data.tasks.lists import TrialLists, trial_lists
from dtb_jax.evaluation.figures import DRAWS, BootstrapWeights, resample
from dtb_jax.types import Run


class EvaluationTargets(NamedTuple):
    """The scored part of a run, whom it is scored on, and what the scanner saw of it."""

    run: Run
    start_s: float
    stop_s: float
    people: np.ndarray  # [people]: present, and not below chance
    drawn: BootstrapWeights  # the same for all runs and models; nuisance: this run's lists
    lists: TrialLists
    glm: Glm
    bold: np.ndarray  # [people, volume, region]
    t: np.ndarray  # [people, region], NaN without BOLD

    def tested(self) -> np.ndarray:
        """Trials of the part, [people, trial]."""
        return in_part(self.run, self.start_s, self.stop_s) & self.run.present[:, None]

    def timed(self) -> np.ndarray:
        """Of these the correctly answered, whose reaction times are compared."""
        return self.tested() & correct_mask(self.run.trials)

    def by_condition(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Means of [people, trial] values in each condition of the run's task."""
        return condition_means(
            values, mask, self.run.trials.condition, len(self.run.task.conditions)
        )

    def halves(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every other trial of each person and condition: two halves of the trials in the mask."""
        odd = np.zeros_like(mask)
        for c in range(len(self.run.task.conditions)):
            inside = mask & (self.run.trials.condition == c)
            odd |= inside & (np.cumsum(inside, axis=1) % 2 == 1)
        return mask & odd, mask & ~odd


def scored_part(
    run: Run,
    start_s: float,
    stop_s: float,
    people: np.ndarray,
    drifts: int | None,
    fold: np.ndarray | None = None,
    draws: int = DRAWS,
    noise: str = "ols",
) -> EvaluationTargets:
    """Everything about a part that no model changes.

    Args:
        run: behaviour and BOLD.
        start_s, stop_s: the part.
        people: whom the figures are about.
        drifts: cosine drifts of the GLM; None: nilearn's rule.
        fold: in which fold each person is tested; None: one fold.
        draws: of the bootstrap.
        noise: of the GLM, one of `glm.NOISE`.
    """
    glm = make_glm(run, start_s, stop_s, drifts, noise)
    seen = run.bold[:, glm.volumes]
    drawn = resample(np.zeros(len(people), int) if fold is None else fold, draws)
    lists = trial_lists(run, in_part(run, start_s, stop_s) & run.present[:, None])
    drawn = drawn._replace(nuisance=lists.regressors, block=lists.block)
    return EvaluationTargets(
        run, start_s, stop_s, people, drawn, lists, glm, seen, person_t(glm, seen)
    )


def drawn_together(parts: Sequence[EvaluationTargets]) -> BootstrapWeights:
    """Draws of figures over several runs: nothing may come from the lists of any of them."""
    nuisance = np.concatenate([part.drawn.nuisance for part in parts], axis=1)
    blocks = np.stack([part.drawn.block for part in parts], axis=1)
    _, block = np.unique(blocks, axis=0, return_inverse=True)
    return parts[0].drawn._replace(nuisance=nuisance, block=block.ravel())
