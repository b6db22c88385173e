"""Edges that an edit changes or an indicator depends on: in the brain, by network, on a ring."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.panels import heads
from dtb_jax.reporting.plots.ring import draw_ring, spoken
from dtb_jax.reporting.plots.style import SEEN, frame
from dtb_jax.twin.connectome import matrix, parcel_count

SIGNS = ListedColormap(
    matplotlib.colormaps["RdBu_r"](np.r_[np.linspace(0.02, 0.3, 128), np.linspace(0.7, 0.98, 128)])
)
"""Red and blue without the white between them, in which weak lines would be lost."""
BLOCKS = "mean of all edges between two networks, or within one"


class Strongest(NamedTuple):
    """The edges of largest absolute value, weakest first."""

    one: np.ndarray
    other: np.ndarray
    value: np.ndarray


def strongest(edges: np.ndarray, most: int) -> Strongest:
    """At most so many edges, none of them 0 or NaN, with the parcels that they join."""
    edges = np.asarray(edges, float)
    size = np.nan_to_num(np.abs(edges))
    order = np.argsort(size, kind="stable")[max(0, len(edges) - most) :]
    order = order[size[order] > 0]
    one, other = np.triu_indices(parcel_count(len(edges)), k=1)
    return Strongest(one[order], other[order], edges[order])


def network_means(edges: np.ndarray, networks: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Networks in the order of their first parcel and the mean edge of every pair, NaN for none."""
    names = list(dict.fromkeys(networks))
    member = np.array([[network == name for network in networks] for name in names], float)
    full = np.array(matrix(np.asarray(edges, np.float32)), float)
    np.fill_diagonal(full, np.nan)
    known = np.isfinite(full)
    count = member @ known @ member.T
    total = member @ np.where(known, full, 0) @ member.T
    return names, total / np.where(count > 0, count, np.nan)


def brain(
    edges: np.ndarray,
    coordinates: np.ndarray,
    label: str,
    title: str,
    most: int = 60,
    unit: str = "change (Fisher z)",
) -> Figure:
    """The strongest edges in a glass brain, red positive and blue negative, as wide as strong.

    Args:
        edges: [edge], Fisher-z change or attribution.
        coordinates: [parcel, 3], MNI mm; edges of parcels with NaN are counted, not drawn.
        label: what is simulated, or "".
        title: of the figure.
        most: edges.
        unit: of the edges.
    """
    from nilearn.plotting import plot_connectome

    found = strongest(edges, most)
    placed = np.isfinite(coordinates).all(axis=1)
    drawn = placed[found.one] & placed[found.other]
    one, other, value = (part[drawn] for part in found)
    parcels = np.unique([one, other])  # the rest would only hide these
    between = np.zeros((len(parcels), len(parcels)))
    rows, columns = np.searchsorted(parcels, one), np.searchsorted(parcels, other)
    between[rows, columns] = between[columns, rows] = value
    limit = np.max(np.abs(found.value), initial=1e-9)
    figure, axes = frame(1, 1, (13.0, 4.0), label)
    figure.set_layout_engine("none")  # nilearn places its own axes
    axes[0, 0].set_position((0.005, 0.05, 0.9, 0.75))
    plot_connectome(
        between,
        coordinates[parcels],
        node_color="#333f48",
        node_size=16,
        edge_cmap=SIGNS,
        edge_vmin=-limit,
        edge_vmax=limit,
        display_mode="lyrz",
        figure=figure,
        axes=axes[0, 0],
        alpha=0.4,
        edge_kwargs={"alpha": 0.8},
        colorbar=False,
    )
    bar = figure.add_axes((0.925, 0.16, 0.011, 0.6))
    figure.colorbar(ScalarMappable(Normalize(-limit, limit), SIGNS), cax=bar, label=unit)
    text = _caption(edges, found.value, unit) + "; side views: edges within that hemisphere"
    if not drawn.all():
        text += (
            f"\n{(~drawn).sum()} of these edges join parcels without coordinates and are not drawn"
        )
    figure.text(0.01, 0.97, title, fontsize=13, weight="bold", va="top")
    figure.text(0.01, 0.9, text, fontsize=10, color=SEEN, va="top")
    return figure


def network_matrix(
    edges: np.ndarray,
    networks: Sequence[str],
    label: str,
    title: str,
    unit: str = "mean change (Fisher z)",
) -> Figure:
    """Mean edge between every two networks, on the diagonal within one; grey where no edge is.

    Args:
        edges: [edge], Fisher-z change or attribution.
        networks: a label a parcel.
        label: what is simulated, or "".
        title: of the figure.
        unit: of the means.
    """
    figure, axes = frame(1, 1, (8.6, 7.0), label)
    _draw_matrix(figure, axes[0, 0], edges, networks, unit)
    heads(axes[0], [(title, BLOCKS)], 90)
    return figure


def circle(
    edges: np.ndarray,
    networks: Sequence[str],
    label: str,
    title: str,
    most: int = 60,
    unit: str = "change (Fisher z)",
) -> Figure:
    """The strongest edges as chords of a ring of parcels, red positive and blue negative.

    Args:
        edges: [edge], Fisher-z change or attribution.
        networks: a label a parcel.
        label: what is simulated, or "".
        title: of the figure.
        most: edges.
        unit: of the edges.
    """
    figure, axes = frame(1, 1, (8.2, 8.2), label)
    found = strongest(edges, most)
    draw_ring(axes[0, 0], *found, networks)
    heads(axes[0], [(title, _caption(edges, found.value, unit))], 90)
    return figure


def edge_panels(
    edges: np.ndarray,
    networks: Sequence[str],
    label: str,
    title: str,
    most: int = 60,
    unit: str = "change (Fisher z)",
) -> Figure:
    """`network_matrix` and `circle` side by side.

    Args:
        edges: [edge], Fisher-z change or attribution.
        networks: a label a parcel.
        label: what is simulated, or "".
        title: of the figure.
        most: edges of the circle.
        unit: of the edges.
    """
    figure, axes = frame(1, 2, (16.0, 7.4), label)
    axes[0, 1].set_visible(False)  # the ring may use the height of the matrix's names, too
    ring = figure.add_axes((0.57, 0.03, 0.42, 0.88))
    _draw_matrix(figure, axes[0, 0], edges, networks, f"mean {unit}")
    found = strongest(edges, most)
    draw_ring(ring, *found, networks)
    heads(axes[0, :1], [(title, BLOCKS)], 90)
    heads([ring], [("", _caption(edges, found.value, unit))], 90)
    return figure


def _caption(edges: np.ndarray, value: np.ndarray, unit: str) -> str:
    size = np.abs(value)
    spread = f", |{unit}| {size.min():.2g} to {size.max():.2g}" if len(size) else ""
    return f"the {len(value)} strongest of {np.isfinite(edges).sum():,} edges{spread}"


def _draw_matrix(figure: Figure, axis, edges, networks, unit: str) -> None:
    names, means = network_means(edges, networks)
    size = np.abs(means[np.isfinite(means)])
    limit = max(np.quantile(size, 0.98), 1e-9) if len(size) else 1.0  # a block may be one edge
    axis.set_facecolor("#d5dadf")
    image = axis.imshow(means, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axis.set_xticks(range(len(names)), spoken(names), rotation=90, fontsize=9)
    axis.set_yticks(range(len(names)), spoken(names), fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    extend = "both" if len(size) and size.max() > limit else "neither"
    figure.colorbar(image, ax=axis, label=unit, shrink=0.8, extend=extend)
