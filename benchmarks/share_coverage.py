"""Do intervals of the share that connectomes carry hold it as often as they say?

    python -m benchmarks.share_coverage --json=benchmarks/results/share_coverage.json

People's rest runs are simulated once, twice each. A cohort is some of them, with causes of its own:
numbers are simulated at the level of scores, sqrt(rho) score + sqrt(1 - rho) normal, and rho is
asked for. Seven and a half minutes on 2 cores for 200 cohorts of 228 of 1,000 people.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.scores import KINDS, all_scores, scan
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.carried import similarities
from dtb_jax.evaluation.share import connectome_share
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.workflows.session import commit, versions

SHARES = (0.0, 0.1, 0.25, 0.5, 0.75)


def main(drawn: int, people: int, cohorts: int, parcels: int, seed: int) -> dict:
    """Simulate, ask, and print one row for each kind of causes and share."""
    atlas = choose_parcels(parcels)
    networks = list(atlas["network"])
    scanned = scan(atlas, drawn, seed)
    kinds = similarities(scanned.first, scanned.second, networks)
    scores = {kind: all_scores(kind, networks, scanned.true, cohorts, seed) for kind in KINDS}
    rng = np.random.default_rng(seed)
    found = []
    with threadpool_limits(1):
        for cohort in tqdm(range(cohorts), desc="cohorts"):
            chosen = rng.permutation(drawn)[:people]
            own = rng.normal(size=(people, len(KINDS) * len(SHARES)))
            rho = np.tile(SHARES, len(KINDS))
            caused = np.stack([scores[kind][chosen, cohort] for kind in KINDS], axis=1)
            caused = np.repeat(caused, len(SHARES), axis=1)
            values = np.sqrt(rho) * caused + np.sqrt(1 - rho) * own
            carried = connectome_share(
                [kind.of(chosen) for kind in kinds], values, np.ones((2, len(rho))), seed=cohort
            )
            found.append(carried.interval(0.8))
    middle, low, high = np.stack(found, axis=1)
    rows = []
    for k, (kind, share) in enumerate((kind, share) for kind in KINDS for share in SHARES):
        inside = (low[:, k] <= share) & (share <= high[:, k])
        rows.append(
            {
                "causes": kind,
                "share": share,
                "coverage_80": float(inside.mean()),
                "width_80": float((high - low)[:, k].mean()),
                "median": float(middle[:, k].mean()),
                "upper_80": float(high[:, k].mean()),
                "upper_80_at_most_0.2": float((high[:, k] <= 0.2).mean()),
            }
        )
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    return {
        "people": people,
        "of": drawn,
        "cohorts": cohorts,
        "parcels": parcels,
        "seed": seed,
        "connectome": "simulated",
        "commit": commit(),
        "versions": versions(),
        "rows": rows,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawn", type=int, default=1000)
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--parcels", type=int, default=434)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = main(args.drawn, args.people, args.cohorts, args.parcels, args.seed)
    if args.json:
        write_json(args.json, result)
