"""What edits are wished for, what they may be, and how twins for them are made."""

from pathlib import Path

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from dtb_jax.data import DataError, read_parcels
from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import Search
from dtb_jax.interventions.study import Rules, Study
from dtb_jax.interventions.trial import Arm
from dtb_jax.types import Cohort
from experiments import paper


def get_config() -> ConfigDict:
    """`experiments.paper` with a small twin for unseen people, and what edits add."""
    config = paper.get_config()
    config.update(
        units=32,
        epochs=60,
        segments=5,
        batch_people=0,  # 0: a twelfth of those who train, at least 16
        learning_rate=0.005,
        components=512,  # fewer where fewer people train
        absence=0.3,
        scale=0.03,
        weight_decay=1.0,
        bold_weight=5.0,
        validation_share=0.1,
        identity=False,
    )
    config.twin = "paper"  # or "mixed": edits act through what it learned of connectomes
    config.bold_regions = "R_amygdala"  # that the twin makes; "" for all: see docs/architecture.md
    config.region = "R_amygdala"  # whose contrast is the affective indicator
    config.folds = 4  # one of them is unseen, and judges
    config.seeds = 3  # twins of the same people
    config.people = 228  # for whom edits are designed, unseen people first
    # the wish
    config.dose = 1.0  # SD over people
    config.doses = "0.25,0.5,0.75,1"  # shares of the edit
    config.design_s = 196.8  # of each run in which edits are designed; whole runs judge them
    config.steps = 60
    config.price = 0.01  # of an edit as long as the budget
    # what an edit may be
    config.budget = 0.1  # length, as a share of the median distance between two people
    config.edges = 0  # at most so many; 0: all
    config.hubs = ""  # names of parcels: only edges that touch them
    config.networks = ""  # "ONE,OTHER": only edges between them
    config.in_range = True  # edges stay within what was observed in training people
    config.manifold = 0  # edits along so many principal components of people; 0: any direction
    config.ridge = 0.1  # validity is judged on (1 - ridge) R + ridge I
    # attribution and the paper's route
    config.permutations = 1000
    config.smoothgrad_samples = 100
    config.attributed = 57  # people over whom maps are averaged
    config.front = 5  # weights between affective and cognitive wishes; 0: no front
    config.centroids = ""  # table name, x, y, z (MNI mm) for figures on the brain
    return config


def parcel_table(config: ConfigDict) -> pd.DataFrame:
    """Names, and if known networks, of the parcels that the folder is read with."""
    return read_parcels(Path(config.data), config.atlas)[1]


def check(config: ConfigDict) -> None:
    """Refuse numbers that make no sense, in one sentence.

    Raises: DataError.
    """
    least = {"seeds": 1, "people": 8, "steps": 1, "folds": 2, "edges": 0, "manifold": 0}
    least |= {"permutations": 20, "smoothgrad_samples": 1, "attributed": 1, "front": 0}
    for name, number in least.items():
        if config[name] < number:
            raise DataError(f"--config.{name}: {config[name]}, expected at least {number}")
    for name in ("dose", "budget", "design_s"):
        if not config[name] > 0:
            raise DataError(f"--config.{name}: {config[name]}, expected more than 0")
    if not 0 <= config.ridge < 1:
        raise DataError(f"--config.ridge: {config.ridge}, expected a share from 0 to below 1")
    if config.response != "hazard":
        raise DataError(
            f"--config.response: {config.response!r}; edits need the smooth reading, hazard"
        )
    if config.twin not in ("paper", "mixed"):
        raise DataError(f"--config.twin: {config.twin!r}, expected paper or mixed")
    shares(config)


def shares(config: ConfigDict) -> list[float]:
    """The doses, as shares of the edit.

    Raises: DataError.
    """
    try:
        found = sorted(float(part) for part in config.doses.split(","))
    except ValueError as error:
        raise DataError(f"--config.doses: {config.doses!r}, expected shares as in 0.5,1") from error
    if not found or found[0] <= 0 or found[-1] != 1:
        raise DataError(f"--config.doses: {config.doses!r}, expected shares above 0 up to 1")
    return found


def asked_for(cohort: Cohort, config: ConfigDict) -> int | None:
    """Row of the affective indicator's region; None where the cohort has no BOLD of it."""
    if cohort.bold_source == "none" or config.region not in cohort.regions:
        return None
    return cohort.regions.index(config.region)


def edge_mask(config: ConfigDict, parcels: pd.DataFrame) -> np.ndarray | None:
    """Edges that hubs and networks leave, or None where all may change.

    Raises: DataError for a parcel or network that is not there, or when no edge is left.
    """
    names = list(parcels["name"])
    found = np.ones(len(names) * (len(names) - 1) // 2, bool)
    hubs = [name.strip() for name in config.hubs.split(",") if name.strip()]
    pair = [name.strip() for name in config.networks.split(",") if name.strip()]
    try:
        if hubs:
            missing = [name for name in hubs if name not in names]
            if missing:
                raise ValueError(f"{missing[0]!r} is no parcel of the atlas, such as {names[0]!r}")
            found &= c.touching([names.index(name) for name in hubs], len(names))
        if pair:
            if len(pair) != 2 or "network" not in parcels:
                raise ValueError(
                    f"{config.networks!r}: expected two networks of the atlas, ONE,TWO"
                )
            found &= c.between(list(parcels["network"]), *pair)
    except ValueError as error:
        raise DataError(f"--config.{'networks' if pair else 'hubs'}: {error}") from error
    if not found.any():
        raise DataError("--config.hubs, --config.networks: no edge is left that may change")
    return found if hubs or pair else None


def make_rules(config: ConfigDict, training: np.ndarray, mask: np.ndarray | None) -> Rules:
    """The constraints in the order that keeps all of them exact, see `constraints.all_of`."""
    rng = np.random.default_rng(config.seed)
    pairs = rng.choice(len(training), (200, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    apart = [np.linalg.norm(training[i] - training[j]) for i, j in pairs]
    budget = config.budget * float(np.median(apart))
    chosen = []
    if config.manifold:
        chosen.append(c.near_manifold(c.people_basis(training, config.manifold)))
    if mask is not None:
        chosen.append(c.masked(mask))
    if config.edges:
        chosen.append(c.at_most(config.edges))
    if config.in_range:
        chosen.append(c.within_range(training.min(axis=0), training.max(axis=0)))
    chosen.append(c.within_budget(budget))
    return Rules(
        c.all_of(*chosen),
        budget,
        dense=mask is None and not config.edges,
        ridge=config.ridge,
        price=config.price,
        search=Search(steps=config.steps, rate=min(0.05, 2.0 / config.steps)),
    )


def make_arms(config: ConfigDict, study: Study) -> list[Arm]:
    """Affective, cognitive and combined, as far as the cohort has the tasks and BOLD.

    Raises: DataError when it has neither.
    """
    has = study.before
    mind = tuple(name for name in ("faces_rt_s", "stroop_rt_s") if name in has)
    heart = tuple(name for name in ("faces_bold",) if name in has)
    right = tuple(name for name in ("faces_accuracy", "stroop_accuracy") if name in has)
    wishes = {
        "affective": (heart, mind),
        "cognitive": (mind, heart),
        "combined": (heart + mind, ()),
    }
    if not (heart and mind):
        del wishes["combined"]
    arms = [
        Arm(name, dict.fromkeys(targets, -config.dose), held, guarded=right)
        for name, (targets, held) in wishes.items()
        if targets
    ]
    if not arms:
        raise DataError(f"no run of Faces or Stroop: nothing to aim at among {', '.join(has)}")
    return arms
