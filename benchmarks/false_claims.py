"""How often does the verdict claim what is not there, and how often does it find what is?

    python -m benchmarks.false_claims --design=tcp --json=benchmarks/results/false_claims/tcp.json
    python -m benchmarks.false_claims --design=seven_lists --model=paper --cohorts=20 --folds=3 \
        --json=benchmarks/results/false_claims/seven_lists_paper.json
    python -m benchmarks.false_claims --design=seven_lists --rho=0.5 --people=1000 --pool=5000 \
        --folds=5 --cohorts=20 --json=benchmarks/results/false_claims/seven_lists_found.json

Interrupted, the same command goes on.

Each cohort: people drawn from a pool of simulated brains, fresh behaviour, age, sex and site that
mean nothing; K folds, the model, and the very verdict that `experiments.unseen` prints, with all
that may contradict a claim. Designs are TCP's two tasks, in which everybody sees the same list,
and those of `benchmarks.list_designs`. A ridge stands in for the twin in many cohorts; the paper's
twin and the mixed-effects twin, both small, are tried in a few. At rho = 0 nothing of behaviour is
caused by connectomes: any claim is false. `held` counts claims by permutation and Holm alone,
`claims` what is left after contradictions: the exact test of the ridge, other connectomes,
covariates.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from tqdm import tqdm

from benchmarks.list_designs import DESIGNS, listed_cohort
from dtb_jax.data.folds import group_k_fold
from dtb_jax.evaluation.assessment import evidence_of, scored_parts, words_of
from dtb_jax.evaluation.contradictions import contradictions
from dtb_jax.evaluation.crossvalidation import cross_validate
from dtb_jax.evaluation.scores import score
from dtb_jax.evaluation.verdict import claims_held
from dtb_jax.models.mixed_effects.estimator import DRAWS, MixedEffectsTwin
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.models.profile_regression import demographics as demographics_of
from dtb_jax.models.protocol import Model, Probe
from dtb_jax.models.regression import ridge
from dtb_jax.models.surrogates import strangers, surrogates
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import demographics, measured_connectome, simulate_behaviour
from dtb_jax.simulation.layout import REST_RUNS
from dtb_jax.simulation.memory import simulate_cohort_behaviour
from dtb_jax.simulation.people import gather
from dtb_jax.simulation.world import draw_subject, make_world
from dtb_jax.twin.config import TrainConfig, TwinConfig
from dtb_jax.workflows.session import commit, settle_jax, versions


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
    for k in tqdm(range(options.cohorts), desc=f"{options.design}, {options.model}"):
        if k in done:
            rows.append(done[k])
            continue
        began = time.perf_counter()
        rng = np.random.default_rng([k, options.people])
        chosen = rng.permutation(options.pool)[: options.people]
        who = [names[row] for row in chosen]
        mine = people.of(who)
        if options.rho == 0:  # fresh people around the same brains
            fresh = people.of([names[row] for row in rng.permutation(chosen)])
            mine = mine._replace(residual=fresh.residual)
        if options.design == "tcp":
            presses = simulate_behaviour(brains._replace(seed=k), mine)
            cohort = simulate_cohort_behaviour(who, edges[chosen], presses, table.loc[who])
        else:
            cohort = listed_cohort(
                options.design, brains.truth, mine, edges[chosen], table.loc[who], seed=k
            )
        row = {"cohort": k, **judge(cohort, k, options)}
        rows.append(row | {"seconds": time.perf_counter() - began})
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            with unfinished(options).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"of": simulated(options), "row": rows[-1]}) + "\n")
    return {
        **simulated(options),
        "cohorts": options.cohorts,
        "commit": commit(),
        "versions": versions(),
        "summary": summary(rows),
        "cohorts_in_detail": rows,
    }


def simulated(options: argparse.Namespace) -> dict:
    """What makes a cohort."""
    names = ("design", "model", "rho", "people", "pool", "folds", "parcels")
    return {name: getattr(options, name) for name in names}


def unfinished(options: argparse.Namespace) -> Path:
    """Where cohorts are kept as soon as they are judged; an interrupted call goes on."""
    return options.json.with_suffix(".jsonl")


def kept(options: argparse.Namespace) -> dict[int, dict]:
    """Cohorts judged by an interrupted call with the same options."""
    if not options.json or not unfinished(options).exists():
        return {}
    lines = unfinished(options).read_text(encoding="utf-8").splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    rows = [one["row"] for one in found if one["of"] == simulated(options)]
    return {row["cohort"]: row for row in rows}


def model_of(name: str, seed: int) -> tuple[Model, list[Probe]]:
    """The model in the twin's place, and what else it is asked."""
    if name == "ridge":
        return ProfileRegression(ridge), []
    if name == "paper":
        config = TwinConfig(units=32, components=128, absence=0.3, scale=0.03)
        train = TrainConfig(epochs=20, segments=5, validation_share=0.1)
        return PaperTwin(config, train, seed), [surrogates(strangers, seed=seed)]
    twin = MixedEffectsTwin(seeds=[seed], units=16, coordinates=8, method=Method(updates=250))
    return twin, [surrogates(partial(strangers, draws=DRAWS), seed=seed)]


