"""Phenotype tables: every clinical measure of every person, and what each is called."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data.bids import MISSING, bare_id
from dtb_jax.data.ledger import DataError, ExclusionLog

FEWEST = 20
"""People with a number, for a column to count as a measure."""
ID_COLUMNS = ("subjectkey", "participant_id")
DEFINITIONS = "_definitions.tsv"
LONGEST = 50
"""Lines that one quoted cell may fill."""

# Of the person, the visit or the form rather than of what was measured; qc_ columns count items.
BOOKKEEPING = re.compile(
    r"age|sex|gender|site|visit|week|day|session|block_number|comments?|version"
    r"|interview_.*|.*_(id|date|comments?)|qc_.*|.*_num_items|(.*_)?(time_click_count|tot_timing)"
)
# NDA's definitions say it in Notes, as in "0 = never; 77 = Refused; 999 = Missing".
SAID_MISSING = re.compile(
    r"(?<![\d.-])(-?\d+) *= *(?:missing|blank|left blank|refuse|prefer not|no answer|not answered"
    r"|no data|no information|unknown|(?:legitimately |condition )?skipped|not applicable"
    r"|not available|not known|not done|does not apply|don't know|do not know|do not wish"
    r"|(?:nan|n/?a|nk|dk)\b)",
    re.IGNORECASE,
)


class Rows(NamedTuple):
    """The whole rows of one table: of whom they are, and a cell of text a column."""

    people: list[str]
    cells: pd.DataFrame


def read_phenotype(root: Path, participants: Sequence[str], ledger: ExclusionLog) -> pd.DataFrame:
    """Every numeric measure of every table `root`/phenotype/*.tsv.

    A measure is a column, other than `BOOKKEEPING`, whose filled cells are mostly numbers, with
    numbers of at least `FEWEST` of these people and more than one value. Missing are blanks, n/a,
    999 and -999, and what the table's definitions call so.

    Args:
        root: folder that holds phenotype/.
        participants: as in participants.tsv; sub-NDARINVX is found as NDAR_INVX too.
        ledger: lines for tables that can not be read, broken rows, people with several rows (the
            first serves) and text in place of numbers.

    Returns: a row a participant in the order given, columns "table: measure" in lower case, NaN
        where missing; no columns without tables.
    """
    known = {bare_id(person): person for person in participants}
    measures: dict[str, np.ndarray] = {}
    for path in _tables(root):
        try:
            rows = _rows_of(path, known, ledger)
            codes = _missing_codes(path.with_name(path.stem + DEFINITIONS))
        except DataError as error:
            ledger.add("all", "", path, f"{error}: the table is left out")
            continue
        first = _first_rows(rows, path, ledger).reindex(participants)
        for name in first.columns:
            if BOOKKEEPING.fullmatch(name):
                continue
            numbers, strange = _numbers(first[name], codes.get(name, ()))
            found = numbers[np.isfinite(numbers)]
            if len(found) < max(FEWEST, len(strange) + 1) or np.ptp(found) == 0:
                continue
            if strange:
                said = f"{len(strange)} cells such as {strange[0][:40]!r}, expected numbers"
                ledger.add("all", "", path, f"column {name}: {said}: missing")
            measures[f"{path.stem.lower()}: {name}"] = numbers
    return pd.DataFrame(measures, index=pd.Index(participants, name="participant_id"), dtype=float)


def measure_labels(root: Path) -> dict[str, str]:
    """What `root`/phenotype/*_definitions.tsv say of each column "table: measure".

    Raises: DataError when a file can not be read.
    """
    return {
        f"{path.name.removesuffix(DEFINITIONS).lower()}: {name}": " ".join(label.split())
        for path in sorted((root / "phenotype").glob("*" + DEFINITIONS))
        for name, label in _definitions(path, "elementdescription").items()
        if label.strip()
    }


def _tables(root: Path) -> list[Path]:
    paths = sorted((root / "phenotype").glob("*.tsv"))
    return [path for path in paths if not path.name.endswith(DEFINITIONS)]


def _read(path: Path) -> tuple[list[str], list[str]]:
    """The header in lower case, and the lines below it as they are."""
    try:
        # ids and numbers are ASCII; comments were typed in whatever encoding
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(
            f"{path}: can not be opened ({error.strerror}); was its content downloaded?"
        ) from error
    header, *lines = text.split("\n")
    return [name.strip(' "').lower() for name in header.split("\t")], lines


def _records(lines: Sequence[str], width: int) -> Iterator[tuple[int, list[str]]]:
    """Each row's line in the file and its cells.

    Quotes may hold tabs and line ends, but only where that gives `width` cells: some were typed
    and never closed.
    """
    done = 0
    for k, line in enumerate(lines):
        if k < done or not line.strip():
            continue
        plain, quoted = line.split("\t"), []
        ahead = (text + "\n" for text in lines[k : k + LONGEST])
        reader = csv.reader(ahead, delimiter="\t", strict=True)
        with suppress(csv.Error):
            quoted = next(reader)
        fits = len(quoted) == width and (reader.line_num == 1 or len(plain) != width)
        done = k + (reader.line_num if fits else 1)
        yield k + 2, [cell.strip(' "') for cell in (quoted if fits else plain)]


def _rows_of(path: Path, known: Mapping[str, str], ledger: ExclusionLog) -> Rows:
    """The rows of known people.

    Raises: DataError when the file can not be opened, has no column of ids or nobody known.
    """
    header, lines = _read(path)
    place = next((header.index(name) for name in ID_COLUMNS if name in header), None)
    if place is None:
        found = ", ".join(name[:40] for name in header[:5])
        raise DataError(
            f"{path}: no column of ids, expected {' or '.join(ID_COLUMNS)}, found {found!r}"
        )
    people, kept, last = [], [], ""
    for number, cells in _records(lines, len(header)):
        last = cells[place] if place < len(cells) else ""
        person = known.get(bare_id(last))
        if len(cells) != len(header):
            said = f"line {number}: found {len(cells)} cells, expected {len(header)}: left out"
            ledger.add(person or "all", "", path, said)
        elif person is not None:
            people.append(person)
            kept.append(cells)
    if not people:
        raise DataError(
            f"{path}: none of these people, found {last[:40]!r} in the last row, "
            "expected ids as in participants.tsv"
        )
    table = pd.DataFrame(kept, columns=header, dtype=object)
    return Rows(people, table.loc[:, ~table.columns.duplicated()])


def _first_rows(rows: Rows, path: Path, ledger: ExclusionLog) -> pd.DataFrame:
    table = rows.cells.set_index(pd.Index(rows.people))
    again = table.index[table.index.duplicated()].unique()
    if len(again):
        said = f"{len(again)} people such as {again[0]} in several rows: the first is used"
        ledger.add("all", "", path, said)
    return table[~table.index.duplicated()]


def _numbers(column: pd.Series, codes: Sequence[float]) -> tuple[np.ndarray, list[str]]:
    """Numbers, NaN where missing, and the filled cells that are none."""
    filled = column[column.notna() & ~column.isin(MISSING)]
    numbers = pd.to_numeric(filled, errors="coerce").astype(float)
    usable = np.isfinite(numbers)
    kept = numbers[usable & ~numbers.isin([999, -999, *codes])]
    return kept.reindex(column.index).to_numpy(), list(filled[~usable])


def _missing_codes(path: Path) -> dict[str, list[float]]:
    """Of each column, the numbers that mean missing."""
    notes = _definitions(path, "notes")
    return {name: [float(code) for code in SAID_MISSING.findall(n)] for name, n in notes.items()}


def _definitions(path: Path, field: str) -> dict[str, str]:
    """One field of each column's definition; nothing without such a file or field."""
    if not path.exists():
        return {}
    header, lines = _read(path)
    if "elementname" not in header or field not in header:
        return {}
    rows = [cells for _, cells in _records(lines, len(header)) if len(cells) == len(header)]
    name, place = header.index("elementname"), header.index(field)
    return {row[name].lower(): row[place] for row in rows}
