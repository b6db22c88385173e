"""Peak memory of training at the paper's size, beside what it can not do without.

    python -m benchmarks.memory [--json=benchmarks/results/memory/DEVICE.json]

The least is parameters, their gradients, both moments of Adam, and what the backward pass needs of
one batch: hidden states, what drives them, and outputs of every step, and generated weights with
their gradients. XLA's own analysis of the compiled step stands beside the peak of a process that
makes three steps (on a CPU its resident memory less that of an idle one, from the kernel; on an
accelerator the device's allocator).
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp

from benchmarks import sizes
from benchmarks.machine import about
from benchmarks.sizes import INPUTS, OUTPUTS, Size
from dtb_jax.data.writing import write_json
from dtb_jax.twin.rnn import weight_count
from dtb_jax.twin.step import train_step
from dtb_jax.workflows.session import multiply_in_float32

BATCHES = {"50 people x 1 segment": Size(50, 1), "5 people x 10 segments": Size(5, 10)}


def least_bytes(size: Size) -> dict[str, int]:
    """What training at this size holds at once, by part."""
    steps = size.people * size.stretches * size.steps
    return {
        "parameters": 4 * size.parameters(),
        "gradients": 4 * size.parameters(),
        "moments": 8 * size.parameters(),
        "activations": 4 * steps * (3 * size.units + 2 * OUTPUTS + INPUTS)
        + 8 * size.people * weight_count(INPUTS, size.units, OUTPUTS),
        "data": 4 * size.people * size.edges,
    }


def peak(size: Size) -> dict[str, float]:
    """Three steps in this process; its peak, and XLA's analysis of the program."""
    resting = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    subject = sizes.make(size)
    people, weight = jnp.arange(size.people), jnp.ones(size.people)
    rest = (people, weight, jnp.asarray(1e-6), jax.random.key(1))
    compiled = {"hypernet": subject.twin.hypernet, "settings": subject.settings}
    state, features, runs = subject.state, subject.features, subject.runs
    analysis = train_step.lower(state, features, runs, *rest, **compiled).compile()
    told = analysis.memory_analysis()
    del subject
    for _ in range(3):
        state, shown = train_step(state, features, runs, *rest, **compiled)
    jax.block_until_ready((state, shown))
    device = jax.devices()[0]
    statistics = device.memory_stats() or {}
    used = statistics.get(
        "peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - resting
    )
    return {
        "peak": used,
        "xla_arguments": told.argument_size_in_bytes,
        "xla_temporary": told.temp_size_in_bytes,
        "xla_outputs_not_in_place": told.output_size_in_bytes - told.alias_size_in_bytes,
    }


def main(options: argparse.Namespace) -> None:
    """Measure each batch in a process of its own, print, write."""
    multiply_in_float32()
    if options.only:
        print(json.dumps(peak(BATCHES[options.only])))
        return
    found = about()
    for name, size in BATCHES.items():
        command = [sys.executable, "-m", "benchmarks.memory", f"--only={name}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        least = least_bytes(size)
        row = {"least": least, **json.loads(told.splitlines()[-1])}
        row["over_least"] = row["peak"] / sum(least.values())
        found[name] = row
        print(f"{name}: {row['peak'] / 2**30:.2f} GiB, {row['over_least']:.2f} of the least")
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="measure one batch in this process")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
