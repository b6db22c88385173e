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

from dtb_jax import families, portable, results, workflow
from dtb_jax.assessment import assess
from dtb_jax.connectome import edge_count
from dtb_jax.crossvalidation import cross_validate
from dtb_jax.data import Choices, DataError
from dtb_jax.evaluation.folds import by_time
from dtb_jax.evaluation.splits import SPLIT_S, STOP_S
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
from experiments import common, evaluation_report, paper_report, paper_truth

RESPONSES = {
    "hazard": (hazard_loss, press_count, read_hazard),
    "pulses": (pulse_loss, pulse_count, read_pulses),
}
EXACT = {
    "standardise": False,
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

SIZES = (
    "units",
    "width",
    "dropout",
    "absence",
    "scale",
    "base",
    "slow_share",
    "standardise",
    "components",
)


def get_config() -> ConfigDict:
    """The recipe that works; see `EXACT` for the paper's numbers."""
    choices, settings, recipe = Choices(), Settings(), workflow.Recipe({})
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
            "absence": 0.0,  # share of draws in training without the person's connectome
            "standardise": True,  # edges with mean 0 and variance 1 over training people
            "components": 0,  # principal components that the hypernetwork sees; 0: the edges
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
            "weight_decay": settings.weight_decay,
            "bold_weight": settings.bold_weight,
            "bold_warmup_steps": settings.bold_warmup_steps,
            "patience": settings.patience,
            "keep_best": settings.keep_best,
            "save_every": 5,
            # the split and the scores
            "split_s": SPLIT_S,
            "stop_s": STOP_S,
            "pulse_steps": recipe.pulse_steps,
            "validation_share": recipe.validation_share,
            "drifts": config_dict.placeholder(int),  # None: nilearn's rule
            "identity": True,  # train the same twin on name tags as well
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
    common.settle_jax()
    cohort, ledger = common.read_data(config)
    made = recipe(config)
    common.settle_config(config, workdir)
    workflow.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    (fold,) = by_time(cohort, config.split_s, config.stop_s)
    options = {"seed": config.seed, "save_every": config.save_every}
    with common.epochs_bar(made.settings.epochs, "training") as show:
        fitted = workflow.train(
            cohort,
            fold.training,
            made,
            folder=workdir / "checkpoints",
            on_epoch=show,
            **options,
        )
    asked: dict[str, families.Family] = {
        "twin": lambda cohort, fold: families.told_by(cohort, fold, fitted, made, seed=config.seed),
        "without": families.without_connectome(fold.training),
        "truth": lambda cohort, fold: paper_truth.oracles(Path(config.data), cohort),
    }
    if config.identity:
        with common.epochs_bar(made.settings.epochs, "training on name tags") as show:
            tagged = families.identities(
                made, folder=workdir / "checkpoints_identity", on_epoch=show, **options
            )
            asked["identity"] = families.kept(tagged, cohort, fold)
    print("evaluating on the second half of every run")
    told = cross_validate(cohort, [fold], asked)
    assessed = assess(cohort, [fold], told, seed=config.seed, drifts=config.drifts)
    metrics = {
        "protocol": protocol(config, cohort),
        "models": assessed.models,
        **evaluation_report.verdict_metrics(assessed),
        "subgroups": assessed.subgroups,
        "timing": fitted.timing,
    }
    compared = paper_truth.compare(assessed)
    if compared:
        metrics["truth"] = paper_truth.as_metrics(compared)
    results.write_json(workdir / "metrics.json", metrics)
    about = {name: metrics[name] for name in ("protocol", "models", "verdict", "timing")}
    portable.save_twin(workdir / "twin", fitted, made, cohort, about)
    (workdir / "history.json").write_text(json.dumps(fitted.history), encoding="utf-8")
    results.write_predictions(
        workdir / "predictions.tsv",
        cohort,
        assessed.scored,
        assessed.predictions["twin"],
        seen=True,
    )
    paper_report.write(workdir, config, cohort, ledger, fitted, assessed, compared, metrics)
    print(f"report: {workdir / 'report.html'}")
    return metrics


def recipe(config: ConfigDict, fewest_batch: int = 1) -> workflow.Recipe:
    """How twins are made, from the config; a batch of nobody is a size that the caller chooses.

    Raises: DataError for an unknown way to read responses, or where nothing would be trained.
    """
    least = dict.fromkeys(("units", "epochs", "passes", "segments"), 1)
    for name, number in (least | {"batch_people": fewest_batch}).items():
        if config[name] < number:
            raise DataError(f"--config.{name}: {config[name]}, expected at least {number}")
    if config.response not in RESPONSES:
        raise DataError(
            f"--config.response: {config.response!r}, expected one of {', '.join(RESPONSES)}"
        )
    loss, count, read = RESPONSES[config.response]
    shared = [name for name in Settings._fields if name in config]
    settings = Settings(
        **{name: config[name] for name in shared}, action_loss=loss, action_count=count
    )
    sizes = {name: config[name] for name in SIZES}
    if config.gain is not None:
        sizes["gain"] = config.gain
    return workflow.Recipe(
        sizes,
        settings,
        read,
        pulse_steps=config.pulse_steps,
        validation_share=config.validation_share,
    )


def protocol(config: ConfigDict, cohort: Cohort, split: str = "time") -> dict:
    """Who, what and with which software."""
    return {
        "split": split,
        "participants": len(cohort.connectomes),
        "seen_in_training": split != "people",
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
