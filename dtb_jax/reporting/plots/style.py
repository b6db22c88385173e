"""Colours and frame that all figures share."""

import textwrap
from typing import Any

import matplotlib
from matplotlib.figure import Figure

TWIN, PLAIN, SEEN, WARM = "#2a6f97", "#9aa5b1", "#333f48", "#c8553d"
ACTIONS = (
    *("#2a6f97", "#c8553d", "#7a9e3f", "#8a6fb0"),
    *("#b98b2f", "#3a9d9d", "#d17ba6", "#5b6b3a"),
)
"""Of buttons and of tasks; more than these begin anew."""
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "savefig.dpi": 150,
}
matplotlib.rcParams.update(STYLE)
LETTER = 0.075
"""Inches of a letter of the label."""


def colour_of(k: int) -> str:
    """Of the k-th button or task."""
    return ACTIONS[k % len(ACTIONS)]


def nothing(said: str, label: str) -> Figure:
    """In place of a figure of which nothing is defined."""
    figure, axes = frame(1, 1, (6.0, 1.6), label)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0.5, said, va="center", transform=axes[0, 0].transAxes)
    return figure


def frame(rows: int, columns: int, size: tuple[float, float], label: str, **options):
    """A figure with its axes [rows, columns], and what is simulated in its corner."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    if label:
        narrow = textwrap.fill(label, int(size[0] / LETTER))  # in two lines where one does not fit
        figure.supxlabel(narrow, fontsize=9, color=WARM, x=0.99, ha="right")
    return figure, axes
