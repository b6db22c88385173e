"""Trials that follow each other faster than people press: each press belongs to its trial."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.response import in_turn, read_hazard, read_pulses, windows
from dtb_jax.tasks.task import press_sequence, press_steps
from dtb_jax.turns import EARLIEST_S, turns
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


@pytest.mark.parametrize("read", [read_hazard, read_pulses])
@pytest.mark.parametrize(("seed", "mean"), list(enumerate(np.linspace(0.6, 1.0, 8))))
def test_best_stream_tells_mean_rt_where_presses_follow_the_next_onset(read, seed, mean):
    trials = person(mean, seed)
    press, at_risk = press_sequence(trials, np.ones(TRIALS, bool), STEPS)
    inside = np.ones(STEPS) if read is read_pulses else at_risk  # pulses: every step is learned
    rate = np.clip(best_stream(press, inside), 1e-6, 1 - 1e-6)
    logits = np.stack([np.log(rate) - np.log1p(-rate), np.full(STEPS, -30.0)], axis=1)
    told = jax.jit(
        lambda logits, onset, deadline: read(
            logits,
            jnp.ones(2),
            windows(onset, deadline, jnp.ones(TRIALS, bool), 0.0, STEPS, 18),
        )
    )(jnp.asarray(logits), jnp.asarray(trials.onset_s), jnp.asarray(trials.deadline_s))
    found = np.asarray(told.reaction_time_s)[5:-5].mean()
    assert found == pytest.approx(trials.response_time_s.mean(), abs=0.05)


def test_turns_are_whole_windows_where_none_overlap():
    onset, present = np.array([0.0, 3.0, 5.0, 0.0]), np.array([True, True, True, False])
    own = turns(onset, np.array([3.0, 1.0, 9.0, 1.0]), present)
    np.testing.assert_array_equal(own.opens_s[:3], onset[:3])
    assert np.isinf(own.until_s[:3]).all()


def test_turns_do_not_overlap_and_are_the_same_in_jax():
    rng = np.random.default_rng(0)
    onset = np.sort(rng.uniform(0, 60, 80))
    deadline = rng.uniform(0.5, 2.0, 80)
    own = turns(onset, deadline, np.ones(80, bool))
    closes = np.minimum(onset + deadline, own.until_s)
    assert (own.opens_s[1:] >= np.maximum.accumulate(closes)[:-1] - 1e-3).all()
    assert (own.opens_s >= onset).all() and (own.opens_s <= onset + EARLIEST_S + 1e-3).all()
    traced = jax.jit(turns)(jnp.asarray(onset), jnp.asarray(deadline), jnp.ones(80, bool))
    for a, b in zip(own, traced):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    shuffled = rng.permutation(80)
    again = turns(onset[shuffled], deadline[shuffled], np.ones(80, bool))
    np.testing.assert_array_equal(again.opens_s, own.opens_s[shuffled])


def test_trials_that_begin_together_share_their_window():
    own = turns(np.array([1.0, 1.0, 9.0]), np.full(3, 2.0), np.ones(3, bool))
    np.testing.assert_array_equal(own.opens_s, [1, 1, 9])
    assert np.isinf(own.until_s).all()


def test_training_and_reading_await_a_press_in_the_same_steps():
    trials = person(0.8, 0)._replace(answered=np.zeros(TRIALS, bool))
    frame = windows(
        *(jnp.asarray(f) for f in (trials.onset_s, trials.deadline_s, trials.present)),
        0.0,
        STEPS,
        18,
    )
    own = press_steps(trials)
    for k in range(1, TRIALS - 1):
        inside = np.asarray(frame.steps[k])[np.asarray(frame.open[k]) > 0]
        np.testing.assert_array_equal(inside, np.arange(own.opens[k], own.closes[k]))


def test_press_after_the_turn_is_no_press_of_anybody():
    late = trials_of(np.array([1.0, 2.0, 3.0]), np.array([1.3, 0.6, 0.1]))
    press, at_risk = press_sequence(late, np.ones(3, bool), 80, width=3)
    np.testing.assert_array_equal(np.flatnonzero(press[:, 0]), [32, 33, 34])  # 2.6 s
    # the first stays at risk to the end of its turn at 2.2 s, the third never is
    np.testing.assert_array_equal(np.flatnonzero(at_risk), np.arange(12, 33))
    own = in_turn(
        jnp.floor((late.onset_s + late.response_time_s)[:, None] / STEP_S),
        *(jnp.asarray(f) for f in (late.onset_s, late.deadline_s, late.present)),
        0.0,
    )
    assert own[:, 0].tolist() == [False, True, False]


def test_pulse_is_cut_where_the_next_turn_begins():
    trials = trials_of(np.array([1.0, 2.0]), np.array([1.15, 0.5]))
    press, _ = press_sequence(trials, np.array([True, False]), 60, width=5)
    np.testing.assert_array_equal(np.flatnonzero(press[:, 0]), [26])
