"""Gradients of every indicator to the connectome against finite differences, in double precision.

    python -m benchmarks.gradients [--json=benchmarks/results/gradients.json]

At the quickstart's size (96 parcels, 48 units) and at the paper's (434 parcels, 93,961 edges,
hypernetwork 200-200, 400 units, 20 BOLD channels): the slope along a random direction of edges by
jax.grad beside (f(e + h d) - f(e - h d)) / 2 h. An untrained twin, the first minute of both tasks.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import equinox as eqx  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.edits import presses  # noqa: E402
from dtb_jax import make_twin  # noqa: E402
from dtb_jax.data.splits import BoldScale  # noqa: E402
from dtb_jax.data.writing import write_json  # noqa: E402
from dtb_jax.interventions.endpoints import Asked, of_connectome, twin_of  # noqa: E402
from dtb_jax.interventions.scene import standard_protocol  # noqa: E402
from dtb_jax.simulation.memory import RUNS, simulate_cohort_behaviour  # noqa: E402
from dtb_jax.twin.connectome import edge_count  # noqa: E402
from dtb_jax.twin.rnn import unroll  # noqa: E402
from dtb_jax.workflows.session import commit, versions  # noqa: E402

SIZES = {"quickstart": (96, 48), "paper": (434, 400)}  # parcels, units
REGIONS, SCENE_S, STEP = 20, 60.0, 1e-5


def measure(parcels: int, units: int) -> dict[str, float]:
    """Relative error of each indicator's slope."""
    rng = np.random.default_rng(0)
    connectomes = 0.3 + 0.2 * rng.normal(size=(8, edge_count(parcels)))
    runs = {run: presses(run) for run in RUNS}
    cohort = simulate_cohort_behaviour(["one", "two"], connectomes[:2].astype(np.float32), runs)
    unit = BoldScale(np.zeros(REGIONS), np.ones(REGIONS))
    scene = standard_protocol(cohort, unit, stop_s=SCENE_S)
    sizes = {"inputs": scene.stimulus.shape[-1], "units": units, "outputs": 3 + REGIONS}
    twin = make_twin(connectomes, scale=0.03, **sizes)
    params = twin.init(jax.random.key(0))
    double = partial(jax.tree.map, lambda leaf: _double(leaf))
    network_of, scene = twin_of(double(twin), double(params)), double(scene)
    told = eqx.filter_jit(partial(of_connectome, asked=Asked(region=REGIONS - 1)))
    at = jnp.asarray(connectomes[0])
    direction = jnp.asarray(rng.normal(size=at.shape))
    # the recurrence whose reverse mode is written by hand has no forward mode
    plain = Asked(region=REGIONS - 1, unroll=jax.vmap(unroll, in_axes=(None, 0)))
    slopes = eqx.filter_jit(
        lambda n, e, s: jax.jvp(lambda x: of_connectome(n, x, s, plain), (e,), (direction,))[1]
    )
    reverse = eqx.filter_jit(
        lambda n, e, s: jax.tree.map(
            lambda row: row @ direction, jax.jacrev(lambda x: told(n, x, s))(e)
        )
    )
    exact, forward = reverse(network_of, at, scene), slopes(network_of, at, scene)
    high, low = (told(network_of, at + sign * STEP * direction, scene) for sign in (1, -1))
    found = {}
    for name in sorted(exact):
        numeric = float(high[name] - low[name]) / (2 * STEP)
        worst = max(abs(float(side[name]) - numeric) for side in (exact, forward))
        found[name] = worst / max(abs(numeric), 1e-12)
    return found


def _double(leaf):
    array = jnp.asarray(leaf)
    return array.astype(jnp.float64) if array.dtype == jnp.float32 else array


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = {
        "relative_error": {size: measure(*numbers) for size, numbers in SIZES.items()},
        "device": jax.devices()[0].device_kind,
        "commit": commit(),
        "versions": versions(),
    }
    print(json.dumps(found, indent=1))
    if asked.json:
        write_json(asked.json, found)


if __name__ == "__main__":
    main()
