"""Every model on every fold, its predictions kept on disk as soon as they are made."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from dtb_jax.data import provenance
from dtb_jax.data.folds import Fold
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Model, Probe
from dtb_jax.types import Cohort


class CrossValPredictions(NamedTuple):
    """What every model says of everybody who is tested, and what it took."""

    predictions: dict[str, list[Prediction]]  # one a run of the test part
    fold: np.ndarray  # in which fold each person is tested; -1: in none
    seconds: dict[str, float]  # of each model, over all folds


def cross_validate(
    cohort: Cohort,
    folds: Sequence[Fold],
    models: Mapping[str, Model],
    *,
    probes: Mapping[str, Sequence[Probe]] = MappingProxyType({}),
    folder: Path | None = None,
    prepare: Callable[[Cohort, Fold], Cohort] = lambda cohort, fold: cohort,
    on_model: Callable[[str, str], None] = lambda fold, model: None,
) -> CrossValPredictions:
    """Fit every model to every fold and predict, going on where an interrupted call stopped.

    Args:
        cohort: everybody.
        folds: each person is tested in at most one.
        models: by name.
        probes: what else is asked of a fitted model, by the model's name.
        folder: where each model's predictions of each fold are kept, with what they were made
            of; those of other people, data or times are made anew; None: nowhere.
        prepare: what is learned from the training people and done to everybody (harmonisation).
        on_model: called with the fold and the model that are done.

    Returns: `CrossValPredictions`; rows of people nobody tested hold NaN.
    """
    tested = np.full(len(cohort.connectomes), -1)
    parts: dict[str, list[list[Prediction]]] = {}
    seconds = dict.fromkeys(models, 0.0)
    people = {} if folder is None else provenance.of_people(cohort)
    for k, fold in enumerate(folds):
        origin = origin_of(people, cohort, fold)
        tested[fold.test.people] = k
        prepared = None
        for name, model in models.items():
            path = None if folder is None else told_at(folder, fold, name)
            found = None if path is None else load(path, origin)
            if found is None:
                prepared = prepare(cohort, fold) if prepared is None else prepared
                began = time.perf_counter()
                told = fit_and_predict(prepared, fold, name, model, probes.get(name, ()))
                told = _rows(told, np.flatnonzero(fold.test.people))
                found = told, time.perf_counter() - began
                if path is not None:
                    save(path, *found, origin)
            seconds[name] += found[1]
            for one, runs in found[0].items():
                parts.setdefault(one, []).append(runs)
            on_model(fold.name, name)
    rows = [np.flatnonzero(fold.test.people) for fold in folds]
    merged = {
        model: [merge(rows, run, len(tested)) for run in zip(*each)]
        for model, each in parts.items()
    }
    return CrossValPredictions(merged, tested, seconds)


def fit_and_predict(
    cohort: Cohort, fold: Fold, name: str, model: Model, probes: Sequence[Probe]
) -> dict[str, list[Prediction]]:
    """What a model and its probes say of a fold's test part, by name; rows of all people."""
    fitted = model.fit(cohort, fold.training._replace(name=fold.name))
    told = {name: fitted.predict(cohort, fold.test)}
    for probe in probes:
        told |= probe(fitted, cohort, fold)
    return told


def told_at(folder: Path, fold: Fold, model: str) -> Path:
    """Where a model's predictions of a fold are kept."""
    return folder / f"{fold.name}_{model}.npz"


def origin_of(people: provenance.Record, cohort: Cohort, fold: Fold) -> dict[str, Any]:
    """What predictions of a fold are made of: who trains, who is tested, when, and their data.

    Args:
        people: of everybody, from `data.provenance.of_people`.
        cohort: the same people.
        fold: of them.
    """
    ids = np.array([str(person) for person in cohort.participants.index])
    parts = {
        name: {
            "participants": ids[part.people].tolist(),
            "times_s": {run.name: part.span(run) for run in part.of(cohort).runs},
        }
        for name, part in (("training", fold.training), ("test", fold.test))
    }
    inside = ids[fold.training.people | fold.test.people]
    return {
        "people": {person: people[person] for person in inside if person in people},
        "choices": provenance.of_choices(parts),
    }


def _rows(told: dict[str, list[Prediction]], people: np.ndarray) -> dict[str, list[Prediction]]:
    """Of every field the tested people's rows."""

    def kept(field):
        return field if field is None or isinstance(field, bool) else np.asarray(field)[people]

    return {model: [Prediction(*map(kept, run)) for run in runs] for model, runs in told.items()}


def merge(rows: Sequence[np.ndarray], parts: Sequence[Prediction], people: int) -> Prediction:
    """One prediction of everybody from those of the folds' people."""
    fields: dict[str, Any] = {}
    for name in Prediction._fields:
        each = [getattr(part, name) for part in parts]
        if name == "personal":
            fields[name] = all(each)
        elif any(one is None for one in each):
            fields[name] = None
        else:
            empty = 0 if np.issubdtype(each[0].dtype, np.integer) else np.nan
            whole = np.full((people, *each[0].shape[1:]), empty, each[0].dtype)
            for inside, one in zip(rows, each):
                whole[inside] = one
            fields[name] = whole
    return Prediction(**fields)


def save(
    path: Path,
    told: Mapping[str, Sequence[Prediction]],
    seconds: float,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write a model's predictions of a fold; under its own name the file is complete."""
    arrays = {
        f"{model}|{r}|{name}": field
        for model, runs in told.items()
        for r, run in enumerate(runs)
        for name, field in run._asdict().items()
        if field is not None
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name("." + path.name)
    np.savez(unfinished, seconds=np.array(seconds), made_of=np.array(json.dumps(origin)), **arrays)
    unfinished.replace(path)


def load(
    path: Path, origin: Mapping[str, Any] | None = None
) -> tuple[dict[str, list[Prediction]], float] | None:
    """Inverse of `save`; None where there is no readable file, or one of another origin."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            if origin is not None and not _is_of(file, origin):
                return None
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    seconds = float(arrays.pop("seconds"))
    arrays.pop("made_of", None)
    told: dict[str, list[dict]] = {}
    for key, field in arrays.items():
        model, r, name = key.split("|")
        runs = told.setdefault(model, [])
        while len(runs) <= int(r):
            runs.append({})
        runs[int(r)][name] = bool(field) if name == "personal" else field
    return {model: [Prediction(**run) for run in runs] for model, runs in told.items()}, seconds


def is_kept(path: Path, origin: Mapping[str, Any]) -> bool:
    """Whether a file holds predictions of this origin."""
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            return _is_of(file, origin)
    except (OSError, ValueError, EOFError, BadZipFile):
        return False


def _is_of(file: Any, origin: Mapping[str, Any]) -> bool:
    before = json.loads(str(file["made_of"])) if "made_of" in file.files else None
    return (
        before is not None
        and before["choices"] == json.loads(json.dumps(origin["choices"]))
        and not provenance.changed(before["people"], origin["people"], "", provenance.OF_FIGURES)
    )
