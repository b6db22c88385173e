"""Simulated people are like real ones, by numbers counted alike in both."""

import numpy as np
import pytest

from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.calibration import (
    TCP_SOURCE,
    compare,
    half_connectomes,
    measure,
    real_behaviour,
    simulated_rest,
    targets,
)
from dtb_jax.simulation.cohort import measured_connectome, simulate_behaviour
from dtb_jax.simulation.layout import REST_RUNS
from dtb_jax.simulation.people import gather
from dtb_jax.simulation.presses import as_trials
from dtb_jax.simulation.statistics import behaviour_statistics, connectome_statistics, reliability
from dtb_jax.simulation.world import draw_subject, make_world


@pytest.mark.parametrize(("rho", "kind"), [(0.0, "blocks"), (0.5, "blocks"), (1.0, "dense")])
def test_behaviour_is_calibrated_whatever_causes_it(rho, kind):
    world = make_world(choose_parcels(60), seed=0, rho=rho, kind=kind)
    subjects = [draw_subject(world, f"sub-{k}") for k in range(1000)]
    presses = simulate_behaviour(world, gather(world.truth, subjects))
    rows = compare(behaviour_statistics({run: as_trials(run, r) for run, r in presses.items()}))
    assert len(rows) == (targets()["source"] == TCP_SOURCE).sum()
    off = {name: tuple(row[:3]) for name, row in rows.items() if not row.inside}
    assert off == {}


def test_connectomes_are_calibrated():
    for seed in (0, 1):
        rows = compare(simulated_rest(seed))
        assert len(rows) == 7
        assert {name: tuple(row[:3]) for name, row in rows.items() if not row.inside} == {}


def test_runs_are_as_reliable_as_published():
    world = make_world(choose_parcels(120), seed=0)
    subjects = [draw_subject(world, f"sub-{k}") for k in range(60)]
    first, second = (
        np.stack([measured_connectome(world, s, [run], 488, 0.8) for s in subjects])
        for run in REST_RUNS[:2]
    )
    (row,) = compare({"edge_reliability_between_runs": reliability(first, second)}).values()
    assert row.inside and row.source.startswith("published")


def test_the_packaged_targets_are_what_the_data_say(shared):
    packaged = targets()
    measured = measure(shared / "tcp", shared / "rest90", draws=20)
    assert list(measured.index) == list(packaged.index)
    np.testing.assert_allclose(measured["real"], packaged["real"], rtol=1e-6)


def test_statistics_agree_with_the_published_page(shared):
    found = behaviour_statistics(real_behaviour(shared / "tcp"))
    for name, value, within in (
        ("stroop_AP_accuracy", 0.905, 0.001),
        ("stroop_PA_accuracy", 0.913, 0.001),
        ("faces_omissions", 0.031, 0.001),
        ("stroop_AP_rt_congruent_ms", 807, 1.5),
        ("stroop_AP_rt_incongruent_sd_ms", 221, 1.5),
        ("faces_rt_face_ms", 890, 1.5),
        ("stroop_AP_effect_ms", 202, 1.5),
        ("stroop_PA_effect_sd_ms", 112, 1.5),
        ("stroop_rt_between_runs_r", 0.84, 0.01),
        ("stroop_effect_between_runs_r", 0.38, 0.01),
        ("faces_second_half_trial_r", 0.572, 0.001),
    ):
        assert found[name] == pytest.approx(value, abs=within), name


def test_connectome_statistics_of_people_who_are_their_halves():
    whole = np.random.default_rng(0).normal(0.2, 0.3, (12, 400))
    found = connectome_statistics(whole, whole, whole)
    assert found["split_half_similarity"] == pytest.approx(1)
    assert found["identification"] == 1
    assert found["edge_mean"] == pytest.approx(0.2, abs=0.02)
    assert found["edge_sd"] == pytest.approx(0.3, abs=0.02)
    assert abs(found["similarity_between_people"]) < 0.05
    assert reliability(whole, whole) == pytest.approx(1)


def test_constant_parcels_are_left_out():
    series = [np.random.default_rng(k).normal(size=(40, 6)) for k in range(4)]
    series[1][:, 2] = 3.0
    first, second, whole = half_connectomes(series)
    assert first.shape == second.shape == whole.shape == (4, 10)
