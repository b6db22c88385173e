"""A study of a few people with a task of their own, in the layout of BIDS and XCP-D."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

PARCELS, TR, VOLUMES, TRIALS = 16, 0.8, 100, 18
TASK = """name: {name}
bids_name: {name}
actions: [{actions}]
conditions: {{column: trial_type, levels: [congruent, incongruent]}}
contrast: [incongruent, congruent]
window_s: 1.6
response_time: response_time
response: response
correct: correct_response
"""
HEADER = "onset\tduration\ttrial_type\tresponse_time\tresponse\tcorrect_response"
Row = Sequence[str]


def people(count: int, first: int = 1) -> list[str]:
    """Names in BIDS."""
    return [f"sub-{k:02d}" for k in range(first, first + count)]


def trials(person: str, count: int = TRIALS, actions: Sequence[str] = ("left", "right")):
    """A trial every four seconds, answered correctly after about half a second."""
    rng = np.random.default_rng([*person.encode()])
    rows = []
    for k in range(count):
        press = actions[rng.integers(len(actions))]
        kind = ("congruent", "incongruent")[k % 2]
        rows.append([f"{4 + 4 * k}", "1.6", kind, f"{0.4 + 0.2 * rng.random():.3f}", press, press])
    return rows


def write_task(
    root: Path,
    names: Sequence[str],
    events: Callable[[str], list[Row]] = trials,
    name: str = "flanker",
    actions: Sequence[str] = ("left", "right"),
) -> Path:
    """Everybody's events of one run, and the task's file; returns the file."""
    for person in names:
        path = root / person / "func" / f"{person}_task-{name}_run-01_events.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *("\t".join(row) for row in events(person))]) + "\n")
    file = root / f"{name}.yaml"
    file.write_text(TASK.format(name=name, actions=", ".join(actions)))
    return file


def write_imaging(root: Path, names: Sequence[str], tasks: Mapping[str, int]) -> None:
    """Parcel time series of these runs (volumes by name), and the tables of parcels and regions."""
    parcels = [f"p{k:02d}" for k in range(PARCELS)]
    (root / "atlas.tsv").write_text("\n".join(["index\tname", *enumerate_rows(parcels)]) + "\n")
    (root / "regions.tsv").write_text("region\tparcel\nR_amygdala\tp05\nR_visual\tp01\n")
    for person in names:
        mix = np.random.default_rng([*person.encode()]).normal(size=(PARCELS, PARCELS))
        for task, volumes in tasks.items():
            rng = np.random.default_rng([volumes, *person.encode()])
            series = rng.normal(size=(volumes, PARCELS)) @ (np.eye(PARCELS) + 0.4 * mix)
            stem = f"{person}_task-{task}_run-01_seg-Tiny_stat-mean_timeseries.tsv"
            path = root / "xcp_d" / person / "func" / stem
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = ["\t".join(f"{x:.5f}" for x in row) for row in series]
            path.write_text("\n".join(["\t".join(parcels), *rows]) + "\n")


def enumerate_rows(names: Sequence[str]) -> list[str]:
    """Rows of an atlas, from 1."""
    return [f"{k}\t{name}" for k, name in enumerate(names, 1)]


def write_people(root: Path, names: Sequence[str]) -> None:
    """participants.tsv."""
    rows = [f"{p}\t{20 + k}\t{'FM'[k % 2]}\tA\t{0.1 + k / 100:.2f}" for k, p in enumerate(names)]
    (root / "participants.tsv").write_text(
        "\n".join(["participant_id\tage\tsex\tsite\tmotion_mm", *rows]) + "\n"
    )


def write_tiny(
    root: Path, names: Sequence[str], events=trials, *, bold: bool = True, **task
) -> Path:
    """All of it, with rest and, where wanted, BOLD of the task; returns the root."""
    root.mkdir(parents=True, exist_ok=True)
    write_people(root, names)
    write_imaging(root, names, {"rest": 120} | ({"flanker": VOLUMES} if bold else {}))
    write_task(root, names, events, **task)
    return root


def reading(root: Path, *tasks: str) -> list[str]:
    """Options with which such a folder is read."""
    return [
        *(f"--tasks={root / name}.yaml" for name in tasks or ("flanker",)),
        f"--atlas={root / 'atlas.tsv'}",
        f"--regions={root / 'regions.tsv'}",
        f"--derivatives={root / 'xcp_d'}",
        "--rest-runs=rest_run-01",
    ]
