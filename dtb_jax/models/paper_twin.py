"""The paper's twin: train it on a part of a cohort, predict another part."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dtb_jax.data import provenance
from dtb_jax.data.cohort import below_chance
from dtb_jax.data.folds import Part
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.data.splits import BoldScale, cut, fit_bold_scale, last_second
from dtb_jax.models.memory import remember_last
from dtb_jax.models.prediction import Prediction, predict
from dtb_jax.models.recipe import Recipe, prepare, twin_for
from dtb_jax.twin.checkpoint import Checkpoints
from dtb_jax.twin.checks import checked
from dtb_jax.twin.config import Settings
from dtb_jax.twin.fit import fit
from dtb_jax.twin.sharding import people_mesh
from dtb_jax.twin.step import State, initial_state, used_params
from dtb_jax.twin.twin import Params, Twin
from dtb_jax.types import STEP_S, Cohort, Run


class PaperTwin(NamedTuple):
    """A hypernetwork turns a connectome into all weights of a recurrent network."""

    recipe: Recipe
    seed: int
    folder: Path | None = None  # of checkpoints, one subfolder a fold; None keeps none
    save_every: int = 10**6  # epochs between checkpoints; the last is always kept
    on_epoch: Callable[[dict[str, float | int]], None] = lambda row: None

    def fit(self, cohort: Cohort, subset: Part) -> "Fitted":
        return train(
            cohort,
            subset,
            self.recipe,
            seed=self.seed,
            folder=None if self.folder is None else self.folder / subset.name,
            save_every=self.save_every,
            on_epoch=self.on_epoch,
        )


class Fitted(NamedTuple):
    """A trained twin with what its data were scaled by, and how training went."""

    twin: Twin
    params: Params
    scale: BoldScale
    history: list[dict[str, float | int]]
    timing: dict[str, Any]
    recipe: Recipe

    def predict(
        self, cohort: Cohort, subset: Part, connectomes: np.ndarray | None = None
    ) -> list[Prediction]:
        """What the twins of these connectomes do, BOLD in the units of the cohort's."""
        told = predict(
            self.twin,
            self.params,
            cohort.connectomes if connectomes is None else connectomes,
            subset.of(cohort),
            stimuli(cohort, subset, self.scale),
            self.recipe.read,
            start_s=subset.start_s,
            people=np.flatnonzero(subset.people),
        )
        return [
            one
            if one.bold is None
            else one._replace(bold=one.bold * self.scale.sd + self.scale.mean)
            for one in told
        ]


def train(
    cohort: Cohort,
    part: Part,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path | None = None,
    save_every: int = 1,
    on_epoch: Callable[[dict[str, float | int]], None] = lambda row: None,
) -> Fitted:
    """Fit a twin to a part of the data, going on from `folder` where it holds a state.

    All devices of the machine share the people of a batch.

    Args:
        cohort: everybody.
        part: whose trials and volumes may be learned from.
        recipe: how.
        seed: of everything random.
        folder: of the checkpoints; None keeps none.
        save_every: epochs between checkpoints.
        on_epoch: told every epoch's numbers.

    Returns: `Fitted`, with the parameters that `twin.step.used_params` names.

    Raises: DataError where `folder` holds the training of other people, data or choices.
    """
    began = time.perf_counter()
    settings = recipe.settings
    connectomes, twin, scale, parts = prepare(cohort, part, recipe, seed=seed)
    state, history, resumed_after = None, [], 0
    checkpoints = Checkpoints(folder) if folder is not None else None
    fixed = fixed_parts(twin, scale)
    origin = origin_of(cohort, part, recipe=recipe, seed=seed)
    if checkpoints is not None:
        check_origin(checkpoints, origin, folder)
        found = checkpoints.restore({"state": abstract_state(twin, settings), "fixed": fixed})
        if found is not None:
            state, history = found[0]["state"], found[1]["history"]
            resumed_after = int(state.epoch)
            on_epoch({"resumed_after_epoch": resumed_after})
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
        on_epoch(row)

    state = fit(
        twin,
        connectomes,
        parts.training,
        parts.validation,
        parts.validation_people,
        settings,
        seed=seed,
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
    return Fitted(twin, used_params(settings, state), scale, history, timing, recipe)


def origin_of(cohort: Cohort, part: Part, **choices: Any) -> dict[str, Any]:
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


def restore(folder: Path, cohort: Cohort, recipe: Recipe) -> Fitted:
    """A twin from the checkpoints that `train` wrote for this cohort and recipe.

    Raises: DataError when there are none, or they are of other sizes, people or data.
    """
    missing = f"{folder}: no checkpoint; was the training interrupted before its first?"
    if not folder.is_dir():  # nothing is written where one only reads
        raise DataError(missing)
    no_bold = fit_bold_scale(cohort, 0.0, np.arange(0))
    runs = cut(cohort, 0.0, STEP_S, no_bold)
    if cohort.bold_source == "none":
        runs = runs._replace(bold=runs.bold[..., :0])
    twin = twin_for(cohort.connectomes, runs, recipe)
    like = {
        "state": abstract_state(twin, recipe.settings),
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
    params = used_params(recipe.settings, State(*state) if isinstance(state, list) else state)
    return Fitted(twin, params, BoldScale(**fixed["bold"]), found[1]["history"], {}, recipe)


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


def abstract_state(twin: Twin, settings: Settings) -> State:
    """Shapes of a training state."""
    return jax.eval_shape(lambda key: initial_state(twin, settings, key=key), jax.random.key(0))


@remember_last
def stimuli(cohort: Cohort, part: Part, scale: BoldScale) -> Run:
    """What a twin needs for rolling out a part: it begins with the part, at h = 0."""
    inside = part.of(cohort)
    return cut(inside, part.start_s, last_second(inside, part.start_s, np.inf), scale)


def note_below_chance(cohort: Cohort, ledger: Ledger) -> None:
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
