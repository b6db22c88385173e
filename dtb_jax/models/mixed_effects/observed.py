"""What people did and what the scanner saw in a part of the data, as likelihoods take it."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from dtb_jax.data.folds import Subset
from dtb_jax.data.glm import make_glm
from dtb_jax.data.splits import (
    BoldScale,
    fit_bold_scale,
    last_second,
    of_run,
    to_sequences,
    volume_range,
    z_scored,
)
from dtb_jax.models.mixed_effects.cues import remembered_cues, with_memory
from dtb_jax.models.mixed_effects.items import Known, Shown, shown_of
from dtb_jax.models.mixed_effects.likelihood import Noise, fit_noise
from dtb_jax.types import STEP_S, Array, Cohort, Sequences


class Observed(NamedTuple):
    """One person or several, leading axis people; BOLD at the scanner's own volumes."""

    run: Sequences  # [run, time, ...], without BOLD
    shown: Shown  # [run, time]
    bold: Float[Array, "*people run volume region"]
    mask: Float[Array, "*people run volume"]


class Scanner(NamedTuple):
    """What is learned of the session from training people: BOLD's units and noise, and cues."""

    scale: BoldScale
    noise: Noise
    runs: tuple[str, ...]  # of which the noise is known
    memory: int  # channels for cues, see `cues`

    def noise_of(self, runs: tuple[str, ...], volumes: int) -> Noise:
        """The noise of these runs, cut or filled up to so many volumes; that of an unknown run is
        the first one's."""
        place = [self.runs.index(name) if name in self.runs else 0 for name in runs]
        kept = min(volumes, self.noise.whiten.shape[1])
        whiten = np.zeros((len(runs), volumes, volumes), np.float32)
        whiten[:, :kept, :kept] = self.noise.whiten[place, :kept, :kept]
        return self.noise._replace(whiten=whiten)


def volume_steps(cohort: Cohort) -> int:
    """Steps of the network from one volume to the next."""
    return round(cohort.repetition_time_s / STEP_S)


def whole_pieces(cohort: Cohort, part: Subset, piece: int) -> int:
    """Steps of a part's longest run, filled up to whole pieces."""
    inside = part.of(cohort)
    stop_s = last_second(inside, part.start_s, part.stop_s)
    steps = [round((of_run(stop_s, run.name) - part.span(run)[0]) / STEP_S) for run in inside.runs]
    return -(-max(steps) // piece) * piece


def observe(
    cohort: Cohort, part: Subset, scale: BoldScale, known: Known, *, memory: int, piece: int
) -> Observed:
    """A part of everybody's runs, filled up to whole pieces.

    Args:
        cohort: everybody.
        part: which runs and times; people are not chosen here.
        scale: units of BOLD.
        known: items with a number.
        memory: see `Scanner`.
        piece: see `network.chunked_unroll`.
    """
    cohort = with_memory(part.of(cohort), memory)
    stop_s = last_second(cohort, part.start_s, part.stop_s)
    steps = whole_pieces(cohort, part, piece)
    silent = tuple(run._replace(bold_mask=np.zeros_like(run.bold_mask)) for run in cohort.runs)
    runs = to_sequences(cohort._replace(runs=silent), part.start_s, stop_s, scale)
    fields = {
        name: leaf if name == "available" else _filled(leaf, steps)
        for name, leaf in runs._replace(bold=runs.bold[..., :0])._asdict().items()
    }
    volumes = -(-steps // volume_steps(cohort))
    bold, mask, shown = [], [], []
    for run in cohort.runs:
        first = round(part.span(run)[0] / STEP_S)
        on = shown_of(run, slice(first, first + steps), known)
        shown.append([_filled(leaf[:, None], steps)[:, 0] for leaf in on])
        inside = volume_range(run, part.span(run)[0], of_run(stop_s, run.name))
        seen = run.bold_mask[:, inside]
        bold.append(_filled(z_scored(run.bold[:, inside], seen, scale)[:, None], volumes)[:, 0])
        mask.append(_filled(seen[:, None].astype(np.float32), volumes)[:, 0])
    return Observed(
        Sequences(**fields),
        Shown(*(np.stack(leaves, 1) for leaves in zip(*shown))),
        np.stack(bold, 1).astype(np.float32),
        np.stack(mask, 1).astype(np.float32),
    )


def fit_scanner(
    cohort: Cohort, part: Subset, known: Known, *, piece: int
) -> tuple[Scanner, Observed]:
    """Units and noise of BOLD in the training people's part, and what is seen in it."""
    people = np.flatnonzero(part.people)
    inside = part.of(cohort)
    scale = fit_bold_scale(inside, last_second(inside, part.start_s, part.stop_s), people)
    memory = remembered_cues(inside)
    seen = rows(observe(cohort, part, scale, known, memory=memory, piece=piece), people)
    designs = [make_glm(run, *part.span(run)).designs[people] for run in inside.runs]
    noise = fit_noise(
        designs, np.asarray(seen.bold), np.asarray(seen.mask) > 0, cohort.repetition_time_s
    )
    return Scanner(scale, noise, tuple(run.name for run in inside.runs), memory), seen


def rows(observed: Observed, people: np.ndarray) -> Observed:
    """Some people's."""
    return jax.tree.map(lambda leaf: leaf[people], observed)


def _filled(sequence: np.ndarray, steps: int) -> np.ndarray:
    """Zeros behind the third axis, time."""
    missing = steps - sequence.shape[2]
    return np.pad(sequence, [(0, 0)] * 2 + [(0, missing)] + [(0, 0)] * (sequence.ndim - 3))
