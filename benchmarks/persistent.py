"""Is the recurrence faster on a GPU as one kernel, or unrolled, than as a loop?

    python -m benchmarks.persistent [--json=benchmarks/results/persistent/DEVICE.json]

Hidden states and their gradient (`recurrence.hidden_states`) of people x segments at the paper's
size. `loop` is what ships; unrolled, so many steps are one pass of its loop; the kernel (Pallas,
Triton) gives every segment of every person a block of threads that stays for all of its time and
reads its weights from the second-level cache at every step. Results are compared to 1e-4.
"""

import argparse
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

from benchmarks.machine import about, timed
from dtb_jax.data.writing import write_json
from dtb_jax.twin import recurrence
from dtb_jax.workflows.session import multiply_in_float32

BATCHES = {"50 people x 1 segment": (50, 1), "25 x 2": (25, 2), "5 x 10": (5, 10)}
STEPS, UNITS = 262, 400
UNROLLED = (4, 16)
ROWS = 16


def walk(matrix, start, *rest, step, interpret=False):
    """States of a recurrence [person, segment, time, unit]: state' = step(state matrix, rest)."""
    people, segments, time, units = start.shape
    width = pl.next_power_of_2(units)
    rows = -(-units // ROWS) * ROWS

    def padded(array):
        return jnp.pad(array, ((0, 0),) * 3 + ((0, width - units),))

    def kernel(matrix_ref, *refs):
        *rest_refs, out_ref = refs
        inside = jnp.arange(width) < units

        def one(t, _):
            def block(k, total):
                part = pl.ds(k * ROWS, ROWS)
                before = plgpu.load(out_ref.at[jnp.maximum(t - 1, 0), part])
                before = jnp.where(t > 0, before, 0.0)
                weights = plgpu.load(
                    matrix_ref.at[part, :],
                    mask=jnp.broadcast_to(inside[None], (ROWS, width)),
                    other=0.0,
                )
                return total + before[:, None] * weights

            total = jax.lax.fori_loop(0, rows // ROWS, block, jnp.zeros((ROWS, width)))
            now = [plgpu.load(ref.at[t, :]) for ref in rest_refs]
            plgpu.store(out_ref.at[t, :], step(total.sum(axis=0), *now))
            if not interpret:
                plgpu.debug_barrier()
            return 0

        jax.lax.fori_loop(0, time, one, 0)

    mine = pl.BlockSpec((None, None, time, width), lambda i, j: (i, j, 0, 0))
    weights = jnp.pad(matrix, ((0, 0), (0, rows - units), (0, width - units)))
    found = pl.pallas_call(
        kernel,
        grid=(people, segments),
        in_specs=[pl.BlockSpec((None, rows, width), lambda i, j: (i, 0, 0))]
        + [mine] * (1 + len(rest)),
        out_specs=mine,
        out_shape=jax.ShapeDtypeStruct((people, segments, time, width), start.dtype),
        compiler_params=plgpu.CompilerParams(num_warps=16),
        interpret=interpret,
    )(weights, *map(padded, (start, *rest)))
    return found[..., :units]


def make_kernel(interpret=False):
    """`hidden_states` of [person, time, segment, unit] by kernels."""

    def forward(hh, drive):
        states = walk(
            hh.swapaxes(1, 2),
            drive.swapaxes(1, 2),
            step=lambda into, drive_t: jnp.tanh(drive_t + into),
            interpret=interpret,
        )
        return states.swapaxes(1, 2), (hh, states)

    def backward(kept, slope):
        hh, states = kept
        delta = walk(
            hh,
            slope.swapaxes(1, 2)[:, :, ::-1],
            states[:, :, ::-1],
            step=lambda later, slope_t, state_t: (1 - state_t**2) * (slope_t + later),
            interpret=interpret,
        )[:, :, ::-1]
        weights = jnp.einsum("psti,pstj->pij", delta[:, :, 1:], states[:, :, :-1])
        return weights, delta.swapaxes(1, 2)

    @jax.custom_vjp
    def states(hh, drive):
        return forward(hh, drive)[0]

    states.defvjp(forward, backward)
    return states


def unrolled(steps: int):
    """`hidden_states` whose loops take so many steps in one pass."""
    plain = jax.lax.fori_loop

    def states(hh, drive):
        jax.lax.fori_loop = partial(plain, unroll=steps)
        try:
            return jax.vmap(recurrence.hidden_states)(hh, drive)
        finally:
            jax.lax.fori_loop = plain

    return states


def measure(states, data: tuple, repeats: int) -> tuple[dict[str, float], tuple]:
    """Milliseconds of states and of a gradient with them; both."""
    told = jax.jit(states)
    slopes = jax.jit(jax.grad(lambda *data: (states(*data) ** 2).mean(), (0, 1)))
    row = {
        "forward_ms": 1e3 * timed(lambda: told(*data), repeats).median_s,
        "gradient_ms": 1e3 * timed(lambda: slopes(*data), repeats).median_s,
    }
    return row, (told(*data), *slopes(*data))


def main(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    multiply_in_float32()
    found = about()
    ways = {"loop": jax.vmap(recurrence.hidden_states)}
    ways |= {f"loop, {n} steps at once": unrolled(n) for n in UNROLLED}
    ways["kernel"] = make_kernel(interpret=jax.default_backend() == "cpu")
    rng = np.random.default_rng(0)
    for name, (people, segments) in BATCHES.items():
        hh = rng.normal(size=(people, UNITS, UNITS), scale=0.5 / UNITS**0.5)
        drive = rng.normal(size=(people, options.steps, segments, UNITS))
        data = tuple(jnp.asarray(array, jnp.float32) for array in (hh, drive))
        expected = None
        for way, states in ways.items():
            jax.clear_caches()
            row, results = measure(states, data, options.repeats)
            expected = expected or results
            row["apart"] = max(
                float(jnp.abs(one - other).max() / jnp.abs(other).max())
                for one, other in zip(results, expected)
            )
            found[f"{name}, {way}"] = row
            print(f"{name:24s} {way:24s}", {k: float(f"{v:.3g}") for k, v in row.items()})
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
