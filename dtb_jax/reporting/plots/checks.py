"""Whether edits and maps hold: truth, controls, permutations, stability, deleted edges."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.panels import arm_colours, grid, heads, minus
from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, WARM, frame

CROWD = 3000
"""Points above which density is drawn instead of dots."""


def predicted_true(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, str]],
    label: str,
    xlabel: str = "true effect (SD)",
    ylabel: str = "predicted effect (SD)",
) -> Figure:
    """Predicted against true effect over one range, with the identity and the regression line.

    Args:
        panels: (title, predicted [n], true [n], text); more than `CROWD` are drawn as density.
        label: what is simulated, or "".
        xlabel, ylabel: of the axes.
    """
    figure, axes = grid(len(panels), (4.5, 4.7), label)
    said = []
    crowd = matplotlib.colors.LinearSegmentedColormap.from_list(
        "crowd", ["#d3dfe8", TWIN, "#0b2233"]
    )
    for axis, (title, predicted, true, text) in zip(axes, panels):
        both = np.stack([true, predicted]).astype(float)
        both = both[:, np.isfinite(both).all(axis=0)]
        low, high = min(0, both.min()), max(0, both.max())
        room = 0.04 * (high - low) or 1
        low, high = low - room, high + room
        axis.axhline(0, color=PLAIN, lw=0.6)
        axis.axvline(0, color=PLAIN, lw=0.6)
        if both.shape[1] > CROWD:
            image = axis.hexbin(
                *both, gridsize=55, extent=(low, high) * 2, mincnt=1, bins="log", cmap=crowd, lw=0
            )
            figure.colorbar(image, ax=axis, label="points in a cell", shrink=0.7)
        else:
            axis.scatter(*both, s=18, color=TWIN, alpha=0.5, lw=0)
        axis.axline((0, 0), slope=1, color=SEEN, lw=1, ls=":", label="identity")
        if np.ptp(both[0]) > 0:
            slope, start = np.polyfit(both[0], both[1], 1)
            x = np.array([both[0].min(), both[0].max()])
            axis.plot(x, start + slope * x, color=WARM, lw=2, label=minus(f"slope {slope:.2f}"))
        axis.set(xlim=(low, high), ylim=(low, high), xlabel=xlabel, ylabel=ylabel)
        said.append((title, f"{text}\nn = {both.shape[1]:,}"))
        axis.legend(fontsize=9, loc="lower right")
    heads(axes, said)
    return figure


BESIDE: dict = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 9}
"""Text to the right of a row."""


def controls(
    panels: Sequence[tuple[str, Sequence[tuple[str, dict]]]],
    label: str,
    xlabel: str = "effect (SD)",
    zero: float = 0.0,
) -> Figure:
    """The designed edit beside its controls: a dot and its 95 % interval, both written.

    Args:
        panels: (title, [(name, {"value", "ci_low", "ci_high"})]); the rows whose name starts
            with "designed", or else the first, are coloured.
        label: what is simulated, or "".
        xlabel: of the axes.
        zero: what chance gives.
    """
    most = max(len(rows) for _, rows in panels)
    figure, axes = grid(len(panels), (5.6, 0.42 * most + 1.5), label)
    for axis, (title, rows) in zip(axes, panels):
        known = [(name, f) for name, f in rows if f["value"] is not None]
        designed = [n for n, _ in rows if n.startswith("designed")] or [n for n, _ in rows[:1]]
        axis.axvline(zero, color=SEEN, lw=0.8)
        for k, (name, f) in enumerate(known):
            value, colour = f["value"], TWIN if name in designed else PLAIN
            low, high = (value if f[end] is None else f[end] for end in ("ci_low", "ci_high"))
            axis.plot([low, high], [k, k], color=colour, lw=3, solid_capstyle="round")
            axis.plot(value, k, "o", color=colour, ms=8)
            within = "" if f["ci_low"] is None else f" [{low:.2f}, {high:.2f}]"
            axis.annotate(minus(f"{value:.2f}{within}"), (1.01, k), **BESIDE)
        axis.annotate("95 % interval", (1.01, -0.62), **BESIDE, color=SEEN)
        axis.set_yticks(range(len(known)), [name.replace("_", " ") for name, _ in known])
        axis.set(title=title, xlabel=xlabel, ylim=(max(1, len(known)) - 0.5, -0.5))
        axis.margins(x=0.08)
        axis.spines["left"].set_visible(False)
        axis.tick_params(left=False)
    return figure


def null(
    panels: Sequence[tuple[str, np.ndarray, float, str]], label: str, xlabel: str = "r"
) -> Figure:
    """The observed value beside those of permuted people.

    Args:
        panels: (title, null values [permutation], observed, text).
        label: what is simulated, or "".
        xlabel: of the axes.
    """
    figure, axes = grid(len(panels), (4.4, 3.8), label)
    said = []
    for axis, (title, values, observed, text) in zip(axes, panels):
        values = np.asarray(values, float)[np.isfinite(values)]
        bins = np.histogram_bin_edges(values, min(40, max(5, len(values) // 12)))
        axis.hist(values, bins, color=PLAIN)
        legend = f"blue: observed {observed:.2f}; grey: {len(values):,} permutations"
        if len(values) >= 20:
            top = np.quantile(values, 0.95)
            axis.axvline(top, color=SEEN, lw=1, ls="--")
            legend += f"; dashed: 95 % of them lie below {top:.2f}"
        axis.axvline(observed, color=TWIN, lw=3)
        axis.margins(x=0.08)
        axis.set(xlabel=xlabel, ylabel="permutations")
        said.append((title, f"{text}\n{legend}"))
    heads(axes, said, 52)
    return figure


def sensitivity(
    curves: dict[float, Sequence[tuple[int, float]]],
    label: str,
    title: str = "",
    ylabel: str = "1 - r with the reference map",
) -> Figure:
    """How many noisy samples a SmoothGrad map needs, one line a noise level.

    Args:
        curves: {noise, in SD of the connectome: [(samples, r)]}.
        label: what is simulated, or "".
        title, ylabel: of the axes.
    """
    figure, axes = frame(1, 1, (6.6, 4.4), label)
    axis = axes[0, 0]
    shades = matplotlib.colormaps["viridis_r"](np.linspace(0.2, 0.95, len(curves)))
    for (noise, line), colour in zip(sorted(curves.items()), shades):
        samples, r = np.array(sorted(line), float).reshape(-1, 2).T
        axis.plot(samples, np.maximum(1 - r, 1e-12), "o-", color=colour, lw=2, label=f"{noise:g}")
    ticks = sorted({samples for line in curves.values() for samples, _ in line})
    axis.set_xscale("log", base=2)
    axis.set_xticks(ticks, [f"{k:g}" for k in ticks])
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.set(title=title, xlabel="noisy samples", ylabel=ylabel)
    axis.legend(title="noise (SD)", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def faithfulness(
    panels: Sequence[
        tuple[str, np.ndarray, dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]
    ],
    label: str,
    ylabel: str = "change of the indicator (SD)",
) -> Figure:
    """What deleting the strongest edges of each attribution changes, beside random edges.

    Args:
        panels: (title, k [k], {method: change [k]}, random low, mean, high [k]), k edges deleted.
        label: what is simulated, or "".
        ylabel: of the axes.
    """
    figure, axes = grid(len(panels), (5.0, 4.2), label)
    for axis, (title, k, methods, low, mean, high) in zip(axes, panels):
        axis.axhline(0, color=SEEN, lw=0.8)
        axis.fill_between(k, low, high, color=PLAIN, alpha=0.35, lw=0, label="random edges")
        axis.plot(k, mean, color=PLAIN, lw=2)
        for (name, change), colour in zip(methods.items(), arm_colours(methods).values()):
            axis.plot(k, change, "o-", color=colour, lw=2, ms=5, label=name)
        axis.set_xscale("log")
        axis.set_xticks(k, [f"{count:,g}" for count in k])
        axis.minorticks_off()
        axis.set(title=title, xlabel="strongest edges deleted", ylabel=ylabel)
        axis.legend(fontsize=9, loc="best")
    return figure
