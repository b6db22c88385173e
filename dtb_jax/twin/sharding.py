"""People over many devices: ordinary `jit`, with everybody's arrays laid out over a mesh."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "people"


def people_mesh() -> Mesh | None:
    """All devices of all processes in one row; nothing where there is but one."""
    devices = jax.devices()
    if len(devices) == 1:
        return None
    return jax.make_mesh((len(devices),), (AXIS,), (AxisType.Auto,), devices=devices)


def within(mesh: Mesh | None) -> AbstractContextManager:
    """Where `by_device` knows of the mesh."""
    return nullcontext() if mesh is None else jax.set_mesh(mesh)


def replicate(tree: Any, mesh: Mesh | None) -> Any:
    """The same on every device."""
    return _put(tree, mesh, PartitionSpec())


def shard(tree: Any, mesh: Mesh | None) -> Any:
    """Leading axes divided among devices; see `pad`."""
    return _put(tree, mesh, PartitionSpec(AXIS))


def _put(tree: Any, mesh: Mesh | None, spec: PartitionSpec) -> Any:
    if mesh is None:
        return tree
    sharding = NamedSharding(mesh, spec)

    def put(leaf):
        if not hasattr(leaf, "dtype") or not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            # from the host: what is on one process's device can not be sent to another's
            return jax.device_put(np.asarray(leaf), sharding)
        return jax.random.wrap_key_data(put(jax.random.key_data(leaf)))

    return jax.tree.map(put, tree)


def pad(people: np.ndarray, weight: np.ndarray, mesh: Mesh | None) -> tuple[np.ndarray, np.ndarray]:
    """A batch with as many people on every device; who fills it up has weight 0."""
    devices = 1 if mesh is None else mesh.size
    size = -(-len(people) // devices) * devices
    return np.resize(people, size), np.pad(weight, (0, size - len(people)))


def replicated(tree: Any) -> Any:
    """Within a mesh: a result that every device has as a whole, so that the next step begins like
    the first."""
    if AXIS not in jax.sharding.get_abstract_mesh().axis_names:
        return tree
    return jax.lax.with_sharding_constraint(tree, PartitionSpec())


def by_device(function: Callable) -> Callable:
    """A function of everybody, [people, ...], that every device computes of its own people.

    Where the compiler alone divides the work, a loop over people would run through all of them on
    every device.
    """

    def divided(*everybody):
        mesh = jax.sharding.get_abstract_mesh()
        if AXIS not in mesh.axis_names or jax.tree.leaves(everybody)[0].shape[0] % mesh.size:
            return function(*everybody)
        spec = PartitionSpec(AXIS)
        # a scan from h = 0 starts with what does not vary between devices; the check forbids that
        over = jax.shard_map(function, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
        return over(*everybody)

    return divided
