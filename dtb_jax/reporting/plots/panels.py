"""What figures of interventions share: a grid of panels, their heads, colours and intervals."""

import re
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

from dtb_jax.reporting.plots.style import ACTIONS, PLAIN, SEEN, TWIN, WARM, frame

OTHERS = (WARM, ACTIONS[2], "#8a6fb0", "#b98b2f", SEEN)
CHANCE = ("random", "sham", "shuffled", "permuted", "untrained", "no ")


def grid(count: int, size: tuple[float, float], label: str, columns: int = 3, **options):
    """A figure of so many panels of one size (inches), and their axes in reading order."""
    columns = 2 if count == 4 and columns == 3 else min(columns, count)
    rows = -(-count // columns)
    figure, axes = frame(rows, columns, (size[0] * columns, size[1] * rows), label, **options)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, axes.flat[:count]


def heads(axes, said: Sequence[tuple[str, str]], width: int = 50) -> None:
    """Titles, and under each, outside the axes where it hides nothing, a text in lines of `width`.

    All have room for the longest text, so that titles of one row are level.
    """
    broken = [
        [part for line in text.split("\n") for part in textwrap.wrap(line, width)]
        for _, text in said
    ]
    room = 13 * max(map(len, broken))
    for axis, (title, _), lines in zip(axes, said, broken):
        axis.set_title(title, pad=room + 6)
        axis.annotate(
            minus("\n".join(lines)),
            (0, 1),
            xytext=(0, room + 2),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=9,
            color=SEEN,
        )


def minus(text: str) -> str:
    """With a minus sign before numbers instead of a hyphen, and none before zero."""
    text = re.sub(r"(?<![\w.])[-+](?=0?\.?0+(?![.\d]))", "", text)
    return re.sub(r"(?<![\w.])-(?=[.\d])", "\u2212", text)


def arm_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each arm: the designed edit (or the first) TWIN, chance grey, others in turn."""
    names = list(names)
    designed = [n for n in names if n.startswith(("designed", "twin"))] or names[:1]
    greys, others, colours = [PLAIN, "#66727d"], list(OTHERS), {}
    for name in names:
        if name == designed[0]:
            colours[name] = TWIN
        elif name.startswith(CHANCE):
            colours[name] = greys[0]
            greys.reverse()
        else:
            colours[name] = others[0]
            others.append(others.pop(0))
    return colours


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the last axis without NaN, and half of its 95 % interval (t; NaN for one)."""
    known = np.isfinite(values)
    n = known.sum(axis=-1)
    mean = np.where(known, values, 0).sum(axis=-1) / np.where(n > 0, n, np.nan)
    squares = np.where(known, (values - mean[..., None]) ** 2, 0).sum(axis=-1)
    freedom = np.where(n > 1, n - 1, np.nan)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(squares / freedom / np.where(n > 0, n, 1))
    return np.asarray(mean), np.asarray(half)
