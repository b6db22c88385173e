"""What a twin is made of and how it is trained; what follows from that for every step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from dtb_jax.twin.option import BASIC, Config, option
from dtb_jax.twin.response import LIKELIHOODS, hazard_loss, press_count
from dtb_jax.types import Array, Sequences

NETWORK, TRAINING, SCORES = "Network", "Training", "Split and scores"


@dataclass(frozen=True)
class TwinConfig(Config):
    """What a twin is made of. The defaults are the recipe for people seen in training."""

    units: int = option(64, "Units of the main network.", NETWORK, least=1)
    width: int = option(200, "Width of the hypernetwork's hidden layers.", NETWORK, least=1)
    dropout: float = option(
        0.1, "Share of edges that the hypernetwork misses in training.", NETWORK, least=0, below=1
    )
    scale: float = option(
        0.003, "Size of the connectome's part in the weights, at the start.", NETWORK, least=0
    )
    gain: float | None = option(
        None, "Factor on edges; default: 512 / edges, at most 1.", NETWORK, least=0
    )
    base: bool = option(True, "Weights that all people share.", NETWORK)
    slow_share: float = option(
        0.5, "Share of units that start as leaky integrators.", NETWORK, least=0, most=1
    )
    absence: float = option(
        0.0, "Share of training draws without the connectome.", NETWORK, least=0, below=1
    )
    standardise: bool = option(
        True, "Bring edges to mean 0 and variance 1 over the training people.", NETWORK
    )
    components: int = option(
        0, "Principal components of edges that the twin sees; 0: the edges.", NETWORK, least=0
    )
    response: str = option(
        "hazard",
        "Likelihood of presses: hazard (competing hazards) or pulses.",
        NETWORK,
        one_of=tuple(LIKELIHOODS),
    )


@dataclass(frozen=True)
class TrainConfig(Config):
    """How to train. The defaults are the recipe for people seen in training."""

    epochs: int = option(30, "Epochs of training.", BASIC, least=1)
    batch_people: int = option(
        16, "People in a batch; 0: a twelfth of those who train, at least 16.", TRAINING, least=0
    )
    segments: int = option(10, "Segments of each run of a person in a batch.", TRAINING, least=1)
    segment_steps: int = option(262, "Length of a segment, in steps of 80 ms.", TRAINING, least=1)
    segment_stride: int = option(
        1, "Steps between possible starts of segments; 262: the paper's cuts.", TRAINING, least=1
    )
    passes: int = option(1, "Times that everybody is seen in an epoch.", TRAINING, least=1)
    learning_rate: float = option(2e-3, "Learning rate of Adam.", TRAINING, least=0)
    warmup_steps: int = option(
        30, "Updates until the full learning rate is reached.", TRAINING, least=0
    )
    decay: bool = option(True, "Let the learning rate fall to 0 by a cosine.", TRAINING)
    clip_norm: float = option(1.0, "Largest norm of a gradient; 0: not clipped.", TRAINING, least=0)
    weight_decay: float = option(
        0.0, "Decay of the hypernetwork's weights, as in AdamW.", TRAINING, least=0
    )
    bold_weight: float = option(10.0, "Weight of BOLD in the loss.", TRAINING, least=0)
    bold_warmup_steps: int = option(
        100,
        "First steps of a segment whose BOLD does not count: it answers to events before it began.",
        TRAINING,
        least=0,
    )
    patience: int = option(
        1000,
        "Epochs without a better validation loss after which training stops.",
        TRAINING,
        least=0,
    )
    keep_best: bool = option(False, "Use the best epoch, not the last.", TRAINING)
    save_every: int = option(5, "Epochs between checkpoints.", TRAINING, least=1)
    pulse_steps: int = option(
        1, "Length of a press in steps of 80 ms, with pulses.", TRAINING, least=1
    )
    validation_share: float = option(
        0.2,
        "Share of the training people whose last segment validates.",
        TRAINING,
        least=0,
        below=1,
    )
    action_loss: Callable[[Array, Sequences], Array] = hazard_loss
    action_count: Callable[[Sequences], Array] = press_count


Values = Mapping[str, float | Array]
"""Numbers in place of some of `SWEPT`, known only when the program runs: trainings that differ in
them, and in seeds, share one compilation."""
SWEPT = ("learning_rate", "clip_norm", "weight_decay", "bold_weight", "dropout")
NONE: Values = {}


def steps_per_epoch(settings: TrainConfig, people: int) -> int:
    """Batches in one epoch."""
    return settings.passes * -(-people // batch_size(settings, people))


def batch_size(settings: TrainConfig, people: int) -> int:
    """People in a batch, of so many who train."""
    return min(settings.batch_people or max(16, people // 12), people)


def optimiser(settings: TrainConfig, values: Values = NONE) -> optax.GradientTransformation:
    """Adam's direction, clipped by global norm and with weight decay where the settings say so;
    `learning_rates` says how far. What the settings have is there, as large as the values say."""
    now = vars(settings) | dict(values)
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


def learning_rates(settings: TrainConfig, epoch_steps: int) -> Float[np.ndarray, " step"]:
    """The rate of every step: constant, or warm-up and cosine decay to 0 over all epochs."""
    total = settings.epochs * epoch_steps
    if not settings.decay:
        return np.full(total, settings.learning_rate, np.float32)
    warmup = min(settings.warmup_steps, total // 2)
    schedule = optax.warmup_cosine_decay_schedule(0.0, settings.learning_rate, warmup, total)
    return np.asarray(schedule(jnp.arange(total)), np.float32)
