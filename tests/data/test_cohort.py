"""Broken files, one by one: one sentence each, the others go on, the ledger has the line."""

import shutil

import h5py
import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import DataConfig, DataError, below_chance, read_cohort

PEOPLE = 4
FOLDER = "fMRI_timeseries_clean_denoised_GSR_parcellated"
NO_MOTION = "no motion files: no figures after motion"


def first_person(root):
    return sorted(path.name for path in root.glob("sub-*"))[0]


def events(root, run="hammerAP"):
    return next((root / first_person(root) / "func").glob(f"*{run}*"))


def rest(root, run="restAP_run-01"):
    folder = first_person(root).removeprefix("sub-").replace("NDARINV", "NDAR_INV")
    return next((root / FOLDER / folder).glob(f"task-{run}*"))


def rewrite(path, change):
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table = change(table)
    path.unlink()
    table.to_csv(path, sep="\t", index=False)


def reset_series(path, values, **more):
    path.unlink()
    with h5py.File(path, "w") as file:
        file["data"] = values
        for name, extra in more.items():
            file[name] = extra


def series(path):
    with h5py.File(path) as file:
        return file["data"][()]


def complaint(root, participant=None):
    """The cohort read from a broken folder, and the one new line about it."""
    cohort, ledger = read_cohort(root)
    person = participant or first_person(root)
    (reason, *_) = [entry.reason for entry in ledger.entries if entry.participant == person]
    assert "\n" not in reason
    return cohort, reason


def test_a_whole_folder_loses_nobody(whole):
    cohort, ledger = read_cohort(whole)
    assert len(cohort.connectomes) == PEOPLE
    assert [entry.reason for entry in ledger.entries] == [NO_MOTION]
    assert list(cohort.participants) == ["age", "sex", "site", "group", "family", "motion_mm"]
    assert cohort.other_connectomes is cohort.other_present is None
    assert (cohort.connectome_source, cohort.bold_source) == ("simulated", "simulated")
    assert not any(below_chance(run).any() for run in cohort.runs)


def test_missing_column(root):
    rewrite(events(root), lambda t: t.drop(columns="stimTop"))
    cohort, reason = complaint(root)
    assert "column 'stimTop' is missing" in reason
    assert len(cohort.connectomes) == PEOPLE  # still there for the other task
    assert cohort.runs[0].present.sum() == PEOPLE - 1


def test_text_in_a_number_column(root):
    def change(table):
        table.loc[4, "response_time"] = "fast"
        return table

    rewrite(events(root), change)
    _, reason = complaint(root)
    assert "line 6, column response_time: found 'fast', expected a number" in reason


def test_empty_events(root):
    rewrite(events(root), lambda t: t.iloc[:0])
    assert "a header but no events" in complaint(root)[1]


def test_events_that_were_not_downloaded(root):
    path = events(root)
    path.unlink()
    path.symlink_to(root / "annex")
    cohort, reason = complaint(root)
    assert "can not be opened (No such file or directory); was its content downloaded?" in reason
    assert len(cohort.connectomes) == PEOPLE


def test_not_utf8(root):
    path = events(root)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content.replace(b"face", b"f\xe4ce"))
    assert "not UTF-8 text (byte 0xe4)" in complaint(root)[1]


def test_two_datasets_and_the_leaf_that_settles_it(root):
    path = rest(root)
    values = series(path)
    reset_series(path, values, other=values)
    cohort, reason = complaint(root)
    assert "2 two-dimensional float datasets" in reason
    assert "--config.dataset" in reason
    assert len(cohort.connectomes) == PEOPLE  # the second rest run serves
    (entry,) = read_cohort(root, DataConfig(dataset="data"))[1].entries
    assert entry.reason == NO_MOTION


def test_wrong_parcel_count(root):
    path = rest(root)
    reset_series(path, series(path)[:-1])
    assert "expected one axis of" in complaint(root)[1]


def test_nan_series(root):
    path = rest(root)
    values = series(path)
    values[0, 3] = np.nan
    reset_series(path, values)
    assert "NaN or infinite values in 1 of" in complaint(root)[1]


def test_truncated_run(root):
    path = rest(root)
    reset_series(path, series(path)[:, :50])
    assert "truncated, 50 of" in complaint(root)[1]


