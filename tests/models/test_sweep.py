"""Trainings side by side are trainings one by one, and share one compilation."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dtb_jax.data.splits import BoldScale, Parts
from dtb_jax.models.paper_twin import TrainingData
from dtb_jax.models.sweep import Point, fit_point, fit_points, train_points
from dtb_jax.twin.step import train_step
from tests.small import PEOPLE, SETTINGS, pressing_people, twin_of

POINTS = [
    Point(0, {"learning_rate": 1e-2, "dropout": 0.1, "weight_decay": 0.0, "clip_norm": 1.0}),
    Point(1, {"learning_rate": 2e-3, "dropout": 0.3, "weight_decay": 0.1, "clip_norm": 0.5}),
    Point(2, {"learning_rate": 1e-3, "dropout": 0.0, "weight_decay": 0.0, "clip_norm": 9.0}),
]
WITH_DECAY = replace(SETTINGS, weight_decay=1.0, patience=3)


@pytest.fixture(scope="module")
def data():
    return pressing_people()


def ready(data):
    connectomes, runs = data
    everybody = np.arange(PEOPLE)
    scale = BoldScale(np.zeros(2), np.ones(2))
    parts = Parts(runs, runs, everybody, everybody)
    return TrainingData(connectomes, twin_of(connectomes), scale, parts)


def test_side_by_side_is_one_by_one(data):
    steps, points = train_step._cache_size(), train_points._cache_size()
    together = fit_points(ready(data), WITH_DECAY, POINTS)
    alone = [fit_point(ready(data), WITH_DECAY, point) for point in POINTS]
    assert train_step._cache_size() == steps + 1
    assert train_points._cache_size() == points + 1
    for one, other in zip(together, alone, strict=True):
        assert one.finite and other.finite
        assert [row["epoch"] for row in one.history] == [row["epoch"] for row in other.history]
        for name in ("train_loss", "validation_loss", "grad_norm"):
            np.testing.assert_allclose(
                [row[name] for row in one.history], [row[name] for row in other.history], rtol=1e-4
            )
        for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)
    losses = {one.history[-1]["validation_loss"] for one in together}
    assert len(losses) == len(POINTS)


def test_values_in_place_of_settings_are_those_settings(data):
    named = {"learning_rate": 5e-3, "weight_decay": 0.2, "clip_norm": 0.3, "bold_weight": 2.0}
    settings = replace(SETTINGS, **named)
    by_settings = fit_point(ready(data), settings, Point(3, {}))
    other = replace(SETTINGS, weight_decay=1.0)
    by_values = fit_point(ready(data), other, Point(3, named))
    for a, b in zip(jax.tree.leaves(by_settings.params), jax.tree.leaves(by_values.params)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("together", [True, False])
def test_a_point_that_diverges_harms_nobody(data, together):
    points = [Point(0, {"learning_rate": 1e-3}), Point(0, {"learning_rate": 1e30})]
    settings = replace(SETTINGS, clip_norm=0.0)
    if together:
        good, bad = fit_points(ready(data), settings, points)
    else:
        good, bad = (fit_point(ready(data), settings, point) for point in points)
    (alone,) = fit_points(ready(data), settings, points[:1])
    assert good.finite and not bad.finite
    assert len(bad.history) < len(good.history) == settings.epochs
    for a, b in zip(jax.tree.leaves(good.params), jax.tree.leaves(alone.params)):
        np.testing.assert_allclose(jnp.asarray(a), b, atol=1e-4)
