"""Which tasks and runs of a folder are read, and what people did in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from dtb_jax.data.bids import decode_events, find_events
from dtb_jax.data.entities import Sessions
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.tasks import tasks_named
from dtb_jax.twin.windows import until_s
from dtb_jax.types import StimulusEvents, Task, Trials

Behaviour = dict[str, tuple[Task, dict[str, tuple[Trials, StimulusEvents]]]]
"""{run: (its task, {participant: what was shown and done})}"""
FEWEST_ALIKE = 3
"""Presses at the same times, for two tables of events to be of one person."""


def tasks_of(names: Sequence[str]) -> tuple[Task, ...]:
    """`tasks_named`, where a config asks for them.

    Raises: DataError.
    """
    try:
        return tasks_named(names)
    except ValueError as error:
        raise DataError(f"--config.tasks: {error}") from error


def read_behaviour(
    root: Path, tasks: Sequence[Task], runs: Sequence[str], sessions: Sessions, ledger: ExclusionLog
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
    behaviour = _with_presses(root, behaviour, ledger)
    for run, (_, people) in behaviour.items():
        _note_trials(run, people, ledger)
        _note_turns(run, people, ledger)
    _note_copies(behaviour, ledger)
    _note_unread(tasks, runs, {run: task.name for run, (task, _) in found.items()}, ledger)
    return behaviour


def of_these(behaviour: Behaviour, kept: Sequence[str], ledger: ExclusionLog) -> Behaviour:
    """Runs that somebody in the cohort has; a line for each other one, and for who lacks a run."""
    there, cohort = {}, set(kept)
    for run, (task, people) in behaviour.items():
        inside = {person: told for person, told in people.items() if person in cohort}
        if not inside:
            ledger.add("all", run, "", "nobody in the cohort has this run: not read")
            continue
        there[run] = (task, inside)
        told = {entry.participant for entry in ledger.entries if entry.run == run}
        for person in kept:
            if person not in inside and person not in told:
                ledger.add(person, run, "", "no events of this run")
    return there


def _with_presses(root: Path, behaviour: Behaviour, ledger: ExclusionLog) -> Behaviour:
    """Runs in which somebody pressed.

    Raises: DataError where nobody did in any.
    """
    silent = [
        run
        for run, (_, people) in behaviour.items()
        if people and not any(trials.answered.any() for trials, _ in people.values())
    ]
    kept = {run: told for run, told in behaviour.items() if run not in silent}
    for run in silent:
        count = len(behaviour[run][1])
        first = next((e for e in ledger.entries if e.run == run and "press" in e.reason), None)
        why = f" (the first: {first.reason})" if first else ""
        said = f"none of {count} people pressed in any trial{why}; are the task's columns right?"
        if not any(people for _, people in kept.values()):
            raise DataError(f"{root}: {run}: {said}")
        ledger.add("all", run, "", f"{said} This run is not read")
    return kept


def _note_trials(
    run: str, people: Mapping[str, tuple[Trials, StimulusEvents]], ledger: ExclusionLog
) -> None:
    """A line for whoever has another number of trials than most, or far fewer than usual."""
    count = {person: len(trials.onset_s) for person, (trials, _) in people.items()}
    if not count:
        return
    (usual, share), *_ = Counter(count.values()).most_common(1)
    if 2 * share > len(count):
        odd = {person: n for person, n in count.items() if n != usual}
    else:
        usual = int(np.median(list(count.values())))
        odd = {person: n for person, n in count.items() if n < usual / 2}
        few, many = min(count.values()), max(count.values())
        if few < many:
            ledger.add("all", run, "", f"people have from {few} to {many} trials")
    for person, n in odd.items():
        ledger.add(person, run, "", f"{n} {'trial' if n == 1 else 'trials'}, most have {usual}")


def _note_turns(
    run: str, people: Mapping[str, tuple[Trials, StimulusEvents]], ledger: ExclusionLog
) -> None:
    """A line where trials follow each other faster than their windows, and what that costs."""
    answered, outside, shared = 0, 0, 0
    for trials, _ in people.values():
        until = until_s(trials.onset_s, trials.deadline_s, trials.present)
        counted = trials.answered & trials.present
        answered += int(counted.sum())
        outside += int((counted & (trials.onset_s + trials.response_time_s > until)).sum())
        shared += int(np.isfinite(until).sum())
    if not shared:
        return
    ledger.add(
        "all",
        run,
        "",
        f"trials begin within the window of the one before: {outside} of {answered} presses come "
        "after the next onset; for networks they count as made just before it, in figures as they "
        "are",
    )


def _note_copies(behaviour: Behaviour, ledger: ExclusionLog) -> None:
    """A line for whoever pressed as somebody else did, to the last digit."""
    for run, (_, people) in behaviour.items():
        seen: dict[bytes, str] = {}
        for person, (trials, _) in people.items():
            if trials.answered.sum() < FEWEST_ALIKE:
                continue
            content = trials.onset_s.tobytes() + trials.response_time_s.tobytes()
            first = seen.setdefault(content, person)
            if first != person:
                ledger.add(person, run, "", f"the same events as {first}: one person twice?")


def _note_unread(
    tasks: Sequence[Task], runs: Sequence[str], found: Mapping[str, str], ledger: ExclusionLog
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


def _decoded(task: Task, run: str, found: Mapping[str, Path], ledger: ExclusionLog):
    people = {}
    for person, path in found.items():
        try:
            people[person] = decode_events(path, task, partial(ledger.add, person, run, path))
        except DataError as error:
            ledger.add(person, run, path, error)
    return people
