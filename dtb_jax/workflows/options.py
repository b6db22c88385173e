"""What a lab may choose: one class a study, a field an option, with its default and its help."""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from dtb_jax.data.choices import Choices, option
from dtb_jax.data.ledger import DataError
from dtb_jax.models.recipe import Recipe
from dtb_jax.twin.config import Settings

NETWORK, TRAINING, SCORES = "Network", "Training", "Split and scores"
S, R = Settings(), Recipe({})


@dataclass(frozen=True)
class Study(Choices):
    """Twins by the paper's protocol; `EXACT` has the paper's numbers where the defaults differ."""

    data: str = option("", "Folder with BIDS events, participants.tsv and imaging.")
    exact: bool = option(False, "Set every number of the paper.", NETWORK)
    seed: int = option(0, "Of everything random.", TRAINING)
    units: int = option(64, "Of the main network.", NETWORK)
    width: int = option(200, "Of the hypernetwork's hidden layers.", NETWORK)
    dropout: float = option(0.1, "In the hypernetwork.", NETWORK)
    scale: float = option(0.003, "Of the connectome's part in the weights, at the start.", NETWORK)
    gain: float | None = option(None, "Of edges; default: 512 / edges.", NETWORK)
    base: bool = option(True, "Weights that all people share.", NETWORK)
    slow_share: float = option(0.5, "Of units that start as leaky integrators.", NETWORK)
    absence: float = option(0.0, "Share of training draws without the connectome.", NETWORK)
    standardise: bool = option(True, "Edges to mean 0, variance 1 over training people.", NETWORK)
    components: int = option(0, "Principal components of edges to see; 0: the edges.", NETWORK)
    response: str = option("hazard", "hazard (competing hazards) or pulses.", NETWORK)
    epochs: int = option(S.epochs, "Of training.", TRAINING)
    batch_people: int = option(S.batch_people, "In a batch.", TRAINING)
    segments: int = option(S.segments, "Of each run of a person in a batch.", TRAINING)
    segment_steps: int = option(S.segment_steps, "Length of a segment, 80 ms each.", TRAINING)
    segment_stride: int = option(S.segment_stride, "Steps between cuts; 1: anywhere.", TRAINING)
    passes: int = option(S.passes, "Over everybody in an epoch.", TRAINING)
    learning_rate: float = option(S.learning_rate, "Of Adam.", TRAINING)
    warmup_steps: int = option(S.warmup_steps, "Until the full learning rate.", TRAINING)
    decay: bool = option(S.decay, "Let the learning rate fall to 0.", TRAINING)
    clip_norm: float = option(S.clip_norm, "Of gradients; 0: not clipped.", TRAINING)
    weight_decay: float = option(S.weight_decay, "Of the hypernetwork's weights.", TRAINING)
    bold_weight: float = option(S.bold_weight, "Of BOLD in the loss.", TRAINING)
    bold_warmup_steps: int = option(
        S.bold_warmup_steps, "First steps of a segment whose BOLD does not count.", TRAINING
    )
    patience: int = option(S.patience, "Epochs without a better validation loss.", TRAINING)
    keep_best: bool = option(S.keep_best, "Use the best epoch, not the last.", TRAINING)
    save_every: int = option(5, "Epochs between checkpoints.", TRAINING)
    split_s: float | None = option(
        None,
        "End of the training part in all runs; default: 196.8 s where the trials are TCP's, else "
        "each run's own middle, with as many trials before as after.",
        SCORES,
    )
    stop_s: float | None = option(
        None,
        "End of the test part in all runs; default: 393.6 s where the trials are TCP's, else the "
        "run's.",
        SCORES,
    )
    pulse_steps: int = option(R.pulse_steps, "Length of a press, with pulses.", SCORES)
    validation_share: float = option(R.validation_share, "Of training people.", SCORES)
    drifts: int | None = option(None, "Cosines in the GLM; default: nilearn's rule.", SCORES)
    noise: str = option(
        "ols", "Of BOLD in the GLM: ols (independent volumes) or ar1 (prewhitened).", SCORES
    )
    identity: bool = option(True, "Train the same twin on name tags as well.", SCORES)
    centroids: str = option(
        "", "Table name, x, y, z (MNI mm) of the parcels, for figures on the brain.", SCORES
    )


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

UNSEEN = "Unseen people"


