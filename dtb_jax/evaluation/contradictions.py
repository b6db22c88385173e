"""What contradicts a claim that would hold: the same figure without the person's connectome."""

from collections.abc import Mapping, Sequence

import numpy as np

from dtb_jax.evaluation.evidence import (
    LEVEL,
    Claim,
    Evidence,
    claims,
    evidence,
    permutation_test_score,
)
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.scored import EvaluationTargets
from dtb_jax.evaluation.verdict import Models, claims_held, number
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.regression import coordinates, ridge
from dtb_jax.types import Cohort, required

REACHED = 0.5
"""Share of a claim's r that other connectomes may not reach: by chance they reach none."""
OTHERS = {
    "shuffled_connectome": "other people's connectomes reach",
    "another_person": "training people's connectomes reach",
    "group_mean_connectome": "the mean connectome reaches",
}


def contradictions(
    cohort: Cohort,
    scored: Sequence[EvaluationTargets],
    predictions: Mapping[str, Sequence[Prediction]],
    models: Models,
    found: Mapping[str, Evidence],
    *,
    covariates: str,
    seed: int,
    draws: int = 500,
) -> dict[str, list[str]]:
    """What speaks against each claim of the twin that would hold, {"TASK.METRIC": sentences}.

    A claim is contradicted where other connectomes in the person's place reach half of its r after
    confounds, where covariates reach its figure, or where the linear learner, tested exactly by
    permuting people and repeating the whole cross-validation, finds nothing at 5 %.

    Args:
        cohort: everybody.
        scored: what is compared.
        predictions: of all models.
        models: their figures.
        found: the twin's evidence.
        covariates: what the model `demographics` knows, in words.
        seed: of permutations.
        draws: permutations of the exact test.
    """
    held = [key for key, (_, holds) in claims_held(found).items() if holds]
    if not held:
        return {}
    own = _by_key(scored, predictions["twin"])
    others = {
        words: [
            _by_key(scored, told)
            for name, told in predictions.items()
            if name == kind or name.startswith(f"{kind}_")
        ]
        for kind, words in OTHERS.items()
    }
    features = coordinates(cohort.connectomes)
    against: dict[str, list[str]] = {}
    for key in held:
        r, said = required(found[key].r.value), []
        for words, draws_of in others.items():
            each = [_r(one[key], cohort, seed) for one in draws_of if key in one]
            if each and np.mean(each) >= REACHED * r:
                said.append(f"{words} {number(float(np.mean(each)))}")
        task, metric = key.split(".", 1)
        known, own_r = (
            models.get(name, {}).get(task, {}).get(metric, Estimate(None)).value
            for name in ("demographics", "twin")
        )
        if known is not None and known >= (r if own_r is None else own_r):
            said.append(f"{covariates} reaches {number(known)}")
        p = permutation_test_score(
            own[key], cohort.participants, features, ridge, seed=seed, draws=draws
        )[1]
        if p is not None and p >= LEVEL:
            said.append(
                f"a ridge whose cross-validation is repeated with permuted people finds nothing "
                f"(p = {number(p)})"
            )
        if said:
            against[key] = said
    return against


def _by_key(scored: Sequence[EvaluationTargets], told: Sequence[Prediction]) -> dict[str, Claim]:
    return {f"{claim.task}.{claim.metric}": claim for claim in claims(scored, told)}


def _r(claim: Claim, cohort: Cohort, seed: int) -> float:
    """r after confounds; 0 where nothing varies."""
    return evidence(claim, cohort.participants, seed=seed, draws=1).r.value or 0.0
