"""Figures of twins tested on the second half of each run."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.averages import masked_mean
from dtb_jax.data.folds import Fold
from dtb_jax.data.glm import person_t
from dtb_jax.data.splits import BoldScale, in_part
from dtb_jax.data.writing import as_json
from dtb_jax.evaluation import metrics
from dtb_jax.evaluation.assessment import EvaluationResult
from dtb_jax.evaluation.behaviour import told_means
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.evaluation.scores import run_names
from dtb_jax.evaluation.verdict import titled
from dtb_jax.models import paper_twin
from dtb_jax.models.prediction import Prediction
from dtb_jax.reporting import plots
from dtb_jax.types import Cohort, required
from dtb_jax.workflows import session, truth
from dtb_jax.workflows.centroids import region_centroids
from dtb_jax.workflows.config import StudyConfig
from dtb_jax.workflows.evaluation_report import reliability_figure, source_label, verdict_figure
from dtb_jax.workflows.traces import action_traces

SHOWN_REGION = "R_higher_visual"


def draw(
    workdir: Path,
    config: StudyConfig,
    cohort: Cohort,
    fold: Fold,
    fitted: paper_twin.Fitted,
    evaluated: EvaluationResult,
    compared: list[truth.AgainstTruth],
    results: dict,
) -> None:
    """Every figure into `figures/`, with its caption.

    Args:
        workdir: where.
        config: of the study.
        cohort: as read.
        fold: which part trained, which was tested.
        fitted: the twin.
        evaluated: all models.
        compared: the twin against the truth, where it is known.
        results: as in `metrics.json`.
    """
    results = as_json(results)
    label = source_label(cohort)
    drawn = [
        verdict_figure(results["models"], label),
        (
            "Mean reaction time of each person in the second half: the twin, and the person's own "
            "first half.",
            "reaction_times",
            plots.reaction_times(_reaction_times(evaluated, results), label),
        ),
    ]
    if compared:
        drawn.append(
            (
                "Truth beside prediction: each person's mean reaction time as the simulation's own "
                "parameters lead one to expect it, and as the connectome alone causes it.",
                "truth",
                truth.figure(compared, label),
            )
        )
    if cohort.bold_source != "none":
        maps, at = _maps(evaluated), region_centroids(config)
        drawn += [
            (
                f"BOLD of {cohort.regions[shown_region(cohort)].replace('_', ' ')} in the second "
                "half: mean over people, band: two standard errors.",
                "bold",
                plots.bold_courses(_courses(evaluated, cohort, fitted.scale), label),
            ),
            (
                f"Group t-values of {len(cohort.regions)} regions, contrast of each task.",
                "group_t",
                _group_t(maps, cohort.regions, results, label),
            ),
        ]
        if at is not None and np.isfinite(at).all(axis=1).any():
            caption = "The same in the brain; every row has a scale of its own."
            drawn.append((caption, "group_t_brain", _brain(maps, cohort.regions, at, label)))
    drawn += [
        reliability_figure(evaluated, label),
        (
            "Training. Validation is the last segment of some people's training half.",
            "training",
            plots.training_curves(fitted.history, fitted.timing["used_epoch"], label),
        ),
        (
            "What the twins of three people expect, with the presses they made (dashed).",
            "actions",
            plots.action_traces(
                action_traces(
                    cohort, fitted, fold.test.span(cohort.runs[0])[0], config.twin.response
                ),
                label,
            ),
        ),
    ]
    session.save_figures(workdir, drawn)


def _reaction_times(evaluated: EvaluationResult, results: dict) -> list:
    panels = []
    for r, (task, part) in enumerate(zip(run_names(evaluated.scored), evaluated.scored)):
        observed = masked_mean(part.run.trials.response_time_s, part.timed())
        twin, _ = told_means(part, evaluated.predictions["twin"][r])
        own = required(evaluated.predictions["own_training_half"][r].person_time_s)
        keep = part.people & np.isfinite(observed) & np.isfinite(own)
        for name, model, values in (
            ("twin", "twin", twin),
            ("own first half", "own_training_half", own),
        ):
            figure = results["models"][model][task]["reaction_time_r"]
            text = "r undefined"
            if figure["value"] is not None:
                text = (
                    f"r = {figure['value']:.3f}\n"
                    f"[{figure['ci_low']:.2f}, {figure['ci_high']:.2f}]\nn = {figure['n']}"
                )
            panels.append((f"{titled(task)}: {name}", observed[keep], values[keep], text))
    return panels


def _with_bold(evaluated: EvaluationResult) -> list[tuple[str, EvaluationTargets, Prediction]]:
    """Runs of which somebody has BOLD: name, part and what the twin says."""
    each = zip(run_names(evaluated.scored), evaluated.scored, evaluated.predictions["twin"])
    return [(name, part, told) for name, part, told in each if part.run.bold_mask.any()]


def shown_region(cohort: Cohort) -> int:
    """The region whose time course is shown: the paper's where there is one, else the first."""
    return cohort.regions.index(SHOWN_REGION) if SHOWN_REGION in cohort.regions else 0


