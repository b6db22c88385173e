"""Is the mixed-effects twin as good as what needs less, in one simulated cohort after another?

    python -m benchmarks.mixed_cohorts --json=benchmarks/results/mixed_cohorts.json
    python -m benchmarks.mixed_cohorts --causes=sparse --cohorts=1 --json=...

Each cohort has a world of its own: other causes, other people. One population is learned from the
first halves of the runs of three quarters of the people and tells the second halves of the same
people ("seen") and of the others ("unseen"), as in `benchmarks.mixed_ablation`; beside it are the
models that `experiments.mixed_effects` shows. The twin less each of these is averaged over cohorts,
with a 95 % t interval over cohorts. Rows are written as they come; interrupted, the same command
goes on, and two calls with other --first may write to one place side by side.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy.stats import t as student
from tqdm import tqdm

from benchmarks.mixed_ablation import DRAWS, METRICS, in_time, rows_of
from dtb_jax.data import folds as splits
from dtb_jax.data.folds import Fold
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import scored_parts
from dtb_jax.evaluation.crossvalidation import fit_and_predict
from dtb_jax.evaluation.paired import compare
from dtb_jax.evaluation.scores import score
from dtb_jax.models.mixed_effects.estimator import other_reading
from dtb_jax.models.mixed_effects.training import both_connectomes
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Model, Pretrained
from dtb_jax.types import Cohort
from dtb_jax.workflows import session
from dtb_jax.workflows.config import HeldOutConfig, StudyConfig, paper_twin
from experiments import groundtruth, mixed_effects
from experiments.mixed_effects import known_networks
from experiments.mixed_effects_models import (
    BESIDE,
    mixed_effects_twin,
    regressions,
    with_own_spread,
)
from experiments.mixed_effects_shares import carried_shares, share_metrics, true_shares

SIMULATED = ("causes", "rho", "people")
"""What cohorts that are averaged have in common."""


def main(options: argparse.Namespace) -> None:
    """Simulate, learn, tell, and print the averages after every cohort."""
    session.settle_jax()
    about = {
        "connectome": "simulated",
        "bold": "simulated",
        "commit": session.commit(),
        "versions": session.versions(),
    }
    rows_of(options.place, about)
    for seed in tqdm(range(options.first, options.first + options.cohorts), desc="cohorts"):
        kind = {"seed": seed} | {name: getattr(options, name) for name in SIMULATED}
        if any(kind.items() <= row.items() for row in rows_of(options.place, about)):
            continue
        with TemporaryDirectory() as folder:
            row = kind | one_cohort(kind, Path(folder), with_paper=options.paper)
        rows = [*rows_of(options.place, about), row]
        summary = averages(rows)
        print(summary.to_string(index=False, float_format="%.3f"), flush=True)
        if options.place:
            told = about | {"summary": summary.to_dict("records"), "rows": rows}
            write_json(options.place, told)


def one_cohort(kind: dict, folder: Path, *, with_paper: bool) -> dict:
    """Figures of all models in one new cohort."""
    simulated = groundtruth.get_config()
    simulated.update(
        seed=kind["seed"], causes=kind["causes"], rho=kind["rho"], participants=kind["people"]
    )
    ceiling = groundtruth.run(simulated, folder)["ceiling"]["people"]
    config = mixed_effects.get_config()
    config.data, config.seed = str(folder / "cohort"), kind["seed"]
    cohort, _ = session.read_data(mixed_effects.reading(config))
    cohort = session.only_regions(cohort, config.bold_regions)
    networks = known_networks(config)
    shares = {
        name: {"median": share.median, "ci_80": share_metrics(share)["ci_80"]}
        for name, share in carried_shares(cohort, networks, seed=config.seed)["plain"].items()
    }
    true = true_shares(folder / "cohort", cohort)
    cohort = both_connectomes(cohort)
    halves = mixed_effects.halves_of(config, cohort)
    pair = in_time(halves, splits.group_k_fold(cohort, config.folds, seed=config.seed)[0])
    began = time.perf_counter()
    twin = mixed_effects_twin(config, networks, folder / "checkpoints")
    fitted = Pretrained(twin.fit(cohort, pair["seen"].training))
    told = {
        who: fit_and_predict(cohort, fold, "twin", fitted, [other_reading])
        for who, fold in pair.items()
    }
    twin_s = time.perf_counter() - began
    beside = {"seen": with_own_spread(), "unseen": regressions(config)}
    for who, fold in pair.items():
        models = beside[who] | ({"paper_twin": papers(config.seed)[who]} if with_paper else {})
        for name, model in models.items():
            told[who] |= fit_and_predict(cohort, fold, name, model, [])
    found = {who: figures(cohort, fold, told[who], who) for who, fold in pair.items()}
    return found | {
        "ceiling": {
            task: each["reaction_time_r"].value
            for task, each in ceiling.items()
            if "reaction_time_r" in each
        },
        "share": shares,
        "true_share": true,
        "twin_s": twin_s,
    }


def papers(seed: int) -> dict[str, Model]:
    """The paper's twin: by its default recipe for seen people, by the small one for unseen."""
    kinds = {"seen": StudyConfig, "unseen": HeldOutConfig}
    return {who: paper_twin(kind(seed=seed)) for who, kind in kinds.items()}


def figures(cohort: Cohort, fold: Fold, told: dict[str, list[Prediction]], who: str) -> dict:
    """{"models": {model: {task: {metric: value}}}, "paired": the twin less each baseline}."""
    scored = scored_parts(cohort, fold.test, np.where(fold.test.people, 0, -1), draws=DRAWS)
    shown = {"twin", *BESIDE[who], *BESIDE[who].values()} & told.keys()
    models = {name: values(score(scored, told[name])) for name in sorted(shown)}
    paired = {
        name: values(compare(scored, told[own], told[name]))
        for name, own in BESIDE[who].items()
        if name in told
    }
    return {"models": models, "paired": paired}


def values(told: dict) -> dict[str, dict[str, float]]:
    """Numbers of `METRICS` without their intervals over people."""
    return {
        task: {name: each[name].value for name in sorted(METRICS & each.keys())}
        for task, each in told.items()
    }


def averages(rows: list[dict]) -> pd.DataFrame:
    """Over cohorts simulated alike: means of the twin and of the twin less each baseline."""
    flat = []
    for row in rows:
        kind = {name: row[name] for name in SIMULATED}
        for who in ("seen", "unseen"):
            twin = {"": row[who]["models"]["twin"]}
            for less, tasks in (twin | row[who]["paired"]).items():
                for task, each in tasks.items():
                    for metric, value in each.items():
                        of = {"who": who, "task": task, "metric": metric, "less": less}
                        flat.append(kind | of | {"value": value})
    table = pd.DataFrame(flat)
    names = [name for name in table.columns if name != "value"]
    found = table.groupby(names, sort=False)["value"].agg(["mean", "sem", "count"]).reset_index()
    half = found["sem"] * student.ppf(0.975, np.maximum(found["count"] - 1, 1))
    return found.assign(low=found["mean"] - half, high=found["mean"] + half).drop(columns="sem")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed of the first cohort")
    parser.add_argument("--people", type=int, default=228)
    parser.add_argument("--causes", default="blocks", help="blocks, sparse or dense")
    parser.add_argument("--rho", type=float, default=0.5)
    parser.add_argument("--paper", action="store_true", help="the paper's twin beside")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
