"""Stand-in imaging: simulated series for real events, as files in TCP's exact layout."""

import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from dtb_jax.groundtruth.imaging import (
    Person,
    networks_of,
    rest_series,
    simulate_person,
    task_series,
)
from dtb_jax.regions import region_parcels
from dtb_jax.types import Task

FOLDER = "fMRI_timeseries_clean_denoised_GSR_parcellated"
SUFFIX = "_bold_Atlas_hp2000_clean_GSR_parcellated.h5"
REPETITION_TIME_S = 0.8
REST_VOLUMES, TASK_VOLUMES = 488, {"faces": 493, "stroop": 510}


def person_rng(seed: int, participant: str, what: str) -> np.random.Generator:
    """A generator that depends on who and what, not on who else is written."""
    return np.random.default_rng([seed, zlib.crc32(participant.encode()), zlib.crc32(what.encode())])


def write_series(path: Path, series: np.ndarray, seed: int) -> None:
    """One run as [parcel, volume] float64 HDF5, labelled simulated; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        file["data"] = np.ascontiguousarray(series.T, np.float64)
        file.attrs.update(
            simulated=True,
            generator="dtb_jax.groundtruth.stand_in",
            seed=seed,
            repetition_time_s=REPETITION_TIME_S,
        )
    os.replace(part, path)


def write_imaging(
    out: Path,
    participant: str,
    names: Sequence[str],
    task_events: dict[str, tuple[Task, pd.DataFrame]],
    rest_runs: Sequence[str],
    *,
    lengths: Callable[[str, int], int | None],
    seed: int,
) -> int:
    """All runs of one person; runs already there are kept.

    Args:
        out: the cohort's folder.
        participant: sub-...
        names: parcel names, in the order of the rows.
        task_events: run name -> (task, decoded trials as a table of onset, duration, condition).
        rest_runs: names of the rest runs.
        lengths: (run, usual length) -> volumes to write, or None for "this run does not exist".
        seed: of the whole cohort.

    Returns: number of files written.
    """
    regions = region_parcels(names)
    folder = out / FOLDER / participant.removeprefix("sub-").replace("NDARINV", "NDAR_INV")
    person: Person | None = None
    written = 0
    plans = [(run, None, REST_VOLUMES) for run in rest_runs]
    plans += [(run, pair, TASK_VOLUMES[pair[0].name]) for run, pair in task_events.items()]
    for run, pair, usual in plans:
        path, volumes = folder / f"task-{run}{SUFFIX}", lengths(run, usual)
        if volumes is None or path.exists():
            continue
        if person is None:
            rng = person_rng(seed, participant, "person")
            person = simulate_person(rng, networks_of(names), len(regions), population=seed)
        rng = person_rng(seed, participant, run)
        if pair is None:
            series = rest_series(rng, person, volumes)
        else:
            task, table = pair
            events = {
                name: (part["onset"].to_numpy(), part["duration"].to_numpy())
                for name, part in table.groupby("condition")
            }
            # The whole run is simulated before a truncated one is cut, as in a scanner.
            series = task_series(
                rng, person, task.name, events, regions, max(usual, volumes), REPETITION_TIME_S
            )[:volumes]
        write_series(path, series, seed)
        written += 1
    return written


def copy_events(source: Path, out: Path) -> None:
    """Everything of a BIDS tree but imaging, as hard links where the disk allows."""
    for path in sorted(source.rglob("*")):
        if path.is_dir() or path.suffix in {".h5", ".nii", ".gz"}:
            continue
        target = out / path.relative_to(source)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)


def manifest_lengths(manifest: Path, participant: str) -> Callable[[str, int], int | None]:
    """Volumes a run as `timeseries_manifest.tsv` lists them; the usual ones without a manifest."""
    if not manifest.exists():
        return lambda run, usual: usual
    table = pd.read_csv(manifest, sep="\t")
    folder = participant.removeprefix("sub-").replace("NDARINV", "NDAR_INV")
    mine = table[table["path"].str.contains(f"/{folder}/", regex=False)]
    volumes = {
        Path(path).name.removeprefix("task-").removesuffix(SUFFIX): int(count)
        for path, count in zip(mine["path"], mine["volumes"], strict=True)
    }
    return lambda run, usual: volumes.get(run)
