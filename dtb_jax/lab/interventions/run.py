"""From a wish back to the connectome: the paper's route, designed edits, controls, a trial."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from dtb_jax import results, workflow
from dtb_jax.data import DataError, Ledger
from dtb_jax.evaluation.folds import Fold, by_people
from dtb_jax.interventions.indicators import Asked, twin_of
from dtb_jax.interventions.scene import standard_scene
from dtb_jax.interventions.study import Rules, Study, open_study
from dtb_jax.interventions.support import observed, support
from dtb_jax.interventions.trial import Arm
from dtb_jax.lab import session
from dtb_jax.lab.interventions import arms as designed
from dtb_jax.lab.interventions import report
from dtb_jax.lab.interventions.choices import (
    asked_for,
    check,
    edge_mask,
    make_arms,
    make_rules,
    parcel_table,
)
from dtb_jax.lab.interventions.mixed import both_rests, halve_rest, mixed_effects
from dtb_jax.lab.interventions.route import paper_route
from dtb_jax.lab.interventions.truth import truth_table
from dtb_jax.lab.options import Edits
from dtb_jax.lab.protocol import protocol, recipe
from dtb_jax.mainnet import MainNetwork
from dtb_jax.mixed.cues import with_memory
from dtb_jax.mixed.intervene import asked_of, through_connectome
from dtb_jax.mixed.observed import volume_steps
from dtb_jax.mixed.workflow import Mixed
from dtb_jax.recipe import Recipe
from dtb_jax.types import Cohort


class Twins(NamedTuple):
    """All that was trained, as studies of the same people."""

    base: Study
    refits: list[Study]  # other seeds, the same training people
    judge: Study  # trained on the people whom the base never saw
    rows: np.ndarray  # of the cohort: for whom edits are designed
    unseen: np.ndarray  # [people]: which of them the base never saw
    training: np.ndarray  # rows that the base was trained on
    mixed: Mixed | None  # the base, where it is a mixed-effects twin


class Opened(NamedTuple):
    """What was read, who has learned, and what is wished for under which rules."""

    options: Edits
    cohort: Cohort
    ledger: Ledger
    parcels: pd.DataFrame
    coordinates: np.ndarray | None
    twins: Twins
    rules: Rules
    arms: list[Arm]


def open_twins(options: Edits, workdir: Path) -> Opened:
    """Read a folder and train the twins, going on from checkpoints where there are some.

    Raises: DataError, in one sentence.
    """
    session.settle_jax()
    check(options)
    options = halve_rest(options)
    cohort, ledger = session.read_data(options.data, options)
    cohort, apart = both_rests(options, cohort)
    parcels = parcel_table(options)
    coordinates = report.read_centroids(options.centroids, list(parcels["name"]))
    made = recipe(options, fewest_batch=0)
    try:
        fold = by_people(cohort, options.folds, seed=options.seed)[0]
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    mask = edge_mask(options, parcels)
    few = session.only_regions(cohort, options.bold_regions)
    workdir.mkdir(parents=True, exist_ok=True)
    session.settle_options(asdict(options), workdir)
    ledger.write(workdir / "exclusions.tsv")
    twins = train(options, few, made, fold, workdir, apart)
    rules = make_rules(options, cohort.connectomes[twins.training], mask)
    arms = make_arms(options, twins.base)
    return Opened(options, cohort, ledger, parcels, coordinates, twins, rules, arms)


def design(opened: Opened, workdir: Path) -> None:
    """Everybody's edits, kept below `workdir`, and the strongest changes in `edits.tsv`."""
    twins, arms = opened.twins, opened.arms
    edits = {
        arm.name: designed.designed(workdir, twins.base, arm, opened.rules, f"{arm.name}_0").edit
        for arm in arms
    }
    designed.write_edits(workdir / "edits.tsv", _ids(opened), opened.parcels, edits)


