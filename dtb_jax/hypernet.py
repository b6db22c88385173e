"""The hypernetwork: from one person's connectome to all weights of that person's main network."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.mainnet import MainNetwork, flatten, unflatten, weight_count
from dtb_jax.types import Array


class Hypernetwork(nn.Module):
    """w = base + scale * L3 mish(L2 mish(L1 dropout(gain * e))), cut into a `MainNetwork`.

    The paper's form is base = 0, scale = 1, gain = 1. The default recipe starts everybody from
    one sound recurrent network (`initial_network`) and lets the connectome move it a little; its
    `gain` of 512 / edges keeps Adam's step in the first layer as large as it is with 512 inputs,
    while the first layer's initial weights are larger by as much, so that activations start equal.
    """

    inputs: int
    units: int
    outputs: int
    width: int = 200
    dropout: float = 0.1
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
        features = nn.Dropout(self.dropout, deterministic=not training)(connectome)
        features = mish(nn.Dense(self.width, kernel_init=first)(self.gain * features))
        features = mish(nn.Dense(self.width)(features))
        size = weight_count(self.inputs, self.units, self.outputs)
        weights = self.scale * nn.Dense(size)(features)
        if self.base:
            weights = weights + self.param("base", self._initial, size)
        return unflatten(weights, self.inputs, self.units, self.outputs)

    def _initial(self, key: jax.Array, size: int) -> Float[Array, " weight"]:
        del size
        return flatten(
            initial_network(
                key,
                inputs=self.inputs,
                units=self.units,
                outputs=self.outputs,
                slow=int(self.slow_share * self.units),
                actions=self.actions,
                no_press=self.no_press,
            )
        )


def mish(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """x tanh(softplus(x)). Source: Misra 2019."""
    return x * jnp.tanh(jax.nn.softplus(x))


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
    """A recurrent network that can be trained: fast mixing units beside slow ones.

    The fast units mix through 0.9 x an orthogonal matrix; each slow one remembers on its own,
    with time constants from 0.8 to 16 s, because a haemodynamic response outlasts what the fast
    ones can hold. Every action starts at logit `no_press`.

    Args:
        key: PRNG key.
        inputs, units, outputs: sizes.
        slow: how many of the units are slow.
        actions: how many of the outputs are action channels.
        no_press: initial bias of the action channels.

    Returns: the network everybody starts from.
    """
    key_in, key_rec, key_slow, key_out = jax.random.split(key, 4)
    fast = units - slow
    recurrent = jnp.zeros((units, units))
    recurrent = recurrent.at[:fast, :fast].set(
        0.9 * jax.random.orthogonal(key_rec, fast, dtype=jnp.float32)
    )
    decay = jnp.asarray(np.exp(-0.08 / np.geomspace(0.8, 16.0, slow)), jnp.float32)
    recurrent = recurrent.at[jnp.arange(fast, units), jnp.arange(fast, units)].set(decay)
    bias = jnp.zeros(outputs).at[:actions].set(no_press)
    drive = 0.5 * jax.random.normal(key_in, (units, inputs))
    # A slow unit adds up its input, so its input is as small as its memory is long.
    gain = jnp.concatenate([jnp.ones(fast), 1 - decay])
    mix = 0.02 * jax.random.normal(key_slow, (units, units))
    feed = jnp.where((jnp.arange(units) >= fast)[:, None] & (jnp.arange(units) < fast), mix, 0.0)
    return MainNetwork(
        ih=drive * gain[:, None],
        hh=recurrent + feed,
        b_ih=jnp.zeros(units),
        b_hh=jnp.zeros(units),
        ho=0.1 * jax.random.normal(key_out, (outputs, units)),
        b_ho=bias,
    )
