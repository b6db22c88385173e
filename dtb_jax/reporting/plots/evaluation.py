"""Models side by side, probabilities beside what happened, simulated beside real."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, WARM, frame, nothing


def verdict(rows: Sequence[tuple[str, dict[str, dict]]], label: str) -> Figure:
    """The headline figures, twin and baselines side by side with 95 % intervals.

    Args:
        rows: (metric, {model: figure}), one panel each.
        label: what is simulated, or "".
    """
    if not rows:
        return nothing("No headline figure is defined.", label)
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    most = max(len(models) for _, models in rows)
    height = max(2.7, 0.24 * most + 1.0)
    figure, axes = frame(lines, columns, (4.6 * columns, height * lines), label)
    for axis in axes.flat[len(rows) :]:
        axis.set_visible(False)
    for axis, (metric, models) in zip(axes.flat, rows):
        known = {name: f for name, f in models.items() if f["value"] is not None}
        for k, (name, figure_) in enumerate(known.items()):
            low = figure_["value"] if figure_["ci_low"] is None else figure_["ci_low"]
            high = figure_["value"] if figure_["ci_high"] is None else figure_["ci_high"]
            colour = (
                TWIN
                if name == "twin"
                else WARM
                if name.startswith(("oracle", "ceiling"))
                else PLAIN
            )
            axis.plot([low, high], [k, k], color=colour, lw=3, solid_capstyle="round")
            axis.plot(figure_["value"], k, "o", color=colour, ms=7)
        names = [name.replace("_", " ") for name in known]
        axis.set_yticks(range(len(known)), names, fontsize=9 if most > 12 else 11)
        axis.set(title=metric, ylim=(len(known) - 0.5, -0.5))
    return figure


def reliability(
    panels: Sequence[tuple[str, dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]], label: str
) -> Figure:
    """Reliability diagrams: how often what was told with some probability came true.

    Args:
        panels: (title, {model: (told probability, observed share, number of trials)}) by bin.
        label: what is simulated, or "".
    """
    figure, axes = frame(1, len(panels), (4.6 * len(panels), 4.4), label)
    for axis, (title, models) in zip(axes[0], panels):
        top = 0.05
        for (name, (told, seen, count)), colour in zip(models.items(), (TWIN, PLAIN, WARM)):
            axis.plot(told, seen, color=colour, lw=1.5, label=name.replace("_", " "))
            axis.scatter(told, seen, s=12 + 160 * count / count.sum(), color=colour, lw=0)
            top = max(top, told.max(), seen.max())
        axis.plot([0, top], [0, top], color=SEEN, lw=0.8, ls=":")
        axis.set(title=title, xlabel="told", ylabel="observed")
        if models:
            axis.legend(fontsize=9, loc="upper left")
    return figure


def few_shot(
    panels: Sequence[tuple[str, dict[str, list[tuple[int, dict]]]]],
    label: str,
    *,
    alike: bool = True,
) -> Figure:
    """How well people are told after so many of their own trials.

    Args:
        panels: (title, {model: [(trials, figure)]}), of at most four models.
        label: what is simulated, or "".
        alike: whether all panels show one metric.
    """
    if not panels:
        return nothing("No curve is defined.", label)
    figure, axes = frame(1, len(panels), (5.2 * len(panels), 4.2), label, sharey=alike)
    for axis, (title, models) in zip(axes[0], panels):
        shots = sorted({k for line in models.values() for k, _ in line})
        shifts, colours = (-0.05, 0.05, -0.15, 0.15), (TWIN, PLAIN, WARM, SEEN)
        for shift, (name, line), colour in zip(shifts, models.items(), colours):
            known = [(shots.index(k), f) for k, f in line if f["value"] is not None]
            x = np.array([k for k, _ in known]) + shift
            value = [f["value"] for _, f in known]
            axis.plot(x, value, "o-", color=colour, label=name.replace("_", " "))
            axis.vlines(
                x, [f["ci_low"] for _, f in known], [f["ci_high"] for _, f in known], color=colour
            )
        if axis.get_ylim()[0] < 0 < axis.get_ylim()[1]:
            axis.axhline(0, color=PLAIN, lw=0.8)
        axis.set_xticks(range(len(shots)), [str(k) for k in shots])
        axis.set(title=title, xlabel="own trials known")
    axes[0, 0].legend()
    return figure


def calibration(rows: Sequence[tuple[str, float, float, float]], label: str) -> Figure:
    """How far each simulated statistic is from the real one, in tolerances.

    Args:
        rows: (name, simulated, real, tolerance).
        label: what is simulated.
    """
    half = -(-len(rows) // 2)
    figure, axes = frame(1, 2, (13.0, 0.21 * half + 1.2), label, sharex=True)
    for axis, part in zip(axes[0], (rows[:half], rows[half:])):
        off = np.array([(simulated - real) / tolerance for _, simulated, real, tolerance in part])
        axis.axvspan(-1, 1, color=PLAIN, alpha=0.2, lw=0)
        axis.axvline(0, color=SEEN, lw=0.8)
        axis.scatter(off, range(len(part)), c=np.where(np.abs(off) <= 1, TWIN, WARM), s=26)
        names = [f"{name.replace('_', ' ')}  {real:.4g}" for name, _, real, _ in part]
        axis.set_yticks(range(len(part)), names, fontsize=8)
        axis.set(ylim=(len(part) - 0.5, -0.5), xlabel="(simulated - real) / tolerance")
    axes[0, 0].set_title("Simulated beside real (the real value is written)")
    return figure
