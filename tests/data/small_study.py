"""A BIDS folder of a few people with one task and XCP-D's tables, to change file by file."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dtb_jax.data import DataConfig, ExclusionLog, read_cohort
from dtb_jax.types import Cohort

PARCELS = 12
NAMES = [f"net{k // 4}_parcel{'abcdefghijkl'[k]}" for k in range(PARCELS)]
REST, TASK = 90, 60
TR = 0.8
PEOPLE = [f"sub-{i:02d}" for i in range(1, 6)]
YAML = """name: flanker
bids_name: flanker
actions: [left, right]
conditions: {column: trial_type, levels: [congruent, incongruent]}
contrast: [incongruent, congruent]
window_s: 1.2
response_time: response_time
response: response
correct: correct_response
"""


def values_of(i: int, volumes: int) -> np.ndarray:
    """Series of a person, [volume, parcel]; another seed a run."""
    rng = np.random.default_rng(100 * i + volumes)
    return rng.normal(size=(volumes, PARCELS)) @ (
        np.eye(PARCELS) + 0.3 * rng.normal(size=(PARCELS, PARCELS))
    )


class Study:
    """Writes files below a folder and reads them as a cohort."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "out"
        root.mkdir(exist_ok=True)
        (root / "task.yaml").write_text(YAML)
        rows = [f"{k + 1}\t{name}" for k, name in enumerate(NAMES)]
        (root / "atlas.tsv").write_text("\n".join(["index\tname", *rows]) + "\n")
        (root / "regions.tsv").write_text(f"region\tparcel\nR_amygdala\t{NAMES[3]}\n")
        (root / "participants.tsv").write_text(
            "participant_id\tage\tmean_fd\n" + "".join(f"{p}\t30\t0.1\n" for p in PEOPLE)
        )
        for i, person in enumerate(PEOPLE):
            self.events(person, i)
            self.series(person, "rest", values_of(i, REST))
            self.series(person, "flanker", values_of(i, TASK))

    def events(self, person: str, i: int, clock: Callable[[float], float] = lambda s: s) -> Path:
        """Ten trials, one every 4 s from 2 s on."""
        rng = np.random.default_rng(i)
        rows = ["onset\tduration\ttrial_type\tresponse_time\tresponse\tcorrect_response"]
        for k in range(10):
            kind, button = ("congruent", "incongruent")[k % 2], ("left", "right")[rng.integers(2)]
            time = 0.4 + 0.3 * rng.random()
            rows.append(f"{clock(2 + 4 * k):g}\t1\t{kind}\t{time:.3f}\t{button}\t{button}")
        path = self.root / person / "func" / f"{person}_task-flanker_run-01_events.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows) + "\n")
        return path

    def path(self, person: str, task: str, more: str = "", ending: str = "timeseries.tsv") -> Path:
        """Where a series of a person lies."""
        return self.out / person / "func" / f"{person}_task-{task}_run-01_{more}seg-T_{ending}"

    def series(
        self, person: str, task: str, values: np.ndarray, names: Sequence[str] | None = NAMES
    ) -> Path:
        """Write one as a table, with a header or without."""
        path = self.path(person, task)
        write_table(path, values, names)
        return path

    def say(self, person: str, task: str, **fields: object) -> None:
        """Write the JSON beside a series."""
        self.path(person, task).with_suffix(".json").write_text(json.dumps(fields))

    def read(self, **more) -> tuple[Cohort, ExclusionLog]:
        given = {
            "tasks": (str(self.root / "task.yaml"),),
            "runs": (),
            "rest_runs": ("rest_run-01",),
            "regions": str(self.root / "regions.tsv"),
            "atlas": str(self.root / "atlas.tsv"),
        }
        return read_cohort(self.root, DataConfig(**(given | more)))


def write_table(path: Path, values: np.ndarray, names: Sequence[str] | None = None) -> None:
    """Tab-separated, n/a for NaN."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ["\t".join("n/a" if np.isnan(x) else repr(float(x)) for x in row) for row in values]
    path.write_text("\n".join((["\t".join(names)] if names is not None else []) + rows) + "\n")


def said_of(ledger: ExclusionLog, person: str) -> str:
    """All that is said of a person, in one text."""
    return "; ".join(e.reason for e in ledger.entries if e.participant == person)
