"""The truth on disk: one file of what everybody shares, shards of people, written as they come."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.ledger import DataError
from dtb_jax.simulation.causes import Causes
from dtb_jax.simulation.parameters import NAMES, RUNS, Parameters, Residual, Scale
from dtb_jax.simulation.presses import in_chunks
from dtb_jax.simulation.responses import Gains
from dtb_jax.simulation.truth import CausalModel
from dtb_jax.simulation.world import GenerativeModel, Subject
from dtb_jax.twin.connectome import edge_blocks

FOLDER = "truth"
RECORDS: dict[str, Any] = {"residual": Residual, "parameters": Parameters, "gains": Gains}


class People(NamedTuple):
    """What is true of several people; rows belong to `participants`."""

    participants: list[str]
    scores: Float[np.ndarray, "people parameter"]
    residual: Residual
    parameters: Parameters
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
            Parameters(*(field[rows] for field in self.parameters)),
            Gains(*(field[rows] for field in self.gains)),
            self.motion[rows],
        )


def has_truth(root: Path) -> bool:
    """Whether a cohort's folder knows its causes."""
    return (root / FOLDER / "world.npz").exists()


def write_world(root: Path, world: GenerativeModel) -> None:
    """Causes, scales and trial difficulties as arrays, and the causes once more to be read.

    Raises: DataError when the folder holds people of another world.
    """
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    truth = world.truth
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
    path = folder / "world.json"
    before = json.loads(path.read_text("utf-8")) if path.exists() else described
    for key, value in described.items():
        if before.get(key) != value:
            raise DataError(
                f"{path}: holds a cohort with another {key} ({before.get(key)!r}, now {value!r}); "
                "use another folder"
            )
    _save(
        folder / "world.npz",
        **truth.causes._asdict(),
        rho=truth.rho,
        **{f"scale_{name}": value for name, value in truth.scale._asdict().items()},
        **{f"items_{run}": item for run, item in truth.items.items()},
    )
    path.write_text(json.dumps(described, indent=1), encoding="utf-8")
    causes_table(world).to_csv(folder / "causes.tsv", sep="\t", index=False)


def causes_table(world: GenerativeModel) -> pd.DataFrame:
    """How many edges of which pair of networks cause which parameter, and their summed weights."""
    block, pairs = edge_blocks(list(world.atlas["network"]))
    rows = []
    for name, weights in zip(NAMES, world.truth.causes.weights, strict=True):
        for k in np.unique(block[weights != 0]):
            inside = (block == k) & (weights != 0)
            rows.append((name, *pairs[k], int(inside.sum()), float(weights[inside].sum())))
    columns = ["parameter", "network", "other_network", "edges", "weight"]
    return pd.DataFrame(rows, columns=columns)


def write_shard(
    root: Path, index: int, people: People, connectomes: Float[np.ndarray, "people edge"]
) -> None:
    """One chunk of people and their noise-free edges; under its own name it is complete."""
    _save(
        shard_path(root, index),
        participants=np.array(people.participants),
        scores=people.scores,
        motion=people.motion,
        connectomes=connectomes,
        **{
            f"{record}_{name}": value
            for record in RECORDS
            for name, value in getattr(people, record)._asdict().items()
        },
    )


def gather(truth: CausalModel, subjects: Sequence[Subject]) -> People:
    """Several people as one record, with the parameters that the truth gives them."""
    scores = np.stack([s.scores for s in subjects])
    residual = _stacked(Residual, [s.residual for s in subjects])
    return People(
        [s.name for s in subjects],
        scores,
        residual,
        parameters_of_people(truth, scores, residual),
        _stacked(Gains, [s.gains for s in subjects]),
        np.array([s.brain.motion for s in subjects]),
    )


def shard_path(root: Path, index: int) -> Path:
    """Where a chunk of people lies."""
    return root / FOLDER / f"people_{index:05d}.npz"


def load_truth(root: Path) -> tuple[CausalModel, People]:
    """The truth of a cohort, and what is true of its people.

    Args:
        root: the cohort's folder.

    Raises: DataError when it has none.
    """
    if not has_truth(root):
        raise DataError(f"{root}: no {FOLDER}/world.npz; only simulated cohorts know their causes")
    fields = [f"scale_{name}" for name in Scale._fields]
    items = [f"items_{run}" for run in RUNS]
    world = _load(root / FOLDER / "world.npz", [*Causes._fields, "rho", *fields, *items])
    truth = CausalModel(
        causes=Causes(*(world[name] for name in Causes._fields)),
        rho=world["rho"],
        scale=Scale(*(world[name] for name in fields)),
        items=dict(zip(RUNS, (world[name] for name in items), strict=True)),
    )
    names = ["participants", "scores", "motion"]
    names += [f"{record}_{name}" for record, kind in RECORDS.items() for name in kind._fields]
    shards = [_load(path, names) for path in _shards(root)]
    column = {name: np.concatenate([shard[name] for shard in shards]) for name in names}
    records = {
        record: kind(*(column[f"{record}_{name}"] for name in kind._fields))
        for record, kind in RECORDS.items()
    }
    participants = [str(name) for name in column["participants"]]
    return truth, People(participants, column["scores"], motion=column["motion"], **records)


def load_connectomes(root: Path, participants: Sequence[str]) -> Float[np.ndarray, "people edge"]:
    """Noise-free edges of these people, in their order: what an edit is added to.

    Args:
        root: the cohort's folder.
        participants: whose; the others' are not held in memory.

    Raises: DataError when one of them is not there.
    """
    found: dict[str, np.ndarray] = {}
    wanted = set(participants)
    for path in _shards(root):
        names = _names(path)
        if not wanted.isdisjoint(names):
            edges = _load(path, ["connectomes"])["connectomes"]
            found |= {name: edges[k] for k, name in enumerate(names) if name in wanted}
    strangers = sorted(wanted - set(found))
    if strangers:
        raise DataError(f"{root / FOLDER}: no connectome of {strangers[0]}; of another cohort?")
    return np.stack([found[name] for name in participants])


def written_people(root: Path) -> list[str]:
    """Participants of all complete chunks."""
    return [name for path in sorted((root / FOLDER).glob("people_*.npz")) for name in _names(path)]


def _shards(root: Path) -> list[Path]:
    paths = sorted((root / FOLDER).glob("people_*.npz"))
    if not paths:
        raise DataError(f"{root / FOLDER}: no people_*.npz; was the cohort's writing interrupted?")
    return paths


def parameters_of_people(
    truth: CausalModel, scores: Float[np.ndarray, "people parameter"], residual: Residual
) -> Parameters:
    """`CausalModel.parameters_of_scores` of several people."""
    return in_chunks(partial(_parameters, truth), (scores, residual))


def _stacked(kind, records: Sequence):
    return kind(*(np.stack(column) for column in zip(*records, strict=True)))


@jax.jit
def _parameters(truth: CausalModel, scores, residual: Residual) -> Parameters:
    return jax.vmap(CausalModel.parameters_of_scores, in_axes=(None, 0, 0))(truth, scores, residual)


def _names(path: Path) -> list[str]:
    return [str(name) for name in _load(path, ["participants"])["participants"]]


def _load(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as handle, np.load(handle) as file:
            return {name: file[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataError(
            f"{path}: not a readable part of a simulated cohort ({error}); "
            "remove it and repeat the command that wrote it"
        ) from error


def _save(path: Path, **arrays) -> None:
    unfinished = path.with_name("." + path.name)
    np.savez(unfinished, **arrays)
    unfinished.replace(path)
