"""What regions do in a task, in the brain: observed above, told by the twin below."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.style import SEEN, frame

NAMED = 4
"""Regions that a row's text names."""


def region_brain(
    values: Mapping[str, np.ndarray],
    coordinates: np.ndarray,
    names: Sequence[str],
    label: str,
    title: str,
    unit: str = "group t",
) -> Figure:
    """Values of regions in a glass brain, a row each, red positive and blue negative.

    Every row has a scale of its own, symmetric around 0: what a twin tells has no noise of a
    scanner, and its t-values may be many times those observed.

    Args:
        values: [region] by the name of the row, such as "faces, observed" and "faces, twin".
        coordinates: [region, 3], MNI mm; regions with NaN are counted, not drawn.
        names: of the regions.
        label: what is simulated, or "".
        title: of the figure.
        unit: of the values.
    """
    from nilearn.plotting import plot_markers

    placed = np.isfinite(coordinates).all(axis=1)
    height = 2.9 * len(values) + 0.8
    figure, axes = frame(len(values), 1, (12.0, height), label)
    figure.set_layout_engine("none")  # nilearn places its own axes
    for k, (axis, (row, value)) in enumerate(zip(axes[:, 0], values.items())):
        top = 1 - (0.55 + 2.9 * k) / height
        drawn = placed & np.isfinite(value)
        limit = np.max(np.abs(value[drawn]), initial=1e-9)
        axis.set_position((0.005, top - 2.75 / height, 0.89, 2.3 / height))
        plot_markers(
            value[drawn],
            coordinates[drawn],
            node_size=90,
            node_cmap="RdBu_r",
            node_vmin=-limit,
            node_vmax=limit,
            display_mode="lyrz",
            figure=figure,
            axes=axis,
            alpha=1,
            node_kwargs={"edgecolors": SEEN, "linewidths": 0.6},
            colorbar=False,
        )
        bar = figure.add_axes((0.925, top - 2.6 / height, 0.012, 2.1 / height))
        figure.colorbar(ScalarMappable(Normalize(-limit, limit), "RdBu_r"), cax=bar, label=unit)
        figure.text(0.01, top, row, fontsize=12, weight="bold", va="top")
        figure.text(0.3, top, _largest(value, names, drawn), fontsize=10, color=SEEN, va="top")
    figure.text(0.01, 1 - 0.12 / height, title, fontsize=13, weight="bold", va="top")
    return figure


def _largest(value: np.ndarray, names: Sequence[str], drawn: np.ndarray) -> str:
    known = np.flatnonzero(np.isfinite(value))
    order = known[np.argsort(-np.abs(value[known]), kind="stable")][:NAMED]
    text = ", ".join(f"{names[k].replace('_', ' ')} {value[k]:.1f}" for k in order)
    hidden = (~drawn).sum()
    return f"largest: {text}" + (f"; {hidden} without coordinates or value" if hidden else "")
