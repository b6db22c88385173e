"""Edits are only as good as what twins tell of unseen people."""

import numpy as np
import pytest

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.interventions.support import Support, is_supported, observed, sentence, support
from dtb_jax.interventions.trial import Arm
from dtb_jax.twin import bold

PEOPLE = 90
UNSEEN = np.arange(PEOPLE) % 3 > 0
NAMES = ["strong", "weak", "none", "unmeasured", "flat"]
ARM = Arm("affective", {"strong": -1.0}, ())


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(1)
    told = {name: rng.normal(size=PEOPLE) for name in NAMES}
    noise = rng.normal(size=(3, PEOPLE))
    seen = {
        "strong": told["strong"] + 0.5 * noise[0],
        "weak": told["weak"] + 2.8 * noise[1],
        "none": noise[2],
        "flat": told["flat"].copy(),
    }
    # whoever was trained on tells everything, and must not count
    seen["none"][~UNSEEN] = told["none"][~UNSEEN]
    seen["strong"][4] = np.nan
    told["flat"] = np.full(PEOPLE, 0.3)
    return seen, told


@pytest.fixture(scope="module")
def found(people):
    return support(*people, UNSEEN, NAMES, seed=0)


def test_a_planted_r_is_found_and_noise_is_not(people, found):
    seen, told = people
    for name in ("strong", "weak", "none"):
        kept = UNSEEN & np.isfinite(seen[name])
        r = np.corrcoef(seen[name][kept], told[name][kept])[0, 1]
        assert found[name].r.value == pytest.approx(r) and found[name].r.n == kept.sum()
        assert found[name].r.ci_low <= r <= found[name].r.ci_high
    assert found["strong"].p < 0.01 and found["none"].p > 0.05
    assert found["strong"].r.value > 0.8 and abs(found["none"].r.value) < 0.3


def test_what_was_not_measured_or_does_not_vary_has_no_p(found):
    assert found["unmeasured"] == Support(Estimate(None), None)
    assert found["flat"].p is None and found["flat"].r == Estimate(None, n=60)


def test_too_few_people_have_no_p(people):
    few = UNSEEN & (np.arange(PEOPLE) < 5)
    assert support(*people, few, ["weak"], seed=0)["weak"] == Support(Estimate(None, n=3), None)


def test_p_is_holms_over_all_names(people, found):
    alone = {n: support(*people, UNSEEN, [n], seed=0)[n].p for n in ("strong", "weak", "none")}
    assert 0.5 / 2000 < alone["strong"] < alone["weak"] < min(0.05, alone["none"])
    adjusted = [3 * alone["strong"], 2 * alone["weak"], alone["none"]]
    adjusted = np.minimum(np.maximum.accumulate(adjusted), 1)
    np.testing.assert_allclose([found[n].p for n in ("strong", "weak", "none")], adjusted)


def test_no_order_of_names_changes_anything(people, found):
    seen, told = (dict(reversed(one.items())) for one in people)
    assert support(seen, told, UNSEEN, NAMES[::-1], seed=0) == found


def test_an_arm_is_supported_by_all_its_targets(found):
    assert is_supported(ARM, found)
    for other in ("none", "unmeasured", "flat"):
        assert not is_supported(ARM._replace(targets_sd={"strong": -1.0, other: 1.0}), found)
    against = {"strong": found["strong"]._replace(r=Estimate(-0.9))}
    assert not is_supported(ARM, against)


def test_the_sentence_says_so(found):
    designed = Estimate(10.234)
    controls = {"random": Estimate(0.05), "group_edit": Estimate(0.4), "flat": Estimate(None)}
    said = sentence(ARM, found, designed, controls)
    assert said.startswith("Affective edits: unseen people are told apart (Strong r = .")
    assert said.endswith("designed edits move the target by 10.23 SD, group edit by .40.")
    arm = ARM._replace(name="mind", targets_sd={"unmeasured": -1.0})
    said = sentence(arm, found, Estimate(None), {"random": Estimate(-0.05)})
    assert said.startswith(
        "Mind edits: no edit is supported, since there are too few unseen people"
    )
    assert "(Unmeasured r = undefined, p = undefined)" in said
    assert said.endswith("move the target by undefined SD, random by -.05.")
    said = sentence(arm, found, designed, {"random": Estimate(None)})
    assert said.endswith("random by undefined.")


def test_observed_equals_hand_means(setting):
    cohort = setting.cohort
    again = cohort.runs[1]
    again = again._replace(
        name="again",
        trials=again.trials._replace(response_time_s=again.trials.response_time_s + 1),
    )
    found = observed(cohort._replace(runs=(*cohort.runs, again)), None)
    assert set(found) == {f"{t}_{n}" for t in ("faces", "stroop") for n in ("rt_s", "effect_s")}
    for run in cohort.runs:
        trials, task = run.trials, run.task
        for k in range(len(cohort.connectomes)):
            times = {name: [] for name in task.conditions}
            for t in range(trials.onset_s.shape[1]):
                if trials.answered[k, t] and trials.possible[k, t, trials.correct[k, t]]:
                    time = trials.response_time_s[k, t]
                    times[task.conditions[trials.condition[k, t]]].append(time)
            more, less = (np.mean(times[name]) for name in task.contrast)
            mean = np.mean(sum(times.values(), []))
            np.testing.assert_allclose(found[f"{task.name}_rt_s"][k], mean)
            np.testing.assert_allclose(found[f"{task.name}_effect_s"][k], more - less)


def test_observed_contrasts_are_the_regions_t(setting):
    faces = setting.cohort.runs[0]
    mask = faces.bold_mask.copy()
    mask[3, 100:] = False
    present = np.arange(len(mask)) != 5
    runs = (faces._replace(bold_mask=mask, present=present), setting.cohort.runs[1])
    found = observed(setting.cohort._replace(runs=runs), "R_amygdala")
    assert "stroop_bold" not in found  # no BOLD was measured
    told = found["faces_bold"]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(told)), [3, 5])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found["faces_rt_s"])), [5])
    trials, series = faces.trials, faces.bold[0, :, 1]
    events = [trials.condition[0] == c for c in range(2)]
    timing = [(trials.onset_s[0, e], trials.duration_s[0, e]) for e in events]
    design = bold.design_matrix(timing, len(series), 0.8, bold.drift_order(len(series), 0.8))
    beta, _, rank, _ = np.linalg.lstsq(design, series, rcond=None)
    variance = np.sum((series - design @ beta) ** 2) / (len(series) - rank)
    more, less = (faces.task.conditions.index(name) for name in faces.task.contrast)
    contrast = bold.condition_contrast(more, less, design.shape[1])
    error = np.sqrt(variance * contrast @ np.linalg.pinv(design.T @ design) @ contrast)
    np.testing.assert_allclose(told[0], contrast @ beta / error, rtol=1e-3)
    assert "faces_bold" not in observed(setting.cohort, "nowhere")
