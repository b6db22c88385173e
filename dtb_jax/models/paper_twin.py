"""The paper's twin: train it on a part of a cohort, predict another part."""

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from dtb_jax.data import provenance
from dtb_jax.data.cohort import below_chance
from dtb_jax.data.folds import Subset
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.splits import (
    BoldScale,
    Parts,
    Times,
    fit_bold_scale,
    hold_out,
    last_second,
    of_run,
    to_sequences,
)
from dtb_jax.models.memory import remember_last
from dtb_jax.models.prediction import Prediction, predict
from dtb_jax.twin.checkpoint import Checkpoints
from dtb_jax.twin.checks import checked
from dtb_jax.twin.config import TrainConfig, TwinConfig
from dtb_jax.twin.fit import fit
from dtb_jax.twin.hypernetwork import Hypernetwork
from dtb_jax.twin.response import LIKELIHOODS, Response
from dtb_jax.twin.sharding import people_mesh
from dtb_jax.twin.step import State, initial_state, used_params
from dtb_jax.twin.twin import Params, Twin, make_twin
from dtb_jax.types import STEP_S, Cohort, Sequences


class PaperTwin(NamedTuple):
    """A hypernetwork turns a connectome into all weights of a recurrent network."""

    config: TwinConfig = TwinConfig()
    train: TrainConfig = TrainConfig()
    seed: int = 0  # of everything random
    folder: Path | None = None  # of checkpoints, one subfolder a fold; None keeps none
    on_epoch: Callable[[dict[str, float | int]], None] = lambda row: None
    kind: type[nn.Module] = Hypernetwork  # what turns features into a network
    hold_out: Callable[..., Parts] = hold_out  # what validates

    @property
    def settings(self) -> TrainConfig:
        """How to train, with the losses that the likelihood has."""
        loss, count, _ = LIKELIHOODS[self.config.response]
        return replace(self.train, action_loss=loss, action_count=count)

    @property
    def read(self) -> Callable[..., Response]:
        """How choices and times are read."""
        return LIKELIHOODS[self.config.response].read

    def choices(self) -> dict[str, Any]:
        """All that decides what is learned, for the record of a training."""
        trained = {k: v for k, v in vars(self.train).items() if k != "save_every"}
        makes = {"kind": self.kind, "hold_out": self.hold_out}
        return {"config": vars(self.config), "train": trained, "seed": self.seed} | makes

    def fit(self, cohort: Cohort, subset: Subset) -> "Fitted":
        """Train, going on from a checkpoint where there is one, see `train`."""
        return train(self, cohort, subset)


