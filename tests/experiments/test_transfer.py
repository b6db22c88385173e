"""A frozen twin meets a cohort it never saw: whole, misspelt."""

import json

import pandas as pd
import pytest

from experiments import transfer
from tests.experiments.test_experiments import TWIN, breaches, complaint, run
from tests.small import write_small_cohort

OLD, NEW = 12, 10
MODELS = {
    *("twin", "shuffled_connectome", "another_person", "group_mean_connectome", "surrogate"),
    *("always_correct", "condition_mean", "item_profile", "own_training_half", "group_mean"),
    "group_t_map",
    *("own_half_and_items", "demographics", "ridge", "ceiling"),
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=OLD)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    place = tmp_path_factory.mktemp("strangers")
    return write_small_cohort(place, participants=NEW, label="NEW")


@pytest.fixture(scope="module")
def twin(cohort, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("twin")
    found = run("paper", workdir, f"--config.data={cohort}", *TWIN, "--config.identity=false")
    assert found.returncode == 0, found.stderr
    return workdir


@pytest.fixture(scope="module")
def transferred(twin, strangers, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("transferred")
    options = (f"--config.twin={twin}", f"--config.data={strangers}", "--config.methods=ridge")
    before = {path: path.stat().st_mtime_ns for path in twin.rglob("*")}
    found = run("transfer", workdir, *options)
    assert found.returncode == 0, found.stderr
    assert {path: path.stat().st_mtime_ns for path in twin.rglob("*")} == before, "frozen"
    return workdir


def test_the_contract_holds(transferred, shared):
    assert breaches(transferred, shared) == ""


def test_strangers_only_are_scored(transferred):
    metrics = json.loads((transferred / "metrics.json").read_text())
    assert (
        metrics["protocol"]["participants"] == NEW and not metrics["protocol"]["seen_in_training"]
    )
    assert metrics["protocol"]["twins_cohort"] == OLD
    assert set(metrics["models"]) == MODELS
    counted = {
        figure["n"]
        for tasks in metrics["models"].values()
        for figures in tasks.values()
        for figure in figures.values()
        if figure
    }
    assert max(counted) <= NEW, counted
    table = pd.read_csv(transferred / "predictions.tsv", sep="\t")
    assert set(table["participant"]) == {f"sub-NEW{k + 1:05d}" for k in range(NEW)}


def test_the_report_names_the_frozen_twin(transferred, twin):
    report = (transferred / "report.html").read_text()
    assert "simulated" in report and "What the data support" in report
    assert f"A twin of {OLD} other people, frozen" in report
    drawn = {path.name for path in (transferred / "figures").glob("*.png")}
    assert drawn == {"reaction_times.png", "reliability.png", "verdict.png"}


def test_mistakes_are_one_line(cohort, twin, strangers, tmp_path):
    unseen, untrained = tmp_path / "unseen", tmp_path / "untrained"
    unseen.mkdir()
    (unseen / "config.json").write_text('{"folds": 2}')
    untrained.mkdir()
    (untrained / "config.json").write_text((twin / "config.json").read_text())
    good = {"twin": str(twin), "data": str(strangers)}
    for options, words in (
        ({"twin": ""}, "'' holds no config.json"),
        ({"twin": "/nowhere"}, "'/nowhere' holds no config.json"),
        ({"twin": str(unseen)}, "cross-validated twins"),
        ({"twin": str(untrained)}, "no checkpoint"),
        ({"data": str(cohort)}, "12 people are in both cohorts, sub-SIM00001 first"),
        ({"data": ""}, "--config.data: empty"),
        ({"twin_data": "/nowhere"}, "give --config.twin_data=DIR"),
        ({"methods": "foo"}, "--config.methods: 'foo'"),
    ):
        assert words in complaint(transfer, tmp_path / "w", **good | options)
    assert not list(untrained.glob("*/")), "a folder that is only read"


def test_the_command_says_it_in_one_line(twin, cohort, tmp_path):
    found = run("transfer", tmp_path / "w", f"--config.twin={twin}", f"--config.data={cohort}")
    assert found.returncode != 0 and "Traceback" not in found.stderr
    assert "not a cohort never seen" in found.stderr.splitlines()[-1]
