"""Who races in `throughput`: this software, JAX's plain scan, and PyTorch in three ways."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import sizes
from benchmarks.machine import about
from benchmarks.sizes import Size, Subject
from dtb_jax.twin import twin as twins
from dtb_jax.twin.rnn import unroll
from dtb_jax.twin.twin import simulate_cohort

FASTEST, LOOPED = "ours", "looped"
WORKS = ("train", "forward", "edge_gradient")
LESS_EXACT = ("tensorfloat32", "BF16_BF16_F32")
"""What an accelerator can multiply faster in, by JAX's names."""
Work = Callable[[], Any]


class Engine(NamedTuple):
    """One who races, made when its turn comes."""

    make: Callable[[], dict[str, Work]]
    works: tuple[str, ...] = WORKS
    precision: str = "float32"  # of JAX's products; what is less exact is shown, not refused
    plain: bool = False


def engines(size: Size) -> dict[str, Engine]:
    """Who races, PyTorch where it is installed."""
    made = partial(jax_works, size)
    found = {FASTEST: Engine(made)}
    on_cpu = jax.default_backend() == "cpu"
    with suppress(ImportError):
        found |= torch_engines(size, on_cpu)
    found["plain"] = Engine(made, plain=True)
    if on_cpu:
        return found
    less = {f"{FASTEST} ({name})": Engine(made, ("train",), name) for name in LESS_EXACT}
    return found | less


def torch_engines(size: Size, on_cpu: bool) -> dict[str, Engine]:
    """PyTorch batched by hand, in the ways that may be its best, and in the public design's loops.

    Raises: ImportError where there is no PyTorch.
    """
    import torch  # noqa: F401

    works = partial(torch_works, size, sizes.make(size))
    cores = about()["cores"]
    if on_cpu:
        ways = {f"batched, {n} threads": {"threads": n} for n in sorted({1, cores})}
    else:
        ways = {"batched": {}, "batched, graph": {"graph": True}}
    found = {name: Engine(partial(works, "batched", **how)) for name, how in ways.items()}
    return found | {LOOPED: Engine(partial(works, LOOPED, threads=cores))}


def plain_cohort(networks, stimulus):
    """Everybody's outputs by `vmap(scan)`, with JAX's own reverse mode."""
    return jax.vmap(jax.vmap(unroll, in_axes=(None, 0)))(networks, stimulus)


def jax_works(size: Size) -> dict[str, Work]:
    """What is timed, by JAX."""
    subject = sizes.make(size)
    params = jax.tree.map(jnp.copy, subject.state.params)  # a step's own are donated

    def outputs(params, features):
        return simulate_cohort(subject.twin, params, features, subject.runs.stimulus)

    forward = jax.jit(outputs)
    slope = jax.jit(jax.grad(lambda features, params: outputs(params, features).mean()))
    return {
        "train": sizes.stepper(subject),
        "forward": lambda: forward(params, subject.features),
        "edge_gradient": lambda: slope(subject.features, params),
    }


def torch_works(
    size: Size, subject: Subject, kind: str, *, threads: int = 1, graph: bool = False
) -> dict[str, Work]:
    """The same by PyTorch, on the same kind of device."""
    import torch

    from benchmarks import torch_twins

    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    torch.set_num_threads(threads)
    simulate = {"batched": torch_twins.batched, LOOPED: torch_twins.looped}[kind]
    hypernet = torch_twins.Hypernetwork(
        size.edges, size.width, sizes.INPUTS, size.units, sizes.OUTPUTS
    ).take(subject.state.params)
    hypernet.to(device)
    edges, stimulus, press, bold = (
        torch.tensor(np.asarray(array), device=device)
        for array in (
            jax.vmap(subject.twin.features)(subject.features),
            subject.runs.stimulus,
            subject.runs.press,
            subject.runs.bold,
        )
    )
    step = torch_twins.trainer(
        hypernet,
        simulate,
        rate=subject.settings.learning_rate,
        fused=kind == "batched",
        graph=graph,
    )

    def outputs(edges, stimulus):
        with torch.no_grad():
            return simulate(hypernet, edges, stimulus)

    slope = partial(torch_twins.edge_gradient, hypernet, simulate)
    if graph:
        outputs, slope = torch_twins.graphed(outputs), torch_twins.graphed(slope)

    def done(work, *arguments, training):
        hypernet.train(training)
        found = work(*arguments)
        if device == "cuda":
            torch.cuda.synchronize()
        return found

    return {
        "train": partial(done, step, edges, stimulus, press, bold, training=True),
        "forward": partial(done, outputs, edges, stimulus, training=False),
        "edge_gradient": partial(done, slope, edges, stimulus, training=False),
    }


@contextmanager
def plain_scan() -> Iterator[None]:
    """A context in which everybody's outputs come from a plain scan, compiled anew."""
    jax.clear_caches()
    with mock.patch.object(twins, "unroll_cohort", plain_cohort):
        yield
    jax.clear_caches()
