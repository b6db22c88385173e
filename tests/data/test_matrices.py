"""Ready-made connectomes: r or z, one triangle or both, vectors, names; never a guess."""

import json

import h5py
import nibabel as nib
import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.matrices import FOR_ALL, read_matrix
from dtb_jax.data.timeseries import Expect
from dtb_jax.twin.connectome import edges, matrix
from tests.data.small_study import NAMES, PARCELS, PEOPLE, REST, said_of, values_of

EXPECT = Expect(PARCELS, names=tuple(NAMES))
R = np.corrcoef(values_of(0, REST).T)
Z = np.arctanh(R - np.eye(PARCELS))
EDGES = edges(Z)
UPPER, LOWER = np.triu_indices(PARCELS, 1), np.tril_indices(PARCELS, -1)
ORDER = np.random.default_rng(5).permutation(PARCELS)


def saved(tmp_path, square, name="sub-1.npy"):
    np.save(tmp_path / name, square)
    return tmp_path / name


def same(path, *told, edges=EDGES):
    np.testing.assert_allclose(read_matrix(path, EXPECT, *told).edges, edges, atol=1e-6)


def with_diagonal(square, value):
    square = np.array(square)
    np.fill_diagonal(square, value)
    return square


def test_the_diagonal_tells_r_from_z(tmp_path):
    same(saved(tmp_path, R))
    same(saved(tmp_path, with_diagonal(Z, np.inf)))
    same(saved(tmp_path, with_diagonal(Z, np.arctanh(1 - 1e-9))))
    large = with_diagonal(2 * Z, 0)
    assert np.abs(large).max() > 1
    same(saved(tmp_path, large), edges=2 * EDGES)


@pytest.mark.parametrize("diagonal", [0, np.nan])
def test_small_numbers_on_no_diagonal_have_to_be_told(tmp_path, diagonal):
    path = saved(tmp_path, with_diagonal(R, diagonal))
    with pytest.raises(DataError, match=r"correlations or Fisher z.*--config.matrices"):
        read_matrix(path, EXPECT)
    same(path, "r")
    same(path, "z", edges=edges(R))
    (tmp_path / "sub-1.json").write_text(json.dumps({"EdgeValues": "r"}))
    same(path)


@pytest.mark.parametrize(
    ("square", "words"),
    [
        (100 * R, "100 to 100 on the diagonal.*covariances"),
        (np.cov((values_of(0, REST) * np.arange(1, 13)).T), "on the diagonal.*covariances"),
        (with_diagonal(50 * R, 0), "values up to .*expected z"),
        (np.eye(PARCELS), "no number but 0 off the diagonal"),
        (np.zeros((PARCELS, PARCELS)), "no number but 0 off the diagonal"),
        (R + np.triu(np.ones_like(R), 1), "finite symmetric matrix"),
        (R[:-1], r"shape \(11, 12\), expected 12 parcels"),
        (R[:-1, :-1], r"shape \(11, 11\), expected 12 parcels"),
        (np.ones(7), "7 numbers, expected the 66 edges"),
    ],
)
def test_what_is_no_connectome_is_refused(tmp_path, square, words):
    with pytest.raises(DataError, match=words):
        read_matrix(saved(tmp_path, square), EXPECT)


def test_r_beyond_one_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected r of at most 1"):
        read_matrix(saved(tmp_path, with_diagonal(3 * R, 1)), EXPECT)


def test_one_triangle_is_enough(tmp_path):
    for square in (np.triu(R), np.tril(R)):
        same(saved(tmp_path, square))
        square = np.where(square == 0, np.nan, square)
        same(saved(tmp_path, square))


def test_the_order_of_a_vector_is_told_or_asked_for(tmp_path):
    path = saved(tmp_path, Z[LOWER])
    with pytest.raises(DataError, match="vector of edges, whose order is not told"):
        read_matrix(path, EXPECT, "z")
    same(path, "z", "lower")
    same(saved(tmp_path, R[UPPER]), "r", "upper")
    with pytest.raises(DataError, match="correlations or Fisher z"):
        read_matrix(saved(tmp_path, Z[UPPER] / 9), EXPECT, "", "upper")
    (tmp_path / FOR_ALL).write_text(json.dumps({"EdgeValues": "z", "VectorOrder": "lower"}))
    same(saved(tmp_path, Z[LOWER]))
    (tmp_path / "sub-1.json").write_text(json.dumps({"VectorOrder": "upper"}))
    same(saved(tmp_path, Z[UPPER]))
    (tmp_path / "sub-1.json").write_text(json.dumps({"VectorOrder": "C"}))
    with pytest.raises(DataError, match="'C', expected upper or lower"):
        read_matrix(path, EXPECT)


def test_nilearns_vectors_are_lower(tmp_path):
    connectome = pytest.importorskip("nilearn.connectome")
    vector = connectome.sym_matrix_to_vec(Z, discard_diagonal=True)
    same(saved(tmp_path, vector), "z", "lower")


