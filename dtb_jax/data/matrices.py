"""Ready-made connectomes: what of a matrix or a vector in a file becomes Fisher-z edges."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.config import ORDERS, VALUES
from dtb_jax.data.imaging import named
from dtb_jax.data.ledger import DataError
from dtb_jax.data.numbers import read_numbers
from dtb_jax.data.parcels import MOST_MISSING, in_short, places_of
from dtb_jax.data.timeseries import READERS, Expect
from dtb_jax.twin.connectome import LARGEST_R, edge_count

LARGEST_Z = float(np.arctanh(LARGEST_R)) + 0.01
"""A larger number, 7.3, is no Fisher z of measured series."""
FOR_ALL = "connectomes.json"
"""Says of all files of the folder what a JSON file beside one says of that one."""


class Matrix(NamedTuple):
    """A connectome as read."""

    edges: np.ndarray  # Fisher z, upper triangle row by row, 0 for missing parcels
    simulated: bool
    missing: tuple[int, ...]  # parcels


def one_matrix(paths: Sequence[Path]) -> Path:
    """The one file of a person.

    Raises: DataError where there are several.
    """
    if len(paths) > 1:
        raise DataError(
            f"{paths[0].parent}: {len(paths)} files of one person "
            f"({in_short([path.name for path in paths])}), expected one; choose by "
            "--config.entities, or remove the others"
        )
    return paths[0]


def read_matrix(path: Path, expect: Expect, values: str = "", order: str = "") -> Matrix:
    """Fisher-z edges of a matrix of correlations or Fisher z, or of a vector of its triangle.

    A unit diagonal says r, an infinite one z. Where the numbers leave it open (a diagonal of 0,
    all within 1) it has to be told, and so has a vector's order: NumPy's upper triangle row by
    row and nilearn's lower one hold the same numbers in another order.

    Args:
        path: .npy, .tsv, .csv, .txt, .h5 or .pconn.nii; names in it decide where parcels stand.
        expect: number and names of parcels.
        values: "r" or "z"; "": what JSON (`EdgeValues`) or the diagonal says.
        order: of a vector, "upper" or "lower"; "": what JSON says (`VectorOrder`).

    Returns: `Matrix`.

    Raises: DataError in one sentence when it is no connectome, or two readings are possible.
    """
    found, names, simulated = _numbers(path, expect)
    said = _said(path)
    values = values or str(said.get("EdgeValues", ""))
    order = order or str(said.get("VectorOrder", ""))
    _check_choice(path, "matrices", values, VALUES)
    _check_choice(path, "vector_order", order, ORDERS)
    if 1 in found.shape or found.ndim == 1:
        square = _from_vector(found.ravel(), expect, order, path)
    else:
        square = _in_order(found, names, expect, path)
    square, missing = _symmetric(square, expect, path)
    return Matrix(_fisher_z(square, values, missing, path), simulated, missing)


def _check_choice(path: Path, name: str, told: str, known: Sequence[str]) -> None:
    if told and told not in known:
        raise DataError(f"{path}: --config.{name}: {told!r}, expected {' or '.join(known)}")


def _numbers(path: Path, expect: Expect) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """What stands in the file, the names of its parcels, and whether it is simulated."""
    try:
        if path.name.endswith(".pconn.nii"):
            from nibabel.cifti2 import Cifti2Image

            image = Cifti2Image.from_filename(path)
            names = tuple(map(str, image.header.get_axis(1).name))
            return np.asanyarray(image.dataobj).astype(float), names, False
        if path.name.removesuffix(".gz").endswith((".tsv", ".csv", ".txt")):
            table = read_numbers(path)
            values, names = table.values, table.columns or table.rows
            if table.columns and table.rows and table.columns != table.rows:
                raise DataError(f"{path}: rows and columns are not named alike")
            return values, names, False
        if path.suffix in (".npy", ".h5", ".hdf5"):
            found = READERS[path.suffix](path, expect)
            return np.array(found.values, float), (), found.simulated
    except DataError:
        raise
    except Exception as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: can not be read as {path.suffix} ({problem})") from error
    raise DataError(
        f"{path}: unknown kind of file, expected .npy, .tsv, .csv, .txt, .h5 or .pconn.nii"
    )


def _said(path: Path) -> dict:
    """What the folder's JSON and that beside the file say; the nearer one holds."""
    said: dict = {}
    for one in (path.parent / FOR_ALL, path.parent / (path.name.split(".")[0] + ".json")):
        try:
            said |= json.loads(one.read_text(encoding="utf-8-sig")) if one.exists() else {}
        except (ValueError, TypeError) as error:
            raise DataError(f"{one}: can not be read as JSON ({error})") from error
    return said


