"""One training step, outputs and gradients to the connectome: this software beside PyTorch.

    python -m benchmarks.throughput [--json=benchmarks/results/throughput/DEVICE.json]

Everybody works on the same batches with the same weights, and outputs are compared before anything
is timed: `batched` is PyTorch as one would write it for speed (`torch_twins`), with fused Adam,
`looped` the public design, `plain` JAX's own `vmap(scan)`; on a GPU `batched, graph` launches
recorded kernels together, and TF32 and bfloat16 stand beside float32 with what they change.
Fractions of the floor hold a median against what this machine would need at the rates measured in
the same run (`machine.Floor`): the recurrence's products at the best rate of a product, and in
training every parameter and both moments of Adam read and written once. Where PyTorch is not
installed only JAX is timed.
"""

import argparse
import gc
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.engines import FASTEST, LOOPED, engines, plain_scan
from benchmarks.machine import Floor, about, measure_floor, timed
from benchmarks.sizes import Size
from dtb_jax.data.writing import write_json
from dtb_jax.workflows.session import multiply_in_float32

BATCHES = {
    "paper, 50 people x 1 segment": Size(50, 1),
    "paper, 5 people x 10 segments": Size(5, 10),
    "quickstart, 8 people x 20 segments": Size(8, 20, units=48, edges=4560),
}

OTHERS = ("looped", "batched", "plain")


def race(name: str, size: Size, floor: Floor, repeats: int) -> list[dict]:
    """Rows of one batch: every engine, every work."""
    rows: list[dict] = []
    expected = None
    for label, engine in engines(size).items():
        with plain_scan() if engine.plain else jax.default_matmul_precision(engine.precision):
            works = engine.make()
            outputs = on_host(works["forward"]())
            expected = outputs if expected is None else expected
            gap = float(np.abs(outputs - expected).max())
            if engine.precision == "float32":
                assert gap < 1e-4, f"{label}: outputs differ by {gap} from {FASTEST}'s"
            for work in engine.works:
                times = timed(works[work], 1 if label == LOOPED else repeats)
                least_s = floor_s(size, work, floor)
                rows.append(
                    {"name": f"{work}, {label}", "work": work, "engine": label, "size": name}
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
        del works
        gc.collect()
    return rows


def on_host(array: Any) -> np.ndarray:
    """Of JAX's or of PyTorch's."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


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
    multiply_in_float32()
    floor = measure_floor()
    print(f"floor: {floor.matmul_flops / 1e9:.0f} GFLOP/s, {floor.bytes / 1e9:.1f} GB/s")
    parts = [part for part in options.only.split(",") if part] or [""]
    chosen = {k: size for k, size in BATCHES.items() if any(part in k for part in parts)}
    if not chosen:
        raise SystemExit(f"--only={options.only}: in none of {'; '.join(BATCHES)}")
    rows: list[dict] = []
    for name, size in chosen.items():
        rows += race(name, size, floor, options.repeats)
        found = about() | {"floor": floor._asdict(), "rows": rows}
        found |= {f"ratio_to_{other}": ratios(rows, other) for other in OTHERS}
        if options.place:
            write_json(options.place, found)
    print(json.dumps({k: v for k, v in found.items() if k.startswith("ratio")}, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", default="", help="parts of batches' names, with commas")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
