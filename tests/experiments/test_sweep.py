"""A sweep: every point a row, in a loop or side by side, going on, mistakes."""

import json

import pandas as pd
import pytest

from experiments import sweep
from tests.experiments.test_experiments import complaint, run
from tests.small import write_small_cohort

AXES = "learning_rate=0.001,0.01; seed=0,1; units=8,10"
TINY = [
    *("--config.epochs=2", "--config.width=10", "--config.batch_people=4"),
    *("--config.segments=2", "--config.segment_steps=120"),
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=8)


def swept(cohort, workdir, *options, axes=AXES):
    found = run(
        "sweep", workdir, f"--config.data={cohort}", f"--config.axes={axes}", *TINY, *options
    )
    assert found.returncode == 0, found.stderr
    return pd.read_csv(workdir / "sweep.csv")


@pytest.fixture(scope="module")
def whole(cohort, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sweep")
    swept(cohort, workdir)
    return workdir


def test_every_point_is_a_row(whole):
    table = pd.read_csv(whole / "sweep.csv")
    assert len(table) == 8 and not table.duplicated(["learning_rate", "seed", "units"]).any()
    assert table["finite"].all() and (table["trained_epochs"] == 2).all()
    assert table["validation_loss"].nunique() == 8
    pd.testing.assert_frame_equal(table, pd.read_parquet(whole / "sweep.parquet"))
    metrics = json.loads((whole / "metrics.json").read_text())
    assert len(metrics["table"]) == 8
    assert "reaction_time_r" in metrics["beside"]["own_training_half"]["faces"]
    assert (whole / "figures" / "sweep.png").exists()
    assert "simulated connectome" in (whole / "report.html").read_text()


@pytest.mark.parametrize("number", [3, 0])
def test_side_by_side_is_the_same_table(cohort, whole, tmp_path, number):
    together = swept(cohort, tmp_path, f"--config.together={number}")
    alone = pd.read_csv(whole / "sweep.csv")
    columns = [name for name in alone.columns if name != "seconds"]
    pd.testing.assert_frame_equal(together[columns], alone[columns], rtol=1e-3, atol=2e-2)


def test_an_array_job_is_the_same_table(cohort, whole, tmp_path):
    axes = AXES.replace("; units=8,10", "; units=8").replace("0,1;", "1;")
    asked = ("--config.submit=local", "--config.at_once=2")
    jobs, alone = swept(cohort, tmp_path, *asked, axes=axes), pd.read_csv(whole / "sweep.csv")
    same = alone.merge(jobs[["learning_rate", "seed", "units"]])
    columns = [name for name in alone.columns if name != "seconds"]
    assert len(jobs) == 2 and len(list((tmp_path / "points").glob("*.json"))) == 2
    pd.testing.assert_frame_equal(jobs[columns], same[columns], rtol=1e-4)


def test_it_goes_on_with_points_that_are_missing(cohort, whole, tmp_path):
    before = pd.read_csv(whole / "sweep.csv")
    (tmp_path / "config.json").write_text((whole / "config.json").read_text())
    before.iloc[:5].assign(seconds=-1.0).to_csv(tmp_path / "sweep.csv", index=False)
    after = swept(cohort, tmp_path, axes=AXES.replace("0,1", "0,1,2"))
    assert len(after) == 12 and (after["seconds"] == -1).sum() == 5


def test_a_split_by_people_stands_beside_demographics(cohort, tmp_path):
    table = swept(cohort, tmp_path, "--config.split=people", axes="clip_norm=0,1")
    assert table["validation_loss"].nunique() == 2
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert list(metrics["beside"]) == ["demographics"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"axes": ""}, "empty, expected like"),
        ({"axes": "unit=8"}, "'unit', expected some of seed, units"),
        ({"axes": "estimator=pearson,ledoit_wolf"}, "'estimator', expected some of"),
        ({"axes": "units=eight"}, "expected values like 64"),
        ({"axes": "units=8,8"}, "expected values that differ"),
        ({"axes": "units=8;units=9"}, "there twice"),
        ({"split": "half"}, "expected one of time, people"),
    ],
)
def test_mistakes_are_told_in_one_line(cohort, tmp_path, options, said):
    assert said in complaint(sweep, tmp_path, data=str(cohort), **options)


def test_other_axes_need_another_folder(cohort, whole):
    options = (f"--config.data={cohort}", *TINY, "--config.axes=width=5,6")
    found = run("sweep", whole, *options)
    assert found.returncode == 1
    said = found.stderr.splitlines()[-1]
    assert "a sweep over learning_rate, seed, units, now over width" in said
