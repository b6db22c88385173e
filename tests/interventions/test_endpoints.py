"""Scene and indicators against NumPy loops; gradients to the connectome against differences."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax import make_twin
from dtb_jax.data.splits import BoldScale
from dtb_jax.interventions.edits import endpoints_of_people, vector
from dtb_jax.interventions.endpoints import Asked, of_connectome, twin_of
from dtb_jax.interventions.scene import standard_protocol, typical_person
from dtb_jax.twin import bold
from dtb_jax.twin.rnn import flatten, unflatten, weight_count
from tests import reference
from tests.interventions.small import REGIONS, STOP_S, UNITS, in_double

OUTPUTS = 3 + len(REGIONS)
SIZES = 9, UNITS, OUTPUTS
UNIT_SCALE = BoldScale(np.zeros(2), np.ones(2))


class Linear(eqx.Module):
    """w = base + slope e: nothing of the paper's model in it."""

    base: jax.Array
    slope: jax.Array

    def __call__(self, connectome):
        return unflatten(self.base + self.slope @ connectome, *SIZES)


def linear(edges):
    rng = np.random.default_rng(0)
    base = 0.2 * rng.normal(size=weight_count(*SIZES))
    slope = 0.003 * rng.normal(size=(len(base), edges))
    return Linear(jnp.asarray(base, jnp.float32), jnp.asarray(slope, jnp.float32))


def counted(run, person, start_s=0.0, stop_s=STOP_S):
    """Trials whose whole window lies in the scene, one by one."""
    trials = run.trials
    ends = trials.onset_s[person] + trials.deadline_s[person]
    inside = (trials.onset_s[person] >= start_s) & (ends <= stop_s)
    return np.flatnonzero(inside & trials.present[person])


def trial_by_hand(logits, available, onset_s, deadline_s):
    """P(each press), P(omission), mean and SD of the time given a press."""
    survival, presses, times, step = 1.0, [], [], int(np.floor(onset_s / 0.08 + 1e-6))
    for offset in range(int(np.ceil(deadline_s / 0.08))):
        p, none = reference.hazard(logits[step + offset], available)
        presses.append(survival * p)
        times.append((step + offset + 0.5) * 0.08 - onset_s)
        survival *= none
    share = np.sum(presses, axis=1) / np.sum(presses)
    mean = share @ times
    sd = np.sqrt(share @ (np.array(times) - mean) ** 2)
    return np.sum(presses, axis=0), survival, mean, sd


def glm_by_hand(series, run, person, chosen):
    """The contrast's size and t by `lstsq`, with the regressors that the trials make."""
    trials, task = run.trials, run.task
    timing = []
    for c in range(len(task.conditions)):
        k = chosen[trials.condition[person, chosen] == c]
        timing.append((trials.onset_s[person, k], trials.duration_s[person, k]))
    design = bold.design_matrix(timing, len(series), 0.8, bold.drift_order(len(series), 0.8))
    more, less = map(task.conditions.index, task.contrast)
    contrast = bold.condition_contrast(more, less, design.shape[1])
    beta, _, rank, _ = np.linalg.lstsq(design, series, rcond=None)
    variance = np.sum((series - design @ beta) ** 2) / (len(series) - rank)
    size = contrast @ beta
    t = size / np.sqrt(variance * contrast @ np.linalg.pinv(design.T @ design) @ contrast)
    mask = np.ones(len(series), bool)
    np.testing.assert_allclose(bold.glm_t(series[:, None], design, contrast, mask)[0], t, rtol=1e-3)
    return size, t