def test_constant_parcel(root):
    path = rest(root)
    values = series(path)
    values[2] = 5.0
    reset_series(path, values)
    cohort, reason = complaint(root)
    assert "constant parcels" in reason and "their edges are set to 0" in reason
    assert np.isfinite(cohort.connectomes).all()


def test_a_broken_file_is_one_sentence(root):
    path = rest(root)
    path.unlink()
    path.write_bytes(b"not an hdf5 file")
    assert "can not be read as .h5" in complaint(root)[1]


def test_duplicate_participant(root):
    path = root / "participants.tsv"
    rewrite(path, lambda t: pd.concat([t, t.iloc[:1]]))
    assert "listed more than once" in complaint(root)[1]


def test_nobody_vanishes_without_a_line(root):
    person = first_person(root)
    rest(root).unlink()
    rest(root, "restAP_run-02").unlink()
    cohort, ledger = read_cohort(root)
    assert person not in cohort.participants.index
    assert any("not in the cohort" in e.reason for e in ledger.entries if e.participant == person)


TWO_SCANS = DataConfig(rest_runs=("restAP_run-01",), other_rest_runs=("restAP_run-02",))


def test_a_second_connectome_from_other_runs(root):
    path = rest(root, "restAP_run-02")
    path.unlink()
    cohort, ledger = read_cohort(root, TWO_SCANS)
    swapped, _ = read_cohort(root, DataConfig(rest_runs=TWO_SCANS.other_rest_runs))
    assert len(cohort.connectomes) == PEOPLE
    assert list(cohort.other_present) == [False, True, True, True]
    assert not cohort.other_connectomes[0].any()
    np.testing.assert_array_equal(cohort.other_connectomes[1:], swapped.connectomes)
    said = [entry.reason for entry in ledger.entries if entry.participant == first_person(root)]
    assert said == [
        "no file of this rest run",
        "no usable run of other_rest_runs: no second connectome",
    ]


def test_nobody_has_a_second_connectome(whole):
    cohort, ledger = read_cohort(whole, DataConfig(other_rest_runs=("restPA_run-01",)))
    assert cohort.other_connectomes is cohort.other_present is None
    (entry,) = (one for one in ledger.entries if "second connectome" in one.reason)
    assert (entry.participant, entry.reason) == (
        "all",
        "no file of restPA_run-01: nobody has a second connectome",
    )


def test_choices_that_can_not_be_meant(whole):
    with pytest.raises(DataError, match="'glasso', expected pearson or ledoit_wolf"):
        read_cohort(whole, DataConfig(estimator="glasso"))
    with pytest.raises(DataError, match="restAP_run-02 is one of rest_runs, expected other runs"):
        read_cohort(whole, DataConfig(other_rest_runs=("restAP_run-02",)))
    with pytest.raises(DataError, match="column mother is missing, found participant_id, species"):
        read_cohort(whole, DataConfig(family="mother"))


def test_the_estimator_reaches_the_connectomes(whole):
    pearson, shrunk = (
        np.tanh(read_cohort(whole, DataConfig(rest_runs=("restAP_run-01",), estimator=name))[0][1])
        for name in ("pearson", "ledoit_wolf")
    )
    share = shrunk / pearson
    assert (share.std(axis=1) < 1e-3).all() and (share < 1).all() and (share > 0.8).all()


def test_missing_imaging_and_missing_behaviour_are_errors(tmp_path, root):
    with pytest.raises(DataError, match="no such folder"):
        read_cohort(tmp_path / "nothing")
    with pytest.raises(DataError, match="no events"):
        read_cohort(tmp_path)
    shutil.rmtree(root / FOLDER)
    with pytest.raises(
        DataError, match="no parcel time series and no connectomes.*name it by --derivatives"
    ):
        read_cohort(root)


def test_real_events_of_everybody(shared):
    from dtb_jax.data.bids import decode_events, find_events
    from dtb_jax.data.tasks import FACES, STROOP

    counts = {}
    for task in (FACES, STROOP):
        for run, people in find_events(shared / "tcp", task).items():
            decoded = [decode_events(path, task)[0] for path in people.values()]
            counts[run] = (len(decoded), sum(len(t.onset_s) for t in decoded))
    assert counts == {
        "hammerAP_run-01": (219, 219 * 108),
        "stroopAP_run-01": (226, 226 * 78),
        "stroopPA_run-01": (219, 219 * 78),
    }
