"""What a folder holds: who is in, what they did in every run and condition, and what looks wrong.

Numbers come from the `Cohort` that training would get, so that a page of `dtb check` shows what
a twin would learn from and nothing else.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from dtb_jax.data.cohort import below_chance
from dtb_jax.data.ledger import ExclusionLog
from dtb_jax.data.tasks.lists import TrialLists, described, trial_lists
from dtb_jax.types import Cohort, Run, Trials

MANY_LATE = 0.05
"""Share of presses after the window that is worth a warning."""


LATE = re.compile(r"(\d+) press(?:es)? later than ")
UNUSED = "columns not used: "
"""How readers say in the ledger what is counted here."""


class Overview(NamedTuple):
    """Of one reading of a folder."""

    people: pd.DataFrame  # by participant: in_cohort, a column a run, odd
    runs: (
        pd.DataFrame
    )  # by run: people, people with BOLD, people below chance, trials, volumes, ...
    conditions: pd.DataFrame  # by run and condition: what people did
    facts: dict[str, str]  # repetition time, parcels, columns
    warnings: list[str]
    complete: bool  # everybody who has a file is in, and nothing is odd


def overview(cohort: Cohort, ledger: ExclusionLog) -> Overview:
    """Who is in a cohort, who is not, and what was read, from what `read_cohort` gives back.

    Args:
        cohort: everybody who is in.
        ledger: what was left out of it, and why; its facts say where things were read.

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
    tr = cohort.repetition_time_s
    late = {run.name: late_presses(run, ledger) for run in cohort.runs}
    runs = pd.DataFrame([_counted(run, tr, late[run.name]) for run in cohort.runs]).set_index("run")
    conditions = pd.DataFrame([row for run in cohort.runs for row in _by_condition(run, tr)])
    warnings = [w for run in cohort.runs for w in _warnings(run, tr, late[run.name])]
    facts = _facts(cohort, ledger)
    told = {run.name: described(_lists(run)) for run in cohort.runs}
    facts |= {f"trials of {run}": sentence for run, sentence in told.items() if sentence}
    return Overview(people, runs, conditions, facts, warnings, not reasons and not warnings)


def as_text(conditions: pd.DataFrame) -> pd.DataFrame:
    """The table of conditions as one reads it: shares in per cent, times in seconds."""
    told = conditions.copy()
    for name in ("accuracy", "omissions"):
        told[name] = [_per_cent(share) for share in conditions[name]]
    times = zip(conditions["RT (s)"], conditions["SD"], strict=True)
    told["RT (s)"] = [f"{mean:.3f} ({sd:.3f})" if np.isfinite(mean) else "–" for mean, sd in times]
    return told.drop(columns="SD").rename(columns={"RT (s)": "RT (SD), s"})


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "\u2013"


def scan_s(run: Run, repetition_time_s: float) -> Float[np.ndarray, " people"]:
    """Seconds from each person's first volume to the end of the last; of the run without BOLD."""
    volumes = run.bold_mask.shape[1]
    last = volumes - np.argmax(run.bold_mask[:, ::-1], axis=1)
    return np.where(run.bold_mask.any(1), last, volumes) * repetition_time_s


def outside_scan(run: Run, repetition_time_s: float) -> Bool[np.ndarray, "people trial"]:
    """Trials that begin before the first volume or after a person's last, whether kept or not."""
    onset_s, end_s = run.trials.onset_s, scan_s(run, repetition_time_s)
    return ((onset_s < 0) | (onset_s >= end_s[:, None])) & run.present[:, None]


def after_window(run: Run) -> Bool[np.ndarray, "people trial"]:
    """Trials whose press came after the window."""
    trials = run.trials
    # times and windows are written to the millisecond
    return trials.present & (trials.response_time_s > trials.deadline_s + 5e-4)


def late_presses(run: Run, ledger: ExclusionLog) -> int:
    """Presses after the window, those that readers left out, with a line a person, among them."""
    lines = (LATE.match(entry.reason) for entry in ledger.entries if entry.run == run.name)
    return int(after_window(run).sum()) + sum(int(line[1]) for line in lines if line)


def answered_correctly(
    trials: Trials,
) -> tuple[Bool[np.ndarray, "people trial"], Bool[np.ndarray, "people trial"]]:
    """Which trials were answered correctly, and of which trials it is known."""
    right = np.take_along_axis(trials.possible, trials.correct[..., None], -1)[..., 0]
    unsure = right & (trials.possible.sum(-1) > 1)
    return right & trials.answered & trials.present, trials.present & ~unsure


