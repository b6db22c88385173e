"""Which models `experiments.mixed_effects` asks, and about whom."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from dtb_jax.data import DataError
from dtb_jax.data import folds as splits
from dtb_jax.data.folds import Fold
from dtb_jax.evaluation.assessment import Assessed, assess, scored_parts
from dtb_jax.evaluation.crossvalidation import Told, cross_validate
from dtb_jax.evaluation.paired import compare
from dtb_jax.evaluation.shots import curves
from dtb_jax.models import families
from dtb_jax.models.families import shrinkage
from dtb_jax.models.intervals import with_spread
from dtb_jax.models.mixed_effects.ensemble import mixture
from dtb_jax.models.mixed_effects.estimator import told_by
from dtb_jax.models.mixed_effects.few_shot import few_shot, regression
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.mixed_effects.training import Mixed, train_members
from dtb_jax.types import Cohort
from dtb_jax.workflows import session, truth, unseen
from dtb_jax.workflows.halves import on_grid, one_for_all
from dtb_jax.workflows.options import Study, Unseen
from dtb_jax.workflows.protocol import recipe

BESIDE = {
    "seen": {
        "own_training_half": "twin",
        "own_half_and_items": "twin_and_items",
        "paper_twin": "twin",
    },
    "unseen": {"ridge": "twin", "kernel_ridge": "twin", "paper_twin": "twin"},
}
"""Baselines, and which reading of the twin each is held against."""
INNER = 4
"""Folds within the training people, from which baselines learn how far off they are."""


def method_of(config: ConfigDict) -> Method:
    """How populations are learned."""
    return Method(**{name: config[name] for name in Method._fields})


def learn(config: ConfigDict, cohort: Cohort, fold: Fold, networks, folder: Path) -> list[Mixed]:
    """The mixed-effects twins of the config, one a seed, with a progress bar."""
    method = method_of(config)
    epochs = method.epochs(int(fold.training.people.sum()))
    with session.epochs_bar(epochs, f"learning ({fold.name})") as show:
        return train_members(
            cohort,
            fold.training,
            seeds=range(config.seed, config.seed + config.members),
            networks=networks,
            units=config.units,
            coordinates=config.coordinates,
            method=method,
            folder=folder / fold.name,
            on_epoch=show,
        )


def mixed_told(cohort: Cohort, fold: Fold, each: list[dict]) -> dict:
    """What the members say, as one."""
    if len(each) == 1:
        return each[0]
    tested = [fold.test.trials(run) for run in fold.test.of(cohort).runs]
    return {name: mixture([one[name] for one in each], tested) for name in each[0]}


def twin_family(config: ConfigDict, networks, folder: Path) -> families.Family:
    """The mixed-effects twin among the other models."""

    def family(cohort: Cohort, fold: Fold):
        members = learn(config, cohort, fold, networks, folder)
        each = [told_by(one, cohort, fold, seed=config.seed) for one in members]
        return mixed_told(cohort, fold, each)

    return family


def own_halves() -> families.Family:
    """What needs no connectome; how far off it is, from the first quarter to the second."""

    def without(cohort: Cohort, fold: Fold):
        return families.without_connectome(fold.training)(cohort, fold)

    def family(cohort: Cohort, fold: Fold):
        middle = one_for_all(
            {
                run.name: on_grid(run, fold.training.span(run)[1] / 2)
                for run in fold.training.of(cohort).runs
            }
        )
        early = fold.training._replace(stop_s=middle)
        inner = [Fold(early, fold.training._replace(start_s=middle), "earlier")]
        return with_spread(without, inner)(cohort, fold)

    return family


def regressions(config: ConfigDict) -> families.Family:
    """Regressions on edges; how far off they are, from folds within the training people."""
    methods = session.linear_methods(config.methods)

    def family(cohort: Cohort, fold: Fold):
        inside = fold.training.people
        number = splits.assign_folds(cohort.participants[inside], INNER, seed=config.seed)
        inner = []
        for k in range(INNER):
            tested = np.zeros(len(inside), bool)
            tested[np.flatnonzero(inside)[number == k]] = True
            training = fold.training._replace(people=inside & ~tested)
            inner.append(Fold(training, fold.test._replace(people=tested), f"inner_{k}"))
        return with_spread(families.on_edges(methods), inner)(cohort, fold)

    return family


def seen_people(
    config: ConfigDict, cohort: Cohort, halves: Fold, networks, workdir: Path
) -> tuple[Told, Assessed]:
    """The paper's split: every twin beside a person's own first half."""
    asked: dict[str, families.Family] = {
        "without": own_halves(),
        "truth": lambda cohort, fold: truth.oracles(Path(config.data), cohort),
        "twin": twin_family(config, networks, workdir / "checkpoints" / "seen"),
    }
    if config.paper:
        asked["paper"] = families.twins(
            recipe(Study()), seed=config.seed, swapped=None, name="paper_twin"
        )
    told = cross_validate(cohort, [halves], asked, folder=workdir / "folds" / "seen")
    return told, assess(cohort, [halves], told, seed=config.seed)


def beside(assessed: Assessed, who: str) -> dict:
    """The twin less each of `BESIDE` on the same people, {baseline: {task: {metric: figure}}}."""
    told = assessed.predictions
    return {
        baseline: compare(assessed.scored, told[model], told[baseline])
        for baseline, model in BESIDE[who].items()
        if baseline in told and model in told
    }


def make_folds(config: ConfigDict, cohort: Cohort) -> list[Fold]:
    """Folds of people.

    Raises: DataError when there are fewer people than folds.
    """
    try:
        return splits.by_people(cohort, config.folds, seed=config.seed)
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error


def unseen_people(
    config: ConfigDict, cohort: Cohort, folds: list[Fold], halves: Fold, networks, workdir: Path
) -> tuple[Told, Assessed]:
    """The twin beside regressions on edges, on the same folds of people."""
    asked: dict[str, families.Family] = {
        "without": families.without_connectome(halves.training),
        "truth": lambda cohort, fold: truth.oracles(Path(config.data), cohort),
        "edges": regressions(config),
        "twin": twin_family(config, networks, workdir / "checkpoints"),
    }
    if config.paper:
        asked["paper"] = families.twins(
            unseen.recipe(Unseen()), seed=config.seed, swapped=None, name="paper_twin"
        )
    told = cross_validate(cohort, folds, asked, folder=workdir / "folds")
    return told, assess(cohort, folds, told, seed=config.seed, rest=halves.test)


def few_shot_people(
    config: ConfigDict, cohort: Cohort, folds: list[Fold], networks, workdir: Path
) -> dict:
    """Unseen people after their first trials of one run, {model: {trials: {task: figures}}}."""
    if config.shots_run not in [run.name for run in cohort.runs]:
        return {}
    shots = session.first_trials(config.shots)
    print(f"unseen people after their first trials of {config.shots_run}")

    def twin(cohort: Cohort, fold: Fold):
        members = learn(config, cohort, fold, networks, workdir / "checkpoints")
        return mixed_told(cohort, fold, [few_shot(one, cohort, fold, shots) for one in members])

    asked: dict[str, families.Family] = {
        "shrinkage": shrinkage(shots),
        "regression": lambda cohort, fold: regression(cohort, fold, shots),
        "twin": twin,
    }
    later = [fold._replace(test=fold.test._replace(runs=(config.shots_run,))) for fold in folds]
    told = cross_validate(cohort, later, asked, folder=workdir / "folds" / "shots")
    test = later[0].test._replace(people=told.fold >= 0)
    return curves(scored_parts(cohort, test, told.fold), told.predictions)
