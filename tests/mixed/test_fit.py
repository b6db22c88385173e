"""Twins of several seeds that learn side by side are those that learn alone."""

import jax
import numpy as np

from dtb_jax.evaluation.folds import everybody
from dtb_jax.mixed.model import Method
from dtb_jax.mixed.workflow import train, train_members
from tests.evaluation.test_folds import make_cohort

METHOD = Method(updates=4, least_epochs=1, batch_people=8, piece=200, before=20)
OPTIONS = {"units": 6, "coordinates": 3, "method": METHOD}


def test_the_first_of_two_members_is_the_one_that_learns_alone():
    cohort = make_cohort(26)
    part = everybody(cohort)
    alone = train(cohort, part, seed=3, **OPTIONS)
    first, second = train_members(cohort, part, seeds=[3, 4], **OPTIONS)
    for one, other in zip(jax.tree.leaves(alone.common), jax.tree.leaves(first.common)):
        np.testing.assert_allclose(one, other, atol=1e-5)
    base = [mixed.common.network["params"]["base"] for mixed in (first, second)]
    assert np.abs(base[0] - base[1]).max() > 0.01
