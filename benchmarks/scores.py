"""Simulated people at the level of scores: two measured connectomes each, and what causes make."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from dtb_jax.simulation.causes import causal_scores, draw_causes
from dtb_jax.simulation.cohort import measured_connectome
from dtb_jax.simulation.layout import REST_RUNS, generator
from dtb_jax.simulation.parameters import NAMES
from dtb_jax.simulation.world import draw_subject, make_world

KINDS = ("blocks", "sparse", "dense")


class Scanned(NamedTuple):
    """Everybody's edges: of two rest runs, and without noise."""

    first: np.ndarray  # [people, edge]
    second: np.ndarray
    true: np.ndarray


def scan(atlas: pd.DataFrame, people: int, seed: int) -> Scanned:
    """Draw people and measure each twice."""
    world = make_world(atlas, seed=seed)
    rows = []
    for k in tqdm(range(people), desc="connectomes"):
        subject = draw_subject(world, f"sub-{k}")
        runs = [measured_connectome(world, subject, [run], 488, 0.8) for run in REST_RUNS[:2]]
        rows.append([*(run.astype(np.float32) for run in runs), subject.edges])
    return Scanned(*(np.stack(column) for column in zip(*rows)))


def all_scores(
    kind: str, networks: Sequence[str], edges: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Standardised scores of causes drawn anew each time, [people, draw]."""
    found = []
    for k in tqdm(range(-(-draws // len(NAMES))), desc=f"{kind} causes"):
        rng = generator(seed, "coverage", kind, str(k))
        scores = causal_scores(draw_causes(rng, kind, networks, edges), edges)
        found.append(scores[:, rng.permutation(len(NAMES))])
    every = np.concatenate(found, axis=1)[:, :draws]
    return (every - every.mean(axis=0)) / every.std(axis=0)
