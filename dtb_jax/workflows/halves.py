"""Where each run is cut in two: what comes before the cut trains, what follows tests.

TCP's runs are cut as in the paper, and told by their trials: a task of another name with TCP's list
is TCP's, the built-in tasks on another list are not. Every other run is cut in its own middle, with
as many trials before as after. One cut holds for everybody in a run, whatever list a person saw.
"""

from functools import cache

import numpy as np

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data import folds as splits
from dtb_jax.data.folds import Fold, Subset
from dtb_jax.data.splits import SPLIT_S, STOP_S, Times, in_part, length_s, volume_range, volume_s
from dtb_jax.data.tasks.designs import NAMES, load_design
from dtb_jax.types import STEP_S, Cohort, Run
from dtb_jax.workflows.config import EvalConfig

CLOSE_S = 1.0
"""Between the first, and the last, onsets of runs with the same list."""


def halves(config: EvalConfig, cohort: Cohort) -> Fold:
    """The training part and the test part of every run.

    Args:
        config: `split_s` and `stop_s` hold for all runs; None: see above.
        cohort: everybody.

    Raises: DataError where a run would have no training part or no test part.
    """
    end, cut = {}, {}
    for run in cohort.runs:
        paper = has_list_of_tcp(run)
        end[run.name] = config.stop_s or (STOP_S if paper else length_s(run))
        stop = min(end[run.name], length_s(run))
        cut[run.name] = config.split_s or (SPLIT_S if paper else middle_s(run, stop))
        cut[run.name] = on_grid(run, cut[run.name])
    _refuse_empty(config, cohort, cut, end)
    (fold,) = splits.time_split(cohort, one_for_all(cut), one_for_all(end))
    return fold


def middle_s(run: Run, end_s: float) -> float:
    """The onset before which half of all trials lie, whoever saw them."""
    trials = run.trials
    onsets = np.sort(trials.onset_s[trials.present & (trials.onset_s < end_s)])
    later = onsets[len(onsets) // 2 :]
    later = later[later > onsets[0]] if len(onsets) else later
    return float(later[0]) if len(later) else end_s / 2


def on_grid(run: Run, cut_s: float) -> float:
    """A cut where a volume begins, so that none is in both parts; without BOLD, where a step does.

    Rounded down: the trial at the cut is tested as a whole.
    """
    unit_s = volume_s(run) if run.bold_mask.any() else STEP_S
    whole = int(cut_s / unit_s + 1e-6)
    return cut_s if np.isclose(whole * unit_s, cut_s, rtol=1e-9, atol=0) else whole * unit_s


@cache
def _lists_of_tcp() -> list[tuple[int, float, float]]:
    """Number of trials, first and last onset."""
    lists = [load_design(name)["onset"].to_numpy(float) for name in NAMES]
    return [(len(onset), onset.min(), onset.max()) for onset in lists]


def has_list_of_tcp(run: Run) -> bool:
    """Whether most people's trials have the number and the times of one of TCP's lists."""
    trials = run.trials
    seen = run.present & trials.present.any(axis=1)
    if length_s(run) < STOP_S or not seen.any():
        return False
    onset = trials.onset_s[seen]
    number, first, last = (
        float(np.median(each))
        for each in (
            trials.present[seen].sum(axis=1),
            np.where(trials.present[seen], onset, np.inf).min(axis=1),
            np.where(trials.present[seen], onset, -np.inf).max(axis=1),
        )
    )
    return any(
        number == count and abs(first - begin) < CLOSE_S and abs(last - end) < CLOSE_S
        for count, begin, end in _lists_of_tcp()
    )


def note_parts(cohort: Cohort, fold: Fold, ledger: ExclusionLog) -> None:
    """A line for whoever has no trial in a part of a run that they did."""
    for what, part in (("training", fold.training), ("test", fold.test)):
        for run in part.of(cohort).runs:
            start, stop = part.span(run)
            without = part.people & run.present & ~part.trials(run).any(axis=1)
            for person in cohort.participants.index[without]:
                ledger.add(
                    person,
                    run.name,
                    "",
                    f"no trial in the {what} part ({start:g} to {stop:g} s): not in it",
                )


def trained_on(cohort: Cohort, part: Subset) -> np.ndarray:
    """Who has a trial or a volume of BOLD in a part, [people]."""
    learned = np.zeros(len(cohort.connectomes), bool)
    for run in part.of(cohort).runs:
        volumes = run.bold_mask[:, volume_range(run, *part.span(run))]
        learned |= part.trials(run).any(axis=1) | volumes.any(axis=1)
    return learned & part.people


def one_for_all(times: dict[str, float]) -> Times:
    """One number where all runs have the same."""
    return times if len(set(times.values())) > 1 else next(iter(times.values()))


def _refuse_empty(
    config: EvalConfig, cohort: Cohort, cut: dict[str, float], end: dict[str, float]
) -> None:
    last = {run.name: min(end[run.name], length_s(run)) for run in cohort.runs}
    if config.split_s is not None and not 0 < config.split_s < max(last.values()):
        raise DataError(
            f"--config.split_s: {config.split_s:g} s, expected less than the test part's end, "
            f"{max(last.values()):g} s, and more than 0"
        )
    for run in cohort.runs:
        if cut[run.name] >= last[run.name]:
            raise DataError(
                f"--config.split_s: {run.name} ends at {last[run.name]:g} s, before its test part "
                f"begins ({config.split_s or cut[run.name]:g} s)"
            )
        for what, start, stop in (
            ("training", 0.0, cut[run.name]),
            ("test", cut[run.name], last[run.name]),
        ):
            if not in_part(run, start, stop).any():
                named = "stop_s" if config.stop_s and not config.split_s else "split_s"
                raise DataError(
                    f"--config.{named}: nobody has a trial of {run.name} in its {what} part, "
                    f"{start:g} to {stop:g} s; expected some in each part"
                )
