"""One self-contained HTML page from what a run wrote."""

import base64
from collections.abc import Sequence
from importlib.resources import files
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
    figures: Sequence[tuple[str, Path]],
    exclusions: Sequence[tuple[str, str, str, str]],
    timing: dict[str, Any],
) -> None:
    """Fill the template; figures are embedded, nothing is loaded from outside.

    Args:
        path: where to write.
        title: heading.
        first_line: what is measured and what is simulated.
        summary: sentences under it.
        protocol, models, timing: as in `metrics.json`.
        figures: (caption, PNG file).
        exclusions: lines of the ledger.
    """
    from jinja2 import Environment

    source = (files("dtb_jax") / "templates" / "report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        source
    )
    names = list(models)
    rows = [
        (
            f"{task}: {metric}".replace("_", " "),
            [models[m].get(task, {}).get(metric) for m in names],
        )
        for task in models["twin"]
        for metric in models["twin"][task]
    ]
    page = template.render(
        title=title,
        first_line=first_line,
        summary=summary,
        protocol=protocol,
        names=[name.replace("_", " ") for name in names],
        rows=[(metric, [_text(f) for f in found]) for metric, found in rows],
        figures=[(caption, _embedded(png)) for caption, png in figures],
        exclusions=exclusions,
        timing=timing,
    )
    path.write_text(page, encoding="utf-8")


def _embedded(png: Path) -> str:
    return base64.b64encode(Path(png).read_bytes()).decode()


def _text(figure: dict | None) -> tuple[str, str]:
    """A figure as (value, interval or SD)."""
    if figure is None or figure["value"] is None:
        return "–", ""
    value = f"{figure['value']:.3f}"
    if figure["sd"] is not None:
        return value, f"± {figure['sd']:.3f}"
    if figure["ci_low"] is not None:
        return value, f"[{figure['ci_low']:.2f}, {figure['ci_high']:.2f}]"
    return value, ""
