"""A sweep: what each axis does, beside what needs no connectome."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, frame


def sweep(
    table: pd.DataFrame,
    axes: Sequence[str],
    columns: Sequence[str],
    lines: dict[str, float],
    beside: str,
    label: str,
) -> Figure:
    """Columns of the table (rows of panels) over every axis (columns of panels).

    Args:
        table: one row a point.
        axes: columns that differ by design.
        columns: what is drawn.
        lines: by column, what the baseline reaches.
        beside: the baseline's name.
        label: what is simulated.
    """
    size = (1.2 + 2.7 * len(axes), 1 + 2.0 * len(columns))
    figure, panels = frame(len(columns), len(axes), size, label, sharey="row")
    for row, column in zip(panels, columns):
        for panel, axis in zip(row, axes):
            values = sorted(table[axis].unique())
            at = table[axis].map(values.index)
            shift = 0.16 * (np.argsort(np.argsort(table.index)) / max(len(table) - 1, 1) - 0.5)
            panel.scatter(at + shift, table[column], s=14, color=PLAIN, lw=0)
            means = table.groupby(axis)[column].mean()
            panel.plot(range(len(values)), means[values], "o-", color=TWIN, lw=2)
            if column in lines:
                panel.axhline(lines[column], color=SEEN, ls="--", lw=1)
            panel.set_xticks(
                range(len(values)), [f"{v:g}" if isinstance(v, float) else str(v) for v in values]
            )
            panel.set_xlim(-0.4, len(values) - 0.6)
        row[0].set_ylabel(column.replace("_", " ").replace("reaction time", "RT"))
    for panel, axis in zip(panels[-1], axes):
        panel.set_xlabel(axis.replace("_", " "))
    if any(column in lines for column in columns):
        panels[0, -1].plot([], [], color=SEEN, ls="--", lw=1, label=beside)
        panels[0, -1].legend(loc="upper right", fontsize=8)
    return figure
