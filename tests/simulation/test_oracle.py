"""Ceilings: zero where nothing is known, reached by the oracles, within reach of a ridge."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.evaluation import known_ceilings
from dtb_jax.evaluation.scans import affective_ceilings, contrast_reliability
from dtb_jax.models import oracle
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import measured_connectome, simulate_behaviour
from dtb_jax.simulation.layout import REST_RUNS
from dtb_jax.simulation.people import gather
from dtb_jax.simulation.presses import as_trials
from dtb_jax.simulation.world import draw_subject, make_world

ATLAS = choose_parcels(60)


@pytest.fixture(scope="module", params=[0.0, 0.6])
def case(request):
    world = make_world(ATLAS, seed=3, rho=request.param)
    population = oracle.draw_population(world.truth, 1200, seed=0)
    subjects = [draw_subject(world, f"sub-{k}") for k in range(300)]
    here = known_ceilings.ceilings(world.truth, gather(world.truth, subjects), seed=world.seed)
    return request.param, known_ceilings.ceilings(world.truth, population, seed=1), here


def test_a_name_tag_tells_nothing_of_unseen_people(case):
    rho, ceiling, here = case
    for found in (ceiling, here):
        values = [found["people"][t]["reaction_time_r"].value for t in ("faces", "stroop")]
        assert values == [0, 0] if rho == 0 else min(values) > 0.5


def test_who_knows_more_does_better(case):
    _, ceiling, _ = case
    for metric in ("reaction_time_r", "trial_reaction_time_r"):
        for task in ("faces", "stroop"):
            seen, unseen = (ceiling[split][task][metric].value for split in ("time", "people"))
            assert seen > unseen + 0.03


def test_oracles_reach_the_ceilings_within_sampling_error(case):
    """Fisher's intervals of 300 people hold the ceilings: 99.9 %, as there are many."""
    _, ceiling, here = case
    checked = 0
    for split, tasks in ceiling.items():
        for task, figures in tasks.items():
            for metric, figure in figures.items():
                if not metric.startswith(("reaction_time_r", "effect_r")) or not figure.value:
                    continue
                reached = here[split][task][metric]
                apart = abs(np.arctanh(reached.value) - np.arctanh(figure.value))
                assert apart < 3.3 * np.sqrt(1 / (reached.n - 3) + 1 / (figure.n - 3)), metric
                checked += 1
    assert checked >= 12


def test_the_amygdala_has_a_ceiling_too():
    world = make_world(ATLAS, seed=3, rho=0.0)
    subjects = [draw_subject(world, f"sub-{k}") for k in range(40)]
    found = affective_ceilings(world, subjects)
    assert found["people"].value == 0
    assert 0.1 < found["time"].value < 0.95
    assert 0.2 < contrast_reliability(world, subjects) < 0.6


def test_the_signal_is_there_to_be_found():
    """Ridge on measured edges of unseen people; benchmarks/learnable.py does so at full size."""
    world = make_world(ATLAS, seed=3, rho=1.0)
    subjects = [draw_subject(world, f"sub-{k}") for k in range(1500)]
    edges = np.stack([measured_connectome(world, s, REST_RUNS, 488, 0.8) for s in subjects])
    presses = as_trials(
        "stroopAP_run-01",
        simulate_behaviour(world, gather(world.truth, subjects))["stroopAP_run-01"],
    )
    time = masked_mean(presses.response_time_s, correct_mask(presses))
    half = 1000
    ridge = RidgeCV(np.logspace(0, 5, 11)).fit(edges[:half], time[:half])
    r = np.corrcoef(ridge.predict(edges[half:]), time[half:])[0, 1]
    population = oracle.draw_population(world.truth, 1200, seed=0)
    ceiling = known_ceilings.ceilings(world.truth, population, seed=1)["people"]["stroop"]
    assert r > 0.75 * ceiling["reaction_time_r"].value
