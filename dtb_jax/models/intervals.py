"""How far off any family of models is, learned within the training part: intervals of baselines."""

from collections.abc import Sequence

import numpy as np

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.folds import Fold, Part
from dtb_jax.models.families import Family
from dtb_jax.models.prediction import INTERVALS, Prediction
from dtb_jax.types import Cohort


def with_spread(family: Family, inner: Sequence[Fold]) -> Family:
    """The family, with the SD of observed around told mean times in folds within the training.

    Args:
        family: of models that tell reaction times.
        inner: folds whose people and times all train in the outer fold.
    """

    def spread(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        off: dict[str, list[list[np.ndarray]]] = {}
        for part in inner:
            for name, told in family(cohort, part).items():
                off.setdefault(name, []).append(errors(cohort, part.test, told))
        found = family(cohort, fold)
        return {
            name: [
                one._replace(person_time_sd_s=_everybody([each[r] for each in off[name]]))
                for r, one in enumerate(told)
            ]
            for name, told in found.items()
        }

    return spread


def errors(cohort: Cohort, part: Part, told: Sequence[Prediction]) -> list[np.ndarray]:
    """Observed less told mean reaction times, for every run [people]; NaN of who is not tested."""
    found = []
    for run, one in zip(part.of(cohort).runs, told, strict=True):
        tested, mean = part.trials(run), one.person_time_s
        if mean is None and one.reaction_time_s is not None:
            mean = masked_mean(np.nan_to_num(one.reaction_time_s), tested)
        if mean is None:
            mean = np.full(len(tested), np.nan)
        seen = masked_mean(run.trials.response_time_s, tested & correct_mask(run.trials))
        found.append(np.where(part.people, seen - mean, np.nan))
    return found


def _everybody(off: list[np.ndarray]) -> np.ndarray | None:
    known = np.concatenate(off)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    return np.full(len(off[0]), np.sqrt((known**2).mean()))


def coverage(models: dict) -> dict:
    """How many mean times lie inside intervals, and what intervals cost.

    Returns: `reaction_time_r`, the twin's coverage averaged over tasks by the share that intervals
        say; `person_coverage` and `person_interval_score_s`, {model: {task: {share: figure}}}.
    """
    found: dict[str, dict] = {"person_coverage": {}, "person_interval_score_s": {}}
    for model, tasks in models.items():
        for task, figures in tasks.items():
            for share in INTERVALS:
                for kind, place in found.items():
                    if one := figures.get(f"{kind}_{share * 100:.0f}"):
                        place.setdefault(model, {}).setdefault(task, {})[str(share)] = one
    twin = found["person_coverage"].get("twin", {}).values()
    known = {
        str(s): [v for task in twin if (v := task[str(s)].value) is not None] for s in INTERVALS
    }
    mean = {share: float(np.mean(values)) if values else None for share, values in known.items()}
    return {"reaction_time_r": mean} | found
