"""From somebody else's events and a task file to an evaluated twin, the package unchanged."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from experiments import paper, stand_in

EXAMPLE = str(Path(__file__).parents[2] / "docs" / "examples" / "emomatching.yaml")


def test_piop2_runs_from_its_task_file_alone(shared, tmp_path):
    for name in ("made", "paper"):
        (tmp_path / name).mkdir()
    config = stand_in.get_config()
    config.events, config.tasks = str(shared / "piop2"), (EXAMPLE,)
    config.participants, config.rest_runs = 12, "restAP_run-01"
    stand_in.run(config, tmp_path / "made")
    config = paper.get_config()
    config.data, config.tasks, config.runs = str(tmp_path / "made/cohort"), (EXAMPLE,), ()
    config.rest_runs, config.split_s = ("restAP_run-01",), 125.0
    config.epochs, config.units, config.segments, config.identity = 2, 16, 2, False
    metrics = paper.run(config, tmp_path / "paper")
    assert metrics["protocol"]["runs"] == ["emomatching"]
    assert metrics["protocol"]["connectome"] == "simulated"
    assert metrics["protocol"]["bold"] == "none"
    told = json.loads((tmp_path / "paper/metrics.json").read_text())["models"]
    found = told["always_correct"]["emotions"]["choice_concordance"]["value"]
    shares, excluded = [], pd.read_csv(tmp_path / "paper/exclusions.tsv", sep="\t")
    slow = set(excluded.participant[excluded.reason.str.contains("below chance")])
    for path in sorted((shared / "piop2").glob("sub-*/func/*_events.tsv"))[:12]:
        table = pd.read_csv(path, sep="\t", keep_default_na=False)
        if path.name.split("_")[0] not in slow:
            in_time = pd.to_numeric(table.response_time, errors="coerce") <= 4.9
            right = (table.response_accuracy == "incorrect") & in_time
            shares.append(right[table.onset >= 125].mean())
    assert found == pytest.approx(sum(shares) / len(shares), abs=1e-9)
    assert told["twin"]["emotions"]["choice_concordance"]["n"] == len(shares)
    report = (tmp_path / "paper/report.html").read_text()
    assert "simulated" in report and "Emotions" in report
    # and edits of it, from the command line
    study = tmp_path / "study"
    read = [f"--tasks={EXAMPLE}", "--rest-runs=restAP_run-01", "--no-identity"]
    tiny = ["--units=8", "--epochs=1", "--segments=1"]
    few = ["--seeds=1", "--front=0", "--steps=2", "--components=4", "--permutations=20"]
    few += ["--smoothgrad-samples=1", "--attributed=2", "--people=8", "--folds=2"]
    for words in (
        ["train", tmp_path / "made/cohort", study, *read, *tiny],
        ["intervene", study, *tiny, *few],
        ["trial", study],
    ):
        found = CliRunner().invoke(app, [str(word) for word in words])
        assert found.exit_code == 0, found.output
    edits = json.loads((study / "edits/metrics.json").read_text())["edits"]
    assert list(edits) == ["cognitive"] and "Emotions RT" in edits["cognitive"]["sentence"]
