"""Parcels are matched with the table by name, where a file has names."""

import nibabel as nib
import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.numbers import read_numbers
from dtb_jax.data.parcels import labels_of, places_of, read_parcels, read_regions
from dtb_jax.data.timeseries import Expect, read_series
from tests.data.small_study import NAMES, PARCELS, PEOPLE, REST, TASK, said_of, values_of

EXPECT = Expect(PARCELS, names=tuple(NAMES))
VALUES = values_of(0, 30)
ORDER = np.random.default_rng(3).permutation(PARCELS)


def write(path, header, values, separator="\t", rows=None):
    lines = [] if header is None else [separator.join(header)]
    for k, row in enumerate(values):
        cells = [repr(float(x)) for x in row]
        lines.append(separator.join(cells if rows is None else [rows[k], *cells]))
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path, expect=EXPECT):
    return read_series(path, expect).values


def write_ptseries(path, values, names, step=0.8):
    models = [
        (name, nib.cifti2.BrainModelAxis.from_surface([k], len(names), "CortexLeft"))
        for k, name in enumerate(names)
    ]
    axes = (
        nib.cifti2.SeriesAxis(0, step, len(values)),
        nib.cifti2.ParcelsAxis.from_brain_models(models),
    )
    nib.save(nib.Cifti2Image(values.astype(np.float32), axes), path)
    return path


def test_columns_in_another_order_are_put_in_order(tmp_path):
    names = [NAMES[k] for k in ORDER]
    for ending, separator in ((".tsv", "\t"), (".csv", ","), (".txt", " ")):
        path = write(tmp_path / f"s{ending}", names, VALUES[:, ORDER], separator)
        np.testing.assert_allclose(read(path), VALUES)
    path = write_ptseries(tmp_path / "s.ptseries.nii", VALUES[:, ORDER], names)
    np.testing.assert_allclose(read(path), VALUES, rtol=1e-6)


def test_parcels_as_named_rows(tmp_path):
    names = [NAMES[k] for k in ORDER]
    path = write(tmp_path / "s.tsv", None, VALUES.T[ORDER], rows=names)
    np.testing.assert_allclose(read(path), VALUES)
    path = write(tmp_path / "t.tsv", ["", *map(str, range(30))], VALUES.T[ORDER], rows=names)
    np.testing.assert_allclose(read(path), VALUES)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("prefix", ["", "V"])
def test_a_header_that_counts_is_no_volume(tmp_path, first, prefix):
    header = [f"{prefix}{k + first}" for k in range(PARCELS)]
    np.testing.assert_allclose(read(write(tmp_path / "s.tsv", header, VALUES)), VALUES)


def test_a_first_column_that_counts_volumes_is_no_parcel(tmp_path):
    count = np.arange(30)[:, None]
    for header in (["", *map(str, range(PARCELS))], ["volume", *NAMES], None):
        for column in (count, 0.8 * count):
            path = write(tmp_path / "s.tsv", header, np.hstack([column, VALUES]))
            np.testing.assert_allclose(read(path), VALUES)
    path = write(tmp_path / "s.tsv", None, np.hstack([VALUES[:, [0]], VALUES]))
    with pytest.raises(DataError, match=r"shape \(30, 13\), expected one axis of 12 parcels"):
        read(path)


def test_headers_of_r_and_numpy(tmp_path):
    path = write(tmp_path / "r.tsv", NAMES, VALUES, rows=[str(k + 1) for k in range(30)])
    np.testing.assert_allclose(read(path), VALUES)
    np.savetxt(tmp_path / "n.txt", VALUES, header=" ".join(NAMES))
    np.testing.assert_allclose(read(tmp_path / "n.txt"), VALUES)


