"""One self-contained HTML page from what a run wrote."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_report(
    path: Path,
    *,
    title: str,
    first_line: str,
    summary: Sequence[str],
    protocol: dict[str, Any],
    models: dict[str, dict],
    verdict: dict[str, dict],
    headline: str,
    figures: Sequence[tuple[str, Path]],
    exclusions: Sequence[tuple[str, str, str, str]],
    timing: dict[str, Any],
    people: str,
) -> None:
    """Fill the template; figures are embedded, nothing is loaded from outside.

    Args:
        path: where to write.
        title: heading.
        first_line: what is measured and what is simulated.
        summary: sentences under it.
        protocol, models, verdict, timing: as in `metrics.json`.
        headline: the verdict in one sentence.
        figures: (caption, PNG file).
        exclusions: lines of the ledger.
        people: whom the figures are about.
    """
    names = list(models)
    rows = [
        (
            f"{task}: {metric}".replace("_", " "),
            [models[m].get(task, {}).get(metric) for m in names],
        )
        for task in models["twin"]
        for metric in models["twin"][task]
    ]
    write_page(
        path,
        "report.html.j2",
        title=title,
        first_line=first_line,
        summary=summary,
        protocol=protocol,
        headline=headline,
        claims=[row for row in verdict.values() if row["p"] is not None],
        others=[row for row in verdict.values() if row["p"] is None],
        people=people,
        names=[name.replace("_", " ") for name in names],
        rows=[(metric, [figure_text(f) for f in found]) for metric, found in rows],
        figures=figures,
        exclusions=exclusions,
        timing=timing,
    )


def write_page(
    path: Path,
    template: str,
    *,
    title: str,
    first_line: str,
    summary: Sequence[str],
    figures: Sequence[tuple[str, Path]],
    protocol: dict[str, Any],
    timing: dict[str, Any],
    **context: Any,
) -> None:
    """Fill a template that extends `page.html.j2`; figures are embedded.

    Args:
        path: where to write.
        template: file in `dtb_jax/templates`.
        title, first_line, summary, figures, protocol, timing: as in `write_report`.
        context: what this template alone reads.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("dtb_jax"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template(template).render(
        title=title,
        first_line=first_line,
        summary=summary,
        figures=[(caption, _embedded(png)) for caption, png in figures],
        protocol=protocol,
        timing=timing,
        **context,
    )
    path.write_text(page, encoding="utf-8")


def _embedded(png: Path) -> str:
    return base64.b64encode(Path(png).read_bytes()).decode()


def figure_text(figure: dict | None) -> tuple[str, str]:
    """A figure as (value, interval or SD)."""
    if figure is None or figure["value"] is None:
        return "–", ""
    value = f"{figure['value']:.3f}"
    if figure["sd"] is not None:
        return value, f"± {figure['sd']:.3f}"
    if figure["ci_low"] is not None:
        return value, f"[{figure['ci_low']:.2f}, {figure['ci_high']:.2f}]"
    return value, ""
