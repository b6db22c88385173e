"""Task BOLD: volumes at their places, whatever was censored, cut or added."""

import json

import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.data.splits import fit_bold_scale, to_sequences
from dtb_jax.data.timeseries import Expect, read_series
from tests.data.small_study import NAMES, PARCELS, PEOPLE, REST, TASK, said_of, values_of

KEPT = np.setdiff1d(np.arange(TASK), np.arange(10, 22))
LEFT_OUT = ~np.isin(np.arange(TASK), KEPT)


def write_outliers(study, person, task, left_out, *more):
    rows = ["\t".join(["framewise_displacement", *(f"kind{k}" for k in range(len(more)))])]
    rows += ["\t".join(str(int(flag)) for flag in row) for row in zip(left_out, *more, strict=True)]
    path = study.out / person / "func" / f"{person}_task-{task}_run-01_outliers.tsv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_censored_volumes_leave_a_gap(study):
    whole, _ = study.read()
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[KEPT])
    write_outliers(study, PEOPLE[0], "flanker", LEFT_OUT)
    cohort, ledger = study.read()
    run, before = cohort.runs[0], whole.runs[0]
    np.testing.assert_array_equal(run.bold_mask[0], ~LEFT_OUT)
    np.testing.assert_allclose(run.bold[0, KEPT], before.bold[0, KEPT])
    assert not run.bold[0, LEFT_OUT].any()
    np.testing.assert_array_equal(run.bold[1:], before.bold[1:])
    assert said_of(ledger, PEOPLE[0]) == ""
    assert "12 volumes of 1 people are missing or censored: masked" in said_of(ledger, "all")


def test_volumes_that_were_interpolated_are_masked_too(study):
    write_outliers(study, PEOPLE[0], "flanker", LEFT_OUT)
    cohort, _ = study.read()
    np.testing.assert_array_equal(cohort.runs[0].bold_mask[0], ~LEFT_OUT)


def test_censored_rest_is_correlated_without_its_gaps(study):
    kept = np.setdiff1d(np.arange(REST), np.arange(30, 50))
    study.series(PEOPLE[0], "rest", values_of(0, REST)[kept])
    short, _ = study.read()
    study.series(PEOPLE[0], "rest", values_of(0, REST))
    write_outliers(study, PEOPLE[0], "rest", ~np.isin(np.arange(REST), kept))
    masked, _ = study.read()
    np.testing.assert_allclose(masked.connectomes, short.connectomes, atol=1e-6)


def test_a_second_reason_to_censor_is_understood(study):
    other = np.zeros(TASK, bool)
    other[40] = True
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[~(LEFT_OUT | other)])
    write_outliers(study, PEOPLE[0], "flanker", LEFT_OUT, other)
    cohort, _ = study.read()
    np.testing.assert_array_equal(cohort.runs[0].bold_mask[0], ~(LEFT_OUT | other))


def test_a_mask_that_fits_no_length_is_told(study):
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[KEPT][:-1])
    write_outliers(study, PEOPLE[0], "flanker", LEFT_OUT)
    cohort, ledger = study.read()
    assert not cohort.runs[0].bold_mask[0].any()
    assert "47 volumes, but the table of censored volumes" in said_of(ledger, PEOPLE[0])


@pytest.mark.parametrize("hint", ["folder", "description", "others"])
def test_shorter_series_of_xcpd_without_a_mask_have_behaviour_only(study, hint):
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[KEPT])
    if hint == "folder":
        study.out = study.out.rename(study.root / "xcp_d")
    if hint == "description":
        told = {"GeneratedBy": [{"Name": "XCP-D", "Version": "0.10"}]}
        (study.out / "dataset_description.json").write_text(json.dumps(told))
    if hint == "others":
        write_outliers(study, PEOPLE[1], "flanker", np.zeros(TASK, bool))
    cohort, ledger = study.read()
    assert list(cohort.runs[0].bold_mask.any(1)) == [False, True, True, True, True]
    assert cohort.runs[0].present.all()
    assert "48 volumes, others have 60: not known which" in said_of(ledger, PEOPLE[0])


