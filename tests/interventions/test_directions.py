"""Directions against scikit-learn and a plain loop, and what random weights reach."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.cross_decomposition import PLSRegression

from dtb_jax import Hypernetwork, make_twin
from dtb_jax.interventions import directions
from dtb_jax.twin.rnn import flatten, unroll

SIZES = {"inputs": 3, "units": 8, "outputs": 5}
FOLD = np.arange(30) % 5


@pytest.fixture(scope="module")
def people():
    """Weights of very different sizes, of which a factor goes with the indicator."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=30)
    noise = rng.normal(size=(30, 40))
    w = 2 + (0.5 * np.outer(factor, rng.normal(size=40)) + noise) * np.geomspace(0.01, 10, 40)
    return w, 3 + 2 * factor + rng.normal(size=30)


@pytest.fixture(scope="module")
def twin():
    rng = np.random.default_rng(1)
    connectomes = (rng.normal(size=(12, 4)) @ rng.normal(size=(4, 15))).astype(np.float32)
    twin = make_twin(connectomes, kind=Hypernetwork, **SIZES)
    network_of = eqx.Partial(twin.network, eqx.filter_jit(twin.init)(jax.random.key(0)))
    weights = jax.jit(jax.vmap(lambda e: flatten(network_of(e))))(jnp.asarray(connectomes))
    return connectomes, network_of, weights


def fisher_average(r, n):
    weight = np.array(n) - 3
    return np.tanh((weight * np.arctanh(r)).sum() / weight.sum())


def naive_cross_validation(w, s, fold):
    r, n = [], []
    for k in np.unique(fold):
        out = fold == k
        found = directions.fit_direction(w[~out], s[~out])
        r.append(pearsonr(((w[out] - found.centre) / found.spread) @ found.v, s[out])[0])
        n.append(out.sum())
    return fisher_average(r, n)


def test_direction_and_score_are_scikit_learns(people, x64):
    w, s = people
    found = directions.fit_direction(w, s)
    theirs = PLSRegression(n_components=1, scale=True).fit(w, s)
    sign = np.sign(theirs.x_weights_[:, 0] @ found.v)
    np.testing.assert_allclose(found.v, sign * theirs.x_weights_[:, 0], rtol=1e-10)
    z1 = directions.score(found, w)
    np.testing.assert_allclose(z1, sign * theirs.transform(w)[:, 0], rtol=1e-9)
    np.testing.assert_allclose(directions.score(found, w[3]), z1[3], rtol=1e-12)
    assert np.isclose(np.linalg.norm(found.v), 1)
    np.testing.assert_allclose(directions.in_sample_r(w, s), pearsonr(z1, s)[0], rtol=1e-10)


def test_blocks_of_weights_add_up(people, monkeypatch):
    w, s = people
    whole = directions.fit_direction(w, s), directions.cross_validated_r(w, s, FOLD)
    monkeypatch.setattr(directions, "BLOCK", 7)
    again = directions.fit_direction(w, s), directions.cross_validated_r(w, s, FOLD)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10), whole, again)


def test_cross_validation_is_a_plain_loop(people, x64):
    w, s = people
    r = directions.cross_validated_r(w, s, FOLD)
    assert 0.3 < r < directions.in_sample_r(w, s)
    np.testing.assert_allclose(r, naive_cross_validation(w, s, FOLD), rtol=1e-9)
    uneven = np.repeat([0, 1, 2], [15, 8, 7])
    np.testing.assert_allclose(
        directions.cross_validated_r(w, s, uneven), naive_cross_validation(w, s, uneven), rtol=1e-9
    )


def test_permutations_find_everything_anew(people):
    w, s = people
    null = directions.permutation_null(w, s, FOLD, 19, seed=3)
    rng = np.random.default_rng([3, 19])
    for k in range(19):
        permuted = s[rng.permutation(30)]
        one = directions.in_sample_r(w, permuted), directions.cross_validated_r(w, permuted, FOLD)
        np.testing.assert_allclose(
            one, (null.in_sample.null[k], null.cross_validated.null[k]), rtol=1e-7
        )
    observed = directions.in_sample_r(w, s), directions.cross_validated_r(w, s, FOLD)
    for one, r in zip(null, observed):
        np.testing.assert_allclose(one.r, r, rtol=1e-9)
        assert one.p == (1 + (one.null >= r).sum()) / 20
    assert null.in_sample.null.min() > 0 > null.cross_validated.null.min()


def test_nothing_is_found_in_noise():
    rng = np.random.default_rng(5)
    w = rng.normal(size=(30, 1000)).astype(np.float32)
    p = [directions.permutation_null(w, rng.normal(size=30), FOLD, 99, seed=k) for k in range(20)]
    assert all(one.in_sample.r > 0.95 for one in p)
    assert sum(one.cross_validated.p <= 0.1 for one in p) <= 5


