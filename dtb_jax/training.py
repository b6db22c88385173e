"""Fit a hypernetwork: random segments, Adam, early stopping, and a state that can be resumed."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from dtb_jax.segments import batches, cut_segments, segment_starts
from dtb_jax.settings import Settings, learning_rates, optimiser, steps_per_epoch
from dtb_jax.twin import Loss, Params, Twin, cohort_loss
from dtb_jax.types import Array, Run


class State(NamedTuple):
    """All that changes while training; a checkpoint holds exactly this."""

    params: Params
    optimiser: Any
    step: Int[Array, ""]
    best_params: Params
    best_loss: Float[Array, ""]
    best_epoch: Int[Array, ""]
    epoch: Int[Array, ""]


class Norms(NamedTuple):
    """What a healthy run shows: loss parts and the sizes of gradient, parameters and update."""

    loss: Loss
    gradient: Float[Array, ""]
    parameter: Float[Array, ""]
    update: Float[Array, ""]


class NonFiniteLoss(FloatingPointError):
    """Training left the numbers."""


@partial(jax.jit, static_argnames=("hypernet", "settings"), donate_argnums=0)
def train_step(
    state: State,
    features: Float[Array, "people feature"],
    runs: Run,
    people: Int[Array, " batch"],
    weight: Float[Array, " batch"],
    rate: Float[Array, ""],
    key: jax.Array,
    *,
    hypernet: nn.Module,
    settings: Settings,
) -> tuple[State, Norms]:
    """One update by segments of a batch of people.

    The state is donated. The key of step k is fold_in(key, k), so a resumed run repeats an
    uninterrupted one. One person's segments stay together: the hypernetwork runs once a person.
    All that differs between folds of people is an argument: they share one compilation.

    Args:
        state: before.
        features: what the hypernetwork sees of everybody.
        runs: everybody's, [people, run, time, ...].
        people, weight: rows of the batch; weight 0 for fillers.
        rate: learning rate of this step.
        key: of the whole training.
        hypernet, settings: what is compiled.

    Returns: the state after, and `Norms`.
    """
    key_starts, key_dropout = jax.random.split(jax.random.fold_in(key, state.step))
    chosen = jax.tree.map(lambda leaf: leaf[people], runs)
    batch, run_count, time = chosen.stimulus.shape[:3]
    starts = segment_starts(
        key_starts,
        batch,
        run_count,
        settings.segments,
        time - settings.segment_steps,
        settings.segment_stride,
    )
    segments = cut_segments(chosen, starts, settings.segment_steps)
    settled = jnp.arange(settings.segment_steps) >= settings.bold_warmup_steps
    segments = segments._replace(bold_mask=segments.bold_mask * settled)
    keys = jax.random.split(key_dropout, batch)

    def network(params, one, key):
        return hypernet.apply(params, one, training=True, rngs={"dropout": key})

    def loss(params):
        networks = jax.vmap(network, in_axes=(None, 0, 0))(params, features[people], keys)
        parts = _loss(networks, segments, weight, settings)
        return parts.total, parts

    (_, parts), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    direction, new_optimiser = optimiser(settings).update(gradient, state.optimiser, state.params)
    update = jax.tree.map(lambda leaf: -rate * leaf, direction)
    params = optax.apply_updates(state.params, update)
    norms = Norms(
        parts, optax.tree.norm(gradient), optax.tree.norm(params), optax.tree.norm(update)
    )
    state = state._replace(params=params, optimiser=new_optimiser, step=state.step + 1)
    return state, norms


@partial(jax.jit, static_argnames=("hypernet", "settings"))
def held_out_loss(
    params: Params,
    features: Float[Array, "people feature"],
    runs: Run,
    *,
    hypernet: nn.Module,
    settings: Settings,
) -> Loss:
    """The loss of people on whole stretches, without dropout."""
    networks = jax.vmap(hypernet.apply, in_axes=(None, 0))(params, features)
    return _loss(networks, runs, jnp.ones(features.shape[0]), settings)


@jax.jit
def _features(twin: Twin, connectomes):
    return jax.vmap(twin.features)(connectomes)


def _loss(networks, runs: Run, weight, settings: Settings) -> Loss:
    return cohort_loss(
        networks,
        runs,
        weight,
        action_loss=settings.action_loss,
        action_count=settings.action_count,
        bold_weight=settings.bold_weight,
    )


def used_params(settings: Settings, state: State) -> Params:
    """The parameters to use: the last, or with `keep_best` those of the least validation loss.

    A rate that decays to 0 ends quietly; amid the schedule the noise of BOLD picks the epoch.
    """
    return state.best_params if settings.keep_best else state.params


def initial_state(twin: Twin, settings: Settings, *, key: jax.Array) -> State:
    """Fresh parameters and optimiser."""
    params = twin.init(key)
    zero = jnp.zeros((), jnp.int32)
    best = jax.tree.map(jnp.copy, params)
    moments = optimiser(settings).init(params)
    return State(
        params,
        moments,
        zero,
        best,
        jnp.asarray(jnp.inf, jnp.float32),
        jnp.copy(zero),
        jnp.copy(zero),
    )


def fit(
    twin: Twin,
    connectomes: Float[Array, "people edge"],
    training: Run,
    validation: Run,
    validation_people: Int[np.ndarray, " held"],
    settings: Settings,
    *,
    seed: int,
    people: Int[np.ndarray, " trained"] | None = None,
    state: State | None = None,
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
        people: rows who train; None: everybody.
        state: a restored state to go on from.
        on_epoch: called after every epoch with the state and that epoch's numbers.

    Returns: the last state; `used_params` says which of its parameters to use.

    Raises: NonFiniteLoss when the loss is not a number.
    """
    people = np.arange(connectomes.shape[0]) if people is None else people
    batch = min(settings.batch_people, len(people))
    rates = learning_rates(settings, steps_per_epoch(settings, len(people)))
    key = jax.random.key(seed)
    if state is None:
        state = initial_state(twin, settings, key=jax.random.fold_in(key, 0))
    key_steps = jax.random.fold_in(key, 1)
    compiled: dict[str, Any] = {"hypernet": twin.hypernet, "settings": settings}
    features = _features(twin, jnp.asarray(connectomes, jnp.float32))
    step = int(state.step)
    for epoch in range(int(state.epoch), settings.epochs):
        if epoch - int(state.best_epoch) > settings.patience:
            break
        rows = []
        for chosen, weight in batches(len(people), batch, seed, epoch, settings.passes):
            state, norms = train_step(
                state,
                features,
                training,
                people[chosen],
                weight,
                rates[step],
                key_steps,
                **compiled,
            )
            rows.append(norms)
            step += 1
        mean = jax.tree.map(lambda *leaves: float(np.mean(leaves)), *rows)
        held_out = held_out_loss(state.params, features[validation_people], validation, **compiled)
        if not np.isfinite(mean.loss.total) or not np.isfinite(held_out.total):
            raise NonFiniteLoss(
                f"epoch {epoch}: the loss is {mean.loss.total}, gradient norm {mean.gradient:.3g}; "
                f"a learning rate below {settings.learning_rate:g} or clipping usually helps"
            )
        state = state._replace(epoch=jnp.asarray(epoch + 1, jnp.int32))
        if held_out.total < state.best_loss:
            best = jax.tree.map(jnp.copy, state.params)
            state = state._replace(
                best_params=best,
                best_loss=jnp.copy(held_out.total),
                best_epoch=jnp.copy(state.epoch),
            )
        on_epoch(
            state,
            {
                "epoch": epoch + 1,
                "train_loss": mean.loss.total,
                "train_action": mean.loss.action,
                "train_bold": mean.loss.bold,
                "validation_loss": float(held_out.total),
                "validation_action": float(held_out.action),
                "validation_bold": float(held_out.bold),
                "grad_norm": mean.gradient,
                "parameter_norm": mean.parameter,
                "update_norm": mean.update,
            },
        )
    return state
