"""Where runs are cut: TCP's by the trials they show, all others in their own middle."""

from dataclasses import replace

import numpy as np
import pytest

from dtb_jax.data import DataError, ExclusionLog
from dtb_jax.data.folds import time_split
from dtb_jax.data.splits import fit_bold_scale, to_sequences
from dtb_jax.data.tasks.designs import load_design
from dtb_jax.data.tasks.faces import FACES
from dtb_jax.data.tasks.stroop import STROOP
from dtb_jax.models.baselines import other_peoples_bold
from dtb_jax.models.paper_twin import PaperTwin, fits, training_data
from dtb_jax.twin.config import TwinConfig
from dtb_jax.types import STEP_S, Cohort, Run, Trials
from dtb_jax.workflows.config import EvalConfig
from dtb_jax.workflows.halves import halves, has_list_of_tcp, note_parts, trained_on
from tests.data.test_folds import make_cohort
from tests.small import SETTINGS

PEOPLE, TR = 6, 0.8


def run_of(onsets, seconds, *, task=STROOP, name="stroop_run-01", bold=True, people=PEOPLE):
    """A run with these onsets (of everybody, or [people, trial] with NaN where one has none)."""
    onsets = np.broadcast_to(np.asarray(onsets, float), (people, np.shape(onsets)[-1]))
    present = np.isfinite(onsets)
    trials, volumes = onsets.shape[1], round(seconds / TR)
    flat = np.zeros(onsets.shape, int)
    return Run(
        task,
        name,
        Trials(
            np.nan_to_num(onsets),
            np.full(onsets.shape, 1.6),
            np.full(onsets.shape, 1.6),
            flat + np.arange(trials) % 2,
            flat,
            flat,
            np.broadcast_to(np.arange(len(task.actions)) == 0, (*onsets.shape, len(task.actions)))
            & present[..., None],
            np.full(onsets.shape, 0.5),
            present,
            present,
        ),
        np.ones((people, volumes * 10, task.channels + 1), np.float32),
        np.random.default_rng(0).normal(size=(people, volumes, 2)).astype(np.float32),
        np.full((people, volumes), bold),
        present.any(axis=1),
    )


def cohort_of(*runs):
    return make_cohort(PEOPLE)._replace(
        runs=runs, regions=("a", "b"), bold_source="measured" if runs[0].bold_mask.any() else "none"
    )


def onsets_of(design, jitter=0.05):
    onset = load_design(design)["onset"].to_numpy(float)
    return onset + np.random.default_rng(0).uniform(-jitter, jitter, (PEOPLE, len(onset)))


@pytest.mark.parametrize(
    "task, design, seconds", [(FACES, "faces", 394.4), (STROOP, "stroop_pa", 408.0)]
)
def test_halves_split_tcp_as_the_paper_does(task, design, seconds):
    cohort = cohort_of(run_of(onsets_of(design), seconds, task=task, name="a"))
    fold = halves(EvalConfig(), cohort)
    assert (fold.training.stop_s, fold.test.start_s, fold.test.stop_s) == (196.8, 196.8, 393.6)


@pytest.mark.parametrize(
    "onsets, seconds",
    [
        (onsets_of("faces")[:, :60], 394.4),  # half the list
        (onsets_of("faces") + 5, 410.4),  # later
        (onsets_of("faces"), 392.0),  # ends before the paper's test part does
        (4.0 * np.arange(108) + 10, 480.0),  # as many trials, another design
    ],
)
def test_halves_split_builtin_tasks_on_other_lists_in_their_own_middle(onsets, seconds):
    run = run_of(onsets, seconds, task=FACES._replace(name="faces"), name="a")
    assert not has_list_of_tcp(run)
    fold = halves(EvalConfig(), cohort_of(run))
    before, after = (part.trials(run).sum() for part in fold[:2])
    assert fold.training.stop_s != 196.8 and abs(before - after) <= 2 * PEOPLE


def test_halves_give_each_run_its_own_middle_and_all_of_it():
    long = run_of(4 + 4.0 * np.arange(60), 250.4, name="long")
    short = run_of(10 + 4.0 * np.arange(18), 88.0, name="short", task=FACES)
    fold = halves(EvalConfig(), cohort_of(long, short))
    for run, middle in ((long, 124.0), (short, 45.6)):  # 46 s is within a volume
        assert fold.training.span(run) == (0.0, pytest.approx(middle))
        assert fold.test.span(run) == (
            fold.training.span(run)[1],
            pytest.approx(run.stimulus.shape[1] * STEP_S),
        )
        assert fold.training.trials(run).sum() == fold.test.trials(run).sum()
    assert fold.is_later()


def test_halves_give_people_with_other_lists_one_cut_and_whoever_lacks_a_part_a_line():
    onsets = np.tile(4 + 4.0 * np.arange(20), (PEOPLE, 1))
    onsets[0, 5:] = np.nan  # stopped early
    run = run_of(onsets, 90.4)
    cohort, ledger = cohort_of(run), ExclusionLog()
    fold = halves(EvalConfig(), cohort)
    note_parts(cohort, fold, ledger)
    (entry,) = ledger.entries
    assert (entry.participant, entry.run) == ("sub-000", run.name) and "test part" in entry.reason
    assert trained_on(cohort, fold.training).all()


