"""The same series in every form a lab has it."""

import gzip

import h5py
import nibabel as nib
import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.derivatives import find_imaging
from dtb_jax.data.matrices import read_matrix
from dtb_jax.data.timeseries import Expect, read_series

PARCELS, VOLUMES = 6, 20


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(VOLUMES, PARCELS))


def write_hdf5(path, values):
    with h5py.File(path, "w") as file:
        file.create_group("a")["series"] = values.T


def write_text(path, values):
    names = [f"parcel{k}" for k in range(PARCELS)]
    separator = "\t" if ".tsv" in path.name else ","
    lines = [separator.join(names)] + [separator.join(map(repr, map(float, row))) for row in values]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as handle:
        handle.write("\n".join(lines))


def write_ptseries(path, values):
    models = [
        (f"p{k}", nib.cifti2.BrainModelAxis.from_surface([k], PARCELS, "CortexLeft"))
        for k in range(PARCELS)
    ]
    axes = (
        nib.cifti2.SeriesAxis(0, 0.8, VOLUMES),
        nib.cifti2.ParcelsAxis.from_brain_models(models),
    )
    nib.save(nib.Cifti2Image(values.astype(np.float32), axes), path)


WRITERS = {
    "s.h5": write_hdf5,
    "s.npy": np.save,
    "s.tsv": write_text,
    "s.csv": write_text,
    "s.tsv.gz": write_text,
    "s.ptseries.nii": write_ptseries,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_reads_the_same(name, values, tmp_path):
    path = tmp_path / name
    WRITERS[name](path, values)
    np.testing.assert_allclose(read_series(path, Expect(PARCELS)).values, values, atol=1e-6)


def test_dtseries_with_dlabel(values, tmp_path):
    vertices = 30
    labels = np.repeat(np.arange(PARCELS + 1), 5)[:vertices]  # label 0: the medial wall
    series = np.zeros((VOLUMES, vertices))
    for k in range(1, PARCELS):
        series[:, labels == k] = values[:, [k - 1]]
    series[:, labels == 0] = 99
    surface = nib.cifti2.BrainModelAxis.from_surface(np.arange(vertices), vertices, "CortexLeft")
    table = {k: (f"p{k}", (0, 0, 0, 1)) for k in np.unique(labels)}
    label_axis = nib.cifti2.LabelAxis(["atlas"], [table])
    dlabel, path = tmp_path / "atlas.dlabel.nii", tmp_path / "s.dtseries.nii"
    nib.save(nib.Cifti2Image(labels[None].astype(np.float32), (label_axis, surface)), dlabel)
    time = nib.cifti2.SeriesAxis(0, 0.8, VOLUMES)
    nib.save(nib.Cifti2Image(series.astype(np.float32), (time, surface)), path)
    kept = sorted(set(labels) - {0})
    found = read_series(path, Expect(len(kept), atlas_image=str(dlabel)))
    np.testing.assert_allclose(found.values, values[:, : len(kept)], atol=1e-6)
    with pytest.raises(DataError, match=r"needs a \.dlabel\.nii"):
        read_series(path, Expect(PARCELS))


def test_nifti_with_an_atlas(values, tmp_path):
    atlas = np.repeat(np.arange(1, PARCELS + 1), 8).reshape(PARCELS, 2, 2, 2).reshape(12, 2, 2)
    image = np.zeros((*atlas.shape, VOLUMES), np.float32)
    for k in range(PARCELS):
        image[atlas == k + 1] = values[:, k]
    paths = tmp_path / "atlas.nii.gz", tmp_path / "bold.nii.gz"
    nib.save(nib.Nifti1Image(atlas.astype(np.int16), np.eye(4)), paths[0])
    nib.save(nib.Nifti1Image(image, np.eye(4)), paths[1])
    found = read_series(paths[1], Expect(PARCELS, atlas_image=str(paths[0])))
    np.testing.assert_allclose(found.values, values, atol=1e-5)


def test_real_cifti(shared):
    folder = shared / "readers" / "cifti"
    path = folder / "Conte69.MyelinAndCorrThickness.32k_fs_LR.ptseries.nii"
    parcels = nib.load(path).shape[1]
    assert read_series(path, Expect(parcels)).values.shape == (nib.load(path).shape[0], parcels)
    dense = folder / "Conte69.MyelinAndCorrThickness.32k_fs_LR.dtseries.nii"
    labels = folder / "Conte69.parcellations_VGD11b.32k_fs_LR.dlabel.nii"
    count = len([k for k in nib.load(labels).header.get_axis(0).label[0] if k != 0])
    with pytest.raises(DataError):
        read_series(dense, Expect(count + 1, atlas_image=str(labels)))


def test_matrices(tmp_path):
    r = np.corrcoef(np.random.default_rng(1).normal(size=(PARCELS, 50)))
    expected = np.arctanh(r[np.triu_indices(PARCELS, 1)])
    for name, square in {"sub-1.npy": r, "sub-2.npy": np.arctanh(np.where(r > 0.99, 0, r))}.items():
        np.save(tmp_path / name, square)
        edges = read_matrix(
            tmp_path / name, Expect(PARCELS), {"sub-1.npy": "", "sub-2.npy": "z"}[name]
        ).edges
        np.testing.assert_allclose(edges, expected, atol=1e-6)
    np.save(tmp_path / "sub-3.npy", r + np.triu(np.ones_like(r)))
    with pytest.raises(DataError, match="finite symmetric matrix"):
        read_matrix(tmp_path / "sub-3.npy", Expect(PARCELS))


def test_derivative_names_and_tcp_names(tmp_path):
    names = [
        "fMRI_timeseries_clean_denoised_GSR_parcellated/NDAR_INVAA/"
        "task-restAP_run-01_bold_Atlas_hp2000_clean_GSR_parcellated.h5",
        "derivatives/xcpd/sub-B/ses-1/func/sub-B_ses-1_task-rest_run-01_seg-X_timeseries.tsv",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    found = find_imaging(tmp_path).series
    assert set(found) == {"sub-NDARINVAA", "sub-B"}
    assert set(found["sub-NDARINVAA"]) == {"restAP_run-01"}
    assert set(found["sub-B"]) == {"rest_run-01"}
