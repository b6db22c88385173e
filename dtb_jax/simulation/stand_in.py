"""Real events with simulated imaging, in the exact layout of TCP's published files.

Whoever lacks the imaging (28 GB behind OpenNeuro) tries every command on this folder. What it says
about behaviour is real, what it says about brains is made up, and every file says so.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from dtb_jax.data.bids import decode_events, find_events, read_table
from dtb_jax.data.ledger import DataError
from dtb_jax.data.regions import region_parcels
from dtb_jax.data.tasks import TASKS
from dtb_jax.simulation.atlas import read_atlas_table, tcp_atlas
from dtb_jax.simulation.connectomes import rest_series, simulate_person, simulate_population
from dtb_jax.simulation.layout import (
    GENERATOR,
    REST_RUNS,
    VOLUMES,
    generator,
    imaging_path,
    is_complete,
    write_imaging,
)
from dtb_jax.simulation.responses import draw_gains, task_series
from dtb_jax.types import Task

MANIFEST = "timeseries_manifest.tsv"
COMPANIONS = ("participants.tsv", "*_events.json", "README", "CHANGES", MANIFEST, "phenotype/*")


def write_stand_in(
    events_root: Path,
    out: Path,
    *,
    atlas: Path | None = None,
    seed: int = 0,
    tasks: Sequence[Task] = TASKS,
    runs: Sequence[str] = tuple(VOLUMES),
    participants: int = 0,
    progress: Callable = lambda people: people,
) -> dict[str, int]:
    """Write a TCP-layout folder: events linked, imaging simulated. Complete files are kept.

    Args:
        events_root: BIDS folder with events of at least one of the tasks.
        out: folder to write, which may hold part of an earlier call.
        atlas: table of parcels (columns name, network); default: atlas.tsv in the events folder,
            else atlas/tcp_434.tsv beside it, else `atlas.tcp_atlas`.
        seed: with a person's id the only source of randomness: nobody's files depend on others'.
        tasks: whose events to link; those beside TCP's get no BOLD.
        runs: which of `VOLUMES`' runs to write, where the person has them.
        participants: the first so many in alphabetical order; 0: all.
        progress: wraps the list of people (a progress bar).

    Returns: numbers of people, of imaging files, and of those that were written now.

    Raises: DataError in one sentence when the folders do not fit.
    """
    unknown = [run for run in runs if run not in VOLUMES]
    if unknown:
        raise DataError(f"run {unknown[0]!r}: expected some of {', '.join(VOLUMES)}")
    if participants < 0 or seed < 0:
        raise DataError(f"participants {participants}, seed {seed}: expected no negative numbers")
    events_root, out = events_root.resolve(), out.resolve()
    if out == events_root:
        raise DataError(f"{out}: simulated files never go into the folder they are made from")
    events = _find_all_events(events_root, tasks)
    near = (events_root / "atlas.tsv", events_root.parent / "atlas/tcp_434.tsv")
    atlas = atlas or next((p for p in near if p.exists()), None)
    if atlas is None:
        out.mkdir(parents=True, exist_ok=True)
        atlas = out / "atlas.tsv"
        tcp_atlas().to_csv(atlas, sep="\t", index=False)
    networks, regions = read_atlas(atlas)
    people = sorted(events)[: participants or None]
    lengths = read_manifest(events_root / MANIFEST)

    out.mkdir(parents=True, exist_ok=True)
    for source in (path for name in COMPANIONS for path in sorted(events_root.glob(name))):
        if source.is_file():
            link(source, out / source.relative_to(events_root))
    if atlas != out / "atlas.tsv":
        link(atlas, out / "atlas.tsv")
    _write_description(events_root, out)

    population = simulate_population(generator(seed, "population"), networks)
    counts = {"people": len(people), "files": 0, "written": 0}
    for name in progress(people):
        person = simulate_person(generator(seed, name, "brain"), population)
        rng = generator(seed, name, "gains")
        gains = draw_gains(rng, rng.normal())
        for path, _ in events[name].values():
            link(path, out / path.relative_to(events_root))
        for run in runs:
            volumes = VOLUMES[run] if lengths is None else lengths.get((name, run), 0)
            if not volumes or not (run in REST_RUNS or run in events[name]):
                continue
            path = imaging_path(out, name, run)
            counts["files"] += 1
            if is_complete(path, len(networks), volumes, seed):
                continue
            rng = generator(seed, name, run)
            if run in REST_RUNS:
                series = rest_series(rng, person, population, volumes)
            else:
                trials, _ = decode_events(*events[name][run])
                task = events[name][run][1]
                series = task_series(rng, person, population, gains, task, trials, volumes, regions)
            write_imaging(path, series, seed)
            counts["written"] += 1
    return counts


def read_atlas(path: Path) -> tuple[list[str], dict[str, list[int]]]:
    """Network of each parcel and parcels of each region.

    Raises: DataError when the table is missing, lacks a column or a region.
    """
    table = read_atlas_table(path)
    try:
        return list(table["network"]), region_parcels(list(table["name"]))
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def read_manifest(path: Path) -> dict[tuple[str, str], int] | None:
    """Volumes by participant and run, None without a manifest.

    Raises: DataError when it has no such columns or a length is no positive number.
    """
    if not path.exists():
        return None
    table = read_table(path)
    if not {"path", "volumes"} <= set(table.columns):
        raise DataError(f"{path}: expected columns path, volumes, found {', '.join(table.columns)}")
    lengths = {}
    for name, volumes in zip(table["path"], table["volumes"], strict=True):
        match = re.search(r"([^/]+)/task-([^/]+?)_bold", name)
        if not match or not volumes.strip().isdigit():
            raise DataError(f"{path}: row {name!r}, {volumes!r}: expected a run's path and volumes")
        lengths["sub-" + match[1].replace("_", ""), match[2]] = int(volumes)
    return lengths


def link(source: Path, target: Path) -> None:
    """Hard link where the file systems allow it, copy elsewhere; an equal target is kept."""
    if target.exists():
        if target.samefile(source) or target.read_bytes() == source.read_bytes():
            return
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _find_all_events(root: Path, tasks: Sequence[Task]) -> dict[str, dict[str, tuple[Path, Task]]]:
    """{participant: {run: (events file, task)}}."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give --config.events=BIDS_DIR")
    found: dict[str, dict[str, tuple[Path, Task]]] = {}
    for task in tasks:
        for run, people in find_events(root, task).items():
            for name, path in people.items():
                found.setdefault(name, {})[run] = (path, task)
    if not found:
        names = ", ".join(task.bids_name for task in tasks)
        raise DataError(f"{root}: no sub-*/func/*_events.tsv of the tasks {names}")
    return found


def _write_description(events_root: Path, out: Path) -> None:
    source, target = (root / "dataset_description.json" for root in (events_root, out))
    try:
        description = json.loads(source.read_text("utf-8")) if source.exists() else {}
    except ValueError as error:
        raise DataError(f"{source}: not JSON ({error})") from error
    note = {"simulated_imaging": True, "imaging_generator": GENERATOR}
    target.write_text(json.dumps(description | note, indent=2, ensure_ascii=False), "utf-8")
