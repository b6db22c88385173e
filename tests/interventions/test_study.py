"""A study end to end: feasible edits, their doses, and steps that are kept."""

import numpy as np
import pytest

from dtb_jax.interventions import constraints as c
from dtb_jax.interventions.edits import Search
from dtb_jax.interventions.study import Rules, design_arm, kept, made_feasible, open_study
from dtb_jax.interventions.trial import Arm, in_sd, on_target
from dtb_jax.interventions.validity import Feasible, is_valid
from tests.interventions.small import PEOPLE

BUDGET = 0.5
ARM = Arm("mind", {"faces_rt_s": -1.0}, ("faces_bold",), ("faces_accuracy",))
CHUNK = 5


@pytest.fixture(scope="module")
def study(setting):
    scene = setting.scene
    return open_study(setting.network_of, setting.asked, scene, scene, setting.cohort.connectomes)


@pytest.fixture(scope="module")
def rules(setting):
    connectomes = setting.cohort.connectomes
    span = c.within_range(connectomes.min(axis=0), connectomes.max(axis=0))
    obey = c.all_of(span, c.within_budget(BUDGET))
    return Rules(obey, BUDGET, dense=True, price=1e-3, search=Search(steps=60))


@pytest.fixture(scope="module")
def designed(study, rules):
    done = []
    return design_arm(study, ARM, rules, progress=done.append, chunk=CHUNK), done


def test_endpoints_are_told_before_and_their_sd_is_the_unit(study):
    assert all(values.dtype == float for values in study.before.values())
    for name, sd in study.sd.items():
        assert sd == pytest.approx(study.before[name].std(ddof=1))
    still = study.after(np.zeros_like(study.connectomes))
    for name, values in still.items():
        np.testing.assert_array_equal(values, study.before[name])


def test_other_peoples_sd_may_serve(study):
    unit = dict.fromkeys(study.sd, 2.0)
    other = open_study(
        study.network_of, study.asked, study.scene, study.short, study.connectomes, unit
    )
    assert other.sd == unit


def test_designed_edits_are_feasible_and_do_what_they_should(study, rules, designed):
    found, done = designed
    assert isinstance(found, Feasible) and found.edit.shape == study.connectomes.shape
    assert found.valid.all() and (found.kept > 0).all()
    assert all(is_valid(own + edit) for own, edit in zip(study.connectomes, found.edit))
    assert (np.linalg.norm(found.edit, axis=1) <= BUDGET * (1 + 1e-6)).all()
    at = study.connectomes + found.edit
    assert (at <= study.connectomes.max(axis=0) + 1e-6).all()
    assert (at >= study.connectomes.min(axis=0) - 1e-6).all()
    reached = on_target(ARM, study.by_dose(found.edit, [1.0]))[0]
    assert np.abs(reached - 1)[found.kept > 0.999].max() < 0.05 and (found.kept > 0.999).any()
    assert done == [5, 5, 2]  # people, not the last part's filling
    np.testing.assert_array_equal(made_feasible(study, found.edit, rules).edit, found.edit)


def test_the_size_of_parts_changes_nothing(study, rules, designed):
    few = study._replace(connectomes=study.connectomes[:CHUNK])
    again = design_arm(few, ARM, rules)
    np.testing.assert_allclose(again.edit, designed[0].edit[:CHUNK], atol=1e-6)


def test_a_dose_is_a_share_of_the_edit(study, designed):
    edits = designed[0].edit
    found = study.by_dose(edits, [0.0, 0.5, 1.0])
    whole = study.change_sd(edits)
    after = study.after(0.5 * edits)
    half = in_sd(study.before, after, study.sd)
    assert set(found) == set(study.before)
    for name, values in found.items():
        assert values.shape == (3, PEOPLE) and not values[0].any()
        np.testing.assert_array_equal(values[1], half[name])
        np.testing.assert_array_equal(values[2], whole[name])
        np.testing.assert_allclose(
            whole[name] * study.sd[name], study.after(edits)[name] - study.before[name], atol=1e-12
        )


def test_what_is_kept_is_read_again(tmp_path, study, designed):
    path, calls = tmp_path / "steps" / "edits.npz", []

    def make():
        calls.append(None)
        return designed[0]

    first, second = kept(path, make, study), kept(path, make, study)
    assert len(calls) == 1 and [p.name for p in path.parent.iterdir()] == ["edits.npz"]
    for one, other, own in zip(first, second, designed[0]):
        np.testing.assert_array_equal(other, one)
        np.testing.assert_array_equal(other, own)
        assert other.dtype == own.dtype


def test_kept_edits_of_other_people_are_made_again(tmp_path, study, designed):
    path, calls = tmp_path / "edits.npz", []

    def make():
        calls.append(None)
        return designed[0]

    kept(path, make, study)
    kept(path, make, study._replace(connectomes=study.connectomes[::-1]))
    assert len(calls) == 2
    kept(path, make, study._replace(connectomes=study.connectomes[::-1] * (1 + 1e-7)))
    assert len(calls) == 2  # last digits differ between machines


def test_an_interrupted_step_is_made_again(tmp_path, study, designed):
    path = tmp_path / "edits.npz"

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(path, interrupted, study)
    assert not path.exists()
    np.testing.assert_array_equal(kept(path, lambda: designed[0], study).edit, designed[0].edit)


def test_a_wish_for_what_is_not_told_is_refused(study, rules):
    with pytest.raises(ValueError, match="'faces_rt': expected one of faces_accuracy"):
        design_arm(study, ARM._replace(targets_sd={"faces_rt": 1.0}), rules)