def judge(cohort, seed: int, options: argparse.Namespace) -> dict:
    """The verdict on one cohort: which claims hold, which are contradicted, and all p."""
    folds = group_k_fold(cohort, options.folds, seed=seed)
    model, probes = model_of(options.model, seed)
    told = cross_validate(cohort, folds, {"twin": model}, probes={"twin": probes})
    test = folds[0].test._replace(people=told.fold >= 0)
    scored = scored_parts(cohort, test, told.fold, draws=20)
    found = evidence_of(cohort, scored, told.predictions["twin"], seed=seed)
    held = [key for key, (_, holds) in claims_held(found).items() if holds]
    against = {}
    if held:
        without = {"demographics": ProfileRegression(features=demographics_of)}
        predictions = told.predictions | cross_validate(cohort, folds, without).predictions
        models = {name: score(scored, predictions[name]) for name in ("twin", "demographics")}
        against = contradictions(
            cohort,
            scored,
            predictions,
            models,
            found,
            covariates=words_of(cohort, scored).covariates,
            seed=seed,
        )
    return {
        "lists": {part.run.name: [part.lists.kind, len(part.lists.sizes())] for part in scored},
        "held": held,
        "claims": [key for key in held if key not in against],
        "against": against,
        "p": {key: one.p for key, one in found.items()},
        "r": {key: one.r.value for key, one in found.items()},
    }


def summary(rows: list[dict]) -> dict:
    """Share of cohorts with any claim, with exact 95 % intervals, and of each claim."""
    told = {}
    for scheme in ("held", "claims"):
        hits = [bool(row[scheme]) for row in rows]
        interval = binomtest(sum(hits), len(hits)).proportion_ci()
        told[scheme] = {
            "cohorts": len(hits),
            "any_claim": float(np.mean(hits)),
            "ci_low": interval.low,
            "ci_high": interval.high,
            "each": {key: float(np.mean([key in r[scheme] for r in rows])) for key in rows[0]["p"]},
        }
    told["mean_r"] = {
        key: float(np.mean([row["r"].get(key) or 0.0 for row in rows])) for key in rows[0]["p"]
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
    parser.add_argument("--design", choices=("tcp", *DESIGNS), default="tcp")
    parser.add_argument("--model", choices=("ridge", "paper", "mixed"), default="ridge")
    parser.add_argument("--rho", type=float, default=0.0)
    parser.add_argument("--cohorts", type=int, default=500)
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--parcels", type=int, default=96)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = main(options)
    print(json.dumps(found["summary"], indent=1))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(as_text(found), encoding="utf-8")
        unfinished(options).unlink(missing_ok=True)
