"""Twins of people nobody trained on, beside everything simpler, and what that supports.

    python -m experiments.unseen --config.data=out/groundtruth/cohort --workdir=out/unseen

K folds of people, stratified by site and group, families together. In each fold a small twin (32
units, 128 principal components of the training people's edges) learns from the others' whole runs
and meets the tested people's connectomes, and connectomes in their place; beside it a network that
gets the connectome as an extra input, regressions on edges, and baselines without any connectome.
The verdict says which claims hold after age, sex, site and motion, by permutation, corrected for
all claims. Ten minutes for 228 people with 434 parcels on 2 cores. Apart, and resumable:

    --config.tangent=true       ridge in tangent space, 3 minutes a fold
    --config.retrained=1        twins trained on shuffled connectomes; 19 give a p of .05 at best
    --config.identity=true      twins trained on name tags

`--config.split=both` trains on the first halves of the runs and tests on the second.
"""

import time
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax import families, results, workflow
from dtb_jax.assessment import assess
from dtb_jax.crossvalidation import Told, cross_validate
from dtb_jax.data import DataError
from dtb_jax.evaluation import folds as splits
from dtb_jax.evaluation.confounds import design, regress_out
from dtb_jax.evaluation.folds import Fold
from dtb_jax.evaluation.splits import hold_out_people
from dtb_jax.hypernet import ConstantInput
from dtb_jax.repeats import over_repeats, refitted_p
from dtb_jax.types import Cohort
from experiments import common, evaluation_report, paper, paper_truth, unseen_report


