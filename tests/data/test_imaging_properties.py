"""Whatever a table looks like: what is read equals what was written, or one sentence refuses it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dtb_jax.data import DataError
from dtb_jax.data.matrices import read_matrix
from dtb_jax.data.timeseries import Expect, read_series
from dtb_jax.twin.connectome import edges

NAMES = [f"LH_{'xyz'[k % 3]}{k}n" for k in range(30)]
quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def tables(draw):
    """Values [volume, parcel] in the table's order, and how a file holds them."""
    parcels = draw(st.integers(2, 24))
    volumes = draw(st.integers(3, 12))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.normal(size=(volumes, parcels)) * 10.0 ** rng.integers(-3, 4)
    missing = draw(st.lists(st.integers(0, volumes - 1), max_size=volumes - 2, unique=True))
    values[missing] = np.nan
    if draw(st.booleans()):
        values[:, draw(st.integers(0, parcels - 1))] = np.nan
    holes = draw(st.integers(0, 5)) == 0
    if holes:
        values[draw(st.integers(0, volumes - 1)), draw(st.integers(0, parcels - 1))] = np.nan
    return values, {
        "header": draw(st.sampled_from(["names", "counts from 0", "counts from 1", "none"])),
        "order": rng.permutation(parcels) if draw(st.booleans()) else np.arange(parcels),
        "index": draw(st.sampled_from(["none", "none", "count", "time", "text"])),
        "turned": draw(st.booleans()),
        "na": draw(st.sampled_from(["n/a", "", "NaN"])),
        "ending": draw(st.sampled_from([".tsv", ".csv"])),
        "unknown": draw(st.sampled_from([None, None, "in front", "behind"])),
        "line": draw(st.sampled_from(["\n", "\r\n"])),
    }


def write_table(folder: Path, values: np.ndarray, how: dict) -> Path:
    """Columns in the file's order; only named ones stand in another than the table's."""
    named = how["header"] == "names"
    order = how["order"] if named else np.arange(values.shape[1])
    columns = [[how["na"] if np.isnan(x) else repr(float(x)) for x in values[:, k]] for k in order]
    head = {
        "names": [NAMES[k] for k in order],
        "counts from 0": [str(k) for k in range(len(order))],
        "counts from 1": [str(k + 1) for k in range(len(order))],
        "none": None,
    }[how["header"]]
    if named and how["unknown"]:
        at = 0 if how["unknown"] == "in front" else len(columns)
        columns.insert(at, ["0.5"] * len(values))
        head.insert(at, "other")
    if how["index"] != "none":
        step = 0.8 if how["index"] == "time" else 1
        word = "v" if how["index"] == "text" else ""
        columns.insert(0, [f"{word}{k * step:g}" for k in range(len(values))])
        head = head and ["", *head]
    rows = [list(row) for row in zip(*columns, strict=True)]
    rows = [head, *rows] if head else rows
    separator = "\t" if how["ending"] == ".tsv" else ","
    path = folder / f"s{how['ending']}"
    path.write_bytes(
        how["line"].join(separator.join(row) for row in rows).encode() + how["line"].encode()
    )
    return path


@quick
@given(tables())
def test_a_table_is_read_right_or_refused(tmp_path, drawn):
    values, how = drawn
    path = write_table(tmp_path, values, how)
    expect = Expect(values.shape[1], names=tuple(NAMES[: values.shape[1]]))
    try:
        found = read_series(path, expect)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    np.testing.assert_allclose(found.values, values, rtol=1e-12)


@quick
@given(tables(), st.sampled_from([".npy", ".h5"]))
def test_an_array_is_read_right_or_refused(tmp_path, drawn, ending):
    values, how = drawn
    stored = values.T if how["turned"] else values
    path = tmp_path / f"a{ending}"
    if ending == ".npy":
        np.save(path, stored)
    else:
        with h5py.File(path, "w") as file:
            file["x"] = stored
    try:
        found = read_series(path, Expect(values.shape[1]))
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    assert values.shape[0] != values.shape[1]
    np.testing.assert_array_equal(found.values, values)


@quick
@given(
    parcels=st.integers(3, 12),
    seed=st.integers(0, 99),
    kind=st.sampled_from(["r", "z", "covariance"]),
    diagonal=st.sampled_from(["own", "zero", "nan", "infinite"]),
    triangle=st.sampled_from(["both", "upper", "lower", "vector upper", "vector lower"]),
    named=st.booleans(),
    told=st.sampled_from([("", ""), ("own", ""), ("own", "own")]),
)
def test_a_matrix_is_read_right_or_refused(
    tmp_path, parcels, seed, kind, diagonal, triangle, named, told
):
    assume(diagonal != "infinite" or kind == "z")  # of nothing else is it the z of 1
    rng = np.random.default_rng(seed)
    r = np.corrcoef(rng.normal(size=(parcels, 40)))
    true = np.arctanh(r - np.eye(parcels))
    square = {"r": r, "z": true, "covariance": 9 * r}[kind].copy()
    fillings = {"zero": 0.0, "nan": np.nan, "infinite": np.inf}
    if diagonal in fillings:
        np.fill_diagonal(square, fillings[diagonal])
    order = rng.permutation(parcels)
    if triangle.startswith("vector"):
        where = np.triu_indices(parcels, 1), np.tril_indices(parcels, -1)
        path = tmp_path / "sub-1.npy"
        np.save(path, square[where[triangle.endswith("lower")]])
    else:
        square = {"both": square, "upper": np.triu(square), "lower": np.tril(square)}[triangle]
        if named and triangle == "both":
            rows = ["\t".join(map(repr, map(float, row))) for row in square[np.ix_(order, order)]]
            path = tmp_path / "sub-1.tsv"
            path.write_text("\n".join(["\t".join(NAMES[k] for k in order), *rows]))
        else:
            path = tmp_path / "sub-1.npy"
            np.save(path, square)
    values = kind if told[0] and kind != "covariance" else ""
    orders = triangle.removeprefix("vector ") if told[1] and "vector" in triangle else ""
    try:
        found = read_matrix(path, Expect(parcels, names=tuple(NAMES[:parcels])), values, orders)
    except DataError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    assert kind != "covariance" or np.abs(found.edges).max() < 7.3
    if kind != "covariance":
        np.testing.assert_allclose(found.edges, edges(true), atol=1e-9)


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".npy", ".h5", ".ptseries.nii", ".pconn.nii"])
def test_noise_in_a_file_is_one_sentence(tmp_path, ending):
    rng = np.random.default_rng(0)
    for size in (0, 1, 100, 5000):
        path = tmp_path / f"sub-1{ending}"
        path.write_bytes(rng.bytes(size))
        for reader in (read_series, read_matrix):
            with pytest.raises(DataError, match="sub-1") as told:
                reader(path, Expect(6))
            assert "\n" not in str(told.value)
