"""The same work as an array job: every task leaves its part on disk, and who comes later gathers.

A command with `submit` sends what is missing to Slurm and ends; called again, it says what is still
out, sends anew what failed, and, when nothing is missing, goes on as if it had done all by itself.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtb_jax.data.ledger import DataError
from dtb_jax.data.writing import write_json
from dtb_jax.twin.option import Config, option

GROUP = "Cluster"
DEVICES = "CUDA_VISIBLE_DEVICES"
LATE_S = 600.0
"""After which a job that Slurm does not know is gone."""


class JobSubmitted(Exception):
    """Not an error: the work is with the cluster, and the same command will gather it."""


@dataclass(frozen=True)
class Cluster(Config):
    """What a task of an array job may use."""

    submit: str = option(
        "",
        "Send an array job, a task a fold, twin or point, to slurm or local (this machine).",
        GROUP,
        one_of=("slurm", "local"),
    )
    partition: str = option("", "Slurm's partition.", GROUP)
    hours: float = option(
        4.0, "Hours of a task; it goes on after that, three times at most.", GROUP
    )
    gib: int = option(16, "Memory of a task, GiB.", GROUP)
    cpus: int = option(4, "CPUs of a task.", GROUP)
    gpus: int = option(0, "GPUs of a task.", GROUP)
    at_once: int = option(32, "Tasks that run side by side.", GROUP)

    def check(self) -> None:
        """Tell what is wrong with it before anything is read.

        Raises: DataError without submitit or Slurm.
        """
        if self.submit:
            _executor(self, Path())


class Task:
    """What Slurm calls; out of time or pushed aside, it is called again and goes on."""

    def __init__(self, work: Callable[[], Any], here: bool = False) -> None:
        self.work, self.here, self.devices = work, here, os.environ.get(DEVICES)

    def __call__(self) -> None:
        """Do the work; what comes out is on disk."""
        if self.here:  # submitit hides a machine's own from its local tasks
            os.environ.pop(DEVICES, None)
            os.environ |= {} if self.devices is None else {DEVICES: self.devices}
        self.work()

    def checkpoint(self) -> Any:
        """The same again: the work itself knows where it was."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit(cluster: Cluster, workdir: Path, tasks: Mapping[str, Callable[[], Any]]) -> None:
    """Have all tasks done, by Slurm or on this machine; nothing where nothing is submitted.

    Args:
        cluster: where, and with what.
        workdir: jobs and their logs are below it, in `jobs/`.
        tasks: by name, what is not done yet; each has to be picklable and to leave its part on
            disk.

    Raises: Submitted when they are with Slurm; DataError where a task of this machine failed.
    """
    if not tasks:
        return
    place = workdir / "jobs" / "submitted.json"
    out, failed = _asked(place)
    if not cluster.submit:
        if out & tasks.keys():
            raise JobSubmitted(f"{len(out & tasks.keys())} tasks are still with Slurm ({place})")
        return
    executor = _executor(cluster, workdir / "jobs")
    if cluster.submit == "local":
        names, most = list(tasks), max(1, cluster.at_once)
        for start in range(0, len(names), most):
            few = {name: tasks[name] for name in names[start : start + most]}
            _wait(_submitted(executor, few, here=True))
        return
    new = {name: work for name, work in tasks.items() if name not in out}
    if new:
        jobs = _submitted(executor, new)
        _note(place, {name: job.job_id for name, job in jobs.items()})
    told = [f"{len(new)} tasks submitted"] if new else []
    told += [f"{len(out & tasks.keys())} still with Slurm"] if out & tasks.keys() else []
    again = [f"{name} failed before ({why})" for name, why in failed.items() if name in new]
    told += again[:1]
    raise JobSubmitted(f"{' and '.join(told)}; when they are done, the same command gathers them")


def _executor(cluster: Cluster, folder: Path) -> Any:
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise DataError("--config.submit: submitit is not there: pip install submitit") from error
    try:
        executor = submitit.AutoExecutor(folder / "%j", cluster=cluster.submit)
    except RuntimeError as error:  # no sbatch
        raise DataError(f"--config.submit: {error}") from error
    executor.update_parameters(
        name="dtb",
        timeout_min=max(1, round(60 * cluster.hours)),
        mem_gb=cluster.gib,
        cpus_per_task=cluster.cpus,
        gpus_per_node=cluster.gpus,
        slurm_array_parallelism=cluster.at_once,
        **({"slurm_partition": cluster.partition} if cluster.partition else {}),
    )
    return executor


def _submitted(
    executor: Any, tasks: Mapping[str, Callable[[], Any]], here: bool = False
) -> dict[str, Any]:
    """One array of all."""
    with executor.batch():
        return {name: executor.submit(Task(work, here)) for name, work in tasks.items()}


def _wait(jobs: Mapping[str, Any]) -> None:
    """Until all are done; the first that failed is told when the others have had their time."""
    failed = {name: job for name, job in jobs.items() if job.exception() is not None}
    for name, job in failed.items():
        raise DataError(
            f"{len(failed)} of {len(jobs)} tasks failed, the first is {name}: {_why(job)}; "
            "the same command goes on with what is missing"
        )


def _why(job: Any) -> str:
    """The last line of a failed job's error, and where its log lies."""
    # submitit puts the traceback between dashes
    trace = str(job.exception()).split("----------------------")
    return f"{trace[len(trace) > 1].strip().splitlines()[-1]} (log: {job.paths.stderr})"


def _note(place: Path, jobs: Mapping[str, str]) -> None:
    """Which job has which task, and since when."""
    known = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    now = {name: {"job": job, "since": time.time()} for name, job in jobs.items()}
    write_json(place, known | now)


def _asked(place: Path) -> tuple[set[str], dict[str, str]]:
    """Names of tasks that wait or run, and why others failed.

    A job that Slurm does not know is out only for a while: its accounts are late, or purged.
    """
    if not place.exists():
        return set(), {}
    from submitit import SlurmJob

    known = json.loads(place.read_text(encoding="utf-8"))
    out, failed = set(), {}
    jobs: dict[str, SlurmJob] = {
        n: SlurmJob(place.parent / "%j", v["job"]) for n, v in known.items()
    }
    for k, (name, job) in enumerate(jobs.items()):
        new = time.time() - known[name]["since"] < LATE_S
        if job.done(force_check=k == 0):  # one question is answered for all
            if job.paths.result_pickle.exists() and job.exception() is not None:
                failed[name] = _why(job)
        elif new or job.state != "UNKNOWN":
            out.add(name)
    return out, failed
