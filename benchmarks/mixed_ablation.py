"""What each part of the mixed-effects twin is for: without it, the same people and trials.

    python -m benchmarks.mixed_ablation --data=out/groundtruth/cohort \
        --json=benchmarks/results/mixed_ablation.json

Each variant, of one seed where it does not say more, learns from the first half of every run of
three quarters of the people, and tells the second half of the same people ("seen", also with what
others do on each trial) and of the others ("unseen"). Figures are of Faces and of Stroop; seconds
are of learning all seeds and of hearing what data say of the last, compiling included where a call
does so first. Rows are written as they come; interrupted, the same command goes on. Two calls with
other --only may write to one place side by side.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from benchmarks.mixed_variants import ONE, VARIANTS, Variant
from dtb_jax.data import DataError
from dtb_jax.data import folds as splits
from dtb_jax.data.folds import Fold
from dtb_jax.data.writing import as_json, write_json
from dtb_jax.evaluation.assessment import scored_parts
from dtb_jax.evaluation.crossvalidation import fit_and_predict
from dtb_jax.evaluation.scores import score
from dtb_jax.models.mixed_effects.estimator import MixedEffectsTwin, other_reading
from dtb_jax.models.mixed_effects.model import Method
from dtb_jax.models.mixed_effects.training import both_connectomes
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profile_regression import ProfileRegression
from dtb_jax.models.protocol import Model, Pretrained
from dtb_jax.models.registry import baselines
from dtb_jax.types import Cohort
from dtb_jax.workflows import session
from experiments import mixed_effects
from experiments.mixed_effects import known_networks

DRAWS = 20
"""Of the figures' intervals, which are not shown."""
READINGS = {
    "seen": ("seen", "twin"),
    "seen_with_items": ("seen", "twin_and_items"),
    "unseen": ("unseen", "twin"),
}
"""Whom a population tells, and by which reading."""
METRICS = {
    "reaction_time_r",
    "trial_reaction_time_r",
    "log_likelihood",
    "effect_r",
    "choice_concordance",
    "person_coverage_80",
    "person_interval_score_s_80",
    "person_mean_r",
    "person_t_r",
}


def main(data: str, tested: int, seed: int, only: str, place: Path | None) -> None:
    """Learn and score every variant, print one row each, and write them where a place is given."""
    config = mixed_effects.get_config()
    config.data, config.seed = data, seed
    session.settle_jax()
    cohort, _ = session.read_data(mixed_effects.reading(config))
    cohort = session.only_regions(cohort, config.bold_regions)
    networks, cohort = known_networks(config), both_connectomes(cohort)
    halves = mixed_effects.halves_of(config, cohort)
    folds = splits.group_k_fold(cohort, config.folds, seed=seed)[:tested]
    pairs = [in_time(halves, fold) for fold in folds]
    chosen = {k: v for k, v in VARIANTS.items() if any(part in k for part in only.split(","))}
    beside = [without_twin(cohort, pair, ProfileRegression()) for pair in pairs]
    without = figures(cohort, pairs, beside)
    about = {
        "people": len(cohort.connectomes),
        "connectome": cohort.connectome_source,
        "bold": cohort.bold_source,
        "folds": len(folds),
        "seed": seed,
        "commit": session.commit(),
        "versions": session.versions(),
    }
    rows_of(place, about)
    learned: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for name, variant in tqdm(chosen.items(), desc="variants"):
            if name in {row["variant"] for row in rows_of(place, about)}:
                continue
            twin = name if variant.learns else ONE
            said, timing = told(cohort, variant, networks, seed, Path(folder) / twin, pairs)
            row = (
                {"variant": name}
                | figures(cohort, pairs, said)
                | {"parameters": timing["parameters"] * variant.members}
                | learned.setdefault(twin, {k: timing[k] for k in ("learn_s", "listen_s")})
            )
            print(pd.DataFrame([row]).T.to_string(), flush=True)
            if place:
                rows = [*rows_of(place, about), row]
                write_json(place, about | {"without_twin": without, "rows": rows})


def rows_of(place: Path | None, about: dict) -> list[dict]:
    """Rows that are there already.

    Raises: DataError when they are of other data, software, folds or seed.
    """
    if place is None or not place.exists():
        return []
    kept = json.loads(place.read_text(encoding="utf-8"))
    for name, value in as_json(about).items():
        if kept.get(name) != value:
            raise DataError(
                f"--json: {place} has rows with {name} {kept.get(name)}, expected {value}; "
                "write to another place"
            )
    return kept["rows"]


def in_time(halves: Fold, fold: Fold) -> dict[str, Fold]:
    """First halves of a fold's training people, and second halves of them and of the others."""
    training = halves.training._replace(people=fold.training.people)
    return {
        who: Fold(training, halves.test._replace(people=part.people), fold.name)
        for who, part in (("seen", fold.training), ("unseen", fold.test))
    }


def told(
    cohort: Cohort,
    variant: Variant,
    networks,
    seed: int,
    folder: Path,
    pairs: list[dict[str, Fold]],
) -> tuple[list[dict[str, list[Prediction]]], dict[str, Any]]:
    """What the variant says of both kinds of people, and how long the last fold took.

    Populations that are in the folder are not learned again.
    """
    found = []
    for pair in pairs:
        with variant.change():
            twin = MixedEffectsTwin(
                seeds=range(seed, seed + variant.members),
                networks=networks if variant.networks else None,
                method=Method(**variant.method),
                folder=folder,
                **variant.sizes,
            )
            training = pair["seen"].training._replace(name=pair["seen"].name)
            fitted = twin.fit(cohort, training)
            said = {
                who: fit_and_predict(cohort, fold, "twin", Pretrained(fitted), [other_reading])
                for who, fold in pair.items()
            }
        found.append({r: said[who][name] for r, (who, name) in READINGS.items()})
    return found, fitted.members[0].timing


def without_twin(
    cohort: Cohort, pair: dict[str, Fold], ridge: Model
) -> dict[str, list[Prediction]]:
    """Seen people's own first halves, and a ridge on connectomes."""
    seen, unseen = pair["seen"], pair["unseen"]
    own = {
        name: model.fit(cohort, seen.training).predict(cohort, seen.test)
        for name, model in baselines(seen.training).items()
    }
    return {
        "seen": own["own_training_half"],
        "seen_with_items": own["own_half_and_items"],
        "unseen": ridge.fit(cohort, unseen.training).predict(cohort, unseen.test),
    }


def figures(
    cohort: Cohort, pairs: list[dict[str, Fold]], said: list[dict[str, list[Prediction]]]
) -> dict[str, float]:
    """Figures of both tasks, averaged over folds; what is undefined in a fold is left out."""
    shown: dict[str, list[float]] = {}
    for pair, each in zip(pairs, said, strict=True):
        for reading, (who, _) in READINGS.items():
            fold = pair[who]
            inside = np.where(fold.test.people, 0, -1)
            scored = scored_parts(cohort, fold.test, inside, draws=DRAWS)
            for task, metrics in score(scored, each[reading]).items():
                for metric in METRICS & metrics.keys():
                    name = f"{reading}_{task}_{metric}"
                    shown.setdefault(name, []).append(metrics[metric].value)
    return {n: float(np.mean(v)) for n, v in sorted(shown.items()) if None not in v}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--tested", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="parts of variants' names, with commas")
    parser.add_argument("--json", type=Path, dest="place")
    main(**vars(parser.parse_args()))