def test_names_decide_where_parcels_stand(tmp_path):
    turned, names = R[np.ix_(ORDER, ORDER)], [NAMES[k] for k in ORDER]
    for ending, separator in ((".tsv", "\t"), (".csv", ","), (".txt", " ")):
        path = tmp_path / f"sub-1{ending}"
        rows = [separator.join(map(repr, map(float, row))) for row in turned]
        path.write_text("\n".join([separator.join(names), *rows]))
        same(path)
        if separator != " ":
            named = [separator.join([name, row]) for name, row in zip(names, rows, strict=True)]
            path.write_text("\n".join([separator.join(["", *names]), *named]))
            same(path)
            path.write_text("\n".join(named))
            same(path)
    models = [
        (name, nib.cifti2.BrainModelAxis.from_surface([k], PARCELS, "CortexLeft"))
        for k, name in enumerate(names)
    ]
    axis = nib.cifti2.ParcelsAxis.from_brain_models(models)
    path = tmp_path / "sub-1.pconn.nii"
    nib.save(nib.Cifti2Image(turned.astype(np.float32), (axis, axis)), path)
    same(path)


def test_numbered_headers_and_text_forms(tmp_path):
    numbers = [str(k) for k in range(PARCELS)]
    rows = [",".join(map(repr, map(float, row))) for row in R]
    path = tmp_path / "sub-1_v1.2.csv"
    indexed = [f"{k},{row}" for k, row in enumerate(rows)]
    for lines in (rows, [",".join(numbers), *rows], [",".join(["", *numbers]), *indexed]):
        path.write_text("\n".join(lines))
        same(path)
    np.savetxt(tmp_path / "sub-1.txt", R)
    same(tmp_path / "sub-1.txt")
    with h5py.File(tmp_path / "sub-1.h5", "w") as file:
        file["x"] = R
    same(tmp_path / "sub-1.h5")


def test_a_parcel_without_edges_is_missing_and_many_are_refused(tmp_path):
    number = 40
    square = np.corrcoef(np.random.default_rng(0).normal(size=(number, 90)))
    square[3], square[:, 3] = np.nan, np.nan
    found = read_matrix(saved(tmp_path, square), Expect(number))
    ends = np.stack(np.triu_indices(number, 1))
    assert found.missing == (3,)
    assert not found.edges[(ends == 3).any(0)].any() and np.isfinite(found.edges).all()
    square[:6], square[:, :6] = 0, 0
    with pytest.raises(DataError, match="6 of 40 parcels have no edges"):
        read_matrix(saved(tmp_path, square), Expect(number))


def write_all(study, write):
    folder = study.root / "connectomes"
    folder.mkdir(exist_ok=True)
    for i, person in enumerate(PEOPLE):
        write(folder, person, np.corrcoef(values_of(i, REST).T), i)
    return study.read()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("npy", b"abc", "can not be read as .npy"),
        ("tsv", b"", "the file is empty"),
        ("mat", b"abc", "unknown kind of file"),
        ("csv", b"a,b\n1,x\n", "found 'x', expected a number"),
        ("pconn.nii", b"abc", "can not be read as"),
    ],
)
def test_one_odd_file_costs_one_person(study, name, content, words):
    def write(folder, person, r, i):
        if i == 0:
            (folder / f"{person}.{name}").write_bytes(content)
        else:
            np.save(folder / f"{person}.npy", r)

    cohort, ledger = write_all(study, write)
    assert list(cohort.participants.index) == PEOPLE[1:]
    assert words in said_of(ledger, PEOPLE[0])


def test_two_files_of_a_person_are_a_choice(study):
    def write(folder, person, r, i):
        np.save(folder / f"{person}_desc-full.npy", r)
        if i < 2:
            np.save(folder / f"{person}_desc-part.npy", (r + 4 * np.eye(PARCELS)) / 5)

    cohort, ledger = write_all(study, write)
    assert list(cohort.participants.index) == PEOPLE[2:]
    assert "2 files of one person (sub-01_desc-full.npy" in said_of(ledger, PEOPLE[0])
    chosen, _ = study.read(entities=("desc-full",))
    assert list(chosen.participants.index) == PEOPLE
    np.testing.assert_allclose(chosen.connectomes[0], EDGES, atol=1e-5)


def test_options_reach_the_matrices(study):
    def write(folder, person, r, i):
        np.save(folder / f"{person}.npy", r[LOWER])

    with pytest.raises(
        DataError, match="nobody has both.*the first: sub-01.npy.*order is not told"
    ):
        write_all(study, write)
    cohort, _ = study.read(matrices="r", vector_order="lower")
    np.testing.assert_allclose(cohort.connectomes[0], EDGES, atol=1e-5)
    assert np.asarray(matrix(cohort.connectomes[0]))[1, 0] == pytest.approx(Z[1, 0], abs=1e-5)
    with pytest.raises(DataError, match="matrices: 'cov', expected r or z"):
        study.read(matrices="cov")


def test_the_same_connectome_twice_is_one_person(study):
    for task, volumes in (("rest", REST),):
        study.series(PEOPLE[3], task, values_of(1, volumes))
    cohort, ledger = study.read()
    assert list(cohort.participants.index) == [PEOPLE[0], PEOPLE[1], PEOPLE[2], PEOPLE[4]]
    assert "the same connectome as sub-02" in said_of(ledger, PEOPLE[3])
