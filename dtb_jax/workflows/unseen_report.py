"""Figures and report of experiments about unseen people."""

from pathlib import Path

import numpy as np

from dtb_jax.data import ExclusionLog
from dtb_jax.data.averages import masked_mean
from dtb_jax.data.writing import as_json
from dtb_jax.evaluation.assessment import EvaluationResult
from dtb_jax.evaluation.behaviour import told_means
from dtb_jax.evaluation.scores import run_names
from dtb_jax.evaluation.verdict import titled
from dtb_jax.reporting import plots
from dtb_jax.reporting.report import write_report
from dtb_jax.types import Cohort
from dtb_jax.workflows import session
from dtb_jax.workflows.evaluation_report import (
    reliability_figure,
    source_label,
    source_line,
    verdict_figure,
)

SHOWN = ("twin", "ridge", "demographics")


def write(
    workdir: Path,
    cohort: Cohort,
    ledger: ExclusionLog,
    assessed: EvaluationResult,
    results: dict,
    who: str = "Nobody tested was seen in training.",
) -> None:
    """Draw every figure into `figures/` and embed them in `report.html`.

    Args:
        workdir: where.
        cohort, ledger: as read.
        assessed: all models.
        results: as in `metrics.json`.
        who: whom the figures are about.
    """
    results = as_json(results)
    label = source_label(cohort)
    drawn = [
        verdict_figure(results["models"], label),
        (
            "Mean reaction time of people nobody trained on, a dot a person; within each fold the "
            "predictions are centred, as the correlations are.",
            "reaction_times",
            plots.reaction_times(_panels(assessed, results), label, "observed (ms)"),
        ),
        *_few_shot(results, label),
        reliability_figure(assessed, label),
    ]
    write_report(
        workdir / "report.html",
        title=f"{results['protocol']['participants']} unseen people",
        first_line=source_line(results) + who,
        summary=[],
        metrics=results,
        headline=results["headline"],
        people=who,
        figures=session.save_figures(workdir, drawn),
        exclusions=ledger.entries,
    )


def _few_shot(results: dict, label: str) -> list:
    found = results.get("few_shot")
    if not found:
        return []
    curves = []
    for task in results["models"]["twin"]:
        lines = {
            model: [
                (int(k), f[task]["reaction_time_r"])
                for k, f in each.items()
                if f[task].get("reaction_time_r")
            ]
            for model, each in found.items()
            if all(task in f for f in each.values())
        }
        if any(lines.values()):
            curves.append((f"{titled(task)}: RT r", lines))
    caption = (
        "An unseen person and the first trials: r over people of mean reaction times in the "
        "trials after the last of these, 95 % intervals."
    )
    return [(caption, "few_shot", plots.few_shot(curves, label))]


def _panels(assessed: EvaluationResult, results: dict) -> list:
    panels = []
    for r, (name, part) in enumerate(zip(run_names(assessed.scored), assessed.scored)):
        observed = masked_mean(part.run.trials.response_time_s, part.timed())
        for model in (m for m in SHOWN if m in assessed.predictions):
            told, _ = told_means(part, assessed.predictions[model][r])
            keep = part.people & np.isfinite(observed) & np.isfinite(told)
            if not keep.any():  # people about whom nothing is known, say
                continue
            figure = results["models"][model][name].get("reaction_time_r")
            text = "r undefined"
            if figure and figure["value"] is not None:
                text = (
                    f"r = {figure['value']:.2f} [{figure['ci_low']:.2f}, {figure['ci_high']:.2f}]"
                )
            told = _centred(told, part.drawn.fold, keep)
            panels.append((f"{titled(name)}: {model}", observed[keep], told[keep], text))
    return panels


def _centred(told: np.ndarray, fold: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Each fold's mean moved to that of all."""
    moved = told.copy()
    for k in np.unique(fold[keep]):
        inside = keep & (fold == k)
        moved[inside] += told[keep].mean() - told[inside].mean()
    return moved
