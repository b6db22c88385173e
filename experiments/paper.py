"""Twins of a cohort by the paper's protocol: first half of each run trains, second half tests.

    python -m experiments.stand_in --config.events=../shared/tcp --workdir=out/stand_in
    python -m experiments.paper --config.data=out/stand_in/cohort --workdir=out/paper

About 3 minutes for 228 people on 2 cores with the default recipe (64 units). Expect, among people
seen in training, RT r about .91 / .86 and choice concordance about .96 / .94; a person's own first
half gives .92 / .87 and "always correct" .96 / .94 without any connectome.
`--config.exact=true` sets every number of the paper instead (400 units, learning rate 1e-6, pulses
with binary cross-entropy, 262-step cuts, 8 drifts): days on 2 cores, meant for a GPU.
"""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict, config_dict
from tqdm import tqdm

from dtb_jax import results, workflow
from dtb_jax.connectome import edge_count
from dtb_jax.data import Choices, DataError, read_cohort
from dtb_jax.response import (
    hazard_loss,
    press_count,
    pulse_count,
    pulse_loss,
    read_hazard,
    read_pulses,
)
from dtb_jax.settings import Settings
from dtb_jax.types import Cohort
from experiments import common, paper_report, paper_truth

RESPONSES = {
    "hazard": (hazard_loss, press_count, read_hazard),
    "pulses": (pulse_loss, pulse_count, read_pulses),
}
EXACT = {
    "units": 400,
    "scale": 1.0,
    "gain": 1.0,
    "base": False,
    "response": "pulses",
    "epochs": 800,
    "batch_people": 25,  # x 2 tasks x 1 segment = the paper's 50 segments
    "segments": 1,
    "passes": 9,  # 262-step cuts in a half
    "segment_stride": 262,
    "learning_rate": 1e-6,
    "warmup_steps": 0,
    "decay": False,
    "clip_norm": 0.0,
    "bold_weight": 1.0,
    "bold_warmup_steps": 0,
    "patience": 20,
    "keep_best": True,
    "drifts": 8,
}


def get_config() -> ConfigDict:
    """The recipe that works; see `EXACT` for the paper's numbers."""
    choices, settings, split = Choices(), Settings(), workflow.Split()
    return ConfigDict(
        {
            "data": "",  # folder in TCP's layout
            **choices._asdict(),
            "exact": False,
            "seed": 0,
            # the main network and its hypernetwork
            "units": 64,
            "width": 200,
            "dropout": 0.1,
            "scale": 0.003,
            "gain": config_dict.placeholder(float),  # None: 512 / edges
            "base": True,
            "slow_share": 0.5,
            # training
            "response": "hazard",
            "epochs": settings.epochs,
            "batch_people": settings.batch_people,
            "segments": settings.segments,
            "segment_steps": settings.segment_steps,
            "segment_stride": settings.segment_stride,
            "passes": settings.passes,
            "learning_rate": settings.learning_rate,
            "warmup_steps": settings.warmup_steps,
            "decay": settings.decay,
            "clip_norm": settings.clip_norm,
            "bold_weight": settings.bold_weight,
            "bold_warmup_steps": settings.bold_warmup_steps,
            "patience": settings.patience,
            "keep_best": settings.keep_best,
            "save_every": 5,
            # the split and the scores
            "split_s": split.split_s,
            "stop_s": split.stop_s,
            "pulse_steps": split.pulse_steps,
            "validation_share": split.validation_share,
            "drifts": config_dict.placeholder(int),  # None: nilearn's rule
        }
    )


def set_exact(config: ConfigDict, named: Collection[str]) -> None:
    """With `exact`, the paper's numbers, but for options `named` on the command line: they print.

    Only the command line knows what was named; a caller of `run` updates its config with `EXACT`.
    """
    if not config.exact:
        return
    kept = [k for k, paper in EXACT.items() if k in named and config[k] != paper]
    config.update({k: paper for k, paper in EXACT.items() if k not in kept})
    if kept:
        print("the paper's numbers except", ", ".join(f"{k} = {config[k]}" for k in kept))


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read, train, evaluate, write; returns what went into `metrics.json`."""
    if not config.data:
        raise DataError("--config.data: empty, expected a folder in TCP's layout")
    if config.response not in RESPONSES:
        raise DataError(
            f"--config.response: {config.response!r}, expected one of {', '.join(RESPONSES)}"
        )
    common.remember_compilations()
    choices = Choices(**{name: config[name] for name in Choices._fields})
    cohort, ledger = read_cohort(
        Path(config.data), choices, progress=lambda people: tqdm(people, desc="connectomes")
    )
    common.settle_config(config, workdir)
    workflow.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    loss, count, read = RESPONSES[config.response]
    shared = [name for name in Settings._fields if name in config]
    settings = Settings(
        **{name: config[name] for name in shared}, action_loss=loss, action_count=count
    )
    split = workflow.Split(**{name: config[name] for name in workflow.Split._fields})
    sizes = {name: config[name] for name in ("units", "width", "dropout", "scale", "base")}
    sizes["slow_share"] = config.slow_share
    if config.gain is not None:
        sizes["gain"] = config.gain
    with tqdm(total=settings.epochs, desc="training", unit="epoch") as bar:

        def show(row):
            bar.update(row.get("resumed_after_epoch", 1))
            if "validation_loss" in row:
                bar.set_postfix(train=row["train_loss"], validation=row["validation_loss"])

        fitted = workflow.train(
            cohort,
            sizes,
            settings,
            split,
            seed=config.seed,
            folder=workdir / "checkpoints",
            save_every=config.save_every,
            on_epoch=show,
        )
    print("evaluating on the second half of every run")
    oracles = paper_truth.oracles(Path(config.data), cohort)
    evaluated = workflow.evaluate(cohort, fitted, split, read, seed=config.seed, others=oracles)
    metrics = {
        "protocol": protocol(config, cohort),
        "models": evaluated.models,
        "subgroups": evaluated.subgroups,
        "timing": fitted.timing,
    }
    compared = paper_truth.compare(evaluated)
    if compared:
        metrics["truth"] = paper_truth.as_metrics(compared)
    results.write_json(workdir / "metrics.json", metrics)
    (workdir / "history.json").write_text(json.dumps(fitted.history), encoding="utf-8")
    told = evaluated.predictions["twin"]
    results.write_predictions(
        workdir / "predictions.tsv", cohort, evaluated.scored, told, seen=True
    )
    paper_report.write(workdir, config, cohort, ledger, fitted, evaluated, compared, metrics)
    print(f"report: {workdir / 'report.html'}")
    return metrics


def protocol(config: ConfigDict, cohort: Cohort) -> dict:
    """Who, what and with which software."""
    return {
        "split": "time",
        "participants": len(cohort.connectomes),
        "seen_in_training": True,
        "parcels": cohort.parcels,
        "edges": edge_count(cohort.parcels),
        "units": config.units,
        "seed": config.seed,
        "commit": common.commit(),
        "versions": common.versions(),
        "connectome": cohort.connectome_source,
        "bold": cohort.bold_source,
        "runs": [run.name for run in cohort.runs],
        "people_with_behaviour": {run.name: int(np.sum(run.present)) for run in cohort.runs},
    }


if __name__ == "__main__":
    common.main(get_config, run, set_exact)
