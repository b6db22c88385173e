r"""From a wish back to the connectome: the paper's route, designed edits, controls, a trial.

    python -m experiments.interventions --config.data=out/groundtruth/cohort --workdir=out/edits
    python -m experiments.interventions --config.data=FOLDER --workdir=out/site \
        --config.hubs=17networks_LH_ContA_PFCl_1 --config.edges=200

A small twin learns from three quarters of the people (`folds` = 4), whole runs; the others are
unseen. Twins of other seeds tell how sure its edits are, and a twin of the unseen people alone
judges them. Three arms: affective (right-amygdala response down by `dose` SD, reaction times
held), cognitive (both reaction times down, the amygdala held), combined; accuracy may rise and must
not fall. Each person's edit is designed by gradient through hypernetwork, recurrence and hazards or
GLM, under all constraints that are named; controls are of equal length. Where the cohort knows its
causes, edited people go through the truth. On two cores 26 minutes for 228 people with 434 parcels,
16 with `--config.seeds=2 --config.front=0`; 2,000 people take 25 minutes with
`--config.seeds=1 --config.front=0`.

Writes edits.tsv, metrics.json ("paper_route", "edits", "support", and "truth" where it is known),
figures and a report. Interrupted, the same command goes on.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from dtb_jax import results, workflow
from dtb_jax.data import DataError
from dtb_jax.evaluation.folds import Fold, by_people
from dtb_jax.interventions.indicators import Asked, twin_of
from dtb_jax.interventions.scene import standard_scene
from dtb_jax.interventions.study import Rules, Study, open_study
from dtb_jax.interventions.support import observed, support
from dtb_jax.mainnet import MainNetwork
from dtb_jax.mixed.cues import with_memory
from dtb_jax.mixed.intervene import asked_of, through_connectome
from dtb_jax.mixed.observed import volume_steps
from dtb_jax.mixed.workflow import Mixed
from dtb_jax.types import Cohort
from experiments import (
    common,
    interventions_arms,
    interventions_report,
    interventions_route,
    interventions_truth,
    paper,
)
from experiments.interventions_choices import (
    asked_for,
    check,
    edge_mask,
    get_config,
    make_arms,
    make_rules,
    parcel_table,
)
from experiments.interventions_mixed import both_rests, halve_rest, mixed_effects


class Twins(NamedTuple):
    """All that was trained, as studies of the same people."""

    base: Study
    refits: list[Study]  # other seeds, the same training people
    judge: Study  # trained on the people whom the base never saw
    rows: np.ndarray  # of the cohort: for whom edits are designed
    unseen: np.ndarray  # [people]: which of them the base never saw
    training: np.ndarray  # rows that the base was trained on
    mixed: Mixed | None  # the base, where it is a mixed-effects twin


def run(config: ConfigDict, workdir: Path) -> dict:
    """Train, design, judge, write; returns what went into `metrics.json`."""
    began = time.perf_counter()
    common.settle_jax()
    check(config)
    halve_rest(config)
    cohort, ledger = common.read_data(config)
    cohort, apart = both_rests(config, cohort)
    parcels = parcel_table(config)
    coordinates = interventions_report.read_centroids(config.centroids, list(parcels["name"]))
    made = paper.recipe(config, fewest_batch=0)
    try:
        fold = by_people(cohort, config.folds, seed=config.seed)[0]
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    mask, few = edge_mask(config, parcels), common.only_regions(cohort, config)
    common.settle_config(config, workdir)
    ledger.write(workdir / "exclusions.tsv")
    twins = train(config, few, made, fold, workdir, apart)
    rules = make_rules(config, cohort.connectomes[twins.training], mask)
    arms = make_arms(config, twins.base)
    seen = observed(cohort, config.region if asked_for(cohort, config) is not None else None)
    targets = sorted({name for arm in arms for name in arm.targets_sd})
    found = support(
        {name: values[twins.rows] for name, values in seen.items()},
        twins.base.before,
        twins.unseen,
        targets,
        seed=config.seed,
    )
    route = interventions_route.paper_route(config, cohort, ledger, twins, parcels)
    edited = interventions_arms.run_arms(config, workdir, twins, rules, arms, found)
    truth = interventions_truth.truth_table(
        config, cohort, twins, rules, arms, edited, route, parcels, seen
    )
    metrics = {
        "protocol": protocol(config, cohort, twins, rules),
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
    ids = [str(cohort.participants.index[row]) for row in twins.rows]
    interventions_arms.write_edits(workdir / "edits.tsv", ids, parcels, arms, edited)
    ledger.write(workdir / "exclusions.tsv")
    interventions_report.write(
        workdir, config, cohort, ledger, twins, parcels, coordinates, route, edited, truth, metrics
    )
    print(f"report: {workdir / 'report.html'}")
    return metrics


def train(
    config: ConfigDict,
    cohort: Cohort,
    recipe: workflow.Recipe,
    fold: Fold,
    workdir: Path,
    apart: np.ndarray | None = None,
) -> Twins:
    """Twins of the training people by seed, and one of the unseen people.

    Args:
        config: see `get_config`.
        cohort: everybody.
        recipe: of the paper's twin.
        fold: whose training people teach the twin.
        workdir: of checkpoints.
        apart: see `both_rests`.
    """
    unseen, training = np.flatnonzero(fold.test.people), np.flatnonzero(fold.training.people)
    rows = np.r_[unseen, training][: config.people]
    region = asked_for(cohort, config)

    def study(part, seed: int, name: str, sd=None) -> tuple[Study, Mixed | None]:
        folder = workdir / "checkpoints" / name.replace(" ", "_")
        mixed, asked, shown = None, Asked(region=region), cohort
        twin: Callable[..., MainNetwork]
        if config.twin == "mixed":
            mixed = mixed_effects(config, cohort, part, seed, name, folder, apart)
            scale, twin = mixed.scanner.scale, through_connectome(mixed)
            asked = asked_of(mixed, region, volume_steps(cohort))
            shown = with_memory(cohort, mixed.population.memory)
        else:
            fitted = hypernetwork(config, cohort, part, recipe, seed, name, folder)
            scale, twin = fitted.scale, twin_of(fitted.twin, fitted.params)
        whole = standard_scene(shown, scale)
        try:
            short = standard_scene(shown, scale, stop_s=config.design_s)
        except ValueError as error:
            raise DataError(f"--config.design_s: {error}") from error
        return open_study(twin, asked, whole, short, cohort.connectomes[rows], sd), mixed

    base, mixed = study(fold.training, config.seed, "twin")
    refits = [
        study(fold.training, config.seed + k, f"seed {config.seed + k}", base.sd)[0]
        for k in range(1, config.seeds)
    ]
    judge, _ = study(fold.test, config.seed, "judge")
    return Twins(base, refits, judge, rows, np.isin(rows, unseen), training, mixed)


def hypernetwork(config, cohort: Cohort, part, recipe, seed: int, name: str, folder: Path):
    """The paper's model, trained on a part."""
    people = int(part.people.sum())
    sized = recipe._replace(
        sizes=recipe.sizes | {"components": min(config.components, people - 1)},
        settings=recipe.settings._replace(
            batch_people=config.batch_people or max(16, people // 12)
        ),
    )
    with common.epochs_bar(recipe.settings.epochs, name) as show:
        return workflow.train(
            cohort,
            part,
            sized,
            seed=seed,
            folder=folder,
            save_every=config.save_every,
            on_epoch=show,
        )


def protocol(config: ConfigDict, cohort: Cohort, twins: Twins, rules: Rules) -> dict:
    """Who, what, under which constraints."""
    return paper.protocol(config, cohort, "people") | {
        "trained_on": len(twins.training),
        "edited": len(twins.rows),
        "edited_unseen": int(twins.unseen.sum()),
        "seeds": config.seeds,
        "twin": config.twin,
        "twin_regions": config.bold_regions or "all",
        "budget_z": rules.budget,
        "validity_ridge": config.ridge,
        "indicator_sd": {name: float(sd) for name, sd in twins.base.sd.items()},
    }


if __name__ == "__main__":
    common.main(get_config, run)
