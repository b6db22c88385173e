"""Where a cohort knows its causes: oracles beside the twin, the truth beside what it predicts."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.averages import masked_mean
from dtb_jax.evaluation.assessment import EvaluationResult
from dtb_jax.evaluation.figures import Estimate, correlation_figure
from dtb_jax.evaluation.scores import run_names
from dtb_jax.evaluation.verdict import titled
from dtb_jax.models import oracle
from dtb_jax.models.oracle import Oracle
from dtb_jax.models.protocol import Model
from dtb_jax.reporting import plots
from dtb_jax.simulation.people import has_truth, load_truth
from dtb_jax.types import Cohort, required

ORACLES = {"oracle_parameters": oracle.knows_run, "oracle_scores": oracle.knows_scores}
"""The best for people seen in the same run, and the best for unseen people."""
MEANING = {
    "oracle_parameters": "all that is true",
    "oracle_scores": "what connectomes cause",
}


class AgainstTruth(NamedTuple):
    """A person's mean reaction time over one run's test part: the truth and the twin."""

    task: str
    oracle: str
    true_s: np.ndarray
    twin_s: np.ndarray
    r: Estimate


def oracles(folder: Path, cohort: Cohort) -> dict[str, Model]:
    """The oracles of these people; none where no truth is known."""
    if not has_truth(folder):
        return {}
    truth, everybody = load_truth(folder)
    people = everybody.of(list(cohort.participants.index))
    return {name: Oracle(truth, people, knows) for name, knows in ORACLES.items()}


def compare(evaluated: EvaluationResult) -> list[AgainstTruth]:
    """The twin's expectations against the oracles', person by person."""
    found = []
    for name in ORACLES:
        for r, (task, part) in enumerate(zip(run_names(evaluated.scored), evaluated.scored)):
            if name not in evaluated.predictions:
                continue
            tested = part.tested()
            true, twin = (
                masked_mean(required(evaluated.predictions[model][r].reaction_time_s), tested)
                for model in (name, "twin")
            )
            figure = correlation_figure(true, twin, part.people)
            keep = part.people
            found.append(AgainstTruth(task, name, true[keep], twin[keep], figure))
    return found


def as_metrics(told: list[AgainstTruth]) -> dict:
    """{task: {oracle: figure}}: r over people between the twin's mean times and the true ones."""
    tree: dict[str, dict[str, Estimate]] = {}
    for one in told:
        tree.setdefault(one.task, {})[one.oracle] = one.r
    return tree


def figure(told: list[AgainstTruth], label: str):
    """Truth against prediction, a dot a person."""
    panels = []
    for one in told:
        text = "r undefined" if one.r.value is None else f"r = {one.r.value:.2f}, n = {one.r.n}"
        title = f"{titled(one.task)}: {MEANING[one.oracle]}"
        panels.append((title, one.true_s, one.twin_s, text))
    return plots.reaction_times(panels, label, "truth, second half (ms)", "twin (ms)")
