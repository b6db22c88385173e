"""Experiments as their users run them: the contract holds, they resume, mistakes are one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dtb_jax.data import DataError
from dtb_jax.workflows import session
from dtb_jax.workflows.config import EXACT
from tests.small import write_small_cohort

ROOT = Path(__file__).parents[2]
TWIN = ["--config.units=8", "--config.width=10", "--config.epochs=2"]
SMALL = ["--config.units=16", "--config.width=20", "--config.epochs=6", "--config.save_every=1"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=6)


def command(name, workdir, *options):
    return [sys.executable, "-m", f"experiments.{name}", f"--workdir={workdir}", *options]


def run(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=ROOT)


def breaches(workdir, shared):
    """What the contract's own check finds in a folder; "" where it holds."""
    check = [sys.executable, shared / "check_contract.py", workdir]
    done = subprocess.run(check, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def complaint(experiment, workdir, **options):
    """The line with which an experiment refuses these options; its folder takes others after."""
    config = experiment.get_config()
    config.update(options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "settle_jax", lambda: None)
        with pytest.raises(DataError) as caught:
            experiment.run(config, workdir)
    assert not (workdir / "config.json").exists()
    (line,) = str(caught.value).splitlines()
    return line


def test_paper_keeps_the_contract_and_survives_kill_9(cohort, tmp_path):
    options = (f"--config.data={cohort}", *SMALL)
    whole = run("paper", tmp_path / "whole", *options)
    assert whole.returncode == 0, whole.stderr
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert metrics["protocol"]["connectome"] == "simulated"
    assert "simulated" in (tmp_path / "whole" / "report.html").read_text()
    assert len(list((tmp_path / "whole" / "figures").glob("*.png"))) == 8

    killed = tmp_path / "killed"
    process = subprocess.Popen(
        command("paper", killed, *options), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not list(killed.glob("checkpoints/[0-9]")) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = run("paper", killed, *options)
    assert again.returncode == 0, again.stderr
    assert parameters(killed) == parameters(tmp_path / "whole")


def parameters(workdir):
    """Sum and bytes of the last saved parameters."""
    import orbax.checkpoint as ocp

    with ocp.CheckpointManager((workdir / "checkpoints").absolute()) as manager:
        assert manager.latest_step() == 6
        found = manager.restore(6, args=ocp.args.Composite(state=ocp.args.StandardRestore()))
    import jax

    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(found["state"])]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--config.data: empty"),
        (["--config.data=/nowhere"], "no such folder"),
        (["--config.response=guess"], "expected hazard or pulses"),
        (["--config.epoch=3"], "no option 'epoch'. Did you mean \"epochs\""),
        (["--config.zzzz=3"], "--config: no option 'zzzz'"),
    ],
)
def test_mistakes_are_one_line(options, words, tmp_path, cohort):
    options = options or []
    if "response" in "".join(options):
        options = [*options, f"--config.data={cohort}"]
    found = run("paper", tmp_path / "w", *options)
    assert found.returncode != 0
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_another_config_in_the_same_folder_is_refused(cohort, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"units": 3}))
    found = run("paper", tmp_path, f"--config.data={cohort}", *SMALL)
    assert found.returncode != 0
    assert "this folder holds a run with other options" in found.stderr


def test_exact_overrules_an_experiments_numbers_but_not_the_users(capsys):
    from experiments import paper, quickstart

    for experiment in (paper, quickstart):
        config = experiment.get_config()
        config.exact, config.epochs = True, 3
        paper.set_exact(config, {"exact", "epochs"})
        assert {key: config[key] for key in EXACT} == {**EXACT, "epochs": 3}
        assert capsys.readouterr().out == "the paper's numbers except epochs = 3\n"


def test_exact_keeps_an_option_that_names_the_default(tmp_path):
    options = ("--config.exact=true", "--config.units=64", f"--config.data={tmp_path / 'none'}")
    found = run("paper", tmp_path / "out", *options)
    assert found.stdout == "the paper's numbers except units = 64\n"
    assert found.returncode != 0
