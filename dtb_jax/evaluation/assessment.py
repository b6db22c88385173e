"""From what all models say to what may be said of them: figures, ceilings, evidence, verdicts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dtb_jax.data.cohort import below_chance
from dtb_jax.data.confounds import CONFOUNDS, DEMOGRAPHICS, known_columns
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.evaluation.ceilings import ceilings
from dtb_jax.evaluation.contradictions import contradictions
from dtb_jax.evaluation.crossvalidation import CrossValPredictions
from dtb_jax.evaluation.evidence import Evidence, claims, evidence
from dtb_jax.evaluation.figures import DRAWS, Estimate
from dtb_jax.evaluation.reportable import reportable
from dtb_jax.evaluation.scored import EvaluationTargets, scored_part
from dtb_jax.evaluation.scores import Figures, score, subgroups
from dtb_jax.evaluation.shots import curves, is_shot
from dtb_jax.evaluation.verdict import COVARIATES, Verdict, Words, verdicts
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import Cohort

FIRST = (
    "twin",
    "one_hot_identity",
    "shuffled_connectome",
    "shuffled_retrained",
    "always_correct",
    "own_training_half",
    "group_mean",
    "demographics",
    "ridge",
)
"""Models that every table begins with."""
OWN = ("own_training_half", "own_half_and_items")
"""Models that know the person's own trials: among unseen people, scored on the rest of them."""


class EvaluationResult(NamedTuple):
    """All that is said of all models."""

    models: dict[str, dict[str, Figures]]
    scored: list[EvaluationTargets]
    predictions: dict[str, list[Prediction]]
    evidence: dict[str, dict[str, Evidence]]  # {model: {"TASK.METRIC": Evidence}}
    verdicts: dict[str, Verdict]
    subgroups: dict[str, dict]
    few_shot: dict[str, dict]  # see `evaluation.shots.curves`
    covariates: str = "covariates"  # what the model `demographics` knows


def evaluate(
    cohort: Cohort,
    folds: Sequence[Fold],
    told: CrossValPredictions,
    *,
    seed: int,
    drifts: int | None = None,
    rest: Subset | None = None,
    draws: int = DRAWS,
    noise: str = "ols",
) -> EvaluationResult:
    """Figures of every model on the tested parts, and the twin's verdict.

    Args:
        cohort: everybody.
        folds: of `told`; all test the same runs and times.
        told: what every model says.
        seed: of permutations.
        drifts: cosine drifts of the GLM; None: nilearn's rule.
        rest: where models of `OWN` are scored, if not on the tested part.
        draws: of every interval's bootstrap.
        noise: of the GLM, one of `data.glm.NOISE`.
    """
    test = folds[0].test._replace(people=told.fold >= 0)
    options = told.fold, drifts, draws, noise
    scored = scored_parts(cohort, test, *options)
    later = scored_parts(cohort, rest, *options) if rest is not None else scored
    average = told.predictions.get("group_mean_connectome")
    models = {
        name: score(later if name in OWN else scored, told.predictions[name], average)
        for name in in_order(told.predictions)
        if not is_shot(name)
    }
    models["ceiling"] = ceilings(scored)
    models = reportable(models)
    unseen = not any((fold.training.people & fold.test.people).any() for fold in folds)
    found: dict[str, dict[str, Evidence]] = {}
    if unseen:
        found = {
            name: evidence_of(cohort, scored, one, seed=seed)
            for name, one in told.predictions.items()
            if name in models and name not in OWN and all(run.personal for run in one)
        }
    words = words_of(cohort, scored)
    twin = found.get("twin", {})
    against = contradictions(
        cohort,
        scored,
        told.predictions,
        models,
        twin,
        covariates=words.covariates,
        seed=seed,
    )
    return EvaluationResult(
        models,
        scored,
        told.predictions,
        found,
        verdicts(models, twin, unseen=unseen, words=words, against=against),
        subgroups(cohort, scored, told.predictions["twin"]),
        curves(scored, told.predictions),
        words.covariates,
    )


def evidence_of(
    cohort: Cohort, scored: Sequence[EvaluationTargets], told: Sequence[Prediction], *, seed: int
) -> dict[str, Evidence]:
    """Every claim of one model about unseen people, {"TASK.METRIC": Evidence}."""
    return {
        f"{claim.task}.{claim.metric}": evidence(claim, cohort.participants, seed=seed)
        for claim in claims(scored, told)
    }


def scored_parts(
    cohort: Cohort,
    part: Subset,
    fold: np.ndarray,
    drifts: int | None = None,
    draws: int = DRAWS,
    noise: str = "ols",
) -> list[EvaluationTargets]:
    """What is compared in a part: everybody tested, but in a run those below chance in it."""
    return [
        scored_part(
            run,
            *part.span(run),
            run.present & ~below_chance(run) & (fold >= 0),
            drifts,
            fold,
            draws,
            noise,
        )
        for run in part.of(cohort).runs
    ]


def in_order(models) -> list[str]:
    """Names of the models, those of `FIRST` first."""
    return [name for name in FIRST if name in models] + [n for n in models if n not in FIRST]


def words_of(cohort: Cohort, scored: Sequence[EvaluationTargets]) -> Words:
    """What claims are corrected for, what they cannot be for lack of data, and the covariates."""
    known = known_columns(cohort.participants, CONFOUNDS)
    named = [*(_named(name) for name in known)]
    if any(part.lists.kind != "one" for part in scored):
        named.append("trial lists")
    names = [_named(name) for name in known_columns(cohort.participants, DEMOGRAPHICS)]
    covariates = f"a regression on {listing(names)}" if names else COVARIATES
    missing = "" if "motion_mm" in known else " (motion unknown)"
    if not named:
        unknown = ", ".join(map(_named, CONFOUNDS))
        return Words(f"with none of {unknown} known", covariates)
    return Words(f"after {listing(named)}{missing}", covariates)


def _named(column: str) -> str:
    return column.removesuffix("_mm")


def listing(words: Sequence[str]) -> str:
    """Words with commas, the last with and."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def remaining(assessed: EvaluationResult) -> dict[str, dict[str, Estimate]]:
    """What is left of each claim after confounds, {model: {"TASK.METRIC": Figure}}."""
    return {
        model: {key: one.r for key, one in each.items()}
        for model, each in assessed.evidence.items()
    }
