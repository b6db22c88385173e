"""The hypernetwork: from one person's connectome to all weights of that person's main network."""

import dataclasses
from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.twin.rnn import MainNetwork, flatten, unflatten, weight_count
from dtb_jax.types import STEP_S, Array

CHAIN = 4
"""Leaky integrators in a slow cascade."""


class Hypernetwork(nn.Module):
    """One person's weights, w = pace (base + scale L3 mish(L2 mish(L1 dropout(gain e)))).

    The paper's form is base = 0, pace = 1, scale = 1, gain = 1, started as PyTorch starts it. The
    default recipe starts everybody from one sound network (`initial_network`) and lets the
    connectome move it; its `gain` of 512 / edges keeps Adam's step in the first layer as large as
    it is with 512 inputs, while the first layer's initial weights are larger by as much, so that
    activations start equal.
    """

    inputs: int
    units: int
    outputs: int
    width: int = 200
    dropout: float | Float[Array, ""] = 0.1
    absence: float = 0.0
    scale: float = 0.03
    gain: float = 1.0
    base: bool = True
    slow_share: float = 0.5
    no_press: float = -3.0
    actions: int = 3

    @nn.compact
    def __call__(self, connectome: Float[Array, " edge"], training: bool = False) -> MainNetwork:
        """One person's network from the standardised edges [edge]."""
        first = nn.initializers.variance_scaling(1.0 / self.gain**2, "fan_in", "normal")
        # With a base, people start almost alike: random weights would drown the slow units.
        last = nn.initializers.variance_scaling(0.01, "fan_in", "normal")
        size = weight_count(self.inputs, self.units, self.outputs)
        features = self._thinned(connectome, training)
        features = mish(self._linear(self.gain * features, self.width, first))
        features = mish(self._linear(features, self.width, nn.initializers.lecun_normal()))
        weights = self.scale * self._linear(features, size, last, partial(Rows, name="Dense_2"))
        if self.base:
            pace = self.pace()
            weights = pace * (self.param("base", self.initial, pace) + weights)
        return unflatten(weights, self.inputs, self.units, self.outputs)

    def _thinned(self, connectome: Float[Array, " edge"], training: bool) -> Float[Array, " edge"]:
        """In training some edges are missing, and in a share `absence` of draws the whole person:
        then the mean connectome has to do, and unknown people have a sound network to start at."""
        if training and self.absence:
            connectome = connectome * jax.random.bernoulli(
                self.make_rng("dropout"), 1 - self.absence
            )
        if not training:
            return connectome
        # flax's own layer has no rate that is known only when the program runs
        kept = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.dropout, connectome.shape)
        return jnp.where(kept, connectome / (1 - self.dropout), 0)

    def _linear(
        self, x: Float[Array, " in"], outputs: int, kernel: Callable, layer: Callable = nn.Dense
    ) -> Float[Array, " out"]:
        """A layer whose weights start as `kernel`; without a base, as PyTorch starts it.

        The paper's networks owe their mild start to weights and biases uniform within
        1 / sqrt(inputs). Flax's own start makes generated weights five times as large at the
        paper's size (SD .43 for .084), and the first epoch has no finite loss.
        """
        if self.base:
            return layer(outputs, kernel_init=kernel)(x)
        bound = x.shape[-1] ** -0.5

        def uniform(key, shape, dtype=jnp.float32):
            return jax.random.uniform(key, shape, dtype, -bound, bound)

        return layer(outputs, kernel_init=uniform, bias_init=uniform)(x)

    def initial(self, key: jax.Array, pace: np.ndarray) -> Float[Array, " weight"]:
        """Everybody's start, `initial_network`, in units of the pace."""
        network = initial_network(
            key,
            inputs=self.inputs,
            units=self.units,
            outputs=self.outputs,
            slow=int(self.slow_share * self.units),
            actions=self.actions,
            no_press=self.no_press,
        )
        return flatten(network) / pace

    def pace(self) -> np.ndarray:
        """How far each weight moves a step: what feeds a slow unit moves less, by 1 - d.

        One step of Adam on all weights into a unit would otherwise overturn a slow one's memory.
        """
        unit = self.unit_pace()
        readout = np.ones(self.outputs * (self.units + 1))
        rows = [np.repeat(unit, self.inputs), np.repeat(unit, self.units), unit, unit, readout]
        return np.concatenate(rows).astype(np.float32)

    def unit_pace(self) -> np.ndarray:
        """1 - d of every unit, 1 for fast ones."""
        slow = int(self.slow_share * self.units)
        return np.concatenate([np.ones(self.units - slow), 1 - cascade_decay(slow)])


