"""The main network: a plain tanh recurrence whose every weight is given from outside."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from dtb_jax.twin.recurrence import hidden_states
from dtb_jax.types import Array


class MainNetwork(eqx.Module):
    """One person's network, h' = tanh(ih x + b_ih + hh h + b_hh), y = ho h + b_ho.

    It is generated, never initialised here: by a hypernetwork, by a direct fit, by an average.
    """

    ih: Float[Array, "*batch hidden input"]
    hh: Float[Array, "*batch hidden hidden"]
    b_ih: Float[Array, "*batch hidden"]
    b_hh: Float[Array, "*batch hidden"]
    ho: Float[Array, "*batch output hidden"]
    b_ho: Float[Array, "*batch output"]


def shapes(inputs: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a main network's arrays, in the order in which they are generated."""
    return {
        "ih": (hidden, inputs),
        "hh": (hidden, hidden),
        "b_ih": (hidden,),
        "b_hh": (hidden,),
        "ho": (outputs, hidden),
        "b_ho": (outputs,),
    }


def weight_count(inputs: int, hidden: int, outputs: int) -> int:
    """Number of weights and biases: hidden (inputs + hidden + 2) + outputs (hidden + 1)."""
    return hidden * (inputs + hidden + 2) + outputs * (hidden + 1)


def unflatten(
    weights: Float[Array, " weight"], inputs: int, hidden: int, outputs: int
) -> MainNetwork:
    """Cut a vector of `weight_count` numbers into one person's network.

    Raises: ValueError when the vector has another length.
    """
    expected = weight_count(inputs, hidden, outputs)
    if weights.shape != (expected,):
        raise ValueError(
            f"weights have shape {weights.shape}, expected ({expected},) for {inputs} inputs, "
            f"{hidden} hidden units and {outputs} outputs"
        )
    fields, start = {}, 0
    for name, shape in shapes(inputs, hidden, outputs).items():
        stop = start + math.prod(shape)
        fields[name] = weights[start:stop].reshape(shape)
        start = stop
    return MainNetwork(**fields)


def flatten(network: MainNetwork) -> Float[Array, " weight"]:
    """Inverse of `unflatten`."""
    return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(network)])


def unroll(
    network: MainNetwork, stimulus: Float[Array, "time input"]
) -> Float[Array, "time output"]:
    """Open-loop outputs of one person in one stretch of time.

    h_0 = 0;  y_t = ho h_t + b_ho;  h_{t+1} = tanh(ih x_t + b_ih + hh h_t + b_hh).
    The stimulus thus reaches the outputs one step late.

    Args:
        network: one person's weights.
        stimulus: inputs at every 80 ms step.

    Returns: outputs (action logits, then BOLD channels) at every step.

    Source: Takahashi et al. 2026, main network.
    """
    drive = stimulus @ network.ih.T + network.b_ih + network.b_hh

    def step(hidden, drive_t):
        return jnp.tanh(drive_t + network.hh @ hidden), hidden

    start = jnp.zeros(network.hh.shape[0], drive.dtype)
    _, hidden = jax.lax.scan(step, start, drive)
    return hidden @ network.ho.T + network.b_ho


def unroll_together(
    network: MainNetwork, stimulus: Float[Array, "stretch time input"]
) -> Float[Array, "stretch time output"]:
    """`unroll` for all stretches of one person at once: a step is one product of matrices.

    Its reverse mode is written by hand (`recurrence.hidden_states`) and several times as fast; it
    has no forward mode.
    """
    drive = stimulus.swapaxes(0, 1) @ network.ih.T + network.b_ih + network.b_hh
    after = hidden_states(network.hh, drive) @ network.ho.T
    outputs = jnp.pad(after[:-1], ((1, 0), (0, 0), (0, 0))) + network.b_ho
    return outputs.swapaxes(0, 1)
