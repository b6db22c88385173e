"""Twins of people nobody trained on, beside everything simpler, and what that supports."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from dtb_jax.data import DataError, Ledger, provenance
from dtb_jax.data import folds as splits
from dtb_jax.data.confounds import design, regress_out
from dtb_jax.data.folds import Fold
from dtb_jax.data.splits import hold_out_people
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import assess
from dtb_jax.evaluation.crossvalidation import Told, cross_validate, is_kept, origin_of, told_at
from dtb_jax.evaluation.repeats import over_repeats, refitted_p
from dtb_jax.models import registry
from dtb_jax.models.few_shot import after_first_trials
from dtb_jax.models.paper_twin import PaperTwin, note_below_chance
from dtb_jax.models.protocol import Model, Probe
from dtb_jax.models.recipe import Recipe, fits
from dtb_jax.models.surrogates import OnOtherConnectomes, shuffled, surrogates
from dtb_jax.reporting import results
from dtb_jax.twin.hypernetwork import ConstantInput
from dtb_jax.types import Cohort
from dtb_jax.workflows import evaluation_report, session, truth, unseen_report
from dtb_jax.workflows import protocol as protocols
from dtb_jax.workflows.cluster import Cluster, send
from dtb_jax.workflows.options import Unseen

FOLDS = "folds"


class Asked(NamedTuple):
    """Which models are fitted to every fold."""

    models: dict[str, Model]
    probes: dict[str, list[Probe]]  # by model
    apart: dict[str, Model]  # timed apart


class Opened(NamedTuple):
    """What was read, how people are split, and who is asked."""

    cohort: Cohort
    ledger: Ledger
    rounds: list[list[Fold]]  # a list of folds a repeat
    asked: Asked


def open_folds(options: Unseen, workdir: Path) -> Opened:
    """Read a folder and split its people.

    Raises: DataError, in one sentence.
    """
    session.settle_jax()
    protocols.no_exact(options)
    session.check_room(workdir)
    cohort, ledger = session.read_data(options.data, options)
    made = recipe(options)
    if options.repeats < 1:
        raise DataError(f"--config.repeats: {options.repeats}, expected at least 1")
    rounds = [make_folds(options, cohort, options.seed + k) for k in range(options.repeats)]
    asked = models_of(options, cohort, made, workdir)
    for folds in rounds:
        for fold in folds:
            fits(cohort, fold.training, options.segment_steps)
    session.settle(options, workdir)
    session.settle_people(cohort, workdir)
    return Opened(cohort, ledger, rounds, asked)


def fit_fold(options: Unseen, workdir: Path, name: str) -> None:
    """Everything of one fold, kept below `workdir`: a task of an array job."""
    opened = open_folds(options, workdir)
    folds = [fold for folds in opened.rounds for fold in folds if fold.name == name]
    cross_validated(options, opened.cohort, folds, opened.asked, workdir)


def unfinished(opened: Opened, workdir: Path) -> list[str]:
    """Folds of which something is not known yet."""
    models = (*opened.asked.models, *opened.asked.apart)
    people = provenance.of_people(opened.cohort)

    def is_done(fold: Fold) -> bool:
        origin = origin_of(people, opened.cohort, fold)
        return all(is_kept(told_at(workdir / FOLDS, fold, one), origin) for one in models)

    return [fold.name for folds in opened.rounds for fold in folds if not is_done(fold)]


def run(options: Unseen, workdir: Path, cluster: Cluster = Cluster()) -> dict:
    """Read, cross-validate, assess, write.

    Args:
        options: of the study.
        workdir: where.
        cluster: whether folds go to an array job.

    Returns: what went into `metrics.json`.

    Raises: DataError, in one sentence; Submitted while folds are with Slurm.
    """
    began = time.perf_counter()
    cluster.check()
    opened = open_folds(options, workdir)
    cohort, ledger, rounds, asked = opened
    note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    missing = unfinished(opened, workdir)
    send(cluster, workdir, {name: partial(fit_fold, options, workdir, name) for name in missing})
    told = [cross_validated(options, cohort, folds, asked, workdir) for folds in rounds]
    print("figures, ceilings, permutations")
    rest = session.halves(options, cohort).test
    assessed = [
        assess(
            cohort,
            folds,
            one,
            seed=options.seed,
            drifts=options.drifts,
            rest=rest,
            noise=options.noise,
        )
        for folds, one in zip(rounds, told)
    ]
    first = over_repeats(cohort, assessed)
    metrics = {
        "protocol": protocol(options, cohort, rounds),
        "models": first.models,
        **evaluation_report.verdict_metrics(first),
        "permutation_p_refit": refitted_p(
            cohort, first, seed=options.seed, on_edges=not options.remove_from_connectome
        ),
        "few_shot": first.few_shot,
        "subgroups": first.subgroups,
        "timing": {
            "compile_s": None,
            "train_s": sum(one.seconds["twin"] for one in told),
            "epochs": options.epochs,
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


def recipe(options: Unseen) -> Recipe:
    """The small twin; with `nested_epochs` whole training people choose the epoch."""
    made = protocols.recipe(options)
    if not options.nested_epochs:
        return made
    settings = made.settings._replace(keep_best=True)
    return made._replace(hold_out=hold_out_people, settings=settings)


def make_folds(options: Unseen, cohort: Cohort, seed: int) -> list[Fold]:
    """Folds of one repeat.

    Raises: DataError when there are too few people, for an unknown split, or for a column that
        is not there or in which nobody has a value.
    """
    if options.split not in ("people", "both"):
        raise DataError(f"--config.split: {options.split!r}, expected people or both")
    known = cohort.participants.columns[cohort.participants.notna().any()]
    for name in removed(options):
        if name not in known:
            raise DataError(
                f"--config.remove_from_connectome: {name!r}, expected some of {', '.join(known)}"
            )
    number = splits.usual_folds(len(cohort.connectomes)) if options.folds is None else options.folds
    try:
        folds = splits.by_people(cohort, number, seed=seed)
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    if options.split == "people":
        return folds
    return splits.across(folds, session.halves(options, cohort))


def removed(options: Unseen) -> tuple[str, ...]:
    """Columns of the participants that are regressed out of edges inside folds."""
    return tuple(session.listed(options.remove_from_connectome))


def models_of(options: Unseen, cohort: Cohort, made: Recipe, workdir: Path) -> Asked:
    """Models for every fold, what else their twins are asked, and those that are timed apart."""
    methods = session.regressions(options.methods)
    shots = session.first_trials(options.shots)
    if options.retrained < 0:
        raise DataError(f"--config.retrained: {options.retrained}, expected no negative number")
    seed = options.seed
    own = session.halves(options, cohort).training
    models: dict[str, Model] = {
        **registry.baselines(own),
        **truth.oracles(Path(options.data), cohort),
        **methods,
        "twin": PaperTwin(made, seed, folder=workdir / "checkpoints"),
        **registry.shrinkage(shots),
    }
    probes = {"twin": [surrogates(seed=seed), after_first_trials(shots)]}
    if options.constant_input:
        sizes = {k: v for k, v in made.sizes.items() if k in CONSTANT_SIZES}
        other = made._replace(sizes=sizes | {"kind": ConstantInput})
        models["constant_input"] = PaperTwin(other, seed)
    apart: dict[str, Model] = {}
    if options.identity:
        apart["one_hot_identity"] = registry.identity_twin(made, seed=seed)
    for k in range(options.retrained):
        name = "shuffled_retrained" + (f"_{k + 1}" if k else "")
        apart[name] = OnOtherConnectomes(PaperTwin(made, seed), shuffled(seed + k))
    if options.tangent:
        apart |= registry.regressions(["tangent_ridge"])
    return Asked(models, probes, apart)


CONSTANT_SIZES = ("units", "dropout", "slow_share", "components", "gain")


def cross_validated(
    options: Unseen, cohort: Cohort, folds: Sequence[Fold], asked: Asked, workdir: Path
) -> Told:
    """All models on all folds: first those everybody wants, then those timed apart."""

    def prepare(cohort: Cohort, fold: Fold) -> Cohort:
        if not removed(options):
            return cohort
        known = design(cohort.participants, removed(options), fold.training.people)
        edges = regress_out(cohort.connectomes, known, fold.training.people)
        return cohort._replace(connectomes=edges)

    merged = Told({}, np.zeros(0), {})
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
        merged = Told(merged.predictions | one.predictions, one.fold, merged.seconds | one.seconds)
    return merged


def protocol(options: Unseen, cohort: Cohort, rounds: list[list[Fold]]) -> dict:
    """Who, what, how people were split, and how claims were tested."""
    known = protocols.protocol(cohort, "people", units=options.units, seed=options.seed)
    return known | {
        "response": options.response,
        "epochs": options.epochs,
        "folds": len(rounds[0]),
        "repeats": options.repeats,
        "people_and_time": options.split == "both",
        "tested_in_a_fold": [int(fold.test.people.sum()) for fold in rounds[0]],
        "removed_from_connectome": options.remove_from_connectome or "nothing",
        "permutation": "tested people's predictions swapped within folds and trial lists, null "
        "widened by sqrt 2",
        "familywise": "Holm over the twin's claims, less those that are contradicted",
    }