def test_trained_on_leaves_out_whoever_has_neither_trials_nor_bold_in_the_part():
    onsets = np.tile(4 + 4.0 * np.arange(20), (PEOPLE, 1))
    onsets[2, :15] = np.nan
    cohort = cohort_of(run_of(onsets, 90.4, bold=False))
    np.testing.assert_array_equal(
        trained_on(cohort, halves(EvalConfig(), cohort).training), np.arange(PEOPLE) != 2
    )


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"split_s": 126.0}, ["short", "ends at 88", "126"]),
        ({"split_s": 9999.0}, ["--config.split_s", "9999", "less than"]),
        ({"split_s": -3.0}, ["--config.split_s", "-3"]),
        ({"split_s": 2.0}, ["nobody has a trial", "training part"]),
        ({"stop_s": 3.0}, ["--config.stop_s", "nobody has a trial"]),
    ],
)
def test_halves_refuse_a_cut_that_leaves_a_part_empty(options, facts):
    long = run_of(4 + 4.0 * np.arange(60), 250.4, name="long")
    short = run_of(10 + 4.0 * np.arange(18), 88.0, name="short", task=FACES)
    with pytest.raises(DataError) as told:
        halves(EvalConfig(**options), cohort_of(long, short))
    assert all(fact in str(told.value) for fact in facts), told.value


def test_halves_take_a_given_cut_for_all_runs_at_whole_volumes():
    runs = [run_of(4 + 4.0 * np.arange(30), 128.0, name=name) for name in ("one", "other")]
    fold = halves(EvalConfig(split_s=50.0, stop_s=100.0), cohort_of(*runs))
    assert fold.training.stop_s == pytest.approx(49.6) and fold.test.stop_s == 100.0
    bare = [run._replace(bold_mask=run.bold_mask & False) for run in runs]
    assert halves(EvalConfig(split_s=50.0), cohort_of(*bare)).training.stop_s == 50.0


def test_cut_starts_each_run_at_its_own_time_and_fills_up_the_shorter_part():
    long = run_of(4 + 4.0 * np.arange(60), 250.4, name="long")
    short = run_of(4 + 4.0 * np.arange(18), 88.0, name="short")
    cohort = cohort_of(long, short)
    scale = fit_bold_scale(cohort, {"long": 120.0, "short": 40.0}, np.arange(PEOPLE))
    both = to_sequences(
        cohort, {"long": 120.0, "short": 40.0}, {"long": 240.0, "short": 88.0}, scale
    )
    for r, (run, start, stop) in enumerate(((long, 120.0, 240.0), (short, 40.0, 88.0))):
        alone = to_sequences(cohort._replace(runs=(run,)), start, stop, scale)
        steps = round((stop - start) / STEP_S)
        for name in ("stimulus", "press", "at_risk", "bold", "bold_mask"):
            found = getattr(both, name)[:, r]
            np.testing.assert_array_equal(found[:, :steps], getattr(alone, name)[:, 0])
            assert not np.any(found[:, steps:])


def test_prepare_validates_on_the_end_of_each_runs_own_part():
    long = run_of(4 + 4.0 * np.arange(60), 250.4, name="long")
    short = run_of(4 + 4.0 * np.arange(18), 88.0, name="short")
    cohort = cohort_of(long, short)
    (fold,) = time_split(cohort, {"long": 120.0, "short": 40.0}, {"long": 240.0, "short": 80.0})
    training = replace(SETTINGS, segment_steps=100)
    model = PaperTwin(TwinConfig(units=8, width=8, scale=0.03), training)
    parts = training_data(cohort, fold.training, model).parts
    assert np.asarray(parts.validation.bold_mask).all()  # of both runs, nothing but data
    held = parts.validation_people
    masked = np.asarray(parts.training.bold_mask)[held]
    assert not masked[:, 0, 1400:].any() and masked[:, 0, :1400].all()
    assert not masked[:, 1, 400:].any() and masked[:, 1, :400].all()


def test_fits_refuses_a_segment_longer_than_the_training_part():
    cohort: Cohort = cohort_of(run_of(4 + 4.0 * np.arange(18), 88.0))
    (fold,) = time_split(cohort, 15.2)
    fits(cohort, fold.training, 190)
    with pytest.raises(DataError, match=r"262 steps \(21 s\).*15.2 s"):
        fits(cohort, fold.training, 262)


def test_nothing_that_stands_behind_a_mask_is_read():
    run = run_of(4 + 4.0 * np.arange(18), 88.0)
    mask = run.bold_mask.copy()
    mask[2, 60:] = False
    found = []
    for hidden in (0.0, np.nan):
        bold = np.where(mask[..., None], run.bold, hidden).astype(np.float32)
        cohort = cohort_of(run._replace(bold=bold, bold_mask=mask))
        (fold,) = time_split(cohort, 40.0, np.inf)
        scale = fit_bold_scale(cohort, np.inf, np.arange(PEOPLE))
        parts = to_sequences(cohort, 0.0, 88.0, scale)
        found.append((parts.bold, other_peoples_bold(cohort.runs[0], fold)))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)
