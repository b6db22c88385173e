"""A twin in a folder: the same answers elsewhere, and no code in what is loaded."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import dtb_jax
from dtb_jax.data import DataConfig, DataError, read_cohort
from dtb_jax.data.folds import everybody
from dtb_jax.models import serialization
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.twin.config import TrainConfig, TwinConfig
from tests.small import write_small_cohort

TWIN = PaperTwin(
    TwinConfig(units=8, width=10, scale=0.1),
    TrainConfig(
        epochs=1,
        batch_people=4,
        segments=1,
        segment_steps=100,
        warmup_steps=2,
        bold_warmup_steps=20,
    ),
)
ABOUT = {"protocol": {"connectome": "simulated"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = write_small_cohort(tmp_path_factory.mktemp("cohort"), participants=5)
    cohort, _ = read_cohort(root, DataConfig())
    whole = everybody(cohort)
    fitted = TWIN.fit(cohort, whole)
    folder = tmp_path_factory.mktemp("out") / "twin"
    serialization.save_twin(folder, fitted, cohort, ABOUT)
    told = fitted.predict(cohort, whole)
    return folder, cohort, told


def test_three_lines_tell_what_the_cohorts_evaluation_told(made):
    folder, cohort, expected = made
    twin = dtb_jax.load_twin(folder)
    told = dtb_jax.tell(twin, cohort.connectomes[2])
    for run, one in zip(cohort.runs, expected, strict=True):
        trials, bold = told[run.name]
        person = run.trials.present[2]
        for name, column in (
            ("reaction_time_s", one.reaction_time_s),
            ("reaction_time_sd_s", one.reaction_time_sd_s),
            ("p_omission", one.omission_probability),
        ):
            np.testing.assert_allclose(trials[name], column[2][person], rtol=2e-4, atol=1e-5)
        buttons = [f"p_{a}" for a, there in zip(run.task.actions, run.task.available) if there]
        np.testing.assert_allclose(trials[buttons].sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(
            trials[buttons], one.choice_probability[2][person][:, : len(buttons)], atol=1e-5
        )
        np.testing.assert_allclose(bold, one.bold[2][: len(bold)], rtol=1e-3, atol=1e-4)
        assert list(bold) == list(cohort.regions)
        assert set(trials["condition"]) == set(run.task.conditions)
    assert twin.card["about"] == ABOUT and "no basis for decisions" in twin.card["limits"]


def test_saving_again_replaces(made, tmp_path):
    folder, cohort, _ = made
    shutil.copytree(folder, tmp_path / "twin")
    fitted = TWIN._replace(seed=1).fit(cohort, everybody(cohort))
    serialization.save_twin(tmp_path / "twin", fitted, cohort, ABOUT)
    before, after = (
        dtb_jax.tell(dtb_jax.load_twin(path), cohort.connectomes[0])
        for path in (folder, tmp_path / "twin")
    )
    name = cohort.runs[0].name
    assert not np.allclose(before[name].trials["p_omission"], after[name].trials["p_omission"])


def test_the_program_runs_without_this_software(made, tmp_path):
    folder, cohort, _ = made
    twin = dtb_jax.load_twin(folder)
    (tmp_path / "program").write_bytes(serialization.export_program(twin, ["cpu"]))
    np.save(tmp_path / "edges.npy", cohort.connectomes[1])
    code = """
import sys, jax.export, numpy as np
program = jax.export.deserialize(bytearray(open("program", "rb").read()))
told = program.call(np.load("edges.npy"))
assert "dtb_jax" not in sys.modules
np.savez("told.npz", **{name: logits for name, (logits, _) in told.items()})
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "told.npz")
    for name, (logits, _) in serialization._program(twin)(cohort.connectomes[1]).items():
        np.testing.assert_allclose(found[name], logits, atol=1e-4)


def edited(folder, out, change):
    shutil.copytree(folder, out)
    card = json.loads((out / serialization.CARD).read_text())
    change(card)
    (out / serialization.CARD).write_text(json.dumps(card))
    return out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card["hypernetwork"].update(kind="os.system"), "KeyError 'os.system'"),
        (lambda card: card.update(read="eval"), "KeyError 'eval'"),
        (lambda card: card["hypernetwork"]["sizes"].update(colour=3), "colour"),
        (lambda card: card["arrays"]["fixed"]["centre"].insert(0, 2), "no twin that this version"),
        (lambda card: card.pop("designs"), "KeyError 'designs'"),
        (lambda card: card.update(format=2), "format 2, expected 1"),
    ],
    ids=["kind", "reader", "size", "shape", "part", "format"],
)
def test_a_strange_card_is_one_sentence(made, tmp_path, change, said):
    with pytest.raises(DataError, match=said) as error:
        dtb_jax.load_twin(edited(made[0], tmp_path / "twin", change))
    assert "\n" not in str(error.value)


def test_a_folder_without_a_twin_is_one_sentence(made, tmp_path):
    with pytest.raises(DataError, match="card.json: can not be opened"):
        dtb_jax.load_twin(tmp_path)
    (tmp_path / serialization.CARD).write_text("{")
    with pytest.raises(DataError, match="no twin that this version knows"):
        dtb_jax.load_twin(tmp_path)
    shutil.copytree(made[0], tmp_path / "twin")
    shutil.rmtree(tmp_path / "twin" / serialization.NUMBERS)
    with pytest.raises(DataError, match="twin"):
        dtb_jax.load_twin(tmp_path / "twin")
    twin = dtb_jax.load_twin(made[0])
    for edges in (np.zeros(3), np.full(made[1].connectomes.shape[1], np.nan)):
        with pytest.raises(DataError, match="finite Fisher-z edges"):
            dtb_jax.tell(twin, edges)
    with pytest.raises(AttributeError, match="no attribute 'save'"):
        _ = dtb_jax.save
