"""Few-shot curves: how well people are told after their first trials, on the same later trials."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from dtb_jax.evaluation.behaviour import behaviour
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.evaluation.scores import Figures, run_names
from dtb_jax.models.prediction import Prediction

NAME = re.compile(r"(.+)_after_(\d+)$")
SHOWN = (
    "reaction_time_r",
    "reaction_time_mae_s",
    "trial_reaction_time_r",
    "log_likelihood",
    "effect_r",
)


def is_shot(model: str) -> bool:
    """Whether a model is one of a few-shot curve, "MODEL_after_K"."""
    return NAME.match(model) is not None


def curves(
    scored: Sequence[EvaluationTargets], predictions: Mapping[str, Sequence[Prediction]]
) -> dict[str, dict[str, dict[str, Figures]]]:
    """Figures of every "MODEL_after_K", on the trials after the largest K.

    Returns: {model: {K: {task: {metric: Figure}}}}; empty without such models.
    """
    found = {name: NAME.match(name) for name in predictions}
    shots = {name: (one[1], int(one[2])) for name, one in found.items() if one}
    if not shots:
        return {}
    last = max(k for _, k in shots.values())
    later = [_after(part, last) for part in scored]
    tree: dict[str, dict[str, dict[str, Figures]]] = {}
    for name, (model, k) in sorted(shots.items(), key=lambda item: item[1][1]):
        figures = {
            task: {m: f for m, f in behaviour(part, one).items() if m in SHOWN}
            for task, part, one in zip(run_names(scored), later, predictions[name])
        }
        tree.setdefault(model, {})[str(k)] = figures
    return tree


def _after(part: EvaluationTargets, shots: int) -> EvaluationTargets:
    """The same part without each person's first trials."""
    trials = part.run.trials
    late = np.cumsum(trials.present, axis=1) > shots
    run = part.run._replace(trials=trials._replace(present=trials.present & late))
    return part._replace(run=run)
