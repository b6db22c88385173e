"""A mixture of twins against draws from it."""

import numpy as np
import pytest

from dtb_jax.models.mixed_effects.ensemble import mixture
from dtb_jax.models.prediction import LEVELS, Prediction

TESTED = np.ones((3, 5), bool)


def member(rng, people=3, trials=5):
    probability = rng.dirichlet(np.ones(3), (people, trials))
    return Prediction(
        choice=probability.argmax(-1),
        choice_probability=probability,
        omission_probability=rng.uniform(0.05, 0.4, (people, trials)),
        reaction_time_s=rng.uniform(0.5, 1.0, (people, trials)),
        reaction_time_sd_s=rng.uniform(0.1, 0.3, (people, trials)),
        quantiles_s=np.sort(rng.uniform(0.3, 1.5, (people, trials, len(LEVELS))), axis=-1),
        log_likelihood=rng.normal(-2, 1, (people, trials)),
        person_time_sd_s=rng.uniform(0.05, 0.1, people),
        bold=rng.normal(size=(people, 7, 2)),
    )


@pytest.fixture(scope="module")
def members():
    rng = np.random.default_rng(0)
    return [member(rng) for _ in range(3)]


def test_one_member_is_itself(members):
    (found,) = mixture([[members[0]]], [TESTED])
    for name, field in members[0]._asdict().items():
        if isinstance(field, np.ndarray):
            np.testing.assert_allclose(getattr(found, name), field, err_msg=name)


def test_a_mixture_is_what_drawing_a_member_and_then_a_press_makes(members):
    (found,) = mixture([[one] for one in members], [TESTED])
    rng = np.random.default_rng(1)
    who = rng.integers(3, size=400_000)
    at = (1, 2)
    omitted, time, sd = (
        np.array([getattr(one, name)[at] for one in members])[who]
        for name in ("omission_probability", "reaction_time_s", "reaction_time_sd_s")
    )
    pressed = rng.random(len(who)) > omitted
    times = (time + sd * rng.normal(size=len(who)))[pressed]
    chosen = np.array([one.choice_probability[at] for one in members])[who[pressed]].mean(axis=0)
    assert found.omission_probability[at] == pytest.approx(1 - pressed.mean(), abs=3e-3)
    np.testing.assert_allclose(found.choice_probability[at], chosen, atol=3e-3)
    assert found.reaction_time_s[at] == pytest.approx(times.mean(), abs=2e-3)
    assert found.reaction_time_sd_s[at] == pytest.approx(times.std(), abs=2e-3)
    likely = [np.exp(one.log_likelihood[at]) for one in members]
    assert found.log_likelihood[at] == pytest.approx(np.log(np.mean(likely)))
