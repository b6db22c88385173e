"""Which models `experiments.mixed_effects` asks, and about whom."""

from functools import partial
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from dtb_jax.data import DataError
from dtb_jax.data import folds as splits
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.evaluation.assessment import EvaluationResult, evaluate, scored_parts
from dtb_jax.evaluation.crossvalidation import CrossValPredictions, cross_validate
from dtb_jax.evaluation.paired import compare
from dtb_jax.evaluation.shots import curves
from dtb_jax.models import registry
from dtb_jax.models.baselines import within_subject
from dtb_jax.models.intervals import WithSpread
from dtb_jax.models.mixed_effects.estimator import DRAWS, MixedEffectsTwin, other_reading
from dtb_jax.models.mixed_effects.few_shot import RunRegression, after_first_trials
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Model, Rule
from dtb_jax.models.surrogates import strangers, surrogates
from dtb_jax.types import Cohort
from dtb_jax.workflows import session, truth
from dtb_jax.workflows.config import HeldOutConfig, StudyConfig, paper_twin
from dtb_jax.workflows.halves import on_grid, one_for_all

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


def mixed_effects_twin(config: ConfigDict, networks, folder: Path) -> MixedEffectsTwin:
    """The mixed-effects twins of the config, one a seed, with a progress bar."""
    return MixedEffectsTwin(
        seeds=range(config.seed, config.seed + config.members),
        networks=networks,
        units=config.units,
        coordinates=config.coordinates,
        method=method_of(config),
        folder=folder,
        progress=session.epochs_bar,
    )


def with_own_spread() -> dict[str, Model]:
    """Baselines; how far off they are, from the first quarter of each run to the second."""

    def quarters(cohort: Cohort, subset: Subset) -> list[Fold]:
        middle = one_for_all(
            {run.name: on_grid(run, subset.span(run)[1] / 2) for run in subset.of(cohort).runs}
        )
        early = subset._replace(stop_s=middle)
        return [Fold(early, subset._replace(start_s=middle), "earlier")]

    # what is known of a person's own numbers within the first quarter is that quarter's
    def own_quarter(cohort: Cohort, fold: Fold, *, items: bool) -> list[Prediction]:
        return within_subject(cohort, fold, fold.training, items=items)

    models = registry.baselines(None) | {
        "own_training_half": Rule(partial(own_quarter, items=False)),
        "own_half_and_items": Rule(partial(own_quarter, items=True)),
    }
    return {name: WithSpread(model, quarters) for name, model in models.items()}


def regressions(config: ConfigDict) -> dict[str, Model]:
    """Regressions on edges; how far off they are, from folds within the training people."""

    def within(cohort: Cohort, subset: Subset) -> list[Fold]:
        number = splits.assign_folds(cohort.participants[subset.people], INNER, seed=config.seed)
        found = []
        for k in range(INNER):
            tested = np.zeros(len(subset.people), bool)
            tested[np.flatnonzero(subset.people)[number == k]] = True
            training = subset._replace(people=subset.people & ~tested)
            found.append(Fold(training, subset._replace(people=tested), f"inner_{k}"))
        return found

    models = session.regressions(config.methods)
    return {name: WithSpread(model, within) for name, model in models.items()}


def seen_people(
    config: ConfigDict, cohort: Cohort, halves: Fold, networks, workdir: Path
) -> tuple[CrossValPredictions, EvaluationResult]:
    """The paper's split: every twin beside a person's own first half."""
    models: dict[str, Model] = {
        **with_own_spread(),
        **truth.oracles(Path(config.data), cohort),
        "twin": mixed_effects_twin(config, networks, workdir / "checkpoints" / "seen"),
    }
    if config.paper:
        models["paper_twin"] = paper_twin(StudyConfig(seed=config.seed))
    probes = {"twin": [other_reading]}
    folder = workdir / "folds" / "seen"
    told = cross_validate(cohort, [halves], models, probes=probes, folder=folder)
    return told, evaluate(cohort, [halves], told, seed=config.seed)


def beside(assessed: EvaluationResult, who: str) -> dict:
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
        return splits.group_k_fold(cohort, config.folds, seed=config.seed)
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error


def unseen_people(
    config: ConfigDict, cohort: Cohort, folds: list[Fold], halves: Fold, networks, workdir: Path
) -> tuple[CrossValPredictions, EvaluationResult]:
    """The twin beside regressions on edges, on the same folds of people."""
    models: dict[str, Model] = {
        **registry.baselines(halves.training),
        **truth.oracles(Path(config.data), cohort),
        **regressions(config),
        "twin": mixed_effects_twin(config, networks, workdir / "checkpoints"),
    }
    if config.paper:
        models["paper_twin"] = paper_twin(HeldOutConfig(seed=config.seed))
    fewer = partial(strangers, draws=DRAWS)
    probes = {"twin": [other_reading, surrogates(fewer, seed=config.seed)]}
    told = cross_validate(cohort, folds, models, probes=probes, folder=workdir / "folds")
    return told, evaluate(cohort, folds, told, seed=config.seed, rest=halves.test)


def few_shot_people(
    config: ConfigDict, cohort: Cohort, folds: list[Fold], networks, workdir: Path
) -> dict:
    """Unseen people after their first trials of one run, {model: {trials: {task: figures}}}."""
    if config.shots_run not in [run.name for run in cohort.runs]:
        return {}
    shots = session.first_trials(config.shots)
    print(f"unseen people after their first trials of {config.shots_run}")

    models: dict[str, Model] = {
        **registry.shrinkage(shots),
        **{f"regression_after_{k}": RunRegression(k, max(shots)) for k in shots},
        "twin": mixed_effects_twin(config, networks, workdir / "checkpoints"),
    }
    probes = {"twin": [after_first_trials(shots)]}
    later = [fold._replace(test=fold.test._replace(runs=(config.shots_run,))) for fold in folds]
    folder = workdir / "folds" / "shots"
    told = cross_validate(cohort, later, models, probes=probes, folder=folder)
    test = later[0].test._replace(people=told.fold >= 0)
    return curves(scored_parts(cohort, test, told.fold), told.predictions)
