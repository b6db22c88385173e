"""A person's network from a few coordinates, and what it does: presses and BOLD.

    theta_i = theta_0 + scale B z_i,    regions' readouts + readout_scale A z_i
    BOLD = (h + delay_i h') * neural,    delay_i = d_0 + d'z_i
    logit P(a trial goes by unattended) = m_0 + m'z_i

z is what tells people apart, in units of the population's spread. All its units are fast: the
haemodynamic response is a part of the model, so that no unit has to learn to be slow. Readouts of
regions move by more than other weights: one run tells little of how a person's regions respond, and
what is to be learned of it has to be learned in few steps.

What is remembered of cues is heard by units of its own, whom no other unit hears: a block may shift
how readily people press and what regions do, but not which button is right.
"""

import equinox as eqx
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.twin.bold import glover_hrf
from dtb_jax.twin.hypernetwork import initial_network
from dtb_jax.twin.rnn import MainNetwork, flatten, unflatten, unroll, weight_count
from dtb_jax.twin.twin import split_outputs
from dtb_jax.types import STEP_S, Array

HRF_S = 32.0
"""Length of the haemodynamic response."""
MOST_DELAY_S = 2.0
"""Of a person's response, either way: beyond it its derivative says nothing."""


class Person(eqx.Module):
    """One person: a main network whose BOLD channels are neural activity, and two numbers."""

    network: MainNetwork
    delay_s: Float[Array, "*batch"]  # of blood
    inattention: Float[Array, "*batch"]  # logit


class Population(nn.Module):
    """From coordinates to a person."""

    inputs: int
    units: int
    regions: int
    coordinates: int
    inattention: float  # logit, to begin with
    memory: int = 0  # of the inputs, the last ones: cues that are remembered
    actions: int = 3
    scale: float = 0.03
    readout_scale: float = 0.1
    no_press: float = -3.0

    @nn.compact
    def __call__(self, z: Float[Array, " coordinate"]) -> Person:
        """One person from z [coordinate]."""
        outputs = self.actions + self.regions
        size = weight_count(self.inputs, self.hidden, outputs)
        base = self.param("base", self._initial)
        step = nn.Dense(size, use_bias=False, kernel_init=nn.initializers.normal(0.3), name="step")
        delay = nn.Dense(1, kernel_init=nn.initializers.zeros, name="delay")
        inattention = nn.Dense(
            1,
            kernel_init=nn.initializers.zeros,
            bias_init=nn.initializers.constant(self.inattention),
            name="inattention",
        )
        weights = base + self.scale * step(z)
        # beside weights that are moved by `scale`, a second is a long way
        late = MOST_DELAY_S * jnp.tanh(delay(z)[0] / MOST_DELAY_S)
        network = unflatten(weights, self.inputs, self.hidden, outputs)
        if self.regions:
            more = nn.Dense(
                self.regions * (self.hidden + 1),
                use_bias=False,
                kernel_init=nn.initializers.zeros,
                name="readout",
            )
            readout = more(z).reshape(self.regions, self.hidden + 1)
            network = scale_readout(network, self.readout_scale * readout)
        return Person(isolate_memory_units(network, self.memory), late, inattention(z)[0])

    @property
    def hidden(self) -> int:
        """Units, with those that hear what is remembered."""
        return self.units + self.memory

    def _initial(self, key: jax.Array) -> Float[Array, " weight"]:
        return flatten(
            initial_network(
                key,
                inputs=self.inputs,
                units=self.hidden,
                outputs=self.actions + self.regions,
                slow=0,
                actions=self.actions,
                no_press=self.no_press,
            )
        )


def scale_readout(network: MainNetwork, more: Float[Array, "region weight"]) -> MainNetwork:
    """The network with more on the readouts of its last outputs, biases in the last column."""
    more = jnp.pad(more, ((len(network.b_ho) - len(more), 0), (0, 0)))
    return eqx.tree_at(
        lambda n: (n.ho, n.b_ho), network, (network.ho + more[:, :-1], network.b_ho + more[:, -1])
    )


