"""Twins of unseen people, and of another cohort: whole, interrupted, broken, misspelt."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from tests.experiments.test_experiments import ROOT, command, run
from tests.small import write_small_cohort

PEOPLE = 24
TWIN = ["--config.units=8", "--config.width=10", "--config.epochs=2"]
SMALL = [*TWIN, "--config.folds=2", "--config.methods=ridge", "--config.shots=0,5"]
EVERYTHING = [
    "--config.identity=true",
    "--config.retrained=1",
    "--config.tangent=true",
    "--config.other_rest_runs=('restPA_run-01',)",
]
RUNS = ("restAP_run-01", "restAP_run-02", "restPA_run-01")
MODELS = {
    *("twin", "shuffled_connectome", "another_person", "group_mean_connectome", "surrogate"),
    *("other_rest_run", "one_hot_identity", "shuffled_retrained", "constant_input"),
    *("always_correct", "condition_mean", "item_profile", "own_training_half", "group_mean"),
    *("own_half_and_items", "demographics", "ridge", "tangent_ridge"),
    *("oracle_parameters", "oracle_scores", "ceiling"),
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    place = tmp_path_factory.mktemp("cohort")
    return write_small_cohort(place, participants=PEOPLE, rest_runs=RUNS)


@pytest.fixture(scope="module")
def whole(cohort, tmp_path_factory):
    """One run with everything."""
    workdir = tmp_path_factory.mktemp("unseen")
    found = run("unseen", workdir, f"--config.data={cohort}", *SMALL, *EVERYTHING)
    assert found.returncode == 0, found.stderr
    return workdir


def read(workdir):
    return json.loads((workdir / "metrics.json").read_text())


def test_every_model_stands_beside_the_twin(whole):
    metrics = read(whole)
    assert set(metrics["models"]) == MODELS
    assert set(metrics["few_shot"]) == {"faces", "stroop"} or metrics["few_shot"]
    assert metrics["protocol"]["folds"] == 2 and metrics["protocol"]["connectome"] == "simulated"
    r = {k: v["faces"].get("reaction_time_r") for k, v in metrics["models"].items()}
    assert r["group_mean_connectome"] is None and r["always_correct"] is None
    assert r["own_training_half"]["value"] > 0.5
    sentences = [one["sentence"] for one in metrics["verdict"].values()]
    assert all("among unseen people" in s or "undefined" in s for s in sentences)
    assert set(metrics["permutation_p_refit"]) == {"ridge", "twin"}
    assert min(metrics["permutation_p_refit"]["twin"].values()) >= 1 / 2  # one null


def test_the_report_shows_it(whole):
    report = (whole / "report.html").read_text()
    assert "What the data support" in report and "simulated" in report
    assert {p.name for p in (whole / "figures").glob("*.png")} == {
        "few_shot.png",
        "reaction_times.png",
        "reliability.png",
        "verdict.png",
    }
    table = pd.read_csv(whole / "predictions.tsv", sep="\t")
    assert table["participant"].nunique() == PEOPLE


@pytest.mark.parametrize("kind", ["whole", "transferred"])
def test_the_contract_holds(kind, shared, request):
    done = subprocess.run(
        [sys.executable, shared / "check_contract.py", request.getfixturevalue(kind)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def without_clock(metrics):
    return {key: value for key, value in metrics.items() if key != "timing"}


def test_kill_9_costs_the_fit_that_was_running_only(cohort, whole, tmp_path):
    killed = tmp_path / "killed"
    options = (f"--config.data={cohort}", *SMALL, *EVERYTHING)
    process = subprocess.Popen(
        command("unseen", killed, *options), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not list(killed.glob("folds/*_twin.npz")) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {p: p.stat().st_mtime_ns for p in killed.glob("folds/*.npz")}
    assert 0 < len(before) < len(list(whole.glob("folds/*.npz")))
    again = run("unseen", killed, *options)
    assert again.returncode == 0, again.stderr
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert without_clock(read(killed)) == without_clock(read(whole))


def test_a_broken_file_costs_one_person(cohort, tmp_path):
    copy = tmp_path / "cohort"
    shutil.copytree(cohort, copy, copy_function=os.link)
    events = min(copy.glob("sub-*/func/*hammerAP*_events.tsv"))
    text = events.read_text().replace("trial_type", "typo")
    events.unlink()
    events.write_text(text.replace("onset", "start"))
    options = ("--config.shots=", "--config.constant_input=false", "--config.repeats=2")
    more = ("--config.split=both", "--config.remove_from_connectome=site,motion_mm")
    found = run("unseen", tmp_path / "w", f"--config.data={copy}", *SMALL, *options, *more)
    assert found.returncode == 0, found.stderr
    metrics = read(tmp_path / "w")
    assert metrics["protocol"]["people_and_time"] and metrics["protocol"]["repeats"] == 2
    assert metrics["protocol"]["removed_from_connectome"] == "site,motion_mm"
    ledger = (tmp_path / "w" / "exclusions.tsv").read_text()
    assert events.name.split("_")[0] in ledger and "onset" in ledger
    assert metrics["models"]["always_correct"]["stroop"]["choice_concordance"]["n"] >= PEOPLE - 3
    assert not (tmp_path / "w" / "figures" / "few_shot.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--config.split=foo"], "'foo', expected people or both"),
        (["--config.methods=foo"], "'foo' is none of them"),
        (["--config.shots=a"], "expected numbers like 0,5,20"),
        (["--config.folds=100"], "--config.folds"),
        (["--config.remove_from_connectome=shoe_size"], "shoe_size"),
    ],
)
def test_mistakes_are_one_line(options, words, cohort, tmp_path):
    found = run("unseen", tmp_path / "w", f"--config.data={cohort}", *SMALL, *options)
    assert found.returncode != 0
    assert words in found.stderr
    assert "Traceback" not in found.stderr


@pytest.fixture(scope="module")
def twin(cohort, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("paper")
    found = run("paper", workdir, f"--config.data={cohort}", *TWIN, "--config.identity=false")
    assert found.returncode == 0, found.stderr
    return workdir


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("other"), participants=10, label="NEW")


@pytest.fixture(scope="module")
def transferred(twin, strangers, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("transfer")
    options = (f"--config.twin={twin}", f"--config.data={strangers}", "--config.methods=ridge")
    found = run("transfer", workdir, *options)
    assert found.returncode == 0, found.stderr
    return workdir


def test_a_frozen_twin_meets_strangers(transferred):
    metrics = read(transferred)
    assert metrics["protocol"]["twins_cohort"] == PEOPLE
    table = pd.read_csv(transferred / "predictions.tsv", sep="\t")
    assert set(table["participant"].str[:7]) == {"sub-NEW"}
    assert np.all([v["n"] <= 10 for v in metrics["models"]["twin"]["faces"].values()])
    assert "frozen" in (transferred / "report.html").read_text()


def test_mistakes_of_a_transfer_are_one_line(cohort, twin, strangers, whole, tmp_path):
    for options, words in (
        ([f"--config.data={strangers}"], "holds no config.json"),
        ([f"--config.twin={whole}", f"--config.data={strangers}"], "cross-validated twins"),
        ([f"--config.twin={twin}", f"--config.data={cohort}"], "not a cohort never seen"),
        (
            [f"--config.twin={twin}", f"--config.data={strangers}", "--config.twin_data=/nowhere"],
            "give --config.twin_data=DIR",
        ),
    ):
        found = run("transfer", tmp_path / "w", *options)
        assert found.returncode != 0 and words in found.stderr, found.stderr
        assert "Traceback" not in found.stderr
