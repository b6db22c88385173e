"""What this machine can do at best, and how work is timed: shared by the benchmarks of speed."""

import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.workflows.session import commit, versions


class Floor(NamedTuple):
    """Rates that nothing on this machine exceeds, measured in the run that is judged by them."""

    matmul_flops: float  # a second, of large float32 products, both factors' best
    bytes: float  # a second, read and written


class Timed(NamedTuple):
    """Seconds of one piece of work."""

    median_s: float
    least_s: float
    most_s: float
    first_s: float  # with compilation
    repeats: int


def timed(work: Callable[[], Any], repeats: int) -> Timed:
    """Call once to compile, then `repeats` times."""
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        jax.block_until_ready(work())
        seconds.append(time.perf_counter() - began)
    rest = seconds[1:]
    return Timed(float(np.median(rest)), min(rest), max(rest), seconds[0], repeats)


def measure_floor(size: int = 4096) -> Floor:
    """The rate of a large product, and of arrays too large for caches read and written once."""
    cores = len(os.sched_getaffinity(0))
    factor = jnp.asarray(np.random.default_rng(0).normal(size=(size, size)), jnp.float32)
    product = jax.jit(jnp.matmul)
    flops = 2 * size**3 / timed(lambda: product(factor, factor), 3).least_s
    if jax.default_backend() == "cpu":
        flops = max(flops, 2 * size**3 / _blas(np.asarray(factor)))
        return Floor(flops, _copied(512 << 20, cores))
    array = jnp.zeros(1 << 30, jnp.float32)  # a call costs as long as moving 400 MB
    copy = jax.jit(lambda a: a + 1, donate_argnums=0)
    held = [array]

    def step():
        held[0] = copy(held[0])
        return held[0]

    return Floor(flops, 2 * array.nbytes / timed(step, 10).least_s)


def _blas(factor: np.ndarray) -> float:
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        factor @ factor
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _copied(size: int, threads: int) -> float:
    """Bytes a second, read and written, by as many threads as there are cores."""
    pairs = [(np.ones(size // 8 // threads), np.ones(size // 8 // threads)) for _ in range(threads)]
    seconds = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            began = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(*pair), pairs))
            seconds.append(time.perf_counter() - began)
    return 2 * threads * pairs[0][0].nbytes / min(seconds)


def about() -> dict[str, Any]:
    """Device, cores, software."""
    found = {
        "device": jax.devices()[0].device_kind,
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "allocator": os.environ.get("GLIBC_TUNABLES", ""),
        "commit": commit(),
        "versions": versions() | {"jaxlib": version("jaxlib")},
    }
    with suppress(PackageNotFoundError):
        found["versions"]["torch"] = version("torch")
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            fields = dict(line.split(":", 1) for line in lines if ":" in line)
    except OSError:
        return platform.processor()
    named = {key.strip(): value.strip() for key, value in fields.items()}
    return ", ".join(named.get(key, "") for key in ("model name", "cpu family", "model"))
