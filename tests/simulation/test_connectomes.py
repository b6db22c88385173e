"""Brains at rest: a connectome a person, series that measure it with error."""

import numpy as np
import pytest

from dtb_jax.data.regions import REGIONS, region_parcels
from dtb_jax.simulation.atlas import choose_parcels, tcp_atlas
from dtb_jax.simulation.connectomes import (
    noise_free_edges,
    rest_series,
    simulate_person,
    simulate_population,
)
from dtb_jax.simulation.world import draw_subject, make_world

ATLAS = choose_parcels(60)


@pytest.fixture(scope="module")
def population():
    return simulate_population(np.random.default_rng(0), list(ATLAS["network"]))


@pytest.fixture(scope="module")
def person(population):
    return simulate_person(np.random.default_rng(1), population)


def edges_of(series):
    return np.arctanh(np.corrcoef(series.T)[np.triu_indices(series.shape[1], 1)])


def test_long_scans_tend_to_the_noise_free_connectome(population, person):
    true = noise_free_edges(person)
    error = []
    for runs in (1, 8, 64):
        scans = [
            edges_of(rest_series(np.random.default_rng([2, k]), person, population, 488))
            for k in range(runs)
        ]
        error.append(np.sqrt(np.mean((np.mean(scans, axis=0) - true) ** 2)))
    assert error[0] > 1.8 * error[1] and error[1] > 1.5 * error[2]


def test_series_are_autocorrelated_with_unit_variance(population, person):
    series = rest_series(np.random.default_rng(0), person, population, 20_000)
    assert series.shape == (20_000, 60) and series.dtype == np.float64
    assert series.var(axis=0).mean() == pytest.approx(1, abs=0.2)
    centred = series - series.mean(axis=0)
    lag = [(centred[k:] * centred[: len(centred) - k]).mean() / centred.var() for k in (1, 10)]
    assert lag[0] > 0.7 and 0.1 < lag[1] < 0.5


def test_runs_repeat_and_people_differ(population, person):
    once, again = (rest_series(np.random.default_rng(5), person, population, 50) for _ in "ab")
    np.testing.assert_array_equal(once, again)
    other = simulate_person(np.random.default_rng(9), population)
    assert np.abs(noise_free_edges(person) - noise_free_edges(other)).max() > 0.2


def test_any_repetition_time_and_length(population, person):
    series = rest_series(np.random.default_rng(0), person, population, 33, 2.5)
    assert series.shape == (33, 60) and np.isfinite(series).all()


def test_movement_follows_the_trait_and_spoils_only_what_is_measured():
    still = make_world(ATLAS, seed=0)
    moving = make_world(ATLAS, seed=0, motion=0.5, motion_r=-0.8)
    lying, moved = ([draw_subject(w, f"s{k}") for k in range(150)] for w in (still, moving))
    np.testing.assert_array_equal(lying[0].edges, moved[0].edges)
    assert lying[0].brain.motion == 0
    amplitude = np.array([s.brain.motion for s in moved])
    share = moving.truth.rho[0]
    latent = [
        np.sqrt(share) * s.scores[0] + np.sqrt(1 - share) * s.residual.person[0] for s in moved
    ]
    assert np.median(amplitude) == pytest.approx(0.5, rel=0.15)
    assert np.corrcoef(np.log(amplitude), latent)[0, 1] == pytest.approx(-0.8, abs=0.12)
    most = moved[int(amplitude.argmax())]
    means = [
        edges_of(rest_series(np.random.default_rng(0), brain, moving.population, 488)).mean()
        for brain in (most.brain, most.brain._replace(motion=0.0))
    ]
    assert means[0] > means[1] + 0.02


def test_the_atlas_is_tcps(shared):
    import pandas as pd

    real = pd.read_csv(shared / "atlas" / "tcp_434.tsv", sep="\t")
    columns = ["name", "network", "hemisphere", "structure"]
    assert set(map(tuple, tcp_atlas()[columns].to_numpy())) == set(
        map(tuple, real[columns].to_numpy())
    )


@pytest.mark.parametrize("parcels", [20, 32, 434])
def test_fewer_parcels_still_have_every_region(parcels):
    atlas = choose_parcels(parcels)
    assert len(atlas) == parcels and atlas["name"].is_unique
    assert list(atlas["index"]) == list(range(parcels))
    assert tuple(region_parcels(list(atlas["name"]))) == REGIONS


@pytest.mark.parametrize("parcels", [12, 435])
def test_no_such_number_of_parcels(parcels):
    with pytest.raises(ValueError, match="expected from 20"):
        choose_parcels(parcels)