def _courses(evaluated: EvaluationResult, cohort: Cohort, scale: BoldScale) -> list[plots.Course]:
    region = shown_region(cohort)
    courses = []
    for name, part, told in _with_bold(evaluated):
        run, kept = part.run, part.glm.mask.all(axis=1)
        seen, series = (
            (bold[..., region] - scale.mean[region]) / scale.sd[region]
            for bold in (part.bold, required(told.bold)[kept, : part.bold.shape[1]])
        )
        person = np.flatnonzero(run.present)[0]
        first = run.task.conditions.index(run.task.contrast[0])
        shown = in_part(run, part.start_s, part.stop_s)[person] & (
            run.trials.condition[person] == first
        )
        events = zip(run.trials.onset_s[person][shown], run.trials.duration_s[person][shown])
        tr = cohort.repetition_time_s
        courses.append(
            plots.Course(
                f"{titled(name)}, {cohort.regions[region].replace('_', ' ')}",
                part.start_s + np.arange(seen.shape[1]) * tr,
                seen[kept].mean(0),
                seen[kept].std(0) / np.sqrt(max(kept.sum(), 1)),
                series.mean(0),
                list(events),
                run.task.contrast[0],
            )
        )
    return courses


class Map(NamedTuple):
    """Group t-values of one run, [region]."""

    name: str
    observed: np.ndarray
    told: np.ndarray


def _maps(evaluated: EvaluationResult) -> list[Map]:
    found = []
    for name, part, told in _with_bold(evaluated):
        t_told = person_t(part.glm, required(told.bold)[:, : part.bold.shape[1]])
        known = np.isfinite(t_told).all(1) & np.isfinite(part.t).all(1)
        everybody = np.ones((1, len(known)))
        observed, twin = (metrics.group_t(t, known, everybody)[0] for t in (part.t, t_told))
        more, less = part.run.task.contrast
        found.append(Map(f"{titled(name)}: {more} > {less}", observed, twin))
    return found


def _group_t(maps: list[Map], regions: tuple[str, ...], results: dict, label: str):
    figure = results["models"]["twin"]["bold"]["group_t_r"]
    text = "" if figure["value"] is None else f"r = {figure['value']:.2f} over all points"
    names, observed, told = zip(*maps)
    return plots.group_t(list(told), list(observed), list(names), regions, text, label)


def _brain(maps: list[Map], regions: tuple[str, ...], at: np.ndarray, label: str):
    rows: dict[str, np.ndarray] = {}
    for one in maps:
        rows |= {f"{one.name}, observed": one.observed, f"{one.name}, twin": one.told}
    return plots.region_brain(rows, at, regions, label, "Group t-values in the second half")