def trial(opened: Opened, workdir: Path) -> dict:
    """Edits, controls, judges, the paper's route and, where known, the truth; and a report.

    Returns: what went into `metrics.json`.
    """
    began = time.perf_counter()
    options, cohort, ledger, parcels, coordinates, twins, rules, arms = opened
    region = options.region if asked_for(cohort, options) is not None else None
    seen = observed(cohort, region)
    targets = sorted({name for arm in arms for name in arm.targets_sd})
    found = support(
        {name: values[twins.rows] for name, values in seen.items()},
        twins.base.before,
        twins.unseen,
        targets,
        seed=options.seed,
    )
    design(opened, workdir)
    route = paper_route(options, cohort, ledger, twins, parcels)
    edited = designed.run_arms(options, workdir, twins, rules, arms, found)
    truth = truth_table(options, cohort, twins, rules, arms, edited, route, parcels, seen)
    metrics = {
        "protocol": told(opened),
        "support": {name: one._asdict() for name, one in found.items()},
        "paper_route": route.metrics,
        "edits": edited.metrics,
        **({"truth": truth.metrics} if truth else {}),
        "timing": {
            "total_s": time.perf_counter() - began,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    results.write_json(workdir / "metrics.json", metrics)
    ledger.write(workdir / "exclusions.tsv")
    report.write(
        workdir, options, cohort, ledger, twins, parcels, coordinates, route, edited, truth, metrics
    )
    return metrics


def train(
    options: Edits,
    cohort: Cohort,
    made: Recipe,
    fold: Fold,
    workdir: Path,
    apart: np.ndarray | None = None,
) -> Twins:
    """Twins of the training people by seed, and one of the unseen people.

    Args:
        options: see `options.Edits`.
        cohort: everybody.
        made: recipe of the paper's twin.
        fold: whose training people teach the twin.
        workdir: of checkpoints.
        apart: see `both_rests`.
    """
    unseen, training = np.flatnonzero(fold.test.people), np.flatnonzero(fold.training.people)
    rows = np.r_[unseen, training][: options.people]
    region = asked_for(cohort, options)

    def study(part, seed: int, name: str, sd=None) -> tuple[Study, Mixed | None]:
        folder = workdir / "checkpoints" / name.replace(" ", "_")
        mixed, asked, shown = None, Asked(region=region), cohort
        twin: Callable[..., MainNetwork]
        if options.twin == "mixed":
            mixed = mixed_effects(options, cohort, part, seed, name, folder, apart)
            scale, twin = mixed.scanner.scale, through_connectome(mixed)
            asked = asked_of(mixed, region, volume_steps(cohort))
            shown = with_memory(cohort, mixed.population.memory)
        else:
            fitted = hypernetwork(options, cohort, part, made, seed, name, folder)
            scale, twin = fitted.scale, twin_of(fitted.twin, fitted.params)
        whole = standard_scene(shown, scale)
        try:
            short = standard_scene(shown, scale, stop_s=options.design_s)
        except ValueError as error:
            raise DataError(f"--config.design_s: {error}") from error
        return open_study(twin, asked, whole, short, cohort.connectomes[rows], sd), mixed

    base, mixed = study(fold.training, options.seed, "twin")
    refits = [
        study(fold.training, options.seed + k, f"seed {options.seed + k}", base.sd)[0]
        for k in range(1, options.seeds)
    ]
    judge, _ = study(fold.test, options.seed, "judge")
    return Twins(base, refits, judge, rows, np.isin(rows, unseen), training, mixed)


def hypernetwork(options: Edits, cohort: Cohort, part, made, seed: int, name: str, folder: Path):
    """The paper's model, trained on a part."""
    people = int(part.people.sum())
    sized = made._replace(
        sizes=made.sizes | {"components": min(options.components, people - 1)},
        settings=made.settings._replace(batch_people=options.batch_people or max(16, people // 12)),
    )
    with session.epochs_bar(made.settings.epochs, name) as show:
        return workflow.train(
            cohort,
            part,
            sized,
            seed=seed,
            folder=folder,
            save_every=options.save_every,
            on_epoch=show,
        )


def told(opened: Opened) -> dict:
    """Who, what, under which constraints."""
    options, twins = opened.options, opened.twins
    return protocol(opened.cohort, "people", units=options.units, seed=options.seed) | {
        "response": options.response,
        "trained_on": len(twins.training),
        "edited": len(twins.rows),
        "edited_unseen": int(twins.unseen.sum()),
        "seeds": options.seeds,
        "twin": options.twin,
        "twin_regions": options.bold_regions or "all",
        "budget_z": opened.rules.budget,
        "validity_ridge": options.ridge,
        "indicator_sd": {name: float(sd) for name, sd in twins.base.sd.items()},
    }


def _ids(opened: Opened) -> list[str]:
    return [str(opened.cohort.participants.index[row]) for row in opened.twins.rows]
