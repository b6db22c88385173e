"""What every evaluating experiment's report shows: the verdict, its figure, calibration."""

import numpy as np

from dtb_jax.data.glm import noise_effect
from dtb_jax.data.tasks.lists import described
from dtb_jax.evaluation.assessment import OWN, EvaluationResult, remaining
from dtb_jax.evaluation.behaviour import error_mask, error_probability
from dtb_jax.evaluation.distributions import reliability_bins
from dtb_jax.evaluation.scores import run_names
from dtb_jax.evaluation.verdict import headline, titled
from dtb_jax.reporting import plots
from dtb_jax.reporting.methods import people_are_simulated
from dtb_jax.types import Cohort

BEHAVIOUR = {"choice_concordance": "choice concordance", "reaction_time_r": "RT r"}
BOLD = {"group_t_r": "BOLD: group t r", "person_t_r": "BOLD: person t r"}
DIAGRAM = ("twin", "own_training_half", "ridge", "item_profile")

Drawn = tuple[str, str, object]


def source_label(cohort: Cohort) -> str:
    """What a figure must say about its data."""
    told = {"connectomes": cohort.connectome_source, "BOLD": cohort.bold_source}
    made_up = [name for name, source in told.items() if source == "simulated"]
    if not made_up:
        return ""
    return f"simulated {' and '.join(made_up)}: about the software, not about brains"


def source_line(metrics: dict) -> str:
    """What is measured and what is not, by `metrics.json`."""
    protocol = metrics["protocol"]
    return source_words(
        protocol["connectome"], protocol["bold"], people_too=people_are_simulated(metrics)
    )


def source_words(connectome: str, source: str, *, people_too: bool = False) -> str:
    """What is measured and what is not, by the cohort's two sources."""
    bold = {"none": "there is no BOLD"}.get(source, f"BOLD is {source}")
    line = f"Connectomes are {connectome}; {bold}. "
    if people_too:
        line += "People and what they do are simulated, too. "
    if "simulated" in (connectome, source):
        line += "Nothing here is evidence about brains. "
    return line


def verdict_figure(models: dict, label: str) -> Drawn:
    """Headline metrics of all models side by side.

    Args:
        models: as in `metrics.json`.
        label: what is simulated, or "".
    """
    rows = []
    for task, metric, title in _headlines(models):
        found = {name: tasks.get(task, {}).get(metric) for name, tasks in models.items()}
        found = {name: figure for name, figure in found.items() if figure}
        if any(figure["value"] is not None for figure in found.values()):
            rows.append((title, found))
    caption = "Every model side by side, 95 % intervals over people."
    return caption, "verdict", plots.verdict(rows, label)


def tasks_in(models: dict) -> list[str]:
    """Names of the tasks whose behaviour was evaluated."""
    return [name for name in models["twin"] if name != "bold"]


def _headlines(models: dict) -> list[tuple[str, str, str]]:
    """Behaviour of each task, a panel of BOLD beside it: (task, metric, title)."""
    panels, bold = [], [("bold", metric, title) for metric, title in BOLD.items()]
    for task in tasks_in(models):
        panels += [(task, metric, f"{titled(task)}: {say}") for metric, say in BEHAVIOUR.items()]
        panels, bold = panels + bold[:1], bold[1:]
    return panels + bold


def reliability_figure(assessed: EvaluationResult, label: str) -> Drawn:
    """How often an error came, by the probability that models told.

    Among unseen people whole runs are tested: whoever knows a part of them is left out.
    """
    panels = []
    models = [name for name in DIAGRAM if not (assessed.evidence and name in OWN)]
    for r, (name, part) in enumerate(zip(run_names(assessed.scored), assessed.scored)):
        shown = {}
        for model in models:
            told = assessed.predictions.get(model)
            probability = None if told is None else error_probability(part, told[r])
            if probability is not None:
                counted = part.tested() & part.people[:, None] & np.isfinite(probability)
                if counted.any():
                    shown[model] = reliability_bins(probability, error_mask(part), counted)
        panels.append((f"{titled(name)}: P(not answered correctly)", shown))
    caption = "Reliability of told error probabilities, eight bins of equal counts."
    return caption, "reliability", plots.reliability(panels, label)


def verdict_metrics(assessed: EvaluationResult) -> dict:
    """`verdict`, in a sentence and one by one; `glm`, its noise; what is left after confounds."""
    found: dict = {
        "headline": headline(assessed.verdicts, unseen=bool(assessed.evidence)),
        "verdict": {key: one._asdict() for key, one in assessed.verdicts.items()},
        "covariates": assessed.covariates,
        "trial_lists": {
            part.run.name: {
                "kind": part.lists.kind,
                "sizes": part.lists.sizes(),
                "sentence": described(part.lists),
            }
            for part in assessed.scored
        },
    }
    noise = {
        name: effect._asdict()
        for name, part in zip(run_names(assessed.scored), assessed.scored)
        if (effect := noise_effect(part.glm, part.bold)) is not None
    }
    if noise:
        found["glm"] = {"noise": assessed.scored[0].glm.noise, "effect": noise}
    if assessed.evidence:
        found["after_confounds"] = remaining(assessed)
        found["permutation_p"] = {
            model: {key: one.p for key, one in each.items()}
            for model, each in assessed.evidence.items()
        }
    return found
