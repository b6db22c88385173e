"""Studies of few people and odd data, by commands alone: a page or one sentence, no traceback."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from dtb_jax.workflows import session
from dtb_jax.workflows.config import StudyConfig
from tests.tiny import people, reading, trials, write_imaging, write_task, write_tiny

TINY = ["--epochs=1", "--units=8", "--width=8", "--segments=1", "--no-identity"]
UNSEEN = [*TINY[:-1], "--components=2", "--shots=0", "--methods=ridge", "--folds=2"]


def dtb(*words):
    """Exit code and what was printed, in one line."""
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, " ".join(found.output.split())


def train(root, study, *more, tasks=()):
    return dtb("train", root, study, *reading(root, *tasks), *TINY, *more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Six people of a study, evaluated with unseen people too."""
    root = write_tiny(tmp_path_factory.mktemp("data") / "bids", people(6))
    study = tmp_path_factory.mktemp("study") / "study"
    assert train(root, study)[0] == 0
    code, said = dtb("evaluate", study, "--unseen", *UNSEEN)
    assert code == 0, said
    return root, study


@pytest.fixture
def copied(trained, tmp_path):
    """The same in places of its own, where data may change."""
    root, study = trained
    now = shutil.copytree(root, tmp_path / "bids"), shutil.copytree(study, tmp_path / "study")
    for path in (now[1] / "config.json", now[1] / "unseen" / "config.json"):
        path.write_text(path.read_text().replace(str(root), str(now[0])))
    return now


def test_everything_kept_names_its_people(trained):
    _, study = trained
    names = people(6)
    assert list(json.loads((study / "cohort.json").read_text())) == names
    assert list(json.loads((study / "unseen" / "cohort.json").read_text())) == names
    card = json.loads((study / "twin" / "card.json").read_text())
    assert card["about"]["trained_on"]["participants"] == names
    folds = list((study / "unseen" / "folds").glob("*.npz"))
    assert folds
    for path in folds:
        with np.load(path) as file:
            assert sorted(json.loads(str(file["made_of"]))["people"]) == names


@pytest.mark.parametrize("what", ["new", "gone", "events", "edges"])
def test_no_command_takes_changed_data_for_those_of_the_training(copied, what):
    root, study = copied
    if what == "new":
        write_tiny(root, people(8))
        fact = "2 people are new since this twin was trained, sub-07 first"
    elif what == "gone":
        shutil.rmtree(root / "sub-03")
        shutil.rmtree(root / "xcp_d" / "sub-03")
        fact = "1 person is gone since this twin was trained, sub-03 first"
    elif what == "events":
        write_task(root, ["sub-02"], lambda person: trials("other"))
        fact = "events of 1 person changed since this twin was trained, sub-02 first"
    else:
        write_imaging(root, ["sub-02"], {"rest": 121})
        (root / "xcp_d/sub-02/func/sub-02_task-flanker_run-01.tsv").unlink(missing_ok=True)
        write_imaging(root, ["sub-02"], {"rest": 120, "flanker": 100})
        rest = next((root / "xcp_d" / "sub-02" / "func").glob("*task-rest*"))
        lines = rest.read_text().splitlines()
        rest.write_text("\n".join([lines[0], *reversed(lines[1:60]), *lines[60:100]]) + "\n")
        fact = "connectome of 1 person changed since this twin was trained, sub-02 first"
    for words in (
        ["train", root, study, *reading(root), *TINY],
        ["evaluate", study],
        ["evaluate", study, "--unseen", *UNSEEN],
        ["intervene", study, "--people=8", "--folds=2"],
    ):
        code, said = dtb(*words)
        assert code == 1 and fact in said and "name another folder" in said, (words, said)


def test_people_who_came_later_can_be_trained_in_another_folder(copied, tmp_path):
    root, _ = copied
    write_tiny(root, people(7))
    assert train(root, tmp_path / "other")[0] == 0


def test_a_study_of_an_older_version_is_refused_in_a_sentence(copied):
    root, study = copied
    (study / "cohort.json").unlink()
    for record in (study / "checkpoints").glob("*/record/metadata"):
        told = json.loads(record.read_text())
        told.pop("made_of")
        record.write_text(json.dumps(told))
    code, said = dtb("evaluate", study)
    assert code == 1 and "older version" in said and "name another folder" in said, said


