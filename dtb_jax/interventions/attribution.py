"""Which edges a number depends on: gradients, their averages, and what deleting edges does.

Everything is of one person and of one function, connectome [edge] -> scalar, that is a callable
pytree (`directions.ConnectomeScore`, `eqx.Partial`), so that a twin's weights are arguments of
compiled programs and not constants in them. `over_people` compiles, elsewhere the caller does.
"""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from dtb_jax.twin.connectome import edge_blocks
from dtb_jax.types import Array

Function = Callable[[Float[Array, " edge"]], Float[Array, ""]]
Attribute = Callable[..., Float[Array, " edge"]]
"""(connectome, **what is each person's own) -> attributions of one person."""


def gradient(function: Function, connectome: Float[Array, " edge"]) -> Float[Array, " edge"]:
    """df / de."""
    return jax.grad(function)(jnp.asarray(connectome))


def smoothgrad(
    function: Function,
    connectome: Float[Array, " edge"],
    *,
    key: jax.Array,
    samples: int,
    noise_sd: float | Float[Array, ""],
) -> Float[Array, " edge"]:
    """Mean gradient around a connectome, <df / de (e + noise)>, one noisy copy after the other.

    Args:
        function: of the connectome.
        connectome: one person's.
        key: of the noise.
        samples: noisy copies; 100 in the paper.
        noise_sd: of normal noise; in the paper .1 x the SD of the connectome.

    Source: Smilkov et al. 2017, SmoothGrad; Takahashi et al. 2026, connectome map.
    """
    start = jnp.asarray(connectome)

    def add(total, copy):
        noise = noise_sd * jax.random.normal(copy, start.shape, start.dtype)
        return total + gradient(function, start + noise), None

    total, _ = jax.lax.scan(add, jnp.zeros_like(start), jax.random.split(key, samples))
    return total / samples


def integrated_gradients(
    function: Function,
    connectome: Float[Array, " edge"],
    baseline: Float[Array, " edge"],
    *,
    steps: int,
) -> Float[Array, " edge"]:
    """(e - b) <df / de> over the straight path from b to e, which sums to f(e) - f(b).

    Args:
        function: of the connectome.
        connectome: one person's.
        baseline: where the path starts, the training people's mean say.
        steps: points on the path, at the middle of as many equal parts.

    Source: Sundararajan, Taly & Yan 2017, integrated gradients.
    """
    start, way = jnp.asarray(baseline), jnp.asarray(connectome) - baseline

    def add(total, share):
        return total + gradient(function, start + share * way), None

    shares = (jnp.arange(steps, dtype=way.dtype) + 0.5) / steps
    total, _ = jax.lax.scan(add, jnp.zeros_like(way), shares)
    return way * total / steps