def _from_vector(vector: np.ndarray, expect: Expect, order: str, path: Path) -> np.ndarray:
    """The matrix of a triangle; its diagonal is unknown."""
    if len(vector) != edge_count(expect.parcels):
        raise DataError(
            f"{path}: {len(vector)} numbers, expected the {edge_count(expect.parcels)} edges of "
            f"{expect.parcels} parcels, or a matrix"
        )
    if not order:
        raise DataError(
            f"{path}: a vector of edges, whose order is not told: --config.vector_order=upper "
            "(NumPy's triu_indices) or lower (nilearn's sym_matrix_to_vec)"
        )
    square = np.zeros((expect.parcels, expect.parcels))
    where = np.triu_indices(expect.parcels, 1) if order == "upper" else None
    square[where or np.tril_indices(expect.parcels, -1)] = vector
    square = square + square.T
    np.fill_diagonal(square, np.nan)
    return square


def _in_order(found: np.ndarray, names: Sequence[str], expect: Expect, path: Path) -> np.ndarray:
    """Rows and columns in the table's order; NaN for a parcel that the file has not."""
    rows, columns = found.shape
    if columns == rows + 1 and np.array_equal(np.diff(found[:, 0]), np.ones(rows - 1)):
        found, names = found[:, 1:], names[1:]  # the numbers of the rows
    if names and expect.names and found.shape == (len(names), len(names)):
        place = places_of(names, expect.names, path)
        there = place >= 0
        return np.where(there[:, None] & there, found[np.ix_(place, place)], np.nan)
    if found.shape != (expect.parcels, expect.parcels):
        raise DataError(
            f"{path}: shape {found.shape}, expected {expect.parcels} parcels squared; "
            "another atlas than the one given?"
        )
    return found


def _symmetric(
    square: np.ndarray, expect: Expect, path: Path
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Both triangles, where one may be empty, and which parcels have no edge."""
    square = np.array(square)
    count = len(square)
    upper, lower = np.triu_indices(count, 1), np.tril_indices(count, -1)
    for empty, full in ((upper, lower), (lower, upper)):
        if not np.nan_to_num(square[empty]).any() and np.nan_to_num(square[full]).any():
            square[empty] = square.T[empty]
    off = ~np.eye(count, dtype=bool)
    nothing = np.where(off & np.isfinite(square), square, 0) == 0
    missing = np.flatnonzero((nothing | ~off).all(axis=1))
    if len(missing) == count:
        raise DataError(f"{path}: no number but 0 off the diagonal: no connectome")
    if len(missing) > MOST_MISSING * count:
        raise DataError(
            f"{path}: {len(missing)} of {count} parcels have no edges "
            f"({in_short(named(missing, expect))}), expected at most {MOST_MISSING:.0%}"
        )
    edges = np.where(off, square, 0)
    edges[missing], edges[:, missing] = 0, 0
    if not np.isfinite(edges).all() or not np.allclose(edges, edges.T, atol=1e-5):
        raise DataError(f"{path}: expected a finite symmetric matrix; is it a time series?")
    edges[~off] = np.diag(square)
    return edges, tuple(map(int, missing))


def _fisher_z(square: np.ndarray, values: str, missing: Sequence[int], path: Path) -> np.ndarray:
    """Edges, of r or z as told, as the diagonal says, or as their size leaves no choice.

    Raises: DataError where it is neither, or may be both.
    """
    edges = square[np.triu_indices(len(square), k=1)]
    diagonal = np.delete(np.diag(square), list(missing))
    largest = float(np.abs(edges).max())
    if not values:
        if np.allclose(diagonal, 1, atol=1e-3):
            values = "r"
        elif np.isposinf(diagonal).all() or _is_clipped_z(diagonal, largest):
            values = "z"
        elif not np.allclose(np.nan_to_num(diagonal), 0):
            raise DataError(
                f"{path}: {diagonal.min():.3g} to {diagonal.max():.3g} on the diagonal, expected "
                "1 (correlations) or 0 (Fisher z); are these covariances?"
            )
        elif largest > 1:
            values = "z"
        else:
            raise DataError(
                f"{path}: nothing tells whether these are correlations or Fisher z, all are "
                f"within 1 and the diagonal is not; say --config.matrices=r or z"
            )
    limit = 1 + 1e-5 if values == "r" else LARGEST_Z
    if largest > limit:
        raise DataError(
            f"{path}: values up to {largest:.3g}, expected {values} of at most {limit:.2g}; are "
            "these covariances?"
        )
    return np.arctanh(np.clip(edges, -LARGEST_R, LARGEST_R)) if values == "r" else edges


def _is_clipped_z(diagonal: np.ndarray, largest: float) -> bool:
    """Whether a diagonal is arctanh of 1 as rounding left it: the same everywhere, and large."""
    return bool(np.ptp(diagonal) < 1e-6 and 7 < diagonal[0] < 20 and largest < LARGEST_Z)
