"""Fit a hypernetwork: random segments, Adam, early stopping, and a state that can be resumed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from dtb_jax.response import hazard_loss, press_count
from dtb_jax.segments import batches, cut_segments, segment_starts
from dtb_jax.twin import Loss, Params, Twin, cohort_loss
from dtb_jax.types import Array, Run


class Settings(NamedTuple):
    """How to train. The defaults are the recipe."""

    epochs: int = 30
    batch_people: int = 16
    segments: int = 10  # a person and run
    segment_steps: int = 262
    segment_stride: int = 1  # starts are multiples of this; 262 cuts runs as the paper does
    passes: int = 1  # over everybody in one epoch
    learning_rate: float = 2e-3
    warmup_steps: int = 30
    decay: bool = True  # cosine to 0 over all epochs
    clip_norm: float = 1.0  # 0: none
    bold_weight: float = 10.0
    bold_warmup_steps: int = 100  # of a segment: its BOLD answers to events before it began
    patience: int = 1000  # epochs without a better validation loss
    keep_best: bool = False  # the best epoch's parameters, not the last's; see `used_params`
    action_loss: Callable[[Array, Run], Array] = hazard_loss
    action_count: Callable[[Run], Array] = press_count


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


def steps_per_epoch(settings: Settings, people: int) -> int:
    """Batches in one epoch."""
    return settings.passes * -(-people // min(settings.batch_people, people))


def optimiser(settings: Settings, epoch_steps: int) -> optax.GradientTransformation:
    """Adam with optional warm-up, cosine decay and clipping by global norm."""
    rate: Any = settings.learning_rate
    total = settings.epochs * epoch_steps
    if settings.decay:
        warmup = min(settings.warmup_steps, total // 2)
        rate = optax.warmup_cosine_decay_schedule(0.0, rate, warmup, total)
    clip = optax.clip_by_global_norm(settings.clip_norm) if settings.clip_norm else optax.identity()
    return optax.chain(clip, optax.adam(rate))


def make_train_step(twin: Twin, settings: Settings, transform: optax.GradientTransformation):
    """The jitted update: (state, connectomes, runs, people, weight, key) -> (state, norms).

    The state is donated. The key of step k is fold_in(key, k), so a resumed run repeats an
    uninterrupted one. One person's segments stay together: the hypernetwork runs once a person.
    """

    def loss(params, connectomes, runs, weight, key):
        keys = jax.random.split(key, connectomes.shape[0])
        networks = jax.vmap(twin.network_in_training, in_axes=(None, 0, 0))(
            params, connectomes, keys
        )
        parts = cohort_loss(
            networks,
            runs,
            weight,
            action_loss=settings.action_loss,
            action_count=settings.action_count,
            bold_weight=settings.bold_weight,
        )
        return parts.total, parts

    def step(state: State, connectomes, runs: Run, people, weight, key):
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
        (_, parts), gradient = jax.value_and_grad(loss, has_aux=True)(
            state.params, connectomes[people], segments, weight, key_dropout
        )
        update, new_optimiser = transform.update(gradient, state.optimiser, state.params)
        params = optax.apply_updates(state.params, update)
        norms = Norms(
            parts,
            optax.tree.norm(gradient),
            optax.tree.norm(params),
            optax.tree.norm(update),
        )
        state = state._replace(params=params, optimiser=new_optimiser, step=state.step + 1)
        return state, norms

    return jax.jit(step, donate_argnums=0)


def used_params(settings: Settings, state: State) -> Params:
    """The parameters to use: the last, or with `keep_best` those of the least validation loss.

    A rate that decays to 0 ends quietly; amid the schedule the noise of BOLD picks the epoch.
    """
    return state.best_params if settings.keep_best else state.params


def make_evaluate(twin: Twin, settings: Settings):
    """The jitted loss of all people on whole stretches, without dropout."""

    @jax.jit
    def evaluate(params: Params, connectomes, runs: Run) -> Loss:
        networks = jax.vmap(twin.network, in_axes=(None, 0))(params, connectomes)
        return cohort_loss(
            networks,
            runs,
            jnp.ones(connectomes.shape[0]),
            action_loss=settings.action_loss,
            action_count=settings.action_count,
            bold_weight=settings.bold_weight,
        )

    return evaluate


def initial_state(twin: Twin, transform: optax.GradientTransformation, *, key: jax.Array) -> State:
    """Fresh parameters and optimiser."""
    params = twin.init(key)
    zero = jnp.zeros((), jnp.int32)
    best = jax.tree.map(jnp.copy, params)
    return State(
        params,
        transform.init(params),
        zero,
        best,
        jnp.asarray(jnp.inf),
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
    state: State | None = None,
    on_epoch: Callable[[State, dict[str, float]], None] = lambda state, row: None,
) -> State:
    """Train until the epochs are over or the validation loss has not improved for `patience`.

    Args:
        twin: what to train.
        connectomes: training people's edges.
        training: [people, run, time, ...].
        validation: the same for `validation_people`, steps that `training` masks out.
        settings: how.
        seed: of parameters, batches, segments and dropout.
        state: a restored state to go on from.
        on_epoch: called after every epoch with the state and that epoch's numbers.

    Returns: the last state; `used_params` says which of its parameters to use.

    Raises: NonFiniteLoss when the loss is not a number.
    """
    people = connectomes.shape[0]
    batch = min(settings.batch_people, people)
    transform = optimiser(settings, steps_per_epoch(settings, people))
    key = jax.random.key(seed)
    if state is None:
        state = initial_state(twin, transform, key=jax.random.fold_in(key, 0))
    key_steps = jax.random.fold_in(key, 1)
    train_step = make_train_step(twin, settings, transform)
    evaluate = make_evaluate(twin, settings)
    connectomes = jnp.asarray(connectomes, jnp.float32)
    for epoch in range(int(state.epoch), settings.epochs):
        if epoch - int(state.best_epoch) > settings.patience:
            break
        rows = []
        for chosen, weight in batches(people, batch, seed, epoch, settings.passes):
            state, norms = train_step(state, connectomes, training, chosen, weight, key_steps)
            rows.append(norms)
        mean = jax.tree.map(lambda *leaves: float(np.mean(leaves)), *rows)
        held_out = evaluate(state.params, connectomes[validation_people], validation)
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
