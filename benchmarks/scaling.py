"""How time and memory grow with people, parcels and steps; each on its own, all else at one size.

    python -m benchmarks.scaling [--json=benchmarks/results/scaling/DEVICE.json]

People: one epoch over a cohort (batches of 50 people, one segment each) divided by its people, of a
twin of 128 components and 64 units; parcels: a training step whose hypernetwork sees all edges;
steps: a step on segments of that length. An exponent is the slope of log time on log size.
"""

import argparse
import gc
from pathlib import Path

import numpy as np

from benchmarks import sizes
from benchmarks.machine import about, timed
from benchmarks.sizes import Size
from dtb_jax.data.writing import write_json
from dtb_jax.twin.connectome import edge_count
from dtb_jax.workflows.session import multiply_in_float32

PEOPLE = (32, 64, 128, 228, 512, 1024, 2048, 4096)
PARCELS = (100, 200, 300, 434, 700, 1000)
STEPS = (262, 524, 1048, 2096, 5000)
BATCH = 32


def epoch_s(people: int, repeats: int) -> dict:
    """Seconds of an epoch over so many people, in batches of `BATCH`."""
    subject = sizes.make(Size(people, 1, units=64, edges=128), paper_form=False)
    step = sizes.stepper(subject)
    rows = np.resize(np.arange(people), (-(-people // BATCH), BATCH))

    def epoch():
        return [step(chosen) for chosen in rows]

    times = timed(epoch, repeats)
    return {"people": people, "per_person_ms": 1e3 * times.median_s / rows.size} | times._asdict()


def step_s(size: Size, repeats: int) -> dict:
    """Seconds of a training step on everybody."""
    return size._asdict() | timed(sizes.stepper(sizes.make(size)), repeats)._asdict()


def exponent(rows: list[dict], name: str) -> float:
    """Slope of log time on log size."""
    size, seconds = ([row[key] for row in rows] for key in (name, "median_s"))
    return float(np.polyfit(np.log(size), np.log(seconds), 1)[0])


def main(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    multiply_in_float32()
    found = about()
    tables = {
        "people": [lambda n=n: epoch_s(n, options.repeats) for n in PEOPLE],
        "parcels": [
            lambda n=n: step_s(Size(8, 2, edges=edge_count(n)), options.repeats) | {"parcels": n}
            for n in PARCELS
        ],
        "steps": [lambda n=n: step_s(Size(8, 2, n, edges=4560), options.repeats) for n in STEPS],
    }
    for name, works in tables.items():
        rows = []
        for work in works:
            rows.append(work())
            gc.collect()
            print({k: v for k, v in rows[-1].items() if k in (name, "per_person_ms", "median_s")})
        found[name] = rows
        found[f"exponent_{name}"] = exponent(rows, name)
        print(f"exponent of {name}: {found[f'exponent_{name}']:.3f}", flush=True)
    large = [row["per_person_ms"] for row in found["people"] if row["people"] >= 228]
    found["per_person_spread"] = max(large) / min(large) - 1
    print(f"cost a person, 228 to 4,096 people: within {100 * found['per_person_spread']:.0f} %")
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
