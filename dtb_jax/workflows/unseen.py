"""Twins of people nobody trained on, beside everything simpler, and what that supports."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from dtb_jax.data import DataError, ExclusionLog, provenance
from dtb_jax.data import folds as splits
from dtb_jax.data.confounds import design, regress_out
from dtb_jax.data.folds import Fold
from dtb_jax.data.splits import hold_out_people
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import evaluate
from dtb_jax.evaluation.crossvalidation import (
    CrossValPredictions,
    cross_validate,
    is_kept,
    origin_of,
    told_at,
)
from dtb_jax.evaluation.repeats import refitted_p, repeated_cross_validation
from dtb_jax.models import registry
from dtb_jax.models.few_shot import after_first_trials
from dtb_jax.models.paper_twin import PaperTwin, fits, note_below_chance
from dtb_jax.models.protocol import Model, Probe
from dtb_jax.models.surrogates import OnOtherConnectomes, shuffled, surrogates
from dtb_jax.reporting import results
from dtb_jax.twin.hypernetwork import ConstantInput
from dtb_jax.types import Cohort
from dtb_jax.workflows import evaluation_report, session, truth, unseen_report
from dtb_jax.workflows import protocol as protocols
from dtb_jax.workflows.cluster import Cluster, submit
from dtb_jax.workflows.config import HeldOutConfig, not_exact, paper_twin

FOLDS = "folds"


class Asked(NamedTuple):
    """Which models are fitted to every fold."""

    models: dict[str, Model]
    probes: dict[str, list[Probe]]  # by model
    apart: dict[str, Model]  # timed apart


class Opened(NamedTuple):
    """What was read, how people are split, and who is asked."""

    cohort: Cohort
    ledger: ExclusionLog
    rounds: list[list[Fold]]  # a list of folds a repeat
    asked: Asked


def open_folds(config: HeldOutConfig, workdir: Path) -> Opened:
    """Read a folder and split its people.

    Raises: DataError, in one sentence.
    """
    session.settle_jax()
    not_exact(config)
    session.check_room(workdir)
    cohort, ledger = session.read_data(config.data)
    rounds = [make_folds(config, cohort, config.seed + k) for k in range(config.held_out.repeats)]
    asked = models_of(config, cohort, workdir)
    for folds in rounds:
        for fold in folds:
            fits(cohort, fold.training, config.train.segment_steps)
    session.settle(config, workdir)
    session.settle_people(cohort, workdir)
    return Opened(cohort, ledger, rounds, asked)


def fit_fold(config: HeldOutConfig, workdir: Path, name: str) -> None:
    """Everything of one fold, kept below `workdir`: a task of an array job."""
    opened = open_folds(config, workdir)
    folds = [fold for folds in opened.rounds for fold in folds if fold.name == name]
    cross_validated(config, opened.cohort, folds, opened.asked, workdir)


def unfinished(opened: Opened, workdir: Path) -> list[str]:
    """Folds of which something is not known yet."""
    models = (*opened.asked.models, *opened.asked.apart)
    people = provenance.of_people(opened.cohort)

    def is_done(fold: Fold) -> bool:
        origin = origin_of(people, opened.cohort, fold)
        return all(is_kept(told_at(workdir / FOLDS, fold, one), origin) for one in models)

    return [fold.name for folds in opened.rounds for fold in folds if not is_done(fold)]


def run(config: HeldOutConfig, workdir: Path, cluster: Cluster = Cluster()) -> dict:
    """Read, cross-validate, assess, write.

    Args:
        config: of the study.
        workdir: where.
        cluster: whether folds go to an array job.

    Returns: what went into `metrics.json`.

    Raises: DataError, in one sentence; Submitted while folds are with Slurm.
    """
    began = time.perf_counter()
    cluster.check()
    opened = open_folds(config, workdir)
    cohort, ledger, rounds, asked = opened
    note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    missing = unfinished(opened, workdir)
    submit(cluster, workdir, {name: partial(fit_fold, config, workdir, name) for name in missing})
    told = [cross_validated(config, cohort, folds, asked, workdir) for folds in rounds]
    print("figures, ceilings, permutations")
    rest = session.halves(config.evaluation, cohort).test
    assessed = [
        evaluate(
            cohort,
            folds,
            one,
            seed=config.seed,
            drifts=config.evaluation.drifts,
            rest=rest,
            noise=config.evaluation.noise,
        )
        for folds, one in zip(rounds, told)
    ]
    first = repeated_cross_validation(cohort, assessed)
    metrics = {
        "protocol": protocol(config, cohort, rounds),
        "models": first.models,
        **evaluation_report.verdict_metrics(first),
        "permutation_p_refit": refitted_p(
            cohort, first, seed=config.seed, on_edges=not config.held_out.remove_from_connectome
        ),
        "few_shot": first.few_shot,
        "subgroups": first.subgroups,
        "timing": {
            "compile_s": None,
            "train_s": sum(one.seconds["twin"] for one in told),
            "epochs": config.train.epochs,
            "total_s": time.perf_counter() - began,
            "families_s": told[0].seconds,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    write_json(workdir / "metrics.json", metrics)
    results.write_predictions(
        workdir / "predictions.tsv", cohort, first.scored, first.predictions["twin"], seen=False
    )
    unseen_report.write(workdir, cohort, ledger, first, metrics)
    return metrics


def held_out_twin(config: HeldOutConfig) -> PaperTwin:
    """The small twin; with `nested_epochs` whole training people choose the epoch."""
    twin = paper_twin(config)
    if not config.held_out.nested_epochs:
        return twin
    return twin._replace(hold_out=hold_out_people, train=replace(twin.train, keep_best=True))


def make_folds(config: HeldOutConfig, cohort: Cohort, seed: int) -> list[Fold]:
    """Folds of one repeat.

    Raises: DataError when there are too few people, for an unknown split, or for a column that
        is not there or in which nobody has a value.
    """
    known = cohort.participants.columns[cohort.participants.notna().any()]
    for name in removed(config):
        if name not in known:
            raise DataError(
                f"--config.remove_from_connectome: {name!r}, expected some of {', '.join(known)}"
            )
    number = config.held_out.folds
    number = splits.usual_folds(len(cohort.connectomes)) if number is None else number
    try:
        folds = splits.group_k_fold(cohort, number, seed=seed)
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    if config.held_out.split == "people":
        return folds
    return splits.nested(folds, session.halves(config.evaluation, cohort))


def removed(config: HeldOutConfig) -> tuple[str, ...]:
    """Columns of the participants that are regressed out of edges inside folds."""
    return tuple(session.listed(config.held_out.remove_from_connectome))


def models_of(config: HeldOutConfig, cohort: Cohort, workdir: Path) -> Asked:
    """Models for every fold, what else their twins are asked, and those that are timed apart."""
    methods = session.regressions(config.held_out.methods)
    shots = session.first_trials(config.held_out.shots)
    seed, twin = config.seed, held_out_twin(config)
    own = session.halves(config.evaluation, cohort).training
    models: dict[str, Model] = {
        **registry.baselines(own),
        **truth.oracles(Path(config.data.root), cohort),
        **methods,
        "twin": twin._replace(folder=workdir / "checkpoints"),
        **registry.shrinkage(shots),
    }
    probes = {"twin": [surrogates(seed=seed), after_first_trials(shots)]}
    if config.held_out.constant_input:
        models["constant_input"] = twin._replace(kind=ConstantInput)
    apart: dict[str, Model] = {}
    if config.evaluation.identity:
        apart["one_hot_identity"] = registry.identity_twin(twin)
    for k in range(config.held_out.retrained):
        name = "shuffled_retrained" + (f"_{k + 1}" if k else "")
        apart[name] = OnOtherConnectomes(twin, shuffled(seed + k))
    if config.held_out.tangent:
        apart |= registry.regressions(["tangent_ridge"])
    return Asked(models, probes, apart)


def cross_validated(
    config: HeldOutConfig, cohort: Cohort, folds: Sequence[Fold], asked: Asked, workdir: Path
) -> CrossValPredictions:
    """All models on all folds: first those everybody wants, then those timed apart."""

    def prepare(cohort: Cohort, fold: Fold) -> Cohort:
        if not removed(config):
            return cohort
        known = design(cohort.participants, removed(config), fold.training.people)
        edges = regress_out(cohort.connectomes, known, fold.training.people)
        return cohort._replace(connectomes=edges)

    merged = CrossValPredictions({}, np.zeros(0), {})
    for what, models in (("folds", asked.models), ("timed apart", asked.apart)):
        if not models:
            continue
        with tqdm(total=len(folds) * len(models), desc=what, unit="fit") as bar:

            def show(fold: str, model: str, bar=bar) -> None:
                bar.set_postfix_str(f"{fold} {model}")
                bar.update()

            one = cross_validate(
                cohort,
                folds,
                models,
                probes=asked.probes,
                folder=workdir / FOLDS,
                prepare=prepare,
                on_model=show,
            )
        merged = CrossValPredictions(
            merged.predictions | one.predictions, one.fold, merged.seconds | one.seconds
        )
    return merged


def protocol(config: HeldOutConfig, cohort: Cohort, rounds: list[list[Fold]]) -> dict:
    """Who, what, how people were split, and how claims were tested."""
    known = protocols.protocol(cohort, "people", units=config.twin.units, seed=config.seed)
    return known | {
        "response": config.twin.response,
        "epochs": config.train.epochs,
        "folds": len(rounds[0]),
        "repeats": config.held_out.repeats,
        "people_and_time": config.held_out.split == "both",
        "tested_in_a_fold": [int(fold.test.people.sum()) for fold in rounds[0]],
        "removed_from_connectome": config.held_out.remove_from_connectome or "nothing",
        "permutation": "tested people's predictions swapped within folds and trial lists, null "
        "widened by sqrt 2",
        "familywise": "Holm over the twin's claims, less those that are contradicted",
    }