class Fitted(NamedTuple):
    """A trained twin with what its data were scaled by, and how training went."""

    twin: Twin
    params: Params
    scale: BoldScale
    history: list[dict[str, float | int]]
    timing: dict[str, Any]
    model: PaperTwin

    def predict(
        self, cohort: Cohort, subset: Subset, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        """What the twins of these connectomes do, BOLD in the units of the cohort's."""
        told = predict(
            self.twin,
            self.params,
            cohort.connectomes if connectomes is None else connectomes,
            subset.of(cohort),
            stimuli(cohort, subset, self.scale),
            self.model.read,
            start_s=subset.start_s,
            people=np.flatnonzero(subset.people),
        )
        return [
            one
            if one.bold is None
            else one._replace(bold=one.bold * self.scale.sd + self.scale.mean)
            for one in told
        ]


def train(model: PaperTwin, cohort: Cohort, part: Subset) -> Fitted:
    """Fit a twin to a part of the data, going on from its folder where that holds a state.

    All devices of the machine share the people of a batch.

    Args:
        model: how.
        cohort: everybody.
        part: whose trials and volumes may be learned from.

    Returns: `Fitted`, with the parameters that `twin.step.used_params` names.

    Raises: DataError where the folder holds the training of other people, data or choices.
    """
    began = time.perf_counter()
    settings, save_every = model.settings, model.train.save_every
    folder = None if model.folder is None else model.folder / part.name
    connectomes, twin, scale, parts = training_data(cohort, part, model)
    state, history, resumed_after = None, [], 0
    checkpoints = Checkpoints(folder) if folder is not None else None
    fixed = fixed_parts(twin, scale)
    origin = origin_of(cohort, part, **model.choices())
    if checkpoints is not None:
        check_origin(checkpoints, origin, folder)
        found = checkpoints.restore({"state": abstract_state(twin, settings), "fixed": fixed})
        if found is not None:
            state, history = found[0]["state"], found[1]["history"]
            resumed_after = int(state.epoch)
            model.on_epoch({"resumed_after_epoch": resumed_after})
    try:
        checked(
            twin,
            connectomes,
            parts.training,
            parts.validation,
            parts.people,
            parts.validation_people,
            settings,
        )
    except ValueError as error:
        raise DataError(f"training: {error}") from error
    epoch_ends: list[float] = []

    def save(epoch: int, state: State) -> None:
        if checkpoints is not None:
            record = {"history": history, "made_of": origin}
            checkpoints.save(epoch, {"state": state, "fixed": fixed}, record)

    def note(state: State, row: dict[str, float | int]) -> None:
        history.append(row)
        epoch_ends.append(time.perf_counter() - began)
        epoch = int(state.epoch)
        if epoch % save_every == 0 or epoch == settings.epochs:
            save(epoch, state)
        model.on_epoch(row)

    state = fit(
        twin,
        connectomes,
        parts.training,
        parts.validation,
        parts.validation_people,
        settings,
        seed=model.seed,
        people=parts.people,
        state=state,
        mesh=people_mesh(),
        on_epoch=note,
    )
    if checkpoints is not None:
        epoch = int(state.epoch)
        if epoch % save_every and epoch != settings.epochs:  # training stopped early
            save(epoch, state)
        checkpoints.close()
    durations = np.diff(epoch_ends)
    epoch_s = float(np.median(durations)) if len(durations) else None
    timing = {
        "compile_s": epoch_ends[0] - epoch_s if epoch_s is not None else None,
        "train_s": time.perf_counter() - began,
        "epoch_s": epoch_s,
        "epochs": int(state.epoch),
        "resumed_after": resumed_after,
        "best_epoch": int(state.best_epoch),
        "used_epoch": int(state.best_epoch if settings.keep_best else state.epoch),
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "device": str(jax.devices()[0].device_kind),
    }
    return Fitted(twin, used_params(settings, state), scale, history, timing, model)


def origin_of(cohort: Cohort, part: Subset, **choices: Any) -> dict[str, Any]:
    """What a training is made of: who, their data, which part of it, and how."""
    rows = np.flatnonzero(part.people)
    times = {run.name: part.span(run) for run in part.of(cohort).runs}
    return {
        "people": provenance.of_people(part.of(cohort), rows),
        "choices": provenance.of_choices({"times_s": times, **choices}),
    }


def check_origin(checkpoints: Checkpoints, now: dict[str, Any], folder: Path | None) -> None:
    """Raises: DataError where checkpoints are of other people, data or choices."""
    before = _made_of(checkpoints, folder)
    if before is None:
        return
    told = provenance.changed(before["people"], now["people"], "since this was trained")
    if not told and before["choices"].keys() != now["choices"].keys():
        told = "trained by another version of dtb_jax, which kept its options in another form"
    if not told and before["choices"] != now["choices"]:
        other = [k for k, v in now["choices"].items() if before["choices"].get(k) != v]
        told = f"other {' and '.join(other)} than this was trained with"
    if told:
        raise DataError(f"{folder}: {told}; name another folder, or delete this one")


def _made_of(checkpoints: Checkpoints, folder: Path | None) -> dict[str, Any] | None:
    record = checkpoints.record()
    if record is None:
        return None
    if "made_of" not in record:
        raise DataError(
            f"{folder}: checkpoints of an older version, which do not tell whose data they learned "
            "from; name another folder, or delete this one"
        )
    return record["made_of"]


def restore(model: PaperTwin, folder: Path, cohort: Cohort) -> Fitted:
    """A twin from the checkpoints that `train` left in a folder for this cohort.

    Raises: DataError when there are none, or they are of other sizes, people or data.
    """
    missing = f"{folder}: no checkpoint; was the training interrupted before its first?"
    if not folder.is_dir():  # nothing is written where one only reads
        raise DataError(missing)
    no_bold = fit_bold_scale(cohort, 0.0, np.arange(0))
    runs = to_sequences(cohort, 0.0, STEP_S, no_bold)
    if cohort.bold_source == "none":
        runs = runs._replace(bold=runs.bold[..., :0])
    twin = twin_for(cohort.connectomes, runs, model)
    like = {
        "state": abstract_state(twin, model.settings),
        "fixed": fixed_parts(twin, no_bold),
    }
    checkpoints = Checkpoints(folder)
    try:
        _check_people(checkpoints, cohort, folder)
        found = checkpoints.restore(like)
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{folder}: a twin of other sizes ({str(error).splitlines()[0]})"
        ) from error
    finally:
        checkpoints.close()
    if found is None:
        raise DataError(missing)
    fixed, state = found[0]["fixed"], found[0]["state"]
    twin = Twin(twin.hypernet, fixed["centre"], fixed["spread"], fixed.get("basis"))
    params = used_params(model.settings, State(*state) if isinstance(state, list) else state)
    return Fitted(twin, params, BoldScale(**fixed["bold"]), found[1]["history"], {}, model)


