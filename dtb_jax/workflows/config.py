"""What a study may be told: nested configs, each option declared once where it is consumed."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dtb_jax.data.config import DataConfig
from dtb_jax.data.glm import NOISE
from dtb_jax.data.ledger import DataError
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.twin.config import SCORES, TrainConfig, TwinConfig
from dtb_jax.twin.option import BASIC, Config, changed, flat, leaves, option

UNSEEN = "Unseen people"
WISH, LIMITS, MAPS = "The wish", "What an edit may be", "Maps and the paper's route"


@dataclass(frozen=True)
class EvalConfig(Config):
    """How runs are split, and how twins are scored."""

    split_s: float | None = option(
        None,
        "End of the training part in all runs, seconds; default: 196.8 s where the trials are "
        "TCP's, else each run's own middle, with as many trials before as after.",
        SCORES,
    )
    stop_s: float | None = option(
        None,
        "End of the test part in all runs, seconds; default: 393.6 s where the trials are TCP's, "
        "else the run's.",
        SCORES,
    )
    drifts: int | None = option(
        None, "Cosine drifts in the GLM; default: nilearn's rule.", SCORES, least=0
    )
    noise: str = option(
        "ols",
        "Noise of BOLD in the GLM: ols (independent volumes) or ar1 (prewhitened).",
        SCORES,
        one_of=tuple(NOISE),
    )
    identity: bool = option(True, "Train the same twin on name tags as well.", SCORES)
    centroids: str = option(
        "", "Table name, x, y, z (MNI mm) of the parcels, for figures on the brain.", SCORES
    )


@dataclass(frozen=True)
class StudyConfig(Config):
    """Twins by the paper's protocol; `EXACT` has the paper's numbers where the defaults differ."""

    seed: int = option(0, "Seed of everything random.", BASIC)
    exact: bool = option(False, "Set every number of the paper.", BASIC)
    data: DataConfig = DataConfig()
    twin: TwinConfig = TwinConfig()
    train: TrainConfig = TrainConfig()
    evaluation: EvalConfig = EvalConfig()


EXACT: dict[str, Any] = {
    "standardise": False,
    "units": 400,
    "scale": 1.0,
    "gain": 1.0,
    "base": False,
    "response": "pulses",
    "epochs": 800,
    "batch_people": 25,  # x 2 tasks x 1 segment = the paper's 50 segments
    "segments": 1,
    "passes": 9,  # 262-step cuts in a half
    "segment_stride": 262,
    "learning_rate": 1e-6,
    "warmup_steps": 0,
    "decay": False,
    "clip_norm": 0.0,
    "bold_weight": 1.0,
    "bold_warmup_steps": 0,
    "patience": 20,
    "keep_best": True,
    "drifts": 8,
}


@dataclass(frozen=True)
class FoldsConfig(Config):
    """How unseen people are tested, and which models stand beside the twin."""

    folds: int | None = option(
        None, "Folds of people; default: 10, fewer where a fold would test fewer than 5.", UNSEEN
    )
    repeats: int = option(1, "Repeats of all folds, with other seeds.", UNSEEN, least=1)
    split: str = option(
        "people",
        "Who and what is tested: people, or both (other people and the second half of the runs).",
        UNSEEN,
        one_of=("people", "both"),
    )
    nested_epochs: bool = option(
        False, "Keep whole people of the training for choosing the epoch.", UNSEEN
    )
    methods: str = option(
        "ridge,kernel_ridge,pca_ridge,cpm", "Models on edges to fit (docs/models.md).", UNSEEN
    )
    constant_input: bool = option(
        True, "Fit a network that gets the connectome as an extra input.", UNSEEN
    )
    shots: str = option("0,1,5,20,40", "Numbers of first trials that a twin adapts to.", UNSEEN)
    tangent: bool = option(False, "Fit a ridge in tangent space, too.", UNSEEN)
    retrained: int = option(0, "Twins to train on shuffled connectomes.", UNSEEN, least=0)
    remove_from_connectome: str = option(
        "", "Columns to regress out of edges inside folds, like site,motion_mm.", UNSEEN
    )


@dataclass(frozen=True)
class HeldOutConfig(StudyConfig):
    """A small twin for people nobody trained on, and what is held against it."""

    data: DataConfig = DataConfig(other_rest_runs=("restPA_run-01", "restPA_run-02"))
    twin: TwinConfig = TwinConfig(units=32, components=128, absence=0.3, scale=0.03)
    train: TrainConfig = TrainConfig(epochs=20, segments=5, validation_share=0.1)
    evaluation: EvalConfig = EvalConfig(identity=False)
    held_out: FoldsConfig = FoldsConfig()


@dataclass(frozen=True)
class EditConfig(Config):
    """What is wished for, and what edits may be."""

    kind: str = option(
        "paper",
        "Twin that designs edits: paper, or mixed (through what it learned of connectomes).",
        WISH,
        flag="twin",
        one_of=("paper", "mixed"),
    )
    bold_regions: str = option(
        "R_amygdala", "Regions whose BOLD the twin makes; '' for all (docs/architecture.md).", WISH
    )
    region: str = option("R_amygdala", "Region whose contrast is the affective indicator.", WISH)
    affective_task: str = option(
        "faces",
        "Task of that contrast; where it is not there, the first task with BOLD.",
        WISH,
    )
    folds: int = option(
        4, "Folds of people; the people of one are unseen, and their twin judges.", WISH, least=2
    )
    seeds: int = option(3, "Twins of the same people.", WISH, least=1)
    people: int = option(
        228, "People for whom edits are designed, unseen people first.", WISH, least=8
    )
    dose: float = option(1.0, "Change wished for, in SD over people.", WISH, above=0)
    doses: str = option("0.25,0.5,0.75,1", "Shares of the edit that are tried.", WISH)
    design_s: float = option(
        196.8,
        "Seconds of each run in which edits are designed; whole runs judge them.",
        WISH,
        above=0,
    )
    steps: int = option(60, "Steps of the search.", WISH, least=1)
    price: float = option(0.01, "Price of an edit as long as the budget.", WISH)
    budget: float = option(
        0.1, "Length of an edit, as a share of the distance between people.", LIMITS, above=0
    )
    edges: int = option(0, "Most edges that an edit changes; 0: all.", LIMITS, least=0)
    hubs: str = option("", "Parcels; only edges that touch them are changed.", LIMITS)
    networks: str = option("", "ONE,OTHER: only edges between two networks are changed.", LIMITS)
    in_range: bool = option(True, "Keep edges within what training people have.", LIMITS)
    manifold: int = option(
        0, "Principal components along which edits lie; 0: any direction.", LIMITS, least=0
    )
    ridge: float = option(
        0.1,
        "Share of the identity with which validity is judged, (1 - ridge) R + ridge I.",
        LIMITS,
        least=0,
        below=1,
    )
    permutations: int = option(1000, "Permutations of the paper's direction.", MAPS, least=20)
    smoothgrad_samples: int = option(100, "Noisy copies of a connectome.", MAPS, least=1)
    attributed: int = option(57, "People over whom maps are averaged.", MAPS, least=1)
    front: int = option(5, "Weights between both wishes; 0: no front.", MAPS, least=0)


@dataclass(frozen=True)
class InterventionConfig(StudyConfig):
    """A small twin for unseen people, what is wished for and what edits may be."""

    twin: TwinConfig = TwinConfig(
        units=32,
        components=512,  # fewer where fewer people train
        absence=0.3,
        scale=0.03,
    )
    train: TrainConfig = TrainConfig(
        epochs=60,
        segments=5,
        batch_people=0,
        learning_rate=0.005,
        weight_decay=1.0,
        bold_weight=5.0,
        validation_share=0.1,
    )
    evaluation: EvalConfig = EvalConfig(identity=False)
    edits: EditConfig = EditConfig()


READ_ONCE = (*leaves(DataConfig), "split_s", "stop_s", "drifts", "noise", "centroids")
"""What holds for all of a study: what is read, and how runs are split."""

AnyStudy = TypeVar("AnyStudy", bound=StudyConfig)


def with_exact(config: AnyStudy, named: Collection[str]) -> tuple[AnyStudy, list[str]]:
    """With `exact` the paper's numbers, but for options that were `named`.

    Returns: the config, and the names of those that keep another number than the paper's.
    """
    if not config.exact:
        return config, []
    now = flat(config)
    kept = [k for k, paper in EXACT.items() if k in named and now[k] != paper]
    return changed(config, {k: v for k, v in EXACT.items() if k not in kept}), kept


def of_folder(
    kind: type[AnyStudy], folder: Path, only: Collection[str] = (), **other: Any
) -> AnyStudy:
    """The config that a folder was made with, as far as a study of this kind has its options.

    Args:
        kind: which options are wanted; what the folder does not tell has its default.
        folder: of a run, with config.json.
        only: those to take from the folder, where they are not `StudyConfig`'s default; none: all.
        other: options that differ from the folder's, by flag.

    Raises: DataError when it holds none.
    """
    path = folder / "config.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: not there; was {folder} made by dtb train?") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); expected what a run wrote") from error
    if "data" not in told or "units" not in told:
        raise DataError(f"{path}: not of a study; was {folder} made by dtb train?")
    known, usual = set(only) or set(leaves(kind)), flat(StudyConfig())
    read = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items() if k in known}
    if only:
        read = {k: v for k, v in read.items() if v != usual[k]}
    found = changed(kind(), {**read, **other})
    if "other_rest_runs" in {**read, **other}:
        return found
    # a default that the study's own rest runs leave open
    data = found.data
    free = tuple(run for run in data.other_rest_runs if run not in data.rest_runs)
    return changed(found, {"other_rest_runs": free})


def paper_twin(config: StudyConfig, **more: Any) -> PaperTwin:
    """The paper's twin of a config; further arguments as of `PaperTwin`."""
    return PaperTwin(config.twin, config.train, config.seed, **more)


def not_exact(config: StudyConfig) -> None:
    """Raises: DataError where the paper's numbers are asked of what the paper did not do."""
    if config.exact:
        raise DataError("--config.exact: the paper's numbers are for its own protocol alone")
