"""Two cohorts as one: rows in order, shorter runs masked, nothing else changed."""

import numpy as np
import pytest

from dtb_jax.data.folds import everybody
from dtb_jax.data.join import join
from dtb_jax.data.ledger import DataError
from dtb_jax.evaluation.behaviour import behaviour
from dtb_jax.evaluation.scored import scored_part
from tests.data.test_folds import RUNS, make_cohort
from tests.evaluation.test_behaviour import make_told


def renamed(cohort, prefix="new"):
    table = cohort.participants.copy()
    table.index = [f"{prefix}-{k}" for k in range(len(table))]
    return cohort._replace(participants=table)


def shorter(cohort, trials=20, volumes=130):
    runs = [
        run._replace(
            trials=type(run.trials)(*(field[:, :trials] for field in run.trials)),
            stimulus=run.stimulus[:, : 10 * volumes],
            bold=run.bold[:, :volumes],
            bold_mask=run.bold_mask[:, :volumes],
        )
        for run in cohort.runs
    ]
    return cohort._replace(runs=tuple(runs))


def test_rows_stand_one_below_the_other_and_fillings_are_masked():
    old, new = make_cohort(7), shorter(renamed(make_cohort(9, seed=1)))
    both = join(old, new)
    assert list(both.participants.index) == [*old.participants.index, *new.participants.index]
    np.testing.assert_array_equal(both.connectomes[:7], old.connectomes)
    np.testing.assert_array_equal(both.connectomes[7:], new.connectomes)
    for run, first, second in zip(both.runs, old.runs, new.runs, strict=True):
        assert not run.trials.present[7:, 20:].any() and not run.bold_mask[7:, 130:].any()
        for name in run.trials._fields:
            field = getattr(run.trials, name)
            np.testing.assert_array_equal(field[:7], getattr(first.trials, name))
            np.testing.assert_array_equal(field[7:, :20], getattr(second.trials, name))
        for name in ("stimulus", "bold", "bold_mask", "present"):
            found, mine = getattr(run, name), getattr(second, name)
            np.testing.assert_array_equal(found[:7], getattr(first, name))
            np.testing.assert_array_equal(
                found[(slice(7, None), *map(slice, mine.shape[1:]))], mine
            )


def told_of_both(first, second):
    """What is said of each, in the rows and trials of both."""

    def filled(one, trials):
        return np.pad(one, [(0, 0), (0, trials - one.shape[1])] + [(0, 0)] * (one.ndim - 2))

    def stacked(one, other):
        return np.concatenate([filled(one, 24), filled(other, 24)])

    fields = {
        name: stacked(one, getattr(second, name))
        for name, one in first._asdict().items()
        if isinstance(one, np.ndarray) and name != "bold"
    }
    return type(first)(**fields)


def test_behaviour_of_either_is_scored_as_alone():
    old, new = make_cohort(12), shorter(renamed(make_cohort(9, seed=1)))
    for run, first, second in zip(join(old, new).runs, old.runs, new.runs, strict=True):
        told = [make_told(one) for one in (first, second)]
        both = told_of_both(*told)
        for is_new, part in enumerate((first, second)):
            mine = run.present & ((np.arange(21) >= 12) == is_new)
            fold = np.where(mine, 0, -1)
            joined = behaviour(scored_part(run, 20.0, 90.0, mine, 2, fold, draws=5), both)
            scored = scored_part(part, 20.0, 90.0, part.present, 2, draws=5)
            alone = behaviour(scored, told[is_new])
            assert joined.keys() == alone.keys() and len(alone) > 15
            for name, one in alone.items():
                assert joined[name].n == one.n, name
                assert joined[name].value == pytest.approx(one.value), name


def t_values(run, people, stop_s):
    return scored_part(run, 0.0, stop_s, people, None, draws=2).t


def assert_same_t(stop_s):
    old, new = make_cohort(12), shorter(renamed(make_cohort(9, seed=1)))
    for run, first, second in zip(join(old, new).runs, old.runs, new.runs, strict=True):
        found = t_values(run, run.present, stop_s)
        np.testing.assert_allclose(found[:12], t_values(first, first.present, stop_s), atol=1e-4)
        np.testing.assert_allclose(found[12:], t_values(second, second.present, stop_s), atol=1e-4)


def test_t_of_a_part_that_both_have_is_as_alone():
    assert_same_t(80.0)


@pytest.mark.xfail(strict=True, reason="drifts and `enough` follow the longest run of the cohort")
def test_t_of_whole_runs_is_as_alone():
    assert_same_t(np.inf)


def test_only_runs_of_both_are_kept_whatever_their_order():
    old = make_cohort(7, runs=RUNS)
    new = renamed(make_cohort(8, runs=(RUNS[2], RUNS[0])))
    both = join(old, new)
    assert everybody(both).runs == ("stroopAP_run-01", "stroopPA_run-01")
    np.testing.assert_array_equal(both.runs[1].trials.onset_s[7:], new.runs[0].trials.onset_s)


def test_one_simulated_side_makes_both_simulated():
    old = make_cohort(7)._replace(connectome_source="measured", bold_source="measured")
    new = renamed(make_cohort(8))._replace(connectome_source="simulated", bold_source="measured")
    both = join(old, new)
    assert (both.connectome_source, both.bold_source) == ("simulated", "measured")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parcels": 9}, "another parcels: 8 and 9"),
        ({"regions": ("a",)}, r"another regions: \('a', 'b', 'c'\) and \('a',\)"),
        ({"regions": ("a" * 90,)}, r"and \('a{55}\.\.\.$"),
        ({"repetition_time_s": 2.0}, "another repetition_time_s: 0.8 and 2.0"),
    ],
)
def test_cohorts_that_do_not_fit(change, words):
    with pytest.raises(DataError, match=words):
        join(make_cohort(7), renamed(make_cohort(7))._replace(**change))


def test_people_of_both_cohorts_are_no_strangers():
    with pytest.raises(
        DataError, match="7 people are in both cohorts, sub-000 first: not a cohort"
    ):
        join(make_cohort(7), make_cohort(9))


def test_no_run_in_common():
    with pytest.raises(DataError, match="stroopAP_run-01 in one cohort, hammerAP_run-01 in the"):
        join(make_cohort(7, runs=RUNS[:1]), renamed(make_cohort(7, runs=RUNS[1:2])))
