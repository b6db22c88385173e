"""Thirty-two small twins: one after another or side by side, beside thirty-two warm single runs.

    python -m benchmarks.sweeps [--json=benchmarks/results/sweeps/DEVICE.json]

The quickstart's data and recipe with fewer epochs, four learning rates and eight seeds. A loop
compiles once and then trains point by point; side by side, so many points share a `vmap`. What is
faster here on a kind of device is to be the default of `experiments.sweep`.
"""

import argparse
import itertools
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import jax
import numpy as np

from benchmarks.machine import about
from benchmarks.time_to_quality import quickstart_data
from dtb_jax.data.writing import write_json
from dtb_jax.models.sweep import Point, fit_point, fit_points
from dtb_jax.workflows.session import multiply_in_float32

RATES, SEEDS = (5e-4, 1e-3, 2e-3, 4e-3), range(8)
TOGETHER = (4, 32)


def main(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    multiply_in_float32()
    found = about()
    with TemporaryDirectory() as folder:
        ready, made = quickstart_data(Path(folder))
    settings = replace(made.settings, epochs=options.epochs)
    points = [Point(s, {"learning_rate": r}) for r, s in itertools.product(RATES, SEEDS)]

    def seconds(work) -> tuple[float, list]:
        began = time.perf_counter()
        told = work()
        return time.perf_counter() - began, told

    first_s, _ = seconds(lambda: fit_point(ready, settings, points[0]))
    single_s = median(
        seconds(lambda k=k: fit_point(ready, settings, points[k]))[0] for k in range(1, 4)
    )
    jax.clear_caches()
    loop_s, alone = seconds(lambda: [fit_point(ready, settings, point) for point in points])
    found |= {"single_s": single_s, "compile_s": first_s - single_s, "loop_s": loop_s}
    bound = len(points) * single_s + found["compile_s"]
    found["loop_over_bound"] = loop_s / bound
    print(
        f"{len(points)} warm single runs and a compilation: {bound:.1f} s; a loop: {loop_s:.1f} s"
    )

    def side_by_side(number: int) -> list:
        groups = [points[k : k + number] for k in range(0, len(points), number)]
        return [one for group in groups for one in fit_points(ready, settings, group)]

    for number in TOGETHER:
        jax.clear_caches()
        total_s, told = seconds(partial(side_by_side, number))
        gap = max(
            abs(one.history[-1]["validation_loss"] - other.history[-1]["validation_loss"])
            for one, other in zip(alone, told, strict=True)
        )
        found[f"together_{number}"] = {"seconds": total_s, "losses_apart": float(np.max(gap))}
        print(f"{number} side by side: {total_s:.1f} s, losses within {gap:.1e}", flush=True)
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
