"""What edits do to functions that they were not meant for: selectivity and fronts."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dtb_jax.reporting.plots.panels import arm_colours, grid, heads, minus
from dtb_jax.reporting.plots.style import SEEN, TWIN, WARM, frame


def selectivity(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, str, str, str]], label: str
) -> Figure:
    """A person's effect on one function against the effect on another, one range on both axes.

    Args:
        panels: (title, x [people], y [people], xlabel, ylabel, text); the cross is the mean, its
            arms one SD of people.
        label: what is simulated, or "".
    """
    figure, axes = grid(len(panels), (4.4, 4.9), label)
    said = []
    for axis, (title, x, y, xlabel, ylabel, text) in zip(axes, panels):
        both = np.stack([x, y]).astype(float)
        both = both[:, np.isfinite(both).all(axis=0)]
        low, high = min(0, both.min()), max(0, both.max())
        room = 0.06 * (high - low) or 1
        axis.axhline(0, color=SEEN, lw=0.8)
        axis.axvline(0, color=SEEN, lw=0.8)
        axis.scatter(*both, s=20, color=TWIN, alpha=0.5, lw=0)
        spread = both.std(axis=1, ddof=1) if both.shape[1] > 1 else np.zeros(2)
        axis.errorbar(
            *both.mean(axis=1), spread[1], spread[0], color=WARM, lw=2.5, fmt="o", ms=7, zorder=3
        )
        axis.set(xlim=(low - room, high + room), ylim=(low - room, high + room))
        axis.set(xlabel=xlabel, ylabel=ylabel)
        said.append((title, f"{text}\ncross: mean and SD, n = {both.shape[1]}"))
    heads(axes, said)
    return figure


def selectivity_matrix(
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    arms: Sequence[str],
    indicators: Sequence[str],
    label: str,
    wanted: Sequence[tuple[int, int]] = (),
    unit: str = "effect (SD)",
    title: str = "",
) -> Figure:
    """Effect of every arm on every indicator with its interval, bold where that leaves out 0.

    Args:
        values, low, high: [arm, indicator], NaN where missing.
        arms, indicators: names of the rows and columns.
        label: what is simulated, or "".
        wanted: (arm, indicator) of the cells that an arm was designed for, framed.
        unit: of the values.
        title: of the figure.
    """
    size = (1.35 * len(indicators) + 3.4, 0.72 * len(arms) + 1.9)
    figure, axes = frame(1, 1, size, label)
    axis, most = axes[0, 0], np.max(np.abs(values[np.isfinite(values)]), initial=1e-9)
    axis.set_facecolor("#eceff1")
    image = axis.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        text = "\u2013"
        if np.isfinite(value):
            text = minus(f"{value:+.2f}\n[{low[i, j]:.2f}, {high[i, j]:.2f}]")
        sure = "bold" if low[i, j] > 0 or high[i, j] < 0 else "normal"
        colour = "white" if abs(value) > 0.6 * most else "black"
        axis.text(j, i, text, ha="center", va="center", color=colour, fontsize=9, weight=sure)
    for i, j in wanted:
        axis.add_patch(Rectangle((j - 0.47, i - 0.45), 0.94, 0.9, fill=False, lw=2.2, ec="black"))
    axis.set_title(title)
    axis.set_xticks(range(len(indicators)), indicators, rotation=25, ha="left")
    axis.set_yticks(range(len(arms)), arms)
    axis.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label=unit, shrink=0.9)
    return figure


def front(
    points: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    label: str,
    xlabel: str = "cognitive effect (SD)",
    ylabel: str = "affective effect (SD)",
    title: str = "",
) -> Figure:
    """Affective against cognitive effect of edits that weigh the two differently.

    Args:
        points: {name: (affective effect [k], cognitive effect [k], weight [k])}, joined in the
            order of the weight, which is written beside; one alone is a mark of its own.
        label: what is simulated, or "".
        xlabel, ylabel, title: of the axes.
    """
    figure, axes = frame(1, 1, (7.4, 5.6), label)
    axis = axes[0, 0]
    axis.axhline(0, color=SEEN, lw=0.8)
    axis.axvline(0, color=SEEN, lw=0.8)
    marks = iter("DsX^v*Ph<>" * len(points))
    for name, colour in arm_colours(points).items():
        affective, cognitive, weight = (np.atleast_1d(part).astype(float) for part in points[name])
        order = np.argsort(weight)
        if len(order) == 1:
            axis.plot(cognitive, affective, next(marks), color=colour, ms=11, mec="w", label=name)
            continue
        axis.plot(cognitive[order], affective[order], "o-", color=colour, lw=2, ms=7, label=name)
        for k in order:
            axis.annotate(
                f"{weight[k]:.2g}",
                (cognitive[k], affective[k]),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=8.5,
                color=colour,
            )
    axis.margins(0.1)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    heads([axis], [(title, "numbers: the weight")])
    axis.legend(fontsize=9.5, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