class Rows(nn.Module):
    """A linear layer, y = W x + b, for very many outputs: `flax.linen.Dense` keeps W', this one W.

    It starts with the same numbers. With a row an output, the products with W and its gradient are
    up to four times as fast on a CPU, and none of them is turned afterwards.
    """

    outputs: int
    kernel_init: Callable
    bias_init: Callable = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: Float[Array, " in"]) -> Float[Array, " out"]:
        """y of one person."""

        def turned(key, shape):
            return self.kernel_init(key, shape[::-1]).T

        kernel = self.param("kernel", turned, (self.outputs, x.shape[-1]))
        bias = self.param("bias", self.bias_init, (self.outputs,))
        return jax.lax.dot_general(x, kernel, (((0,), (1,)), ((), ()))) + bias


class ConstantInput(nn.Module):
    """One network for everybody that gets the connectome as a constant extra input.

    w = base, but for the hidden bias b_ih + C dropout(gain e): the ablation of a hypernetwork.

    Source: Takahashi et al. 2026, where the reaction times of such networks have r about 0.
    """

    inputs: int
    units: int
    outputs: int
    dropout: float = 0.1
    gain: float = 1.0
    slow_share: float = 0.5
    no_press: float = -3.0
    actions: int = 3

    @nn.compact
    def __call__(self, connectome: Float[Array, " edge"], training: bool = False) -> MainNetwork:
        """One person's network from the standardised edges [edge]."""
        start = Hypernetwork(
            inputs=self.inputs,
            units=self.units,
            outputs=self.outputs,
            slow_share=self.slow_share,
            no_press=self.no_press,
            actions=self.actions,
            parent=None,
        )
        pace = start.pace()
        weights = pace * self.param("base", start.initial, pace)
        network = unflatten(weights, self.inputs, self.units, self.outputs)
        features = nn.Dropout(self.dropout, deterministic=not training)(connectome)
        small = nn.initializers.variance_scaling(0.01 / self.gain**2, "fan_in", "normal")
        constant = nn.Dense(self.units, use_bias=False, kernel_init=small)(self.gain * features)
        return dataclasses.replace(network, b_ih=network.b_ih + start.unit_pace() * constant)


def mish(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """x tanh(softplus(x)). Source: Misra 2019."""
    return x * jnp.tanh(jax.nn.softplus(x))


def cascade_decay(slow: int) -> np.ndarray:
    """d of every slow unit, exp(-step / tau); equal within a chain, tau from 0.6 to 3 s."""
    chains = max(1, -(-slow // CHAIN))
    return np.exp(-STEP_S / np.geomspace(0.6, 3.0, chains))[np.arange(slow) // CHAIN]


def initial_network(
    key: jax.Array,
    *,
    inputs: int,
    units: int,
    outputs: int,
    slow: int,
    actions: int,
    no_press: float,
) -> MainNetwork:
    """A recurrent network that can be trained: fast mixing units beside slow cascades.

    The fast units mix through 0.9 x an orthogonal matrix. The slow ones form chains of four leaky
    integrators, each fed by the one before, s_k' = d s_k + (1 - d) s_(k-1): such a cascade delays
    and smooths as a haemodynamic response does, which a fast unit can not learn within reach.
    Time constants run from 0.6 to 3 s over the chains; the first of a chain hears the inputs and
    the fast units. Action channels start at logit `no_press`, BOLD channels at 0.

    Args:
        key: PRNG key.
        inputs, units, outputs: sizes.
        slow: how many of the units are slow.
        actions: how many of the outputs are action channels.
        no_press: initial bias of the action channels.

    Returns: the network everybody starts from.
    """
    key_in, key_rec, key_mix, key_out = jax.random.split(key, 4)
    fast = units - slow
    place = np.arange(slow)
    decay = cascade_decay(slow)
    first = place % CHAIN == 0
    cascade = np.diag(decay)
    cascade[place[~first], place[~first] - 1] = (1 - decay)[~first]
    # What a unit hears is scaled by 1 - decay, so that its level does not grow with its memory.
    hears = jnp.asarray(np.where(first, 1 - decay, 0.0)[:, None], jnp.float32)
    # Wide enough to bend tanh: ink and word must meet in a product for conflict to be seen.
    drive = jax.random.normal(key_in, (units, inputs))
    mix = hears * jax.random.normal(key_mix, (slow, fast)) / np.sqrt(max(fast, 1))
    orthogonal = 0.9 * jax.random.orthogonal(key_rec, fast)
    recurrent = jnp.block(
        [
            [orthogonal, jnp.zeros((fast, slow))],
            [mix, jnp.asarray(cascade, jnp.float32)],
        ]
    )
    readout = 0.1 * jax.random.normal(key_out, (outputs, units))
    return MainNetwork(
        ih=jnp.concatenate([drive[:fast], 2 * hears * drive[fast:]]),
        hh=recurrent,
        b_ih=jnp.zeros(units),
        b_hh=jnp.zeros(units),
        ho=readout.at[actions:].set(0.0),
        b_ho=jnp.zeros(outputs).at[:actions].set(no_press),
    )
