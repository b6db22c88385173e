"""Runs cut at their own times are seen as each would be alone."""

import numpy as np
import pytest

from dtb_jax.data.folds import everybody, time_split
from dtb_jax.data.splits import fit_bold_scale
from dtb_jax.models.mixed_effects.items import deviations, known_items
from dtb_jax.models.mixed_effects.observed import observe, whole_pieces
from tests.workflows.test_halves import PEOPLE, cohort_of, run_of

CUT, PIECE = {"long": 120.0, "short": 40.0}, 50


@pytest.fixture(scope="module")
def cohort():
    long = run_of(4 + 4.0 * np.arange(60), 250.4, name="long")
    return cohort_of(long, run_of(4 + 4.0 * np.arange(18), 88.0, name="short"))


def test_observe_sees_each_run_from_its_own_cut_on(cohort):
    (fold,) = time_split(cohort, CUT, np.inf)
    scale = fit_bold_scale(cohort, CUT, np.arange(PEOPLE))
    both = observe(cohort, fold.test, scale, {}, memory=0, piece=PIECE)
    assert (
        whole_pieces(cohort, fold.test, PIECE) == both.run.stimulus.shape[2] == 1650
    )  # 130.4 s, in whole pieces
    for r, run in enumerate(cohort.runs):
        alone = cohort._replace(runs=(run,))
        (own,) = time_split(alone, CUT[run.name], np.inf)
        one = observe(alone, own.test, scale, {}, memory=0, piece=PIECE)
        steps, volumes = one.run.stimulus.shape[2], one.bold.shape[2]
        np.testing.assert_array_equal(both.run.press[:, r, :steps], one.run.press[:, 0])
        np.testing.assert_array_equal(both.run.at_risk[:, r, :steps], one.run.at_risk[:, 0])
        np.testing.assert_array_equal(both.bold[:, r, :volumes], one.bold[:, 0])
        np.testing.assert_array_equal(both.mask[:, r, :volumes], one.mask[:, 0])
        assert not both.run.at_risk[:, r, steps:].any() and not both.mask[:, r, volumes:].any()


def test_deviations_take_quarters_of_each_runs_own_part(cohort):
    (fold,) = time_split(cohort, CUT, np.inf)
    known = known_items(cohort, fold.training._replace(people=np.ones(PEOPLE, bool)))
    many = {key: n for n, key in enumerate(_keys(cohort), 1)}
    assert known == {}  # too few people saw each item
    found = deviations(many, cohort, everybody(cohort)._replace(stop_s=CUT))
    assert found.shape == (len(many) + 1,) * 2 and np.isfinite(found).all()


def _keys(cohort):
    for run in cohort.runs:
        for k in np.flatnonzero(run.trials.onset_s[0] < CUT[run.name]):
            yield run.name, int(k), int(run.trials.condition[0, k]), 0, 0
