"""Parcel time series in every form a lab has them; one reader a form, chosen by file suffix."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.beside import LEAST_COVERAGE, at_their_places, coverage
from dtb_jax.data.files import TCP_SUFFIX
from dtb_jax.data.ledger import DataError
from dtb_jax.data.numbers import read_numbers
from dtb_jax.data.parcels import MOST_MISSING, places_of


class Series(NamedTuple):
    """One run of one person; NaN where a volume or a parcel is missing."""

    values: np.ndarray  # [volume, parcel], float64
    simulated: bool = False
    names: tuple[str, ...] = ()  # of the columns, where the file has them
    repetition_time_s: float | None = None  # of the file's header
    absent: tuple[int, ...] = ()  # parcels of the table that the file has not
    uncovered: tuple[int, ...] = ()  # parcels of which less than half held data

    def present(self) -> np.ndarray:
        """Volumes that are there, [volume]."""
        return np.isfinite(self.values).any(axis=1)


class Expect(NamedTuple):
    """What a file should hold, where the file itself leaves it open."""

    parcels: int
    dataset: str = ""  # HDF5: which dataset, if there are several
    atlas_image: str = ""  # dlabel for dtseries, label volume for NIfTI
    names: tuple[str, ...] = ()  # of the parcels, in the table's order
    labels: tuple[int, ...] = ()  # of the parcels in a label volume


def read_series(path: Path, expect: Expect) -> Series:
    """Read one file as [volume, parcel], parcels in the table's order, volumes at their places.

    Where a file names its parcels, names decide and their order does not. Censored volumes are
    put back as NaN where a table beside the file says which they are (`beside`).

    Args:
        path: .h5, .npy, .tsv, .csv, .txt (plain or .gz), .ptseries.nii, .dtseries.nii, .nii,
            .nii.gz.
        expect: number and names of parcels and how to settle what is ambiguous.

    Returns: `Series`.

    Raises: DataError in one sentence when the file can not be understood.
    """
    for suffix, reader in READERS.items():
        if path.name.endswith(suffix):
            found = _in_order(_read(reader, path, expect, suffix), expect, path)
            values = at_their_places(found.values, path)
            uncovered = _uncovered(path, expect) | set(found.uncovered)
            values[:, sorted(uncovered)] = np.nan
            _check_missing(values, path)
            return found._replace(values=values, uncovered=tuple(sorted(uncovered)))
    raise DataError(f"{path}: unknown kind of file, expected one of {', '.join(READERS)}")


def _read(reader: Callable, path: Path, expect: Expect, suffix: str) -> Series:
    try:
        return reader(path, expect)
    except DataError:
        raise
    except Exception as error:
        problem = " ".join(str(error).split())
        raise DataError(f"{path}: can not be read as {suffix} ({problem})") from error


def _in_order(found: Series, expect: Expect, path: Path) -> Series:
    """Parcels in the table's order, by name where the file has names, else by their number."""
    values = np.asarray(found.values, np.float64)
    if values.ndim == 2 and found.names and expect.names:
        place = places_of(found.names, expect.names, path)
        ordered = np.where(place >= 0, values[:, place], np.nan)
        return found._replace(values=ordered, absent=tuple(np.flatnonzero(place < 0).tolist()))
    if values.ndim == 2 and values.shape[1] == expect.parcels + 1 and _counts_up(values[:, 0]):
        values = values[:, 1:]
    if values.ndim != 2 or expect.parcels not in values.shape:
        raise DataError(
            f"{path}: shape {values.shape}, expected one axis of {expect.parcels} parcels; "
            "another atlas than the one given?"
        )
    square = values.shape[0] == values.shape[1]
    if values.shape[1] != expect.parcels or (square and path.name.endswith(TCP_SUFFIX)):
        values = values.T
    elif square and path.suffix in (".npy", ".h5", ".hdf5"):
        raise DataError(
            f"{path}: as many volumes as parcels, {expect.parcels}: which axis is which can not "
            "be told; expected a form that says it, such as TSV, a row a volume"
        )
    return found._replace(values=np.array(values))


def _counts_up(column: np.ndarray) -> bool:
    """Whether a column is the volumes' number or time, and no parcel."""
    steps = np.diff(column)
    return len(steps) > 1 and bool(steps[0] > 0) and bool(np.allclose(steps, steps[0]))


def _uncovered(path: Path, expect: Expect) -> set[int]:
    shares = coverage(path)
    return {k for k, name in enumerate(expect.names) if shares.get(name, 1.0) < LEAST_COVERAGE}


def _check_missing(values: np.ndarray, path: Path) -> None:
    """Whole volumes and whole parcels may be missing, single numbers may not.

    Raises: DataError.
    """
    known = np.isfinite(values)
    if not known.any():
        raise DataError(f"{path}: no number in it")
    if np.isinf(values).any():
        raise DataError(f"{path}: infinite values in {int(np.isinf(values).any(0).sum())} parcels")
    bad = ~known[known.any(axis=1)][:, known.any(axis=0)]
    if bad.any():
        raise DataError(
            f"{path}: NaN or infinite values in {int(bad.any(axis=0).sum())} of "
            f"{values.shape[1]} parcels"
        )