def test_predictions_say_seen_of_the_trained_alone(tmp_path):
    late = {"sub-02"}

    def events(person):
        return [row for row in trials(person) if person not in late or float(row[0]) > 45]

    root = write_tiny(tmp_path / "bids", people(4), events, bold=False)
    study = tmp_path / "study"
    assert train(root, study)[0] == 0
    code, said = dtb("report", study)
    assert code == 0, said
    told = pd.read_csv(study / "predictions.tsv", sep="\t")
    assert told.groupby("participant")["seen"].unique().map(list).to_dict() == {
        name: [name not in late] for name in people(4)
    }
    assert "3 of 4 people were seen in training" in (study / "report.html").read_text()
    ledger = pd.read_csv(study / "exclusions.tsv", sep="\t")
    assert ledger["reason"][ledger["participant"] == "sub-02"].str.contains("training part").any()


def test_each_run_is_split_in_its_own_middle(tmp_path):
    root = write_tiny(tmp_path / "bids", people(4), bold=False)
    write_task(root, people(4)[:3], lambda person: trials(person, 50), name="nback")
    study = tmp_path / "study"
    assert train(root, study, tasks=("flanker", "nback"))[0] == 0
    code, said = dtb("report", study)
    assert code == 0, said
    protocol = json.loads((study / "metrics.json").read_text())["protocol"]
    assert protocol["split_s"] == {"flanker_run-01": 40.0, "nback_run-01": 104.0}
    told = pd.read_csv(study / "predictions.tsv", sep="\t")
    tested = told.groupby(["run", "participant"]).size()
    assert set(tested["flanker_run-01"]) == {9} and set(tested["nback_run-01"]) == {25}
    assert "104 s in nback_run-01" in (study / "report.html").read_text()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # ceilings are means of nobody
def test_nobody_above_chance_is_said_and_has_a_page(tmp_path):
    turned = {"left": "right", "right": "left"}

    def events(person):
        return [[*row[:4], turned[row[4]], row[5]] for row in trials(person)]

    root = write_tiny(tmp_path / "bids", people(4), events)
    study = tmp_path / "study"
    code, said = train(root, study)
    assert code == 0 and "flanker_run-01: nobody above chance" in said, said
    code, said = dtb("report", study)
    assert code == 0, said
    assert "are right and wrong turned around?" in (study / "report.html").read_text()
    figures = json.loads((study / "metrics.json").read_text())["models"]["twin"]["flanker"]
    assert figures["reaction_time_r"]["value"] is None


def test_one_person_with_four_buttons_has_a_page(tmp_path):
    buttons = ("left", "right", "up", "down")
    root = write_tiny(
        tmp_path / "bids", people(1), lambda p: trials(p, actions=buttons), actions=buttons
    )
    study = tmp_path / "study"
    assert train(root, study)[0] == 0
    code, said = dtb("report", study)
    assert code == 0, said
    code, said = dtb("evaluate", study, "--unseen", *UNSEEN)
    assert code == 1 and "--folds" in said


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (["--segment-steps=2000"], ["--segment-steps", "2000 steps", "training part"]),
        (["--split-s=15"], ["--segment-steps", "262 steps (21 s)", "14.4 s"]),
        (["--split-s=79"], ["--split-s", "nobody has a trial of flanker_run-01", "test part"]),
    ],
)
def test_what_does_not_fit_is_told_before_training(trained, tmp_path, options, facts):
    code, said = train(trained[0], tmp_path / "new", *options)
    assert code == 1 and all(fact in said for fact in facts), said
    assert not (tmp_path / "new").exists()


def test_a_place_that_takes_nothing_is_told_before_anything_is_read(trained, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(session, "read_data", lambda *args: pytest.fail("data were read"))
    code, said = train(trained[0], tmp_path / "file" / "study")
    assert code == 1 and "nothing can be written there" in said, said


def test_a_full_disk_is_one_line(trained, tmp_path, monkeypatch):
    import orbax.checkpoint as ocp

    def full(*args, **options):
        raise ValueError("RESOURCE_EXHAUSTED: Error writing: No space left on device")

    monkeypatch.setattr(ocp.CheckpointManager, "save", full)
    code, said = train(trained[0], tmp_path / "new")
    assert code == 1 and "checkpoints: no space left on device" in said, said


def test_settle_people_lets_an_array_job_read(trained):
    root, study = trained
    options = StudyConfig.of(data=str(root), **json_options(study))
    cohort, _ = session.read_data(options.data)
    before = (study / "cohort.json").stat().st_mtime_ns
    session.settle_people(cohort, study)
    session.settle_people(cohort, study / "unseen")
    assert (study / "cohort.json").stat().st_mtime_ns == before


def json_options(study):
    """How the study was read."""
    told = json.loads((study / "config.json").read_text())
    names = ("tasks", "runs", "rest_runs", "derivatives", "atlas", "regions")
    return {k: tuple(told[k]) if isinstance(told[k], list) else told[k] for k in names}
