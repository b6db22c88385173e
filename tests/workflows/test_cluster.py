"""Array jobs: every task leaves its part, what failed is named, and the next call goes on."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from dtb_jax.data import DataError
from dtb_jax.workflows.cluster import Cluster, JobSubmitted, submit

submitit = pytest.importorskip("submitit")


def leave(folder: Path, name: str) -> None:
    """A task that leaves a file; called broken or killed, it does so the second time."""
    began = folder / f"{name}.began"
    if not began.exists():
        began.touch()
        if name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "broken":
            raise DataError("sub-01: no such thing")
    (folder / name).write_text("done")


def note_devices(folder: Path) -> None:
    (folder / "seen").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))


@pytest.mark.parametrize("before", [None, "1"])
def test_a_task_of_this_machine_sees_its_devices(before, tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    submit(Cluster(submit="local"), tmp_path, {"look": partial(note_devices, tmp_path)})
    assert (tmp_path / "seen").read_text() == (before or "all")


def missing(folder, names):
    return {name: partial(leave, folder, name) for name in names if not (folder / name).exists()}


def test_all_tasks_leave_their_part(tmp_path):
    names = ["a", "b", "c"]
    submit(Cluster(submit="local", at_once=2), tmp_path, missing(tmp_path, names))
    assert all((tmp_path / name).read_text() == "done" for name in names)


def test_nothing_is_submitted_where_nothing_is_missing(tmp_path):
    submit(Cluster(submit="local"), tmp_path, {})
    submit(Cluster(), tmp_path, missing(tmp_path, ["a"]))
    assert not (tmp_path / "jobs").exists() and not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("broken", "DataError: sub-01: no such thing"), ("killed", "killed")]
)
def test_a_task_that_fails_is_named_and_done_by_the_next_call(tmp_path, name, words, monkeypatch):
    monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)  # who is killed leaves none
    local = Cluster(submit="local")
    with pytest.raises(DataError, match="1 of 2 tasks failed, the first is") as caught:
        submit(local, tmp_path, missing(tmp_path, ["a", name]))
    assert words in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "a").exists() and not (tmp_path / name).exists()
    left = missing(tmp_path, ["a", name])
    assert list(left) == [name]
    submit(local, tmp_path, left)
    assert (tmp_path / name).read_text() == "done"


def test_an_unknown_place():
    with pytest.raises(DataError, match="--config.submit: 'moon', expected slurm or local"):
        Cluster(submit="moon").check()


def test_without_slurm_it_is_a_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DataError, match="srun"):
        Cluster(submit="slurm").check()


def test_with_slurm_it_is_one_array_and_the_same_call_says_what_is_out(tmp_path, monkeypatch):
    from submitit.slurm.test_slurm import mocked_slurm

    asked = Cluster(submit="slurm", partition="gpu", hours=2.0, gib=8, gpus=1, at_once=5)
    with mocked_slurm() as mock:
        tasks = missing(tmp_path, ["a", "b", "c"])
        with pytest.raises(JobSubmitted, match="^3 tasks submitted; when they are done, the same"):
            submit(asked, tmp_path, tasks)
        (script,) = (tmp_path / "jobs").glob("*/*_submission.sh")
        text = script.read_text()
        for line in ("array=0-2%3", "time=120", "mem=8GB", "partition=gpu", "gpus-per-node=1"):
            assert line in text, text
        with pytest.raises(JobSubmitted, match="^3 still with Slurm"):
            submit(asked, tmp_path, tasks)
        with pytest.raises(JobSubmitted, match="^3 tasks are still with Slurm"):
            submit(Cluster(), tmp_path, tasks)  # nobody else trains beside them
        mock.set_job_state("12", "FAILED", array=3)
        with pytest.raises(JobSubmitted, match="^3 tasks submitted"):
            submit(asked, tmp_path, tasks)
        mock.job_sacct.clear()  # jobs that Slurm has forgotten
        with pytest.raises(JobSubmitted, match="^3 still with Slurm"):
            submit(asked, tmp_path, tasks)
        monkeypatch.setattr("dtb_jax.workflows.cluster.LATE_S", 0.0)
        with pytest.raises(JobSubmitted, match="^3 tasks submitted"):
            submit(asked, tmp_path, tasks)
