"""The first trials of an unseen person: what is learned from them, and from nothing else."""

import numpy as np
import pytest

from dtb_jax.adaptation import adapted, first_trials, shrunken
from dtb_jax.evaluation import baselines
from dtb_jax.evaluation.folds import by_people
from dtb_jax.evaluation.people import correct_mask
from dtb_jax.settings import Settings
from dtb_jax.workflow import Recipe, stimuli, train
from tests.evaluation.test_folds import make_cohort

PEOPLE = 16
SIZES = {"units": 8, "width": 8, "dropout": 0.0}
RECIPE = Recipe(SIZES, Settings(epochs=2, segments=3, batch_people=4, warmup_steps=2))


@pytest.fixture(scope="module")
def data():
    cohort = make_cohort(PEOPLE)
    fold = by_people(cohort, 2, seed=0)[0]
    return cohort, fold, train(cohort, fold.training, RECIPE, seed=0)


def twins(data, change=lambda run: run, shots=(0, 5)):
    cohort, fold, fitted = data
    cohort = cohort._replace(runs=tuple(change(run) for run in cohort.runs))
    shown = stimuli(cohort, fold.test, fitted.scale)
    return adapted(cohort, fold, fitted, RECIPE, shown, shots)


def times(told, fold):
    return np.stack([run.reaction_time_s[fold.test.people].mean(1) for run in told])


def test_first_trials_are_the_first_that_took_place(data):
    run = data[0].runs[0]
    present = run.trials.present.copy()
    present[3, 1] = False
    run = run._replace(trials=run.trials._replace(present=present))
    found = first_trials(run, 3)
    assert list(np.flatnonzero(found[3])) == [0, 2, 3]
    assert (found.sum(1) == np.minimum(3, (present & run.present[:, None]).sum(1))).all()
    assert not first_trials(run, 0).any()


def test_without_a_trial_the_twin_is_as_it_was(data):
    cohort, fold, fitted = data
    from dtb_jax.workflow import roll_out

    shown = stimuli(cohort, fold.test, fitted.scale)
    plain = roll_out(cohort, fitted, RECIPE, fold.test, shown, cohort.connectomes)
    for one, two in zip(plain, twins(data)["twin_after_0"], strict=True):
        np.testing.assert_allclose(one.reaction_time_s, two.reaction_time_s, atol=1e-4)


def later(run, shots, slower=1.0, everywhere=False):
    """Trials after the first ones, or all of them, answered otherwise."""
    t = run.trials
    kept = np.zeros_like(t.present) if everywhere else first_trials(run, shots)
    time = np.where(kept, t.response_time_s, np.minimum(t.response_time_s * slower, t.deadline_s))
    return run._replace(trials=t._replace(response_time_s=time))


def test_later_trials_and_bold_tell_nothing(data):
    def change(run):
        return later(run, 5, slower=1.7)._replace(bold=run.bold[::-1], bold_mask=run.bold_mask)

    for one, two in zip(twins(data)["twin_after_5"], twins(data, change)["twin_after_5"]):
        np.testing.assert_array_equal(one.reaction_time_s, two.reaction_time_s)
    cohort, fold, _ = data
    test = fold.test.people[:, None]

    def of_tested(run):
        other = later(run, 5, slower=1.7).trials
        fields = (np.where(test.T, a.T, b.T).T for a, b in zip(other, run.trials))
        return run._replace(trials=type(other)(*fields))

    changed = cohort._replace(runs=tuple(of_tested(run) for run in cohort.runs))
    ours, others = (shrunken(c, fold, (5,))["shrinkage_after_5"] for c in (cohort, changed))
    for one, two in zip(ours, others, strict=True):
        np.testing.assert_array_equal(one.reaction_time_s, two.reaction_time_s)


def test_who_starts_slowly_is_told_to_be_slower(data):
    fold = data[1]
    shots = (10,)
    usual = twins(data, shots=shots)["twin_after_10"]
    slow = twins(data, lambda run: later(run, 0, 1.6, everywhere=True), shots)["twin_after_10"]
    fast = twins(data, lambda run: later(run, 0, 0.7, everywhere=True), shots)["twin_after_10"]
    assert times(slow, fold).mean() > times(usual, fold).mean() > times(fast, fold).mean()


def test_shrinkage_is_a_loop(data):
    cohort, fold, _ = data
    told = shrunken(cohort, fold, (0, 5))
    for r, run in enumerate(cohort.runs):
        plain = baselines.item_means(cohort, fold)[r].reaction_time_s
        np.testing.assert_allclose(
            told["shrinkage_after_0"][r].reaction_time_s[fold.test.people],
            plain[fold.test.people],
        )
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
        for i in np.flatnonzero(fold.test.people & run.present):
            own = off[i, first_trials(run, 5)[i] & right[i]]
            n = len(own)
            b = n * between / (n * between + within)
            moved = told["shrinkage_after_5"][r].reaction_time_s[i] - plain[i]
            # Quantities are read at trials whose deadline leaves the mean in place.
            expected = b * own.mean() if n else 0.0
            assert np.sign(np.median(moved)) == np.sign(expected) or abs(expected) < 1e-3
            assert np.median(moved) == pytest.approx(expected, abs=0.05 + 0.3 * abs(expected))
