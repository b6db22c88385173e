"""What edits are wished for, and what they may be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dtb_jax.data import DataError, read_parcels
from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import Search
from dtb_jax.interventions.endpoints import functions, parted
from dtb_jax.interventions.study import Rules
from dtb_jax.interventions.trial import Arm
from dtb_jax.twin.option import flat, leaves
from dtb_jax.types import Cohort
from dtb_jax.workflows.config import InterventionConfig, not_exact
from dtb_jax.workflows.session import listed


def parcel_table(config: InterventionConfig) -> pd.DataFrame:
    """Names, and if known networks, of the parcels that the folder is read with."""
    return read_parcels(Path(config.data.root), config.data.atlas)[1]


def check(config: InterventionConfig) -> None:
    """Refuse numbers that make no sense, in one sentence.

    Raises: DataError.
    """
    not_exact(config)
    if config.twin.response != "hazard":
        raise DataError(
            f"--config.response: {config.twin.response!r}; edits need the smooth reading, hazard"
        )
    for name, value in idle(config).items():
        raise DataError(
            f"--config.{name}: {value} would change nothing; "
            "--config.twin=mixed has its own network and training"
        )
    shares(config)


def idle(config: InterventionConfig) -> dict[str, Any]:
    """Options that were chosen, and that this kind of twin does not use."""
    if config.edits.kind != "mixed":
        return {}
    usual = flat(InterventionConfig())
    of_paper_twin = [k for k, leaf in leaves(config).items() if leaf.section in ("twin", "train")]
    now = flat(config)
    return {name: now[name] for name in of_paper_twin if now[name] != usual[name]}


def shares(config: InterventionConfig) -> list[float]:
    """The doses, as shares of the edit.

    Raises: DataError.
    """
    try:
        found = sorted(float(part) for part in config.edits.doses.split(","))
    except ValueError as error:
        raise DataError(
            f"--config.doses: {config.edits.doses!r}, expected shares as in 0.5,1"
        ) from error
    if not found or found[0] <= 0 or found[-1] != 1:
        raise DataError(f"--config.doses: {config.edits.doses!r}, expected shares above 0 up to 1")
    return found


def asked_for(cohort: Cohort, config: InterventionConfig) -> int | None:
    """Row of the affective indicator's region; None where the cohort has no BOLD of it."""
    if cohort.bold_source == "none" or config.edits.region not in cohort.regions:
        return None
    return cohort.regions.index(config.edits.region)


def check_region(config: InterventionConfig, few: Cohort) -> None:
    """Refuse what a typo would turn into a trial without affective edits.

    Args:
        config: with region and affective_task.
        few: the cohort with the regions whose BOLD twins make.

    Raises: DataError.
    """
    if few.bold_source == "none":
        return
    if config.edits.region not in few.regions:
        raise DataError(
            f"--config.region: {config.edits.region!r}, expected one whose BOLD twins make: "
            f"{', '.join(few.regions)} (--config.bold_regions)"
        )
    tasks = [run.task.name for run in few.runs]
    if config.edits.affective_task not in (*tasks, InterventionConfig().edits.affective_task):
        raise DataError(
            f"--config.affective_task: {config.edits.affective_task!r}, expected one of "
            f"{', '.join(tasks)}"
        )


def edge_mask(config: InterventionConfig, parcels: pd.DataFrame) -> np.ndarray | None:
    """Edges that hubs and networks leave, or None where all may change.

    Raises: DataError for a parcel or network that is not there, or when no edge is left.
    """
    names = list(parcels["name"])
    found = np.ones(len(names) * (len(names) - 1) // 2, bool)
    hubs, pair = listed(config.edits.hubs), listed(config.edits.networks)
    try:
        if hubs:
            missing = [name for name in hubs if name not in names]
            if missing:
                raise ValueError(f"{missing[0]!r} is no parcel of the atlas, such as {names[0]!r}")
            found &= c.touching([names.index(name) for name in hubs], len(names))
        if pair:
            if len(pair) != 2 or "network" not in parcels:
                raise ValueError(
                    f"{config.edits.networks!r}: expected two networks of the atlas, ONE,TWO"
                )
            found &= c.between(list(parcels["network"]), *pair)
    except ValueError as error:
        raise DataError(f"--config.{'networks' if pair else 'hubs'}: {error}") from error
    if not found.any():
        raise DataError("--config.hubs, --config.networks: no edge is left that may change")
    return found if hubs or pair else None


def make_rules(config: InterventionConfig, training: np.ndarray, mask: np.ndarray | None) -> Rules:
    """The constraints in the order that keeps all of them exact, see `constraints.all_of`."""
    rng = np.random.default_rng(config.seed)
    pairs = rng.choice(len(training), (200, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    apart = [np.linalg.norm(training[i] - training[j]) for i, j in pairs]
    budget = config.edits.budget * float(np.median(apart))
    chosen = []
    if config.edits.manifold:
        chosen.append(c.near_manifold(c.people_basis(training, config.edits.manifold)))
    if mask is not None:
        chosen.append(c.masked(mask))
    if config.edits.edges:
        chosen.append(c.at_most(config.edits.edges))
    if config.edits.in_range:
        chosen.append(c.within_range(training.min(axis=0), training.max(axis=0)))
    chosen.append(c.within_budget(budget))
    return Rules(
        c.all_of(*chosen),
        budget,
        dense=mask is None and not config.edits.edges,
        ridge=config.edits.ridge,
        price=config.edits.price,
        search=Search(steps=config.edits.steps, rate=min(0.05, 2.0 / config.edits.steps)),
    )


def measured(cohort: Cohort, names: Iterable[str]) -> list[str]:
    """Indicators but for the BOLD of tasks in which nobody was scanned."""
    scanned = {run.task.name for run in cohort.runs if run.bold_mask.any()}
    split = {name: parted(name) for name in names}
    return [n for n, (task, end) in split.items() if end not in ("bold", "t") or task in scanned]


def make_arms(config: InterventionConfig, names: Iterable[str]) -> list[Arm]:
    """Affective, cognitive and combined, as far as these indicators go."""
    heart, _, mind, right = functions(names, config.edits.affective_task)
    wishes = {
        "affective": (heart, mind),
        "cognitive": (mind, heart),
        "combined": (heart + mind, ()),
    }
    if not (heart and mind):
        del wishes["combined"]
    return [
        Arm(name, dict.fromkeys(targets, -config.edits.dose), held, guarded=right)
        for name, (targets, held) in wishes.items()
        if targets
    ]
