"""A frozen twin meets a cohort it never saw.

    python -m experiments.transfer --config.twin=out/paper --config.data=OTHER --workdir=out/new

`twin` is a folder of `experiments.paper`. Nothing is trained: the twin is shown the new people's
connectomes, whole runs are scored, and every baseline learns what the twin learned from, the first
parts of the runs of the twin's own cohort (`twin_data`, by default where that folder says it lies).
Two minutes for 228 people on 2 cores.
"""

import json
import time
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from dtb_jax.data import DataConfig, DataError
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.join import join
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import evaluate
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.models import registry
from dtb_jax.models.paper_twin import note_below_chance, restore
from dtb_jax.models.protocol import Model, Pretrained
from dtb_jax.models.surrogates import surrogates
from dtb_jax.reporting import results
from dtb_jax.twin.option import changed
from dtb_jax.workflows import evaluation_report, session, unseen_report
from dtb_jax.workflows.config import StudyConfig, of_folder, paper_twin
from dtb_jax.workflows.protocol import protocol
from experiments import common


def get_config() -> ConfigDict:
    """What to read; everything else is the twin's own config."""
    config = common.as_config(DataConfig())
    config.update(twin="", twin_data="", seed=0)
    config.methods = "ridge,kernel_ridge,pca_ridge,cpm"
    return config


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read both cohorts, roll the twin out, assess, write."""
    began = time.perf_counter()
    session.settle_jax()
    of_twin = twins_options(config)
    old, _ = session.read_data(of_twin.data)
    new, ledger = session.read_data(common.options(DataConfig, config))
    cohort = join(old, new)
    methods = session.regressions(config.methods)
    fitted = restore(paper_twin(of_twin), Path(config.twin) / "checkpoints", old)
    session.settle_options(config.to_dict(), workdir)
    session.settle_people(cohort, workdir)
    note_below_chance(new, ledger)
    ledger.write(workdir / "exclusions.tsv")
    is_new = np.arange(len(cohort.connectomes)) >= len(old.connectomes)
    halves = session.halves(of_twin.evaluation, cohort)
    fold = Fold(
        halves.training._replace(people=~is_new),
        Subset(is_new, tuple(run.name for run in cohort.runs)),
        "transfer",
    )
    models: dict[str, Model] = {
        "twin": Pretrained(fitted),
        **registry.baselines(halves.training),
        **methods,
    }
    probes = {"twin": [surrogates(seed=config.seed)]}
    told = cross_validate(cohort, [fold], models, probes=probes, folder=workdir / "folds")
    assessed = evaluate(
        cohort,
        [fold],
        told,
        seed=config.seed,
        drifts=of_twin.evaluation.drifts,
        rest=halves.test,
        noise=of_twin.evaluation.noise,
    )
    metrics = {
        "protocol": protocol(new, "people", units=of_twin.twin.units, seed=config.seed)
        | {"twin": str(config.twin), "twins_cohort": len(old.connectomes)},
        "models": assessed.models,
        **evaluation_report.verdict_metrics(assessed),
        "subgroups": assessed.subgroups,
        "timing": {
            "compile_s": None,
            "train_s": 0.0,
            "epochs": 0,
            "total_s": time.perf_counter() - began,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    write_json(workdir / "metrics.json", metrics)
    results.write_predictions(
        workdir / "predictions.tsv",
        cohort,
        assessed.scored,
        assessed.predictions["twin"],
        seen=False,
    )
    who = f"A twin of {len(old.connectomes)} other people, frozen; nobody tested was seen by it."
    unseen_report.write(workdir, new, ledger, assessed, metrics, who=who)
    print(f"report: {workdir / 'report.html'}")
    return metrics


def twins_options(config: ConfigDict) -> StudyConfig:
    """The options a twin's folder was made with.

    Raises: DataError when it is not a folder of a finished `experiments.paper`.
    """
    path = Path(config.twin) / "config.json"
    if not config.twin or not path.exists():
        raise DataError(
            f"--config.twin: {config.twin!r} holds no config.json, expected a folder of "
            "experiments.paper"
        )
    if "folds" in json.loads(path.read_text(encoding="utf-8")):
        raise DataError(f"{path}: a folder of cross-validated twins, expected experiments.paper's")
    found = of_folder(StudyConfig, Path(config.twin))
    if config.twin_data:
        found = changed(found, {"data": config.twin_data})
    if not Path(found.data.root).exists():
        raise DataError(
            f"{found.data.root}: the twin's own cohort is not there, which baselines learn from; "
            "give --config.twin_data=DIR"
        )
    return found


if __name__ == "__main__":
    common.main(get_config, run)
