"""Edits by command line: whole, under constraints, resumed, refused."""

import json

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data import DataError
from dtb_jax.workflows import session
from dtb_jax.workflows.centroids import read_centroids
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.mixed import both_rests, halve_rest
from experiments import interventions
from tests.experiments.test_experiments import complaint, run
from tests.small import write_small_cohort

PEOPLE = 24
SMALL = [
    *("--config.units=12", "--config.width=16", "--config.epochs=3", "--config.components=12"),
    *("--config.steps=12", "--config.attributed=4", "--config.smoothgrad_samples=4"),
    *("--config.permutations=50", "--config.people=20", "--config.seeds=2", "--config.front=3"),
    "--config.doses=0.5,1",
]
CONTROLS = {"designed", "random", "random_among_people", "group_edit", "another_person"}
CONTROLS |= {"another_seed", "sham"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=PEOPLE)


@pytest.fixture(scope="module")
def whole(cohort, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("interventions")
    found = run("interventions", workdir, f"--config.data={cohort}", *SMALL)
    assert found.returncode == 0, found.stderr
    return workdir


def read(workdir):
    return json.loads((workdir / "metrics.json").read_text())


def test_everything_stands_beside_its_controls(whole):
    metrics = read(whole)
    assert set(metrics["edits"]) == {"affective", "cognitive", "combined", "front"}
    for arm in ("affective", "cognitive", "combined"):
        told = metrics["edits"][arm]
        assert set(told["wished_change_sd"]) == CONTROLS
        assert told["wished_change_sd"]["sham"]["value"] == 0
        assert 0 <= told["feasible_fraction"] <= 1
        assert len(told["wished_change_sd_by_seed"]) == 2
        assert "r = " in told["sentence"] or "undefined" in told["sentence"]
    for aim in metrics["paper_route"].values():
        assert {"r_in_sample", "r_cross_validated", "r_cross_validated_p", "paper"} <= set(aim)
        assert abs(aim["r_in_sample_random_weights"]) > 0.9  # the trap
    table = metrics["truth"]
    assert {"slope", "r", "ratio_to_pls", "ratio_to_random", "block_auc", "off_target_sd"} <= set(
        table
    )
    assert table["people"] == 6 and metrics["protocol"]["edited"] == 20


def test_untrained_twins_support_no_edit(whole):
    assert not any(read(whole)["edits"][arm]["supported"] for arm in ("affective", "combined"))
    assert "no edit is supported" in (whole / "report.html").read_text()


def test_edits_are_listed_by_name(whole):
    table = pd.read_csv(whole / "edits.tsv", sep="\t")
    assert set(table["indicator"]) == {"affective", "cognitive", "combined"}
    assert table["participant"].nunique() == 20
    assert (table.groupby(["participant", "indicator"]).size() <= 100).all()
    assert (whole / "exclusions.tsv").exists()


def test_the_report_and_figures_say_what_is_simulated(whole):
    assert "simulated" in (whole / "report.html").read_text()
    assert len(list((whole / "figures").glob("*.png"))) > 15


def test_the_same_command_goes_on(cohort, whole):
    before = read(whole)
    (whole / "metrics.json").unlink()
    for path in whole.glob("steps/edits_cognitive*.npz"):
        path.unlink()
    found = run("interventions", whole, f"--config.data={cohort}", *SMALL)
    assert found.returncode == 0, found.stderr
    after = read(whole)
    for part in ("paper_route", "edits", "truth", "support"):
        assert after[part] == before[part], part


def test_constraints_are_exact(cohort, tmp_path):
    hub = pd.read_csv(cohort / "atlas.tsv", sep="\t")["name"][3]
    options = [*SMALL, f"--config.hubs={hub}", "--config.edges=9", "--config.seeds=1"]
    found = run("interventions", tmp_path, f"--config.data={cohort}", *options)
    assert found.returncode == 0, found.stderr
    table = pd.read_csv(tmp_path / "edits.tsv", sep="\t")
    assert ((table["parcel"] == hub) | (table["other_parcel"] == hub)).all()
    assert (table.groupby(["participant", "indicator"]).size() <= 9).all()
    budget = read(tmp_path)["protocol"]["budget_z"]
    for path in (tmp_path / "steps").glob("edits_*.npz"):
        edits = np.load(path)["edit"]
        assert (np.linalg.norm(edits, axis=1) <= budget * (1 + 1e-5)).all()


def test_rest_runs_tell_a_mixed_effects_twin_what_is_noise(cohort):
    asked = InterventionConfig.of(data=str(cohort), twin="mixed")
    halved = halve_rest(asked.data)
    assert halved.rest_runs == ("restAP_run-01",) and halved.other_rest_runs == ("restAP_run-02",)
    read, _ = session.read_data(halved)
    whole, apart = both_rests(asked, read)
    np.testing.assert_allclose(whole.connectomes - apart / 2, read.connectomes, atol=1e-5)
    assert 0.2 < (apart / 2).std() / whole.connectomes.std(axis=0).mean() < 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": 0.0}, "--config.budget: 0.0, expected more than 0"),
        ({"doses": "a"}, "--config.doses: 'a', expected shares"),
        ({"doses": "0.5"}, "expected shares above 0 up to 1"),
        ({"response": "pulses"}, "edits need the smooth reading"),
        ({"hubs": "nowhere"}, "'nowhere' is no parcel of the atlas"),
        ({"networks": "Nowhere,Limbic"}, "--config.networks"),
        ({"bold_regions": "moon"}, "--config.bold_regions: 'moon', expected some of"),
        ({"folds": 100}, "--config.folds"),
        ({"ridge": 1.5}, "--config.ridge"),
        ({"exact": True}, "--config.exact: the paper's numbers are for its own protocol"),
        ({"twin": "mixed", "units": 64}, "--config.units: 64 would change nothing"),
        ({"centroids": "/nowhere.tsv"}, "/nowhere.tsv"),
    ],
)
def test_mistakes_are_one_line(options, words, cohort, tmp_path):
    assert words in complaint(interventions, tmp_path, data=str(cohort), **options)


def test_centroids_are_read_by_name(tmp_path):
    path = tmp_path / "centroids.tsv"
    path.write_text("name\tx\ty\tz\nb\t1\t2\t3\n")
    found = read_centroids(str(path), ["a", "b"])
    np.testing.assert_array_equal(found, [[np.nan] * 3, [1, 2, 3]])
    with pytest.raises(DataError, match="name"):
        read_centroids(str(path), ["c"])
