"""Options in TOML: written by a study, read by the next, mistakes in one sentence."""

import pytest

from dtb_jax.cli.options import takes
from dtb_jax.twin.option import changed, leaves
from dtb_jax.types import DataError
from dtb_jax.workflows.config import HeldOutConfig, StudyConfig
from dtb_jax.workflows.toml import read_toml, write_toml


@pytest.mark.parametrize("kind", [StudyConfig, HeldOutConfig])
def test_what_is_written_is_read(tmp_path, kind):
    asked = kind.of(units=5, learning_rate=0.25, runs=("a_run-01",), split_s=90.0, seed=3)
    path = tmp_path / "config.toml"
    write_toml(path, asked)
    assert changed(kind(), read_toml(path, leaves(kind))) == asked
    assert "[twin]" in path.read_text() and "seed = 3" in path.read_text()


def test_sections_serve_the_reader_alone(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("units = 9\n[anything]\nepochs = 2\nlearning_rate = 1\nruns = ['x']\n")
    found = read_toml(path, leaves(StudyConfig))
    assert found == {"units": 9, "epochs": 2, "learning_rate": 1.0, "runs": ("x",)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unit = 9", "unit, expected some of"),
        ("units = 'many'", "units = 'many' is of type str, expected int"),
        ("identity = 1", "identity = 1 is of type int, expected bool"),
        ("units = ", "not TOML"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, text, words):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_toml(path, leaves(StudyConfig))
    assert words in str(error.value) and "study.toml" in str(error.value)
    with pytest.raises(DataError, match="not there"):
        read_toml(tmp_path / "nowhere.toml", leaves(StudyConfig))


def test_a_command_takes_the_file_of_a_study_but_for_what_it_does_not_take(tmp_path):
    @takes(StudyConfig, but=("data",))
    def command(*, given):
        return given

    path = tmp_path / "config.toml"
    write_toml(path, StudyConfig.of(data="elsewhere", units=5))
    given = command(config=path, units=7)
    assert "data" not in given and (given["units"], given["epochs"]) == (7, 30)
