"""One training step, outputs and gradients to the connectome: this software beside PyTorch.

    python -m benchmarks.throughput [--json=benchmarks/results/throughput/DEVICE.json]

Everybody works on the same batches with the same weights, and outputs are compared before anything
is timed: `batched` is PyTorch as one would write it for speed (`torch_twins`), with fused Adam,
`looped` the public design, `plain` JAX's own `vmap(scan)`. Fractions of the floor hold a median
against what this machine would need at the rates measured in the same run (`machine.Floor`): the
recurrence's products at the best rate of a product, and in training every parameter and both
moments of Adam read and written once. Where PyTorch is not installed only JAX is timed.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import sizes
from benchmarks.machine import Floor, about, measure_floor, timed
from benchmarks.sizes import Size, Subject
from dtb_jax import twin as twins
from dtb_jax.mainnet import unroll
from dtb_jax.results import write_json
from dtb_jax.twin import simulate_cohort

BATCHES = {
    "paper, 50 people x 1 segment": Size(50, 1),
    "paper, 5 people x 10 segments": Size(5, 10),
    "quickstart, 8 people x 20 segments": Size(8, 20, units=48, edges=4560),
}
WORKS = ("train", "forward", "edge_gradient")
FASTEST, LOOPED = "ours", "looped"
Work = Callable[[], Any]


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


def torch_works(size: Size, subject: Subject, kind: str, threads: int) -> dict[str, Work]:
    """The same by PyTorch."""
    import torch

    from benchmarks import torch_twins

    torch.set_num_threads(threads)
    simulate = {"batched": torch_twins.batched, "looped": torch_twins.looped}[kind]
    hypernet = torch_twins.Hypernetwork(
        size.edges, size.width, sizes.INPUTS, size.units, sizes.OUTPUTS
    ).take(subject.state.params)
    edges, stimulus, press, bold = (
        torch.tensor(np.asarray(array))
        for array in (
            jax.vmap(subject.twin.features)(subject.features),
            subject.runs.stimulus,
            subject.runs.press,
            subject.runs.bold,
        )
    )
    step = torch_twins.trainer(
        hypernet, simulate, rate=subject.settings.learning_rate, fused=kind == "batched"
    )

    def forward():
        hypernet.eval()
        with torch.no_grad():
            found = simulate(hypernet, edges, stimulus)
        hypernet.train()
        return found.numpy()

    def edge_gradient():
        hypernet.eval()
        found = torch_twins.edge_gradient(hypernet, simulate, edges, stimulus)
        hypernet.train()
        return found.numpy()

    return {
        "train": lambda: step(edges, stimulus, press, bold).numpy(),
        "forward": forward,
        "edge_gradient": edge_gradient,
    }


def engines(size: Size, cores: int) -> dict[str, Callable[[], dict[str, Work]]]:
    """Who races, each made when its turn comes."""
    found = {FASTEST: partial(jax_works, size), "plain": partial(jax_works, size)}
    try:
        import torch  # noqa: F401
    except ImportError:
        return found
    subject = sizes.make(size)
    for threads in {1, cores}:
        found[f"batched, {threads} threads"] = partial(
            torch_works, size, subject, "batched", threads
        )
    found[LOOPED] = partial(torch_works, size, subject, LOOPED, cores)
    return found


def race(name: str, size: Size, floor: Floor, repeats: int) -> list[dict]:
    """Rows of one batch: every engine, every work."""
    rows, expected = [], None
    cores = about()["cores"]
    for engine, make in engines(size, cores).items():
        plain = engine == "plain"
        if plain:
            jax.clear_caches()
        with mock.patch.object(twins, "unroll_cohort", plain_cohort) if plain else nullcontext():
            works = make()
            outputs = np.asarray(works["forward"]())
            expected = outputs if expected is None else expected
            gap = float(np.abs(outputs - expected).max())
            assert gap < 1e-4, f"{engine}: outputs differ by {gap} from {FASTEST}'s"
            for work in WORKS:
                times = timed(works[work], 1 if engine == LOOPED else repeats)
                least_s = floor_s(size, work, floor)
                rows.append(
                    {"name": f"{work}, {engine}", "work": work, "engine": engine, "size": name}
                    | size._asdict()
                    | times._asdict()
                    | {
                        "per_segment_ms": 1e3 * times.median_s / (size.people * size.stretches),
                        "floor_s": sum(least_s.values()),
                        "floor_parts_s": least_s,
                        "fraction_of_floor": sum(least_s.values()) / times.median_s,
                        "outputs_apart": gap,
                    }
                )
                print(row_text(rows[-1]), flush=True)
        if plain:
            jax.clear_caches()
    return rows


def floor_s(size: Size, work: str, floor: Floor) -> dict[str, float]:
    """Seconds that the recurrence's products and Adam's bytes need at the machine's best."""
    passes = {"train": 3, "forward": 1, "edge_gradient": 3}[work]
    found = {"recurrence": size.recurrence_flops(passes) / floor.matmul_flops}
    if work == "train":
        params = size.parameters()
        found["optimiser"] = 4 * 7 * params / floor.bytes
    return found


def row_text(row: dict) -> str:
    """One line of the table."""
    return (
        f"{row['size']:36s} {row['name']:28s} {row['median_s']:8.3f} s "
        f"[{row['least_s']:.3f}, {row['most_s']:.3f}]  floor {row['fraction_of_floor']:.2f}"
    )


def ratios(rows: list[dict], other: str) -> dict[str, float]:
    """{"size, work": seconds of the best engine named `other`... over ours}."""
    found = {}
    for row in rows:
        if row["engine"] != FASTEST:
            continue
        same = [
            r["median_s"]
            for r in rows
            if (r["size"], r["work"]) == (row["size"], row["work"])
            and r["engine"].startswith(other)
        ]
        if same:
            found[f"{row['size']}, {row['work']}"] = min(same) / row["median_s"]
    return found


def main(options: argparse.Namespace) -> None:
    """Race, print, write."""
    floor = measure_floor()
    print(f"floor: {floor.matmul_flops / 1e9:.0f} GFLOP/s, {floor.bytes / 1e9:.1f} GB/s")
    chosen = [part for part in options.only.split(",") if part] or [""]
    rows = []
    for name, size in BATCHES.items():
        if any(part in name for part in chosen):
            rows += race(name, size, floor, options.repeats)
    found = about() | {"floor": floor._asdict(), "rows": rows}
    found |= {f"ratio_to_{other}": ratios(rows, other) for other in ("looped", "batched", "plain")}
    print(json.dumps({k: v for k, v in found.items() if k.startswith("ratio")}, indent=1))
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", default="", help="parts of batches' names, with commas")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
