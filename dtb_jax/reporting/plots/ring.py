"""A ring of parcels grouped by network, with edges as chords."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

RED, BLUE = "#b2182b", "#2166ac"
GAP = 6
"""Between two networks on the ring, in parcels."""


def draw_ring(
    axis, one: np.ndarray, other: np.ndarray, value: np.ndarray, networks: Sequence[str]
) -> None:
    """Parcels on a ring by network, and chords between them, as wide and opaque as strong.

    Args:
        axis: to draw on.
        one, other: [edge], the parcels that an edge joins.
        value: [edge], the last drawn is on top.
        networks: a label a parcel.
    """
    angle, arcs = _ring(networks)
    colours = matplotlib.colormaps["Set2"](np.arange(len(arcs)) % 8)
    for (name, start, stop), colour in zip(arcs, colours):
        turn = np.linspace(start, stop, 60)
        axis.plot(
            1.03 * np.cos(turn), 1.03 * np.sin(turn), color=colour, lw=8, solid_capstyle="butt"
        )
        middle = (start + stop) / 2
        left = np.cos(middle) < 0
        axis.text(
            1.08 * np.cos(middle),
            1.08 * np.sin(middle),
            name,
            rotation=np.degrees(middle) + 180 * left,
            rotation_mode="anchor",
            ha="right" if left else "left",
            va="center",
            fontsize=9.5,
        )
    strength = np.abs(value) / np.max(np.abs(value), initial=1e-9)
    chords = [_chord(angle[i], angle[j]) for i, j in zip(one, other)]
    lines = [(*to_rgb(RED if v > 0 else BLUE), 0.15 + 0.65 * s) for v, s in zip(value, strength)]
    axis.add_collection(LineCollection(chords, colors=lines, linewidths=0.4 + 2.1 * strength**2))
    up = (value > 0).sum()
    handles = [Line2D([], [], color=RED, lw=2.5), Line2D([], [], color=BLUE, lw=2.5)]
    axis.legend(handles, [f"positive ({up})", f"negative ({len(value) - up})"], loc=(0.0, 0.0))
    axis.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal")
    axis.axis("off")


def _ring(networks: Sequence[str]) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """The angle of every parcel, and (name, start, stop) of every network, clockwise from above."""
    names = list(dict.fromkeys(networks))
    number = np.array([names.index(network) for network in networks])
    place = np.empty(len(number))
    place[np.argsort(number, kind="stable")] = np.arange(len(number))
    place += GAP * (number + 0.5) + 0.5
    turn = 2 * np.pi / (len(number) + GAP * len(names))
    arcs = []
    for k, name in enumerate(spoken(names)):
        at = place[number == k]
        start, stop = np.pi / 2 - turn * np.array([at.min() - 0.5, at.max() + 0.5])
        arcs.append((name, start, stop))
    return np.pi / 2 - turn * place, arcs


def _chord(one: float, other: float) -> np.ndarray:
    """A quadratic Bezier between two angles, drawn towards the centre as they are apart."""
    ends = np.array([[np.cos(at), np.sin(at)] for at in (one, other)])
    apart = np.linalg.norm(ends[0] - ends[1]) / 2
    pull = ends.mean(axis=0) * (1 - apart)
    t = np.linspace(0, 1, 40)[:, None]
    return (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * pull + t**2 * ends[1]


def spoken(names: Sequence[str]) -> list[str]:
    """Names without underscores."""
    return [name.replace("_", " ") for name in names]
