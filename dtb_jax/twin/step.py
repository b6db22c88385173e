"""One update of a hypernetwork: a state before, some people, a state after."""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Int

from dtb_jax.twin.batching import cut_segments, segment_starts
from dtb_jax.twin.config import NONE, TrainConfig, Values, optimiser
from dtb_jax.twin.sharding import replicated
from dtb_jax.twin.twin import Loss, Params, Twin, cohort_loss
from dtb_jax.types import Array, Sequences


class State(NamedTuple):
    """All that changes while training; a checkpoint holds exactly this."""

    params: Params
    optimiser: Any
    step: Int[Array, ""]
    best_params: Params | None  # where `keep_best` asks for them
    best_loss: Float[Array, ""]
    best_epoch: Int[Array, ""]
    epoch: Int[Array, ""]


class Progress(NamedTuple):
    """What a step shows: its loss in parts, and the gradient's norm."""

    loss: Loss
    gradient: Float[Array, ""]


@partial(jax.jit, static_argnames=("hypernet", "settings"), donate_argnums=0)
def train_step(
    state: State,
    features: Float[Array, "people feature"],
    runs: Sequences,
    people: Int[Array, " batch"],
    weight: Float[Array, " batch"],
    rate: Float[Array, ""],
    key: jax.Array,
    values: Values = NONE,
    *,
    hypernet: nn.Module,
    settings: TrainConfig,
) -> tuple[State, Progress]:
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
        values: numbers in place of those that are compiled, see `twin.config.SWEPT`.
        hypernet, settings: what is compiled.

    Returns: the state after, and `Progress`.
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
        now = _with(hypernet, values)
        return now.apply(params, one, training=True, rngs={"dropout": key})

    def loss(params):
        networks = jax.vmap(network, in_axes=(None, 0, 0))(params, features[people], keys)
        parts = _loss(networks, segments, weight, settings, values)
        return parts.total, parts

    (_, parts), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    direction, new_optimiser = optimiser(settings, values).update(
        gradient, state.optimiser, state.params
    )
    update = jax.tree.map(lambda leaf: -rate * leaf, direction)
    params = optax.apply_updates(state.params, update)
    state = state._replace(params=params, optimiser=new_optimiser, step=state.step + 1)
    return replicated((state, Progress(parts, optax.tree.norm(gradient))))


@jax.jit
def sizes(state: State, rate: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Norms of the parameters and of Adam's last update, rate m / (sqrt v + eps).

    Apart from the step: at the paper's size each is one more pass over 200 MB.
    """
    adam = state.optimiser[1]
    mean, square = (
        optax.tree.bias_correction(moment, decay, adam.count)
        for moment, decay in ((adam.mu, 0.9), (adam.nu, 0.999))
    )
    update = jax.tree.map(lambda m, v: rate * m / (jnp.sqrt(v) + 1e-8), mean, square)
    return optax.tree.norm(state.params), optax.tree.norm(update)


@partial(jax.jit, static_argnames=("hypernet", "settings"))
def held_out_loss(
    params: Params,
    features: Float[Array, "people feature"],
    runs: Sequences,
    values: Values = NONE,
    *,
    hypernet: nn.Module,
    settings: TrainConfig,
) -> Loss:
    """The loss of people on whole stretches, without dropout."""
    networks = jax.vmap(hypernet.apply, in_axes=(None, 0))(params, features)
    return _loss(networks, runs, jnp.ones(features.shape[0]), settings, values)


def _with(hypernet: nn.Module, values: Values) -> nn.Module:
    return hypernet.clone(dropout=values["dropout"]) if "dropout" in values else hypernet


def _loss(networks, runs: Sequences, weight, settings: TrainConfig, values: Values) -> Loss:
    return cohort_loss(
        networks,
        runs,
        weight,
        action_loss=settings.action_loss,
        action_count=settings.action_count,
        bold_weight=values.get("bold_weight", settings.bold_weight),
    )


def used_params(settings: TrainConfig, state: State) -> Params:
    """The parameters to use: the last, or with `keep_best` those of the least validation loss.

    A rate that decays to 0 ends quietly; amid the schedule the noise of BOLD picks the epoch.
    """
    return state.best_params if settings.keep_best else state.params


def initial_state(twin: Twin, settings: TrainConfig, *, key: jax.Array) -> State:
    """Fresh parameters and optimiser."""
    params = twin.init(key)
    zero = jnp.zeros((), jnp.int32)
    best = jax.tree.map(jnp.copy, params) if settings.keep_best else None
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
