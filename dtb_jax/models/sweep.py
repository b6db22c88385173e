"""Many trainings side by side: seeds and numbers differ, the program is compiled once."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from dtb_jax.models.paper_twin import TrainingData
from dtb_jax.twin.batching import batches
from dtb_jax.twin.config import TrainConfig, batch_size, learning_rates, steps_per_epoch
from dtb_jax.twin.fit import NonFiniteLoss, features_of, fit, row_of
from dtb_jax.twin.step import State, held_out_loss, initial_state, sizes, train_step, used_params
from dtb_jax.twin.twin import Params
from dtb_jax.types import Array, Sequences


class Point(NamedTuple):
    """One training of a sweep."""

    seed: int
    values: dict[str, float]  # in place of the settings', see `twin.config.SWEPT`


class Trained(NamedTuple):
    """What one point came to; its last row is that of the epoch at which it stopped."""

    params: Params
    history: list[dict[str, float | int]]
    finite: bool


@partial(jax.jit, static_argnames=("hypernet", "settings"), donate_argnums=0)
def train_points(
    states: State,
    features: Float[Array, "people feature"],
    runs: Sequences,
    people: Int[Array, "point batch"],
    weight: Float[Array, "point batch"],
    rate: Float[Array, " point"],
    keys: jax.Array,
    values: dict[str, Float[Array, " point"]],
    *,
    hypernet: nn.Module,
    settings: TrainConfig,
):
    """`train_step` of every point, on the same data."""
    one = partial(train_step, hypernet=hypernet, settings=settings)
    over = jax.vmap(one, in_axes=(0, None, None, 0, 0, 0, 0, 0))
    return over(states, features, runs, people, weight, rate, keys, values)


@partial(jax.jit, static_argnames=("hypernet", "settings"))
def held_out_points(params, features, runs: Sequences, values, *, hypernet, settings):
    """`held_out_loss` of every point."""
    one = partial(held_out_loss, hypernet=hypernet, settings=settings)
    return jax.vmap(one, in_axes=(0, None, None, 0))(params, features, runs, values)


def fit_points(
    ready: TrainingData, settings: TrainConfig, points: Sequence[Point]
) -> list[Trained]:
    """`twin.fit.fit` of every point at once, step by step in one `vmap`.

    A point that has stopped improving, or whose loss is no number, stands still while the others
    go on; nobody's trouble is another's.

    Args:
        ready: whose data, and a twin for them.
        settings: what all points share.
        points: with values of the same names.

    Returns: one `Trained` a point.
    """
    twin, parts, people = ready.twin, ready.parts, ready.parts.people
    batch = batch_size(settings, len(people))
    values = {
        name: jnp.asarray([point.values[name] for point in points], jnp.float32)
        for name in points[0].values
    }
    rates = np.stack([_rates(settings, point, len(people)) for point in points])
    keys = jax.vmap(jax.random.key)(jnp.asarray([point.seed for point in points]))
    fold = jax.vmap(jax.random.fold_in, in_axes=(0, None))
    states = jax.jit(jax.vmap(lambda key: initial_state(twin, settings, key=key)))(fold(keys, 0))
    key_steps = fold(keys, 1)
    compiled: dict[str, Any] = {"hypernet": twin.hypernet, "settings": settings}
    features = features_of(twin, jnp.asarray(ready.connectomes, jnp.float32))
    histories: list[list[dict]] = [[] for _ in points]
    going, finite = np.ones(len(points), bool), np.ones(len(points), bool)
    step, held = 0, parts.validation_people
    for epoch in range(settings.epochs):
        going &= epoch - np.asarray(states.best_epoch) <= settings.patience
        if not going.any():
            break
        orders = [
            batches(len(people), batch, point.seed, epoch, settings.passes) for point in points
        ]
        rows = []
        for drawn in zip(*orders, strict=True):
            chosen, weight = (np.stack(column) for column in zip(*drawn))
            rate = jnp.asarray(np.where(going, rates[:, step], 0.0), jnp.float32)
            states, shown = train_points(
                states,
                features,
                parts.training,
                people[chosen],
                weight,
                rate,
                key_steps,
                values,
                **compiled,
            )
            rows.append(shown)
            step += 1
        held_out = held_out_points(
            states.params, features[held], parts.validation, values, **compiled
        )
        norms = jax.vmap(sizes)(states, rate)
        for k in np.flatnonzero(going):
            own = jax.tree.map(lambda leaf, k=k: leaf[k], (rows, held_out, norms))
            histories[k].append(row_of(epoch + 1, *own))
            last = histories[k][-1]
            finite[k] = np.isfinite([last["train_loss"], last["validation_loss"]]).all()
        going &= finite
        states = _better(states, held_out.total, jnp.asarray(going), epoch + 1)
    kept = jax.device_get(used_params(settings, states))
    return [
        Trained(jax.tree.map(lambda leaf, k=k: leaf[k], kept), histories[k], bool(finite[k]))
        for k in range(len(points))
    ]


@partial(jax.jit, donate_argnums=0)
def _better(states: State, loss, going, epoch) -> State:
    """Keep the parameters of whoever has not had a validation loss as small before."""
    found = going & (loss < states.best_loss)

    def kept(new, old):
        return jnp.where(found.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    best = states.best_params
    return states._replace(
        epoch=jnp.where(going, epoch, states.epoch),
        best_params=None if best is None else jax.tree.map(kept, states.params, best),
        best_loss=kept(loss, states.best_loss),
        best_epoch=jnp.where(found, epoch, states.best_epoch),
    )


def _rates(settings: TrainConfig, point: Point, people: int) -> np.ndarray:
    rate = point.values.get("learning_rate", settings.learning_rate)
    return learning_rates(replace(settings, learning_rate=rate), steps_per_epoch(settings, people))


def fit_point(ready: TrainingData, settings: TrainConfig, point: Point) -> Trained:
    """`fit_points` of one point, by `twin.fit.fit`: other values do not compile anew."""
    history: list[dict] = []
    parts = ready.parts
    try:
        state = fit(
            ready.twin,
            ready.connectomes,
            parts.training,
            parts.validation,
            parts.validation_people,
            settings,
            seed=point.seed,
            values=point.values,
            people=parts.people,
            on_epoch=lambda state, row: history.append(row),
        )
    except NonFiniteLoss:
        return Trained(None, history, False)
    return Trained(used_params(settings, state), history, True)
