"""Several tasks for one network: as many buttons and inputs in each, and inputs that tell which."""

import runpy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dtb_jax.data.tasks.faces import FACES
from dtb_jax.data.tasks.stroop import STROOP
from dtb_jax.data.tasks.taskfile import read_task
from dtb_jax.types import StimulusEvents, Task, Trials

KNOWN = {"faces": FACES, "stroop": STROOP}
UNUSED = "unused"


def tasks_named(names: Sequence[str]) -> tuple[Task, ...]:
    """Tasks by name, from YAML files, or from Python files that define TASK, fit together.

    Raises: ValueError for what is none of these, and where two tasks share a name or their files.
    """
    found = [_named(name) for name in names]
    for own in ("name", "bids_name"):
        if not found or len({getattr(task, own) for task in found}) < len(found):
            raise ValueError(
                f"tasks {', '.join(names)!r}: expected one or more that differ in {own}"
            )
    return together(found)


def together(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The same tasks with equal numbers of actions and inputs.

    Of n tasks the first has flags of 0, each other one a 1 in a place of its own: one flag for one
    or two tasks, n - 1 for more. A twin is thus made for a list of tasks in an order, and keeps to
    it where a cohort did only some of them.
    """
    actions = max(len(task.actions) for task in tasks)
    channels = max(task.channels for task in tasks)
    flags = np.eye(len(tasks))[:, 1:] if len(tasks) > 1 else np.zeros((1, 1))
    return tuple(
        _widened(task, actions, channels)._replace(flags=tuple(map(float, own)))
        for task, own in zip(tasks, flags, strict=True)
    )


def _named(name: str) -> Task:
    if name in KNOWN:
        return KNOWN[name]
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return read_task(path)
    if path.suffix != ".py":
        raise ValueError(f"task {name!r}: expected {', '.join(KNOWN)}, a .yaml or a .py file")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    task = runpy.run_path(str(path)).get("TASK")
    if not isinstance(task, Task):
        raise ValueError(f"{path}: expected a variable TASK, a dtb_jax.types.Task")
    return task


def _widened(task: Task, actions: int, channels: int) -> Task:
    more = actions - len(task.actions)
    if not more and channels == task.channels:
        return task
    return task._replace(
        actions=task.actions + (UNUSED,) * more,
        available=task.available + (False,) * more,
        channels=channels,
        decode=partial(_decode_wide, task.decode, actions, channels),
    )


def _decode_wide(
    decode: Callable[[Any], tuple[Trials, StimulusEvents]], actions: int, channels: int, events: Any
) -> tuple[Trials, StimulusEvents]:
    trials, drive = decode(events)

    def wide(array: np.ndarray, width: int) -> np.ndarray:
        return np.pad(array, [(0, 0), (0, width - array.shape[1])])

    return (
        trials._replace(possible=wide(trials.possible, actions)),
        drive._replace(value=wide(drive.value, channels)),
    )
