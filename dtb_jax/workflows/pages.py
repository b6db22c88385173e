"""The page of a study, from what its folder holds: nothing is computed anew."""

import csv
import json
from pathlib import Path
from typing import Any

from dtb_jax.data import DataError
from dtb_jax.evaluation.verdict import titled
from dtb_jax.interventions.endpoints import spoken
from dtb_jax.interventions.trial import HARM_SD, RESPONSE_SD
from dtb_jax.reporting.report import figure_text, headline_figures, list_sentences, write_report
from dtb_jax.workflows.evaluation_report import source_line, tasks_in
from dtb_jax.workflows.session import CAPTIONS, EDITS, UNSEEN, saved_figures

SHOWN = {
    UNSEEN: ("verdict", "reaction_times", "few_shot"),
    EDITS: ("people", "before_after", "dose_response", "controls", "selectivity", "predicted_true"),
}
"""Figures of these that the study's page shows; their own pages have all."""
ROWS = {
    "wished_change_sd.designed": "change as wished (SD)",
    "wished_change_sd_judge.designed": "the same in the eyes of a twin of other people (SD)",
    "wished_change_sd.random": "change as wished, random edits of equal length (SD)",
    "trial.responders": f"responders ({RESPONSE_SD:g} SD or more in every target)",
    "trial.harmed": f"harmed ({HARM_SD:g} SD or more for the worse in what was to stay)",
    "trial.off_target_sd": "off target (SD)",
}

NOT_LEARNED = 0.1
"""Of choice concordance below always pressing the correct button."""


def write(study: Path) -> Path:
    """Everything that was found in one page, `report.html`.

    Args:
        study: with metrics.json, figures/ and exclusions.tsv, and, where asked, `unseen/` and
            `edits/` with theirs.

    Returns: the page.

    Raises: DataError when the twin was not evaluated.
    """
    metrics = _metrics(study)
    if metrics is None:
        raise DataError(f"{study}: no metrics.json with figures; the twin was not evaluated")
    path, people = study / "report.html", metrics["protocol"]["participants"]
    write_report(
        path,
        template="study.html.j2",
        title=f"Twins of {people} people",
        first_line=source_line(metrics)
        + f"{_seen(metrics)}: first half trains, second half tests.",
        summary=[*_summary(metrics["models"]), *list_sentences(metrics)],
        metrics=metrics,
        headline=metrics["headline"],
        people=f"{_seen(metrics)}.",
        figures=saved_figures(study),
        exclusions=_rows(study / "exclusions.tsv"),
        unseen=_unseen(study / UNSEEN),
        edits=_edits(study / EDITS),
    )
    return path


def _seen(metrics: dict[str, Any]) -> str:
    """Who of those tested had trained; a page may be older than the number."""
    people = metrics["protocol"]["participants"]
    trained = metrics["protocol"].get("trained_people", people)
    if trained == people:
        return "Everybody tested was seen in training"
    return f"{trained} of {people} people were seen in training"


def is_evaluated(folder: Path) -> bool:
    """Whether there is something to show."""
    return (folder / "metrics.json").exists() and (folder / "figures" / CAPTIONS).exists()


def _metrics(folder: Path) -> dict[str, Any] | None:
    if not is_evaluated(folder):
        return None
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle, delimiter="\t"))[1:]


def _shown(folder: Path) -> list[tuple[str, Path]]:
    named = {png.stem: (caption, png) for caption, png in saved_figures(folder)}
    return [named[name] for name in SHOWN[folder.name] if name in named]


def _unseen(folder: Path) -> dict[str, Any] | None:
    metrics = _metrics(folder)
    if metrics is None:
        return None
    return {
        "headline": metrics["headline"],
        "verdicts": headline_figures(metrics),
        "figures": _shown(folder),
    }


def _edits(folder: Path) -> dict[str, Any] | None:
    metrics = _metrics(folder)
    if metrics is None:
        return None
    arms = {name: one for name, one in metrics["edits"].items() if "sentence" in one}

    def cell(arm: dict, key: str) -> tuple[str, str]:
        for name in key.split("."):
            arm = arm.get(name, {})
        return figure_text({**arm, "sd": None} if arm else None)

    rows = [(said, [cell(arm, key) for arm in arms.values()]) for key, said in ROWS.items()]
    targets = ("targets", [(", ".join(map(spoken, arm["wish_sd"])), "") for arm in arms.values()])
    return {
        "sentences": [(arm["sentence"], arm["supported"]) for arm in arms.values()],
        "arms": list(arms),
        "rows": [targets, *rows],
        "figures": _shown(folder),
        "people": metrics["protocol"]["edited"],
        "unseen": metrics["protocol"]["edited_unseen"],
    }


def _summary(models: dict) -> list[str]:
    sentences = []
    for task in tasks_in(models):
        if not models["twin"].get(task, {}).get("choice_concordance", {}).get("n", 1):
            sentences.append(
                f"{titled(task)}: nobody is above chance, so that no figure of behaviour is "
                "defined; are right and wrong turned around?"
            )
            continue

        def value(model, metric, task=task):
            found = models[model].get(task, {}).get(metric, {}).get("value")
            return "undefined" if found is None else f"{found:.3f}"

        sentences.append(
            f"{titled(task)}: reaction times correlate at r = "
            f"{value('twin', 'reaction_time_r')} over people; their own first half reaches "
            f"{value('own_training_half', 'reaction_time_r')} without a connectome, and the same "
            f"twin with shuffled connectomes {value('shuffled_connectome', 'reaction_time_r')}. "
            f"Choices agree on {value('twin', 'choice_concordance')} of trials; always pressing "
            f"the correct button agrees on {value('always_correct', 'choice_concordance')}."
        )
        twin, right = (
            models[model].get(task, {}).get("choice_concordance", {}).get("value")
            for model in ("twin", "always_correct")
        )
        if None not in (twin, right) and twin < right - NOT_LEARNED:
            sentences.append(
                f"{titled(task)}: the twin presses the right button far less often than "
                "people do. It has not learned the task; train it for longer before reading on."
            )
        if "oracle_scores" in models:
            sentences.append(
                f"{titled(task)}: the truth is known here. Knowing everybody's parameters "
                f"gives r = {value('oracle_parameters', 'reaction_time_r')}, knowing only what the "
                f"connectome causes {value('oracle_scores', 'reaction_time_r')}: the ceilings for "
                "people seen in training and for unseen people."
            )
    return sentences
