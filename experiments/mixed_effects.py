r"""Twins that know more than a name tag: population, connectome and person, each with its spread.

    python -m experiments.mixed_effects --config.data=out/groundtruth/cohort --workdir=out/mixed
    python -m experiments.mixed_effects --config.data=TCP --workdir=out/tcp \
        --config.runs="('hammerAP_run-01','stroopAP_run-01','stroopPA_run-01')"

A person's network is the population's, moved by what the connectome says and by what is the
person's own; both have a prior learned from data, and every figure has the spread that follows.
Asked are, in this order: which share of individual differences the connectome carries; people seen
in the first half of each run, in the second (the paper's split); people nobody has seen; and, where
there is a second run of Stroop, unseen people after their first trials of it.

Writes metrics.json ("connectome_share_beyond" after covariates, "connectome_share" of the raw
differences, "coverage", "seen", "few_shot", and "paired", by how much the twin exceeds baselines on
the same people, beside the usual keys, which are of unseen people), predictions.tsv, figures and a
report. Interrupted, the same command goes on.
"""

import time
from dataclasses import replace
from pathlib import Path

import jax
from ml_collections import ConfigDict

from dtb_jax.data import DataConfig, DataError
from dtb_jax.data.folds import Fold
from dtb_jax.data.parcels import networks_of, read_parcels
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import words_of
from dtb_jax.evaluation.distributions import coverage
from dtb_jax.models import paper_twin
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.mixed_effects.training import both_connectomes
from dtb_jax.reporting import results
from dtb_jax.types import Cohort
from dtb_jax.workflows import evaluation_report, session
from dtb_jax.workflows.config import EvalConfig, StudyConfig
from dtb_jax.workflows.halves import note_parts
from dtb_jax.workflows.interventions.mixed import halve_rest
from dtb_jax.workflows.protocol import protocol as known_protocol
from experiments import common, mixed_effects_report
from experiments.mixed_effects_models import (
    beside,
    few_shot_people,
    make_folds,
    method_of,
    seen_people,
    unseen_people,
)
from experiments.mixed_effects_shares import carried_shares, share_metrics, true_shares


def get_config() -> ConfigDict:
    """Defaults of every choice."""
    method, config = Method(), common.as_config(DataConfig())
    config.bold_regions = "R_amygdala"  # that the twin makes; "" for all
    config.seed = 0
    config.folds = 4
    split = common.as_config(StudyConfig())
    config.update(split_s=split.get_ref("split_s"), stop_s=split.get_ref("stop_s"))
    config.networks = True  # features between the atlas' networks, where it has some
    config.units = 32
    config.coordinates = 16
    config.members = 2  # twins of as many seeds, mixed
    for name in method._fields:
        config[name] = getattr(method, name)
    config.methods = "ridge,kernel_ridge"
    config.paper = False  # the paper's twin with the default recipe beside it: minutes a fold
    config.shots_run = "stroopPA_run-01"  # of an unseen person, where the cohort has it
    config.shots = "0,1,5,10,20"
    return config


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read, ask, write; returns what went into `metrics.json`."""
    began = time.perf_counter()
    session.settle_jax()
    check(config)
    session.check_room(workdir)
    cohort, ledger = session.read_data(reading(config))
    cohort = session.only_regions(cohort, config.bold_regions)
    networks = known_networks(config)
    halves = halves_of(config, cohort)
    session.settle_options(config.to_dict(), workdir)
    session.settle_people(cohort, workdir)
    note_parts(cohort, halves, ledger)
    paper_twin.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    carried = carried_shares(cohort, networks, seed=config.seed)
    cohort = both_connectomes(cohort)
    folds = make_folds(config, cohort)
    print("people seen in the first half of every run")
    seen_told, seen = seen_people(config, cohort, halves, networks, workdir)
    print("people nobody has seen")
    told, unseen_ = unseen_people(config, cohort, folds, halves, networks, workdir)
    shown = few_shot_people(config, cohort, folds, networks, workdir)
    metrics = {
        "protocol": protocol(config, cohort, folds),
        "connectome_share_beyond": {k: share_metrics(one) for k, one in carried["beyond"].items()},
        "connectome_share": {k: share_metrics(one) for k, one in carried["plain"].items()},
        "connectome_share_covariates": words_of(cohort, ()).confounds,
        "models": unseen_.models,
        **evaluation_report.verdict_metrics(unseen_),
        "seen": seen.models,
        "true_share": true_shares(Path(config.data), cohort),
        "paired": {"seen": beside(seen, "seen"), "unseen": beside(unseen_, "unseen")},
        "coverage": coverage(unseen_.models),
        "coverage_seen": coverage(seen.models),
        "few_shot": shown,
        "timing": {
            "compile_s": None,
            "train_s": told.seconds["twin"] + seen_told.seconds["twin"],
            "epochs": method_of(config).epochs(len(cohort.connectomes)),
            "total_s": time.perf_counter() - began,
            "families_s": {"seen": seen_told.seconds, "unseen": told.seconds},
            "device": str(jax.devices()[0].device_kind),
        },
    }
    write_json(workdir / "metrics.json", metrics)
    results.write_predictions(
        workdir / "predictions.tsv",
        cohort,
        unseen_.scored,
        unseen_.predictions["twin"],
        seen=False,
    )
    mixed_effects_report.write(workdir, cohort, ledger, seen, unseen_, metrics)
    print(f"report: {workdir / 'report.html'}")
    return metrics


def reading(config: ConfigDict) -> DataConfig:
    """As `dtb train` reads, but with two connectomes a person, one of each half of the rest runs.

    Where other tasks are named and no runs, all of their runs are read.
    """
    options, usual = common.options(DataConfig, config), DataConfig()
    if options.tasks != usual.tasks and options.runs == usual.runs:
        options = replace(options, runs=())
    return halve_rest(options)


def halves_of(config: ConfigDict, cohort: Cohort) -> Fold:
    """The two parts of every run, as `dtb train` splits them."""
    return session.halves(EvalConfig(split_s=config.split_s, stop_s=config.stop_s), cohort)


def check(config: ConfigDict) -> None:
    """Raises: DataError for numbers with which nothing would be learned."""
    least = {
        "units": 2,
        "coordinates": 1,
        "updates": 1,
        "piece": 1,
        "batch_people": 1,
        "folds": 2,
        "before": 1,
        "members": 1,
    }
    for name, number in least.items():
        if config[name] < number:
            raise DataError(f"--config.{name}: {config[name]}, expected at least {number}")
    if not session.first_trials(config.shots):
        raise DataError("--config.shots: empty, expected numbers like 0,5,20")
    session.regressions(config.methods)


def known_networks(config: ConfigDict) -> list[str] | None:
    """The network of each parcel, or None where the table has none or they are not wanted."""
    _, table = read_parcels(Path(config.data), config.atlas)
    return networks_of(table) if config.networks else None


def protocol(config: ConfigDict, cohort: Cohort, folds: list[Fold]) -> dict:
    """Who, what and with which software."""
    return known_protocol(cohort, "people", units=config.units, seed=config.seed) | {
        "coordinates": config.coordinates,
        "folds": config.folds,
        "tested_in_a_fold": [int(fold.test.people.sum()) for fold in folds],
    }


if __name__ == "__main__":
    common.main(get_config, run)
