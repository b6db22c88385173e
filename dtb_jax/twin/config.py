"""How to train: the recipe's numbers, and what follows from them for every step."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from dtb_jax.twin.response import hazard_loss, press_count
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
    weight_decay: float = 0.0  # of the layers' kernels, decoupled from the gradient as in AdamW
    bold_weight: float = 10.0
    bold_warmup_steps: int = 100  # of a segment: its BOLD answers to events before it began
    patience: int = 1000  # epochs without a better validation loss
    keep_best: bool = False  # the best epoch's parameters, not the last's; see `used_params`
    action_loss: Callable[[Array, Run], Array] = hazard_loss
    action_count: Callable[[Run], Array] = press_count


Values = Mapping[str, float | Array]
"""Numbers in place of some of `SWEPT`, known only when the program runs: trainings that differ in
them, and in seeds, share one compilation."""
SWEPT = ("learning_rate", "clip_norm", "weight_decay", "bold_weight", "dropout")
NONE: Values = {}


def steps_per_epoch(settings: Settings, people: int) -> int:
    """Batches in one epoch."""
    return settings.passes * -(-people // min(settings.batch_people, people))


def optimiser(settings: Settings, values: Values = NONE) -> optax.GradientTransformation:
    """Adam's direction, clipped by global norm and with weight decay where the settings say so;
    `learning_rates` says how far. What the settings have is there, as large as the values say."""
    now = settings._asdict() | dict(values)
    clip = clip_by_norm(now["clip_norm"] if settings.clip_norm else jnp.inf)
    if not settings.weight_decay:
        return optax.chain(clip, optax.scale_by_adam())
    decay = optax.add_decayed_weights(now["weight_decay"], mask=_kernels)
    return optax.chain(clip, optax.scale_by_adam(), decay)


def clip_by_norm(most: float | Float[Array, ""]) -> optax.GradientTransformation:
    """g min(1, most / |g|), as optax's `clip_by_global_norm`, also where `most` is infinite.

    On a CPU: what waits for the norm needs no copy of parameters that are still in use, and squares
    that the norm does not share with Adam are written nowhere.
    Where `most` is infinite, a norm beyond float32 changes nothing either.
    """
    return optax.stateless(
        lambda gradient, _: optax.tree.scale(
            jnp.fmin(1.0, most / optax.tree.norm(gradient)), gradient
        )
    )


def _kernels(params):
    """True for layers' matrices: everybody's base network and the biases keep their size."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)


def learning_rates(settings: Settings, epoch_steps: int) -> Float[np.ndarray, " step"]:
    """The rate of every step: constant, or warm-up and cosine decay to 0 over all epochs."""
    total = settings.epochs * epoch_steps
    if not settings.decay:
        return np.full(total, settings.learning_rate, np.float32)
    warmup = min(settings.warmup_steps, total // 2)
    schedule = optax.warmup_cosine_decay_schedule(0.0, settings.learning_rate, warmup, total)
    return np.asarray(schedule(jnp.arange(total)), np.float32)
