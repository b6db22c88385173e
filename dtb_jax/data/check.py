"""What a folder holds, a row a person: who is in, with which runs, and what is missing."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data.cohort import below_chance
from dtb_jax.data.ledger import Ledger
from dtb_jax.types import Cohort, TaskRun


class Overview(NamedTuple):
    """Of one reading of a folder."""

    people: pd.DataFrame  # by participant: in_cohort, a column a run, odd
    runs: pd.DataFrame  # by run: people with behaviour, with BOLD, below chance; trials, volumes
    complete: bool  # everybody who has a file is in, and nothing about a single person is odd


def overview(cohort: Cohort, ledger: Ledger) -> Overview:
    """Who is in a cohort and who is not, from what `read_cohort` gives back.

    Args:
        cohort: everybody who is in.
        ledger: what was left out of it, and why.

    Returns: `Overview`; reasons that concern no single person are in the ledger alone.
    """
    people = pd.DataFrame({"in_cohort": True}, index=cohort.participants.index)
    for run in cohort.runs:
        people[run.name] = [_told(run, i) for i in range(len(people))]
    reasons: dict[str, str] = {}
    for entry in ledger.entries:
        if entry.participant != "all":
            reason = f"{entry.run}: {entry.reason}" if entry.run else entry.reason
            before = reasons.get(entry.participant)
            reasons[entry.participant] = f"{before}; {reason}" if before else reason
    outside = sorted(set(reasons) - set(people.index))
    people = pd.concat([people, pd.DataFrame({"in_cohort": False}, index=outside)])
    people["odd"] = [reasons.get(person, "") for person in people.index]
    people = people.fillna("").sort_index().rename_axis("participant")
    runs = pd.DataFrame([_counted(run) for run in cohort.runs]).set_index("run")
    return Overview(people, runs, not reasons)


def _told(run: TaskRun, i: int) -> str:
    if not run.present[i]:
        return ""
    volumes = int(run.bold_mask[i].sum())
    return f"{int(run.trials.present[i].sum())} trials" + (
        f", {volumes} volumes" if volumes else ""
    )


def _counted(run: TaskRun) -> dict[str, object]:
    volumes = run.bold_mask.sum(axis=1)
    return {
        "run": run.name,
        "task": run.task.name,
        "behaviour": int(run.present.sum()),
        "BOLD": int((volumes > 0).sum()),
        "below chance": int(below_chance(run).sum()),
        "trials": int(np.median(run.trials.present.sum(axis=1)[run.present])),
        "volumes": int(np.median(volumes[volumes > 0])) if (volumes > 0).any() else 0,
    }
