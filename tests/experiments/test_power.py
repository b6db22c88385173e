"""How many people must be scanned: rows, figure, going on, sharing scans, mistakes."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.experiments.test_experiments import run

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


def test_a_row_for_every_method_and_size(whole):
    table = pd.read_csv(whole / "power.tsv", sep="\t")
    assert {tuple(row) for row in table[["method", "people"]].drop_duplicates().to_numpy()} >= {
        ("ridge", 20),
        ("ridge", 60),
        ("ridge_lab", 20),
        ("twin", 20),
    }
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["protocol"]["simulated"]
    assert len(metrics["table"]) == len(table)
    assert list((whole / "figures").glob("*.png"))
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


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--config.sizes=a", "expected numbers of people"),
        ("--config.sizes=5", "expected at least 20"),
        ("--config.folds=9", "at most 5 folds"),
        ("--config.causes=foo", "foo"),
        ("--config.rho=2", "rho"),
        ("--config.draws=0", "--config.draws: 0"),
    ],
)
def test_mistakes_are_one_line(option, words, tmp_path):
    found = run("power", tmp_path, *TINY, option)
    assert found.returncode != 0
    assert words in found.stderr and "Traceback" not in found.stderr, found.stderr
