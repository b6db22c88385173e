"""Linear features of a connectome in which people are alike or not: edges, parcels, networks.

    phi(c) = (A'c - centre) / spread

With A = 1 these are the edges; a column of A that averages the edges from a parcel to a network, or
between two networks, makes coarser ones. Whatever is linear in features is linear in edges,
w = A (v / spread).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import sparse

from dtb_jax.twin.connectome import edge_blocks


class Features(NamedTuple):
    """Features of one kind; over the people they are made for, |phi|^2 has mean 1."""

    average: sparse.csc_array | None  # [edge, feature]; None: every edge is a feature
    centre: Float[np.ndarray, " feature"]
    spread: Float[np.ndarray, " feature"]

    def of(
        self, connectomes: Float[np.ndarray, "people edge"]
    ) -> Float[np.ndarray, "people feature"]:
        """Features of several people."""
        return self.difference(connectomes) - self.centre / self.spread

    def difference(
        self, edits: Float[np.ndarray, "people edge"]
    ) -> Float[np.ndarray, "people feature"]:
        """By how much features differ where connectomes differ by these edges."""
        own = edits if self.average is None else edits @ self.average
        return own / self.spread

    def to_edges(
        self, weights: Float[np.ndarray, "feature target"]
    ) -> Float[np.ndarray, "edge target"]:
        """Weights of edges that say the same as these weights of features."""
        own = weights / self.spread[:, None]
        return own if self.average is None else self.average @ own


def edge_features(connectomes: Float[np.ndarray, "people edge"]) -> Features:
    """Every edge, centred; what varies more counts more."""
    centre = connectomes.mean(axis=0, dtype=float)
    size = np.sqrt(np.square(connectomes - centre.astype(np.float32)).sum(axis=1).mean())
    return Features(None, centre.astype(np.float32), np.full(len(centre), size or 1, np.float32))


def block_features(
    connectomes: Float[np.ndarray, "people edge"], networks: Sequence[str]
) -> Features:
    """The mean of the edges between each two networks, and within each, standardised.

    Args:
        connectomes: of the people who standardise.
        networks: a label a parcel.
    """
    block, _ = edge_blocks(networks)
    return _means(connectomes, np.arange(len(block)), block)


def parcel_features(
    connectomes: Float[np.ndarray, "people edge"], networks: Sequence[str]
) -> Features:
    """The mean of the edges from each parcel to each network, standardised.

    Args:
        connectomes: of the people who standardise.
        networks: a label a parcel.
    """
    names, network = np.unique(np.asarray(networks), return_inverse=True)
    one, other = np.triu_indices(len(network), k=1)
    to = np.concatenate([one * len(names) + network[other], other * len(names) + network[one]])
    _, group = np.unique(to, return_inverse=True)
    return _means(connectomes, np.tile(np.arange(len(one)), 2), group)


def _means(connectomes, edge: np.ndarray, group: np.ndarray) -> Features:
    """Means over groups of edges, standardised; an edge may be in several groups."""
    share = 1 / np.bincount(group)[group]
    average = sparse.csc_array(
        (share.astype(np.float32), (edge, group)), (connectomes.shape[1], group.max() + 1)
    )
    means = connectomes @ average
    sd = means.std(axis=0, dtype=float)
    spread = np.where(sd > 1e-9, sd, 1) * np.sqrt(max((sd > 1e-9).sum(), 1))
    return Features(average, means.mean(axis=0, dtype=float), spread)


def features_of(
    connectomes: Float[np.ndarray, "people edge"], networks: Sequence[str] | None
) -> list[Features]:
    """All kinds: edges, and blocks and parcels where the parcels' networks are known."""
    kinds = [edge_features(connectomes)]
    if networks is None:
        return kinds
    return kinds + [make(connectomes, networks) for make in (block_features, parcel_features)]
