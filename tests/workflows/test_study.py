"""`dtb train` to `dtb report`: a study from a folder to a page, in commands alone."""

import json
import re
import shutil
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from dtb_jax.workflows import session
from tests.small import write_small_cohort

pytest.importorskip("submitit")  # here: its log keeps the streams that it finds when imported
TINY = ["--units=8", "--width=10", "--epochs=2"]
SMALL = [*TINY, "--components=4", "--segments=1", "--batch-people=4"]
UNSEEN = [*SMALL, "--folds=2", "--methods=ridge", "--shots=0"]


def dtb(*words):
    """Exit code and what was printed."""
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=8)


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    study = tmp_path_factory.mktemp("study")
    code, said = dtb("train", cohort, study, *TINY, "--no-identity", "--noise=ar1")
    assert code == 0, said
    assert "dtb report" in said
    return study


@pytest.fixture
def study(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "study")


def test_a_page_from_a_trained_study(study):
    code, said = dtb("report", study)
    assert code == 0, said
    page = (study / "report.html").read_text()
    assert "Twins of 8 people" in page and "simulated" in page
    assert "People nobody trained on" not in page and "Interventions" not in page
    metrics = json.loads((study / "metrics.json").read_text())
    assert metrics["glm"]["noise"] == "ar1" and "AR(1)" in page  # the option reaches the figures
    assert all(one["t_ratio"] > 0 for one in metrics["glm"]["effect"].values())
    (inside,) = re.findall(r'id="metrics">(.*?)</script>', page)
    assert json.loads(inside) == metrics
    then = (study / "metrics.json").stat().st_mtime_ns
    assert dtb("report", study)[0] == 0  # from the folder: nothing is computed anew
    assert (study / "metrics.json").stat().st_mtime_ns == then


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    study = shutil.copytree(trained, tmp_path_factory.mktemp("evaluated") / "study")
    code, said = dtb("evaluate", study)
    assert code == 0 and "seen in training" in said
    code, said = dtb("evaluate", study, "--unseen", *UNSEEN)
    assert code == 0, said
    assert "unseen people" in said
    return study


def test_folds_of_an_array_job_are_those_of_one_process(evaluated, study):
    code, said = dtb("evaluate", study, "--unseen", "--submit=local", "--at-once=1", *UNSEEN)
    assert code == 0, said
    assert len(list((study / "unseen" / "jobs").glob("*/*_result.pkl"))) == 2
    told = [(place / "unseen" / "predictions.tsv").read_text() for place in (evaluated, study)]
    assert told[0] == told[1]


def test_everything_a_study_can_hold_is_in_its_page(evaluated, tmp_path):
    study = shutil.copytree(evaluated, tmp_path / "study")
    few = ["--seeds=1", "--front=0", "--steps=3", "--folds=2", "--permutations=20"]
    few += ["--smoothgrad-samples=1", "--attributed=4"]
    code, said = dtb("intervene", study, *SMALL, *few)
    assert code == 0, said
    table = pd.read_csv(study / "edits" / "edits.tsv", sep="\t")
    assert table["participant"].nunique() == 8
    code, said = dtb("trial", study)
    assert code == 0, said
    assert "edits:" in said
    assert dtb("report", study)[0] == 0
    page = (study / "report.html").read_text()
    assert "People nobody trained on" in page and "Interventions" in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evaluate", "STUDY", "--folds=3"], "--folds is an option of --unseen"),
        (["evaluate", "NOWHERE"], "not there; was"),
        (["report", "NOWHERE"], "not there; was"),
        (["intervene", "STUDY", "--budget=0"], "--budget: 0.0, expected more than 0"),
        (["intervene", "STUDY", "--hubs=moon"], "'moon' is no parcel"),
        (
            ["train", "COHORT", "STUDY", "--units=9"],
            "units 8, now 9",
        ),
        (["train", "COHORT", "NEW", "--response=guess"], "--response: 'guess', expected hazard"),
        (["train", "COHORT", "NEW", "--split-s=9999"], "--split-s: 9999 s, expected less"),
        (["train", "COHORT", "NEW", "--dropout=7"], "--dropout: 7.0, expected from 0 to below 1"),
        (["train", "COHORT", "NEW", "--save-every=0"], "--save-every: 0, expected at least 1"),
        (["train", "COHORT", "NEW", "--noise=pink"], "--noise: 'pink', expected ols or ar1"),
        (["train", "NOWHERE", "NEW"], "no such folder"),
        (["intervene", "STUDY", "--region=amygdla"], "--region: 'amygdla', expected one whose"),
        (["intervene", "STUDY", "--affective-task=face"], "--affective-task: 'face', expected"),
        (["report", "COHORT"], "not there; was"),
        (["evaluate", "STUDY", "--unseen", "--submit=moon"], "expected slurm or local"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, cohort, study, tmp_path):
    places = {"COHORT": cohort, "STUDY": study, "NOWHERE": tmp_path / "no", "NEW": tmp_path / "new"}
    code, said = dtb(*(places.get(word, word) for word in words))
    assert code in (1, 2) and sentence in " ".join(said.split()), said
    assert "Traceback" not in said and "--config" not in said


def test_every_option_is_told_of():
    for command in ("train", "evaluate", "intervene", "trial", "report"):
        code, said = dtb(command, "--help")
        assert code == 0 and "STUDY" in said


def test_a_bar_that_goes_on_begins_where_training_was(capsys):
    with session.epochs_bar(10, "training") as show:
        show({"resumed_after_epoch": 8})
        time.sleep(0.2)
        show({"train_loss": 1.0, "validation_loss": 2.0})
    last = capsys.readouterr().err.split("\r")[-1]
    assert "9/10" in last and "validation=2" in last
    assert re.search(r"\s[2345]\.\d+epoch/s", last), last  # not of nine epochs