def test_the_missing_and_the_constant_are_left_out(people):
    w, s = people
    gaps = s.copy()
    gaps[[2, 9]] = np.nan
    kept = np.isfinite(gaps)
    jax.tree.map(
        np.testing.assert_array_equal,
        directions.fit_direction(w, gaps),
        directions.fit_direction(w[kept], s[kept]),
    )
    assert directions.cross_validated_r(w, gaps, FOLD) == directions.cross_validated_r(
        w[kept], s[kept], FOLD[kept]
    )
    same = w.astype(np.float32)
    # the last differs between people by what single precision can not hold
    same[:, 4], same[:, 5] = 0.1, np.float32(0.7) + 6e-8 * (np.arange(30) % 2)
    found = directions.fit_direction(same, s)
    assert (found.v[4:6] == 0).all() and (found.spread[4:6] == 1).all()
    assert found.v.dtype == np.float32


def test_a_fold_of_twins_counts_as_zero(people):
    w, s = people
    w = w.copy()
    w[FOLD == 0] = w[0]
    r = []
    for k in range(1, 5):
        found = directions.fit_direction(w[k != FOLD], s[k != FOLD])
        z1 = ((w[k == FOLD] - found.centre) / found.spread) @ found.v
        r.append(pearsonr(z1, s[k == FOLD])[0])
    np.testing.assert_allclose(
        directions.cross_validated_r(w, s, FOLD), fisher_average([0, *r], [6] * 5), rtol=1e-9
    )
    alike = np.ones_like(w)
    assert directions.cross_validated_r(alike, s, FOLD) == 0
    assert directions.in_sample_r(alike, s) == 0


def test_what_can_not_be_found_is_refused(people):
    w, s = people
    with pytest.raises(ValueError, match="no weight differs"):
        directions.fit_direction(w, np.ones(30))
    with pytest.raises(ValueError, match="3 people have the indicator"):
        directions.fit_direction(w, np.where(np.arange(30) < 3, s, np.nan))
    with pytest.raises(ValueError, match="one fold"):
        directions.cross_validated_r(w, s, np.zeros(30, int))


def test_random_weights_fit_anything():
    s = np.random.default_rng(2).normal(size=40)
    r = [directions.random_weights_r(n, s, seed=0) for n in (20, 400, 40_000)]
    assert r[0] < r[1] < r[2]
    assert r[2] > 0.999
    gap = np.append(s, np.nan)
    assert directions.random_weights_r(400, gap, seed=0) == r[1]
    assert directions.random_weights_r(400, s, seed=1) != r[1]
    # the block's draws are one person's row after the other
    drawn = np.random.default_rng([0, 400]).standard_normal((40, 400))
    np.testing.assert_allclose(directions.in_sample_r(drawn, s), r[1], rtol=1e-12)


def test_a_step_of_alpha_moves_z1_by_alpha(twin):
    connectomes, network_of, weights = twin
    s = np.random.default_rng(3).normal(size=12)
    direction = directions.fit_direction(weights, s)
    network = eqx.filter_jit(network_of)(jnp.asarray(connectomes[0]))
    step = jax.jit(directions.moved)
    before, after = (
        directions.score(direction, flatten(one))
        for one in (network, step(direction, network, 2.5))
    )
    np.testing.assert_allclose(after - before, 2.5, rtol=1e-3)
    still = flatten(directions.moved(direction, network, 0.0))
    np.testing.assert_array_equal(still, flatten(network))
    everybody = eqx.filter_jit(eqx.filter_vmap(network_of))(jnp.asarray(connectomes))
    many = jax.vmap(step, in_axes=(None, 0, None))(direction, everybody, 2.5)
    np.testing.assert_allclose(many.hh[0], step(direction, network, 2.5).hh, atol=1e-6)
    assert unroll(step(direction, network, 2.5), jnp.ones((4, 3))).shape == (4, 5)


def test_a_twin_and_its_score_are_arguments_of_compiled_functions(twin):
    connectomes, network_of, weights = twin
    direction = directions.fit_direction(weights, np.arange(12.0))
    traced = []

    @jax.jit
    def slope(function, connectome):
        traced.append(1)
        return jax.value_and_grad(function)(connectome)

    function = directions.ConnectomeScore(network_of, direction)
    z1, slopes = jax.vmap(slope, in_axes=(None, 0))(function, connectomes)
    np.testing.assert_allclose(z1, directions.score(direction, weights), rtol=1e-4, atol=1e-4)
    assert (slopes != 0).all()
    other = jax.tree.map(lambda leaf: leaf + 0.01, function)
    jax.vmap(slope, in_axes=(None, 0))(other, connectomes)
    assert len(traced) == 1
    text = slope.lower(function, connectomes[0]).as_text()
    assert len(text) < 100_000  # no weight is written into the program
