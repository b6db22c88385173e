"""The share that connectomes carry: near the truth with many people, honest with few, 0 where 0."""

import numpy as np
import pytest

from dtb_jax.evaluation.share import connectome_share, similarity


@pytest.fixture(scope="module")
def world():
    """Connectomes with a strong common component, measured twice, and a cause in them."""
    rng = np.random.default_rng(0)
    people, features = 400, 40
    true = rng.normal(size=(people, features)) + 1.5 * rng.normal(size=(people, 1))
    first, second = (true + 0.6 * rng.normal(size=true.shape) for _ in range(2))
    weights = rng.normal(size=features)
    score = true @ (weights - weights.mean())
    return (first + second) / 2, (first - second) / 2, score / score.std(), rng


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_share_is_found(world, share):
    mean, half, score, rng = world
    noise = rng.normal(size=(len(score), 6))
    values = np.sqrt(share) * score[:, None] + np.sqrt(1 - share) * noise
    found = connectome_share([similarity(mean, half)], values, np.ones((5, 6)), seed=0, repeats=20)
    middle, low, high = found.interval(0.8)
    assert np.mean(middle) == pytest.approx(share, abs=0.1)
    assert np.all((low <= middle) & (middle <= high))
    if share == 0:
        assert high.max() <= 0.2


def test_unreliable_numbers_are_judged_by_their_reliable_part(world):
    mean, half, score, rng = world
    values = score[:, None] + rng.normal(size=(len(score), 4))  # all that is stable is caused
    kinds = [similarity(mean, half)]
    plain = connectome_share(kinds, values, np.ones((5, 4)), seed=0, repeats=20)
    stable = connectome_share(kinds, values, np.full((5, 4), 0.5), seed=0, repeats=20)
    assert np.mean(plain.interval(0.8)[0]) == pytest.approx(0.5, abs=0.12)
    assert np.mean(stable.interval(0.8)[0]) > 0.85
