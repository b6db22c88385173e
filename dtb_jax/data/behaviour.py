"""Which tasks and runs of a folder are read, and what people did in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dtb_jax.data.bids import decode_events, find_events
from dtb_jax.data.entities import Sessions
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.tasks import tasks_named
from dtb_jax.types import Drive, Task, Trials

Behaviour = dict[str, tuple[Task, dict[str, tuple[Trials, Drive]]]]
"""{run: (its task, {participant: what was shown and done})}"""


def tasks_of(names: Sequence[str]) -> tuple[Task, ...]:
    """`tasks_named`, where a config asks for them.

    Raises: DataError.
    """
    try:
        return tasks_named(names)
    except ValueError as error:
        raise DataError(f"--config.tasks: {error}") from error


def read_behaviour(
    root: Path, tasks: Sequence[Task], runs: Sequence[str], sessions: Sessions, ledger: Ledger
) -> Behaviour:
    """Events of these runs, or of all runs of these tasks where no run is named.

    Args:
        root: folder with events.
        tasks: whose.
        runs: names; what is not there has a line in the ledger.
        sessions: which are read.
        ledger: whose events could not be read, and why.

    Returns: `Behaviour`.

    Raises: DataError when nobody's events could be read.
    """
    found = {
        run: (task, people)
        for task in tasks
        for run, people in find_events(root, task, sessions).items()
    }
    behaviour = {
        run: (task, _decoded(task, run, people, ledger))
        for run, (task, people) in found.items()
        if run in (runs or found)
    }
    if not any(people for _, people in behaviour.values()):
        wanted = ", ".join(runs) or "these tasks"
        looked = " or ".join(f"task-{task.bids_name}" for task in tasks)
        there = f"found runs {', '.join(found)}" if found else f"found no {looked}"
        first = next((e for e in ledger.entries if e.run in behaviour), None)
        why = f"; the first: {first.reason}" if first else ""
        raise DataError(f"{root}: no events of {wanted} could be read, {there}{why}")
    _note_unread(tasks, runs, {run: task.name for run, (task, _) in found.items()}, ledger)
    return behaviour


def of_these(behaviour: Behaviour, kept: Sequence[str], ledger: Ledger) -> Behaviour:
    """Runs that somebody in the cohort has; a line for each other one."""
    there, cohort = {}, set(kept)
    for run, (task, people) in behaviour.items():
        inside = {person: told for person, told in people.items() if person in cohort}
        if inside:
            there[run] = (task, inside)
        else:
            ledger.add("all", run, "", "nobody in the cohort has this run: not read")
    return there


def _note_unread(
    tasks: Sequence[Task], runs: Sequence[str], found: Mapping[str, str], ledger: Ledger
) -> None:
    """A line for each run that was named and is not there, and for tasks of which none is named."""
    for run in runs:
        if run not in found:
            ledger.add("all", run, "", f"no events of this run, found {', '.join(found)}")
    for task in tasks:
        own = [run for run, name in found.items() if name == task.name]
        if own and runs and not set(own) & set(runs):
            ledger.add(
                "all",
                own[0],
                "",
                f"not among the runs that are asked for: nothing of {task.name} is read",
            )


def _decoded(task: Task, run: str, found: Mapping[str, Path], ledger: Ledger):
    people = {}
    for person, path in found.items():
        try:
            people[person] = decode_events(path, task)
        except DataError as error:
            ledger.add(person, run, path, error)
    return people
