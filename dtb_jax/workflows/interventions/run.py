"""From a wish back to the connectome: the paper's route, designed edits, controls, a trial."""

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax

from dtb_jax.data.writing import write_json
from dtb_jax.interventions.study import Rules
from dtb_jax.interventions.support import observed, support
from dtb_jax.interventions.trial import Arm
from dtb_jax.workflows.cluster import Cluster, submit
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions import arms as designed
from dtb_jax.workflows.interventions import report
from dtb_jax.workflows.interventions.choices import asked_for, make_arms, make_rules, measured
from dtb_jax.workflows.interventions.route import paper_route
from dtb_jax.workflows.interventions.truth import truth_table
from dtb_jax.workflows.interventions.twins import (
    Read,
    Twins,
    fit_one,
    has_learned,
    learners,
    read,
    train,
)
from dtb_jax.workflows.protocol import protocol


class Opened(NamedTuple):
    """What was read, who has learned, and what is wished for under which rules."""

    read: Read
    twins: Twins
    rules: Rules
    arms: list[Arm]


def open_twins(config: InterventionConfig, workdir: Path, cluster: Cluster = Cluster()) -> Opened:
    """Read a folder and train the twins, going on from checkpoints where there are some.

    Args:
        config: of the study.
        workdir: where.
        cluster: whether twins go to an array job.

    Raises: DataError, in one sentence; Submitted while twins are with Slurm.
    """
    cluster.check()
    found = read(config, workdir)
    found.ledger.write(workdir / "exclusions.tsv")
    missing = [name for name in learners(found) if not has_learned(workdir, name)]
    submit(cluster, workdir, {name: partial(fit_one, config, workdir, name) for name in missing})
    twins = train(found, workdir)
    rules = make_rules(found.config, found.cohort.connectomes[twins.training], found.mask)
    return Opened(
        found, twins, rules, make_arms(found.config, measured(found.cohort, twins.base.before))
    )


def design(opened: Opened, workdir: Path) -> None:
    """Everybody's edits, kept below `workdir`, and the strongest changes in `edits.tsv`."""
    twins, arms = opened.twins, opened.arms
    edits = {
        arm.name: designed.designed(workdir, twins.base, arm, opened.rules, f"{arm.name}_0").edit
        for arm in arms
    }
    ids = [str(opened.read.cohort.participants.index[row]) for row in twins.rows]
    designed.write_edits(workdir / "edits.tsv", ids, opened.read.parcels, edits)


def trial(opened: Opened, workdir: Path) -> dict:
    """Edits, controls, judges, the paper's route and, where known, the truth; and a report.

    Returns: what went into `metrics.json`.
    """
    began = time.perf_counter()
    source, twins, rules, arms = opened
    config, cohort, ledger = source.config, source.cohort, source.ledger
    parcels = source.parcels
    region = config.edits.region if asked_for(cohort, config) is not None else None
    seen = observed(cohort, region)
    targets = sorted({name for arm in arms for name in arm.targets_sd})
    found = support(
        {name: values[twins.rows] for name, values in seen.items()},
        twins.base.before,
        twins.unseen,
        targets,
        seed=config.seed,
    )
    design(opened, workdir)
    route = paper_route(config, cohort, ledger, twins, parcels)
    edited = designed.run_arms(config, workdir, twins, rules, arms, found)
    truth = truth_table(config, cohort, twins, rules, arms, edited, route, parcels, seen)
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
    write_json(workdir / "metrics.json", metrics)
    ledger.write(workdir / "exclusions.tsv")
    report.write(
        workdir,
        config,
        cohort,
        ledger,
        twins,
        parcels,
        source.coordinates,
        route,
        edited,
        truth,
        metrics,
    )
    return metrics


def told(opened: Opened) -> dict:
    """Who, what, under which constraints."""
    (config, cohort), twins = opened.read[:2], opened.twins
    return protocol(
        cohort,
        "people",
        units=config.twin.units,
        seed=config.seed,
        drawn=bool(config.evaluation.centroids),
    ) | {
        "response": config.twin.response,
        "trained_on": len(twins.training),
        "edited": len(twins.rows),
        "edited_unseen": int(twins.unseen.sum()),
        "seeds": config.edits.seeds,
        "twin": config.edits.kind,
        "twin_regions": config.edits.bold_regions or "all",
        "budget_z": opened.rules.budget,
        "validity_ridge": config.edits.ridge,
        "indicator_sd": {name: float(sd) for name, sd in twins.base.sd.items()},
    }
