"""What edits are wished for, and what they may be."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data import DataError, read_parcels
from dtb_jax.data.choices import told
from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import Search
from dtb_jax.interventions.indicators import functions, parted
from dtb_jax.interventions.study import Rules
from dtb_jax.interventions.trial import Arm
from dtb_jax.types import Cohort
from dtb_jax.workflows.options import NETWORK, TRAINING, Edits
from dtb_jax.workflows.protocol import no_exact
from dtb_jax.workflows.session import listed


def parcel_table(options: Edits) -> pd.DataFrame:
    """Names, and if known networks, of the parcels that the folder is read with."""
    return read_parcels(Path(options.data), options.atlas)[1]


def check(options: Edits) -> None:
    """Refuse numbers that make no sense, in one sentence.

    Raises: DataError.
    """
    no_exact(options)
    least = {"seeds": 1, "people": 8, "steps": 1, "folds": 2, "edges": 0, "manifold": 0}
    least |= {"permutations": 20, "smoothgrad_samples": 1, "attributed": 1, "front": 0}
    for name, number in least.items():
        if getattr(options, name) < number:
            raise DataError(
                f"--config.{name}: {getattr(options, name)}, expected at least {number}"
            )
    for name in ("dose", "budget", "design_s"):
        if not getattr(options, name) > 0:
            raise DataError(f"--config.{name}: {getattr(options, name)}, expected more than 0")
    if not 0 <= options.ridge < 1:
        raise DataError(f"--config.ridge: {options.ridge}, expected a share from 0 to below 1")
    if options.response != "hazard":
        raise DataError(
            f"--config.response: {options.response!r}; edits need the smooth reading, hazard"
        )
    if options.twin not in ("paper", "mixed"):
        raise DataError(f"--config.twin: {options.twin!r}, expected paper or mixed")
    for name in idle(options):
        raise DataError(
            f"--config.{name}: {getattr(options, name)} would change nothing; "
            "--config.twin=mixed has its own network and training"
        )
    shares(options)


def idle(options: Edits) -> list[str]:
    """Options that were chosen, and that this kind of twin does not use."""
    if options.twin != "mixed":
        return []
    unused = [
        field.name
        for field in fields(Edits)
        if told(Edits, field.name)["group"] in (NETWORK, TRAINING) and field.name != "seed"
    ]
    chosen = (*unused, "validation_share", "pulse_steps")
    return [name for name in chosen if getattr(options, name) != getattr(Edits(), name)]


def shares(options: Edits) -> list[float]:
    """The doses, as shares of the edit.

    Raises: DataError.
    """
    try:
        found = sorted(float(part) for part in options.doses.split(","))
    except ValueError as error:
        raise DataError(
            f"--config.doses: {options.doses!r}, expected shares as in 0.5,1"
        ) from error
    if not found or found[0] <= 0 or found[-1] != 1:
        raise DataError(f"--config.doses: {options.doses!r}, expected shares above 0 up to 1")
    return found


def asked_for(cohort: Cohort, options: Edits) -> int | None:
    """Row of the affective indicator's region; None where the cohort has no BOLD of it."""
    if cohort.bold_source == "none" or options.region not in cohort.regions:
        return None
    return cohort.regions.index(options.region)


def check_region(options: Edits, few: Cohort) -> None:
    """Refuse what a typo would turn into a trial without affective edits.

    Args:
        options: with region and affective_task.
        few: the cohort with the regions whose BOLD twins make.

    Raises: DataError.
    """
    if few.bold_source == "none":
        return
    if options.region not in few.regions:
        raise DataError(
            f"--config.region: {options.region!r}, expected one whose BOLD twins make: "
            f"{', '.join(few.regions)} (--config.bold_regions)"
        )
    tasks = [run.task.name for run in few.runs]
    if options.affective_task not in (*tasks, Edits().affective_task):
        raise DataError(
            f"--config.affective_task: {options.affective_task!r}, expected one of "
            f"{', '.join(tasks)}"
        )


def edge_mask(options: Edits, parcels: pd.DataFrame) -> np.ndarray | None:
    """Edges that hubs and networks leave, or None where all may change.

    Raises: DataError for a parcel or network that is not there, or when no edge is left.
    """
    names = list(parcels["name"])
    found = np.ones(len(names) * (len(names) - 1) // 2, bool)
    hubs, pair = listed(options.hubs), listed(options.networks)
    try:
        if hubs:
            missing = [name for name in hubs if name not in names]
            if missing:
                raise ValueError(f"{missing[0]!r} is no parcel of the atlas, such as {names[0]!r}")
            found &= c.touching([names.index(name) for name in hubs], len(names))
        if pair:
            if len(pair) != 2 or "network" not in parcels:
                raise ValueError(
                    f"{options.networks!r}: expected two networks of the atlas, ONE,TWO"
                )
            found &= c.between(list(parcels["network"]), *pair)
    except ValueError as error:
        raise DataError(f"--config.{'networks' if pair else 'hubs'}: {error}") from error
    if not found.any():
        raise DataError("--config.hubs, --config.networks: no edge is left that may change")
    return found if hubs or pair else None


def make_rules(options: Edits, training: np.ndarray, mask: np.ndarray | None) -> Rules:
    """The constraints in the order that keeps all of them exact, see `constraints.all_of`."""
    rng = np.random.default_rng(options.seed)
    pairs = rng.choice(len(training), (200, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    apart = [np.linalg.norm(training[i] - training[j]) for i, j in pairs]
    budget = options.budget * float(np.median(apart))
    chosen = []
    if options.manifold:
        chosen.append(c.near_manifold(c.people_basis(training, options.manifold)))
    if mask is not None:
        chosen.append(c.masked(mask))
    if options.edges:
        chosen.append(c.at_most(options.edges))
    if options.in_range:
        chosen.append(c.within_range(training.min(axis=0), training.max(axis=0)))
    chosen.append(c.within_budget(budget))
    return Rules(
        c.all_of(*chosen),
        budget,
        dense=mask is None and not options.edges,
        ridge=options.ridge,
        price=options.price,
        search=Search(steps=options.steps, rate=min(0.05, 2.0 / options.steps)),
    )


def measured(cohort: Cohort, names: Iterable[str]) -> list[str]:
    """Indicators but for the BOLD of tasks in which nobody was scanned."""
    scanned = {run.task.name for run in cohort.runs if run.bold_mask.any()}
    split = {name: parted(name) for name in names}
    return [n for n, (task, end) in split.items() if end not in ("bold", "t") or task in scanned]


def make_arms(options: Edits, names: Iterable[str]) -> list[Arm]:
    """Affective, cognitive and combined, as far as these indicators go."""
    heart, _, mind, right = functions(names, options.affective_task)
    wishes = {
        "affective": (heart, mind),
        "cognitive": (mind, heart),
        "combined": (heart + mind, ()),
    }
    if not (heart and mind):
        del wishes["combined"]
    return [
        Arm(name, dict.fromkeys(targets, -options.dose), held, guarded=right)
        for name, (targets, held) in wishes.items()
        if targets
    ]
