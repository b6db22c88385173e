"""A cohort in TCP's layout, with its truth beside it, written chunk by chunk at any size."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from dtb_jax.data.ledger import DataError
from dtb_jax.data.matrices import FOR_ALL
from dtb_jax.simulation.behaviour import Responses, run_trials
from dtb_jax.simulation.connectomes import rest_series
from dtb_jax.simulation.layout import (
    REPETITION_TIME_S,
    VOLUMES,
    events_path,
    generator,
    imaging_path,
    write_imaging,
)
from dtb_jax.simulation.people import (
    People,
    gather,
    load_truth,
    write_shard,
    write_world,
    written_people,
)
from dtb_jax.simulation.presses import CHUNK, events_tables, simulate_presses
from dtb_jax.simulation.responses import task_series
from dtb_jax.simulation.world import GenerativeModel, Subject, draw_subject
from dtb_jax.twin.connectome import connectome

EDGES = {"EdgeValues": "z", "VectorOrder": "upper"}
"""How the vectors in connectomes/ are written, for whoever reads them."""


def write_cohort(
    out: Path,
    world: GenerativeModel,
    *,
    participants: int,
    label: str = "SIM",
    rest_runs: Sequence[str] = ("restAP_run-01", "restAP_run-02"),
    rest_volumes: int = 488,
    repetition_time_s: float = REPETITION_TIME_S,
    series: bool = True,
    progress: Callable = lambda chunks: chunks,
) -> dict[str, int]:
    """Write events, imaging and truth; chunks that are complete are kept.

    Args:
        out: folder to write, which may hold part of an earlier call with the same arguments.
        world: see `make_world`.
        participants: how many people.
        label: letters and digits of their names; another label, other people of the same world.
        rest_runs: names of the rest runs.
        rest_volumes: length of each.
        repetition_time_s: seconds a volume.
        series: True: parcel series of rest and of the AP runs, as HDF5 in TCP's tree; False:
            measured edges (the mean over rest runs) as vectors in connectomes/, no task BOLD.
        progress: wraps the list of chunks (a progress bar).

    Returns: numbers of people, and of those written now.

    Raises: DataError when the folder holds another world's people, or more of them.
    """
    names = [f"sub-{label}{k + 1:05d}" for k in range(participants)]
    chunks = [names[start : start + CHUNK] for start in range(0, participants, CHUNK)]
    written_before = set(written_people(out))
    more = written_before - set(names)
    if more:
        raise DataError(
            f"{out}: holds {max(more)}, more than {participants} people; use another folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_world(out, world)
    world.atlas.to_csv(out / "atlas.tsv", sep="\t", index=False)
    description = {
        "Name": "Simulated people in the layout of the Transdiagnostic Connectome Project",
        "BIDSVersion": "1.2.1",
        "simulated": True,
    }
    (out / "dataset_description.json").write_text(json.dumps(description, indent=2), "utf-8")
    written = 0
    for index, chunk in enumerate(progress(chunks)):
        if written_before.issuperset(chunk):
            continue
        subjects = [draw_subject(world, name) for name in chunk]
        people = gather(world.truth, subjects)
        _write_behaviour(out, world, people)
        for subject in subjects:
            if series:
                _write_series(out, world, subject, rest_runs, rest_volumes, repetition_time_s)
            else:
                _write_edges(out, world, subject, rest_runs, rest_volumes, repetition_time_s)
        edges = np.stack([subject.edges for subject in subjects])
        write_shard(out, index, people, edges)  # last: it says that the chunk is complete
        written += len(chunk)
    _write_participants(out, world, names)
    return {"people": participants, "written": written}


def simulate_behaviour(world: GenerativeModel, people: People) -> dict[str, Responses]:
    """Presses of these people in every run, {run: [people, trial]}."""
    return simulate_presses(
        world.truth, people.participants, people.scores, people.residual, seed=world.seed
    )


def _write_behaviour(out: Path, world: GenerativeModel, people: People) -> None:
    for run, responses in simulate_behaviour(world, people).items():
        for name, table in zip(people.participants, events_tables(run, responses), strict=True):
            path = events_path(out, name, run)
            path.parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(path, sep="\t", index=False, na_rep="n/a")


def _write_series(
    out, world: GenerativeModel, subject: Subject, rest_runs, rest_volumes, tr
) -> None:
    for run in rest_runs:
        rng = generator(world.seed, subject.name, run)
        values = rest_series(rng, subject.brain, world.population, rest_volumes, tr)
        write_imaging(imaging_path(out, subject.name, run), values, world.seed, tr)
    for run in ("hammerAP_run-01", "stroopAP_run-01"):
        task, trials = run_trials(run)
        values = task_series(
            generator(world.seed, subject.name, run),
            subject.brain,
            world.population,
            subject.gains,
            task,
            trials,
            round(VOLUMES[run] * REPETITION_TIME_S / tr),
            world.regions,
            tr,
        )
        write_imaging(imaging_path(out, subject.name, run), values, world.seed, tr)


def measured_connectome(
    world: GenerativeModel, subject: Subject, rest_runs: Sequence[str], volumes: int, tr: float
) -> np.ndarray:
    """What the rest runs give: the mean over runs of the edges of each."""
    runs = []
    for run in rest_runs:
        rng = generator(world.seed, subject.name, run)
        values = rest_series(rng, subject.brain, world.population, volumes, tr)
        runs.append(_edges(values.astype(np.float32)))
    return np.mean(runs, axis=0)


def _write_edges(out: Path, world: GenerativeModel, subject: Subject, *scan) -> None:
    path = out / "connectomes" / f"{subject.name}.npy"
    path.parent.mkdir(exist_ok=True)
    (path.parent / FOR_ALL).write_text(json.dumps(EDGES), encoding="utf-8")
    np.save(path, measured_connectome(world, subject, *scan))


def _write_participants(out: Path, world: GenerativeModel, names: Sequence[str]) -> None:
    """The table of people, last of all: how much they move is known once all are drawn."""
    rows = [{"participant_id": name} | demographics(world.seed, name) for name in names]
    table = pd.DataFrame(rows)
    if world.motion:
        _, people = load_truth(out)
        table["motion_mm"] = people.of(names).motion  # in SD of a parcel, for want of a head
    table.to_csv(out / "participants.tsv", sep="\t", index=False)


def demographics(seed: int, name: str) -> dict[str, object]:
    """Age, sex, site and group: nothing depends on them."""
    rng = generator(seed, name, "table")
    return {
        "species": "homo sapiens",
        "age": round(float(rng.uniform(18, 68)), 2),
        "sex": "F" if rng.random() < 0.57 else "M",
        "Site": int(rng.integers(1, 3)),
        "Group": "Patient" if rng.random() < 0.6 else "GenPop",
    }


@jax.jit
def _edges(series):
    return connectome(series)
