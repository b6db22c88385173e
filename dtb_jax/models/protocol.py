"""What every model is: it learns from some people, and predicts runs of these or of other people.

    fitted = model.fit(cohort, training)
    predictions = fitted.predict(cohort, test)

The paper's twin, the mixed-effects twin, regressions, baselines and oracles all have this form, and
so has whatever you add (docs/models.md).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from dtb_jax.data.folds import Fold, Subset
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import Cohort


@runtime_checkable
class Fitted(Protocol):
    """A model that has learned."""

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        """What the people of a subset do in its runs.

        Args:
            cohort: everybody; their trials are what was shown, and are not to be looked up.
            subset: whom and what to predict.
            connectomes: in place of the cohort's own, [people, edge]; a model that needs none
                ignores them.

        Returns: one `Prediction` a run of the subset, with a row for everybody in the cohort; rows
            of people outside of the subset mean nothing.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A model before it has seen anybody."""

    def fit(self, cohort: Cohort, subset: Subset) -> Fitted:
        """Learn from the people, runs and times of a subset alone."""
        ...


Probe = Callable[[Any, Cohort, Fold], dict[str, list[Prediction]]]
"""Something else that is asked of a fitted model, which it suits, about a fold's test part."""


class Pretrained(NamedTuple):
    """A model that has learned already: `fit` returns it as it is."""

    fitted: Fitted

    def fit(self, cohort: Cohort, subset: Subset) -> Fitted:
        return self.fitted


class Rule(NamedTuple):
    """A model that keeps what it may learn from, and predicts from it directly."""

    rule: Callable[[Cohort, Fold], list[Prediction]]

    def fit(self, cohort: Cohort, subset: Subset) -> "FittedRule":
        return FittedRule(self.rule, subset)


class FittedRule(NamedTuple):
    """A rule, and what it may learn from."""

    rule: Callable[[Cohort, Fold], list[Prediction]]
    training: Subset

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        return self.rule(cohort, Fold(self.training, subset, self.training.name))
