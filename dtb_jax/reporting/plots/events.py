"""What a run's events look like beside its volumes, and how long presses took."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from dtb_jax.reporting.plots.style import ACTIONS, PLAIN, SEEN, WARM, frame

CONDITIONS = (*ACTIONS[:1], ACTIONS[2], "#8a6fb0", "#b98b2f", "#4c9f9a", PLAIN)
"""Colours of conditions, in turn; red is kept for what is odd."""
LEAST_RANGE_S = 0.5
BINS, MOST_BINS = 40, 200
"""Within the window, and at most."""


class Timeline(NamedTuple):
    """One person's events in one run; times in seconds after the first volume."""

    title: str
    conditions: tuple[str, ...]
    condition: np.ndarray  # [trial]
    onset_s: np.ndarray
    duration_s: np.ndarray  # while a press counts
    press_s: np.ndarray  # NaN where nobody pressed
    late: np.ndarray  # presses after the window
    outside: np.ndarray  # trials outside the scan
    volume_s: np.ndarray  # acquisition of each volume that was read
    bold: np.ndarray | None  # mean over regions at these volumes; None: no BOLD
    scan_s: float


def timeline(runs: Sequence[Timeline], label: str) -> Figure:
    """Events as bars by condition, presses as ticks, over the volumes of the scan, a run a panel.

    Args:
        runs: of one person.
        label: what is simulated, or "".
    """
    figure, axes = frame(len(runs), 1, (12.0, 2.9 * len(runs)), label)
    for axis, run in zip(axes[:, 0], runs):
        axis.axvspan(0, run.scan_s, color=PLAIN, alpha=0.13, lw=0)
        if run.bold is not None:
            spread = max(np.ptp(run.bold), 1e-9)
            axis.plot(
                run.volume_s, (run.bold - run.bold.min()) / spread * 0.9 - 1.15, color=SEEN, lw=0.9
            )
        axis.vlines(run.volume_s, -1.45, -1.27, color=SEEN, lw=0.4)
        for c in range(len(run.conditions)):
            rows = np.flatnonzero((run.condition == c) & ~run.outside)
            bars = list(zip(run.onset_s[rows], run.duration_s[rows]))
            axis.broken_barh(bars, (0, 0.8), color=CONDITIONS[c % len(CONDITIONS)], lw=0)
        beyond = list(zip(run.onset_s[run.outside], run.duration_s[run.outside]))
        axis.broken_barh(beyond, (0, 0.8), facecolor="none", edgecolor=WARM, lw=1)
        for odd, colour in ((False, SEEN), (True, WARM)):
            pressed = run.press_s[np.isfinite(run.press_s) & (run.late == odd)]
            axis.vlines(pressed, 0.85, 1.2, color=colour, lw=1.1)
        low = min(0.0, run.onset_s.min(initial=0))
        high = max(run.scan_s, (run.onset_s + run.duration_s).max(initial=0))
        room = 0.01 * (high - low)
        axis.set(xlim=(low - room, high + room), ylim=(-1.5, 1.3))
        axis.set_yticks([-1.36, -0.7, 0.4, 1.02], ["volumes", "mean BOLD", "trials", "presses"])
        if run.bold is None:
            axis.set_yticks([-1.36, 0.4, 1.02], ["volumes", "trials", "presses"])
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_title(run.title)
        keys = [
            Patch(color=CONDITIONS[c % len(CONDITIONS)], label=name)
            for c, name in enumerate(run.conditions)
        ]
        if run.outside.any():
            keys.append(Patch(facecolor="none", edgecolor=WARM, label="outside the scan"))
        axis.legend(
            handles=keys, ncols=len(keys), fontsize=9, loc="lower right", bbox_to_anchor=(1, 1)
        )
    axes[-1, 0].set_xlabel("seconds after the first volume (grey: the scan)")
    return figure


class Times(NamedTuple):
    """All presses of one run."""

    title: str
    conditions: tuple[str, ...]
    condition: np.ndarray  # [press]
    time_s: np.ndarray
    window_s: float


def response_times(runs: Sequence[Times], label: str) -> Figure:
    """How long presses took, a run a panel, with the window and the median.

    Args:
        runs: presses of everybody.
        label: what is simulated, or "".
    """
    columns = min(2, len(runs))
    lines = -(-len(runs) // columns)
    figure, axes = frame(lines, columns, (5.6 * columns, 3.3 * lines), label)
    for axis in axes.flat[len(runs) :]:
        axis.set_visible(False)
    for axis, run in zip(axes.flat, runs):
        window = max(LEAST_RANGE_S, run.window_s)
        first, last = run.time_s.min(initial=0.0), 1.03 * run.time_s.max(initial=window)
        bins = np.linspace(first, last, min(MOST_BINS, int(BINS * (last - first) / window)) + 1)
        each = [run.time_s[run.condition == c] for c in range(len(run.conditions))]
        colours = [CONDITIONS[c % len(CONDITIONS)] for c in range(len(each))]
        axis.hist(each, bins, stacked=True, color=colours, label=run.conditions)
        axis.axvline(run.window_s, color=WARM, lw=1.5, ls="--", label="end of the window")
        if len(run.time_s):
            median = float(np.median(run.time_s))
            axis.axvline(median, color=SEEN, lw=1.5, label=f"median {median:.3g} s")
        axis.set(title=run.title, xlabel="reaction time (s)", ylabel="presses")
        axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
