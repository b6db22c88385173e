"""Figures and report of `experiments.mixed_effects`."""

from pathlib import Path

import numpy as np

from dtb_jax.data import ExclusionLog
from dtb_jax.data.averages import masked_mean
from dtb_jax.data.writing import as_json
from dtb_jax.evaluation.assessment import EvaluationResult
from dtb_jax.evaluation.behaviour import told_means
from dtb_jax.evaluation.carried import cannot_be_told
from dtb_jax.evaluation.scores import run_names
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

WITH_INTERVALS = ("twin", "ridge", "own_training_half", "condition_mean")
FEW_SHOT = ("twin", "shrinkage", "twin_with_runs", "regression")
SHOWN_AFTER_SHOTS = {
    "Mean reaction time is off by (s)": "reaction_time_mae_s",
    "Log likelihood of a trial": "log_likelihood",
}


def write(
    workdir: Path,
    cohort: Cohort,
    ledger: ExclusionLog,
    seen: EvaluationResult,
    unseen: EvaluationResult,
    results: dict,
) -> None:
    """Draw every figure into `figures/` and embed them in `report.html`.

    Args:
        workdir: where.
        cohort, ledger: as read.
        seen: models of people seen in the first half of each run.
        unseen: models of people nobody has seen.
        results: as in `metrics.json`.
    """
    results = as_json(results)
    label = source_label(cohort)
    drawn = [
        (
            "Share of the stable differences between people that the connectome carries, "
            f"{results['connectome_share_covariates']} (blue: median, 50, 80 and 95 % intervals) "
            "and of the raw differences (grey: median, 95 % interval). Measurement noise of both "
            "sides is taken out.",
            "connectome_share",
            plots.shares(share_rows(results), label),
        ),
        verdict_figure(results["models"], label),
        _coverage(results, label),
        _people("seen", seen, results["seen"], label),
        _people("unseen", unseen, results["models"], label),
        *_few_shot(results["few_shot"], label),
        reliability_figure(unseen, label),
    ]
    write_report(
        workdir / "report.html",
        title=f"{results['protocol']['participants']} people: population, connectome, person",
        first_line=source_line(results),
        template="mixed.html.j2",
        summary=sentences(results),
        shares=share_table(results),
        covariates=results["connectome_share_covariates"],
        metrics=results,
        headline=results["headline"],
        people="Nobody tested in the table below was seen in training.",
        figures=session.save_figures(workdir, drawn),
        exclusions=ledger.entries,
    )


def share_rows(results: dict) -> list[tuple[str, dict, dict, float | None]]:
    """Rows of the figure of shares: after covariates, raw, and the truth where it is known."""
    true, raw = results.get("true_share", {}), results["connectome_share"]
    return [
        (name.replace("_", " "), one, raw[name], true.get(name))
        for name, one in results["connectome_share_beyond"].items()
        if one["value"] is not None
    ]


def sentences(results: dict) -> list[str]:
    """What was found, in words: shares after covariates first, the raw ones beside them."""
    after, raw = results["connectome_share_covariates"], results["connectome_share"]
    said: list[str] = []
    open_, unreliable = [], []
    for name, one in results["connectome_share_beyond"].items():
        words = name.replace("_", " ")
        if one["value"] is None:
            unreliable.append(f"{words} ({one['reliability']:.2f})")
        elif cannot_be_told(one):
            open_.append(words)
        else:
            said.append(
                f"{words}: {after} the connectome carries {share_words(one)} of the stable "
                f"differences between people; raw: {share_words(raw[name])} (n = {one['n']}, "
                f"reliability {one['reliability']:.2f})."
            )
    if open_:
        said.append(
            f"Which share it carries {after} cannot be told of {', '.join(open_)}: intervals reach "
            "from about 0 to 100 %."
        )
    if unreliable:
        said.append(f"Not asked, as the measure is not reliable enough: {', '.join(unreliable)}.")
    for who, key in (("seen", "coverage_seen"), ("unseen", "coverage")):
        inside = results[key]["person_coverage"].get("twin", {})
        texts = [
            f"{task} {f['0.8']['value']:.0%}"
            for task, f in inside.items()
            if f["0.8"]["value"] is not None
        ]
        said += compared(who, results["paired"][who])
        if texts:
            said.append(
                f"80 % intervals of mean reaction times of {who} people hold: {', '.join(texts)}."
            )
    return said


