"""Trials that follow each other faster than people press: each press belongs to its trial."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.data.tasks.task import press_sequence, press_steps
from dtb_jax.twin.response import last_step, read_hazard, read_pulses, windows
from dtb_jax.twin.windows import until_s
from dtb_jax.types import STEP_S, Trials

GAP_S, WINDOW_S, TRIALS, STEPS = 1.0, 1.4, 300, 4000
CYCLE = 25
"""Steps of two trials, after which all repeats: 12.5 steps are one."""


def trials_of(onset, time, window=WINDOW_S):
    n = len(onset)
    return Trials(
        onset_s=onset,
        deadline_s=np.full(n, window),
        duration_s=np.full(n, window),
        condition=np.zeros(n, int),
        item=np.zeros(n, int),
        correct=np.zeros(n, int),
        possible=np.tile([[True, False]], (n, 1)) & (time > 0)[:, None],
        response_time_s=time,
        answered=time > 0,
        present=np.ones(n, bool),
    )


def person(mean, seed):
    """Somebody whose reaction times are all that differs, in trials a second apart."""
    time = np.random.default_rng(seed).normal(mean, 0.15, TRIALS).clip(0.2, WINDOW_S)
    return trials_of(1 + GAP_S * np.arange(TRIALS), time)


def best_stream(press, at_risk):
    """Maximum-likelihood press rate at each step of the cycle, of any stream that repeats."""
    step = np.arange(len(at_risk)) % CYCLE
    hits = np.bincount(step, press[:, 0] * at_risk, CYCLE)
    return (hits / np.maximum(np.bincount(step, at_risk, CYCLE), 1))[step]


def frame_of(trials):
    fields = (trials.onset_s, trials.deadline_s, trials.present)
    return windows(*map(jnp.asarray, fields), 0.0, STEPS, 18)


@pytest.mark.parametrize("read", [read_hazard, read_pulses])
@pytest.mark.parametrize(("seed", "mean"), list(enumerate(np.linspace(0.6, 1.0, 8))))
def test_best_stream_tells_mean_rt_where_presses_follow_the_next_onset(read, seed, mean):
    trials = person(mean, seed)
    press, at_risk = press_sequence(trials, np.ones(TRIALS, bool), STEPS)
    inside = np.ones(STEPS) if read is read_pulses else at_risk  # pulses: every step is learned
    rate = np.clip(best_stream(press, inside), 1e-6, 1 - 1e-6)
    logits = np.stack([np.log(rate) - np.log1p(-rate), np.full(STEPS, -30.0)], axis=1)
    told = jax.jit(lambda logits: read(logits, jnp.ones(2), frame_of(trials)))(jnp.asarray(logits))
    found = np.asarray(told.reaction_time_s)[5:-5].mean()
    # what is later than the next onset counts as made just before it
    expected = np.minimum(trials.response_time_s, GAP_S).mean()
    assert found == pytest.approx(expected, abs=0.045)
    assert found == pytest.approx(trials.response_time_s.mean(), abs=0.12)
    if read is read_hazard:  # all press, however late
        assert np.asarray(told.omission_probability)[5:-5].mean() < 0.02


def test_until_s_is_never_where_no_windows_overlap():
    onset, present = np.array([0.0, 3.0, 5.0, 0.0]), np.array([True, True, True, False])
    assert np.isinf(until_s(onset, np.array([3.0, 1.0, 9.0, 1.0]), present)[:3]).all()


def test_until_s_is_the_next_onset_in_any_order_and_in_jax():
    rng = np.random.default_rng(0)
    onset = np.sort(rng.uniform(0, 60, 80))
    deadline = rng.uniform(0.5, 2.0, 80)
    found = until_s(onset, deadline, np.ones(80, bool))
    shared = np.isfinite(found)
    np.testing.assert_array_equal(found[shared], onset[1:][shared[:-1]])
    assert (onset[1:][~shared[:-1]] >= (onset + deadline)[:-1][~shared[:-1]] - 2e-3).all()
    traced = jax.jit(until_s)(jnp.asarray(onset), jnp.asarray(deadline), jnp.ones(80, bool))
    np.testing.assert_allclose(found, traced, rtol=1e-5)
    shuffled = rng.permutation(80)
    again = until_s(onset[shuffled], deadline[shuffled], np.ones(80, bool))
    np.testing.assert_array_equal(again, found[shuffled])


def test_trials_that_begin_together_share_their_window():
    assert np.isinf(until_s(np.array([1.0, 1.0, 9.0]), np.full(3, 2.0), np.ones(3, bool))).all()


def test_training_and_reading_await_a_press_in_the_same_steps():
    trials = person(0.8, 0)._replace(answered=np.zeros(TRIALS, bool))
    frame, own = frame_of(trials), press_steps(trials)
    for k in range(1, TRIALS - 1):
        inside = np.asarray(frame.steps[k])[np.asarray(frame.open[k]) > 0]
        np.testing.assert_array_equal(inside, np.arange(own.opens[k], own.closes[k]))


def test_press_after_the_next_onset_counts_as_made_just_before_it():
    late = trials_of(np.array([1.0, 2.0, 3.0]), np.array([1.3, 0.6, 0.1]))
    press, at_risk = press_sequence(late, np.ones(3, bool), 80)
    np.testing.assert_array_equal(np.flatnonzero(press[:, 0]), [24, 32, 38])
    np.testing.assert_array_equal(np.flatnonzero(at_risk), [*range(12, 33), 37, 38])
    fields = (late.onset_s, late.deadline_s, late.present)
    assert last_step(*map(jnp.asarray, fields), 0.0).tolist() == [24, 36, np.inf]
    assert late.onset_s[1] == STEP_S * 25