def _lists(run: Run) -> TrialLists:
    return trial_lists(run, run.trials.present & run.present[:, None])


def _told(run: Run, i: int) -> str:
    if not run.present[i]:
        return ""
    volumes = int(run.bold_mask[i].sum())
    return f"{int(run.trials.present[i].sum())} trials" + (
        f", {volumes} volumes" if volumes else ""
    )


def _counted(run: Run, repetition_time_s: float, late: int) -> dict[str, object]:
    volumes = run.bold_mask.sum(axis=1)
    lists = _lists(run)
    return {
        "run": run.name,
        "task": run.task.name,
        "behaviour": int(run.present.sum()),
        "BOLD": int((volumes > 0).sum()),
        "below chance": int(below_chance(run).sum()),
        "trials": _span(run.trials.present.sum(axis=1)[run.present]),
        "trial lists": "own orders" if lists.kind == "individual" else str(len(lists.sizes())),
        "volumes": _span(volumes[volumes > 0]),
        "outside the scan": int(outside_scan(run, repetition_time_s).sum()),
        "late presses": late,
        "window (s)": _span(run.trials.deadline_s[run.trials.present].round(3)),
    }


def _span(counts: np.ndarray) -> str:
    """The one number that all have, or the median with the range."""
    if not len(counts):
        return "none"
    low, high = counts.min(), counts.max()
    return f"{low:g}" if low == high else f"{np.median(counts):g} ({low:g} to {high:g})"


def _by_condition(run: Run, repetition_time_s: float) -> list[dict[str, Any]]:
    trials = run.trials
    right, known = answered_correctly(trials)
    outside = outside_scan(run, repetition_time_s)
    rows = []
    for c, name in enumerate(run.task.conditions):
        inside = (trials.condition == c) & run.present[:, None]
        shown = inside & trials.present
        person_s = _means(trials.response_time_s, shown & right)
        rows.append(
            {
                "run": run.name,
                "condition": name,
                "people": int(shown.any(1).sum()),
                "trials": int(shown.sum()),
                "accuracy": _share(right & shown, known & shown),
                "omissions": _share(shown & ~trials.answered, shown),
                "RT (s)": _of_some(np.mean, person_s),
                "SD": _of_some(np.std, person_s),
                "outside the scan": int((outside & inside).sum()),
            }
        )
    return rows


def _means(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Means of the people who have a value."""
    count = mask.sum(1)
    return (np.where(mask, values, 0).sum(1) / np.maximum(count, 1))[count > 0]


def _share(event: np.ndarray, among: np.ndarray) -> float:
    return float(event.sum() / among.sum()) if among.any() else np.nan


def _of_some(statistic: Any, values: np.ndarray) -> float:
    return float(statistic(values)) if len(values) else np.nan


def _facts(cohort: Cohort, ledger: ExclusionLog) -> dict[str, str]:
    told = ledger.facts
    matched = told.get("parcels_by_name")
    by_name = f", {matched} of them matched by name" if matched else ", in the table's order"
    where = told.get("repetition_time", "default")
    facts = {
        "repetition time": f"{cohort.repetition_time_s:g} s ({where})",
        "parcels": f"{cohort.parcels}{by_name}",
    }
    for entry in ledger.entries:
        if entry.participant == "all" and entry.reason.startswith(UNUSED):
            facts["columns of participants.tsv not used"] = entry.reason.removeprefix(UNUSED)
    return facts


def _warnings(run: Run, repetition_time_s: float, late: int) -> list[str]:
    """What looks like a slip in the files rather than like people."""
    found = []
    present, below = int(run.present.sum()), int(below_chance(run).sum())
    if present and 2 * below >= present:
        found.append(
            f"{run.name}: {below} of {present} people are below chance; "
            "are right and wrong turned around?"
        )
    outside = outside_scan(run, repetition_time_s)
    if outside.any():
        ends = scan_s(run, repetition_time_s)
        every = int((run.trials.present | outside).sum())
        found.append(
            f"{run.name}: {int(outside.sum())} of {every} trials of {int(outside.any(1).sum())} "
            f"people begin outside the scan of {_span(ends[run.present].round(2))} s; "
            "are onsets seconds after its first volume?"
        )
    pressed = int((run.trials.present & (run.trials.response_time_s > 0)).sum())
    pressed += late - int(after_window(run).sum())
    if late > MANY_LATE * pressed:
        found.append(
            f"{run.name}: {late:,} of {pressed:,} presses come after the window; are times "
            "milliseconds, or of another event?"
        )
    return found
