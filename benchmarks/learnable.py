"""Is the signal there to be found? Ridge on measured connectomes against the unseen ceiling.

    python -m benchmarks.learnable --json=benchmarks/results/learnable.json

Everybody's rest runs are simulated once; behaviour is then simulated for each kind of causes and
rho. A kernel ridge on the edges of four fifths of the people predicts the mean reaction times of
the rest; its penalty is chosen within the first. About 15 minutes on 2 cores at full size.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from tqdm import tqdm

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.models import oracle
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import measured_connectome, simulate_behaviour
from dtb_jax.simulation.layout import REST_RUNS
from dtb_jax.simulation.people import gather
from dtb_jax.simulation.presses import as_trials
from dtb_jax.simulation.world import draw_subject, make_world
from dtb_jax.workflows.session import commit, versions

RUNS = {"faces": "hammerAP_run-01", "stroop": "stroopAP_run-01"}
CASES = (("blocks", 1.0), ("blocks", 0.5), ("blocks", 0.0), ("sparse", 1.0), ("dense", 1.0))
PENALTIES = np.logspace(-4, 1, 11)  # in units of the kernel's mean diagonal


def main(people: int, parcels: int, runs: int, seed: int) -> dict:
    """Simulate, fit, and print one row a case and task."""
    atlas = choose_parcels(parcels)
    names = [f"sub-{k}" for k in range(people)]
    world = make_world(atlas, seed=seed)
    edges = np.stack(
        [
            measured_connectome(world, draw_subject(world, name), REST_RUNS[:runs], 488, 0.8)
            for name in tqdm(names, desc="connectomes")
        ]
    )
    training = people * 4 // 5
    edges -= edges[:training].mean(axis=0)
    kernel = edges @ edges.T
    kernel /= np.diag(kernel).mean()
    rows = []
    for kind, rho in CASES:
        world = make_world(atlas, seed=seed, kind=kind, rho=rho)
        subjects = [draw_subject(world, name) for name in names]
        presses = simulate_behaviour(world, gather(world.truth, subjects))
        population = oracle.draw_population(world.truth, 4000, seed=seed)
        ceiling = oracle.ceilings(world.truth, population, seed=seed + 1)["people"]
        for task, run in RUNS.items():
            trials = as_trials(run, presses[run])
            time = masked_mean(trials.response_time_s, correct_mask(trials))
            r = ridge_r(kernel, time, training)
            best = ceiling[task]["reaction_time_r"].value
            rows.append(
                {
                    "causes": kind,
                    "rho": rho,
                    "task": task,
                    "ridge_r": r,
                    "ceiling_r": best,
                    "ratio": r / best if best else None,
                    "test_people": people - training,
                }
            )
            shown = {
                name: round(v, 3) if isinstance(v, float) else v for name, v in rows[-1].items()
            }
            print(shown, flush=True)
    return {
        "people": people,
        "parcels": parcels,
        "rest_runs": runs,
        "seed": seed,
        "commit": commit(),
        "versions": versions(),
        "rows": rows,
    }


def ridge_r(kernel: np.ndarray, y: np.ndarray, training: int) -> float:
    """r over the test people; the penalty is the best on the last fifth of the training people."""
    known = np.isfinite(y)
    inner = training * 4 // 5
    y = np.where(known, y, 0)

    def told(penalty, last, first, stop):
        fit = np.flatnonzero(known[:last])
        model = KernelRidge(alpha=penalty, kernel="precomputed")
        centre = y[fit].mean()
        model.fit(kernel[np.ix_(fit, fit)], y[fit] - centre)
        test = np.arange(first, stop)[known[first:stop]]
        return np.corrcoef(model.predict(kernel[np.ix_(test, fit)]), y[test])[0, 1]

    scores = [told(penalty * inner, inner, inner, training) for penalty in PENALTIES]
    return float(told(PENALTIES[int(np.argmax(scores))] * training, training, training, len(y)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--parcels", type=int, default=434)
    parser.add_argument("--rest_runs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = main(options.people, options.parcels, options.rest_runs, options.seed)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
