"""What twins make beside what people did: reaction times, BOLD, maps, training, presses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, WARM, colour_of, frame, nothing


def reaction_times(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, str]],
    label: str,
    observed_label: str = "observed, second half (ms)",
    predicted_label: str = "predicted (ms)",
) -> Figure:
    """Observed against predicted mean reaction time, a dot a person, with the identity line.

    Args:
        panels: (title, observed_s [people], predicted_s [people], text), one an axis; the twin
            and a baseline side by side for each task.
        label: what is simulated, or "".
        observed_label, predicted_label: of the axes.
    """
    if not panels:
        return nothing("No reaction times can be compared.", label)
    columns = 3 if len(panels) % 3 == 0 else 2
    rows = -(-len(panels) // columns)
    figure, axes = frame(rows, columns, (4.25 * columns, 4.0 * rows), label)
    for axis, (title, observed, predicted, text) in zip(axes.flat, panels):
        both = np.concatenate([observed, predicted]) * 1000
        both = both[np.isfinite(both)]
        low, high = (both.min() - 40, both.max() + 40) if len(both) else (0, 1000)
        axis.plot([low, high], [low, high], color=PLAIN, lw=1, zorder=1)
        colour = TWIN if "twin" in title + predicted_label else PLAIN
        axis.scatter(observed * 1000, predicted * 1000, s=18, color=colour, alpha=0.75, lw=0)
        axis.set(xlim=(low, high), ylim=(low, high), aspect="equal", title=title)
        axis.set(xlabel=observed_label, ylabel=predicted_label)
        axis.text(0.04, 0.96, text, transform=axis.transAxes, va="top")
    return figure


class Course(NamedTuple):
    """BOLD of one region in one run: group means and one person."""

    title: str
    time_s: np.ndarray
    observed: np.ndarray
    observed_sem: np.ndarray
    predicted: np.ndarray
    events: list[tuple[float, float]]  # (onset, duration) of the contrast's first condition
    event_name: str


def bold_courses(courses: Sequence[Course], label: str) -> Figure:
    """Predicted over observed time courses, the group's mean with a band of two standard errors."""
    figure, axes = frame(len(courses), 1, (10.0, 2.9 * len(courses)), label)
    for axis, course in zip(axes[:, 0], courses):
        for k, (onset, duration) in enumerate(course.events):
            name = course.event_name if k == 0 else None
            axis.axvspan(onset, onset + duration, color=PLAIN, alpha=0.25, lw=0, label=name)
        band = 2 * course.observed_sem
        axis.fill_between(
            course.time_s,
            course.observed - band,
            course.observed + band,
            color=SEEN,
            alpha=0.2,
            lw=0,
        )
        axis.plot(course.time_s, course.observed, color=SEEN, lw=1.2, label="observed")
        axis.plot(course.time_s, course.predicted, color=TWIN, lw=1.8, label="twin")
        axis.set(title=course.title, ylabel="BOLD (z)", xlim=(course.time_s[0], course.time_s[-1]))
        axis.legend(ncols=3, loc="upper right", fontsize=9)
    axes[-1, 0].set_xlabel("time in the run (s)")
    return figure


def group_t(
    predicted: Sequence[np.ndarray],
    observed: Sequence[np.ndarray],
    tasks: Sequence[str],
    regions: Sequence[str],
    text: str,
    label: str,
) -> Figure:
    """Group t of every region, predicted against observed, one colour a task."""
    figure, axes = frame(1, len(tasks), (5.2 * len(tasks), 4.6), label)
    for k, (axis, task, told, seen) in enumerate(zip(axes[0], tasks, predicted, observed)):
        axis.axhline(0, color=PLAIN, lw=0.8)
        axis.axvline(0, color=PLAIN, lw=0.8)
        axis.scatter(seen, told, color=colour_of(k), s=26)
        # One label a region, not two: both sides respond alike and their labels would overlap.
        named: dict[str, int] = {}
        for one in np.argsort(-np.abs(seen)).tolist():
            name = regions[one].split("_", 1)[-1]
            crowded = any(
                _apart(seen, one, j) + _apart(told, one, j) < 0.15 for j in named.values()
            )
            if name in named or crowded or len(named) == 4:
                continue
            if not np.isfinite([seen[one], told[one]]).all():
                continue
            named[name] = one
            axis.annotate(
                regions[one].replace("_", " "),
                (seen[one], told[one]),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize=8,
            )
        axis.margins(x=0.2)
        axis.set(title=task, xlabel="observed group t", ylabel="predicted group t")
    axes[0, 0].text(0.03, 0.97, text, transform=axes[0, 0].transAxes, va="top")
    return figure


def _apart(values: np.ndarray, one: int, other: int) -> float:
    """Distance of two values as a share of all values' range."""
    return abs(values[one] - values[other]) / max(np.ptp(values), 1e-9)


def training_curves(
    history: Sequence[dict[str, float | int]], used_epoch: int, label: str
) -> Figure:
    """Loss parts and norms over epochs, with the epoch whose parameters are used."""
    figure, axes = frame(1, 3, (12.0, 3.6), label)
    epoch = [row["epoch"] for row in history]

    def lines(axis, names, title):
        for name, colour in zip(names, (TWIN, WARM, SEEN)):
            axis.plot(
                epoch, [row[name] for row in history], color=colour, label=name.replace("_", " ")
            )
        axis.axvline(used_epoch, color=PLAIN, ls=":", label="used")
        axis.set(title=title, xlabel="epoch")
        axis.legend(fontsize=9)

    lines(axes[0, 0], ("train_action", "validation_action"), "action loss")
    lines(axes[0, 1], ("train_bold", "validation_bold"), "BOLD mean squared error")
    lines(axes[0, 2], ("grad_norm", "update_norm"), "norms")
    axes[0, 2].set_yscale("log")
    return figure


class Trace(NamedTuple):
    """Action channels of one person over a few trials."""

    title: str
    time_s: np.ndarray
    probability: np.ndarray  # [time, action], probability of a press per second
    actions: tuple[str, ...]
    trials: list[tuple[float, float, float | None]]  # (onset, deadline, press)


def action_traces(traces: Sequence[Trace], label: str) -> Figure:
    """When the twin expects which press; dashed lines are the person's own presses."""
    figure, axes = frame(len(traces), 1, (10.0, 2.3 * len(traces)), label)
    for axis, trace in zip(axes[:, 0], traces):
        for onset, deadline, press in trace.trials:
            axis.axvspan(onset, onset + deadline, color=PLAIN, alpha=0.18, lw=0)
            if press is not None:
                axis.axvline(press, color=SEEN, ls="--", lw=1)
        for k, name in enumerate(trace.actions):
            axis.plot(trace.time_s, trace.probability[:, k], color=colour_of(k), lw=1.5, label=name)
        axis.set(
            title=trace.title, ylabel="presses per s", xlim=(trace.time_s[0], trace.time_s[-1])
        )
        axis.legend(ncols=3, loc="upper right", fontsize=8)
    axes[-1, 0].set_xlabel("time in the run (s)")
    return figure


def connectomes(matrices: Sequence[tuple[str, np.ndarray]], label: str) -> Figure:
    """Matrices of Fisher-z edges side by side, one colour scale, parcels ordered by network."""
    figure, axes = frame(1, len(matrices), (4.3 * len(matrices), 4.2), label)
    most = max(np.percentile(np.abs(matrix), 99) for _, matrix in matrices)
    for axis, (title, matrix) in zip(axes[0], matrices):
        image = axis.imshow(matrix, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
        axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(image, ax=axes[0], shrink=0.8, label="Fisher z")
    return figure
