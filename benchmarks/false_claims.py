"""How often does the verdict claim what is not there, and how often does it find what is?

    python -m benchmarks.false_claims --json=benchmarks/results/false_claims.json
    python -m benchmarks.false_claims --cohorts=0 --twins=20 --json=.../false_claims_twin.json
    python -m benchmarks.false_claims --rho=0.5 --people=1000 --pool=5000 --folds=5 --cohorts=10 \
        --json=.../found_claims.json

The first two took an hour each, side by side on 2 cores; a cohort of 1,000 people takes a ridge one
minute, the twin ten. Interrupted, the same command goes on.

Each cohort: people drawn from a pool of simulated brains, fresh behaviour, age, sex and site that
mean nothing; K folds, the model, and the very verdict that `experiments.unseen` prints. A ridge
stands in for the twin in many cohorts; the twin itself is tried in a few. At rho = 0 nothing of
behaviour is caused by connectomes: any claim is false. `refit` is the exact test by permutation of
the whole cross-validation (ridge only), beside `swap`, the one that any model can afford.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from tqdm import tqdm

from dtb_jax import families, workflow
from dtb_jax.assessment import evidence_of, scored_parts
from dtb_jax.crossvalidation import cross_validate
from dtb_jax.evaluation.evidence import claims, holm, refitted
from dtb_jax.evaluation.folds import by_people
from dtb_jax.evaluation.linear import ridge
from dtb_jax.evaluation.verdict import claims_held
from dtb_jax.groundtruth.atlas import choose_parcels
from dtb_jax.groundtruth.cohort import demographics, measured_connectome, simulate_behaviour
from dtb_jax.groundtruth.layout import REST_RUNS
from dtb_jax.groundtruth.memory import behaving_cohort
from dtb_jax.groundtruth.people import gather
from dtb_jax.groundtruth.world import draw_subject, make_world
from dtb_jax.lab.session import commit, settle_jax, versions
from dtb_jax.settings import Settings


def main(options: argparse.Namespace) -> dict:
    """Simulate, fit, judge, count."""
    settle_jax()
    atlas = choose_parcels(options.parcels)
    brains = make_world(atlas, seed=0, rho=options.rho)
    names = [f"sub-{k}" for k in range(options.pool)]
    subjects = [draw_subject(brains, name) for name in tqdm(names, desc="brains")]
    edges = np.stack(
        [
            measured_connectome(brains, subject, REST_RUNS[:2], 488, 0.8)
            for subject in tqdm(subjects, desc="rest")
        ]
    )
    people = gather(brains.truth, subjects)
    table = pd.DataFrame([demographics(0, name) for name in names], index=names)
    table.columns = table.columns.str.lower()
    done = kept(options)
    rows = []
    for kind, count in (("ridge", options.cohorts), ("twin", options.twins)):
        for k in tqdm(range(count), desc=f"cohorts, {kind}"):
            if (kind, k) in done:
                rows.append(done[kind, k])
                continue
            began = time.perf_counter()
            rng = np.random.default_rng([k, options.people])
            chosen = rng.permutation(options.pool)[: options.people]
            who = [names[row] for row in chosen]
            mine = people.of(who)
            if options.rho == 0:  # fresh people around the same brains
                fresh = people.of([names[row] for row in rng.permutation(chosen)])
                mine = mine._replace(residual=fresh.residual)
            world = brains._replace(seed=k)
            cohort = behaving_cohort(
                who, edges[chosen], simulate_behaviour(world, mine), table.loc[who]
            )
            row = {"model": kind, "cohort": k, **judge(cohort, kind, k, options)}
            rows.append(row | {"seconds": time.perf_counter() - began})
            if options.json:
                with unfinished(options).open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"of": simulated(options), "row": rows[-1]}) + "\n")
    return {
        **simulated(options),
        "cohorts": options.cohorts,
        "twins": options.twins,
        "commit": commit(),
        "versions": versions(),
        "summary": summary(rows),
        "cohorts_in_detail": rows,
    }


def simulated(options: argparse.Namespace) -> dict:
    """What makes a cohort."""
    return {name: getattr(options, name) for name in ("rho", "people", "pool", "folds", "parcels")}


def unfinished(options: argparse.Namespace) -> Path:
    """Where cohorts are kept as soon as they are judged; an interrupted call goes on."""
    return options.json.with_suffix(".jsonl")


def kept(options: argparse.Namespace) -> dict[tuple[str, int], dict]:
    """Cohorts judged by an interrupted call with the same options."""
    if not options.json or not unfinished(options).exists():
        return {}
    lines = unfinished(options).read_text(encoding="utf-8").splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    rows = [one["row"] for one in found if one["of"] == simulated(options)]
    return {(row["model"], row["cohort"]): row for row in rows}


def judge(cohort, kind: str, seed: int, options: argparse.Namespace) -> dict:
    """The verdict on one cohort: which claims, and their p by both schemes."""
    folds = by_people(cohort, options.folds, seed=seed)
    if kind == "ridge":
        family = families.on_edges({"twin": ridge})
    else:
        sizes = {"units": 32, "width": 200, "components": 128, "absence": 0.3}
        recipe = workflow.Recipe(sizes, Settings(epochs=20, segments=5), validation_share=0.1)
        family = families.twins(recipe, seed=seed, swapped=None)
    told = cross_validate(cohort, folds, {"model": family})
    test = folds[0].test._replace(people=told.fold >= 0)
    scored = scored_parts(cohort, test, told.fold, draws=20)
    found = evidence_of(cohort, scored, told.predictions["twin"], seed=seed)
    ps = {key: one.p for key, one in found.items()}
    rs = {key: one.r.value for key, one in found.items()}
    claimed = [key for key, (_, holds) in claims_held(found).items() if holds]
    row: dict = {"claims": claimed, "p": ps, "r": rs}
    if kind == "ridge":
        row["p_refit"] = refit(cohort, scored, told, seed)
        adjusted = holm(list(row["p_refit"].values()))
        row["claims_refit"] = [
            k for k, p in zip(row["p_refit"], adjusted) if p is not None and p < 0.05
        ]
    return row


def refit(cohort, scored, told, seed: int) -> dict[str, float | None]:
    """Exact p of every claim of the ridge."""
    return {
        f"{claim.task}.{claim.metric}": refitted(
            claim, cohort.participants, cohort.connectomes, told.fold, ridge, seed=seed
        )[1]
        for claim in claims(scored, told.predictions["twin"])
    }


def summary(rows: list[dict]) -> dict:
    """Share of cohorts with any claim, by scheme, with exact 95 % intervals."""
    told = {}
    for model in ("ridge", "twin"):
        mine = [row for row in rows if row["model"] == model]
        for scheme in ("claims", "claims_refit"):
            hits = [bool(row[scheme]) for row in mine if scheme in row]
            if not hits:
                continue
            interval = binomtest(sum(hits), len(hits)).proportion_ci()
            each = {
                key: float(np.mean([key in row[scheme] for row in mine])) for key in mine[0]["p"]
            }
            told[f"{model} {'refit' if scheme == 'claims_refit' else 'swap'}"] = {
                "cohorts": len(hits),
                "any_claim": float(np.mean(hits)),
                "ci_low": interval.low,
                "ci_high": interval.high,
                "each": each,
                "mean_r": {
                    key: float(np.mean([row["r"][key] or 0.0 for row in mine])) for key in each
                },
            }
    return told


def as_text(found: dict) -> str:
    """JSON with a line a cohort."""
    rows = [json.dumps(rounded(row)) for row in found["cohorts_in_detail"]]
    head = json.dumps({k: v for k, v in found.items() if k != "cohorts_in_detail"}, indent=1)
    body = ",\n  ".join(rows)
    return f'{head[:-2]},\n "cohorts_in_detail": [\n  {body}\n ]\n}}\n'


def rounded(value):
    """Numbers with four decimals, in any depth."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rho", type=float, default=0.0)
    parser.add_argument("--cohorts", type=int, default=500)
    parser.add_argument("--twins", type=int, default=0)
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--parcels", type=int, default=96)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = main(options)
    print(json.dumps(found["summary"], indent=1))
    if options.json:
        options.json.write_text(as_text(found), encoding="utf-8")
        unfinished(options).unlink(missing_ok=True)
