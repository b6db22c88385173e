"""How long one waits before the first result: imports, compilation, and compilation remembered.

    python -m benchmarks.compile_time [--json=benchmarks/results/compile_time/DEVICE.json]

Each line is a process of its own, the median of several: `import dtb_jax` beside the import of what
it stands on, and the first training step at the quickstart's and the paper's size with an empty
and with a warm persistent cache, beside a second step.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.machine import about
from dtb_jax.data.writing import write_json

FOUNDATION = "import jax, jax.numpy, flax.linen, optax, equinox"
SIZES = {"quickstart": (8, 48, 4560), "paper": (25, 400, 93_961)}  # people, units, edges
STEP = """
import time, jax
jax.config.update("jax_compilation_cache_dir", {cache!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
from benchmarks import sizes
step = sizes.stepper(sizes.make(sizes.Size({people}, 2, units={units}, edges={edges})))
seconds = []
for _ in range(2):
    began = time.perf_counter()
    jax.block_until_ready(step())
    seconds.append(time.perf_counter() - began)
print(seconds)
"""


def seconds_of(code: str) -> float:
    """A whole process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def steps_of(code: str) -> list[float]:
    """What a process prints in its last line."""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(told.stdout.splitlines()[-1])


def main(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    found = about()
    pairs = [
        (seconds_of(FOUNDATION), seconds_of(f"{FOUNDATION}; import dtb_jax"))
        for _ in range(options.repeats)
    ]
    found["foundation_s"], found["with_dtb_jax_s"] = (median(column) for column in zip(*pairs))
    found["import_s"] = median(after - before for before, after in pairs)
    print(f"import dtb_jax: {found['import_s']:.2f} s above {found['foundation_s']:.2f} s")
    for name, (people, units, edges) in SIZES.items():
        with TemporaryDirectory() as cache:
            code = STEP.format(cache=cache, people=people, units=units, edges=edges)
            cold, warm = steps_of(code), steps_of(code)
        found[name] = {"cold_s": cold[0], "warm_cache_s": warm[0], "next_step_s": warm[1]}
        print(f"{name}: {found[name]}", flush=True)
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
