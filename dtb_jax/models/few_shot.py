"""An unseen person and the first few trials: the twin adapts, and a shrunken mean does too."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Bool, Float

from dtb_jax.data.averages import correct_mask
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.splits import to_sequences
from dtb_jax.models import baselines
from dtb_jax.models.paper_twin import Fitted
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import as_prediction
from dtb_jax.models.protocol import Probe, Rule
from dtb_jax.twin.config import TrainConfig
from dtb_jax.twin.rnn import unroll_together
from dtb_jax.twin.twin import Params, Twin, split_outputs
from dtb_jax.types import STEP_S, Array, Cohort, Run, Sequences, required

SHOTS = (0, 1, 5, 20, 40)
STEPS, RATE = 20, 0.3
"""Of Adam; a feature moves by at most about six of its standard deviations."""


def first_trials(run: Run, shots: int) -> Bool[np.ndarray, "people trial"]:
    """The first so many present trials of each person."""
    present = run.trials.present & run.present[:, None]
    return present & (np.cumsum(present, axis=1) <= shots)


def after_first_trials(shots: Sequence[int]) -> Probe:
    """Twins that have seen so many first trials of the tested people, see `adapted`."""
    return lambda fitted, cohort, fold: adapted(fitted, cohort, fold, shots) if shots else {}


def adapted(
    fitted: Fitted, cohort: Cohort, fold: Fold, shots: Sequence[int] = SHOTS
) -> dict[str, list[Prediction]]:
    """Twins of the tested people after their first trials of every run, by "twin_after_K".

    A person's features e are moved to e + s a, where s is each feature's SD over the training
    people and a = argmin -log p(first trials | e + s a) + |a|^2 / 2: of all connectomes like
    people's, the likeliest to have made these presses.

    Args:
        fitted: the paper's twin.
        cohort: everybody.
        fold: who trained, who is tested.
        shots: numbers of trials; 0 is the twin as it is.
    """
    tested = np.flatnonzero(fold.test.people)
    features = np.asarray(_features(fitted.twin, jnp.asarray(cohort.connectomes, jnp.float32)))
    spread = features[fold.training.people].std(axis=0)
    part = fold.test.of(cohort)
    told = {}
    for k in shots:
        moved = features.copy()
        if k:
            seen = _first(part, fitted, k)
            rows = jax.tree.map(lambda leaf: jnp.asarray(leaf[tested]), seen)
            shift = _fit(
                fitted.params,
                jnp.asarray(features[tested]),
                jnp.asarray(spread),
                rows,
                hypernet=fitted.twin.hypernet,
                settings=fitted.model.settings,
            )
            moved[tested] += np.asarray(shift) * spread
        direct = fitted._replace(twin=_identity_twin(fitted.twin.hypernet, features.shape[1]))
        told[f"twin_after_{k}"] = direct.predict(cohort, fold.test, moved)
    return told


def _identity_twin(hypernet: nn.Module, features: int) -> Twin:
    """A twin whose connectomes are the features themselves."""
    return Twin(hypernet, jnp.zeros(features), jnp.ones(features))


@jax.jit
def _features(twin, connectomes):
    return jax.vmap(twin.features)(connectomes)


def _first(cohort: Cohort, fitted: Fitted, shots: int) -> Sequences:
    """Stretches from the run's start to the end of the first trials, nothing else at risk."""
    kept, last = [], 0.0
    for run in cohort.runs:
        first = first_trials(run, shots)
        end = np.where(first, run.trials.onset_s + run.trials.deadline_s, 0).max()
        last = max(last, float(end))
        kept.append(run._replace(trials=run.trials._replace(present=first)))
    # whole volumes, and few lengths: each is compiled once
    unit_s = 16 * STEP_S * (cohort.runs[0].stimulus.shape[1] // cohort.runs[0].bold.shape[1])
    stop_s = np.ceil(last / unit_s + 1) * unit_s
    return to_sequences(cohort._replace(runs=tuple(kept)), 0.0, stop_s, fitted.scale)


@partial(jax.jit, static_argnames=("hypernet", "settings"))
def _fit(
    params: Params,
    features: Float[Array, "people feature"],
    spread: Float[Array, " feature"],
    runs: Sequences,
    *,
    hypernet: nn.Module,
    settings: TrainConfig,
) -> Float[Array, "people feature"]:
    def objective(shift, feature, run):
        network = hypernet.apply(params, feature + spread * shift)
        outputs = unroll_together(network, run.stimulus)
        logits, _ = split_outputs(outputs, run.press.shape[-1])
        return jnp.sum(jax.vmap(settings.action_loss)(logits, run)) + jnp.sum(shift**2) / 2

    slope = jax.vmap(jax.grad(objective))
    adam = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def step(carry, _):
        shift, moments = carry
        update, moments = adam.update(slope(shift, features, runs), moments)
        return (optax.apply_updates(shift, update), moments), None

    start = jnp.zeros_like(features)
    (shift, _), _ = jax.lax.scan(step, (start, adam.init(start)), length=STEPS)
    return shift


class Shrinkage(NamedTuple):
    """Item-adjusted shrinkage towards the group after the first trials of each run.

    A person is the group's condition means and trial profile plus b m: m the mean deviation of
    the first n correct presses, b = n B / (n B + W), with B and W the training people's variance
    between and within people.
    """

    shots: int

    def fit(self, cohort: Cohort, subset: Subset):
        return Rule(partial(shrunken, shots=self.shots)).fit(cohort, subset)


def shrunken(cohort: Cohort, fold: Fold, *, shots: int) -> list[Prediction]:
    """What `Shrinkage` predicts of a fold's test part."""
    found = []
    for run in fold.test.of(cohort).runs:
        group = baselines.group_profile(cohort, fold, run)
        items = baselines.items_of(fold, run)
        plain = required(as_prediction(run, group, items).reaction_time_s)
        right = correct_mask(run.trials) & run.present[:, None]
        right &= np.isfinite(plain)  # nothing is off where nothing is told
        off = np.where(right, run.trials.response_time_s - plain, 0)
        between, within = variances(off[fold.training.people], right[fold.training.people])
        counted = first_trials(run, shots) & right
        n = counted.sum(1)
        mean = (off * counted).sum(1) / np.maximum(n, 1)
        moved = n * between / (n * between + within) * mean
        left = 1 - n * between / (n * between + within)
        narrower = np.sqrt((within + left * between) / (within + between))
        one = as_prediction(
            run,
            group._replace(
                time_s=np.maximum(group.time_s + moved[:, None], 0.1),
                spread=group.spread * narrower[:, None],
            ),
            items,
        )
        found.append(one._replace(personal=shots > 0))
    return found


def variances(off: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Of a person's mean deviation over people, and of single trials around it."""
    n = right.sum(1)
    kept = n > 1
    if kept.sum() < 2:  # people do not differ as far as is known
        return 1e-6, 1.0
    mean = (off * right).sum(1)[kept] / n[kept]
    squares = (((off[kept] - mean[:, None]) ** 2) * right[kept]).sum()
    within = squares / (n[kept] - 1).sum()
    return float(max(mean.var(ddof=1) - within / n[kept].mean(), 1e-6)), float(within)
