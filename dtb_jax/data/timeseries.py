"""Parcel time series in every form a lab has them; one reader a form, chosen by file suffix."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dtb_jax.data.ledger import DataError


class Series(NamedTuple):
    """One run of one person."""

    values: np.ndarray  # [volume, parcel], float64
    simulated: bool


class Expect(NamedTuple):
    """What a file should hold, where the file itself leaves it open."""

    parcels: int
    dataset: str = ""  # HDF5: which dataset, if there are several
    atlas_image: str = ""  # dlabel for dtseries, label volume for NIfTI


def read_series(path: Path, expect: Expect) -> Series:
    """Read one file and orient it as [volume, parcel].

    Args:
        path: .h5, .npy, .tsv, .csv (plain or .gz), .ptseries.nii, .dtseries.nii, .nii, .nii.gz.
        expect: number of parcels and how to settle what is ambiguous.

    Returns: `Series`.

    Raises: DataError in one sentence when the file can not be understood.
    """
    for suffix, reader in READERS.items():
        if path.name.endswith(suffix):
            try:
                found = reader(path, expect)
            except DataError:
                raise
            except Exception as error:
                problem = " ".join(str(error).split())
                raise DataError(f"{path}: can not be read as {suffix} ({problem})") from error
            return found._replace(values=_orient(found.values, expect.parcels, path))
    raise DataError(f"{path}: unknown kind of file, expected one of {', '.join(READERS)}")


def _orient(values: np.ndarray, parcels: int, path: Path) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or parcels not in values.shape:
        raise DataError(
            f"{path}: shape {values.shape}, expected one axis of {parcels} parcels; "
            "another atlas than the one given?"
        )
    if values.shape[1] != parcels:
        values = values.T
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=0).sum())
        raise DataError(f"{path}: NaN or infinite values in {bad} of {parcels} parcels")
    return values


def _hdf5(path: Path, expect: Expect) -> Series:
    import h5py

    with h5py.File(path) as file:
        found: dict[str, h5py.Dataset] = {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind == "f":
                found[name] = item

        file.visititems(visit)
        if expect.dataset:
            found = {name: item for name, item in found.items() if name == expect.dataset}
        if len(found) != 1:
            names = ", ".join(found) or "none"
            raise DataError(
                f"{path}: {len(found)} two-dimensional float datasets ({names}), expected one; "
                "name it with --config.dataset"
            )
        (item,) = found.values()
        return Series(item[()], bool(file.attrs.get("simulated", False)))


def _npy(path: Path, expect: Expect) -> Series:
    del expect
    return Series(np.load(path, allow_pickle=False), False)


def _text(path: Path, expect: Expect) -> Series:
    import pandas as pd

    separator = "\t" if ".tsv" in path.name else ","
    table = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False)
    numbers = table.apply(lambda column: pd.to_numeric(column, errors="coerce"))
    if numbers.iloc[0].isna().any() and not numbers.iloc[1:].isna().to_numpy().all():
        numbers, table = numbers.iloc[1:], table.iloc[1:]
    if numbers.shape[1] == expect.parcels + 1:  # a first column that counts the volumes
        numbers = numbers.iloc[:, 1:]
    return Series(numbers.to_numpy(float), False)


def _ptseries(path: Path, expect: Expect) -> Series:
    from nibabel.cifti2 import Cifti2Image

    del expect
    return Series(np.asanyarray(Cifti2Image.from_filename(path).dataobj), False)


def _dtseries(path: Path, expect: Expect) -> Series:
    """Mean over each label's grayordinates, matched through the two files' brain models."""
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
    keys = sorted(key for key in labels.header.get_axis(0).label[0] if key != 0)
    empty = [key for key in keys if not (assigned == key).any()]
    if empty:
        raise DataError(
            f"{path}: {len(empty)} of {len(keys)} labels of {expect.atlas_image} cover no "
            "grayordinate of this file; are both on the same surface?"
        )
    return Series(np.stack([values[:, assigned == key].mean(axis=1) for key in keys], 1), False)


def _positions(model) -> list:
    if model.volume_shape is None or (model.vertex >= 0).any():
        return [int(vertex) for vertex in model.vertex]
    return [tuple(map(int, voxel)) for voxel in model.voxel]


def _by_position(model, values) -> dict:
    return dict(zip(_positions(model), (int(value) for value in values), strict=True))


def _nifti(path: Path, expect: Expect) -> Series:
    if not expect.atlas_image:
        raise DataError(f"{path}: a NIfTI series needs an atlas image, give --config.atlas_image")
    try:
        from nilearn.maskers import NiftiLabelsMasker
    except ImportError as error:
        raise DataError(f"{path}: reading NIfTI needs nilearn: pip install nilearn") from error
    masker = NiftiLabelsMasker(expect.atlas_image, standardize=None)
    return Series(masker.fit_transform(str(path)), False)


READERS: dict[str, Callable[[Path, Expect], Series]] = {
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".npy": _npy,
    ".tsv": _text,
    ".csv": _text,
    ".tsv.gz": _text,
    ".csv.gz": _text,
    ".ptseries.nii": _ptseries,
    ".dtseries.nii": _dtseries,
    ".nii.gz": _nifti,
    ".nii": _nifti,
}
