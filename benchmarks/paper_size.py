"""Time and memory of training steps at the paper's size: 93,961 edges, 400 units, 173,623 weights.

    python -m benchmarks.paper_size [--steps=20] [--out=benchmarks/results/paper_size.json]

Two batches, both of 262-step segments: the paper's 50 segments (25 people x 2 runs x 1) and the
recipe's 320 (16 people x 2 runs x 10). The data are random numbers; the work does not depend on
them. The first call of each, which compiles, is timed apart.
"""

import argparse
import json
import os
import platform
import resource
import time
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax import Run, Settings, make_twin
from dtb_jax.mainnet import weight_count
from dtb_jax.training import initial_state, train_step

EDGES, UNITS, INPUTS, ACTIONS, REGIONS, TIME = 93_961, 400, 9, 3, 20, 2460
BATCHES = {"paper": (25, 1), "recipe": (16, 10)}  # people, segments a run


def random_runs(rng: np.random.Generator, people: int) -> Run:
    """Runs [people, 2, TIME, ...] with a press every 40 steps."""
    shape = (people, 2, TIME)
    press = np.zeros((*shape, ACTIONS), np.float32)
    press[:, :, 20::40, 0] = 1
    return Run(
        stimulus=jnp.asarray(rng.normal(size=(*shape, INPUTS)), jnp.float32),
        press=jnp.asarray(press),
        at_risk=jnp.ones(shape, jnp.float32),
        available=jnp.ones((people, 2, ACTIONS), jnp.float32),
        bold=jnp.asarray(rng.normal(size=(*shape, REGIONS)), jnp.float32),
        bold_mask=jnp.ones(shape, jnp.float32),
    )


def measure(people: int, segments: int, steps: int) -> dict:
    """Seconds a step over `steps` steps of one batch size."""
    rng = np.random.default_rng(0)
    connectomes = jnp.asarray(rng.normal(size=(people, EDGES)), jnp.float32)
    runs = random_runs(rng, people)
    outputs = ACTIONS + REGIONS
    twin = make_twin(connectomes, inputs=INPUTS, units=UNITS, outputs=outputs, actions=ACTIONS)
    settings = Settings(segments=segments, epochs=steps)
    state = initial_state(twin, settings, key=jax.random.key(0))
    compiled = {"hypernet": twin.hypernet, "settings": settings}
    rate = jnp.asarray(settings.learning_rate)
    chosen, weight = jnp.arange(people), jnp.ones(people)
    seconds, norms = [], None
    for _ in range(steps + 1):
        began = time.perf_counter()
        state, norms = train_step(
            state, connectomes, runs, chosen, weight, rate, jax.random.key(1), **compiled
        )
        jax.block_until_ready(state.params)
        seconds.append(time.perf_counter() - began)
    return {
        "people": people,
        "segments": people * 2 * segments,
        "trained_parameters": sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        "generated_weights": weight_count(INPUTS, UNITS, outputs),
        "first_step_s": seconds[0],
        "step_s_median": float(np.median(seconds[1:])),
        "step_s_min": min(seconds[1:]),
        "step_s_max": max(seconds[1:]),
        "last_loss": float(norms.loss.total),
    }


def main() -> None:
    """Measure both batches, print and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/paper_size.json"))
    options = parser.parse_args()
    found: dict = {name: measure(*size, options.steps) for name, size in BATCHES.items()}
    found["steps"] = options.steps
    found["peak_memory_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found["device"] = jax.devices()[0].device_kind
    found["cores"] = len(os.sched_getaffinity(0))
    found["versions"] = {name: version(name) for name in ("jax", "flax", "optax", "numpy")}
    found["versions"]["python"] = platform.python_version()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