def by_hand(network, cohort, scene, region, stop_s=STOP_S):
    found, weights = {}, np.asarray(flatten(network), float)
    for r, run in enumerate(cohort.runs):
        person, name = typical_person(run), run.task.name
        stimulus = np.asarray(scene.stimulus[r], float)
        outputs = reference.unroll(weights, stimulus, *SIZES)
        available, trials = np.array(run.task.available), run.trials
        chosen = counted(run, person, stop_s=stop_s)
        each = [
            trial_by_hand(
                outputs[:, :3], available, trials.onset_s[person, k], trials.deadline_s[person, k]
            )
            for k in chosen
        ]
        presses, omission, time, sd = (np.array(part) for part in zip(*each))
        right = presses[np.arange(len(chosen)), trials.correct[person, chosen]]
        more, less = map(run.task.conditions.index, run.task.contrast)
        condition = trials.condition[person, chosen]
        volumes = outputs[: round(stop_s / 0.08) : 10, 3 + region]
        size, t = glm_by_hand(volumes * float(scene.unit[region]), run, person, chosen)
        found |= {
            f"{name}_rt_s": time.mean(),
            f"{name}_rt_sd_s": sd.mean(),
            f"{name}_effect_s": time[condition == more].mean() - time[condition == less].mean(),
            f"{name}_accuracy": right.mean(),
            f"{name}_accuracy_sd": np.sqrt(right * (1 - right)).mean(),
            f"{name}_omission": omission.mean(),
            f"{name}_bold": size,
            f"{name}_t": t,
        }
    return found


def shifted(run, shift_s):
    """Everybody's onsets, later by so much."""
    trials = run.trials._replace(onset_s=run.trials.onset_s + np.array(shift_s)[:, None])
    return run._replace(trials=trials)


def test_whose_timing_is_the_median_is_typical(setting):
    shift = np.r_[0, 5, 1, 2, 3, 4, 2.5, 9, 9, 0, 0, 7.0]  # median 2.75
    run = shifted(setting.cohort.runs[0], shift)
    assert typical_person(run) == 4
    duration = run.trials.duration_s.copy()
    duration[4] = 60.0  # broken
    run = run._replace(trials=run.trials._replace(duration_s=duration))
    assert typical_person(run) == 6
    present = run.trials.present.copy()
    present[6, -1] = False
    run = run._replace(trials=run.trials._replace(present=present))
    assert typical_person(run) == 3
    assert typical_person(run._replace(present=np.arange(12) != 3)) == 5


def test_a_scene_is_the_session_of_one_person(setting):
    shift = 0.01 * np.arange(12)
    cohort = setting.cohort
    cohort = cohort._replace(runs=tuple(shifted(run, shift) for run in cohort.runs))
    marked = [run.stimulus + np.arange(12, dtype=np.float32)[:, None, None] for run in cohort.runs]
    runs = tuple(run._replace(stimulus=one) for run, one in zip(cohort.runs, marked))
    scene = standard_protocol(cohort._replace(runs=runs), UNIT_SCALE)
    assert list(scene.readings) == ["faces", "stroop"] and scene.stimulus.shape == (2, 5100, 9)
    for run, shown, reading in zip(runs, scene.stimulus, scene.readings.values()):
        person, steps = typical_person(run), run.stimulus.shape[1]
        np.testing.assert_array_equal(shown[:steps], run.stimulus[person])
        assert not shown[steps:].any()
        trials = run.trials
        np.testing.assert_array_equal(reading.correct, trials.correct[person])
        first = np.floor(trials.onset_s[person] / 0.08 + 1e-6)
        np.testing.assert_array_equal(reading.windows.steps[:, 0], first)
        more, less = (run.task.conditions.index(name) for name in run.task.contrast)
        np.testing.assert_array_equal(reading.more, trials.condition[person] == more)
        np.testing.assert_array_equal(reading.less, trials.condition[person] == less)


def test_the_first_run_of_each_task_serves_in_any_order(setting):
    faces, stroop = setting.cohort.runs
    again = shifted(stroop, np.full(12, 3.0))
    scene = standard_protocol(setting.cohort._replace(runs=(stroop, again, faces)), UNIT_SCALE)
    # A dict's order does not survive JAX: whatever the order of runs, stimuli go with readings.
    assert list(scene.readings) == ["faces", "stroop"]
    one = standard_protocol(setting.cohort, UNIT_SCALE)
    jax.tree.map(np.testing.assert_array_equal, scene, one)


