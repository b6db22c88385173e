"""Twins of several seeds that learn side by side are those that learn alone."""

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.data.folds import everybody
from dtb_jax.models.mixed_effects.items import known_items
from dtb_jax.models.mixed_effects.model import Method, person_loss
from dtb_jax.models.mixed_effects.observed import observe, rows
from dtb_jax.models.mixed_effects.posterior import laplace_factor, standard
from dtb_jax.models.mixed_effects.training import train, train_members
from tests.data.test_folds import make_cohort

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


def test_what_data_tell_has_the_likelihoods_own_slope():
    cohort = make_cohort(26)
    part = everybody(cohort)
    mixed = train(cohort, part, seed=3, **OPTIONS)
    items = known_items(cohort, part)
    whole = observe(cohort, part, mixed.scanner.scale, items, memory=2, piece=METHOD.piece)
    seen = rows(whole, np.arange(2))
    z = np.array([[0.3, -0.2, 0.5], [-1.0, 0.1, 0.0]], np.float32)
    told = laplace_factor(
        mixed.population,
        mixed.common,
        standard(2, 3),
        z,
        seen,
        mixed.scanner.noise,
        METHOD,
        steps=0,
    )

    common = jax.tree.map(jnp.asarray, mixed.common)

    def loss(z, observed):
        person = mixed.population.apply(common.network, z)
        each = person_loss(person, common, observed, mixed.scanner.noise, METHOD)
        return sum(each)

    expected = jax.vmap(jax.grad(loss))(z, seen)
    slope = np.einsum("pyz,pz->py", told.information.sum((1, 2)), z) - told.pull.sum((1, 2))
    np.testing.assert_allclose(slope, expected, rtol=2e-3, atol=2e-2)
    assert np.all(np.linalg.eigvalsh(told.information) > -1e-2)
