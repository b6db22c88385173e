"""One epoch at the paper's size over 228 people: one device program, and step by step.

    python -m benchmarks.epoch [--json=benchmarks/results/epoch/DEVICE.json]

Every person's two runs of 9 x 262 steps are gone through once. The paper makes 90 updates, each by
one segment a run of 25 people; by all 9 segments a run, 10 updates see the same data. The floor of
an update is `throughput.floor_s`. `--profile` lists what an update of each spends its time in.
"""

import argparse
from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
from jax.profiler import ProfileData

from benchmarks import sizes
from benchmarks.machine import Floor, about, measure_floor, timed
from benchmarks.sizes import Size, Subject
from benchmarks.throughput import floor_s
from dtb_jax.data.writing import write_json
from dtb_jax.twin.batching import batches
from dtb_jax.twin.step import train_step
from dtb_jax.workflows.session import multiply_in_float32

PEOPLE, RUNS, CUTS, STEPS, BATCH = 228, 2, 9, 262, 25
FORMS = {"90 updates of 50 segments": 1, "10 updates of 450 segments": CUTS}
"""Segments a run in an update."""


def measure(subject: Subject, segments: int, floor: Floor, repeats: int, profile: bool) -> dict:
    """Seconds of an epoch with so many segments a run in each update."""
    settings = sizes.PAPER._replace(
        segments=segments, segment_steps=STEPS, segment_stride=STEPS, passes=CUTS // segments
    )
    rows, weights = map(
        jnp.stack, zip(*batches(PEOPLE, BATCH, seed=0, epoch=0, passes=settings.passes))
    )
    rest = (jnp.asarray(settings.learning_rate), jax.random.key(1))
    update = partial(train_step, hypernet=subject.twin.hypernet, settings=settings)
    each = list(zip(rows, weights))
    held = {"state": jax.tree.map(jnp.copy, subject.state)}

    @partial(jax.jit, donate_argnums=0)
    def program(state, features, runs, rows, weights):
        def step(state, batch):
            return update(state, features, runs, *batch, *rest)

        return jax.lax.scan(step, state, (rows, weights))

    def at_once():
        held["state"], shown = program(held["state"], subject.features, subject.runs, rows, weights)
        return shown

    def one_by_one(updates=len(each)):
        for chosen, weight in each[:updates]:
            held["state"], shown = update(
                held["state"], subject.features, subject.runs, chosen, weight, *rest
            )
        return shown

    parts = floor_s(Size(BATCH, RUNS * segments), "train", floor)
    found = {
        "updates": len(rows),
        "floor_s": len(rows) * sum(parts.values()),
        "floor_parts_s": {name: len(rows) * part for name, part in parts.items()},
    }
    for name, work in (("one_program", at_once), ("step_by_step", one_by_one)):
        times = timed(work, repeats)._asdict()
        fraction = found["floor_s"] / times["median_s"]
        found[name] = times | {"fraction_of_floor": fraction}
        print(f"  {name}: {times['median_s']:.3f} s, {fraction:.2f} of the floor", flush=True)
    if profile:
        found["kernels_ms"] = kernels_ms(partial(one_by_one, 2), 2)
    return found


def kernels_ms(work, times: int) -> dict[str, float]:
    """{kernel: milliseconds each time}, the longest first, of work that is compiled."""
    with TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(work())
        (path,) = Path(folder).rglob("*.xplane.pb")
        planes = list(ProfileData.from_file(str(path)).planes)
    on_device = [plane for plane in planes if plane.name.startswith("/device:GPU")]
    kind = "Stream" if on_device else "XLA"
    total: Counter[str] = Counter()
    for plane in on_device or planes:
        for line in plane.lines:
            for event in line.events if kind in line.name else ():
                total[event.name] += event.duration_ns / 1e6 / times
    return {name: spent for name, spent in total.most_common(25)}


def main(options: argparse.Namespace) -> None:
    """Measure, print, write."""
    multiply_in_float32()
    floor = measure_floor()
    found = about() | {"floor": floor._asdict()}
    subject = sizes.make(Size(PEOPLE, RUNS, CUTS * STEPS))
    for name, segments in FORMS.items():
        print(name)
        found[name] = measure(subject, segments, floor, options.repeats, options.profile)
        for kernel, spent in list(found[name].get("kernels_ms", {}).items())[:12]:
            print(f"    {spent:9.3f} ms  {kernel[:90]}")
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
