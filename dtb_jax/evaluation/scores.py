"""Every model on the same trials and volumes: predictions in, figures out."""

from collections.abc import Sequence

import numpy as np

from dtb_jax.evaluation.behaviour import behaviour
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.imaging import bold
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import Cohort

Figures = dict[str, Estimate]


def run_names(scored: Sequence[EvaluationTargets]) -> list[str]:
    """Under which name each run's figures go: its task; a second run of a task by its own name."""
    names: list[str] = []
    for part in scored:
        task = part.run.task.name
        names.append(part.run.name if task in names else task)
    return names


def score(
    scored: Sequence[EvaluationTargets],
    told: Sequence[Prediction],
    average: Sequence[Prediction] | None = None,
) -> dict[str, Figures]:
    """All figures of one model: {task: {metric: Figure}}.

    Args:
        scored: what is compared, one a run.
        told: what the model says.
        average: what the twin of the mean connectome says, see `imaging.bold`.
    """
    figures = {
        name: behaviour(part._replace(people=part.people & known_people(part, one)), one)
        for name, part, one in zip(run_names(scored), scored, told, strict=True)
    }
    figures["bold"] = bold(scored, told, average)
    return figures


def known_people(scored: EvaluationTargets, told: Prediction) -> np.ndarray | bool:
    """Of whom the model says anything: nothing of those who have no other rest run, say."""
    if told.choice_probability is None:
        return True
    known = np.isfinite(told.choice_probability).all(axis=-1)
    return (known | ~scored.tested()).all(axis=1)


def subgroups(
    cohort: Cohort, scored: Sequence[EvaluationTargets], told: Sequence[Prediction]
) -> dict[str, dict]:
    """One model's behaviour figures by diagnosis and site."""
    figures = {}
    for column in ("group", "site"):
        values = cohort.participants[column]
        for value in sorted(values.dropna().unique()):
            inside = (values == value).to_numpy()
            figures[f"{column}={value}"] = {
                name: behaviour(part._replace(people=part.people & inside), one)
                for name, part, one in zip(run_names(scored), scored, told)
            }
    return figures
