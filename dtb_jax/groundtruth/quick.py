"""A small cohort of simulated people in TCP's layout: the quickstart's embedded data."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.groundtruth.stand_in import person_rng, write_imaging
from dtb_jax.tasks import FACES, STROOP
from dtb_jax.tasks.designs import load_design
from dtb_jax.tasks.faces import WINDOW_S

RUNS = {"hammerAP_run-01": (FACES, "faces"), "stroopAP_run-01": (STROOP, "stroop_ap")}
REST_RUNS = ("restAP_run-01", "restAP_run-02")
# Group means and SDs of correct reaction times and effects, in seconds (TCP, n = 219 and 226).
MEAN_S = {"faces": 0.79, "stroop": 0.807}
EFFECT_S = {"faces": (0.101, 0.08), "stroop": (0.202, 0.09)}
PERSON_SD_S, TRIAL_SD, ERRORS, OMISSIONS = 0.15, 0.22, 0.04, 0.03

_NAMED = (
    "ContB_FPole_1 DefaultB_PFCv_1 DorsAttnB_PrCd_1 SomMotA_1 SomMotA_2 DorsAttnB_PostC_1 "
    "DorsAttnA_SPL_1 SomMotB_ST_1 VisCent_ExStr_1 VisCent_ExStr_2 VisCent_Striate "
    "VisPeri_Striate_1 LimbicB_OFC_1 SalVentAttnA_Ins_1 DefaultA_PFCm_1 ContA_IPS_1"
).split()


def parcel_table() -> pd.DataFrame:
    """36 parcels named as TCP's, enough for the paper's 20 regions."""
    rows = [
        (f"17networks_{side}H_{name}", name.split("_")[0], side, "cortex")
        for side in "LR"
        for name in _NAMED
    ]
    rows += [
        (f"{name}-{side.lower()}h", "medial_temporal_lobe", side, "subcortex")
        for side in "LR"
        for name in ("lAMY", "mAMY")
    ]
    table = pd.DataFrame(rows, columns=["name", "network", "hemisphere", "structure"])
    return table.rename_axis("index").reset_index()


def answers(rng: np.random.Generator, task: str, hard: np.ndarray, mean_s: float, effect_s: float):
    """Reaction times and accuracy: lognormal around a person's mean, rare errors and omissions."""
    count = len(hard)
    location = np.maximum(mean_s + effect_s * hard, 0.4)
    times = location * np.exp(TRIAL_SD * rng.normal(size=count) - TRIAL_SD**2 / 2)
    limit = WINDOW_S if task == "faces" else 1.95
    omitted = (rng.random(count) < OMISSIONS) | (times > limit)
    accurate = (rng.random(count) >= ERRORS * (1 + hard)) & ~omitted
    return np.where(omitted, np.nan, times), accurate.astype(float)


def write_quick_cohort(out: Path, *, participants: int = 32, seed: int = 0) -> Path:
    """Write events, participants, atlas and series of simulated people; files there are kept.

    Args:
        out: folder of the cohort.
        participants: how many people.
        seed: of all of them.

    Returns: `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    atlas = parcel_table()
    atlas.to_csv(out / "atlas.tsv", sep="\t", index=False)
    about = {"Name": "simulated quickstart cohort", "BIDSVersion": "1.8.0", "simulated": True}
    (out / "dataset_description.json").write_text(json.dumps(about), encoding="utf-8")
    rows = []
    for number in range(participants):
        person = f"sub-NDARINVSIM{number:05d}"
        rng = person_rng(seed, person, "behaviour")
        trait = rng.normal()
        events = {}
        for run, (task, design) in RUNS.items():
            table = load_design(design)
            hard = table["trial_type"].str.startswith(("face", "inc")).to_numpy(float)
            speed = 0.85 * trait + np.sqrt(1 - 0.85**2) * rng.normal()
            mean, (effect, spread) = MEAN_S[task.name], EFFECT_S[task.name]
            table["response_time"], table["accuracy_binarized"] = answers(
                rng, task.name, hard, mean + PERSON_SD_S * speed, effect + spread * rng.normal()
            )
            table["tr_seconds"] = 0.8
            path = out / person / "func" / f"{person}_task-{run}_events.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(path, sep="\t", index=False, na_rep="n/a")
            condition = np.where(hard > 0, task.contrast[0], task.contrast[1])
            timing = {"onset": table["onset"], "duration": table["duration"]}
            events[run] = (task, pd.DataFrame({**timing, "condition": condition}))
        rows.append((person, round(rng.uniform(18, 65), 2), "FM"[number % 2], number % 2 + 1,
                     ("GenPop", "Patient", "Patient")[number % 3]))
        write_imaging(
            out,
            person,
            list(atlas["name"]),
            events,
            REST_RUNS,
            lengths=lambda run, usual: usual,
            seed=seed,
        )
    people = pd.DataFrame(rows, columns=["participant_id", "age", "sex", "Site", "Group"])
    people.to_csv(out / "participants.tsv", sep="\t", index=False)
    return out