def _hdf5(path: Path, expect: Expect) -> Series:
    import h5py

    with h5py.File(path) as file:
        found: dict[str, h5py.Dataset] = {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and item.ndim in (1, 2) and item.dtype.kind == "f":
                found[name] = item

        file.visititems(visit)
        matrices = {name: item for name, item in found.items() if item.ndim == 2}
        found = matrices or found
        if expect.dataset:
            found = {name: item for name, item in found.items() if name == expect.dataset}
        if len(found) != 1:
            there = ", ".join(found) or "none"
            raise DataError(
                f"{path}: {len(found)} two-dimensional float datasets ({there}), expected one; "
                "name it with --config.dataset"
            )
        (item,) = found.values()
        said = {**file.attrs, **item.attrs}
        known = ("repetition_time_s", "repetition_time", "RepetitionTime", "TR", "tr")
        seconds = next((float(np.squeeze(said[name])) for name in known if name in said), None)
        simulated = bool(file.attrs.get("simulated", False))
        return Series(item[()], simulated, repetition_time_s=seconds)


def _npy(path: Path, expect: Expect) -> Series:
    del expect
    return Series(np.load(path, allow_pickle=False))


def _text(path: Path, expect: Expect) -> Series:
    """A row a volume; or, where text in the first column names the parcels, a row a parcel."""
    table = read_numbers(path)
    if table.rows and (not table.columns or set(table.rows) & set(expect.names)):
        return Series(table.values.T, names=table.rows)
    return Series(table.values, names=table.columns)


def _ptseries(path: Path, expect: Expect) -> Series:
    from nibabel.cifti2 import Cifti2Image

    del expect
    image = Cifti2Image.from_filename(path)
    names = tuple(map(str, image.header.get_axis(1).name))
    return Series(np.asanyarray(image.dataobj), names=names, repetition_time_s=_cifti_time(image))


def _cifti_time(image) -> float | None:
    axis = image.header.get_axis(0)
    return float(axis.step) if getattr(axis, "unit", "") == "SECOND" else None


def _dtseries(path: Path, expect: Expect) -> Series:
    """Mean over each label's grayordinates that hold data, matched through brain models."""
    from nibabel.cifti2 import Cifti2Image

    if not expect.atlas_image:
        raise DataError(f"{path}: a dtseries needs a .dlabel.nii, give --config.atlas_image")
    image = Cifti2Image.from_filename(path)
    labels = Cifti2Image.from_filename(expect.atlas_image)
    values = np.asanyarray(image.dataobj)
    code = {}
    label_axis = labels.header.get_axis(1)
    label_values = np.asanyarray(labels.dataobj)[0]
    for name, span, model in label_axis.iter_structures():
        code[name] = _by_position(model, label_values[span])
    assigned = np.zeros(values.shape[1], int)
    for name, span, model in image.header.get_axis(1).iter_structures():
        known = code.get(name, {})
        assigned[span] = [known.get(key, 0) for key in _positions(model)]
    table = labels.header.get_axis(0).label[0]
    keys = sorted(key for key in table if key != 0 and (label_values == key).any())
    held = np.isfinite(values).all(axis=0) & (values.std(axis=0) > 0)
    share = [(held & (assigned == key)).sum() / (label_values == key).sum() for key in keys]
    empty = [key for key, part in zip(keys, share, strict=True) if part == 0]
    if len(empty) > MOST_MISSING * len(keys):
        raise DataError(
            f"{path}: {len(empty)} of {len(keys)} labels of {expect.atlas_image} cover no "
            "grayordinate of this file; are both on the same surface?"
        )
    names = tuple(str(table[key][0]) for key in keys)
    columns = [
        values[:, held & (assigned == key)].mean(axis=1)
        if part >= LEAST_COVERAGE
        else np.full(len(values), np.nan)
        for key, part in zip(keys, share, strict=True)
    ]
    place = {name: k for k, name in enumerate(expect.names or names)}
    low = [name for name, part in zip(names, share, strict=True) if part < LEAST_COVERAGE]
    return Series(
        np.stack(columns, 1),
        names=names,
        repetition_time_s=_cifti_time(image),
        uncovered=tuple(place[name] for name in low if name in place),
    )


def _positions(model) -> list:
    if model.volume_shape is None or (model.vertex >= 0).any():
        return [int(vertex) for vertex in model.vertex]
    return [tuple(map(int, voxel)) for voxel in model.voxel]


def _by_position(model, values) -> dict:
    return dict(zip(_positions(model), (int(value) for value in values), strict=True))


def _nifti(path: Path, expect: Expect) -> Series:
    """Mean over each label's voxels; labels are named by column index of the table, if it fits."""
    if not expect.atlas_image:
        raise DataError(f"{path}: a NIfTI series needs an atlas image, give --config.atlas_image")
    try:
        from nilearn.maskers import NiftiLabelsMasker
    except ImportError as error:
        raise DataError(f"{path}: reading NIfTI needs nilearn: pip install nilearn") from error
    import nibabel

    masker = NiftiLabelsMasker(expect.atlas_image, standardize=None)
    values = masker.fit_transform(str(path))
    label = [int(masker.region_ids_[k]) for k in range(values.shape[1])]
    name = dict(zip(expect.labels, expect.names, strict=False))
    names = tuple(name[k] for k in label) if set(label) <= set(name) else ()
    header = nibabel.Nifti1Image.from_filename(path).header
    factor = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}.get(header.get_xyzt_units()[1])
    seconds = None if factor is None else float(header.get_zooms()[3]) * factor
    return Series(values, names=names, repetition_time_s=seconds)


READERS: dict[str, Callable[[Path, Expect], Series]] = {
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npy": _npy,
    ".tsv": _text,
    ".csv": _text,
    ".txt": _text,
    ".tsv.gz": _text,
    ".csv.gz": _text,
    ".ptseries.nii": _ptseries,
    ".dtseries.nii": _dtseries,
    ".nii.gz": _nifti,
    ".nii": _nifti,
}
