"""What a training step sees: some people, and stretches of time drawn from their runs."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from dtb_jax.types import Array, Sequences


def cut_segments(
    runs: Sequences, starts: Int[Array, "people run segment"], steps: int
) -> Sequences:
    """Segments [people, run * segment, steps, ...] of runs [people, run, time, ...]."""

    def cut(sequence, start):
        return jax.lax.dynamic_slice_in_dim(sequence, start, steps)

    def fold(leaf):
        return leaf.reshape(leaf.shape[0], leaf.shape[1] * leaf.shape[2], *leaf.shape[3:])

    over = jax.vmap(jax.vmap(jax.vmap(cut, in_axes=(None, 0))))
    available = jnp.broadcast_to(
        runs.available[:, :, None], (*starts.shape, runs.available.shape[-1])
    )
    sequences = {name: leaf for name, leaf in runs._asdict().items() if name != "available"}
    segments = {name: fold(over(leaf, starts)) for name, leaf in sequences.items()}
    return Sequences(**segments, available=fold(available))


def segment_starts(
    key: jax.Array, people: int, runs: int, segments: int, last: int, stride: int
) -> Int[Array, "people run segment"]:
    """Evenly spread starts with jitter, from 0 to `last`, on a grid of `stride` steps.

    start_s = floor((s + u) / segments * (last + 1)), u ~ U[0, 1), rounded down to the grid.
    """
    jitter = jax.random.uniform(key, (people, runs, segments))
    spread = (jnp.arange(segments) + jitter) / segments
    return jnp.clip((spread * (last + 1)).astype(jnp.int32), 0, last) // stride * stride


def batches(
    people: int, batch: int, seed: int, epoch: int, passes: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Everybody `passes` times, in orders of seed and epoch; fillers have weight 0."""
    rng = np.random.default_rng([seed, epoch])
    for _ in range(passes):
        padded = np.resize(rng.permutation(people), -(-people // batch) * batch)
        weight = (np.arange(len(padded)) < people).astype(np.float32)
        for start in range(0, len(padded), batch):
            yield padded[start : start + batch], weight[start : start + batch]
