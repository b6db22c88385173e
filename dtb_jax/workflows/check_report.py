"""The page of `dtb check`: what was read, so that a wrong unit or a shifted clock is seen."""

import tempfile
from pathlib import Path

import numpy as np

from dtb_jax.data import ExclusionLog
from dtb_jax.data.check import Overview, after_window, as_text, outside_scan, scan_s
from dtb_jax.reporting import plots
from dtb_jax.reporting.report import embedded_page
from dtb_jax.types import Cohort, Run
from dtb_jax.workflows.evaluation_report import source_label, source_words


def write(path: Path, folder: Path, cohort: Cohort, ledger: ExclusionLog, found: Overview) -> None:
    """One self-contained page with every table, a person's timeline and all reaction times.

    Args:
        path: where to write.
        folder: that was read.
        cohort, ledger: as read.
        found: see `data.check.overview`.
    """
    label, inside = source_label(cohort), int(found.people["in_cohort"].sum())
    person = shown_person(cohort)
    name = cohort.participants.index[person]
    runs = [run for run in cohort.runs if run.present[person]]
    drawn = [
        (
            f"Events of {name} over the volumes of each run: bars are trials for as long as a "
            "press counts, ticks above them presses (red: after the window), ticks below them "
            "volumes. Trials outside the grey scan, or BOLD that does not follow the trials, mean "
            "a shifted clock or a wrong unit.",
            plots.timeline([_timeline(run, person, cohort) for run in runs], label),
        ),
        (
            "Reaction times of all presses of everybody, right or wrong. A median far from where "
            "this task's is, or presses beyond the window, mean a wrong unit or another event.",
            plots.response_times(
                [_times(run, int(found.runs.loc[run.name, "late presses"])) for run in cohort.runs],
                label,
            ),
        ),
    ]
    odd = found.people[found.people["odd"] != ""].reset_index()
    with tempfile.TemporaryDirectory() as place:
        figures = []
        for k, (caption, figure) in enumerate(drawn):
            png = Path(place) / f"{k}.png"
            figure.savefig(png)
            figures.append((caption, png))
        embedded_page(
            path,
            "check.html.j2",
            title=f"{folder.resolve().name}: {inside} of {len(found.people)} people are in",
            first_line=source_words(cohort.connectome_source, cohort.bold_source),
            summary=[],
            figures=figures,
            warnings=found.warnings,
            facts=found.facts,
            tables=[
                ("Runs", found.runs.reset_index()),
                ("Conditions", as_text(found.conditions)),
            ],
            odd=odd[["participant", "in_cohort", "odd"]].itertuples(index=False),
            odd_people=len(odd),
            general=[entry for entry in ledger.entries if entry.participant == "all"],
        )


def shown_person(cohort: Cohort) -> int:
    """Whoever has most trials outside the scan; else the first with BOLD in most runs."""
    tr = cohort.repetition_time_s
    outside = np.sum([outside_scan(run, tr).sum(1) for run in cohort.runs], axis=0)
    there = np.sum([run.present.astype(int) + run.bold_mask.any(1) for run in cohort.runs], axis=0)
    return int(np.lexsort((np.arange(len(there)), -there, -outside))[0])


def _timeline(run: Run, i: int, cohort: Cohort) -> plots.Timeline:
    trials, tr = run.trials, cohort.repetition_time_s
    outside = outside_scan(run, tr)[i]
    kept = trials.present[i] | outside
    pressed = trials.response_time_s[i] > 0
    press_s = np.where(pressed, trials.onset_s[i] + trials.response_time_s[i], np.nan)
    volumes = np.flatnonzero(run.bold_mask[i])
    bold = run.bold[i, volumes].mean(axis=1) if len(volumes) else None
    shown = volumes if len(volumes) else np.arange(run.bold_mask.shape[1])
    source = "" if bold is not None else ", no BOLD"
    return plots.Timeline(
        f"{run.name}, {cohort.participants.index[i]}{source}",
        run.task.conditions,
        trials.condition[i][kept],
        trials.onset_s[i][kept],
        trials.deadline_s[i][kept],
        press_s[kept],
        after_window(run)[i][kept],
        outside[kept],
        shown * tr,
        bold,
        float(scan_s(run, tr)[i]),
    )


def _times(run: Run, late: int) -> plots.Times:
    trials = run.trials
    pressed = trials.present & (trials.response_time_s > 0)
    windows = trials.deadline_s[trials.present]
    return plots.Times(
        f"{run.name}: {int(pressed.sum()):,} presses" + (f", {late:,} late" if late else ""),
        run.task.conditions,
        trials.condition[pressed],
        trials.response_time_s[pressed],
        float(np.median(windows)) if len(windows) else 0.0,
    )
