"""What each part of the mixed-effects twin is for: without it, the same people and trials.

    python -m benchmarks.mixed_ablation --data=out/groundtruth/cohort \
        --json=benchmarks/results/mixed_ablation.json

Each variant learns from the first half of every run of everybody and tells the second ("seen"), and
learns from three quarters of the people and tells those of some folds of four ("unseen"). Figures
are of both tasks, Faces / Stroop; seconds are of learning all seeds and of hearing what data say of
the last, compiling included where a call does so first. Rows are written as they come; interrupted,
the same command goes on. Two calls with other --only may write to one place side by side.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pandas as pd
from tqdm import tqdm

from dtb_jax import results
from dtb_jax.assessment import scored_parts
from dtb_jax.data import DataError
from dtb_jax.evaluation import folds as splits
from dtb_jax.evaluation.folds import Fold
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.evaluation.scores import score
from dtb_jax.mixed import prior, workflow
from dtb_jax.mixed.ensemble import mixture
from dtb_jax.mixed.families import told_by
from dtb_jax.mixed.model import Method
from dtb_jax.mixed.observed import fit_scanner
from dtb_jax.mixed.posterior import Gaussian
from dtb_jax.mixed.workflow import Mixed
from dtb_jax.types import Cohort
from experiments import common, mixed_effects
from experiments.mixed_effects import both_connectomes, known_networks

SEEN = Mixed.seen
DRAWS = 20
"""Of the figures' intervals, which are not shown."""
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


class Variant(NamedTuple):
    """One change to the twin that ships."""

    method: dict[str, Any] = {}
    sizes: dict[str, Any] = {}
    networks: bool = True
    change: Callable[[], Any] = nullcontext  # around learning and telling
    members: int = 1
    without_items: bool = False
    learns: bool = True  # other populations than those that ship


def standing_still(mixed: Mixed, runs: Sequence[str], *, later: bool = False) -> list[Gaussian]:
    """Belief in training people later, if they were as they are."""
    return SEEN(mixed, runs)


def white_scanner(cohort: Cohort, part, known, *, piece: int):
    """BOLD's noise as if volumes were independent and did not drift: a squared error."""
    scanner, seen = fit_scanner(cohort, part, known, piece=piece)
    volumes = scanner.noise.whiten.shape[1]
    sd = float(np.sqrt((seen.bold**2).sum() / max(seen.mask.sum() * seen.bold.shape[-1], 1)))
    white = np.tile(np.eye(volumes, dtype=np.float32) / sd, (len(scanner.runs), 1, 1))
    mix = np.eye(len(scanner.noise.mix), dtype=np.float32)
    return scanner._replace(noise=scanner.noise._replace(whiten=white, mix=mix)), seen


def as_believed(spread: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, ...]:
    """f is learned from where people are believed to be, as it is."""
    eye = np.eye(len(spread))
    return np.ones(len(spread)), eye, eye


def no_items(cohort: Cohort, part) -> dict:
    """No item has a number of its own."""
    return {}


def from_nowhere(cohort: Cohort, part, coordinates: int) -> np.ndarray:
    """Everybody begins at 0."""
    return np.zeros((len(cohort.connectomes), coordinates))


def patched(owner: Any, name: str, other: Any) -> Callable[[], Any]:
    """A context in which something is exchanged."""
    return lambda: mock.patch.object(owner, name, other)


SHIPS = "as it ships"
VARIANTS = {
    SHIPS: Variant(),
    "no hidden noise": Variant({"hidden_noise": 0.0}),
    "people stay as they are (no drift)": Variant(
        change=patched(Mixed, "seen", standing_still), learns=False
    ),
    "trials do nothing to everybody": Variant(change=patched(workflow, "known_items", no_items)),
    "every trial is attended": Variant({"inattention": -40.0}),
    "no random presses": Variant({"lapse": -40.0}),
    "seen people without items": Variant(without_items=True, learns=False),
    "edges alone, no blocks": Variant(networks=False, learns=False),
    "f of shrunken beliefs": Variant(
        change=patched(prior, "directions", as_believed), learns=False
    ),
    "behaviour alone, no BOLD": Variant({"bold_weight": 0.0}),
    "BOLD's noise white, no drifts": Variant(
        change=patched(workflow, "fit_scanner", white_scanner)
    ),
    "people begin at 0": Variant(change=patched(workflow, "start_from_profiles", from_nowhere)),
    "8 coordinates": Variant(sizes={"coordinates": 8}),
    "32 coordinates": Variant(sizes={"coordinates": 32}),
    "16 units": Variant(sizes={"units": 16}),
    "64 units": Variant(sizes={"units": 64}),
    "half as many updates": Variant({"updates": 750}),
    "twice as many updates": Variant({"updates": 3000}),
    "mixture of 4 seeds": Variant(members=4),
}


