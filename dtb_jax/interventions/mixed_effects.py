"""Interventions on a mixed-effects twin: edits act through f(connectome) only.

    w = theta_0 + scale B f(c + edit)

f is that of connectomes without noise where two of each person are known: an edit has none. What
is a person's own stays as it is. Delays of the haemodynamic response and unattended trials stay the
population's: an edit is to change what regions do and how people decide.
"""

from functools import partial
from typing import Any, cast

import equinox as eqx
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.interventions.edits import in_parts
from dtb_jax.interventions.endpoints import Asked, endpoints
from dtb_jax.interventions.scene import SessionProtocol
from dtb_jax.models.mixed_effects.encoder import Encoder
from dtb_jax.models.mixed_effects.likelihood import read_lapsing
from dtb_jax.models.mixed_effects.network import Person, outputs
from dtb_jax.models.mixed_effects.training import Mixed
from dtb_jax.twin.rnn import MainNetwork
from dtb_jax.types import Array


class ThroughConnectome(eqx.Module):
    """The twin as a function of the connectome alone."""

    population: nn.Module = eqx.field(static=True)
    network: Any  # parameters of the population
    encoder: Encoder

    def at(self, z: Float[Array, " coordinate"]) -> MainNetwork:
        """The network of a person who is there."""
        return cast(Person, self.population.apply(self.network, z)).network

    def __call__(self, connectome: Float[Array, " edge"]) -> MainNetwork:
        """The network that the connectome alone lets one expect."""
        return self.at(self.encoder(connectome))


def disattenuate(mixed: Mixed, apart: Float[np.ndarray, "people edge"]) -> Mixed:
    """The twin whose f is that of connectomes without noise, see `Encoded.disattenuate`."""
    return mixed._replace(
        prior=mixed.prior._replace(encoded=mixed.prior.encoded.disattenuate(apart))
    )


def through_connectome(mixed: Mixed) -> ThroughConnectome:
    """The fitted twin as a function of the connectome."""
    parts = jax.tree.map(jnp.asarray, (mixed.common.network, mixed.prior.encoder()))
    return ThroughConnectome(mixed.population, *parts)


def asked_of(mixed: Mixed, region: int | None, per_volume: int) -> Asked:
    """How this twin's outputs are read in interventions.

    Args:
        mixed: the twin.
        region: see `Asked`.
        per_volume: steps from one volume to the next.
    """
    actions = mixed.population.actions
    middle = jnp.asarray(mixed.prior.middle, jnp.float32)
    person = cast(Person, mixed.population.apply(mixed.common.network, middle))

    def one(network: MainNetwork, stimulus: Float[Array, "time input"]) -> Array:
        return outputs(
            Person(network, person.delay_s, person.inattention), stimulus, actions, per_volume
        )

    unroll = jax.vmap(one, in_axes=(None, 0))
    read = partial(read_lapsing, jnp.asarray(mixed.common.lapse), person.inattention)
    return Asked(actions, region, read, unroll)


def spread_of_changes(
    mixed: Mixed,
    connectomes: Float[np.ndarray, "people edge"],
    edits: Float[np.ndarray, "people edge"],
    scene: SessionProtocol,
    asked: Asked,
) -> dict[str, Float[np.ndarray, " people"]]:
    """SD of what edits do to every indicator, as far as f is not known.

    sd^2 = sum_k (d indicator / d u_k)^2 var(W_k'edit), slopes at the edited connectome, u as in
    `prior`.

    Args:
        mixed: the twin.
        connectomes: of several people.
        edits: theirs.
        scene, asked: as in `endpoints`.
    """
    twin = through_connectome(mixed)
    slopes = in_parts(lambda e: _slopes(twin, e, scene, asked=asked), connectomes + edits)
    variance = mixed.prior.encoded.variance_of_change(edits)
    return {
        name: np.sqrt(np.einsum("pz,pz->p", np.square(slope @ mixed.prior.back.T), variance))
        for name, slope in slopes.items()
    }


@eqx.filter_jit
def _slopes(twin: ThroughConnectome, connectomes, scene: SessionProtocol, *, asked: Asked):
    def one(connectome):
        told = jax.jacfwd(lambda z: endpoints(twin.at(z), scene, asked))
        return told(twin.encoder(connectome))

    return jax.vmap(one)(connectomes)
