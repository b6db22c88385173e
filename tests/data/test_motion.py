"""Framewise displacement from every source a folder may have, whole and broken."""

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import DataConfig, ExclusionLog, read_cohort
from dtb_jax.data.derivatives import find_imaging
from dtb_jax.data.motion import read_motion
from dtb_jax.simulation import cohort as writer
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.people import load_truth
from dtb_jax.simulation.world import make_world

PEOPLE = ["sub-NDARINVA1", "sub-NDARINVB2", "sub-NDARINVC3"]
RUNS = ("restAP_run-01", "restAP_run-02")


def motion(root, told=(np.nan, np.nan, np.nan), runs=RUNS):
    """mm of the three people, and the ledger's lines."""
    ledger = ExclusionLog()
    found = read_motion(root, pd.Series(told, index=PEOPLE, dtype=float), runs, ledger)
    assert list(found.index) == PEOPLE
    assert not any("\n" in entry.reason for entry in ledger.entries)
    return list(found), [(e.participant, e.run, e.reason) for e in ledger.entries]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_confounds(root, person, run, cells, kind="timeseries", column="framewise_displacement"):
    name = f"{person}_ses-1_task-{run}_desc-confounds_{kind}.tsv"
    rows = "\n".join(f"{cell}\t0" for cell in cells)
    write(root / "derivatives" / person / "ses-1" / "func" / name, f"{column}\tcsf\n{rows}")


def test_no_source_is_one_line(tmp_path):
    found, said = motion(tmp_path)
    assert np.isnan(found).all()
    assert said == [("all", "", "no motion files: no figures after motion")]


def test_confounds_weigh_volumes_alike(tmp_path):
    write_confounds(tmp_path, PEOPLE[0], "restAP_run-01", ["n/a", 0.1, 0.3])
    write_confounds(tmp_path, PEOPLE[0], "restAP_run-02", ["n/a", 0.5], kind="regressors")
    write_confounds(tmp_path, PEOPLE[0], "stroopAP_run-01", [9])
    found, said = motion(tmp_path, told=(7, 0.2, np.nan))
    np.testing.assert_allclose(found, [0.3, 0.2, np.nan])
    assert said == [(PEOPLE[2], "", "motion unknown: not in figures after motion")]


def test_broken_confounds(tmp_path):
    write_confounds(tmp_path, PEOPLE[0], "restAP_run-01", [0.1], column="FD")
    write_confounds(tmp_path, PEOPLE[1], "restAP_run-01", ["n/a", "fast", -1, 0.4])
    write_confounds(tmp_path, PEOPLE[2], "restAP_run-01", ["n/a"])
    empty = (
        tmp_path / f"{PEOPLE[2]}/func/{PEOPLE[2]}_task-restAP_run-02_desc-confounds_timeseries.tsv"
    )
    write(empty, "")
    found, said = motion(tmp_path)
    np.testing.assert_allclose(found, [np.nan, 0.4, np.nan])
    reasons = {(person, run): reason for person, run, reason in reversed(said)}
    assert "column framewise_displacement is missing" in reasons[PEOPLE[0], RUNS[0]]
    assert "2 cells such as 'fast', expected millimetres" in reasons[PEOPLE[1], RUNS[0]]
    assert "no number in column framewise" in reasons[PEOPLE[2], RUNS[0]]
    assert "the file is empty" in reasons[PEOPLE[2], RUNS[1]]


