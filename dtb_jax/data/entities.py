"""What a BIDS file name says: whose, which session, which run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dtb_jax.data.ledger import DataError


class Sessions(NamedTuple):
    """Which sessions are read, and whether names of runs begin with theirs."""

    only: str = ""  # label; all where empty
    named: bool = False


def entities_of(path: Path) -> dict[str, str]:
    """{"sub": "A", "task": "rest", ...} of sub-A_task-rest_..."""
    pairs = (part.split("-", 1) for part in path.name.split(".")[0].split("_") if "-" in part)
    return dict(pairs)


def person_and_run(path: Path, sessions: Sessions = Sessions()) -> tuple[str, str] | None:
    """Whose file of which run: sub-A_task-rest_dir-AP_run-01_... is of sub-A, rest_dir-AP_run-01.

    Nothing where the name has no person or task, or is of a session that is not read.
    """
    told = entities_of(path)
    session = told.get("ses", "")
    if not told.get("sub") or not told.get("task"):
        return None
    if sessions.only and session and session != sessions.only:
        return None
    run = told.get("run", "")
    told["run"] = f"{int(run):02d}" if run.isdigit() else run  # run-1 is run-01
    parts = [told["task"], *(f"{name}-{told[name]}" for name in ("dir", "run") if told.get(name))]
    if sessions.named and session:
        parts = [f"ses-{session}", *parts]
    return f"sub-{told['sub']}", "_".join(parts)


def read_sessions(roots: Iterable[Path], only: str = "") -> Sessions:
    """All sessions below these folders, or one; with several, runs are named by session, too.

    Raises: DataError when the one is not there.
    """
    labels = {path.name[4:] for root in roots for path in root.glob("**/sub-*/ses-*")}
    only = only.removeprefix("ses-")
    if only and only not in labels:
        found = ", ".join(sorted(labels)) or "no sessions"
        raise DataError(f"--config.session: {only!r}, found {found}")
    return Sessions(only, named=not only and len(labels) > 1)


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

    Raises: DataError for a label that none of them has.
    """
    for name, label in asked.items():
        labels = {entities_of(path).get(name) for path in paths}
        if paths and label not in labels:
            found = ", ".join(sorted(f"{name}-{one}" for one in labels if one)) or f"no {name}"
            raise DataError(f"--config.entities: {name}-{label} is in no file name, found {found}")
    return [path for path in paths if asked.items() <= entities_of(path).items()]
