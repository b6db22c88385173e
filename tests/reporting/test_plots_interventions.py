"""Figures of interventions and edges: drawn without a warning, NaN and few people included."""

import numpy as np
import pytest

from dtb_jax.reporting import plots
from dtb_jax.reporting.plots.edges import network_means, strongest
from dtb_jax.reporting.plots.panels import arm_colours, mean_interval, minus
from dtb_jax.twin.connectome import edge_count

RNG = np.random.default_rng(0)
LABEL = "simulated connectomes and BOLD"
NETWORKS = ["A", "A", "B", "C", "C", "B", "A", "D_e", "C", "B", "B", "A"]
DOSE = np.array([0.0, 1.0, 2.0])
ROWS = [
    ("designed edit", {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6}),
    ("sham", {"value": 0.0, "ci_low": None, "ci_high": None}),
    ("random", {"value": None, "ci_low": None, "ci_high": None}),
]


def values(*shape):
    """Normal draws, one missing where there is more than one."""
    x = RNG.normal(size=shape)
    if x.shape[-1] > 1:
        x[..., 0] = np.nan
    return x


def edge_vector(parcels):
    edges = RNG.normal(size=edge_count(parcels)) * 0.1
    edges[0] = np.nan
    return edges


def edge_figures(parcels):
    networks = NETWORKS[:parcels]
    edges = edge_vector(parcels)
    yield plots.network_matrix(edges, networks, LABEL, "change")
    yield plots.circle(edges, networks, LABEL, "change", most=5)
    yield plots.edge_panels(edges, networks, "", "change")


def intervention_figures(n):
    arms = {"designed edit": values(3, n), "PLS": values(3, n), "sham": np.zeros((3, n))}
    panels = [("amygdala", DOSE, arms), ("speed", DOSE, {"designed edit": values(3, n)})]
    yield plots.dose_response(panels, LABEL)
    yield plots.dose_response(panels, LABEL, paper=[[(2.0, 0.8)], None], most=1)
    yield plots.before_after([("amygdala", values(n), values(n), "t")] * 2, LABEL)
    people = {"designed edit": values(n), "sham": np.zeros(n), "none": np.full(n, np.nan)}
    yield plots.effects([("amygdala", people), ("speed", {"a": values(n)})], LABEL)
    yield plots.effects([("amygdala", people)], "", threshold=-0.5)
    panel = ("amygdala", values(n), values(n), "speed (SD)", "amygdala (SD)", "r = .1")
    yield plots.selectivity([panel, panel], LABEL)
    yield plots.predicted_true([("all", values(n), values(n), "r = .1")], LABEL)
    yield plots.null([("r", values(n), 0.3, "p = .01")] * 2, LABEL)


def other_figures():
    effect = values(3, 2)
    names = ["designed", "PLS", "sham"], ["t", "RT"]
    wanted = [(0, 0)]
    yield plots.selectivity_matrix(effect, effect - 1, effect + 1, *names, LABEL, wanted=wanted)
    line = np.array([1.0, 0.5]), np.array([0.0, 0.4]), np.array([1.0, 0.5])
    point = np.array([0.1]), np.array([0.0]), np.array([1.0])
    yield plots.front({"designed edit": line, "sham": point, "random": point}, LABEL)
    yield plots.predicted_true([("many", *RNG.normal(size=(2, 5000)), "")], LABEL)
    yield plots.controls([("amygdala", ROWS), ("speed", ROWS[1:])], LABEL)
    yield plots.sensitivity({0.1: [(1, 0.5), (10, 0.9)], 0.5: [(1, np.nan)]}, LABEL, "map")
    k = np.array([10, 100, 1000])
    lines = {"SmoothGrad": -DOSE, "gradient": values(3)}
    yield plots.faithfulness([("amygdala", k, lines, -DOSE, 0 * DOSE, DOSE)], LABEL)


def saved(figure, path):
    figure.savefig(path)
    return path.stat().st_size > 5000


@pytest.mark.parametrize("n", [1, 2, 3, 60])
def test_figures_of_few_and_many_people_save(n, tmp_path):
    for k, figure in enumerate(intervention_figures(n)):
        assert saved(figure, tmp_path / f"{k}.png"), k


def test_figures_of_summaries_save(tmp_path):
    for k, figure in enumerate(other_figures()):
        assert saved(figure, tmp_path / f"{k}.png"), k


@pytest.mark.parametrize("parcels", [2, 3, 12])
def test_figures_of_edges_save(parcels, tmp_path):
    for k, figure in enumerate(edge_figures(parcels)):
        assert saved(figure, tmp_path / f"{k}.png"), k


@pytest.mark.parametrize("placed", [12, 9, 0])
def test_the_brain_counts_edges_without_coordinates(placed, tmp_path):
    pytest.importorskip("nilearn")
    coordinates = RNG.uniform(-50, 50, (12, 3))
    coordinates[placed:] = np.nan
    figure = plots.brain(edge_vector(12), coordinates, LABEL, "change", most=100)
    assert saved(figure, tmp_path / "brain.png")
    text = " ".join(part.get_text() for part in figure.texts)
    known = edge_count(placed) - (1 if placed else 0)  # one edge is NaN
    lost = edge_count(12) - 1 - known
    assert "the 65 strongest of 65 edges" in text
    assert (f"{lost} of these edges join parcels without coordinates" in text) == (lost > 0)


def test_the_strongest_edges_join_their_parcels():
    edges = np.array([0.1, np.nan, -3.0, 0.0, 2.0, 0.5])  # of 4 parcels
    found = strongest(edges, 2)
    assert list(zip(*found)) == [(1, 3, 2.0), (0, 3, -3.0)]
    assert len(strongest(edges, 60).value) == 4  # neither 0 nor NaN


def test_network_means_are_of_the_edges_between_them():
    #                  0-1  0-2  0-3  1-2  1-3   2-3, parcels 0 and 2 are of the same network
    edges = np.array([1.0, 4.0, 2.0, 3.0, 6.0, np.nan])
    names, means = network_means(edges, ["b", "a", "b", "c"])
    assert names == ["b", "a", "c"]
    np.testing.assert_allclose(means[0], [4.0, 2.0, 2.0])
    np.testing.assert_allclose(means, means.T)
    assert np.isnan(means[1, 1])


def test_intervals_are_of_the_people_who_are_there():
    mean, half = mean_interval(np.array([[1.0, 3.0, np.nan], [2.0, np.nan, np.nan], [np.nan] * 3]))
    np.testing.assert_allclose(mean, [2.0, 2.0, np.nan])
    np.testing.assert_allclose(half, [12.7062, np.nan, np.nan], rtol=1e-4)  # t(1) x 1


def test_the_designed_edit_has_the_colour_of_the_twin():
    colours = arm_colours(["random", "designed edit", "PLS"])
    assert colours["designed edit"] == plots.TWIN
    assert colours["random"] == plots.PLAIN
    assert arm_colours(["anything"]) == {"anything": plots.TWIN}


def test_minus_signs():
    assert minus("-0.5 [-.1, -0.00] t-2 +0.00") == "\u22120.5 [\u2212.1, 0.00] t-2 0.00"
    assert minus("+0.001") == "+0.001"
