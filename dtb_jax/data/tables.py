"""Tables in BIDS: text split by tabs, names in the first line."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from dtb_jax.data.ledger import DataError


def read_table(path: Path, leave_out: Callable[[str], object] | None = None) -> pd.DataFrame:
    """A TSV file with every cell as text, without blanks around it.

    A quotation mark is a letter like any other, but for a pair of them around a whole cell. Lines
    and last columns without content, and columns without a name, are not read.

    Args:
        path: UTF-8, with or without a byte order mark; lines may end as anywhere.
        leave_out: is told of each row with too many or too few cells, which then is not read; None:
            such a row is an error.

    Returns: the cells; the index is the place of each row below the header, from 0.

    Raises: DataError when the file is not there, not UTF-8, empty, has a name twice in its header,
        or a row of another length.
    """
    header, *lines = _text(path).split("\n")
    names = [cell.strip() for cell in header.rstrip("\t").split("\t")]
    names = [_unquoted(name) for name in names]
    if not any(names):
        raise DataError(f"{path}: the file is empty, expected a header line")
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise DataError(f"{path}: column {twice!r} is there twice, expected each name once")
    rows: dict[int, list[str]] = {}
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        cells = _cells(line, len(names))
        if len(cells) == len(names):
            rows[number] = [_unquoted(cell.strip()) for cell in cells]
            continue
        said = f"line {number + 2}: found {len(cells)} cells, expected {len(names)}"
        if leave_out is None:
            raise DataError(f"{path}: {said}; is a tab missing or one too many?")
        leave_out(said)
    table = pd.DataFrame(list(rows.values()), columns=names, index=list(rows), dtype=str)
    return table[[name for name in names if name]]


def folded(name: str) -> str:
    """What names that differ only by blanks or case have in common."""
    return " ".join(name.split()).casefold()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{path}: can not be opened ({error.strerror}); was its content downloaded?"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text (byte {error.object[error.start]:#x}); "
            "was the file saved in another encoding?"
        ) from error


def _cells(line: str, width: int) -> list[str]:
    """Cells of a line, less empty ones beyond the width; quoted tabs only where that fits."""
    cells = line.split("\t")
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    quoted: Iterator[list[str]] = csv.reader([line], delimiter="\t")
    if len(cells) > width and len(inside := next(quoted)) == width:
        return inside
    return cells


def _unquoted(cell: str) -> str:
    inside = cell[1:-1]
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inside
    return inside.strip() if whole else cell
