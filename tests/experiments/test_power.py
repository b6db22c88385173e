"""How many people must be scanned: rows, figure, going on, sharing scans, mistakes."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments import power
from experiments.power_report import METRICS
from tests.experiments.test_experiments import complaint, run

TINY = [
    "--config.sizes=20,60",
    "--config.parcels=24",
    "--config.rest_volumes=60",
    "--config.test_people=60",
    "--config.ceiling_people=200",
    "--config.draws=3",
    "--config.labs=2",
    "--config.lab_most=20",
    "--config.permutations=20",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("power")
    found = run("power", workdir, *TINY, "--config.twin_sizes=20", "--config.twin_epochs=1")
    assert found.returncode == 0, found.stderr
    return workdir


def test_a_row_for_every_method_size_and_target(whole):
    table = pd.read_csv(whole / "power.tsv", sep="\t")
    rows = table.groupby(["method", "people"])
    assert set(rows.groups) == {("ridge", 20), ("ridge", 60), ("ridge_lab", 20), ("twin", 20)}
    for _, each in rows:
        assert {(task, metric) for task in ("faces", "stroop") for metric in METRICS} == set(
            zip(each["task"], each["metric"])
        )
    draws = rows["draws"].first().to_dict()
    # of 60 people there are three sets of 20 and one of 60
    assert draws == {("ridge", 20): 3, ("ridge", 60): 1, ("ridge_lab", 20): 2, ("twin", 20): 1}
    assert table["r"].between(-1, 1).all()
    labs = table["method"] == "ridge_lab"
    assert table["power"][labs].between(0, 1).all() and table["power"][~labs].isna().all()


def test_what_stands_beside_the_table(whole):
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["protocol"]["simulated"]
    assert len(metrics["table"]) == len(pd.read_csv(whole / "power.tsv", sep="\t"))
    assert 0 < metrics["edge_reliability"] < 1
    for task in ("faces", "stroop"):
        assert 0.2 < metrics["ceiling"][task]["reaction_time_r"] < 1
    assert [path.name for path in (whole / "figures").glob("*.png")] == ["power.png"]
    assert "simulated" in (whole / "report.html").read_text()


def test_it_goes_on_where_it_was(whole):
    steps = sorted((whole / "steps").glob("*.json"))
    before = {path: (path.read_text(), path.stat().st_mtime_ns) for path in steps}
    lost = whole / "steps" / "ridge_20.json"
    lost.unlink()
    found = run("power", whole, *TINY, "--config.twin_sizes=20", "--config.twin_epochs=1")
    assert found.returncode == 0, found.stderr
    for path, (text, then) in before.items():
        assert path.read_text() == text
        assert (path.stat().st_mtime_ns == then) == (path != lost)


def test_scans_are_shared_and_causes_make_the_difference(whole, tmp_path):
    edges = whole / "edges"
    then = {path: path.stat().st_mtime_ns for path in edges.glob("*.npy")}
    means = {}
    for rho in (0, 1):
        options = (f"--config.edges={edges}", f"--config.rho={rho}", "--config.labs=0")
        found = run("power", tmp_path / str(rho), *TINY, *options, "--config.twin_sizes=")
        assert found.returncode == 0, found.stderr
        told = json.loads((tmp_path / str(rho) / "steps" / "ridge_60.json").read_text())
        means[rho] = np.nanmean(np.array(told["r"], float))
    assert then == {path: path.stat().st_mtime_ns for path in edges.glob("*.npy")}
    assert means[1] > means[0]


MISTAKES = [
    ({"sizes": "a"}, "--config.sizes: 'a', expected numbers of people"),
    ({"sizes": "5"}, "--config.sizes: 5 people, expected at least 20"),
    ({"twin_sizes": "5"}, "--config.twin_sizes: 5 people"),
    ({"folds": 9}, "at most 5 folds"),
    ({"causes": "foo"}, "'foo': expected one of blocks, sparse, dense"),
    ({"rho": 2.0}, "rho 2.0: expected from 0"),
    ({"draws": 0}, "--config.draws: 0"),
    ({"parcels": 3}, "3 parcels"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES, ids=str)
def test_mistakes_are_one_line(options, words, tmp_path):
    assert words in complaint(power, tmp_path, **options)


def test_edges_of_another_scan_are_refused(whole, tmp_path):
    options = {"edges": str(whole / "edges"), "parcels": 24, "rest_volumes": 80}
    assert "rest_volumes 60, now 80" in complaint(power, tmp_path, **options)


def test_the_command_says_it_in_one_line(tmp_path):
    found = run("power", tmp_path, "--config.sizes=a")
    assert found.returncode != 0 and "Traceback" not in found.stderr
    assert found.stderr.startswith("DataError: --config.sizes: 'a'")
