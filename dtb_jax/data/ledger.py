"""Who was left out of what, and why: nobody vanishes without a line."""

import csv
from pathlib import Path
from typing import NamedTuple

from dtb_jax.types import DataError as DataError


class Entry(NamedTuple):
    """One line of `exclusions.tsv`."""

    participant: str
    run: str
    file: str
    reason: str


class ExclusionLog:
    """The list of all that was left out while reading.

    `facts` are about the whole folder: `repetition_time`, where it was read; `parcels_by_name`, how
    many parcels of each rest series were matched by name (not there: they were taken in order).
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.facts: dict[str, str] = {}

    def add(self, participant: str, run: str, file: Path | str, reason: object) -> None:
        """Note one exclusion in one line, which names the file once."""
        said = " ".join(str(reason).removeprefix(f"{file}: ").split())
        self.entries.append(Entry(participant, run, str(file), said))

    def write(self, path: Path) -> None:
        """Write all lines as TSV."""
        with Path(path).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
            writer.writerow(Entry._fields)
            writer.writerows(self.entries)
