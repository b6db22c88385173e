"""The in-silico trial by hand: changes, responders, harm, and who responds."""

import numpy as np
import pytest
from scipy import stats

from dtb_jax.interventions import trial
from dtb_jax.interventions.against_truth import toward
from dtb_jax.interventions.trial import Arm

ARM = Arm("mind", {"faces_rt_s": -1.0, "stroop_rt_s": -0.5}, ("faces_accuracy", "faces_bold"))


@pytest.fixture
def changes():
    """Two doses of five people; at the last, three respond, and the first and last are harmed."""
    last = {
        "faces_rt_s": [-1.0, -0.5, -0.8, -0.4, 1.0],
        "stroop_rt_s": [-0.5, -0.5, -1.0, -1.0, -1.0],
        "faces_accuracy": [-0.3, 0.5, -0.1, 0.0, 0.0],  # up is no harm
        "faces_bold": [0.0, 0.1, -0.1, 0.0, -0.2],  # either way is
    }
    return {name: np.stack([0 * np.array(v), np.array(v)]) for name, v in last.items()}


def reversed_dict(values):
    return dict(reversed(list(values.items())))


def test_changes_are_in_sd_of_people():
    before = {"a": np.array([1.0, 2.0]), "flat": np.array([3.0, 3.0])}
    after = {"a": np.array([2.0, 1.5]), "flat": np.array([3.0, 3.0])}
    found = trial.in_sd(before, after, {"a": 0.5, "flat": 0.0})
    np.testing.assert_array_equal(found["a"], [2, -1])
    assert np.isnan(found["flat"]).all()


def test_on_target_is_the_share_of_the_wish(changes):
    found = trial.on_target(ARM, changes)
    np.testing.assert_allclose(found[0], 0)
    np.testing.assert_allclose(found[1], [1.0, 0.75, 1.4, 1.2, 0.5])


@pytest.mark.parametrize(
    ("name", "change", "worse"),
    [
        ("stroop_rt_s", 1.0, 1.0),
        ("stroop_rt_s", -1.0, -1.0),
        ("faces_rt_sd_s", 1.0, 1.0),
        ("faces_accuracy", 1.0, -1.0),
        ("faces_omission", 1.0, 1.0),
        ("faces_bold", -1.0, 1.0),
        ("faces_t", 1.0, 1.0),
        ("stroop_effect_s", -1.0, 1.0),
        ("faces_accuracy_sd", -1.0, 1.0),
    ],
)
def test_what_is_worse(name, change, worse):
    found = trial.for_the_worse({name: np.full((1, 2), change)}, [name])
    np.testing.assert_array_equal(found, np.full((1, 2), worse))


def test_the_worst_of_several_counts(changes):
    found = trial.for_the_worse(changes, ARM.held)
    np.testing.assert_allclose(found[1], [0.3, 0.1, 0.1, 0.0, 0.2])


def test_summary_by_hand(changes):
    found = trial.summary(ARM, changes)
    assert set(found) == {"on_target", "responders", "harmed", "off_target_sd"}
    assert found["on_target"].value == pytest.approx(4.85 / 5)
    assert found["responders"].value == pytest.approx(3 / 5)
    assert found["harmed"].value == pytest.approx(2 / 5)
    assert found["off_target_sd"].value == pytest.approx((0.9 + 0.4) / 10)
    assert all(one.n == 5 and one.ci_low <= one.value <= one.ci_high for one in found.values())
    unheld = trial.summary(ARM._replace(held=()), changes)
    assert set(unheld) == {"on_target", "responders"}


def test_what_is_guarded_can_be_harmed_but_is_not_off_target(changes):
    arm = ARM._replace(held=("faces_bold",), guarded=("faces_accuracy",))
    assert arm.counted == ("faces_rt_s", "stroop_rt_s", "faces_bold", "faces_accuracy")
    found = trial.summary(arm, changes)
    assert found["harmed"].value == pytest.approx(2 / 5)
    assert found["off_target_sd"].value == pytest.approx(0.4 / 5)
    alone = trial.summary(arm._replace(held=()), changes)
    assert alone["harmed"].value == pytest.approx(1 / 5) and "off_target_sd" not in alone


def test_selectivity_holds_its_means():
    rng = np.random.default_rng(0)
    shifts = {"heart": {"a": 1.0, "b": 0.0}, "mind": {"a": 0.0, "b": -2.0}}
    arms = {
        arm: {name: mean + rng.normal(size=(2, 200)) for name, mean in each.items()}
        for arm, each in shifts.items()
    }
    arms["mind"]["b"][1, 5] = np.nan
    found = trial.selectivity(arms, ["a", "b"])
    for arm, each in shifts.items():
        for name, mean in each.items():
            one = found[arm][name]
            assert one.value == pytest.approx(np.nanmean(arms[arm][name][-1]))
            assert one.ci_low <= one.value <= one.ci_high
            assert abs(one.value - mean) < 0.25 and one.ci_high - one.ci_low < 0.4
    assert found["mind"]["b"].n == 199


def test_effects_r_is_scipys():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 2, 30))
    y[1] += x[1]
    x[1, 3] = y[1, 8] = np.nan
    kept = np.isfinite(x[1] + y[1])
    found = trial.effects_r({"x": x, "y": y}, "x", "y")
    expected = stats.pearsonr(x[1, kept], y[1, kept])
    assert found.value == pytest.approx(expected.statistic) and found.n == 28
    low, high = expected.confidence_interval()
    assert abs(found.ci_low - low) < 0.2 and abs(found.ci_high - high) < 0.2


def test_who_responds_finds_what_connectomes_cause_and_not_noise():
    rng = np.random.default_rng(2)
    connectomes = rng.normal(size=(120, 40)).astype(np.float32)
    causes = connectomes[:, :5].sum(axis=1).astype(float)
    noise = rng.normal(size=120)
    baseline = {"told": causes + rng.normal(size=120), "nothing": rng.normal(size=120)}
    found = trial.who_responds(causes + noise, baseline, connectomes, seed=0)
    assert list(found) == ["told", "nothing", "connectome"]
    assert found["connectome"].value > 0.6 and found["connectome"].ci_low > 0.4
    expected = stats.pearsonr(baseline["told"], causes + noise).statistic
    assert found["told"].value == pytest.approx(expected)
    assert abs(found["nothing"].value) < 0.25
    nothing = trial.who_responds(noise, {}, connectomes, seed=0)["connectome"]
    assert nothing.value is None or nothing.ci_low < 0.1
    again = trial.who_responds(causes + noise, reversed_dict(baseline), connectomes, seed=0)
    assert again == found


def test_people_without_a_response_do_not_count():
    rng = np.random.default_rng(3)
    connectomes = rng.normal(size=(60, 20)).astype(np.float32)
    reached = connectomes[:, 0].astype(float)
    reached[:10] = np.nan
    found = trial.who_responds(reached, {"same": connectomes[:, 0]}, connectomes, seed=0)
    assert found["same"].value == pytest.approx(1) and found["same"].n == 50
    assert found["connectome"].n == 50 and found["connectome"].value > 0.7


def test_no_order_of_names_changes_anything(changes):
    arm = ARM._replace(targets_sd=reversed_dict(ARM.targets_sd), held=ARM.held[::-1])
    turned = reversed_dict(changes)
    np.testing.assert_allclose(trial.on_target(arm, turned), trial.on_target(ARM, changes))
    np.testing.assert_allclose(toward(arm, turned), toward(ARM, changes))
    for name, one in trial.summary(arm, turned).items():
        np.testing.assert_allclose(one, trial.summary(ARM, changes)[name])
