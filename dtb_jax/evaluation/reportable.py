"""Which figures are numbers to report: several draws as one, and nothing that only looks like one.

A ceiling of .00 says that the halves of these people do not agree, not that nothing can be reached;
a coverage of three people is 0, a third, two thirds or 1. Both are undefined: null in JSON, and –
in tables and sentences.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.models.surrogates import is_draw

Figures = dict[str, Estimate]
Models = Mapping[str, Mapping[str, Figures]]

FEWEST_COVERED = 10
"""People of whom a coverage is reported."""
LEAST_CEILING = 0.005
"""Of an r; below it a ceiling would be printed as .00."""


def reportable(models: Models) -> dict[str, dict[str, Figures]]:
    """Figures of all models as they are reported, {model: {task: {metric: Figure}}}.

    Args:
        models: all that were computed, the ceiling among them.
    """
    return {
        model: {
            task: {metric: _told(model, metric, one) for metric, one in figures.items()}
            for task, figures in tasks.items()
        }
        for model, tasks in draws_as_one(models).items()
    }


def draws_as_one(models: Models) -> dict[str, dict[str, Figures]]:
    """Models with the draws of shuffled connectomes as one, under the name of the first."""
    drawn = [name for name in models if is_draw(name)]
    found = {name: dict(tasks) for name, tasks in models.items() if name not in drawn[1:]}
    if drawn:
        tasks = models[drawn[0]]
        found[drawn[0]] = {
            task: over_draws([models[name].get(task, {}) for name in drawn]) for task in tasks
        }
    return found


def over_draws(each: Sequence[Mapping[str, Estimate]]) -> Figures:
    """The same figures of several draws as one: their mean and range.

    Args:
        each: of every draw; r are averaged by Fisher's z, intervals become the range of values.

    Returns: {metric: Figure}; the SD is the draws' mean SD, n the first draw's.
    """
    found = {}
    for metric, first in each[0].items():
        known = [
            one[metric] for one in each if metric in one and one[metric].value is not None
        ] or [first]
        if len(known) == 1:
            found[metric] = known[0]
            continue
        values = np.array([one.value for one in known], float)
        low, high = float(values.min()), float(values.max())
        mean = _mean_r(values) if is_r(metric) else float(values.mean())
        sds = [one.sd for one in known if one.sd is not None]
        found[metric] = Estimate(
            float(np.clip(mean, low, high)),
            float(np.mean(sds)) if sds else None,
            low,
            high,
            first.n,
        )
    return found


def is_r(metric: str) -> bool:
    """Whether a metric is a correlation."""
    return metric.endswith("_r") or "_r_" in metric


def _mean_r(values: np.ndarray) -> float:
    return float(np.tanh(np.arctanh(np.clip(values, -0.999999, 0.999999)).mean()))


def of_enough(coverage: Estimate) -> Estimate:
    """A coverage, undefined where it is of fewer than `FEWEST_COVERED` people."""
    return coverage if coverage.n >= FEWEST_COVERED else Estimate(None, n=coverage.n)


def _told(model: str, metric: str, one: Estimate) -> Estimate:
    if "coverage_" in metric:
        return of_enough(one)
    small = one.value is not None and one.value < LEAST_CEILING
    return Estimate(None, n=one.n) if model == "ceiling" and is_r(metric) and small else one
