"""A folder of files as one `Cohort` and one ledger."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.behaviour import Behaviour, of_these, read_behaviour, tasks_of
from dtb_jax.data.config import DataConfig
from dtb_jax.data.derivatives import Imaging, find_imaging, says_simulated
from dtb_jax.data.entities import Sessions, read_sessions
from dtb_jax.data.imaging import (
    Rest,
    RestConnectome,
    named,
    note_volumes,
    other_connectomes,
    person_connectome,
    typical_length,
)
from dtb_jax.data.ledger import DataError, ExclusionLog
from dtb_jax.data.matrices import one_matrix, read_matrix
from dtb_jax.data.motion import read_motion
from dtb_jax.data.parcels import in_short, labels_of, read_parcels, read_regions
from dtb_jax.data.participants import of_people, read_participants
from dtb_jax.data.repetition_time import check_option
from dtb_jax.data.scan import behaviour_length_s, inside_scan
from dtb_jax.data.sidecars import Sidecars
from dtb_jax.data.task_bold import TaskBold, read_task_bold
from dtb_jax.data.tasks.task import events_to_timeseries, stack_trials
from dtb_jax.data.timeseries import Expect, read_series
from dtb_jax.types import STEP_S, Cohort, Run, Task


def read_cohort(
    root: Path,
    choices: DataConfig = DataConfig(),
    tasks: Sequence[Task] = (),
    progress: Callable = lambda people: people,
) -> tuple[Cohort, ExclusionLog]:
    """Everybody with a connectome and behaviour in at least one run.

    Args:
        root: events, participants.tsv and imaging in TCP's layout or as BIDS derivatives.
        choices: which tasks and runs, which atlas, what counts as truncated, who belongs together.
        tasks: whose events to read (`data.tasks.together`) in place of the choices'.
        progress: wraps the list of people (a progress bar).

    Returns: `Cohort` and `ExclusionLog`; whoever is not in the first has a line in the second.

    Raises: DataError when nobody is left, the atlas is missing, or choices contradict.
    """
    check_option(choices.repetition_time_s)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder, expected one with events and imaging")
    tasks = tasks or tasks_of(choices.tasks)
    imaging_root = Path(choices.derivatives or root)
    if not imaging_root.is_dir():
        raise DataError(f"--config.derivatives: {imaging_root}: no such folder")
    asked = (*choices.runs, *choices.rest_runs, *choices.other_rest_runs)
    sessions = read_sessions({root, imaging_root}, choices.session, asked)
    ledger = ExclusionLog()
    _note_sessions(sessions, ledger)
    participants = read_participants(root, ledger, choices.family, choices.columns)
    behaviour = read_behaviour(root, tasks, choices.runs, sessions, ledger)
    imaging = find_imaging(imaging_root, choices.entities, sessions)
    imaging = imaging._replace(simulated=imaging.simulated or says_simulated(root))
    if not imaging.series and not imaging.matrices:
        where = "" if choices.derivatives else "; if it lies elsewhere, name it by --derivatives"
        raise DataError(
            f"{imaging_root}: no parcel time series and no connectomes, expected "
            "sub-*/func/sub-*_task-*_timeseries.tsv (or ptseries, dtseries, bold) of fMRIPrep's or "
            f"XCP-D's output, TCP's tree or connectomes/sub-*{where}"
        )
    atlas, table = read_parcels(root, choices.atlas)
    names = tuple(table["name"])
    expect = Expect(len(names), choices.dataset, choices.atlas_image, names, labels_of(table))
    acted = {person for _, people in behaviour.values() for person in people}
    regions = _regions(atlas, choices, expect, imaging, behaviour)
    rest = _rest(imaging, choices.rest_runs, choices, expect)
    everyone = sorted(acted | set(imaging.series) | set(imaging.matrices))
    found = _connectomes(progress(everyone), acted, imaging, rest, expect, choices, ledger)
    if not found.edges:
        raise DataError(_nobody(root, imaging, acted, choices, ledger))
    behaviour = of_these(behaviour, list(found.edges), ledger)
    task_bold = read_task_bold(
        {run: list(people) for run, (_, people) in behaviour.items()},
        imaging,
        regions,
        expect,
        Sidecars(imaging_root, root),
        repetition_time_s=choices.repetition_time_s,
        least_share=choices.least_share,
        dummy_volumes=choices.dummy_volumes,
        ledger=ledger,
    )
    volumes = {run: _volumes(run, people, task_bold) for run, (_, people) in behaviour.items()}
    for run, (task, people) in behaviour.items():
        end_s, has_bold = volumes[run] * task_bold.repetition_time_s, bool(task_bold.scans[run])
        behaviour[run] = (task, inside_scan(run, people, end_s, has_bold, ledger))
    kept = [p for p in found.edges if any(p in people for _, people in behaviour.values())]
    for person in sorted(set(found.edges) - set(kept)):
        ledger.add(person, "", "", "no trial within a scan: not in the cohort")
    participants = of_people(participants, kept, everyone, root, ledger)
    motion = read_motion(
        imaging_root, participants["motion_mm"], choices.rest_runs, ledger, sessions
    )
    other_rest = _rest(imaging, choices.other_rest_runs, choices, expect)
    others, has_other, is_simulated = other_connectomes(imaging, kept, other_rest, expect, ledger)
    runs = tuple(
        _stack(run, task, people, kept, task_bold, volumes[run], len(regions))
        for run, (task, people) in behaviour.items()
    )
    scans = [one for some in task_bold.scans.values() for one in some.values()]
    bold_simulated = imaging.simulated or any(one.simulated for one in scans)
    any_bold = any(run.bold_mask.any() for run in runs)
    cohort = Cohort(
        participants=participants.assign(motion_mm=motion),
        connectomes=np.stack([found.edges[person] for person in kept]),
        runs=runs,
        regions=tuple(regions),
        parcels=len(names),
        repetition_time_s=task_bold.repetition_time_s,
        connectome_source="simulated" if found.simulated or is_simulated else "measured",
        bold_source=("simulated" if bold_simulated else "measured") if any_bold else "none",
        other_connectomes=others,
        other_present=has_other,
    )
    return cohort, ledger


def _note_sessions(sessions: Sessions, ledger: ExclusionLog) -> None:
    for (person, run), (first, *others) in sessions.repeated.items():
        labels = ", ".join(f"ses-{label}" for label in others)
        words = f"also in {labels}: ses-{first} is read; ask for ses-{others[0]}_{run} to read it"
        ledger.add(person, run, "", words)


def _regions(
    atlas: Path, choices: DataConfig, expect: Expect, imaging: Imaging, behaviour: Behaviour
) -> dict[str, list[int]]:
    """The parcels of each region; none where there is no BOLD to take a mean of.

    Raises: DataError; where the series do not fit the table of parcels, that comes first.
    """
    try:
        return read_regions(atlas, expect.names, choices.regions)
    except DataError:
        scanned = [
            imaging.series[person][run]
            for run, (_, people) in behaviour.items()
            for person in people
            if run in imaging.series.get(person, {})
        ]
        if not scanned and not choices.regions:
            return {}
        every = [path for paths in imaging.series.values() for path in paths.values()]
        for path in (scanned or every)[:1]:
            read_series(path, expect)
        raise


def _rest(imaging: Imaging, runs: Sequence[str], choices: DataConfig, expect: Expect) -> Rest:
    length = typical_length(imaging, runs, expect)
    return Rest(runs, length, choices.least_share, choices.estimator)


class _Found(NamedTuple):
    edges: dict[str, np.ndarray]  # by participant
    simulated: bool


def _connectomes(everyone, acted, imaging: Imaging, rest, expect, choices, ledger) -> _Found:
    """Edges of everybody who has behaviour; of equal ones the first."""
    edges: dict[str, np.ndarray] = {}
    first: dict[bytes, str] = {}
    used: dict[str, RestConnectome] = {}
    for person in everyone:
        if person not in acted:
            ledger.add(person, "", "", "no behaviour in these runs: not in the cohort")
            continue
        found = _connectome(imaging, person, rest, expect, choices, ledger)
        if found.edges is None:
            ledger.add(person, "", "", "behaviour but no usable rest run: not in the cohort")
            continue
        edges_of_person = found.edges.astype(np.float32)
        twin = first.setdefault(edges_of_person.tobytes(), person)
        if twin != person:
            words = f"the same connectome as {twin}: one person under two ids? not in the cohort"
            ledger.add(person, "", "", words)
            continue
        edges[person] = edges_of_person
        used[person] = found
    note_volumes(used, ledger)
    return _Found(edges, imaging.simulated or any(one.simulated for one in used.values()))


def _connectome(
    imaging: Imaging,
    person: str,
    rest: Rest,
    expect: Expect,
    choices: DataConfig,
    ledger: ExclusionLog,
) -> RestConnectome:
    if person not in imaging.matrices:
        paths = imaging.series.get(person, {})
        return person_connectome(paths, rest, expect, participant=person, ledger=ledger)
    files = imaging.matrices[person]
    path = files[0] if len(files) == 1 else files[0].parent
    try:
        path = one_matrix(files)
        found = read_matrix(path, expect, choices.matrices, choices.vector_order)
    except DataError as error:
        ledger.add(person, "", path, error)
        return RestConnectome(None, False)
    if found.missing:
        which = in_short(named(found.missing, expect))
        ledger.add(person, "", path, f"parcels without edges {which}: their edges are set to 0")
    return RestConnectome(found.edges, found.simulated)


def _nobody(root: Path, imaging: Imaging, acted: set[str], choices: DataConfig, ledger) -> str:
    """Why nobody is in the cohort: what imaging there is, and the first file that failed."""
    there = sorted({run for runs in imaging.series.values() for run in runs})
    failed = [e for e in ledger.entries if e.participant in acted and e.file and not _events(e)]
    why = f"; the first: {Path(failed[0].file).name}: {failed[0].reason}" if failed else ""
    return (
        f"{root}: nobody has both behaviour and a connectome of "
        f"{', '.join(choices.rest_runs)}; imaging is of {', '.join(there) or 'matrices alone'}{why}"
    )


def _events(entry) -> bool:
    return entry.file.endswith(("_events.tsv", "participants.tsv"))


def _volumes(run: str, people: Mapping, task_bold: TaskBold) -> int:
    """Length of a run: of its BOLD, or until its last event."""
    scans = task_bold.scans[run]
    if scans:
        return max(len(one.mask) for one in scans.values())
    seconds = behaviour_length_s(run, people)
    return math.ceil(round(seconds / task_bold.repetition_time_s, 6))


def _stack(
    run: str, task: Task, people: Mapping, kept, task_bold: TaskBold, volumes: int, regions: int
) -> Run:
    """One run of everybody kept; people without it are masked."""
    scans = task_bold.scans[run]
    steps = volumes * round(task_bold.repetition_time_s / STEP_S)
    stimulus = np.zeros((len(kept), steps, task.channels + len(task.flags)), np.float32)
    bold = np.zeros((len(kept), volumes, regions), np.float32)
    mask = np.zeros((len(kept), volumes), bool)
    for i, person in enumerate(kept):
        if person in people:
            stimulus[i] = events_to_timeseries(people[person][1], steps, task.flags)
            if person in scans:
                length = len(scans[person].mask)
                bold[i, :length], mask[i, :length] = scans[person].values, scans[person].mask
    trials = stack_trials({person: t for person, (t, _) in people.items()}, kept)
    present = np.array([person in people for person in kept])
    return Run(task, run, trials, stimulus, bold, mask, present)


def below_chance(run: Run) -> np.ndarray:
    """Who answers less often correctly than by pressing at random; [people].

    Accuracy over all trials (an omission is wrong) below 1 / number of buttons.
    """
    trials = run.trials
    hit = np.take_along_axis(trials.possible, trials.correct[..., None], -1)[..., 0]
    share = (hit & trials.present).sum(1) / np.maximum(trials.present.sum(1), 1)
    return run.present & (share < 1 / sum(run.task.available))