@pytest.mark.parametrize(("start_s", "stop_s"), [(0.0, STOP_S), (40.0, 90.0)])
def test_only_trials_whose_window_ends_in_the_scene_count(setting, start_s, stop_s):
    scene = standard_protocol(setting.cohort, UNIT_SCALE, start_s=start_s, stop_s=stop_s)
    part = slice(round(start_s / 0.08), round(stop_s / 0.08))
    for run, shown, reading in zip(setting.cohort.runs, scene.stimulus, scene.readings.values()):
        person = typical_person(run)
        np.testing.assert_array_equal(shown, run.stimulus[person, part])
        chosen = counted(run, person, start_s, stop_s)
        onset = run.trials.onset_s[person]
        assert 0 < len(chosen) < np.sum((onset >= start_s) & (onset < stop_s))
        np.testing.assert_array_equal(reading.correct, run.trials.correct[person, chosen])
        first = np.floor((onset[chosen] - start_s) / 0.08 + 1e-6)
        np.testing.assert_array_equal(reading.windows.steps[:, 0], first)
        width = np.ceil(run.trials.deadline_s[person, chosen] / 0.08 - 1e-6)
        np.testing.assert_array_equal(reading.windows.open.sum(axis=1), width)


def test_a_part_without_a_condition_is_refused(setting):
    for stop_s in (5.0, 14.0):  # no trial at all, and shapes only
        with pytest.raises(ValueError, match="faces: no trial with face .* from 0 to"):
            standard_protocol(setting.cohort, UNIT_SCALE, stop_s=stop_s)


def test_endpoints_equal_a_loop_and_any_pytree_is_a_twin(setting):
    cohort, scene = setting.cohort, setting.scene
    for network_of in (setting.network_of, linear(cohort.connectomes.shape[1])):
        told = endpoints_of_people(network_of, cohort.connectomes, scene, asked=setting.asked)
        for k in (0, 7):
            expected = by_hand(network_of(cohort.connectomes[k]), cohort, scene, 1)
            assert set(told) == set(expected)
            for name, value in expected.items():
                np.testing.assert_allclose(told[name][k], value, rtol=1e-3, err_msg=name)


def test_people_at_once_are_people_one_by_one(setting):
    asked = Asked()
    one = eqx.filter_jit(partial(of_connectome, asked=asked))
    few = setting.cohort.connectomes[:3]
    together = endpoints_of_people(setting.network_of, few, setting.scene, asked=asked)
    assert not {"faces_t", "faces_bold"} & set(together)
    for k, connectome in enumerate(few):
        for name, value in one(setting.network_of, connectome, setting.scene).items():
            np.testing.assert_allclose(together[name][k], value, rtol=1e-5, err_msg=name)


def test_gradients_to_the_connectome_equal_finite_differences(setting, x64):
    """48 units, 4,560 edges: through hypernetwork, recurrence, and hazards or GLM."""
    rng = np.random.default_rng(0)
    connectomes = 0.3 * rng.normal(size=(6, 4560))
    twin = make_twin(connectomes, inputs=9, units=48, outputs=OUTPUTS, scale=0.3)
    network_of = in_double(twin_of(twin, eqx.filter_jit(twin.init)(jax.random.key(0))))
    scene = in_double(setting.scene)

    @jax.jit
    def told(connectome):
        return vector(of_connectome(network_of, connectome, scene, setting.asked))

    person = jnp.asarray(connectomes[0])
    slopes = jax.jit(jax.jacrev(told))(person)
    assert slopes.shape == (16, 4560) and np.isfinite(slopes).all()
    length = jnp.linalg.norm(slopes, axis=1)
    random = jnp.asarray(rng.normal(size=4560))
    directions = jnp.concatenate([random[None], slopes / length[:, None]])
    directions = directions / jnp.linalg.norm(directions, axis=1, keepdims=True)
    size = 1e-4
    up, down = (jnp.stack([told(person + sign * size * d) for d in directions]) for sign in (1, -1))
    numeric = (up - down) / (2 * size)
    np.testing.assert_allclose(numeric[0], slopes @ directions[0], rtol=1e-4)
    np.testing.assert_allclose(jnp.diag(numeric[1:]), length, rtol=1e-4)
