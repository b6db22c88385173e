"""Which models there are, by the name that tables and options call them by.

A model of your own is a file with a class that has `fit` and `predict` (see `models.protocol`), and
a line in `REGRESSIONS`: `dtb evaluate --methods=NAME` shows it in every table (docs/models.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from dtb_jax.data.folds import Subset
from dtb_jax.models import baselines as rules
from dtb_jax.models.few_shot import Shrinkage
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.models.profile_regression import ProfileRegression, demographics
from dtb_jax.models.protocol import Model, Rule
from dtb_jax.models.regression import cpm, kernel_ridge, pca_ridge, ridge
from dtb_jax.models.surrogates import OnOtherConnectomes, one_hot
from dtb_jax.models.tangent import tangent_ridge


class Entry(NamedTuple):
    """A model, and what a table calls it."""

    make: Callable[[], Model]
    title: str


REGRESSIONS = {
    "ridge": Entry(lambda: ProfileRegression(ridge), "ridge on the edges"),
    "kernel_ridge": Entry(lambda: ProfileRegression(kernel_ridge), "kernel ridge"),
    "pca_ridge": Entry(lambda: ProfileRegression(pca_ridge), "ridge on components"),
    "cpm": Entry(lambda: ProfileRegression(cpm), "connectome-based predictive modelling"),
    "tangent_ridge": Entry(lambda: ProfileRegression(tangent_ridge), "ridge in tangent space"),
}
"""Models on connectomes that are quickly fitted; those of `--methods`."""


def regressions(names: Sequence[str]) -> dict[str, Model]:
    """Models by name.

    Raises: ValueError for a name that is not in `REGRESSIONS`.
    """
    for name in names:
        if name not in REGRESSIONS:
            raise ValueError(f"{name!r}, expected some of {', '.join(REGRESSIONS)}")
    return {name: REGRESSIONS[name].make() for name in names}


def baselines(own: Subset | None) -> dict[str, Model]:
    """Every model that needs no connectome.

    Args:
        own: where each person is known from, for the person's own numbers; None: nowhere.
    """
    found: dict[str, Model] = {
        "always_correct": Rule(rules.always_correct),
        "condition_mean": Rule(rules.condition_mean),
        "item_profile": Rule(rules.item_means),
        "group_mean": Rule(rules.group_mean),
        "group_t_map": Rule(rules.group_t_map),
        "demographics": ProfileRegression(features=demographics),
    }
    if own is not None:
        found["own_training_half"] = Rule(partial(rules.within_subject, own=own))
        found["own_half_and_items"] = Rule(partial(rules.within_subject, own=own, items=True))
    return found


def identity_twin(twin: PaperTwin) -> Model:
    """The paper's twin with a name tag for a connectome."""
    config = replace(twin.config, standardise=True, components=0, gain=None)
    return OnOtherConnectomes(twin._replace(config=config), one_hot)


def shrinkage(shots: Sequence[int]) -> dict[str, Model]:
    """Item-adjusted shrinkage after each of these numbers of first trials."""
    return {f"shrinkage_after_{k}": Shrinkage(k) for k in shots}