TABLES = {
    "plain": "NDAR_INVA1,0.1,0.3\nNDAR_INVB2,0.2,\nNDAR_INVD4,9,9\n",
    "a header": "subject,TR1,TR2\nsub-NDARINVA1,0.1,0.3\nsub-NDARINVB2,0.2,NaN\n",
    "counted rows": ",ID,1,2\n0,ndarinva1,0.1,0.3\n1,ndarinvb2,NA,0.2\n",
    "ids last, from Excel": "\ufeff0.1,0.3,NDARINVA1\r\n0.2,,NDARINVB2\r\n\r\n",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_tcps_tables_in_any_form(tmp_path, text):
    write(tmp_path / "motion_FD" / "TCP_FD_rest_AP_1.csv", text)
    found, said = motion(tmp_path, runs=RUNS[:1])
    np.testing.assert_allclose(found, [0.2, 0.2, np.nan])
    assert said == [(PEOPLE[2], "", "motion unknown: not in figures after motion")]


@pytest.mark.parametrize(
    "name", ["TCP_FD_rest_AP_1", "restAP_run-01", "task-RestAP_run-01_bold_488_FD", "FD_restAP1"]
)
def test_names_of_one_run(tmp_path, name):
    for k, other in enumerate(["rest_AP_2", "rest_AP_11", "rest_PA_1", "stroop_AP", name]):
        write(tmp_path / "motion_FD" / f"{other}.csv", f"NDAR_INVA1,{k}")
    assert motion(tmp_path, runs=RUNS[:1])[0][0] == 4


def test_a_run_without_a_number(tmp_path):
    for k, name in enumerate(["FD_rest_1", "FD_restAP", "FD_rest"]):
        write(tmp_path / "motion_FD" / f"{name}.csv", f"sub-NDARINVA1,{k}")
    assert motion(tmp_path, runs=("rest",))[0][0] == 2


BROKEN = {
    "": "the file is empty, expected a row a person",
    "0.1,0.2\n0.3,0.4\n": "no column of participant ids, found '0.3' in the last row",
    "../.git/annex/objects/1m/8M": "no column of participant ids, found '../.git/annex/objects/1m",
    "NDAR_INVA1,NDAR_INVB2\n0.1,0.2\n0.3,0.4\n": "no column of participant ids",
    "NDAR_INVX1,0.1\nNDAR_INVX2,0.2\n": "none of these people, found 'NDAR_INVX2' in the last row",
    "NDAR_INVA1,\udce4": "can not be read as csv",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_table_is_one_line(tmp_path, text):
    path = tmp_path / "motion_FD" / "TCP_FD_rest_AP_1.csv"
    write(path, "")
    path.write_bytes(text.encode(errors="surrogateescape"))
    found, said = motion(tmp_path, told=(0.1, 0.2, 0.3), runs=RUNS[:1])
    assert found == [0.1, 0.2, 0.3]
    ((who, run, reason),) = said
    assert (who, run) == ("all", RUNS[0]) and BROKEN[text] in reason


def test_text_in_a_trace_costs_one_line_a_file(tmp_path):
    folder = tmp_path / "motion_FD"
    write(folder / "TCP_FD_rest_AP_1.csv", "NDAR_INVA1,MDD,0.1,inf\nNDAR_INVB2,GenPop,0.2,0.4\n")
    found, said = motion(tmp_path)
    np.testing.assert_allclose(found, [0.1, 0.3, np.nan])
    assert [line[:2] for line in said] == [("all", RUNS[0]), ("all", RUNS[1]), (PEOPLE[2], "")]
    assert "3 cells such as 'MDD', expected millimetres: left out" in said[0][2]
    assert "no table of this rest run, found TCP_FD_rest_AP_1.csv" in said[1][2]


def test_files_whose_content_was_not_downloaded(tmp_path):
    name = f"{PEOPLE[0]}_task-restAP_run-01_desc-confounds_timeseries.tsv"
    for path in (tmp_path / "motion_FD" / "rest_AP_1.csv", tmp_path / PEOPLE[0] / "func" / name):
        path.parent.mkdir(parents=True)
        path.symlink_to(tmp_path / "annex")
    found, said = motion(tmp_path, runs=RUNS[:1])
    assert np.isnan(found).all()
    assert "can not be read as csv" in said[0][2] and "was its content downloaded?" in said[1][2]
    assert said[2] == ("all", "", "no motion of these rest runs: no figures after motion")


def test_confounds_are_not_series(root):
    person = sorted(path.name for path in root.glob("sub-*"))[0]
    before = find_imaging(root).series
    write_confounds(root, person, "restAP_run-01", ["n/a", 0.25])
    write_confounds(root, person, "restAP_run-03", ["n/a", 0.25])
    assert find_imaging(root).series == before
    cohort, _ = read_cohort(root, DataConfig())
    assert cohort.participants["motion_mm"][person] == 0.25
    assert cohort.participants["motion_mm"].isna().sum() == 3


def test_simulated_people_who_move(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CHUNK", 2)
    world = make_world(choose_parcels(24), seed=0, motion=0.2)
    options = {"participants": 3, "rest_volumes": 60, "series": False}

    def interrupted(chunks):
        yield chunks[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.write_cohort(tmp_path / "a", world, progress=interrupted, **options)
    for folder in ("a", "b", "b"):
        writer.write_cohort(tmp_path / folder, world, **options)
    tables = [(tmp_path / folder / "participants.tsv").read_bytes() for folder in ("a", "b")]
    assert tables[0] == tables[1]
    cohort, ledger = read_cohort(tmp_path / "a")
    _, people = load_truth(tmp_path / "a")
    np.testing.assert_array_equal(cohort.participants["motion_mm"], people.motion)
    assert ledger.entries and not any("motion" in entry.reason for entry in ledger.entries)
