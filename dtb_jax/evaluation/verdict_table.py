"""What the data support, a row a figure: the twin beside the best of what needs less."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.verdict import (
    COVARIATES,
    TAGS,
    best,
    figure_name,
    number,
    titles,
    with_interval,
)
from dtb_jax.models.registry import REGRESSIONS

Cell = tuple[str, str]
"""A value, and what stands small beside it."""
NOTHING: Cell = ("–", "")


class VerdictTable(NamedTuple):
    """Headline figures."""

    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


def verdict_table(
    models: Mapping,
    verdicts: Mapping,
    metrics: Sequence[str],
    *,
    unseen: bool,
    covariates: str = COVARIATES,
) -> VerdictTable:
    """Headline figures of all tasks, as `metrics.json` holds them.

    Args:
        models, verdicts: as in `metrics.json`.
        metrics: which are shown.
        unseen: whether the tested people trained nothing.
        covariates: what the model `demographics` knows, in words.
    """
    called = titles(covariates)
    simpler = (*REGRESSIONS, "constant_input")  # models of the person's connectome
    known = {
        model: {task: {m: Estimate(**f) for m, f in each.items()} for task, each in tasks.items()}
        for model, tasks in models.items()
    }
    without = tuple(name for name in TAGS if name != "one_hot_identity")
    if unseen:  # who knows a part of the tested person is no baseline for strangers
        without = ("demographics", *(name for name in without if name != "own_training_half"))
    columns = ["twin", "name tag", "best without own connectome", "ceiling", "evidence"]
    if unseen:
        columns[1:3] = ["best without own connectome", "best simpler model"]
        columns.insert(-1, "after confounds")
    rows = []
    for task, each in known["twin"].items():
        for metric in (m for m in metrics if m in each and each[m].value is not None):
            verdict = verdicts[f"{task}.{metric}"]
            first = without if unseen else ("one_hot_identity",)
            second = simpler if unseen else without
            cells = [
                _interval(each[metric]),
                _best(known, task, metric, first, called if unseen else {}),
                _best(known, task, metric, second, called),
                _plain(known.get("ceiling", {}).get(task, {}).get(metric)),
            ]
            if unseen:
                left, p = verdict["after_confounds"], verdict["p_holm"]
                told = left is not None and left["value"] is not None and p is not None
                cells.append((number(left["value"]), f"p = {p:.3f} (Holm)") if told else NOTHING)
            least = None if verdict["evidence"] else verdict.get("detectable_r")
            shown = f"detectable: r\u00a0=\u00a0{number(least)}" if least is not None else ""
            cells.append(("yes" if verdict["evidence"] else "none", shown))
            rows.append((figure_name(task, metric), cells))
    return VerdictTable(columns, rows)


def _interval(figure: Estimate) -> Cell:
    value, _, interval = with_interval(figure).partition(" ")
    return value, interval


def _plain(figure: Estimate | None) -> Cell:
    return NOTHING if figure is None or figure.value is None else (number(figure.value), "")


def _best(
    known: Mapping, task: str, metric: str, names: Sequence[str], called: Mapping[str, str]
) -> Cell:
    (name,) = best(known, task, metric, names, most=1) or ("",)
    if not name:
        return NOTHING
    return number(known[name][task][metric].value), called.get(name, "")