def isolate_memory_units(network: MainNetwork, memory: int) -> MainNetwork:
    """The network whose last units hear its last inputs, one each, and nothing else; nobody else
    hears those inputs or these units.

    h_k = tanh(x_k), a step late as all that is heard.
    """
    units, inputs = network.ih.shape[0] - memory, network.ih.shape[1] - memory
    apart = jnp.eye(memory, dtype=network.ih.dtype)
    return eqx.tree_at(
        lambda n: (n.ih, n.hh, n.b_ih, n.b_hh),
        network,
        (
            jax.scipy.linalg.block_diag(network.ih[:units, :inputs], apart),
            jax.scipy.linalg.block_diag(network.hh[:units, :units], 0 * apart),
            jnp.pad(network.b_ih[:units], (0, memory)),
            jnp.pad(network.b_hh[:units], (0, memory)),
        ),
    )


def haemodynamic(
    neural: Float[Array, "time region"], delay_s: Float[Array, ""], per_volume: int
) -> Float[Array, "volume region"]:
    """Neural activity as BOLD at the scanner's volumes, b = (H + delay H') n.

    H convolves with Glover's response, of sum 1, and keeps every `per_volume`-th step; H' does so
    with its derivative by a delay.
    """
    response, later = _convolutions(neural.shape[0], per_volume)
    return jnp.asarray(response) @ neural + delay_s * (jnp.asarray(later) @ neural)


def _convolutions(steps: int, per_volume: int) -> tuple[np.ndarray, np.ndarray]:
    """H and H' as matrices [volume, step]."""
    time = np.arange(0, HRF_S, STEP_S)
    shape = glover_hrf(time)
    derivative = (glover_hrf(time - 0.1) - glover_hrf(time)) / 0.1
    lag = np.arange(0, steps, per_volume)[:, None] - np.arange(steps)
    inside = (lag >= 0) & (lag < len(time))
    at = np.where(inside, lag, 0)
    response, later = (
        np.where(inside, kernel[at] / shape.sum(), 0).astype(np.float32)
        for kernel in (shape, derivative)
    )
    return response, later


def outputs(
    person: Person, stimulus: Float[Array, "time input"], actions: int, per_volume: int
) -> Float[Array, "time output"]:
    """What `twin.rnn.unroll` is for a network: action logits and BOLD at every step.

    BOLD is that of the volume before, held until the next.
    """
    logits, neural = split_outputs(unroll(person.network, stimulus), actions)
    volumes = haemodynamic(neural, person.delay_s, per_volume)
    held = jnp.repeat(volumes, per_volume, axis=0)[: len(logits)]
    return jnp.concatenate([logits, held], axis=1)


def chunked_unroll(
    network: MainNetwork,
    stimulus: Float[Array, "time input"],
    *,
    piece: int,
    before: int,
) -> Float[Array, "time output"]:
    """`unroll` in pieces side by side: each begins at h = 0 some steps before its own first.

    A fast network forgets within those steps, so that pieces put together are the whole, while a
    step of all pieces costs little more than a step of one.

    Args:
        network: one person's.
        stimulus: of a stretch whose length is a multiple of `piece`.
        piece: steps of one piece.
        before: steps by which it begins early.
    """
    time, inputs = stimulus.shape
    padded = jnp.concatenate([jnp.zeros((before, inputs), stimulus.dtype), stimulus])
    place = np.arange(0, time, piece)[:, None] + np.arange(before + piece)
    drive = padded[place] @ network.ih.T + network.b_ih + network.b_hh
    # a stretch begins at rest, not at what biases make of silence
    started = jnp.asarray(place >= before, drive.dtype)

    def step(hidden, now):
        drive_t, on = now
        return on[:, None] * jnp.tanh(drive_t + hidden @ network.hh.T), hidden

    start = jnp.zeros((len(place), network.hh.shape[0]), drive.dtype)
    _, hidden = jax.lax.scan(step, start, (drive.swapaxes(0, 1), started.T))
    kept = hidden[before:].swapaxes(0, 1).reshape(time, -1)
    return kept @ network.ho.T + network.b_ho
