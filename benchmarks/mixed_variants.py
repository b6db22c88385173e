"""Twins that lack one choice of the mixed-effects twin that ships, or make another."""

from collections.abc import Callable, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple
from unittest import mock

import jax
import numpy as np

from dtb_jax.models.mixed_effects import cues, network, prior, training
from dtb_jax.models.mixed_effects.observed import fit_scanner
from dtb_jax.models.mixed_effects.posterior import Gaussian
from dtb_jax.models.mixed_effects.training import Mixed
from dtb_jax.twin.rnn import MainNetwork
from dtb_jax.types import Cohort, Run

SEEN = Mixed.seen


class Variant(NamedTuple):
    """One change to the twin that ships."""

    method: dict[str, Any] = {}
    sizes: dict[str, Any] = {}
    networks: bool = True
    change: Callable[[], Any] = nullcontext  # around learning and telling
    members: int = 1
    learns: bool = True  # other populations than those that ship


def standing_still(mixed: Mixed, runs: Sequence[str], *, later: bool = False) -> list[Gaussian]:
    """Belief in training people later, if they were as they are."""
    return SEEN(mixed, runs)


def white_scanner(cohort: Cohort, part, known, *, piece: int):
    """BOLD's noise as if volumes were independent and did not drift: a squared error."""
    scanner, seen = fit_scanner(cohort, part, known, piece=piece)
    volumes = scanner.noise.whiten.shape[1]
    sd = float(np.sqrt((seen.bold**2).sum() / max(seen.mask.sum() * seen.bold.shape[-1], 1)))
    white = np.tile(np.eye(volumes, dtype=np.float32) / sd, (len(scanner.runs), 1, 1))
    mix = np.eye(len(scanner.noise.mix), dtype=np.float32)
    return scanner._replace(noise=scanner.noise._replace(whiten=white, mix=mix)), seen


def as_believed(spread: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, ...]:
    """f is learned from where people are believed to be, as it is."""
    eye = np.eye(len(spread))
    return np.ones(len(spread)), eye, eye


def no_items(cohort: Cohort, part) -> dict:
    """No item has a number of its own."""
    return {}


def from_nowhere(cohort: Cohort, part, coordinates: int) -> np.ndarray:
    """Everybody begins at 0."""
    return np.zeros((len(cohort.connectomes), coordinates))


def forgotten(run: Run, channels: int) -> Run:
    """Cues are there as long as they were shown."""
    nothing = np.zeros((*run.stimulus.shape[:2], channels), run.stimulus.dtype)
    return run._replace(stimulus=np.concatenate([run.stimulus, nothing], axis=-1))


def heard_by_all(network: MainNetwork, memory: int) -> MainNetwork:
    """What is remembered is an input like others."""
    return network


def read_alike(own: MainNetwork, more) -> MainNetwork:
    """Readouts of regions move as other weights do."""
    return own


def patched(owner: Any, name: str, other: Any) -> Callable[[], Any]:
    """A context in which something is exchanged, also in what is compiled already."""

    @contextmanager
    def exchanged():
        jax.clear_caches()
        with mock.patch.object(owner, name, other):
            yield
        jax.clear_caches()

    return exchanged


SHIPS, ONE = "as it ships (2 seeds)", "one seed"
"""All other variants differ from the second."""
VARIANTS = {
    SHIPS: Variant(members=2),
    ONE: Variant(),
    "people stay as they are (no drift)": Variant(
        change=patched(Mixed, "seen", standing_still), learns=False
    ),
    "trials do nothing to everybody": Variant(change=patched(training, "known_items", no_items)),
    "every trial is attended": Variant({"inattention": -40.0}),
    "no random presses": Variant({"lapse": -40.0}),
    "edges alone, no blocks": Variant(networks=False, learns=False),
    "f of shrunken beliefs": Variant(
        change=patched(prior, "directions", as_believed), learns=False
    ),
    "behaviour alone, no BOLD": Variant({"bold_weight": 0.0}),
    "BOLD's noise white, no drifts": Variant(
        change=patched(training, "fit_scanner", white_scanner)
    ),
    "cues are forgotten": Variant(change=patched(cues, "remembered", forgotten)),
    "cues are inputs like others": Variant(change=patched(network, "hear_apart", heard_by_all)),
    "readouts move as other weights": Variant(
        change=patched(network, "read_otherwise", read_alike)
    ),
    "people begin at 0": Variant(change=patched(training, "start_from_profiles", from_nowhere)),
    "8 coordinates": Variant(sizes={"coordinates": 8}),
    "32 coordinates": Variant(sizes={"coordinates": 32}),
    "16 units": Variant(sizes={"units": 16}),
    "64 units": Variant(sizes={"units": 64}),
    "half as many updates": Variant({"updates": 375}),
    "twice as many updates": Variant({"updates": 1500}),
    "four times as many updates": Variant({"updates": 3000}),
    "4 seeds, half as many updates": Variant({"updates": 375}, members=4),
}
