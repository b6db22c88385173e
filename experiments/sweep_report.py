"""Table, figure and page of `experiments.sweep`."""

from pathlib import Path
from typing import Any

import pandas as pd

from dtb_jax.data.writing import as_json
from dtb_jax.reporting import plots, report
from dtb_jax.workflows import session

SHOWN = ("validation_loss", "reaction_time_r", "log_likelihood")
"""Endings of the columns that are drawn."""


def write(
    workdir: Path,
    table: pd.DataFrame,
    axes: dict[str, list[Any]],
    metrics: dict[str, Any],
) -> None:
    """The table as Parquet where pyarrow is there, the figure and the page."""
    try:
        table.to_parquet(workdir / "sweep.parquet", index=False)
    except ImportError:
        print("no sweep.parquet: it needs pyarrow: pip install pyarrow")
    protocol = metrics["protocol"]
    simulated = [name for name in ("connectome", "bold") if protocol[name] == "simulated"]
    label = f"simulated {' and '.join(simulated)}" if simulated else ""
    ((name, beside),) = metrics["beside"].items()
    columns = [
        column
        for column in table.columns
        if column.endswith(SHOWN) and column != "least_validation_loss"
    ]
    lines = {
        f"{task}_{metric}": figure.value
        for task, each in beside.items()
        for metric, figure in each.items()
        if figure.value is not None
    }
    figure = plots.sweep(table, list(axes), columns, lines, name.replace("_", " "), label)
    caption = (
        "Every point (dots) and the mean over all other axes (lines); "
        f"dashed: {name.replace('_', ' ')}, which needs no connectome."
    )
    figures = session.save_figures(workdir, [(caption, "sweep", figure)])
    said = [f"{len(table)} points over {', '.join(axes)}; {(~table['finite']).sum()} diverged."]
    if table["finite"].any():
        best = table.loc[table["validation_loss"].idxmin()]
        said.append(
            f"Least validation loss: {', '.join(f'{axis} = {best[axis]}' for axis in axes)}. "
            "What was chosen among many looks better than it is."
        )
    report.write_page(
        workdir / "report.html",
        "sweep.html.j2",
        title="Sweep",
        first_line=f"{protocol['participants']} people, {label or 'all data measured'}.",
        summary=said,
        figures=figures,
        metrics=as_json(metrics),
        columns=list(table.columns),
        rows=[[_text(value) for value in row] for row in table.itertuples(index=False)],
    )
    print(f"report: {workdir / 'report.html'}")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.4g}"
    return str(value)
