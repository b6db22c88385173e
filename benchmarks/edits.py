"""Personal edits for a cohort: all people at once beside a Python loop over people, in one run.

    python -m benchmarks.edits [--people=228] [--steps=200] [--json=benchmarks/results/edits.json]

A small twin (32 units, 128 components) of 434 parcels in the first halves of both tasks' designs,
both reaction times down by 1 SD, BOLD held, accuracy guarded, range and budget as constraints. The
loop calls the same jitted search with one person; it is timed on a few people and scaled. How far
both edits lie apart is printed: only rounding differs. The data are random connectomes and an
untrained twin: the work does not depend on them.
"""

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax import make_twin
from dtb_jax.data.splits import BoldScale
from dtb_jax.data.writing import write_json
from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import (
    Search,
    design_people,
    endpoints_of_people,
    in_parts,
    make_objective,
)
from dtb_jax.interventions.endpoints import Asked, twin_of
from dtb_jax.interventions.scene import standard_protocol
from dtb_jax.interventions.trial import worse
from dtb_jax.simulation.behaviour import DESIGNS, Responses, run_trials
from dtb_jax.simulation.memory import RUNS, simulate_cohort_behaviour
from dtb_jax.workflows.session import commit, versions

EDGES, UNITS, COMPONENTS, CHUNK = 93_961, 32, 128, 57


def presses(run: str) -> Responses:
    """Two people who press the right button after half a second."""
    trials = run_trials(run)[1]
    shape = (2, len(trials.correct))
    return Responses(
        np.broadcast_to(trials.correct, shape), np.full(shape, 0.5), np.ones(shape, bool)
    )


def measure(people: int, steps: int, looped: int) -> dict:
    """Seconds for all people at once, and for a loop over them."""
    rng = np.random.default_rng(0)
    connectomes = (0.3 + 0.2 * rng.normal(size=(people, EDGES))).astype(np.float32)
    cohort = simulate_cohort_behaviour(
        ["one", "two"], connectomes[:2], {run: presses(run) for run in RUNS}
    )
    scene = standard_protocol(cohort, BoldScale(np.zeros(1), np.ones(1)), stop_s=196.8)
    twin = make_twin(
        connectomes,
        inputs=scene.stimulus.shape[-1],
        units=UNITS,
        outputs=4,
        components=COMPONENTS,
        scale=0.3,
    )
    network_of, asked = twin_of(twin, twin.init(jax.random.key(0))), Asked(region=0)
    told = in_parts(
        lambda e: endpoints_of_people(network_of, e, scene, asked=asked), connectomes, chunk=CHUNK
    )
    sd = {name: float(values.std()) for name, values in told.items()}
    wished = {f"{DESIGNS[run][0].name}_rt_s": -1.0 for run in RUNS}
    held = {name: 1.0 for name in sd if name.endswith("bold")}
    guarded = {name: worse(name) for name in sd if name.endswith("accuracy")}
    wish = make_objective(sorted(told), sd, wished, held, guarded)
    budget = np.float32(0.1 * np.linalg.norm(connectomes[0] - connectomes[1]))
    low, high = connectomes.min(axis=0), connectomes.max(axis=0)
    constraint = c.all_of(c.within_range(low, high), c.within_budget(budget))
    search = Search(steps=steps, rate=2.0 / steps)

    def design(rows):
        each = wish._replace(target=jnp.tile(wish.target, (len(rows), 1)))
        options = {"asked": asked, "search": search}
        return design_people(network_of, rows, scene, each, constraint, budget, **options)

    def at_once(rows):
        return in_parts(design, rows, chunk=min(CHUNK, people))

    def one_by_one(rows):
        return np.concatenate([np.asarray(design(jnp.asarray(row[None]))) for row in rows])

    compiling = timed(partial(at_once, connectomes[:CHUNK]))[0]
    one_by_one(connectomes[:1])
    together, edits = timed(partial(at_once, connectomes))
    alone, few = timed(partial(one_by_one, connectomes[:looped]))
    apart = np.linalg.norm(edits[:looped] - few) / np.linalg.norm(few)
    return {
        "people": people,
        "steps": steps,
        "edges": EDGES,
        "units": UNITS,
        "components": COMPONENTS,
        "first_chunk_with_compilation_s": compiling,
        "all_at_once_s": together,
        "loop_s": alone * people / looped,
        "loop_measured_on_people": looped,
        "ratio_loop_to_at_once": alone * people / looped / together,
        "relative_difference_of_edits": float(apart),
    }


def timed(work):
    """Seconds, and what the work returns."""
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--looped", type=int, default=8, help="people whom the loop is timed on")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(asked.people, asked.steps, min(asked.looped, asked.people)) | {
        "device": jax.devices()[0].device_kind,
        "cores": os.cpu_count(),
        "commit": commit(),
        "versions": versions(),
    }
    print(json.dumps(found, indent=1))
    if asked.json:
        write_json(asked.json, found)


if __name__ == "__main__":
    main()
