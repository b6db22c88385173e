"""Steps along the truth's own gradient, and the table's figures against NumPy."""

import numpy as np
import pytest

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.interventions import against_truth as truth
from dtb_jax.interventions.trial import Arm
from tests.interventions.small import small_truth

AFFECTIVE = Arm("affective", {"faces_bold": -1.0}, ())
COGNITIVE = Arm("cognitive", {"faces_rt_s": -1.0, "stroop_rt_s": -1.0}, ())
STEP = 0.02


@pytest.fixture(scope="module")
def known():
    return small_truth(rho=0.5)[1]


@pytest.fixture(scope="module")
def uncaused():
    return small_truth(rho=0.0)[1]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_truth_of_people(known):
    assert set(known.before) == set(truth.TRUE) and (np.array(list(known.sd.values())) > 0).all()
    for name, values in known.before.items():
        assert values.shape == (12,) and values.dtype == float
        assert known.sd[name] == pytest.approx(values.std())
    still = known.change_sd(np.zeros_like(known.connectomes))
    assert not any(change.any() for change in still.values())


@pytest.mark.parametrize("arm", [AFFECTIVE, COGNITIVE])
def test_a_step_along_the_gradient_does_what_it_says(known, arm):
    slopes = truth.true_gradient(known, arm)
    steps = STEP * unit(slopes)
    np.testing.assert_allclose(truth.cosine(steps, slopes), 1, rtol=1e-6)
    # The gradient is of the sum over targets, the change is their mean.
    told = np.linalg.norm(slopes, axis=1) / len(arm.targets_sd)
    np.testing.assert_allclose(truth.per_length(known, arm, steps), told, rtol=0.02)
    random = STEP * unit(np.random.default_rng(0).normal(size=slopes.shape).astype(np.float32))
    random += steps / 2
    along = np.sum(unit(random) * slopes, axis=1) / len(arm.targets_sd)
    np.testing.assert_allclose(truth.per_length(known, arm, random), along, rtol=0.05)


def test_nothing_but_its_causes_moves_the_amygdala(known):
    edits = truth.true_gradient(known, COGNITIVE)
    changes = known.change_sd(edits / np.linalg.norm(edits, axis=1, keepdims=True))
    assert np.abs(changes["faces_bold"]).max() < 1e-3
    assert np.abs(changes["stroop_rt_s"]).min() > 0.1


def test_without_causes_nothing_changes_and_all_is_defined(uncaused):
    edits = np.random.default_rng(1).normal(size=uncaused.connectomes.shape).astype(np.float32)
    assert not any(change.any() for change in uncaused.change_sd(edits).values())
    for arm in (AFFECTIVE, COGNITIVE):
        slopes = truth.true_gradient(uncaused, arm)
        assert not slopes.any() and np.isnan(truth.cosine(edits, slopes)).all()
        each = truth.per_length(uncaused, arm, edits)
        assert not each.any()
        predicted = np.random.default_rng(2).normal(size=(12, 3))
        told = truth.slope_and_r(predicted, np.zeros((12, 3)))
        assert told["slope"].value == 0 and told["r"].value is None
        assert truth.ratio(each, each).value is None
        assert truth.ratio(each, each, root_mean_square=True).value is None
        assert truth.difference(each, each).value == 0


def test_no_edit_has_no_length(known):
    edits = np.zeros_like(known.connectomes)
    edits[1] = 0.01
    assert np.isfinite(truth.per_length(known, AFFECTIVE, edits)).tolist() == [
        k == 1 for k in range(12)
    ]
    assert np.isnan(truth.cosine(edits, known.connectomes)[0])


def test_cosine_and_toward_by_hand():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 4, 7))
    expected = [x @ y / np.sqrt(x @ x * (y @ y)) for x, y in zip(a, b)]
    np.testing.assert_allclose(truth.cosine(a, b), expected)
    changes = {"faces_rt_s": a[0], "stroop_rt_s": a[1], "faces_bold": a[2]}
    np.testing.assert_allclose(truth.toward(COGNITIVE, changes), -(a[0] + a[1]) / 2)
    up = Arm("up", {"faces_rt_s": 2.0, "faces_bold": -0.1}, ())
    np.testing.assert_allclose(truth.toward(up, changes), (a[0] - a[2]) / 2)


def test_slope_and_r_are_numpys():
    rng = np.random.default_rng(4)
    predicted = rng.normal(1.0, 0.5, size=(40, 4))
    true = 0.7 * predicted + 0.2 * rng.normal(size=(40, 4)) - 0.3
    found = truth.slope_and_r(predicted, true)
    slope = np.polyfit(predicted.ravel(), true.ravel(), 1)[0]
    r = np.corrcoef(predicted.ravel(), true.ravel())[0, 1]
    for name, value in (("slope", slope), ("r", r)):
        one = found[name]
        assert one.value == pytest.approx(value, rel=1e-9) and one.n == 40
        assert one.ci_low < value < one.ci_high and one.ci_high - one.ci_low < 0.2
    flat = truth.slope_and_r(np.ones((40, 4)), true)
    assert flat["slope"].value is None and flat["r"].value is None


def test_ratios_hold_their_value_and_are_paired():
    rng = np.random.default_rng(5)
    other = rng.normal(2.0, 1.0, 200)
    one = 1.5 * other
    exact = truth.ratio(one, other)
    assert exact.value == pytest.approx(1.5) and exact.ci_high - exact.ci_low < 1e-9
    one = one + rng.normal(size=200)
    one[3] = other[8] = np.nan
    kept = np.isfinite(one + other)
    found = truth.ratio(one, other)
    assert found.value == pytest.approx(one[kept].mean() / other[kept].mean()) and found.n == 198
    assert found.ci_low < 1.5 < found.ci_high
    found = truth.ratio(one, other, root_mean_square=True)
    rms = np.sqrt(np.mean(other[kept] ** 2))
    assert found.value == pytest.approx(one[kept].mean() / rms)
    assert found.ci_low < found.value < found.ci_high
    found = truth.difference(one, other)
    assert found.value == pytest.approx((one - other)[kept].mean()) and found.n == 198


def test_nothing_is_a_multiple_of_what_may_be_0():
    rng = np.random.default_rng(6)
    one, other = rng.normal(2.0, 1.0, 200), rng.normal(0.02, 1.0, 200)
    assert truth.ratio(one, other) == Estimate(None, n=200)
    assert truth.ratio(one, other, root_mean_square=True).value > 1
    assert truth.difference(one, other).ci_low > 1