def share_table(results: dict) -> list[tuple[str, str, str, str, int]]:
    """A row a function: the share after covariates, the raw one, its reliability, people."""
    raw = results["connectome_share"]
    return [
        (
            name.replace("_", " "),
            share_words(one),
            share_words(raw[name]),
            f"{one['reliability']:.2f}",
            one["n"],
        )
        for name, one in results["connectome_share_beyond"].items()
    ]


def share_words(one: dict) -> str:
    """A share with its 80 % interval; one that could be anything is not quoted."""
    if one["value"] is None:
        return "\u2013"
    if cannot_be_told(one):
        return "cannot be told"
    low, high = one["ci_80"]
    return f"{one['value']:.0%} (80 % interval {low:.0%} to {high:.0%})"


def compared(who: str, paired: dict) -> list[str]:
    """The twin's r over people less each baseline's, in words."""
    found = []
    for baseline, tasks in paired.items():
        texts = [
            f"{task} {one['value']:+.3f} [{one['ci_low']:+.3f}, {one['ci_high']:+.3f}]"
            for task, figures in tasks.items()
            if (one := figures.get("reaction_time_r")) and one["value"] is not None
        ]
        if texts:
            name = baseline.replace("_", " ")
            found.append(f"RT r of {who} people, twin less {name}: {', '.join(texts)}.")
    return found


def _coverage(results: dict, label: str) -> tuple[str, str, object]:
    rows = []
    for who, key in (("seen", "coverage_seen"), ("unseen", "coverage")):
        inside = results[key]["person_coverage"]
        panels = []
        for task in inside["twin"]:
            models = {
                name.replace("_", " "): [(float(s), f) for s, f in inside[name][task].items()]
                for name in WITH_INTERVALS
                if task in inside.get(name, {})
            }
            panels.append((f"{_title(task)}, {who} people", models))
        rows.append(panels)
    caption = "How many people's mean reaction times lie inside told intervals, by what these say."
    return caption, "coverage", plots.coverage(rows, label)


def _title(run: str) -> str:
    """Of a run, as its name has it."""
    return (run[:1].upper() + run[1:]).replace("_", " ")


def _few_shot(found: dict, label: str) -> list[tuple[str, str, object]]:
    """What an unseen person's first trials are worth, where there was a run for it."""
    if not found:
        return []

    def line(model: str, metric: str) -> list[tuple[int, dict]]:
        return [(int(k), f[metric]) for k, tasks in found[model].items() for f in tasks.values()]

    panels = [
        (title, {model: line(model, metric) for model in FEW_SHOT if model in found})
        for title, metric in SHOWN_AFTER_SHOTS.items()
    ]
    caption = (
        "People nobody has seen, after their first trials of a run, without and with their other "
        "runs: the trials after the last of these, 95 % intervals."
    )
    return [(caption, "few_shot", plots.few_shot(panels, label, alike=False))]


def _people(
    who: str, assessed: EvaluationResult, models: dict, label: str
) -> tuple[str, str, object]:
    panels = []
    for r, (name, part) in enumerate(zip(run_names(assessed.scored), assessed.scored)):
        observed = masked_mean(part.run.trials.response_time_s, part.timed())
        told, _ = told_means(part, assessed.predictions["twin"][r])
        keep = part.people & np.isfinite(observed) & np.isfinite(told)
        one = models["twin"][name]["reaction_time_r"]
        text = "r undefined" if one["value"] is None else f"r = {one['value']:.2f}"
        panels.append((f"{_title(name)}: twin, {who}", observed[keep], told[keep], text))
    caption = f"Mean reaction times of {who} people, a dot a person."
    return caption, f"people_{who}", plots.reaction_times(panels, label, "observed (ms)")