@dataclass(frozen=True)
class Unseen(Study):
    """A small twin for people nobody trained on, and what is held against it."""

    units: int = 32
    epochs: int = 20
    segments: int = 5
    components: int = 128
    absence: float = 0.3
    scale: float = 0.03
    validation_share: float = 0.1
    identity: bool = False
    other_rest_runs: tuple[str, ...] = ("restPA_run-01", "restPA_run-02")
    folds: int | None = option(
        None, "Folds of people; default: 10, fewer where a fold would test fewer than 5.", UNSEEN
    )
    repeats: int = option(1, "Of all folds, with other seeds.", UNSEEN)
    split: str = option(
        "people", "people, or both: other people and the second half of the runs.", UNSEEN
    )
    nested_epochs: bool = option(False, "Keep whole people for choosing the epoch.", UNSEEN)
    methods: str = option("ridge,kernel_ridge,pca_ridge,cpm", "Regressions on edges.", UNSEEN)
    constant_input: bool = option(
        True, "A network that gets the connectome as an extra input.", UNSEEN
    )
    shots: str = option("0,1,5,20,40", "First trials that a twin adapts to.", UNSEEN)
    tangent: bool = option(False, "Ridge in tangent space, too.", UNSEEN)
    retrained: int = option(0, "Twins trained on shuffled connectomes.", UNSEEN)
    remove_from_connectome: str = option(
        "", "Columns to regress out of edges inside folds, like site,motion_mm.", UNSEEN
    )


WISH, LIMITS, MAPS = "The wish", "What an edit may be", "Maps and the paper's route"


@dataclass(frozen=True)
class Edits(Study):
    """A small twin for unseen people, what is wished for and what edits may be."""

    units: int = 32
    epochs: int = 60
    segments: int = 5
    batch_people: int = 0  # a twelfth of those who train, at least 16
    learning_rate: float = 0.005
    components: int = 512  # fewer where fewer people train
    absence: float = 0.3
    scale: float = 0.03
    weight_decay: float = 1.0
    bold_weight: float = 5.0
    validation_share: float = 0.1
    identity: bool = False
    twin: str = option("paper", "paper, or mixed: through what it learned of connectomes.", WISH)
    bold_regions: str = option(
        "R_amygdala", "That the twin makes; '' for all (docs/architecture.md).", WISH
    )
    region: str = option("R_amygdala", "Whose contrast is the affective indicator.", WISH)
    affective_task: str = option(
        "faces", "In which that contrast is; where it is not there, the first task with BOLD.", WISH
    )
    folds: int = option(4, "Of people; one of them is unseen, and judges.", WISH)
    seeds: int = option(3, "Twins of the same people.", WISH)
    people: int = option(228, "For whom edits are designed, unseen people first.", WISH)
    dose: float = option(1.0, "Wished for, in SD over people.", WISH)
    doses: str = option("0.25,0.5,0.75,1", "Shares of the edit.", WISH)
    design_s: float = option(
        196.8, "Of each run in which edits are designed; whole runs judge them.", WISH
    )
    steps: int = option(60, "Of the search.", WISH)
    price: float = option(0.01, "Of an edit as long as the budget.", WISH)
    budget: float = option(0.1, "Length, as a share of the distance between people.", LIMITS)
    edges: int = option(0, "At most so many edges; 0: all.", LIMITS)
    hubs: str = option("", "Names of parcels: only edges that touch them.", LIMITS)
    networks: str = option("", "ONE,OTHER: only edges between two networks.", LIMITS)
    in_range: bool = option(True, "Edges stay within what training people have.", LIMITS)
    manifold: int = option(0, "Along so many principal components; 0: any direction.", LIMITS)
    ridge: float = option(0.1, "Validity is judged on (1 - ridge) R + ridge I.", LIMITS)
    permutations: int = option(1000, "Of the paper's direction.", MAPS)
    smoothgrad_samples: int = option(100, "Noisy copies of a connectome.", MAPS)
    attributed: int = option(57, "People over whom maps are averaged.", MAPS)
    front: int = option(5, "Weights between both wishes; 0: no front.", MAPS)


READ_ONCE = (
    *(field.name for field in fields(Choices)),
    "data",
    "split_s",
    "stop_s",
    "drifts",
    "noise",
    "centroids",
)
"""What holds for all of a study: what is read, and how runs are split."""

AnyStudy = TypeVar("AnyStudy", bound=Study)


def with_exact(options: AnyStudy, named: Collection[str]) -> tuple[AnyStudy, list[str]]:
    """With `exact` the paper's numbers, but for options that were `named`.

    Returns: the options, and the names of those that keep another number than the paper's.
    """
    if not options.exact:
        return options, []
    kept = [k for k, paper in EXACT.items() if k in named and getattr(options, k) != paper]
    return replace(options, **{k: v for k, v in EXACT.items() if k not in kept}), kept


def of_folder(
    kind: type[AnyStudy], folder: Path, only: Collection[str] = (), **changed: Any
) -> AnyStudy:
    """The options that a folder was made with, as far as a study of this kind has them.

    Args:
        kind: which options are wanted; what the folder does not tell has its default.
        folder: of a run, with config.json.
        only: those to take from the folder, where they are not `Study`'s default; none: all.
        changed: options that differ from the folder's.

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
    known = set(only) or {field.name for field in fields(kind)}
    read = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items() if k in known}
    if only:
        read = {k: v for k, v in read.items() if v != getattr(Study(), k)}
    found = kind(**{**read, **changed})
    if "other_rest_runs" in {**read, **changed}:
        return found
    # a default that the study's own rest runs leave open
    free = tuple(run for run in found.other_rest_runs if run not in found.rest_runs)
    return replace(found, other_rest_runs=free)
