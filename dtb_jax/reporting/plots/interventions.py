"""What edits of connectomes do to people: doses, changes, responders."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dtb_jax.reporting.plots.panels import arm_colours, grid, heads, mean_interval
from dtb_jax.reporting.plots.style import PLAIN, SEEN, TWIN, WARM, frame


def dose_response(
    panels: Sequence[tuple[str, np.ndarray, dict[str, np.ndarray]]],
    label: str,
    xlabel: str = "dose (SD of the score)",
    ylabel: str = "effect (SD)",
    paper: Sequence[Sequence[tuple[float, float]] | None] | None = None,
    most: int = 40,
) -> Figure:
    """Mean effect over people by dose with its 95 % interval (t), and faint lines of some people.

    Args:
        panels: (title, dose [dose], {arm: effects [dose, people]}), NaN where missing.
        label: what is simulated, or "".
        xlabel, ylabel: of the axes.
        paper: for each panel the published (dose, effect), or None.
        most: people drawn in a panel, divided among its arms.
    """
    figure, axes = grid(len(panels), (5.0, 4.3), label, sharey=True)
    published = paper or [None] * len(panels)
    for axis, (_, dose, arms), points in zip(axes, panels, published):
        axis.axhline(0, color=SEEN, lw=0.8)
        share = max(1, most // len(arms))
        for name, colour in arm_colours(arms).items():
            effects = np.asarray(arms[name], float)
            some = np.unique(np.linspace(0, effects.shape[1] - 1, share).round().astype(int))
            axis.plot(dose, effects[:, some], color=colour, lw=0.6, alpha=0.2)
            mean, half = mean_interval(effects)
            axis.fill_between(dose, mean - half, mean + half, color=colour, alpha=0.25, lw=0)
            n = np.isfinite(effects).any(axis=0).sum()
            axis.plot(dose, mean, "o-", color=colour, lw=2.2, ms=5, label=f"{name} (n = {n})")
        if points:
            axis.plot(*zip(*points), "D", color="black", mfc="none", mew=2, ms=9, label="published")
        axis.set(xlabel=xlabel, ylabel=ylabel if axis.get_subplotspec().is_first_col() else "")
        axis.legend(fontsize=9, loc="best")
    text = "band: 95 % interval of the mean; faint lines: single people"
    heads(axes, [(title, text) for title, _, _ in panels], 60)
    return figure


def before_after(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, str]],
    label: str,
    names: tuple[str, str] = ("before", "after"),
) -> Figure:
    """Everybody's value before and after an edit, a line a person, the mean in black.

    Args:
        panels: (title, before [people], after [people], unit); pairs with NaN are left out.
        label: what is simulated, or "".
        names: of the two states.
    """
    figure, axes = grid(len(panels), (3.6, 4.4), label, columns=4)
    said = []
    for axis, (title, before, after, unit) in zip(axes, panels):
        pairs = np.stack([before, after]).astype(float)
        pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
        n, falls = pairs.shape[1], pairs[1] < pairs[0]
        for part, colour in ((falls, TWIN), (~falls, WARM)):
            axis.plot([0, 1], pairs[:, part], color=colour, lw=0.7, alpha=min(0.7, 0.12 + 8 / n))
        for x, side, values, colour in zip((0.0, 1.0), ("low", "high"), pairs, (PLAIN, TWIN)):
            _half_violin(axis, x, side, values, colour)
        axis.plot([0, 1], pairs.mean(axis=1), "o-", color="black", lw=2.2, ms=7, mec="white")
        if pairs.min() < 0 < pairs.max():
            axis.axhline(0, color=SEEN, lw=0.8)
        mean, half = mean_interval(pairs[1] - pairs[0])
        within = "" if n < 2 else f" [{mean - half:+.3g}, {mean + half:+.3g}]"
        said.append((title, f"mean change {mean:+.3g}{within}\n{falls.sum()} of {n} fall (blue)"))
        axis.set_xticks([0, 1], names)
        axis.set(xlim=(-0.55, 1.55), ylabel=unit)
    heads(axes, said, 44)
    return figure


def _half_violin(axis, x: float, side: str, values: np.ndarray, colour: str) -> None:
    if len(values) < 8 or np.ptp(values) == 0:  # too few for a density
        axis.scatter(np.full(len(values), x), values, s=18, color=colour, zorder=3)
        return
    drawn = axis.violinplot(values, [x], widths=0.9, side=side, showextrema=False)
    for body in drawn["bodies"]:
        body.set(facecolor=colour, edgecolor="none", alpha=0.55)


def effects(
    panels: Sequence[tuple[str, dict[str, np.ndarray]]],
    label: str,
    threshold: float = 0.5,
    xlabel: str = "effect (SD)",
) -> Figure:
    """Histograms of everybody's effect, a row an arm, with the share beyond a threshold.

    Args:
        panels: (title, {arm: effects [people]}), a column each.
        label: what is simulated, or "".
        threshold: beyond it a person responds; above it, or below it where it is negative.
        xlabel: of the axes.
    """
    rows = max(len(arms) for _, arms in panels)
    size = (4.6 * len(panels), 1.55 * rows + 1.0)
    figure, axes = frame(rows, len(panels), size, label, sharex="col")
    sign, relation = (1, "\u2265") if threshold >= 0 else (-1, "\u2264")
    for column, (title, arms) in zip(axes.T, panels):
        known = {name: np.asarray(x, float)[np.isfinite(x)] for name, x in arms.items()}
        every = np.concatenate([*known.values(), [0, threshold]])
        step = (np.ptp(every) or 1) / 30
        first, last = (every.min() - threshold) / step, (every.max() - threshold) / step
        bins = threshold + step * np.arange(np.floor(first) - 1, np.ceil(last) + 2)
        for axis, (name, colour) in zip(column, arm_colours(known).items()):
            x = known[name]
            responds = sign * x >= sign * threshold
            weights = np.full(len(x), 100 / max(1, len(x)))
            for part, alpha in ((~responds, 0.35), (responds, 1.0)):
                axis.hist(x[part], bins, weights=weights[part], color=colour, alpha=alpha)
            axis.axvline(0, color=SEEN, lw=0.8)
            axis.axvline(threshold, color=SEEN, lw=1, ls="--")
            text = f"{name}: nobody"
            if len(x):
                share = f"{responds.sum()} of {len(x)} ({100 * responds.mean():.0f} %)"
                text = f"{name}: {share} {relation} {threshold:g}, mean {x.mean():+.2f}"
            heads([axis], [(title if axis is column[0] else "", text)], 66)
        for axis in column[len(arms) :]:
            axis.set_visible(False)
        column[len(arms) - 1].set_xlabel(xlabel)
        column[len(arms) - 1].tick_params(labelbottom=True)
    figure.supylabel("people (%)", fontsize=11)
    return figure
