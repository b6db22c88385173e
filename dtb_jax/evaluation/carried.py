"""The share that the connectome carries of every number that is asked about, beside the truth."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dtb_jax.evaluation.phenotypes import Phenotype
from dtb_jax.evaluation.share import Similarity, connectome_share, similarity
from dtb_jax.models.mixed_effects.features import block_features, edge_features

FEWEST = 40
"""People with a number, below whom nothing is said of its share."""
LEAST_RELIABILITY = 0.2
"""Of a number, below which its reliable part is too small to be asked about."""
ANYTHING = 0.9
"""Width of an 80 % interval from which it leaves a share open: about 0 to 100 %."""


class VarianceExplained(NamedTuple):
    """Of one number; without a median where it is not reliable enough."""

    median: float | None
    intervals: dict[str, tuple[float, float]]  # "0.5", "0.8", "0.95"
    reliability: float
    people: int
    mixture: Float[np.ndarray, " kernel"]  # how much each kind of feature counts


def cannot_be_told(share: Mapping) -> bool:
    """Whether a share in `metrics.json` could be anything, by its 80 % interval."""
    low, high = share["ci_80"]
    return high - low >= ANYTHING


def similarities(
    first: Float[np.ndarray, "people edge"],
    second: Float[np.ndarray, "people edge"] | None,
    networks: Sequence[str] | None,
) -> list[Similarity]:
    """Of edges and of blocks, from two connectomes of the same people where there are two.

    Args:
        first, second: from other runs each; without a second nothing is known of noise.
        networks: a label a parcel; None: unknown, edges alone.
    """
    mean = first if second is None else (first + second) / 2
    kinds = [edge_features(mean)]
    if networks is not None:
        kinds.append(block_features(mean, networks))
    found = []
    for kind in kinds:
        noise = None if second is None else kind.difference((first - second) / 2)
        found.append(similarity(kind.of(mean), noise))
    return found


def shares(
    kinds: Sequence[Similarity],
    asked: dict[str, Phenotype],
    known: Bool[np.ndarray, " people"],
    *,
    seed: int,
    regressors: Float[np.ndarray, "people regressor"] | None = None,
) -> dict[str, VarianceExplained]:
    """Share of every number; numbers known of the same people are worked out at once.

    Args:
        kinds: see `similarities`, of everybody.
        asked: numbers.
        known: whose connectomes may serve.
        seed: of the simulations.
        regressors: what is taken out of both sides, of everybody.
    """
    groups: dict[bytes, list[str]] = {}
    for name, number in asked.items():
        groups.setdefault((known & np.isfinite(number.values)).tobytes(), []).append(name)
    found: dict[str, VarianceExplained] = {}
    for pattern, names in groups.items():
        rows = np.flatnonzero(np.frombuffer(pattern, bool))
        if len(rows) < FEWEST:
            continue
        values = np.stack([asked[name].values[rows] for name in names], axis=1)
        carried = connectome_share(
            [kind.of(rows) for kind in kinds],
            values,
            np.stack([asked[name].reliability for name in names], axis=1),
            seed=seed,
            regressors=None if regressors is None else regressors[rows],
        )
        spans = {str(s): carried.interval(s) for s in (0.5, 0.8, 0.95)}
        for k, name in enumerate(names):
            reliability = float(np.median(asked[name].reliability))
            reliable = reliability >= LEAST_RELIABILITY
            found[name] = VarianceExplained(
                float(spans["0.8"][0][k]) if reliable else None,
                {s: (float(low[k]), float(high[k])) for s, (_, low, high) in spans.items()},
                reliability,
                len(rows),
                carried.mixture[:, k],
            )
    return {name: found[name] for name in asked if name in found}