def get_config() -> ConfigDict:
    """`experiments.paper` with a small twin, and what unseen people add."""
    config = paper.get_config()
    config.update(
        units=32,
        epochs=20,
        segments=5,
        components=128,
        absence=0.3,
        scale=0.03,
        validation_share=0.1,
        identity=False,
        other_rest_runs=("restPA_run-01", "restPA_run-02"),
    )
    config.folds = 10
    config.repeats = 1
    config.split = "people"  # or "both": other people and the second half of the runs
    config.nested_epochs = False  # keep whole people for choosing the epoch
    config.methods = "ridge,kernel_ridge,pca_ridge,cpm"
    config.constant_input = True
    config.shots = "0,1,5,20,40"  # first trials that a twin adapts to; "" for none
    config.tangent = False
    config.retrained = 0  # twins with shuffled connectomes
    config.remove_from_connectome = ""  # "site": harmonised inside folds; "site,motion_mm"
    return config


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read, cross-validate, assess, write; returns what went into `metrics.json`."""
    began = time.perf_counter()
    common.settle_jax()
    cohort, ledger = common.read_data(config)
    made = recipe(config)
    if config.repeats < 1:
        raise DataError(f"--config.repeats: {config.repeats}, expected at least 1")
    rounds = [make_folds(config, cohort, config.seed + k) for k in range(config.repeats)]
    asked, apart = families_of(config, made, workdir)
    common.settle_config(config, workdir)
    workflow.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    told = [cross_validated(config, cohort, folds, asked, apart, workdir) for folds in rounds]
    print("figures, ceilings, permutations")
    rest = splits.by_time(cohort, config.split_s, config.stop_s)[0].test
    assessed = [
        assess(cohort, folds, one, seed=config.seed, drifts=config.drifts, rest=rest)
        for folds, one in zip(rounds, told)
    ]
    first = over_repeats(cohort, assessed)
    metrics = {
        "protocol": paper.protocol(config, cohort, "people") | protocol(config, rounds),
        "models": first.models,
        **evaluation_report.verdict_metrics(first),
        "permutation_p_refit": refitted_p(
            cohort, first, seed=config.seed, on_edges=not config.remove_from_connectome
        ),
        "few_shot": first.few_shot,
        "subgroups": first.subgroups,
        "timing": {
            "compile_s": None,
            "train_s": sum(one.seconds["twin"] for one in told),
            "epochs": config.epochs,
            "total_s": time.perf_counter() - began,
            "families_s": told[0].seconds,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    results.write_json(workdir / "metrics.json", metrics)
    results.write_predictions(
        workdir / "predictions.tsv", cohort, first.scored, first.predictions["twin"], seen=False
    )
    unseen_report.write(workdir, cohort, ledger, first, metrics)
    print(f"report: {workdir / 'report.html'}")
    return metrics


def recipe(config: ConfigDict) -> workflow.Recipe:
    """The small twin; with `nested_epochs` whole training people choose the epoch."""
    made = paper.recipe(config)
    if not config.nested_epochs:
        return made
    settings = made.settings._replace(keep_best=True)
    return made._replace(hold_out=hold_out_people, settings=settings)


def make_folds(config: ConfigDict, cohort: Cohort, seed: int) -> list[Fold]:
    """Folds of one repeat.

    Raises: DataError when there are too few people, for an unknown split, or for a column that
        is not there or in which nobody has a value.
    """
    if config.split not in ("people", "both"):
        raise DataError(f"--config.split: {config.split!r}, expected people or both")
    known = cohort.participants.columns[cohort.participants.notna().any()]
    for name in removed(config):
        if name not in known:
            raise DataError(
                f"--config.remove_from_connectome: {name!r}, expected some of {', '.join(known)}"
            )
    try:
        folds = splits.by_people(cohort, config.folds, seed=seed)
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    if config.split == "people":
        return folds
    return splits.across(folds, splits.by_time(cohort, config.split_s, config.stop_s)[0])


def removed(config: ConfigDict) -> tuple[str, ...]:
    """Columns of the participants that are regressed out of edges inside folds."""
    return tuple(n.strip() for n in config.remove_from_connectome.split(",") if n.strip())


def families_of(config: ConfigDict, made: workflow.Recipe, workdir: Path):
    """Families for every fold, and those that are timed apart."""
    options = {"seed": config.seed, "folder": workdir / "checkpoints"}
    methods = common.linear_methods(config)
    shots = common.first_trials(config)
    if config.retrained < 0:
        raise DataError(f"--config.retrained: {config.retrained}, expected no negative number")

    def without(cohort, fold):
        own = splits.by_time(cohort, config.split_s, config.stop_s)[0].training
        return families.without_connectome(own)(cohort, fold)

    asked: dict[str, families.Family] = {
        "without": without,
        "truth": lambda cohort, fold: paper_truth.oracles(Path(config.data), cohort),
        "edges": families.on_edges(methods),
        "twin": families.twins(made, shots=shots, **options),
    }
    if shots:
        asked["shrinkage"] = families.shrinkage(shots)
    if config.constant_input:
        sizes = {k: v for k, v in made.sizes.items() if k in CONSTANT_SIZES}
        other = made._replace(sizes=sizes | {"kind": ConstantInput})
        asked["constant_input"] = families.twins(
            other, seed=config.seed, swapped=None, name="constant_input"
        )
    apart: dict[str, families.Family] = {}
    if config.identity:
        apart["identity"] = families.identities(made, seed=config.seed)
    if config.retrained:
        apart["retrained"] = families.retrained(made, config.retrained, seed=config.seed)
    if config.tangent:
        apart["tangent"] = families.on_edges(families.linear_methods(["tangent_ridge"]))
    return asked, apart


CONSTANT_SIZES = ("units", "dropout", "slow_share", "components", "gain")


def cross_validated(config: ConfigDict, cohort, folds, asked, apart, workdir: Path) -> Told:
    """All families on all folds: first those everybody wants, then those timed apart."""

    def prepare(cohort: Cohort, fold: Fold) -> Cohort:
        if not removed(config):
            return cohort
        known = design(cohort.participants, removed(config), fold.training.people)
        edges = regress_out(cohort.connectomes, known, fold.training.people)
        return cohort._replace(connectomes=edges)

    merged = Told({}, np.zeros(0), {})
    for what, some in (("folds", asked), ("timed apart", apart)):
        if not some:
            continue
        with tqdm(total=len(folds) * len(some), desc=what, unit="fit") as bar:

            def show(fold: str, family: str, bar=bar) -> None:
                bar.set_postfix_str(f"{fold} {family}")
                bar.update()

            one = cross_validate(
                cohort, folds, some, folder=workdir / "folds", prepare=prepare, on_family=show
            )
        merged = Told(merged.predictions | one.predictions, one.fold, merged.seconds | one.seconds)
    return merged


def protocol(config: ConfigDict, rounds: list[list[Fold]]) -> dict:
    """How people were split, and how claims were tested."""
    return {
        "folds": config.folds,
        "repeats": config.repeats,
        "people_and_time": config.split == "both",
        "tested_in_a_fold": [int(fold.test.people.sum()) for fold in rounds[0]],
        "removed_from_connectome": config.remove_from_connectome or "nothing",
        "permutation": "tested people's predictions swapped within folds, null widened by sqrt 2",
        "familywise": "Holm over the twin's claims",
    }


if __name__ == "__main__":
    common.main(get_config, run)
