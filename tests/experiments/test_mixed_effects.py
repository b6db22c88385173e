"""The mixed-effects experiment on a few simulated people, from files to report."""

import json

import pytest

from experiments import groundtruth, mixed_effects


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
