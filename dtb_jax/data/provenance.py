"""Whose data something was made from: what every file that is kept carries, and is checked by.

Events are told to the bit. Connectomes and BOLD are products of matrices, whose last digits differ
between machines (those of a cluster, say): they are told by a few weighted sums, and compared
within a tolerance.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from dtb_jax.types import Cohort, Run

SUMS, TOLERANCE = 4, 1e-5
"""Of a person's numbers, and by how much of their size they may differ."""
OF_THE_TWIN = ("events", "connectome", "bold")
"""What a twin is trained on."""
OF_FIGURES = (*OF_THE_TWIN, "other_connectome", "participant")
"""What predictions are made from: covariates as well."""
WORDS = {"bold": "BOLD", "other_connectome": "other connectome", "participant": "participants.tsv"}

Record = dict[str, dict[str, Any]]
"""{participant: {kind: what tells the person's data}}, as it goes into JSON."""


def of_people(cohort: Cohort, people: np.ndarray | None = None) -> Record:
    """What tells everybody's data.

    Args:
        cohort: as read.
        people: rows; None: everybody.
    """
    everybody = np.arange(len(cohort.connectomes))
    rows = [int(i) for i in (everybody if people is None else people)]
    kinds: dict[str, list] = {
        "events": [_events(cohort, i) for i in rows],
        "connectome": [sums(cohort.connectomes[i]) for i in rows],
        "participant": [_participant(cohort, i) for i in rows],
    }
    if cohort.bold_source != "none":
        kinds["bold"] = [sums(_bold(cohort, i)) for i in rows]
    if cohort.other_connectomes is not None:
        kinds["other_connectome"] = [sums(cohort.other_connectomes[i]) for i in rows]
    ids = [str(cohort.participants.index[i]) for i in rows]
    return {one: {kind: each[k] for kind, each in kinds.items()} for k, one in enumerate(ids)}


def sums(values: np.ndarray) -> list[float]:
    """Root mean square of some numbers, and sums with weights that tell their places apart."""
    known = np.nan_to_num(np.asarray(values, float))
    if not known.size:
        return []
    size = np.sqrt(np.mean(known**2))
    return [float(size), *(known @ _waves(known.size) * np.sqrt(2 / known.size)).tolist()]


@lru_cache(maxsize=4)
def _waves(n: int) -> np.ndarray:
    return np.cos(np.outer(np.arange(n), np.sqrt(np.arange(2, SUMS + 2))) + 1)


def changed(
    before: Record,
    now: Record,
    since: str,
    kinds: Collection[str] = OF_THE_TWIN,
) -> str:
    """What is not as it was, as a clause, or nothing.

    Args:
        before, now: of people.
        since: ends the clause: "since this twin was trained".
        kinds: of data that matter.
    """
    new, gone = [p for p in now if p not in before], [p for p in before if p not in now]
    told = [(_count(new, "new"), new)] if new else []
    told += [(_count(gone, "gone"), gone)] if gone else []
    for kind in () if told else kinds:
        other = [p for p in now if not _same(before[p].get(kind), now[p].get(kind))]
        if other:
            many = f"{len(other)} people" if len(other) > 1 else "1 person"
            told.append((f"{WORDS.get(kind, kind)} of {many} changed", other))
    if not told:
        return ""
    return f"{' and '.join(clause for clause, _ in told)} {since}, {told[0][1][0]} first"


def of_choices(choices: Any) -> Any:
    """Options as JSON tells them: functions and classes by name, arrays by their digest."""
    if isinstance(choices, Mapping):
        return {str(key): of_choices(value) for key, value in choices.items()}
    if hasattr(choices, "_asdict"):
        return of_choices(choices._asdict())
    if isinstance(choices, list | tuple):
        return [of_choices(value) for value in choices]
    if isinstance(choices, np.ndarray):
        return digest(choices)
    if callable(choices):
        return getattr(choices, "__qualname__", type(choices).__qualname__)
    if isinstance(choices, float) and not np.isfinite(choices):
        return str(choices)
    return choices.item() if isinstance(choices, np.generic) else choices


def digest(*parts: Any) -> str:
    """SHA-256 of arrays, words and numbers."""
    told = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            told.update(f"{part.dtype.str}{part.shape}".encode())
            told.update(np.ascontiguousarray(part).tobytes())
        else:
            told.update(json.dumps(part, sort_keys=True, default=str).encode())
    return told.hexdigest()


def _bold(cohort: Cohort, i: int) -> np.ndarray:
    seen = [run.bold[i] * run.bold_mask[i, :, None] for run in cohort.runs]
    return np.concatenate([series.ravel() for series in seen])


def _events(cohort: Cohort, i: int) -> str:
    return digest(*(part for run in cohort.runs for part in _of_run(run, i)))


def _of_run(run: Run, i: int) -> list[Any]:
    task, there = run.task, run.trials.present[i]
    words = [run.name, task.actions, task.available, task.conditions, task.contrast]
    return [words, bool(run.present[i]), *(f[i][there] for f in run.trials), run.stimulus[i]]


def _participant(cohort: Cohort, i: int) -> str:
    row = cohort.participants.iloc[i]
    # motion is a mean, whose last digits differ between machines
    told = {k: f"{v:.6g}" if isinstance(v, float | np.floating) else str(v) for k, v in row.items()}
    return digest(told)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list) and one and len(one) == len(other):
        size = max(abs(one[0]), abs(other[0]))
        return bool(np.allclose(one, other, rtol=0, atol=TOLERANCE * size))
    return one == other


def _count(people: list[str], what: str) -> str:
    return f"{len(people)} people are {what}" if len(people) > 1 else f"1 person is {what}"
