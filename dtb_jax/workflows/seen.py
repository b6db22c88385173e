"""Twins of a cohort by the paper's protocol: first half of each run trains, second half tests."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dtb_jax.data import ExclusionLog, provenance
from dtb_jax.data.folds import Fold
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation import assessment
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.models import registry, serialization
from dtb_jax.models.paper_twin import Fitted, fits, note_below_chance
from dtb_jax.models.protocol import Model, Pretrained
from dtb_jax.models.surrogates import surrogates
from dtb_jax.reporting import results
from dtb_jax.types import Cohort
from dtb_jax.workflows import evaluation_report, pages, seen_figures, session, truth
from dtb_jax.workflows.centroids import region_centroids
from dtb_jax.workflows.config import StudyConfig, paper_twin
from dtb_jax.workflows.halves import note_parts, trained_on
from dtb_jax.workflows.protocol import protocol


class Trained(NamedTuple):
    """What was read and what has learned from it."""

    cohort: Cohort
    ledger: ExclusionLog
    fold: Fold
    fitted: Fitted


def train(config: StudyConfig, workdir: Path) -> Trained:
    """Read a folder and fit the twin, going on from a checkpoint where there is one.

    Raises: DataError, in one sentence.
    """
    session.settle_jax()
    session.check_room(workdir)
    cohort, ledger = session.read_data(config.data)
    fold = session.halves(config.evaluation, cohort)
    fits(cohort, fold.training, config.train.segment_steps)
    region_centroids(config)  # what is wrong with them is told before hours of training
    session.settle(config, workdir)
    session.settle_people(cohort, workdir)
    note_parts(cohort, fold, ledger)
    note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    with session.epochs_bar(config.train.epochs, "training") as show:
        twin = paper_twin(config, folder=workdir, on_epoch=show)
        fitted = twin.fit(cohort, fold.training._replace(name="checkpoints"))
    write_json(workdir / "history.json", fitted.history)
    fitted = fitted._replace(timing=_timing(workdir / "timing.json", fitted.timing))
    trained = Trained(cohort, ledger, fold, fitted)
    save_twin(config, trained, workdir, {})
    return trained


def _timing(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Of the call that trained; reading a finished training again takes seconds."""
    if now["resumed_after"] == now["epochs"] and path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    write_json(path, now)
    return now


def save_twin(
    config: StudyConfig, trained: Trained, workdir: Path, metrics: dict[str, Any]
) -> None:
    """The fitted twin for others, and on its card how it was trained and what is known of it."""
    cohort, _, fold, fitted = trained
    people = provenance.of_people(cohort, np.flatnonzero(trained_on(cohort, fold.training)))
    about = {
        "protocol": told(config, trained),
        "timing": fitted.timing,
        "trained_on": {
            "participants": list(people),
            "events_sha256": provenance.digest({one: it["events"] for one, it in people.items()}),
        },
    }
    about |= {name: metrics[name] for name in ("models", "verdict") if name in metrics}
    serialization.save_twin(workdir / "twin", fitted, cohort, about)


def told(config: StudyConfig, trained: Trained) -> dict[str, Any]:
    """The protocol of this study."""
    return protocol(
        trained.cohort,
        "time",
        units=config.twin.units,
        seed=config.seed,
        drawn=bool(config.evaluation.centroids),
    ) | {
        "response": config.twin.response,
        "split_s": trained.fold.training.stop_s,
        "stop_s": trained.fold.test.stop_s,
        "trained_people": int(trained_on(trained.cohort, trained.fold.training).sum()),
        "epochs": config.train.epochs,
    }


def evaluate(config: StudyConfig, workdir: Path, trained: Trained) -> dict[str, Any]:
    """Ask the twin and all baselines about the second halves, and write what comes out.

    `metrics.json`, `predictions.tsv`, `twin/`, `figures/` and `report.html`.

    Returns: what went into `metrics.json`.
    """
    cohort, ledger, fold, fitted = trained
    models: dict[str, Model] = {
        "twin": Pretrained(fitted),
        **registry.baselines(fold.training),
        **truth.oracles(Path(config.data.root), cohort),
    }
    if config.evaluation.identity:
        with session.epochs_bar(config.train.epochs, "training on name tags") as show:
            folder = workdir / "checkpoints_identity"
            tagged = registry.identity_twin(paper_twin(config, folder=folder, on_epoch=show))
            models["one_hot_identity"] = Pretrained(tagged.fit(cohort, fold.training))
    print("evaluating on the second half of every run")
    probes = {"twin": [surrogates(seed=config.seed)]}
    everything = cross_validate(cohort, [fold], models, probes=probes)
    assessed = assessment.evaluate(
        cohort,
        [fold],
        everything,
        seed=config.seed,
        drifts=config.evaluation.drifts,
        noise=config.evaluation.noise,
    )
    metrics = {
        "protocol": told(config, trained),
        "models": assessed.models,
        **evaluation_report.verdict_metrics(assessed),
        "subgroups": assessed.subgroups,
        "timing": fitted.timing,
    }
    compared = truth.compare(assessed)
    if compared:
        metrics["truth"] = truth.as_metrics(compared)
    write_json(workdir / "metrics.json", metrics)
    save_twin(config, trained, workdir, metrics)
    results.write_predictions(
        workdir / "predictions.tsv",
        cohort,
        assessed.scored,
        assessed.predictions["twin"],
        seen=trained_on(cohort, fold.training),
    )
    seen_figures.draw(workdir, config, cohort, fold, fitted, assessed, compared, metrics)
    pages.write(workdir)
    return metrics
