"""The experiment as its users run it: contract, labels, one-line mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dtb_jax.simulation.people import has_truth

ROOT = Path(__file__).parents[2]
SMALL = ("--config.participants=8", "--config.parcels=32", "--config.rest_volumes=120")


def run(workdir, *options):
    command = [sys.executable, "-m", "experiments.groundtruth", f"--workdir={workdir}", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_contract(tmp_path):
    options = (*SMALL, "--config.rho=0.5", "--config.rho_of=lapse=0", "--config.ceiling_people=128")
    found = run(tmp_path, *options)
    assert found.returncode == 0, found.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert len(metrics["calibration"]) == 71
    for row in metrics["calibration"].values():
        assert {"simulated", "real", "tolerance", "source"} == set(row)
    assert set(metrics["ceiling"]) == {"time", "run", "people"}
    assert metrics["protocol"]["rho"]["lapse"] == 0
    assert metrics["protocol"]["rho"]["drift"] == 0.5
    assert has_truth(tmp_path / "cohort")
    report = (tmp_path / "report.html").read_text()
    assert "Everything here is simulated" in report
    assert {p.stem for p in (tmp_path / "figures").glob("*.png")} == {
        "calibration",
        "ceilings",
        "connectome",
    }
    other = run(tmp_path, *options, "--config.seed=1")
    assert other.returncode != 0 and "seed 0, now 1" in other.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--config.rho=2", "expected from 0"),
        ("--config.rho_of=speed=1", "expected NAME=NUMBER"),
        ("--config.causes=magic", "expected one of blocks, sparse, dense"),
        ("--config.parcels=7", "expected from 20"),
        ("--config.atlas=/none.tsv", "no table of parcel names"),
        ("--config.participants=0", "expected at least 1"),
        ("--config.rest_runs=nap", "expected some of restAP_run-01"),
    ],
)
def test_mistakes_are_one_line(option, words, tmp_path):
    found = run(tmp_path, *SMALL, option)
    assert found.returncode != 0
    assert words in found.stderr and "Traceback" not in found.stderr
