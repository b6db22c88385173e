"""The mixed-effects experiment on a few simulated people, from files to report."""

import json

import pytest

from experiments import groundtruth, mixed_effects, mixed_effects_report


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    simulated = groundtruth.get_config()
    simulated.update(participants=44, parcels=60, rest_volumes=120)
    for name in ("simulated", "out"):
        (folder / name).mkdir()
    groundtruth.run(simulated, folder / "simulated")
    config = mixed_effects.get_config()
    config.update(
        data=str(folder / "simulated" / "cohort"),
        updates=20,
        least_epochs=1,
        folds=2,
        units=8,
        coordinates=4,
        members=2,
        shots_run="stroopAP_run-01",
        shots="0,2",
    )
    return folder, config, mixed_effects.run(config, folder / "out")


def test_shares_and_coverage_are_reported(finished):
    folder, _, metrics = finished
    written = json.loads((folder / "out" / "metrics.json").read_text())
    shares = written["connectome_share"].values()
    assert any(figure["value"] is not None for figure in shares)
    for figure in (one for one in shares if one["value"] is not None):
        assert 0 <= figure["ci_low"] <= figure["value"] <= figure["ci_high"] <= 1
    assert set(written["coverage"]["reaction_time_r"]) == {"0.5", "0.8", "0.95"}
    assert {"twin", "ridge", "own_training_half", "shuffled_connectome"} <= set(metrics["models"])
    assert written["true_share"]["faces_reaction_time"] > 0
    assert "reaction_time_r" in written["paired"]["unseen"]["ridge"]["faces"]
    assert "log_likelihood" in written["paired"]["seen"]["own_half_and_items"]["stroop"]


def test_the_share_after_covariates_is_the_headline(finished):
    folder, _, _ = finished
    written = json.loads((folder / "out" / "metrics.json").read_text())
    keys = list(written)
    assert keys.index("connectome_share_beyond") < keys.index("connectome_share")
    assert written["connectome_share_covariates"].startswith("after age, sex")
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert written["connectome_share_covariates"] in page and "raw differences" in page


def share(low, high, value=0.4):
    return {"value": value, "ci_80": [low, high], "reliability": 0.8, "n": 60}


def test_share_sentences_put_covariates_first_and_quote_no_interval_of_everything():
    results = {
        "connectome_share_beyond": {"rt": share(0.01, 0.99), "effect": share(0.1, 0.3, 0.2)},
        "connectome_share": {"rt": share(0.1, 0.37, 0.16), "effect": share(0.02, 0.97)},
        "connectome_share_covariates": "after age and site (motion unknown)",
        "coverage": {"person_coverage": {}},
        "coverage_seen": {"person_coverage": {}},
        "paired": {"seen": {}, "unseen": {}},
    }
    first, second = mixed_effects_report.sentences(results)
    assert "after age and site" in first and first.index("20%") < first.index("raw: cannot be told")
    assert "after age and site" in second and "cannot be told of rt" in second
    assert "99%" not in second and "97%" not in first
    (_, left, raw, _, _), (_, *others) = mixed_effects_report.share_table(results)
    assert left == "cannot be told" and raw.startswith("16%") and others[0].startswith("20%")


def test_first_trials_and_other_runs_are_asked_for(finished):
    _, _, metrics = finished
    for model in ("twin", "twin_with_runs", "regression", "shrinkage"):
        assert set(metrics["few_shot"][model]) == {"0", "2"}


def test_report_says_simulated_and_shows_first_trials(finished):
    folder, _, _ = finished
    assert (folder / "out" / "figures" / "few_shot.png").exists()
    assert "simulated" in (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_the_same_command_goes_on(finished):
    folder, config, first = finished
    again = mixed_effects.run(config, folder / "out")
    assert again["seen"]["twin"]["faces"]["reaction_time_r"].value == pytest.approx(
        first["seen"]["twin"]["faces"]["reaction_time_r"].value
    )
