"""Where TCP's files lie and how simulated ones say that they are simulated."""

import zlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from dtb_jax.data.derivatives import TCP_FOLDER, TCP_SUFFIX
from dtb_jax.data.ledger import DataError
from dtb_jax.data.tasks import STROOP
from dtb_jax.types import Task

REPETITION_TIME_S = 0.8
REST_RUNS = ("restAP_run-01", "restAP_run-02", "restPA_run-01", "restPA_run-02")
VOLUMES = {run: 488 for run in REST_RUNS} | {
    "stroopAP_run-01": 510,
    "stroopPA_run-01": 510,
    "hammerAP_run-01": 493,
}
"""Length of each of TCP's runs where no manifest gives another."""
GENERATOR = "dtb_jax.simulation"


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator that depends on the seed and these names only."""
    words = [zlib.crc32(name.encode()) for name in names]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def imaging_path(root: Path, participant: str, run: str) -> Path:
    """Where TCP keeps a run: `sub-NDARINVX` has the folder `NDAR_INVX`."""
    folder = participant.removeprefix("sub-").replace("NDARINV", "NDAR_INV", 1)
    return root / TCP_FOLDER / folder / f"task-{run}{TCP_SUFFIX}"


def events_path(root: Path, participant: str, run: str) -> Path:
    """Where TCP keeps a run's events."""
    return root / participant / "func" / f"{participant}_task-{run}_events.tsv"


def write_imaging(
    path: Path,
    series: Float[np.ndarray, "volume parcel"],
    seed: int,
    repetition_time_s: float = REPETITION_TIME_S,
) -> None:
    """Write one simulated run as [parcel, volume]; a file under its own name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    with h5py.File(unfinished, "w") as file:
        file["data"] = np.ascontiguousarray(series.T)
        file.attrs.update(
            simulated=True, generator=GENERATOR, seed=seed, repetition_time_s=repetition_time_s
        )
    unfinished.replace(path)


def is_complete(path: Path, parcels: int, volumes: int, seed: int) -> bool:
    """Whether this very run was written before.

    Raises: DataError when the file is not one of ours: measured series are never overwritten.
    """
    if not path.exists():
        return False
    try:
        with h5py.File(path) as file:
            simulated = bool(file.attrs.get("simulated", False))
            same = simulated and file.attrs["seed"] == seed
            same = same and file["data"].shape == (parcels, volumes)
    except (OSError, KeyError) as error:
        raise DataError(f"{path}: not a file of this command ({error}); remove it first") from error
    if not simulated:
        raise DataError(f"{path}: holds measured series, which are never overwritten")
    return bool(same)


def events_table(
    design: pd.DataFrame,
    task: Task,
    response_time_s: Float[np.ndarray, " trial"],
    accurate: Bool[np.ndarray, " trial"],
) -> pd.DataFrame:
    """The columns of TCP's events in their order.

    Args:
        design: trial list of the run.
        task: whose run it is.
        response_time_s: NaN for an omission.
        accurate: False for wrong presses and omissions.
    """
    table = design[["onset", "duration", "trial_type"]].assign(
        response_time=response_time_s.round(6),
        accuracy_binarized=accurate.astype(float),
        tr_seconds=REPETITION_TIME_S,
    )
    if task is STROOP:
        return table.join(design[["stimulus_text", "stimulus_color"]])
    end = (table["onset"] + table["duration"]).round(3)
    run_end = np.full(len(table), np.nan)
    run_end[-1] = 394.419
    return table.join(design[["cueStartTime", "cueEndTime"]]).assign(
        trialEndTime=end,
        fixStartTime=(end + 0.004).round(3),
        fixEndTime=(end + 1.0).round(3),
        runEndTime=run_end,
        **{name: design[name] for name in ("stimLeft", "stimTop", "stimRight")},
    )
