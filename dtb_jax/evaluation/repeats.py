"""What one cross-validation can not say: other folds of the same people, other orders of them."""

from collections.abc import Sequence

import numpy as np

from dtb_jax.evaluation.assessment import EvaluationResult, words_of
from dtb_jax.evaluation.evidence import Evidence, claims, permutation_p, permutation_test_score
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.verdict import verdicts
from dtb_jax.models.regression import coordinates, ridge
from dtb_jax.types import Cohort, required


def repeated_cross_validation(
    cohort: Cohort, assessed: Sequence[EvaluationResult]
) -> EvaluationResult:
    """Figures averaged over repeats, another assignment of people to folds each.

    p of a claim is twice the median over repeats, at most 1: valid however they depend on each
    other. Predictions and few-shot curves are the first repeat's.

    Source: Meinshausen, Meier & Buehlmann 2009.
    """
    first = assessed[0]
    if len(assessed) == 1:
        return first
    models = _each(_average, *(one.models for one in assessed))
    found = _each(_combined, *(one.evidence for one in assessed))
    twin = found.get("twin", {})
    against: dict[str, list[str]] = {}
    for one in assessed:
        for key, verdict in one.verdicts.items():
            against[key] = list(dict.fromkeys([*against.get(key, []), *verdict.contradicted_by]))
    words = words_of(cohort, first.scored)
    told = verdicts(models, twin, unseen=True, words=words, against=against)
    return first._replace(models=models, evidence=found, verdicts=told)


def _each(call, *trees):
    """`call` of leaves at the same place in nested dictionaries."""
    if not isinstance(trees[0], dict):
        return call(*trees)
    return {key: _each(call, *(tree[key] for tree in trees)) for key in trees[0]}


def _average(*figures: Estimate) -> Estimate:
    columns = list(zip(*(figure[:4] for figure in figures)))
    value, sd, low, high = (None if None in c else float(np.mean(c)) for c in columns)
    return Estimate(value, sd, low, high, figures[0].n)


def _combined(*found: Evidence) -> Evidence:
    ps = [one.p for one in found if one.p is not None]
    r = _average(*(one.r for one in found))
    if len(ps) < len(found):
        return found[0]._replace(r=r, p=None, spread=None)
    spreads = [one.spread for one in found if one.spread is not None]
    spread = float(np.mean(spreads)) if len(spreads) == len(found) else None
    p = float(min(1.0, 2 * np.median(ps)))
    return found[0]._replace(r=r, p=p, spread=spread, times=2)


def refitted_p(
    cohort: Cohort, assessed: EvaluationResult, *, seed: int, on_edges: bool = True
) -> dict[str, dict[str, float | None]]:
    """p by permutation of the whole cross-validation, of the models for which it is affordable.

    Args:
        cohort: everybody.
        assessed: of unseen people.
        seed: of the permutations.
        on_edges: whether the ridge saw the edges as they are.

    Returns: {model: {"TASK.METRIC": p}}: the ridge's outcomes permuted 500 times (200 for maps of
        t-values); the twin's over its retrained nulls, where there are any, at least
        1 / (1 + their number).
    """
    found: dict[str, dict[str, float | None]] = {}
    nulls = [each for name, each in assessed.evidence.items() if "shuffled_retrained" in name]
    if nulls:
        own = {
            key: [one, *(null[key] for null in nulls)]
            for key, one in assessed.evidence["twin"].items()
        }
        found["twin"] = {
            key: permutation_p(
                required(each[0].r.value), np.array([one.r.value for one in each[1:]])
            )
            for key, each in own.items()
            if all(one.r.value is not None for one in each)
        }
    if "ridge" in assessed.predictions and on_edges:
        features = coordinates(cohort.connectomes)
        found["ridge"] = {
            f"{claim.task}.{claim.metric}": permutation_test_score(
                claim,
                cohort.participants,
                features,
                ridge,
                seed=seed,
                draws=200 if claim.task == "bold" else 500,
            )[1]
            for claim in claims(assessed.scored, assessed.predictions["ridge"])
        }
    return found
