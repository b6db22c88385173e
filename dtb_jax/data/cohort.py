"""A folder of files as one `Cohort` and one ledger."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dtb_jax.data.behaviour import of_these, read_behaviour, tasks_of
from dtb_jax.data.choices import Choices
from dtb_jax.data.derivatives import Imaging, find_imaging, says_simulated
from dtb_jax.data.entities import read_sessions
from dtb_jax.data.estimators import ESTIMATORS
from dtb_jax.data.imaging import (
    Rest,
    enough_volumes,
    other_connectomes,
    person_connectome,
    read_matrix,
    typical_length,
)
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.data.motion import read_motion
from dtb_jax.data.parcels import parcels_and_regions
from dtb_jax.data.participants import of_people, read_participants
from dtb_jax.data.timeseries import Expect, read_series
from dtb_jax.regions import region_means
from dtb_jax.tasks.task import rasterise, stack_trials
from dtb_jax.types import STEP_S, Cohort, Task, TaskRun


def read_cohort(
    root: Path,
    choices: Choices = Choices(),
    tasks: Sequence[Task] = (),
    progress: Callable = lambda people: people,
) -> tuple[Cohort, Ledger]:
    """Everybody with a connectome and behaviour in at least one run.

    Args:
        root: events, participants.tsv and imaging in TCP's layout or as BIDS derivatives.
        choices: which tasks and runs, which atlas, what counts as truncated, who belongs together.
        tasks: whose events to read (`tasks.together`) in place of the choices'.
        progress: wraps the list of people (a progress bar).

    Returns: `Cohort` and `Ledger`; whoever is not in the first has a line in the second.

    Raises: DataError when nobody is left, the atlas is missing, or choices contradict.
    """
    _check(choices)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder, expected one with events and imaging")
    tasks = tasks or tasks_of(choices.tasks)
    imaging_root = Path(choices.derivatives or root)
    if not imaging_root.is_dir():
        raise DataError(f"--config.derivatives: {imaging_root}: no such folder")
    sessions = read_sessions({root, imaging_root}, choices.session)
    ledger = Ledger()
    participants = read_participants(root, ledger, choices.family, choices.columns)
    behaviour = read_behaviour(root, tasks, choices.runs, sessions, ledger)
    imaging = find_imaging(imaging_root, choices.entities, sessions)
    imaging = imaging._replace(simulated=imaging.simulated or says_simulated(root))
    if not imaging.series and not imaging.matrices:
        raise DataError(
            f"{imaging_root}: no parcel time series and no connectomes; "
            "experiments.stand_in writes simulated ones for these events"
        )
    names, regions = parcels_and_regions(root, choices.atlas, choices.regions)
    expect = Expect(len(names), choices.dataset, choices.atlas_image)
    acted = {person for _, people in behaviour.values() for person in people}
    edges, kept, simulated = [], [], imaging.simulated
    rest = _rest(imaging, choices.rest_runs, choices, expect)
    everyone = sorted(acted | set(imaging.series) | set(imaging.matrices))
    for person in progress(everyone):
        if person not in acted:
            ledger.add(person, "", "", "no behaviour in these runs: not in the cohort")
            continue
        found, is_simulated = _connectome(imaging, person, rest, expect, ledger)
        if found is None:
            ledger.add(person, "", "", "behaviour but no usable rest run: not in the cohort")
            continue
        edges.append(found.astype(np.float32))
        kept.append(person)
        simulated |= is_simulated
    if not kept:
        there = sorted({run for runs in imaging.series.values() for run in runs})
        raise DataError(
            f"{root}: nobody has both behaviour and a connectome of "
            f"{', '.join(choices.rest_runs)}; imaging is of {', '.join(there) or 'matrices alone'}"
        )
    behaviour = of_these(behaviour, kept, ledger)
    participants = of_people(participants, kept, everyone, root, ledger)
    motion = read_motion(
        imaging_root, participants["motion_mm"], choices.rest_runs, ledger, sessions
    )
    other_rest = _rest(imaging, choices.other_rest_runs, choices, expect)
    others, has_other, is_simulated = other_connectomes(imaging, kept, other_rest, expect, ledger)
    simulated |= is_simulated
    runs, bold_simulated, any_bold = [], imaging.simulated, False
    for name, (task, people) in behaviour.items():
        run, is_simulated = _stack(
            name, task, people, kept, imaging, regions, expect, choices, ledger
        )
        runs.append(run)
        bold_simulated |= is_simulated
        any_bold |= bool(run.bold_mask.any())
    cohort = Cohort(
        participants=participants.assign(motion_mm=motion),
        connectomes=np.stack(edges),
        runs=tuple(runs),
        regions=tuple(regions),
        parcels=len(names),
        repetition_time_s=choices.repetition_time_s,
        connectome_source="simulated" if simulated else "measured",
        bold_source=("simulated" if bold_simulated else "measured") if any_bold else "none",
        other_connectomes=others,
        other_present=has_other,
    )
    return cohort, ledger


def _check(choices: Choices) -> None:
    if choices.estimator not in ESTIMATORS:
        raise DataError(
            f"--config.estimator: {choices.estimator!r}, expected {' or '.join(ESTIMATORS)}"
        )
    twice = set(choices.rest_runs) & set(choices.other_rest_runs)
    if twice:
        raise DataError(
            f"--config.other_rest_runs: {min(twice)} is one of rest_runs, expected other runs"
        )


def _rest(imaging: Imaging, runs: Sequence[str], choices: Choices, expect: Expect) -> Rest:
    length = typical_length(imaging, runs, expect)
    return Rest(runs, length, choices.least_share, choices.estimator)


def _connectome(imaging: Imaging, person: str, rest: Rest, expect: Expect, ledger: Ledger):
    if person in imaging.matrices:
        path = imaging.matrices[person]
        try:
            return read_matrix(path, expect)
        except DataError as error:
            ledger.add(person, "", path, error)
            return None, False
    paths = imaging.series.get(person, {})
    return person_connectome(paths, rest, expect, participant=person, ledger=ledger)


def _stack(name, task: Task, people, kept, imaging: Imaging, regions, expect, choices, ledger):
    """One run of everybody kept; people without it are masked."""
    tr = choices.repetition_time_s
    per_volume = round(tr / STEP_S)
    if not math.isclose(per_volume * STEP_S, tr, rel_tol=1e-6):
        raise DataError(f"repetition time {tr} s: expected a multiple of the {STEP_S} s step")
    present = np.array([person in people for person in kept])
    last = [float((t.onset_s + t.duration_s)[-1]) for t, _ in people.values()]
    full_length = typical_length(imaging, (name,), expect) or math.ceil((max(last) + 10) / tr)
    steps = full_length * per_volume
    stimulus = np.zeros((len(kept), steps, task.channels + len(task.flags)), np.float32)
    bold = np.zeros((len(kept), full_length, len(regions)), np.float32)
    mask = np.zeros((len(kept), full_length), bool)
    without = [person for person in people if name not in imaging.series.get(person, {})]
    if len(without) == len(people):
        ledger.add("all", name, "", "nobody has BOLD of this run: behaviour only")
    simulated = False
    for i, person in enumerate(kept):
        if person in people:
            stimulus[i] = rasterise(people[person][1], steps, task.flags)
        path = imaging.series.get(person, {}).get(name)
        if path is None or person not in people:
            if person in people and len(without) < len(people):
                ledger.add(person, name, "", "no BOLD of this run: behaviour only")
            continue
        try:
            series = read_series(path, expect)
            enough_volumes(series, full_length, choices.least_share, path)
        except DataError as error:
            ledger.add(person, name, path, f"{error}: behaviour only")
            continue
        length = min(len(series.values), full_length)
        bold[i, :length] = region_means(series.values[:length], regions)
        mask[i, :length] = True
        simulated |= series.simulated
        if length < full_length:
            ledger.add(person, name, path, f"{length} of {full_length} volumes: the rest is masked")
    trials = stack_trials({person: t for person, (t, _) in people.items()}, kept)
    return TaskRun(task, name, trials, stimulus, bold, mask, present), simulated


def below_chance(run: TaskRun) -> np.ndarray:
    """Who answers less often correctly than by pressing at random; [people].

    Accuracy over all trials (an omission is wrong) below 1 / number of buttons.
    """
    trials = run.trials
    hit = np.take_along_axis(trials.possible, trials.correct[..., None], -1)[..., 0]
    share = (hit & trials.present).sum(1) / np.maximum(trials.present.sum(1), 1)
    return run.present & (share < 1 / sum(run.task.available))