def main(data: str, tested: int, seed: int, only: str, place: Path | None) -> None:
    """Learn and score every variant, print one row each, and write them where a place is given."""
    config = mixed_effects.get_config()
    config.data, config.seed = data, seed
    common.remember_compilations()
    cohort, _ = common.read_data(config)
    cohort = common.only_regions(cohort, config)
    networks, cohort = known_networks(config), both_connectomes(cohort)
    (halves,) = splits.by_time(cohort, config.split_s, config.stop_s)
    folds = splits.by_people(cohort, config.folds, seed=seed)[:tested]
    chosen = {k: v for k, v in VARIANTS.items() if any(part in k for part in only.split(","))}
    about = {
        "people": len(cohort.connectomes),
        "connectome": cohort.connectome_source,
        "bold": cohort.bold_source,
        "folds": len(folds),
        "seed": seed,
        "commit": common.commit(),
        "versions": common.versions(),
    }
    rows_of(place, about)
    learned: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for name, variant in tqdm(chosen.items(), desc="variants"):
            if name in {row["variant"] for row in rows_of(place, about)}:
                continue
            twin = name if variant.learns else SHIPS
            ask = partial(told, cohort, variant, networks, seed, Path(folder) / twin)
            seen, timing = ask([halves])
            unseen, _ = ask(folds)
            row = (
                {"variant": name}
                | figures(cohort, [halves], seen, "seen")
                | figures(cohort, folds, unseen, "unseen")
                | {"parameters": timing["parameters"] * variant.members}
                | learned.setdefault(twin, {k: timing[k] for k in ("learn_s", "listen_s")})
            )
            print(pd.DataFrame([row]).T.to_string(), flush=True)
            if place:
                results.write_json(place, about | {"rows": [*rows_of(place, about), row]})


def rows_of(place: Path | None, about: dict) -> list[dict]:
    """Rows that are there already.

    Raises: DataError when they are of other data, software, folds or seed.
    """
    if place is None or not place.exists():
        return []
    kept = json.loads(place.read_text(encoding="utf-8"))
    for name, value in results.as_json(about).items():
        if kept.get(name) != value:
            raise DataError(
                f"--json: {place} has rows with {name} {kept.get(name)}, expected {value}; "
                "write to another place"
            )
    return kept["rows"]


def told(
    cohort: Cohort, variant: Variant, networks, seed: int, folder: Path, folds: list[Fold]
) -> tuple[list[list[Prediction]], dict[str, Any]]:
    """What the variant says of each fold's test part, and how long the last one took.

    Populations that are in the folder are not learned again.
    """
    found = []
    for fold in folds:
        with variant.change():
            twins = workflow.train_members(
                cohort,
                fold.training,
                seeds=range(seed, seed + variant.members),
                networks=networks if variant.networks else None,
                method=Method(**variant.method),
                folder=folder / fold.name,
                **variant.sizes,
            )
            each = [told_by(mixed, cohort, fold, seed=seed) for mixed in twins]
        with_items = "twin_and_items" in each[0] and not variant.without_items
        members = [one["twin_and_items" if with_items else "twin"] for one in each]
        tested = [fold.test.trials(run) for run in fold.test.of(cohort).runs]
        found.append(members[0] if len(members) == 1 else mixture(members, tested))
    return found, twins[0].timing


def figures(cohort: Cohort, folds: list[Fold], said: list[list[Prediction]], who: str) -> dict:
    """Figures of both tasks, averaged over folds."""
    shown: dict[str, list[float]] = {}
    for fold, runs in zip(folds, said):
        inside = np.where(fold.test.people, 0, -1)
        scored = scored_parts(cohort, fold.test, inside, draws=DRAWS)
        for task, metrics in score(scored, runs).items():
            for metric in METRICS & metrics.keys():
                shown.setdefault(f"{who}_{task}_{metric}", []).append(metrics[metric].value)
    return {name: float(np.mean(values)) for name, values in sorted(shown.items())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--tested", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="parts of variants' names, with commas")
    parser.add_argument("--json", type=Path, dest="place")
    main(**vars(parser.parse_args()))
