"""Fit a hypernetwork: random segments, Adam, early stopping, and a state that can be resumed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Int

from dtb_jax.twin.batching import batches
from dtb_jax.twin.checks import checked
from dtb_jax.twin.config import (
    NONE,
    TrainConfig,
    Values,
    batch_size,
    learning_rates,
    steps_per_epoch,
)
from dtb_jax.twin.sharding import pad, replicate, shard, within
from dtb_jax.twin.step import Progress, State, held_out_loss, initial_state, sizes, train_step
from dtb_jax.twin.twin import Loss, Twin
from dtb_jax.types import Array, Sequences


class NonFiniteLoss(FloatingPointError):
    """Training left the numbers."""


@jax.jit
def features_of(twin: Twin, connectomes):
    return jax.vmap(twin.features)(connectomes)


def fit(
    twin: Twin,
    connectomes: Float[Array, "people edge"],
    training: Sequences,
    validation: Sequences,
    validation_people: Int[np.ndarray, " held"],
    settings: TrainConfig,
    *,
    seed: int,
    values: Values = NONE,
    people: np.ndarray | None = None,
    state: State | None = None,
    mesh: Mesh | None = None,
    on_epoch: Callable[[State, dict[str, float | int]], None] = lambda state, row: None,
) -> State:
    """Train until the epochs are over or the validation loss has not improved for `patience`.

    Args:
        twin: what to train.
        connectomes: everybody's edges.
        training: [people, run, time, ...].
        validation: the same for `validation_people`, steps that `training` masks out or people
            who do not train.
        validation_people: rows.
        settings: how.
        seed: of parameters, batches, segments and dropout.
        values: numbers in place of the settings' and the hypernetwork's, see `twin.config.SWEPT`;
            other ones do not compile anew.
        people: rows who train, or a mask of them; None: everybody.
        state: a restored state to go on from.
        mesh: devices that share the people of a batch, see `sharding.people_mesh`; the same numbers
            as on one, but for rounding.
        on_epoch: called after every epoch with the state and that epoch's numbers.

    Returns: the last state; `used_params` says which of its parameters to use.

    Raises: ValueError for arrays that do not fit each other, see `checks.checked`; NonFiniteLoss
        when the loss is not a number.
    """
    training, validation, people, validation_people = checked(
        twin, connectomes, training, validation, people, validation_people, settings
    )
    batch = batch_size(settings, len(people))
    rates = learning_rates(
        replace(settings, learning_rate=float(values.get("learning_rate", settings.learning_rate))),
        steps_per_epoch(settings, len(people)),
    )
    key = jax.random.key(seed)
    if state is None:
        state = initial_state(twin, settings, key=jax.random.fold_in(key, 0))
    compiled: dict[str, Any] = {"hypernet": twin.hypernet, "settings": settings}
    features = features_of(twin, jnp.asarray(connectomes, jnp.float32))
    held_out_data = (features[validation_people], validation)
    key_steps = jax.random.fold_in(key, 1)
    state, features, training, held_out_data, key_steps = replicate(
        (state, features, training, held_out_data, key_steps), mesh
    )
    step = int(state.step)
    for epoch in range(int(state.epoch), settings.epochs):
        if epoch - int(state.best_epoch) > settings.patience:
            break
        rows = []
        for chosen, weight in batches(len(people), batch, seed, epoch, settings.passes):
            with within(mesh):
                state, shown = train_step(
                    state,
                    features,
                    training,
                    *shard(pad(people[chosen], weight, mesh), mesh),
                    rates[step],
                    key_steps,
                    values,
                    **compiled,
                )
            rows.append(shown)
            step += 1
        held_out = held_out_loss(state.params, *held_out_data, values, **compiled)
        row = row_of(epoch + 1, rows, held_out, sizes(state, rates[step - 1]))
        if not np.isfinite([row["train_loss"], row["validation_loss"]]).all():
            raise NonFiniteLoss(
                f"epoch {epoch}: the loss is {row['train_loss']}, gradient norm "
                f"{row['grad_norm']:.3g}; a learning rate below {settings.learning_rate:g} or "
                "clipping usually helps"
            )
        state = state._replace(epoch=replicate(jnp.asarray(epoch + 1, jnp.int32), mesh))
        if held_out.total < state.best_loss:
            kept = jax.tree.map(jnp.copy, state.params) if settings.keep_best else None
            state = state._replace(
                best_params=kept,
                best_loss=jnp.copy(held_out.total),
                best_epoch=jnp.copy(state.epoch),
            )
        on_epoch(state, row)
    return state


def row_of(
    epoch: int, steps: Sequence[Progress], held_out: Loss, norms: Sequence[Array]
) -> dict[str, float | int]:
    """An epoch's numbers: means over its steps; validation loss and `sizes` after them."""
    mean = jax.tree.map(lambda *leaves: float(np.mean(leaves)), *steps)
    return {
        "epoch": epoch,
        "train_loss": mean.loss.total,
        "train_action": mean.loss.action,
        "train_bold": mean.loss.bold,
        "validation_loss": float(held_out.total),
        "validation_action": float(held_out.action),
        "validation_bold": float(held_out.bold),
        "grad_norm": mean.gradient,
        "parameter_norm": float(norms[0]),
        "update_norm": float(norms[1]),
    }
