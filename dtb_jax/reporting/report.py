"""One self-contained HTML page from what a run wrote."""

import base64
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dtb_jax.evaluation.verdict_table import NOTHING, Cell, VerdictTable, verdict_table
from dtb_jax.reporting.methods import methods, references

HEADLINES = (
    "choice_concordance",
    "reaction_time_r",
    "effect_r",
    "error_rate_r",
    "group_t_r",
    "person_t_r",
)
"""Metrics of a task that the verdict's table and its first table show."""
WIDTH = 5
"""Columns of a table that a sheet of paper holds."""


class Table(NamedTuple):
    """Metrics in columns, models in rows."""

    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


def write_report(
    path: Path,
    *,
    title: str,
    first_line: str,
    summary: Sequence[str],
    metrics: dict[str, Any],
    headline: str,
    figures: Sequence[tuple[str, Path]],
    exclusions: Sequence[Sequence[str]],
    people: str,
    template: str = "report.html.j2",
    **context: Any,
) -> None:
    """Fill the template; figures are embedded, nothing is loaded from outside.

    Args:
        path: where to write.
        title: heading.
        first_line: what is measured and what is simulated.
        summary: sentences under it.
        metrics: what `metrics.json` holds, with "models" and "verdict".
        headline: the verdict in one sentence.
        figures: (caption, PNG file).
        exclusions: lines of the ledger.
        people: whom the figures are about.
        template: `report.html.j2`, or one that extends it.
        context: what that template alone reads.
    """
    verdict = metrics["verdict"].values()
    write_page(
        path,
        template,
        title=title,
        first_line=first_line,
        summary=[*summary, *list_sentences(metrics)],
        metrics=metrics,
        figures=figures,
        headline=headline,
        claims=[row for row in verdict if row["p"] is not None],
        others=[row for row in verdict if row["p"] is None],
        people=people,
        verdicts=headline_figures(metrics),
        tables=[
            (task, *task_tables(metrics["models"], task))
            for task, found in metrics["models"]["twin"].items()
            if found
        ],
        exclusions=exclusions,
        reasons=Counter((run, reason) for _, run, _, reason in exclusions).most_common(),
        **context,
    )


def headline_figures(metrics: dict[str, Any]) -> VerdictTable:
    """The verdict's table of a run.

    Args:
        metrics: what `metrics.json` holds.
    """
    unseen = metrics["protocol"]["split"] == "people"
    covariates = metrics.get("covariates", "covariates")
    return verdict_table(
        metrics["models"], metrics["verdict"], HEADLINES, unseen=unseen, covariates=covariates
    )


def list_sentences(metrics: dict[str, Any]) -> list[str]:
    """What is done about trial lists, a sentence a run with more than one."""
    found = metrics.get("trial_lists", {})
    return [f"{run}: {one['sentence']}." for run, one in found.items() if one["sentence"]]


def task_tables(models: dict[str, dict], task: str) -> tuple[Table, list[Table]]:
    """A task's first table and all others, none wider than `WIDTH` but the first.

    Args:
        models: as in `metrics.json`.
        task: one of the twin's.
    """
    names = list(models["twin"][task])
    first = [name for name in HEADLINES if name in names] or names[:WIDTH]
    rest = [name for name in names if name not in first]
    parts = -(-len(rest) // WIDTH)
    even = [rest[k * len(rest) // parts : (k + 1) * len(rest) // parts] for k in range(parts)]
    return _table(models, task, first), [_table(models, task, part) for part in even]


def write_page(
    path: Path,
    template: str,
    *,
    title: str,
    first_line: str,
    summary: Sequence[str],
    metrics: dict[str, Any],
    figures: Sequence[tuple[str, Path]],
    **context: Any,
) -> None:
    """Fill a template that extends `page.html.j2`; figures and metrics are embedded.

    Args:
        path: where to write.
        template: file in `reporting/templates`.
        title, first_line, summary, figures: as in `write_report`.
        metrics: what `metrics.json` holds, with "protocol" and "timing".
        context: what this template alone reads.

    Raises: ValueError when a number of the metrics is not finite, which JSON does not know.
    """
    embedded_page(
        path,
        template,
        title=title,
        first_line=first_line,
        summary=summary,
        figures=figures,
        metrics=metrics,
        methods=methods(metrics),
        references=references(metrics),
        **context,
    )


def embedded_page(path: Path, template: str, **context: Any) -> None:
    """Fill a template that extends `page.html.j2`; what it names is embedded, nothing is loaded.

    Args:
        path: where to write.
        template: file in `reporting/templates`.
        context: what it reads: title, first_line, summary, figures as (caption, PNG file), and
            what this template alone does.

    Raises: ValueError when a number of its metrics is not finite, which JSON does not know.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("dtb_jax.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    environment.filters |= {
        "anchor": _anchor,
        "as_option": as_option,
        "embedded": _embedded,
        "said": _said,
        "spaced": spaced,
    }
    page = environment.get_template(template).render(**context)
    path.write_text(page, encoding="utf-8")


def as_option(sentence: str) -> str:
    """The library names options as experiments do: --config.rest_runs is --rest-runs in `dtb`."""
    return re.sub(r"--config\.(\w+)", lambda m: "--" + m[1].replace("_", "-"), sentence)


def spaced(name: str) -> str:
    """A name of `metrics.json` as one reads it."""
    return name.replace("_", " ")


def figure_text(figure: dict | None) -> Cell:
    """A figure as (value, interval or SD)."""
    if figure is None or figure["value"] is None:
        return NOTHING
    value = fixed(figure["value"], 3)
    if figure["sd"] is not None:
        return value, f"± {figure['sd']:.3f}"
    if figure["ci_low"] is not None:
        return value, f"[{fixed(figure['ci_low'], 2)}, {fixed(figure['ci_high'], 2)}]"
    return value, ""


def fixed(value: float, digits: int) -> str:
    """A number with so many digits; nothing is -0."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _table(models: dict[str, dict], task: str, metrics: list[str]) -> Table:
    """Models that say nothing of any of these metrics have no row."""
    rows = []
    for model, tasks in models.items():
        found = [figure_text(tasks.get(task, {}).get(metric)) for metric in metrics]
        if model == "twin" or any(cell != NOTHING for cell in found):
            rows.append((spaced(model), found))
    return Table([spaced(metric) for metric in metrics], rows)


def _said(value: Any) -> str:
    """A value of the protocol as one reads it."""
    if isinstance(value, dict):
        each = {key: _said(one) for key, one in value.items()}
        return ", ".join(
            f"{key} ({text})" if isinstance(value[key], dict) else f"{key} {text}"
            for key, text in each.items()
        )
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _embedded(png: Path) -> tuple[int, str]:
    """Width on the page, two of the file's pixels each, and the file as text."""
    raw = Path(png).read_bytes()
    return int.from_bytes(raw[16:20], "big") // 2, base64.b64encode(raw).decode()
