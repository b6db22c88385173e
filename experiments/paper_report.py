"""Figures and report of `experiments.paper`."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from dtb_jax import plots, workflow
from dtb_jax.data import Ledger
from dtb_jax.evaluation import metrics as m
from dtb_jax.evaluation.people import correct_mask
from dtb_jax.evaluation.glm import person_t
from dtb_jax.evaluation.splits import in_part
from dtb_jax.report import write_report
from dtb_jax.results import as_json
from dtb_jax.types import Cohort
from experiments import common, paper_truth
from experiments.paper_traces import action_traces

SHOWN_REGION = "R_higher_visual"
HEADLINES = (
    ("faces", "choice_concordance", "Faces: choice concordance"),
    ("faces", "reaction_time_r", "Faces: RT r"),
    ("bold", "group_t_r", "BOLD: group t r"),
    ("stroop", "choice_concordance", "Stroop: choice concordance"),
    ("stroop", "reaction_time_r", "Stroop: RT r"),
    ("bold", "person_t_r", "BOLD: person t r"),
)


def write(
    workdir: Path,
    config: ConfigDict,
    cohort: Cohort,
    ledger: Ledger,
    fitted: workflow.Fitted,
    evaluated: workflow.Evaluated,
    compared: list[paper_truth.Told],
    results: dict,
) -> None:
    """Draw every figure into `figures/` and embed them in `report.html`."""
    results = as_json(results)
    label = source_label(cohort)
    drawn = [
        (
            "The twin beside baselines that need no connectome, 95 % intervals.",
            "verdict",
            plots.verdict(_headlines(results["models"]), label),
        ),
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
                paper_truth.figure(compared, label),
            )
        )
    if cohort.bold_source != "none":
        drawn += [
            (
                f"BOLD of {SHOWN_REGION.replace('_', ' ')} in the second half: mean over people, "
                "band: two standard errors.",
                "bold",
                plots.bold_courses(_courses(evaluated, cohort), label),
            ),
            (
                "Group t-values of 20 regions, contrast of each task.",
                "group_t",
                _group_t(evaluated, cohort, results, label),
            ),
        ]
    drawn += [
        (
            "Training. Validation is the last segment of some people's training half.",
            "training",
            plots.training_curves(fitted.history, fitted.timing["used_epoch"], label),
        ),
        (
            "What the twins of three people expect, with the presses they made (dashed).",
            "actions",
            plots.action_traces(action_traces(cohort, fitted, config), label),
        ),
    ]
    write_report(
        workdir / "report.html",
        title=f"Twins of {len(cohort.connectomes)} people",
        first_line=first_line(cohort),
        summary=_summary(results["models"]),
        protocol=results["protocol"],
        models=results["models"],
        figures=common.save_figures(workdir, drawn),
        exclusions=ledger.entries,
        timing=results["timing"],
    )


def source_label(cohort: Cohort) -> str:
    """What a figure must say about its data."""
    if "simulated" in (cohort.connectome_source, cohort.bold_source):
        return "simulated connectomes and BOLD: about the software, not about brains"
    return ""


def first_line(cohort: Cohort) -> str:
    """What is measured and what is not."""
    bold = {"none": "there is no BOLD"}.get(cohort.bold_source, f"BOLD is {cohort.bold_source}")
    line = f"Connectomes are {cohort.connectome_source}; {bold}. "
    if "simulated" in (cohort.connectome_source, cohort.bold_source):
        line += "Nothing here is evidence about brains. "
    return line + "Everybody tested was seen in training: first half trains, second half tests."


def _summary(models: dict) -> list[str]:
    sentences = []
    for task in ("faces", "stroop"):
        if task not in models["twin"]:
            continue

        def value(model, metric, task=task):
            found = models[model].get(task, {}).get(metric, {}).get("value")
            return "undefined" if found is None else f"{found:.3f}"

        sentences.append(
            f"{task.capitalize()}: reaction times correlate at r = "
            f"{value('twin', 'reaction_time_r')} over people; their own first half reaches "
            f"{value('own_training_half', 'reaction_time_r')} without a connectome, and the same "
            f"twin with shuffled connectomes {value('shuffled_connectome', 'reaction_time_r')}. "
            f"Choices agree on {value('twin', 'choice_concordance')} of trials; always pressing "
            f"the correct button agrees on {value('always_correct', 'choice_concordance')}."
        )
        if "oracle_scores" in models:
            sentences.append(
                f"{task.capitalize()}: the truth is known here. Knowing everybody's parameters "
                f"gives r = {value('oracle_parameters', 'reaction_time_r')}, knowing only what the "
                f"connectome causes {value('oracle_scores', 'reaction_time_r')}: the ceilings for "
                "people seen in training and for unseen people."
            )
    sentences.append(
        "A connectome that is fixed per person can act as a name tag: among people seen in "
        "training, these figures do not show that the twin uses what the connectome says."
    )
    return sentences


def _headlines(models: dict) -> list:
    rows = []
    for task, metric, title in HEADLINES:
        found = {name: tasks.get(task, {}).get(metric) for name, tasks in models.items()}
        found = {name: figure for name, figure in found.items() if figure}
        if any(figure["value"] is not None for figure in found.values()):
            rows.append((title, found))
    return rows


def _reaction_times(evaluated: workflow.Evaluated, results: dict) -> list:
    panels = []
    for r, part in enumerate(evaluated.scored):
        run, task = part.run, part.run.task.name
        counted = in_part(run, part.start_s, part.stop_s) & correct_mask(run.trials)
        observed = masked_mean(run.trials.response_time_s, counted)
        told = evaluated.predictions["twin"][r]
        twin = masked_mean(told.reaction_time_s, counted)
        own = evaluated.predictions["own_training_half"][r].person_time_s
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
            panels.append((f"{task.capitalize()}: {name}", observed[keep], values[keep], text))
    return panels


def _courses(evaluated: workflow.Evaluated, cohort: Cohort) -> list[plots.Course]:
    region = cohort.regions.index(SHOWN_REGION) if SHOWN_REGION in cohort.regions else 0
    courses = []
    for part, told in zip(evaluated.scored, evaluated.predictions["twin"]):
        run, seen = part.run, part.bold[..., region]
        kept = part.glm.mask.all(axis=1)
        series = told.bold[kept, : seen.shape[1], region]
        person = np.flatnonzero(run.present)[0]
        first = run.task.conditions.index(run.task.contrast[0])
        shown = in_part(run, part.start_s, part.stop_s)[person] & (
            run.trials.condition[person] == first
        )
        events = zip(run.trials.onset_s[person][shown], run.trials.duration_s[person][shown])
        tr = cohort.repetition_time_s
        courses.append(
            plots.Course(
                f"{run.task.name.capitalize()}, {cohort.regions[region].replace('_', ' ')}",
                part.start_s + np.arange(seen.shape[1]) * tr,
                seen[kept].mean(0),
                seen[kept].std(0) / np.sqrt(max(kept.sum(), 1)),
                series.mean(0),
                list(events),
                run.task.contrast[0],
            )
        )
    return courses


def _group_t(evaluated: workflow.Evaluated, cohort: Cohort, results: dict, label: str):
    predicted, observed, names = [], [], []
    for part, told in zip(evaluated.scored, evaluated.predictions["twin"]):
        t_told = person_t(part.glm, told.bold[:, : part.bold.shape[1]])
        known = np.isfinite(t_told).all(1) & np.isfinite(part.t).all(1)
        observed.append(m.group_t(part.t, known))
        predicted.append(m.group_t(t_told, known))
        more, less = part.run.task.contrast
        names.append(f"{part.run.task.name.capitalize()}: {more} > {less}")
    figure = results["models"]["twin"]["bold"]["group_t_r"]
    text = "" if figure["value"] is None else f"r = {figure['value']:.2f} over all points"
    return plots.group_t(predicted, observed, names, cohort.regions, text, label)