def test_shorter_series_of_others_are_taken_as_cut_at_the_end(study):
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[:50])
    cohort, ledger = study.read()
    np.testing.assert_array_equal(cohort.runs[0].bold_mask[0], np.arange(TASK) < 50)
    assert "50 of 60 volumes: taken as cut at the end" in said_of(ledger, PEOPLE[0])


def test_the_longer_of_two_lengths_is_the_run(study):
    for i in (0, 1):
        study.series(PEOPLE[i], "flanker", values_of(i, TASK + 12))
    cohort, ledger = study.read()
    assert cohort.runs[0].bold.shape[1] == TASK + 12
    assert list(cohort.runs[0].bold_mask.sum(1)) == [72, 72, 60, 60, 60]
    assert not any(said_of(ledger, person) for person in PEOPLE)


def test_one_run_that_is_far_too_long_is_cut(study):
    study.series(PEOPLE[0], "flanker", values_of(0, 2 * TASK))
    cohort, ledger = study.read()
    assert cohort.runs[0].bold.shape[1] == TASK
    assert "120 volumes, others have 60: cut after 60" in said_of(ledger, PEOPLE[0])


def test_rows_of_na_keep_their_place(study):
    values = values_of(0, TASK)
    values[:4] = np.nan
    values[30] = np.nan
    for names in (NAMES, None):
        study.series(PEOPLE[0], "flanker", values, names)
        mask = study.read()[0].runs[0].bold_mask[0]
        assert list(np.flatnonzero(~mask)) == [0, 1, 2, 3, 30]


def test_one_na_in_the_first_row_is_told(study):
    values = values_of(0, TASK)
    values[0, 3] = np.nan
    study.series(PEOPLE[0], "flanker", values, None)
    cohort, ledger = study.read()
    assert not cohort.runs[0].bold_mask[0].any() and cohort.runs[0].bold.shape[1] == TASK
    assert "NaN or infinite values in 1 of 12 parcels" in said_of(ledger, PEOPLE[0])


def test_dummy_volumes_shift_task_series(study):
    whole, _ = study.read()
    for i, person in enumerate(PEOPLE):
        study.series(person, "flanker", values_of(i, TASK)[4:])
    cohort, _ = study.read(dummy_volumes=4)
    np.testing.assert_array_equal(cohort.connectomes, whole.connectomes)
    np.testing.assert_allclose(cohort.runs[0].bold[:, 4:], whole.runs[0].bold[:, 4:])
    assert not cohort.runs[0].bold_mask[:, :4].any()
    with pytest.raises(DataError, match="dummy_volumes: -1"):
        study.read(dummy_volumes=-1)


def test_a_gap_is_bridged_and_masked_in_the_cut(study):
    study.series(PEOPLE[0], "flanker", values_of(0, TASK)[KEPT])
    write_outliers(study, PEOPLE[0], "flanker", LEFT_OUT)
    cohort, _ = study.read()
    scale = fit_bold_scale(cohort, np.inf, np.arange(5))
    part = to_sequences(cohort, 0.0, TASK * 0.8, scale)
    expected = (cohort.runs[0].bold[0] - scale.mean) / scale.sd
    np.testing.assert_allclose(part.bold[0, 0, ::10][KEPT], expected[KEPT], atol=1e-4)
    np.testing.assert_array_equal(part.bold_mask[0, 0, ::10] > 0, ~LEFT_OUT)
    assert np.isfinite(part.bold).all()


def test_a_region_without_parcels_has_no_bold(study):
    values = values_of(0, TASK)
    values[:, 3] = 7.0
    kept = np.arange(PARCELS)
    study.series(PEOPLE[0], "flanker", values[:, kept])
    (study.root / "atlas.tsv").write_text(
        "index\tname\n" + "".join(f"{k + 1}\t{name}\n" for k, name in enumerate(NAMES))
    )
    cohort, ledger = study.read()
    assert not cohort.runs[0].bold_mask[0].any()
    assert "constant" in said_of(ledger, PEOPLE[0])


def test_parcels_are_read_from_series_with_missing_volumes(study):
    path = study.path(PEOPLE[0], "rest")
    found = read_series(path, Expect(PARCELS, names=tuple(NAMES)))
    assert found.present().all() and found.absent == ()
