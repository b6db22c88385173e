"""The truth on disk: one file of what everybody shares, shards of people, written as they come."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.ledger import DataError
from dtb_jax.groundtruth.causes import Causes, edge_blocks
from dtb_jax.groundtruth.parameters import NAMES, RUNS, Residual, Scale
from dtb_jax.groundtruth.responses import Gains
from dtb_jax.groundtruth.truth import Truth
from dtb_jax.groundtruth.world import Subject, World

FOLDER = "truth"


class People(NamedTuple):
    """What is true of several people; rows belong to `participants`."""

    participants: list[str]
    scores: Float[np.ndarray, "people parameter"]
    residual: Residual
    gains: Gains
    motion: Float[np.ndarray, " people"]

    def of(self, participants: Sequence[str]) -> "People":
        """The rows of these people, in their order.

        Raises: DataError when one of them is not there.
        """
        place = {name: row for row, name in enumerate(self.participants)}
        strangers = [name for name in participants if name not in place]
        if strangers:
            raise DataError(f"no truth is known of {strangers[0]}; is it of another cohort?")
        rows = np.array([place[name] for name in participants], int)
        return People(
            list(participants),
            self.scores[rows],
            Residual(*(field[rows] for field in self.residual)),
            Gains(*(field[rows] for field in self.gains)),
            self.motion[rows],
        )


def has_truth(root: Path) -> bool:
    """Whether a cohort's folder knows its causes."""
    return (root / FOLDER / "world.npz").exists()


def write_world(root: Path, world: World) -> None:
    """Causes, scales and trial difficulties as arrays, and the causes once more to be read."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    truth = world.truth
    _save(
        folder / "world.npz",
        **truth.causes._asdict(),
        rho=truth.rho,
        **{f"scale_{name}": value for name, value in truth.scale._asdict().items()},
        **{f"items_{run}": item for run, item in truth.items.items()},
    )
    described = {
        "simulated": True,
        "seed": world.seed,
        "causes": world.kind,
        "rho": dict(zip(NAMES, truth.rho.tolist(), strict=True)),
        "motion": world.motion,
        "motion_r": world.motion_r,
        "parcels": len(world.atlas),
        "edges": truth.causes.weights.shape[1],
    }
    (folder / "world.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    causes_table(world).to_csv(folder / "causes.tsv", sep="\t", index=False)


def causes_table(world: World) -> pd.DataFrame:
    """How many edges of which pair of networks cause which parameter, and their summed weights."""
    block, pairs = edge_blocks(list(world.atlas["network"]))
    rows = []
    for name, weights in zip(NAMES, world.truth.causes.weights, strict=True):
        for k in np.unique(block[weights != 0]):
            inside = (block == k) & (weights != 0)
            rows.append((name, *pairs[k], int(inside.sum()), float(weights[inside].sum())))
    columns = ["parameter", "network", "other_network", "edges", "weight"]
    return pd.DataFrame(rows, columns=columns)


def write_shard(root: Path, index: int, subjects: Sequence[Subject]) -> None:
    """One chunk of people; a file under its own name is complete."""
    residual, gains = (
        [np.stack(column) for column in zip(*records, strict=True)]
        for records in ([s.residual for s in subjects], [s.gains for s in subjects])
    )
    _save(
        shard_path(root, index),
        participants=np.array([s.name for s in subjects]),
        scores=np.stack([s.scores for s in subjects]),
        motion=np.array([s.brain.motion for s in subjects]),
        connectomes=np.stack([s.edges for s in subjects]),
        **dict(zip((f"residual_{name}" for name in Residual._fields), residual, strict=True)),
        **dict(zip((f"gains_{name}" for name in Gains._fields), gains, strict=True)),
    )


def shard_path(root: Path, index: int) -> Path:
    """Where a chunk of people lies."""
    return root / FOLDER / f"people_{index:05d}.npz"


def load_truth(root: Path) -> tuple[Truth, People]:
    """The truth of a cohort, and what is true of its people.

    Args:
        root: the cohort's folder.

    Raises: DataError when it has none.
    """
    if not has_truth(root):
        raise DataError(f"{root}: no {FOLDER}/world.npz; only simulated cohorts know their causes")
    with np.load(root / FOLDER / "world.npz") as world:
        truth = Truth(
            causes=Causes(*(world[name] for name in Causes._fields)),
            rho=world["rho"],
            scale=Scale(*(world[f"scale_{name}"] for name in Scale._fields)),
            items={run: world[f"items_{run}"] for run in RUNS},
        )
    names = ["participants", "scores", "motion"]
    names += [f"residual_{name}" for name in Residual._fields]
    names += [f"gains_{name}" for name in Gains._fields]
    column = dict(zip(names, _columns(root, names), strict=True))
    people = People(
        [str(name) for name in column["participants"]],
        column["scores"],
        Residual(*(column[f"residual_{name}"].astype(np.float32) for name in Residual._fields)),
        Gains(*(column[f"gains_{name}"] for name in Gains._fields)),
        column["motion"],
    )
    return truth, people


def load_connectomes(root: Path) -> Float[np.ndarray, "people edge"]:
    """Noise-free edges in the order of `People.participants`: what an edit is added to."""
    return _columns(root, ["connectomes"])[0]


def _columns(root: Path, names: Sequence[str]) -> list[np.ndarray]:
    parts: list[list[np.ndarray]] = [[] for _ in names]
    for path in sorted((root / FOLDER).glob("people_*.npz")):
        with np.load(path) as shard:
            for part, name in zip(parts, names, strict=True):
                part.append(shard[name])
    if not parts[0]:
        raise DataError(f"{root / FOLDER}: no people_*.npz; was the cohort's writing interrupted?")
    return [np.concatenate(part) for part in parts]


def _save(path: Path, **arrays) -> None:
    unfinished = path.with_name("." + path.name)
    np.savez(unfinished, **arrays)
    unfinished.replace(path)