def person_keys(key: jax.Array, people: int) -> jax.Array:
    """A key for each person, `fold_in(key, person)`, whatever the others are."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.arange(people))


def over_people(
    attribute: Attribute, connectomes: Float[Array, "people edge"], *, chunk: int, **own
) -> Float[Array, " edge"]:
    """Mean attribution over people, a chunk of them at a time.

        over_people(eqx.Partial(smoothgrad, function, samples=100), connectomes, chunk=8,
                    key=person_keys(key, people), noise_sd=0.1 * connectomes.std(axis=1))
        over_people(eqx.Partial(integrated_gradients, function, baseline=mean, steps=50),
                    connectomes, chunk=8)

    Args:
        attribute: (connectome, **a person's rows of `own`) -> [edge], a callable pytree.
        connectomes: of everybody.
        chunk: people held at once; the last chunk is filled up, so that one shape is compiled.
        **own: further arguments of `attribute`, [people, ...].

    Raises: ValueError without people.
    """
    people = len(connectomes)
    if not people:
        raise ValueError("nobody to average over")
    total = jnp.zeros(())
    for start in range(0, people, chunk):
        rows = np.arange(start, start + chunk)
        inside = np.minimum(rows, people - 1)
        part, mine = jax.tree.map(lambda leaf, inside=inside: leaf[inside], (connectomes, own))
        total = total + _sum(attribute, part, mine, rows < people)
    return total / people


@eqx.filter_jit
def _sum(attribute, connectomes, own, counted):
    maps = jax.vmap(lambda connectome, mine: attribute(connectome, **mine))(connectomes, own)
    return jnp.sum(maps, axis=0, where=counted[:, None])


def top_edges(
    attribution: Float[Array, " edge"], beyond_sd: float = 2.5
) -> Bool[np.ndarray, " edge"]:
    """Edges further than so many SD of the map from its mean: those that the paper draws."""
    return np.abs(_standard(attribution)) > beyond_sd


def by_network(
    attribution: Float[Array, " edge"], networks: Sequence[str], beyond_sd: float = 2.5
) -> pd.DataFrame:
    """A map by pairs of networks.

    Args:
        attribution: of every edge.
        networks: a label a parcel.
        beyond_sd: as in `top_edges`.

    Returns: network, other_network (in alphabetical order), edges, beyond (how many are top
    edges), mean, mean_absolute.
    """
    block, pairs = edge_blocks(networks)
    values = np.asarray(attribution, float)
    edges = np.bincount(block)

    def total(of):
        return np.bincount(block, of, len(pairs))

    return pd.DataFrame(pairs, columns=["network", "other_network"]).assign(
        edges=edges,
        beyond=total(top_edges(values, beyond_sd)).astype(int),
        mean=total(values) / edges,
        mean_absolute=total(np.abs(values)) / edges,
    )


def edge_table(
    attribution: Float[Array, " edge"],
    parcel_names: Sequence[str],
    networks: Sequence[str],
    most: int,
) -> pd.DataFrame:
    """The strongest edges by name, those furthest from the map's mean first.

    Args:
        attribution: of every edge.
        parcel_names, networks: of each parcel.
        most: how many edges.

    Returns: parcel, other_parcel, network, other_network, attribution, sd (from the mean).
    """
    values, sd = np.asarray(attribution, float), _standard(attribution)
    strongest = np.argsort(-np.abs(sd), kind="stable")[:most]
    one, other = (side[strongest] for side in np.triu_indices(len(networks), k=1))
    names, labels = np.asarray(parcel_names), np.asarray(networks)
    return pd.DataFrame(
        {
            "parcel": names[one],
            "other_parcel": names[other],
            "network": labels[one],
            "other_network": labels[other],
            "attribution": values[strongest],
            "sd": sd[strongest],
        }
    )


def deletion(
    function: Function,
    connectome: Float[Array, " edge"],
    baseline: Float[Array, " edge"],
    order: Int[Array, " edge"],
    counts: Int[Array, " count"],
) -> Float[Array, " count"]:
    """How far f moves when the first k edges of an order are the baseline's, |f(e_k) - f(e)|.

    Args:
        function: of the connectome.
        connectome: one person's.
        baseline: what a deleted edge becomes.
        order: all edges, most important first.
        counts: numbers k of deleted edges.

    Source: Samek et al. 2017, region perturbation.
    """
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(order.shape[0]))

    def without(k):
        return function(jnp.where(rank < k, baseline, connectome))

    return jnp.abs(jax.vmap(without)(jnp.asarray(counts)) - function(jnp.asarray(connectome)))


def random_deletions(
    function: Function,
    connectome: Float[Array, " edge"],
    baseline: Float[Array, " edge"],
    counts: Int[Array, " count"],
    *,
    key: jax.Array,
    draws: int,
) -> Float[Array, "draw count"]:
    """`deletion` in random orders, one after the other: what an order has to surpass."""

    def draw(one):
        order = jax.random.permutation(one, connectome.shape[0])
        return deletion(function, connectome, baseline, order, counts)

    return jax.lax.map(draw, jax.random.split(key, draws))


def _standard(attribution: Float[Array, " edge"]) -> Float[np.ndarray, " edge"]:
    """SDs from the mean over edges; 0 where all edges are alike but for rounding."""
    values = np.asarray(attribution, float)
    centred, sd = values - values.mean(), values.std()
    return centred / sd if sd > 1e-9 * np.abs(values).max() else np.zeros_like(centred)
