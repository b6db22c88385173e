"""Numbers in a text table, whatever names stand above and beside them."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data.ledger import DataError
from dtb_jax.data.tasks.spec import MISSING


class Numbers(NamedTuple):
    """A table's numbers and the names of its columns and rows; none where it has none."""

    values: np.ndarray  # [row, column], float64; NaN for n/a and empty cells
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


def read_numbers(path: Path) -> Numbers:
    """A TSV, CSV or TXT file of numbers.

    The first row is a header where it holds text, or counts the columns from 0 or 1; with n/a
    among numbers it is data. A first column of text names the rows; one that counts them stays.

    Raises: DataError where the file is empty, or text stands among the numbers.
    """
    cells = _cells(path)
    if not cells.size:
        raise DataError(f"{path}: the file is empty, expected numbers")
    named = cells.shape[1] > 1 and bool(_is_text(cells[1:, 0]).all()) and len(cells) > 1
    header = list(cells[0, 1:] if named else cells[0])
    has_header = bool(_is_text(np.array(header, object)).any()) or _counts(header)
    columns = tuple(map(_name, header)) if has_header else ()
    cells = cells[1:] if has_header else cells
    if not len(cells):
        raise DataError(f"{path}: a header but no numbers")
    rows = tuple(map(_name, cells[:, 0])) if named else ()
    cells = cells[:, 1:] if named else cells
    text = np.argwhere(_is_text(cells))
    if len(text):
        row, column = text[0]
        line, place = row + 1 + bool(columns), column + 1 + bool(rows)
        raise DataError(
            f"{path}: row {line}, column {place}: found {cells[row, column]!r}, expected a number"
        )
    return Numbers(_as_numbers(cells), () if _counts(columns) else columns, rows)


def _cells(path: Path) -> np.ndarray:
    """Every cell as text without blanks around it; the table is as wide as its header.

    Raises: DataError where rows have different lengths.
    """
    rows = [row for row in _rows(path) if row not in ([], [""])]
    if not rows:
        return np.zeros((0, 0), object)
    if rows[0][0] == "#":  # np.savetxt marks its header so
        del rows[0][0]
    if all(len(row) > len(rows[0]) and not row[-1] for row in rows[1:]):  # tabs that end lines
        rows = [rows[0], *(row[:-1] for row in rows[1:])]
    if len(rows) > 1 and all(len(row) == len(rows[0]) + 1 for row in rows[1:]):
        rows[0].insert(0, "")  # R leaves out the heading of row names
    has_names = bool(_is_text(np.array(rows[0], object)).any())
    if has_names and all(not row[-1] for row in rows):  # without names it may be a parcel
        rows = [row[:-1] for row in rows]
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{path}: row {number + 1} has {len(row)} columns, expected {len(rows[0])} as in "
                "the first"
            )
    return np.array(rows, object)


def _rows(path: Path) -> list[list[str]]:
    separator = {".tsv": "\t", ".csv": ","}.get(Path(path.name.removesuffix(".gz")).suffix)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as handle:
        if separator is None:
            return [line.split() for line in handle]
        return [[cell.strip() for cell in row] for row in csv.reader(handle, delimiter=separator)]


def _as_numbers(cells: np.ndarray) -> np.ndarray:
    flat = pd.Series(cells.ravel(), dtype=object)
    return pd.to_numeric(flat, errors="coerce").to_numpy(float).reshape(cells.shape)


def _is_text(cells: np.ndarray) -> np.ndarray:
    return np.isnan(_as_numbers(cells)) & ~np.isin(cells.astype(str), MISSING)


def _counts(names: Sequence[str]) -> bool:
    """Whether names only number the columns: 0, 1, ... or 1, 2, ..., or R's V1, X1."""
    names = list(names[1:] if len(names) and not names[0] else names)
    bare = [name[1:] if name[:1] in ("V", "X") else name for name in names]
    numbers = _as_numbers(np.array(bare, object))
    count = np.arange(len(names))
    return len(names) > 1 and any(np.array_equal(numbers, count + first) for first in (0, 1))


def _name(cell: str) -> str:
    return cell.removeprefix("#").strip()
