"""Twins of unseen people: whole, interrupted, broken, misspelt."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data.confounds import design
from dtb_jax.evaluation.crossvalidation import CrossValPredictions
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.protocol import Rule
from dtb_jax.workflows import session
from dtb_jax.workflows import unseen as lab
from dtb_jax.workflows.config import HeldOutConfig
from experiments import unseen
from tests.experiments.test_experiments import ROOT, TWIN, breaches, command, complaint, run
from tests.small import write_small_cohort

PEOPLE = 25  # folds of 13 and 12
# Where a batch holds all who train, its length is theirs: every size of fold has its own program.
SMALL = [*TWIN, "--config.batch_people=8"]
SMALL += ["--config.folds=2", "--config.methods=ridge", "--config.shots=0,5"]
EVERYTHING = [
    "--config.identity=true",
    "--config.retrained=1",
    "--config.tangent=true",
    "--config.other_rest_runs=('restPA_run-01',)",
]
CROSSED = [
    *("--config.shots=", "--config.constant_input=false", "--config.repeats=2"),
    *("--config.split=both", "--config.remove_from_connectome=site,motion_mm"),
]
LOST = "sub-SIM00002"
RUNS = ("restAP_run-01", "restAP_run-02", "restPA_run-01")
MODELS = {
    *("twin", "shuffled_connectome", "another_person", "group_mean_connectome", "surrogate"),
    *("other_rest_run", "one_hot_identity", "shuffled_retrained", "constant_input"),
    *("always_correct", "condition_mean", "item_profile", "own_training_half", "group_mean"),
    "group_t_map",
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_LOG_COMPILES", "1")
        found = run("unseen", workdir, f"--config.data={cohort}", *SMALL, *EVERYTHING)
    assert found.returncode == 0, found.stderr
    (workdir / "log").write_text(found.stderr)
    return workdir


def read(workdir):
    return json.loads((workdir / "metrics.json").read_text())


def test_every_model_stands_beside_the_twin(whole):
    metrics = read(whole)
    assert set(metrics["models"]) == MODELS
    assert set(metrics["few_shot"]) == {"twin", "shrinkage"}
    assert all(set(each) == {"0", "5"} for each in metrics["few_shot"].values())
    assert metrics["protocol"]["folds"] == 2 and metrics["protocol"]["connectome"] == "simulated"
    r = {k: v["faces"].get("reaction_time_r") for k, v in metrics["models"].items()}
    assert r["group_mean_connectome"] is None and r["always_correct"] is None
    assert r["own_training_half"]["value"] > 0.5
    sentences = [one["sentence"] for one in metrics["verdict"].values()]
    said = ("among unseen people", "undefined", "people in 2 folds cannot answer this")
    assert all(any(words in s for words in said) for s in sentences)
    assert {one["kind"] for one in metrics["trial_lists"].values()} == {"one"}
    assert set(metrics["permutation_p_refit"]) == {"ridge", "twin"}
    assert min(metrics["permutation_p_refit"]["twin"].values()) >= 1 / 2  # one null


def test_folds_share_one_compilation(whole):
    compiled = Counter(re.findall(r"Compiling jit\((\w+)\)", (whole / "log").read_text()))
    # the twin, which shuffled connectomes train too; constant input; name tags
    assert compiled["train_step"] == compiled["held_out_loss"] == 3, compiled


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


def test_the_contract_holds(whole, shared):
    assert breaches(whole, shared) == ""


@pytest.fixture(scope="module")
def odd(cohort, tmp_path_factory):
    """The cohort with known motion, one person's faces and another's whole imaging broken."""
    copy = tmp_path_factory.mktemp("odd") / "cohort"
    shutil.copytree(cohort, copy)
    table = pd.read_csv(copy / "participants.tsv", sep="\t", dtype=str)
    table["mean_fd"] = np.linspace(0.05, 0.5, len(table))
    table.to_csv(copy / "participants.tsv", sep="\t", index=False)
    events = min(copy.glob("sub-*/func/*hammerAP*_events.tsv"))
    events.write_text(events.read_text().replace("onset", "start"))
    for path in copy.rglob("*.h5"):
        if LOST.removeprefix("sub-") in str(path) and "rest" in path.name:
            path.write_bytes(path.read_bytes()[:2000])
    return copy


@pytest.fixture(scope="module")
def broken(odd, tmp_path_factory):
    """Two rounds of folds that cross people and time, on harmonised edges."""
    workdir = tmp_path_factory.mktemp("broken")
    found = run("unseen", workdir, f"--config.data={odd}", *SMALL, *CROSSED)
    assert found.returncode == 0, found.stderr
    return workdir


def test_broken_files_cost_whose_they_are(broken):
    metrics = read(broken)
    assert metrics["protocol"]["people_and_time"] and metrics["protocol"]["repeats"] == 2
    assert metrics["protocol"]["removed_from_connectome"] == "site,motion_mm"
    ledger = pd.read_csv(broken / "exclusions.tsv", sep="\t").fillna("")
    (one,) = ledger[ledger["run"] == "hammerAP_run-01"].to_dict("records")
    assert one["participant"] == "sub-SIM00001" and "onset" in one["reason"]
    assert "no usable rest run" in " ".join(ledger["reason"][ledger["participant"] == LOST])
    told = pd.read_csv(broken / "predictions.tsv", sep="\t")
    tested = told.groupby("task")["participant"].unique()
    everyone = {f"sub-SIM{k + 1:05d}" for k in range(PEOPLE)} - {LOST}
    assert set(tested["stroop"]) == everyone
    assert set(tested["faces"]) == everyone - {"sub-SIM00001"}
    assert not (broken / "figures" / "few_shot.png").exists()


def without_clock(workdir):
    return {key: value for key, value in read(workdir).items() if key != "timing"}


def test_kill_9_costs_the_fit_that_was_running_only(odd, broken, tmp_path):
    killed = tmp_path / "killed"
    options = (f"--config.data={odd}", *SMALL, *CROSSED)
    process = subprocess.Popen(
        command("unseen", killed, *options), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not list(killed.glob("folds/fold_*_twin.npz")) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {p: p.stat().st_mtime_ns for p in killed.glob("folds/fold_*.npz")}
    assert 0 < len(before) < len(list(broken.glob("folds/fold_*.npz")))
    again = run("unseen", killed, *options)
    assert again.returncode == 0, again.stderr
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert without_clock(killed) == without_clock(broken)
    told = [(place / "predictions.tsv").read_bytes() for place in (killed, broken)]
    assert told[0] == told[1]


@pytest.mark.parametrize("columns", ["site", "motion_mm", "site, motion_mm"])
def test_what_is_removed_is_not_in_the_training_peoples_edges(columns, odd, tmp_path):
    options = HeldOutConfig.of(data=str(odd), folds=2, remove_from_connectome=columns)
    cohort, _ = session.read_data(options.data)
    seen = []

    def family(prepared, fold):
        trained, names = fold.training.people, columns.split(", ")
        known = design(prepared.participants, names, trained)[trained]
        edges = [c.connectomes[trained].astype(float) for c in (cohort, prepared)]
        seen.append([np.abs(known.T @ (e - e.mean(axis=0))).max() for e in edges])
        return [Prediction()] * len(cohort.runs)

    folds = lab.make_folds(options, cohort, seed=0)
    told = lab.cross_validated(
        options, cohort, folds, lab.Asked({"f": Rule(family)}, {}, {}), tmp_path
    )
    assert isinstance(told, CrossValPredictions) and len(seen) == 2
    assert all(after < 1e-3 * before for before, after in seen), seen


MISTAKES = [
    ({"data": ""}, "--config.data: empty"),
    ({"data": "/nowhere"}, "/nowhere"),
    ({"split": "foo"}, "'foo', expected people or both"),
    ({"methods": "ridge,foo"}, "--config.methods: 'foo', expected some of ridge"),
    ({"shots": "a"}, "expected numbers like 0,5,20"),
    ({"shots": "-1,5"}, "expected no negative number"),
    ({"retrained": -1}, "--config.retrained: -1"),
    ({"folds": 100}, "--config.folds: 25 people"),
    ({"repeats": 0}, "--config.repeats: 0"),
    ({"epochs": 0}, "--config.epochs: 0"),
    ({"remove_from_connectome": "shoe_size"}, "'shoe_size', expected some of age, sex, site"),
    ({"remove_from_connectome": "site,motion_mm"}, "'motion_mm', expected some of age"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES, ids=str)
def test_mistakes_are_one_line(options, words, cohort, tmp_path):
    assert words in complaint(unseen, tmp_path, **{"data": str(cohort)} | options)


def test_the_command_says_it_in_one_line(cohort, tmp_path):
    found = run("unseen", tmp_path / "w", f"--config.data={cohort}", "--config.shots=a")
    assert found.returncode != 0 and "Traceback" not in found.stderr
    assert found.stderr.splitlines()[-1].startswith("DataError: --config.shots: 'a'")
