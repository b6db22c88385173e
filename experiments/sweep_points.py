"""Points of a sweep: training, scoring, a row each."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dtb_jax.data import ExclusionLog
from dtb_jax.data.folds import Fold
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation.assessment import scored_parts
from dtb_jax.evaluation.scores import score
from dtb_jax.models import paper_twin, sweep
from dtb_jax.models.paper_twin import PaperTwin, TrainingData
from dtb_jax.models.sweep import Point, Trained
from dtb_jax.twin.config import SWEPT, batch_size
from dtb_jax.types import Cohort
from dtb_jax.workflows import session
from dtb_jax.workflows.config import StudyConfig
from dtb_jax.workflows.config import paper_twin as twin_of
from experiments import common
from experiments.mixed_effects_models import make_folds

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


def read(config: ConfigDict) -> tuple[Cohort, ExclusionLog, Fold]:
    """The cohort and the split that all points share."""
    study = common.options(StudyConfig, config)
    cohort, ledger = session.read_data(study.data)
    if config.split == "time":
        return cohort, ledger, session.halves(study.evaluation, cohort)
    return cohort, ledger, make_folds(config, cohort)[0]


def fit_alone(config: dict[str, Any], workdir: Path, point: dict) -> None:
    """One point, its row kept below `workdir`: a task of an array job."""
    session.settle_jax()
    whole = ConfigDict(config)
    cohort, _, fold = read(whole)
    (row,) = trained_rows(whole, cohort, fold, [point])
    place = place_of(workdir, point)
    place.parent.mkdir(exist_ok=True)
    write_json(place, row)


def place_of(workdir: Path, point: dict) -> Path:
    """Where a task leaves the row of a point."""
    return workdir / "points" / ("_".join(f"{k}={v}" for k, v in point.items()) + ".json")


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
        made = twin_of(common.options(StudyConfig, now))
        ready = paper_twin.training_data(cohort, fold.training, made)
        # more than there are would be fillers
        at_once = min(config.together or points_at_once(config, ready, made), len(own))
        for start in range(0, len(own), at_once):
            chunk = own[start : start + at_once]
            began = time.perf_counter()
            trained = train(ready, made, config, chunk, at_once)
            seconds = (time.perf_counter() - began) / len(chunk)
            for point, one in zip(chunk, trained):
                yield (
                    point
                    | row_of(cohort, fold, made, ready, one, config.drifts)
                    | {"seconds": seconds}
                )


def train(
    ready: TrainingData,
    made: PaperTwin,
    config: ConfigDict,
    chunk: list[dict],
    at_once: int,
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


def points_at_once(config: ConfigDict, ready: TrainingData, made: PaperTwin) -> int:
    """How many points fit into memory side by side."""
    state = paper_twin.abstract_state(ready.twin, made.settings)
    # a gradient beside the state, and what the backward pass needs of every step
    params = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    people = batch_size(made.settings, len(ready.parts.people))
    stretches = people * made.settings.segments * len(ready.parts.training.at_risk[0])
    activations = 8 * stretches * made.settings.segment_steps * ready.twin.hypernet.units
    each = 4 * (sum(leaf.size for leaf in jax.tree.leaves(state)) + params + activations)
    return max(1, int(config.memory_gib * 2**30 / each))


def row_of(
    cohort: Cohort,
    fold: Fold,
    made: PaperTwin,
    ready: TrainingData,
    trained: Trained,
    drifts: int | None,
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
    fitted = paper_twin.Fitted(ready.twin, trained.params, ready.scale, trained.history, {}, made)
    told = fitted.predict(cohort, fold.test)
    return row | {
        f"{task}_{name}": figure.value
        for task, each in figures(cohort, fold, told, drifts).items()
        for name, figure in each.items()
    }


def figures(cohort: Cohort, fold: Fold, told, drifts: int | None) -> dict[str, dict]:
    """`METRICS` on the test part, {task: {metric: Figure}}."""
    people = np.where(fold.test.people, 0, -1)
    scored = scored_parts(cohort, fold.test, people, drifts, DRAWS)
    return {
        task: {name: each[name] for name in METRICS if name in each}
        for task, each in score(scored, told).items()
    }