def _check_people(checkpoints: Checkpoints, cohort: Cohort, folder: Path) -> None:
    """Raises: DataError where not all who trained are in the cohort, with the same data."""
    before = (_made_of(checkpoints, folder) or {"people": {}})["people"]
    everybody = provenance.of_people(cohort)
    now = {person: told for person, told in everybody.items() if person in before}
    told = provenance.changed(before, now, "since this was trained")
    if told:
        raise DataError(f"{folder}: {told}; expected the data that the twin was trained on")


def fixed_parts(twin: Twin, scale: BoldScale) -> dict[str, Any]:
    """What a checkpoint keeps beside the training state: all that was fitted to training people."""
    arrays = {"centre": twin.centre, "spread": twin.spread, "basis": twin.basis}
    known = {name: leaf for name, leaf in arrays.items() if leaf is not None}
    return known | {"bold": scale._asdict()}


def abstract_state(twin: Twin, settings: TrainConfig) -> State:
    """Shapes of a training state."""
    return jax.eval_shape(lambda key: initial_state(twin, settings, key=key), jax.random.key(0))


@remember_last
def stimuli(cohort: Cohort, part: Subset, scale: BoldScale) -> Sequences:
    """What a twin needs for rolling out a part: it begins with the part, at h = 0."""
    inside = part.of(cohort)
    return to_sequences(inside, part.start_s, last_second(inside, part.start_s, np.inf), scale)


class TrainingData(NamedTuple):
    """A part of a cohort as a training sees it."""

    connectomes: np.ndarray  # everybody's
    twin: Twin
    scale: BoldScale
    parts: Parts


def training_data(cohort: Cohort, part: Subset, model: PaperTwin) -> TrainingData:
    """Cut a part of the data, keep some of it for validation, and make a twin of its size.

    Args:
        cohort: everybody.
        part: whose trials and volumes may be learned from.
        model: how.

    Raises: DataError where a segment is longer than what may be learned from.
    """
    steps = model.train.segment_steps
    fits(cohort, part, steps)
    people = np.flatnonzero(part.people)
    cohort = part.of(cohort)
    stop_s = last_second(cohort, part.start_s, part.stop_s)
    scale = fit_bold_scale(cohort, stop_s, people)
    whole = to_sequences(cohort, part.start_s, stop_s, scale, pulse_steps=model.train.pulse_steps)
    if cohort.bold_source == "none":
        whole = whole._replace(bold=whole.bold[..., :0])
    # one end for all runs is the paper's: what shorter runs lack at it validates nothing there
    own = _steps(cohort, part.start_s, stop_s) if isinstance(stop_s, Mapping) else None
    share = model.train.validation_share
    parts = model.hold_out(whole, people, share=share, steps=steps, seed=model.seed, lengths=own)
    twin = twin_for(cohort.connectomes[parts.people], whole, model)
    return TrainingData(cohort.connectomes, twin, scale, parts)


def _steps(cohort: Cohort, start_s: Times, stop_s: Times) -> list[int]:
    """Of each run's own part."""
    return [
        round((of_run(stop_s, run.name) - of_run(start_s, run.name)) / STEP_S)
        for run in cohort.runs
    ]


def fits(cohort: Cohort, part: Subset, segment_steps: int) -> None:
    """Raises: DataError where a segment is longer than what may be learned from."""
    inside = part.of(cohort)
    longest = max(_steps(inside, part.start_s, last_second(inside, part.start_s, part.stop_s)))
    if segment_steps > longest:
        raise DataError(
            f"--config.segment_steps: {segment_steps} steps ({segment_steps * STEP_S:.0f} s) do "
            f"not fit into the training part of {longest * STEP_S:g} s; expected at most {longest}"
        )


def twin_for(connectomes: np.ndarray, runs: Sequences, model: PaperTwin) -> Twin:
    """A twin for these training people, with the inputs and outputs of these runs."""
    actions = runs.press.shape[-1]
    outputs = actions + runs.bold.shape[-1]
    return make_twin(
        connectomes,
        inputs=runs.stimulus.shape[-1],
        outputs=outputs,
        actions=actions,
        kind=model.kind,
        **sizes_of(model.config, model.kind),
    )


def sizes_of(config: TwinConfig, kind: type[nn.Module]) -> dict[str, Any]:
    """What `make_twin` is told of a config: what this kind of network has."""
    known = {"components", "standardise", *(field.name for field in fields(kind))}
    return {k: v for k, v in vars(config).items() if k in known and v is not None}


def note_below_chance(cohort: Cohort, ledger: ExclusionLog) -> None:
    """One line a person and run whose accuracy keeps them out of the behaviour figures."""
    for run in cohort.runs:
        if run.present.any() and below_chance(run)[run.present].all():
            ledger.add(
                "all",
                run.name,
                "",
                "nobody above chance: no behaviour figure is defined; are right and wrong turned "
                "around?",
            )
        for person in cohort.participants.index[below_chance(run)]:
            ledger.add(
                person,
                run.name,
                "",
                "accuracy below chance: left out of the choice and reaction-time figures",
            )