def test_a_row_of_another_length_and_text_are_told(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("a\tb\n1\t2\n3\n")
    with pytest.raises(DataError, match="row 3 has 1 columns, expected 2"):
        read_numbers(path)
    path.write_text("a\tb\n1\t2\n3\t4,5\n")
    with pytest.raises(DataError, match="row 3, column 2: found '4,5', expected a number"):
        read_numbers(path)
    path.write_text("a\tb\n")
    with pytest.raises(DataError, match="a header but no numbers"):
        read_numbers(path)


def test_byte_order_mark_and_windows_lines(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_bytes(b"\xef\xbb\xbfa\tb\t\r\n1\tn/a\t\r\n3\t4\t\r\n")
    found = read_numbers(path)
    assert found.columns == ("a", "b")
    np.testing.assert_array_equal(found.values, [[1, np.nan], [3, 4]])


def test_more_parcels_than_the_table_has_are_passed_over(tmp_path):
    values = np.hstack([VALUES[:, :1] * 0 + 5, VALUES])
    np.testing.assert_allclose(read(write(tmp_path / "s.tsv", ["extra", *NAMES], values)), VALUES)


def test_another_atlas_is_named(tmp_path):
    path = write(tmp_path / "s.tsv", [f"other{k}a" for k in range(PARCELS)], VALUES)
    with pytest.raises(DataError, match=r"names 12 parcels.*net0_parcela.*it has 'other0a'"):
        read(path)
    path = write(tmp_path / "s.tsv", [*NAMES[:-1], NAMES[0]], VALUES)
    with pytest.raises(DataError, match="parcel 'net0_parcela' stands there twice"):
        read(path)


def test_whoever_lacks_a_parcel_has_a_line(study):
    for k, other in ((0, 3), (1, 7)):
        kept = np.delete(np.arange(PARCELS), other)
        for task, volumes in (("rest", REST), ("flanker", TASK)):
            values = values_of(k, volumes)[:, kept]
            study.series(PEOPLE[k], task, values, [NAMES[j] for j in kept])
    cohort, ledger = study.read()
    assert list(cohort.participants.index) == PEOPLE[2:]
    assert f"{NAMES[3]} missing" in said_of(ledger, PEOPLE[0])
    assert f"{NAMES[7]} missing" in said_of(ledger, PEOPLE[1])


def many_parcels(study, number=40):
    """The same study with more parcels, of which a few may be missing."""
    names = [f"parcel_{'abcd'[k % 4]}{k}x" for k in range(number)]
    rows = "".join(f"{k + 1}\t{name}\n" for k, name in enumerate(names))
    (study.root / "atlas.tsv").write_text("index\tname\n" + rows)
    (study.root / "regions.tsv").write_text(
        f"region\tparcel\nR_amygdala\t{names[3]}\nR_amygdala\t{names[4]}\n"
    )
    values = {}
    for i, person in enumerate(PEOPLE):
        for task, volumes in (("rest", REST), ("flanker", TASK)):
            rng = np.random.default_rng(100 * i + volumes)
            values[person, task] = rng.normal(size=(volumes, number))
            study.series(person, task, values[person, task], names)
    return names, values


def test_a_few_missing_parcels_have_no_edges_and_no_part_in_regions(study):
    names, values = many_parcels(study)
    kept = np.delete(np.arange(40), 3)
    for task in ("rest", "flanker"):
        study.series(PEOPLE[0], task, values[PEOPLE[0], task][:, kept], [names[k] for k in kept])
    empty = np.array(values[PEOPLE[1], "rest"])
    empty[:, 4] = np.nan
    study.series(PEOPLE[1], "rest", empty, names)
    zero = np.array(values[PEOPLE[2], "rest"])
    zero[:, 4] = 0.0
    study.series(PEOPLE[2], "rest", zero, names)
    cohort, ledger = study.read()
    assert len(cohort.connectomes) == 5
    ends = np.stack(np.triu_indices(40, 1))
    assert not cohort.connectomes[0][(ends == 3).any(0)].any()
    assert cohort.connectomes[0][~(ends == 3).any(0)].all()
    assert not cohort.connectomes[1:3][:, (ends == 4).any(0)].any()
    own = values[PEOPLE[0], "flanker"]
    np.testing.assert_allclose(cohort.runs[0].bold[0, :, 0], own[:, 4], rtol=1e-5)
    assert ledger.facts["parcels_by_name"] == "39"
    assert f"absent parcels {names[3]}: their edges are set to 0" in said_of(ledger, PEOPLE[0])
    assert f"{names[3]}: not in the mean of region R_amygdala" in said_of(ledger, PEOPLE[0])
    assert f"empty parcels {names[4]}" in said_of(ledger, PEOPLE[1])
    assert f"constant parcels {names[4]}" in said_of(ledger, PEOPLE[2])


def test_parcels_below_half_coverage_are_missing(study):
    names, _ = many_parcels(study)
    shares = np.full(40, 0.9)
    shares[5] = 0.4
    path = study.path(PEOPLE[0], "rest", ending="stat-coverage_bold.tsv")
    path.write_text("\t".join(names) + "\n" + "\t".join(map(str, shares)) + "\n")
    cohort, ledger = study.read()
    ends = np.stack(np.triu_indices(40, 1))
    assert not cohort.connectomes[0][(ends == 5).any(0)].any()
    assert f"poorly covered parcels {names[5]}" in said_of(ledger, PEOPLE[0])
    shares[:5] = 0.1
    path.write_text("\t".join(names) + "\n" + "\t".join(map(str, shares)) + "\n")
    _, ledger = study.read()
    assert "6 of 40 parcels are poorly covered" in said_of(ledger, PEOPLE[0])


def test_dlabel_names_and_its_coverage(tmp_path):
    number = 40
    labels = np.repeat(np.arange(number + 1), 4)
    surface = nib.cifti2.BrainModelAxis.from_surface(
        np.arange(len(labels)), len(labels), "CortexLeft"
    )
    names = [f"p{k}x" for k in range(number)]
    table = {0: ("???", (0, 0, 0, 0))} | {
        k + 1: (name, (0, 0, 0, 1)) for k, name in enumerate(names)
    }
    axis = nib.cifti2.LabelAxis(["atlas"], [table])
    nib.save(
        nib.Cifti2Image(labels[None].astype(np.float32), (axis, surface)), tmp_path / "a.dlabel.nii"
    )
    values = np.random.default_rng(0).normal(size=(20, number))
    dense = np.repeat(np.hstack([np.full((20, 1), 9.0), values]), 4, axis=1)
    dense[:, 4:7] = 0  # three of four grayordinates of the first parcel
    dense[:, 8] = 0  # one of four of the second
    time = nib.cifti2.SeriesAxis(0, 2.1, 20)
    path = tmp_path / "s.dtseries.nii"
    nib.save(nib.Cifti2Image(dense.astype(np.float32), (time, surface)), path)
    turned = tuple(names[::-1])
    expect = Expect(number, atlas_image=str(tmp_path / "a.dlabel.nii"), names=turned)
    found = read_series(path, expect)
    np.testing.assert_allclose(found.values[:, ::-1][:, 1:], values[:, 1:], atol=1e-6)
    assert found.uncovered == (number - 1,) and np.isnan(found.values[:, -1]).all()
    assert found.repetition_time_s == pytest.approx(2.1)


def test_label_images_are_named_by_the_tables_index(tmp_path):
    values = VALUES.astype(np.float32)
    code = np.arange(10, 10 + PARCELS)
    atlas = code[ORDER].astype(np.int16).reshape(PARCELS, 1, 1)
    nib.save(nib.Nifti1Image(atlas, np.eye(4)), tmp_path / "atlas.nii.gz")
    image = nib.Nifti1Image(values.T[ORDER][:, None, None], np.eye(4))
    nib.save(image, tmp_path / "s.nii.gz")
    turned = Expect(
        PARCELS,
        atlas_image=str(tmp_path / "atlas.nii.gz"),
        names=tuple(NAMES[::-1]),
        labels=tuple(code[::-1].tolist()),
    )
    np.testing.assert_allclose(read(tmp_path / "s.nii.gz", turned), VALUES[:, ::-1], atol=1e-5)


def test_as_many_volumes_as_parcels_can_not_be_told(tmp_path):
    np.save(tmp_path / "s.npy", VALUES[:PARCELS])
    with pytest.raises(DataError, match="as many volumes as parcels"):
        read(tmp_path / "s.npy")
    path = write(tmp_path / "s.tsv", NAMES, VALUES[:PARCELS])
    np.testing.assert_allclose(read(path), VALUES[:PARCELS])


def test_tables_of_parcels_and_regions_that_can_not_be_used(tmp_path):
    atlas, regions = tmp_path / "atlas.tsv", tmp_path / "regions.tsv"
    atlas.write_text("name\na\nb\na\n")
    with pytest.raises(DataError, match="parcel 'a' stands in several rows"):
        read_parcels(tmp_path)
    atlas.write_text("index\tname\n0\ta\n1\tb\n")
    path, table = read_parcels(tmp_path)
    assert labels_of(table) == ()  # 0 is the background of a label image
    regions.write_text("region\tparcel\n")
    with pytest.raises(DataError, match="a header but no rows"):
        read_regions(path, ["a", "b"], str(regions))
    regions.write_text("region\tparcel\nx\ta\nx\ta\ny\tb \n")
    assert read_regions(path, ["a", "b"], str(regions)) == {"x": [0], "y": [1]}
    assert list(places_of(["b", "a"], ["a", "b"], path)) == [1, 0]


def test_a_wrong_number_of_parcels_comes_before_regions(study):
    rows = "".join(f"{k}\t{name}\n" for k, name in enumerate([*NAMES, "more", "most"]))
    (study.root / "atlas.tsv").write_text("index\tname\n" + rows)
    with pytest.raises(DataError, match="names 12 parcels, expected the 14 of the table: more"):
        study.read(regions="")
    with pytest.raises(DataError, match="nobody has both.*the first: sub-01_task-rest.*14 of the"):
        study.read()


def test_without_bold_no_regions_are_needed(study):
    for person in PEOPLE:
        study.path(person, "flanker").unlink()
    cohort, _ = study.read(regions="")
    assert cohort.regions == () and cohort.runs[0].bold.shape[2] == 0


def test_the_real_parcels_of_rest90(shared, tmp_path):
    folder = shared / "rest90"
    paths = sorted(folder.glob("*_timeseries.tsv"))[:6]
    names = tuple(paths[0].read_text().split("\n")[0].split("\t"))
    turned = Expect(len(names), names=names[::-1])
    for path in paths:
        values = np.loadtxt(path, skiprows=1)
        np.testing.assert_allclose(read(path, turned), values[:, ::-1])


def test_the_real_ptseries_names_its_parcels(shared):
    path = shared / "readers" / "cifti" / "Conte69.MyelinAndCorrThickness.32k_fs_LR.ptseries.nii"
    image = nib.load(path)
    names = tuple(map(str, image.header.get_axis(1).name))
    found = read(path, Expect(len(names), names=names[::-1]))
    np.testing.assert_allclose(found[:, ::-1], image.get_fdata())
