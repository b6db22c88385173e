"""What the connectome carries of people's differences, and whether intervals hold what they say."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, WARM, frame

COLOURS = (TWIN, WARM, PLAIN, SEEN)


def shares(rows: Sequence[tuple[str, dict, dict, float | None]], label: str) -> Figure:
    """Share of individual differences by function: after covariates, and raw beside it.

    Args:
        rows: (function, figure after covariates with ci_50, ci_80 and a 95 % interval, the same of
            the raw differences, the true share or None).
        label: what is simulated, or "".
    """
    figure, axes = frame(1, 1, (7.6, 0.5 * len(rows) + 1.9), label)
    axis = axes[0, 0]
    for k, (_, one, raw, true) in enumerate(rows):
        spans = [(one["ci_low"], one["ci_high"]), one["ci_80"], one["ci_50"]]
        for (low, high), width, alpha in zip(spans, (2, 5, 9), (0.5, 0.6, 1.0)):
            axis.plot([low, high], [k, k], color=TWIN, lw=width, alpha=alpha, solid_capstyle="butt")
        axis.plot(one["value"], k, "o", color="white", mec=TWIN, ms=6, zorder=3)
        if raw["value"] is not None:
            axis.plot([raw["ci_low"], raw["ci_high"]], [k + 0.27] * 2, color=PLAIN, lw=2)
            axis.plot(raw["value"], k + 0.27, "o", color="white", mec=PLAIN, ms=5, zorder=3)
        if true is not None:
            axis.plot(true, k, "|", color=WARM, ms=18, mew=3)
    axis.plot([], [], "o-", color=TWIN, lw=5, mfc="white", mec=TWIN, label="after covariates")
    axis.plot([], [], "o-", color=PLAIN, lw=2, mfc="white", mec=PLAIN, label="raw differences")
    if any(true is not None for *_, true in rows):
        axis.plot([], [], "|", color=WARM, ms=12, mew=3, label="truth")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, ncols=3)
    axis.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axis.set(
        xlim=(-0.02, 1.02),
        ylim=(len(rows) - 0.4, -0.5),
        xlabel="share of stable differences between people\nthat the connectome carries",
    )
    return figure


def coverage(
    rows: Sequence[Sequence[tuple[str, dict[str, list[tuple[float, dict]]]]]], label: str
) -> Figure:
    """How many mean reaction times lie inside intervals, by what the intervals say.

    Args:
        rows: of panels, (title, {model: [(nominal share, figure)]}); as many in each.
        label: what is simulated, or "".
    """
    columns, panels = len(rows[0]), [panel for row in rows for panel in row]
    size = (4.4 * columns, 4.0 * len(rows))
    figure, axes = frame(len(rows), columns, size, label, sharex=True, sharey=True)
    names = list(dict.fromkeys(name for _, models in panels for name in models))
    for axis, (title, models) in zip(axes.flat, panels):
        axis.plot([0.4, 1], [0.4, 1], color=SEEN, lw=0.8, ls=":")
        shift = np.linspace(-0.008, 0.008, max(len(models), 2))
        for (name, points), by in zip(models.items(), shift):
            colour = COLOURS[names.index(name) % len(COLOURS)]
            points = [(share, f) for share, f in points if f["value"] is not None]
            x = np.array([share for share, _ in points]) + by
            axis.plot(x, [f["value"] for _, f in points], "o-", color=colour, label=name)
            axis.vlines(
                x, [f["ci_low"] for _, f in points], [f["ci_high"] for _, f in points], color=colour
            )
        axis.set(title=title, xlim=(0.4, 1.02), ylim=(0.2, 1.02))
        axis.legend(loc="lower right", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("interval says")
    for axis in axes[:, 0]:
        axis.set_ylabel("people inside")
    return figure
