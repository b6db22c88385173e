"""A small TCP-layout folder of made-up people, behaviour included, written in seconds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from dtb_jax.groundtruth.imaging import (
    rest_series,
    simulate_person,
    simulate_population,
    task_series,
)
from dtb_jax.groundtruth.stand_in import VOLUMES, generator, imaging_path, write_imaging
from dtb_jax.regions import region_parcels
from dtb_jax.tasks import FACES, STROOP
from dtb_jax.tasks.designs import load_design
from dtb_jax.types import Task

DESIGNS = {
    "hammerAP_run-01": (FACES, "faces"),
    "stroopAP_run-01": (STROOP, "stroop_ap"),
    "stroopPA_run-01": (STROOP, "stroop_pa"),
}
"""Task and trial list of each run."""
REST_VOLUMES = 240
REGION_PARCELS = (
    "ContB_FPole_1",
    "ContB_PFCv_1",
    "DorsAttnB_PrCd_1",
    "SomMotA_1",
    "DorsAttnB_PostC_1",
    "DorsAttnA_SPL_1",
    "SomMotB_ST_1",
    "VisCent_ExStr_1",
    "VisPeri_Striate_1",
)
"""One cortical parcel for each region but the amygdala, which is subcortical."""
FILLERS = (
    "DefaultB_PFCd",
    "SalVentAttnA_Ins",
    "ContA_IPS",
    "DefaultA_pCunPCC",
    "SalVentAttnB_PFCl",
)

MEAN_S = {FACES.name: (0.79, 0.89), STROOP.name: (0.81, 1.01)}
"""Mean correct response time by task and condition, as in TCP."""
EFFECT_SD_S = {FACES.name: 0.08, STROOP.name: 0.09}
PERSON_SD_S, TASK_R, WITHIN_SD_S = 0.17, 0.7, 0.22
SHORTEST_S = 0.3
"""No press comes earlier: the shift of the lognormal."""
ERRORS, OMISSIONS = 0.05, 0.03


def write_quick_cohort(
    out: Path, *, participants: int = 24, parcels: int = 48, seed: int = 0
) -> Path:
    """Write events, rest (2 AP runs of 240 volumes) and task imaging of simulated people.

    Args:
        out: folder to write.
        participants: number of people.
        parcels: rows of the atlas, at least 20.
        seed: with a person's id the only source of randomness.

    Returns: `out`.

    Raises: ValueError when there are fewer parcels than regions.
    """
    atlas = quick_atlas(parcels)
    out.mkdir(parents=True, exist_ok=True)
    atlas.to_csv(out / "atlas.tsv", sep="\t", index=False)
    regions = region_parcels(list(atlas["name"]))
    population = simulate_population(generator(seed, "population"), list(atlas["network"]))
    rows = []
    for index in range(participants):
        name = f"sub-SIM{index + 1:04d}"
        rows.append({"participant_id": name} | _demographics(generator(seed, name, "table")))
        person = simulate_person(generator(seed, name), population)
        for run in ("restAP_run-01", "restAP_run-02"):
            series = rest_series(generator(seed, name, run), person, REST_VOLUMES)
            write_imaging(imaging_path(out, name, run), series, seed)
        for run, (task, table) in simulate_behaviour(generator(seed, name, "behaviour")).items():
            path = out / name / "func" / f"{name}_task-{run}_events.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(path, sep="\t", index=False, na_rep="n/a")
            if run != "stroopPA_run-01":
                trials, _ = task.decode(table)
                rng = generator(seed, name, run)
                series = task_series(rng, person, task, trials, VOLUMES[run], regions)
                write_imaging(imaging_path(out, name, run), series, seed)
    pd.DataFrame(rows).to_csv(out / "participants.tsv", sep="\t", index=False)
    description = {
        "Name": "Simulated people in the layout of the Transdiagnostic Connectome Project",
        "BIDSVersion": "1.2.1",
        "simulated": True,
    }
    (out / "dataset_description.json").write_text(json.dumps(description, indent=2), "utf-8")
    return out


def quick_atlas(parcels: int) -> pd.DataFrame:
    """Invented parcels named like TCP's, one for every region and hemisphere, then fillers.

    Args:
        parcels: number of rows.

    Returns: columns index, name, network, hemisphere, structure.

    Raises: ValueError when there are fewer parcels than regions.
    """
    needed = 2 * len(REGION_PARCELS) + 2
    if parcels < needed:
        raise ValueError(f"{parcels} parcels: expected at least {needed}, one a region")
    fillers = parcels - needed
    rows = []
    for side, count in (("L", (fillers + 1) // 2), ("R", fillers // 2)):
        extra = [f"{FILLERS[k % len(FILLERS)]}_{k // len(FILLERS) + 1}" for k in range(count)]
        for parcel in (*REGION_PARCELS, *extra):
            name = f"17networks_{side}H_{parcel}"
            rows.append((name, parcel.split("_")[0], side, "cortex"))
    for side in ("R", "L"):  # the order of TCP's subcortex
        rows.append((f"lAMY-{side.lower()}h", "medial_temporal_lobe", side, "subcortex"))
    table = pd.DataFrame(rows, columns=["name", "network", "hemisphere", "structure"])
    return table.rename_axis("index").reset_index()


def simulate_behaviour(rng: np.random.Generator) -> dict[str, tuple[Task, pd.DataFrame]]:
    """Events tables of one person's three runs.

    rt = .3 s + lognormal, whose mean is the person's in this task and condition; both Stroop runs
    share it. Person means have SD .17 s and correlate .7 between the tasks.

    Args:
        rng: the person's generator.

    Returns: task and table by run, with the columns of TCP's files.
    """
    general = rng.normal()
    means = {}
    for task in (FACES, STROOP):
        person = np.sqrt(TASK_R) * general + np.sqrt(1 - TASK_R) * rng.normal()
        effect = EFFECT_SD_S[task.name] * rng.normal() * np.array([-0.5, 0.5])
        mean = np.array(MEAN_S[task.name]) + PERSON_SD_S * person + effect
        means[task.name] = np.maximum(mean, SHORTEST_S + 0.15)
    tables = {}
    for run, (task, design) in DESIGNS.items():
        tables[run] = task, _events(rng, load_design(design), task, means[task.name])
    return tables


def _events(
    rng: np.random.Generator,
    design: pd.DataFrame,
    task: Task,
    mean_s: Float[np.ndarray, " condition"],
) -> pd.DataFrame:
    blank = design.assign(response_time=np.nan, accuracy_binarized=0.0)
    trials, _ = task.decode(blank)
    response_time = _response_times(rng, mean_s[trials.condition])
    omitted = (rng.random(len(design)) < OMISSIONS) | (response_time >= trials.deadline_s)
    wrong = rng.random(len(design)) < ERRORS
    return _tcp_columns(design, task, np.where(omitted, np.nan, response_time), ~(omitted | wrong))


def _response_times(
    rng: np.random.Generator, mean_s: Float[np.ndarray, " trial"]
) -> Float[np.ndarray, " trial"]:
    """Shifted lognormal with these means and one SD: var = m^2 (exp(s^2) - 1)."""
    mean = mean_s - SHORTEST_S
    sigma2 = np.log1p((WITHIN_SD_S / mean) ** 2)
    return SHORTEST_S + np.exp(rng.normal(np.log(mean) - sigma2 / 2, np.sqrt(sigma2)))


def _tcp_columns(
    design: pd.DataFrame,
    task: Task,
    response_time: Float[np.ndarray, " trial"],
    accurate: Bool[np.ndarray, " trial"],
) -> pd.DataFrame:
    """The columns of TCP's files in their order."""
    table = design[["onset", "duration", "trial_type"]].assign(
        response_time=response_time, accuracy_binarized=accurate.astype(float), tr_seconds=0.8
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


def _demographics(rng: np.random.Generator) -> dict[str, object]:
    return {
        "species": "homo sapiens",
        "age": round(float(rng.uniform(18, 68)), 2),
        "sex": "F" if rng.random() < 0.57 else "M",
        "Site": int(rng.integers(1, 3)),
        "Group": "Patient" if rng.random() < 0.6 else "GenPop",
    }
