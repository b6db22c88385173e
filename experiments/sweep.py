"""Many twins that differ in some options: a table with one row each.

    python -m experiments.sweep --config.data=out/groundtruth/cohort --workdir=out/sweep \\
        --config.axes="learning_rate=0.001,0.002,0.004; dropout=0.1,0.3; seed=0,1; units=32,64"

Every combination of the axes is trained on the training part (`split=time`: first halves of runs,
`people`: three quarters of the people) and scored on the other. Axes are options of
`experiments.paper`. Seeds, learning rates, penalties and dropout share one compilation; others are
compiled once a combination. `together` points are trained in one vmap, with 0 as many as
`memory_gib` holds; one after another is the default, since side by side took longer where it was
measured (`benchmarks.sweeps`). Who validates is drawn by the config's own seed, for all points
alike.

Rows are written as they come (`sweep.csv`, at the end `sweep.parquet` too): interrupted, the same
command goes on. A point that diverges is a row that says so. Beside the table stand the baselines
that need no connectome; a time split can be won by who knows no connectome, only its owner.
"""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax import families, recipe, results, sweep, workflow
from dtb_jax.assessment import scored_parts
from dtb_jax.data import DataError
from dtb_jax.evaluation.folds import Fold
from dtb_jax.evaluation.scores import score
from dtb_jax.lab import session
from dtb_jax.lab.options import Study
from dtb_jax.lab.protocol import protocol
from dtb_jax.lab.protocol import recipe as recipe_of
from dtb_jax.settings import SWEPT
from dtb_jax.sweep import Point, Trained
from dtb_jax.types import Cohort
from experiments import common, paper, sweep_report
from experiments.mixed_effects_models import make_folds
from experiments.sweep_axes import parse, read_rows, same

SPLITS = {"time": "own_training_half", "people": "demographics"}
"""And the baseline that a split has to beat."""
METRICS = (
    "choice_concordance",
    "reaction_time_r",
    "effect_r",
    "trial_reaction_time_r",
    "log_likelihood",
    "group_t_r",
    "person_t_r",
)
DRAWS = 50
"""Bootstrap draws of figures whose intervals the table does not hold."""


def get_config() -> ConfigDict:
    """`experiments.paper`, and what a sweep adds."""
    config = paper.get_config()
    config.axes = "learning_rate=0.001,0.002,0.004"
    config.split = "time"  # or "people"
    config.folds = 4  # a split by people tests one of so many parts
    config.together = 1  # points in one vmap; 0: as many as memory_gib holds
    config.memory_gib = 8.0
    return config


