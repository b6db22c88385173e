"""The first trials of an unseen person: what is learned from them, and from nothing else."""

import numpy as np
import pytest

from dtb_jax.data.averages import correct_mask
from dtb_jax.data.folds import group_k_fold, nested, time_split
from dtb_jax.models import baselines
from dtb_jax.models.few_shot import adapted, first_trials, shrunken
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.twin.config import TrainConfig, TwinConfig
from tests.data.test_folds import make_cohort
from tests.models.test_surrogates import FIELDS, assert_same

PEOPLE = 16
# A scale at which connectomes matter: what hears no connectome can not be adapted.
TWIN = PaperTwin(
    TwinConfig(units=8, width=8, dropout=0.0, scale=1.0),
    TrainConfig(epochs=10, segments=3, batch_people=4, warmup_steps=2),
)
TOLD = tuple(name for name in FIELDS if name in ("choice", "reaction_time_s", "bold"))


@pytest.fixture(scope="module")
def data():
    cohort = make_cohort(PEOPLE)
    fold = group_k_fold(cohort, 2, seed=0)[0]
    return cohort, fold, TWIN.fit(cohort, fold.training)


@pytest.fixture(scope="module")
def usual(data):
    return twins(data, shots=(0, 5, 20))


def twins(data, change=lambda run: run, shots=(5,)):
    cohort, fold, fitted = data
    cohort = cohort._replace(runs=tuple(change(run) for run in cohort.runs))
    return adapted(fitted, cohort, fold, shots)


def differently(run, which, slower):
    """These trials answered at another time, in the same window."""
    t = run.trials
    time = np.minimum(t.response_time_s * slower, t.deadline_s - 0.05)
    time = np.where(which & t.answered, time, t.response_time_s)
    return run._replace(trials=t._replace(response_time_s=time))


def live_otherwise(run, after, people):
    """All that these people do after the first trials, and their brains at any time."""
    rng, t = np.random.default_rng(3), run.trials
    later = t.present & ~first_trials(run, after) & people[:, None]
    other = differently(run, later, 1.7).trials
    answered = np.where(later, rng.random(later.shape) < 0.5, t.answered)
    press = rng.integers(3, size=later.shape)
    possible = np.where(later[..., None], np.eye(3, dtype=bool)[press], t.possible)
    trials = other._replace(answered=answered, possible=possible & answered[..., None])
    noise = 3 * rng.normal(size=run.bold.shape) * run.bold_mask[..., None]
    return run._replace(trials=trials, bold=np.where(people[:, None, None], noise, run.bold))


def test_first_trials_are_the_first_that_took_place(data):
    run = data[0].runs[0]
    present = run.trials.present.copy()
    present[3, 1] = False
    run = run._replace(trials=run.trials._replace(present=present))
    found = first_trials(run, 3)
    assert list(np.flatnonzero(found[3])) == [0, 2, 3]
    assert (found.sum(1) == np.minimum(3, (present & run.present[:, None]).sum(1))).all()
    assert not first_trials(run, 0).any()


def test_without_a_trial_the_twin_is_as_it_was(data, usual):
    cohort, fold, fitted = data
    plain = fitted.predict(cohort, fold.test)
    for one, two in zip(plain, usual["twin_after_0"], strict=True):
        for name in ("choice_probability", "omission_probability", "reaction_time_s", "bold"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-4)


def test_later_trials_and_bold_tell_nothing(data, usual):
    cohort, fold, _ = data
    tested = fold.test.people

    def otherwise(run):
        return live_otherwise(run, 5, tested)

    five = usual["twin_after_5"]
    for one, two in zip(five, twins(data, otherwise)["twin_after_5"], strict=True):
        for name in TOLD:
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    changed = cohort._replace(runs=tuple(map(otherwise, cohort.runs)))
    ours, others = (shrunken(c, fold, shots=5) for c in (cohort, changed))
    # What a trial's likelihood says is of the trial itself.
    ours, others = ([one._replace(log_likelihood=None) for one in each] for each in (ours, others))
    assert_same(ours, others, tested)


def test_the_first_trials_do_tell(data, usual):
    fold = data[1]
    for zero, five in zip(usual["twin_after_0"], usual["twin_after_5"], strict=True):
        moved = np.abs(zero.reaction_time_s - five.reaction_time_s)[fold.test.people]
        assert moved.max() > 0.005


@pytest.mark.parametrize("slower", [1.8, 0.6])
def test_who_starts_slowly_is_told_to_be_slower_and_nobody_else(data, usual, slower):
    cohort, fold, _ = data
    shown = np.min([run.trials.present.sum(1) for run in cohort.runs], axis=0)
    who = np.argmax(shown * fold.test.people)
    alone = np.arange(PEOPLE) == who

    def change(run):
        return differently(run, first_trials(run, 20) & alone[:, None], slower)

    found = twins(data, change, (20,))["twin_after_20"]
    for run, one, other in zip(cohort.runs, usual["twin_after_20"], found, strict=True):
        later = run.trials.present[who] & ~first_trials(run, 20)[who]
        times = [told.reaction_time_s[who, later].mean() for told in (one, other)]
        assert (times[1] - times[0]) * (slower - 1) > 0.01
        np.testing.assert_allclose(
            one.reaction_time_s[~alone], other.reaction_time_s[~alone], atol=1e-5
        )


def test_first_trials_come_before_a_part_that_starts_later(data):
    cohort, fold, fitted = data
    late = nested([fold], time_split(cohort, 50.0, 120.0)[0])[0]
    found = twins((cohort, late, fitted), shots=(0, 5))
    for zero, five in zip(found["twin_after_0"], found["twin_after_5"], strict=True):
        moved = np.abs(zero.reaction_time_s - five.reaction_time_s)[fold.test.people]
        assert moved.max() > 0.005


def test_shrinkage_is_a_loop(data):
    cohort, fold, _ = data
    told = {k: shrunken(cohort, fold, shots=k) for k in (0, 5)}
    for r, run in enumerate(cohort.runs):
        plain = baselines.item_means(cohort, fold)[r]
        zero, five = (told[k][r] for k in (0, 5))
        assert (zero.personal, five.personal) == (False, True)
        for name in ("choice_probability", "omission_probability", "reaction_time_s"):
            np.testing.assert_allclose(getattr(zero, name), getattr(plain, name))
        plain = plain.reaction_time_s
        right = correct_mask(run.trials) & run.present[:, None]
        off = run.trials.response_time_s - plain
        means, rests, counts = [], 0.0, []
        for i in np.flatnonzero(fold.training.people):
            own = off[i, right[i]]
            if len(own) > 1:
                means.append(own.mean())
                counts.append(len(own))
                rests += ((own - own.mean()) ** 2).sum()
        within = rests / (sum(counts) - len(counts))
        between = max(np.var(means, ddof=1) - within / np.mean(counts), 1e-6)
        spread = zero.reaction_time_sd_s / zero.reaction_time_s
        for i in np.flatnonzero(fold.test.people):
            own = off[i, first_trials(run, 5)[i] & right[i]]
            b = len(own) * between / (len(own) * between + within)
            expected = plain[i] + (b * own.mean() if len(own) else 0.0)
            np.testing.assert_allclose(five.reaction_time_s[i], expected, rtol=1e-9)
            left = (within + (1 - b) * between) / (within + between)
            narrower = np.sqrt(np.expm1(np.log1p(spread[i] ** 2) * left))
            found = five.reaction_time_sd_s[i] / five.reaction_time_s[i]
            np.testing.assert_allclose(found, narrower, rtol=1e-9)
