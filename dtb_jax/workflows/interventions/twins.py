"""Who learns from whom before edits are designed: twins of several seeds, and a judge."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data import DataError, ExclusionLog, provenance
from dtb_jax.data.folds import Fold, Subset, group_k_fold
from dtb_jax.interventions.endpoints import Asked, twin_of
from dtb_jax.interventions.mixed_effects import asked_of, through_connectome
from dtb_jax.interventions.scene import standard_protocol
from dtb_jax.interventions.study import Study, open_study
from dtb_jax.models.mixed_effects.cues import with_memory
from dtb_jax.models.mixed_effects.observed import volume_steps
from dtb_jax.models.mixed_effects.training import Mixed
from dtb_jax.models.paper_twin import Fitted, PaperTwin, fits
from dtb_jax.twin.rnn import MainNetwork
from dtb_jax.types import Cohort
from dtb_jax.workflows import session
from dtb_jax.workflows.centroids import read_centroids
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.choices import (
    asked_for,
    check,
    check_region,
    edge_mask,
    parcel_table,
)
from dtb_jax.workflows.interventions.mixed import both_rests, halve_rest, mixed_effects


class Twins(NamedTuple):
    """All that was trained, as studies of the same people."""

    base: Study
    refits: list[Study]  # other seeds, the same training people
    judge: Study  # trained on the people whom the base never saw
    rows: np.ndarray  # of the cohort: for whom edits are designed
    unseen: np.ndarray  # [people]: which of them the base never saw
    training: np.ndarray  # rows that the base was trained on
    mixed: Mixed | None  # the base, where it is a mixed-effects twin


class Read(NamedTuple):
    """What was read, and how people are split."""

    config: InterventionConfig
    cohort: Cohort
    few: Cohort  # with the regions whose BOLD twins make
    ledger: ExclusionLog
    parcels: pd.DataFrame
    coordinates: np.ndarray | None
    fold: Fold
    mask: np.ndarray | None  # edges that may change
    apart: np.ndarray | None  # see `both_rests`


def read(config: InterventionConfig, workdir: Path) -> Read:
    """Read a folder and split its people.

    Raises: DataError, in one sentence.
    """
    session.settle_jax()
    check(config)
    session.check_room(workdir)
    if config.edits.kind == "mixed":
        config = replace(config, data=halve_rest(config.data))
    cohort, ledger = session.read_data(config.data)
    cohort, apart = both_rests(config, cohort)
    parcels = parcel_table(config)
    coordinates = read_centroids(config.evaluation.centroids, list(parcels["name"]))
    try:
        fold = group_k_fold(cohort, config.edits.folds, seed=config.seed)[0]
    except ValueError as error:
        raise DataError(f"--config.folds: {error}") from error
    mask = edge_mask(config, parcels)
    few = session.only_regions(cohort, config.edits.bold_regions)
    check_region(config, few)
    fits(few, fold.training, config.train.segment_steps if config.edits.kind == "paper" else 0)
    session.settle(config, workdir)
    # of half the rest runs, connectomes are not the study's
    kinds = provenance.OF_THE_TWIN if apart is None else ("events", "bold")
    session.settle_people(cohort, workdir, kinds)
    return Read(config, cohort, few, ledger, parcels, coordinates, fold, mask, apart)


def learners(found: Read) -> dict[str, tuple[Subset, int]]:
    """By name: from whom a twin learns, and its seed."""
    seed, training, test = found.config.seed, found.fold.training, found.fold.test
    seeds = {f"seed {seed + k}": (training, seed + k) for k in range(1, found.config.edits.seeds)}
    return {"twin": (training, seed), **seeds, "judge": (test, seed)}


def train(found: Read, workdir: Path) -> Twins:
    """Twins of the training people by seed, and one of the unseen people, as studies of both."""
    config, cohort, fold = found.config, found.few, found.fold
    unseen, training = np.flatnonzero(fold.test.people), np.flatnonzero(fold.training.people)
    rows = np.r_[unseen, training][: config.edits.people]
    region = asked_for(cohort, config)
    ids = tuple(str(cohort.participants.index[row]) for row in rows)

    def study(name: str, sd=None) -> tuple[Study, Mixed | None]:
        learned = learn(found, workdir, name)
        mixed, asked, shown = None, Asked(region=region), cohort
        twin: Callable[..., MainNetwork]
        if isinstance(learned, Mixed):
            mixed, scale, twin = learned, learned.scanner.scale, through_connectome(learned)
            asked = asked_of(mixed, region, volume_steps(cohort))
            shown = with_memory(cohort, mixed.population.memory)
        else:
            scale, twin = learned.scale, twin_of(learned.twin, learned.params)
        whole = standard_protocol(shown, scale)
        try:
            short = standard_protocol(shown, scale, stop_s=config.edits.design_s)
        except ValueError as error:
            raise DataError(f"--config.design_s: {error}") from error
        opened = open_study(twin, asked, whole, short, cohort.connectomes[rows], sd)
        return opened._replace(participants=ids), mixed

    base, mixed = study("twin")
    others = {name: study(name, base.sd)[0] for name in learners(found) if name.startswith("seed")}
    judge, _ = study("judge")
    return Twins(base, list(others.values()), judge, rows, np.isin(rows, unseen), training, mixed)


def fit_one(config: InterventionConfig, workdir: Path, name: str) -> None:
    """One twin, kept below `workdir`: a task of an array job."""
    learn(read(config, workdir), workdir, name)


def has_learned(workdir: Path, name: str) -> bool:
    """Whether a twin's training has come to its end."""
    return _done(workdir, name).exists()


def learn(found: Read, workdir: Path, name: str) -> Fitted | Mixed:
    """A twin by its name, going on from its checkpoint; a mark beside it says that it is done."""
    learned = _learn(found, workdir, name)
    _done(workdir, name).touch()
    return learned


def _learn(found: Read, workdir: Path, name: str) -> Fitted | Mixed:
    config, (part, seed) = found.config, learners(found)[name]
    folder = _place(workdir, name)
    if config.edits.kind == "mixed":
        return mixed_effects(config, found.few, part, seed, name, folder, found.apart)
    fewer = min(config.twin.components, int(part.people.sum()) - 1)
    with session.epochs_bar(config.train.epochs, name) as show:
        twin = PaperTwin(
            replace(config.twin, components=fewer),
            config.train,
            seed,
            folder=folder.parent,
            on_epoch=show,
        )
        return twin.fit(found.few, part._replace(name=folder.name))


def _done(workdir: Path, name: str) -> Path:
    place = _place(workdir, name)
    return place.with_name(f"{place.name}.done")


def _place(workdir: Path, name: str) -> Path:
    return workdir / "checkpoints" / name.replace(" ", "_")