def run(config: ConfigDict, workdir: Path) -> pd.DataFrame:
    """Read, train every point, score, write; returns the table."""
    began = time.perf_counter()
    session.settle_jax()
    axes = parse(config)
    if config.split not in SPLITS:
        raise DataError(f"--config.split: {config.split!r}, expected one of {', '.join(SPLITS)}")
    cohort, ledger = session.read_data(config.data, common.options(Study, config))
    session.settle_options(config.to_dict(), workdir, ("axes", "together", "memory_gib"))
    workflow.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    if config.split == "time":
        fold = session.halves(common.options(Study, config), cohort)
    else:
        fold = make_folds(config, cohort)[0]
    wanted = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    place = workdir / "sweep.csv"
    rows = read_rows(place, axes)
    missing = [point for point in wanted if not any(same(point, row) for row in rows)]
    with tqdm(total=len(wanted), initial=len(wanted) - len(missing), desc="points") as bar:
        for row in trained_rows(config, cohort, fold, missing):
            rows.append(row)
            part = place.with_suffix(".part")
            pd.DataFrame(rows).to_csv(part, index=False)
            part.replace(place)
            bar.update()
    table = pd.DataFrame(rows)
    beside = SPLITS[config.split]
    own = fold.training if config.split == "time" else None
    told = families.without_connectome(own)(cohort, fold)[beside]
    metrics = {
        "protocol": protocol(cohort, config.split, units=config.units, seed=config.seed)
        | {"axes": axes},
        "table": table.to_dict("records"),
        "beside": {beside: figures(cohort, fold, told)},
        "timing": {
            "train_s": float(table["seconds"].sum()),
            "total_s": time.perf_counter() - began,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    results.write_json(workdir / "metrics.json", metrics)
    sweep_report.write(workdir, table, axes, metrics)
    return table


def trained_rows(
    config: ConfigDict, cohort: Cohort, fold: Fold, points: list[dict]
) -> Iterator[dict]:
    """A row of each point; those that share a program come one after another."""

    def structure(point: dict) -> tuple:
        return tuple((k, v) for k, v in point.items() if k not in (*SWEPT, "seed"))

    for shared, group in itertools.groupby(
        sorted(points, key=lambda p: str(structure(p))), structure
    ):
        own = list(group)
        now = ConfigDict(config)
        now.update(dict(shared))
        # what is 0 in the settings is not compiled at all, and no value could bring it back
        swept = {name: max(point[name] for point in own) for name in SWEPT if name in own[0]}
        now.update(swept)
        made = recipe_of(common.options(Study, now))
        ready = recipe.prepare(cohort, fold.training, made, seed=config.seed)
        shown = workflow.stimuli(cohort, fold.test, ready.scale)
        # more than there are would be fillers
        at_once = min(config.together or points_at_once(config, ready, made), len(own))
        for start in range(0, len(own), at_once):
            chunk = own[start : start + at_once]
            began = time.perf_counter()
            trained = train(ready, made, config, chunk, at_once)
            seconds = (time.perf_counter() - began) / len(chunk)
            for point, one in zip(chunk, trained):
                yield point | row_of(cohort, fold, made, ready, shown, one) | {"seconds": seconds}


def train(
    ready: recipe.Prepared, made: recipe.Recipe, config: ConfigDict, chunk: list[dict], at_once: int
) -> list[Trained]:
    """Train a chunk of points, in one vmap or one by one."""
    points = [
        Point(
            point.get("seed", config.seed),
            {
                # no clipping is clipping at infinity, where others of the sweep are clipped
                name: np.inf if name == "clip_norm" and not point[name] else float(point[name])
                for name in SWEPT
                if name in point
            },
        )
        for point in chunk
    ]
    if at_once == 1:
        return [sweep.fit_point(ready, made.settings, point) for point in points]
    # the last chunk is filled up: one shape, one compilation
    filled = points + points[-1:] * (at_once - len(points))
    return sweep.fit_points(ready, made.settings, filled)[: len(points)]


def points_at_once(config: ConfigDict, ready: recipe.Prepared, made: recipe.Recipe) -> int:
    """How many points fit into memory side by side."""
    state = workflow.abstract_state(ready.twin, made.settings)
    # a gradient beside the state, and what the backward pass needs of every step
    params = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    stretches = (
        made.settings.batch_people * made.settings.segments * len(ready.parts.training.at_risk[0])
    )
    activations = 8 * stretches * made.settings.segment_steps * ready.twin.hypernet.units
    each = 4 * (sum(leaf.size for leaf in jax.tree.leaves(state)) + params + activations)
    return max(1, int(config.memory_gib * 2**30 / each))


def row_of(
    cohort: Cohort, fold: Fold, made: recipe.Recipe, ready: recipe.Prepared, shown, trained: Trained
) -> dict[str, Any]:
    """What is known of a trained point: its losses, and figures on the test part."""
    losses = [row["validation_loss"] for row in trained.history]
    row: dict[str, Any] = {"finite": trained.finite, "trained_epochs": len(losses)}
    if not trained.finite:
        return row
    row |= {
        "train_loss": trained.history[-1]["train_loss"],
        "validation_loss": losses[-1],
        "least_validation_loss": min(losses),
    }
    fitted = workflow.Fitted(ready.twin, trained.params, ready.scale, trained.history, {})
    told = workflow.roll_out(cohort, fitted, made, fold.test, shown, cohort.connectomes)
    return row | {
        f"{task}_{name}": figure.value
        for task, each in figures(cohort, fold, told).items()
        for name, figure in each.items()
    }


def figures(cohort: Cohort, fold: Fold, told) -> dict[str, dict]:
    """`METRICS` on the test part, {task: {metric: Figure}}."""
    people = np.where(fold.test.people, 0, -1)
    scored = scored_parts(cohort, fold.test, people, draws=DRAWS)
    return {
        task: {name: each[name] for name in METRICS if name in each}
        for task, each in score(scored, told).items()
    }


if __name__ == "__main__":
    common.main(get_config, run, paper.set_exact)
