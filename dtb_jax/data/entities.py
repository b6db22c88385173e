"""What a BIDS file name says: whose, which session, which run."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dtb_jax.data.files import run_files
from dtb_jax.data.ledger import DataError

OF_SCAN = ("acq", "ce", "rec", "echo", "part")
"""Entities that tell scans of a run apart; a run whose files have none needs no choice."""


class Sessions(NamedTuple):
    """Which sessions are read, and whether names of runs begin with theirs."""

    only: str = ""  # label; all where empty
    named: bool = False
    repeated: Mapping[tuple[str, str], tuple[str, ...]] = {}
    """Sessions of a participant's run where it is in several and not named: the first is read."""


def entities_of(path: Path) -> dict[str, str]:
    """{"sub": "A", "task": "rest", ...} of sub-A_task-rest_..."""
    pairs = (part.split("-", 1) for part in path.name.split(".")[0].split("_") if "-" in part)
    return {
        name: f"{int(label):02d}" if name == "run" and label.isdigit() else label
        for name, label in pairs
    }


def person_and_run(path: Path, sessions: Sessions = Sessions()) -> tuple[str, str] | None:
    """Whose file of which run: sub-A_task-rest_dir-AP_run-01_... is of sub-A, rest_dir-AP_run-01.

    Nothing where the name has no person or task, or is of a session that is not read. Runs are
    not named by acq-, rec-, echo- or part-: `with_entities` chooses among them.
    """
    told = entities_of(path)
    session = told.get("ses", "")
    if not told.get("sub") or not told.get("task"):
        return None
    if sessions.only and session and session != sessions.only:
        return None
    parts = [told["task"], *(f"{name}-{told[name]}" for name in ("dir", "run") if told.get(name))]
    if sessions.named and session:
        parts = [f"ses-{session}", *parts]
    named = f"sub-{told['sub']}", "_".join(parts)
    if session and session not in sessions.repeated.get(named, (session,))[:1]:
        return None
    return named


def read_sessions(roots: Iterable[Path], only: str = "", runs: Sequence[str] = ()) -> Sessions:
    """All sessions below these folders, or one.

    Runs are named by session where one of `runs` is, or where at least half of the people have a
    run in several sessions; one person who came twice renames nobody's runs.

    Args:
        roots: folders of events and of imaging.
        only: the one to read, with or without ses-.
        runs: names of runs that are asked for.

    Raises: DataError when the one is not there.
    """
    files = [path for root in roots for path in run_files(root)]
    labels = {entities_of(path).get("ses", "") for path in files} - {""}
    only = only.removeprefix("ses-")
    if only and only not in labels:
        found = ", ".join(sorted(labels)) or "no sessions"
        raise DataError(f"--config.session: {only!r}, found {found}")
    if only or len(labels) < 2:
        return Sessions(only)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for path in files:
        named, session = person_and_run(path), entities_of(path).get("ses")
        if named and session:
            counts.setdefault(named, Counter())[session] += 1
    repeated = {
        named: tuple(label for label, _ in sorted(count.items(), key=_most_files_first))
        for named, count in counts.items()
        if len(count) > 1
    }
    people, returned = ({person for person, _ in some} for some in (counts, repeated))
    if any(run.startswith("ses-") for run in runs) or 2 * len(returned) >= len(people) > 0:
        return Sessions(named=True)
    return Sessions(repeated=repeated)


def _most_files_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def asked_entities(wanted: Iterable[str]) -> dict[str, str]:
    """{"seg": "Glasser"} of "seg-Glasser".

    Raises: DataError for what is no entity.
    """
    for one in wanted:
        if not re.fullmatch(r"[a-z]+-[^-_]+", one):
            raise DataError(f"--config.entities: {one!r}, expected ENTITY-LABEL, like seg-Glasser")
    return dict(one.split("-", 1) for one in wanted)


def with_entities(paths: Sequence[Path], asked: Mapping[str, str]) -> list[Path]:
    """The files that have all that was asked for.

    A scan's own entity (`OF_SCAN`) is asked for only of runs that have it: acq-b of a rest run
    leaves a task run without acq- as it is.

    Raises: DataError for a label that none of them has.
    """
    for name, label in asked.items():
        labels = {entities_of(path).get(name) for path in paths}
        if paths and label not in labels:
            found = ", ".join(sorted(f"{name}-{one}" for one in labels if one)) or f"no {name}"
            raise DataError(f"--config.entities: {name}-{label} is in no file name, found {found}")
    have = {(_scan(path), name) for path in paths for name in entities_of(path)}

    def fits(path: Path) -> bool:
        told = entities_of(path)
        return all(
            told.get(name) == label or (name in OF_SCAN and (_scan(path), name) not in have)
            for name, label in asked.items()
        )

    return [path for path in paths if fits(path)]


def _scan(path: Path) -> tuple[str, str] | None:
    return person_and_run(path, Sessions(named=True))
