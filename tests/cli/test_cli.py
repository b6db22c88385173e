"""`dtb check`: ways in which a folder can be broken, each told in one sentence."""

import os
import re
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from tests import broken
from tests.broken import EVERYBODY, ONE_PERSON, WITH_BOLD, edit_table, events, gone
from tests.small import write_small_cohort

PEOPLE = 4


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """A folder that misses nothing, motion included."""
    root = write_small_cohort(tmp_path_factory.mktemp("sound"), participants=PEOPLE)
    path = root / "participants.tsv"
    edit_table(path, lambda table: table.assign(mean_fd="0.1"))
    return root


@pytest.fixture
def root(sound, tmp_path):
    """A copy to break; the large files are links, replaced before they are changed."""
    copy = tmp_path / "cohort"
    shutil.copytree(sound, copy, copy_function=os.link)
    return copy


def check(root, *options):
    """Exit code, what was printed, and the table of people where there is one."""
    table, exclusions = root.parent / "people.tsv", root.parent / "why.tsv"
    extra = [f"--table={table}", f"--exclusions={exclusions}", *options]
    found = CliRunner().invoke(app, ["check", str(root), *extra])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    people = pd.read_csv(table, sep="\t", index_col=0) if table.exists() else None
    return found.exit_code, found.output, people


def test_a_sound_folder(root):
    code, said, people = check(root, *WITH_BOLD)
    assert code == 0, said
    assert f"{PEOPLE} of {PEOPLE} people are in" in said and "simulated" in said
    assert people["in_cohort"].all() and people["odd"].isna().all()
    assert people["stroopAP_run-01"].str.match(r"\d+ trials, \d+ volumes").all()


def test_check_writes_a_page_of_what_was_read(root, tmp_path):
    page = tmp_path / "check.html"
    code, said, _ = check(root, *WITH_BOLD, f"--html={page}")
    assert code == 0, said
    text = page.read_text(encoding="utf-8")
    assert "Connectomes are simulated" in text and "evidence about brains" in text
    assert "congruent" in text and "stroopAP_run-01" in text and "0.8 s (" in text
    assert text.count("data:image/png;base64,") == 2
    assert not re.search(r"""(src|href)=["']?https?:""", text)


@pytest.mark.parametrize("option", ["--table", "--exclusions", "--html"])
def test_check_tells_before_it_reads_that_a_file_can_not_be_written(root, option, tmp_path):
    gone(root.glob("*.tsv"))  # reading would complain of this
    path = tmp_path / "nowhere" / "file"
    code, said, _ = check(root, f"{option}={path}")
    assert code == 1 and f"{option}: {path} can not be written" in " ".join(said.split()), said
    (tmp_path / "there").write_text("mine")
    assert check(root, f"{option}={tmp_path / 'there'}")[0] == 1
    assert (tmp_path / "there").read_text() == "mine"


def test_check_warns_of_a_shifted_clock(root):
    def change(table):
        return table.assign(onset=[f"{float(onset) + 100:g}" for onset in table["onset"]])

    for path in list(root.glob("sub-*/func/*stroopAP_run-01_events.tsv"))[1:]:
        edit_table(path, change)
    code, said, _ = check(root, "--runs=stroopAP_run-01")
    said = " ".join(said.split())
    assert code == 2 and "WARNING: stroopAP_run-01" in said and "outside the scan" in said, said


@pytest.mark.parametrize("name", ONE_PERSON)
def test_one_persons_trouble_leaves_the_others_alone(root, name):
    break_it, expected = ONE_PERSON[name]
    broken.KEPT[:] = [events(root)]
    break_it(root)
    code, said, people = check(root, *WITH_BOLD)
    assert code == 2, said
    assert "Traceback" not in said
    assert len(people) == PEOPLE  # nobody is lost
    odd = people["odd"].dropna()
    assert odd.str.contains(expected, regex=False).any(), odd.tolist()
    assert len(odd) == (PEOPLE if name == "an age in words" else 1)
    others = people.drop(odd.index)
    assert others["in_cohort"].all()
    why = pd.read_csv(root.parent / "why.tsv", sep="\t")
    assert set(odd.index) <= set(why["participant"])


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_folder_that_can_not_be_used_is_told_in_a_sentence(root, name):
    break_it, options, expected = EVERYBODY[name]
    break_it(root)
    code, said, _ = check(root, *options)
    assert "Traceback" not in said
    if expected is None:
        assert code == 0, said  # it says nothing of simulation then; single files still do
        return
    assert code == 1, said
    sentence = [line for line in said.splitlines() if expected in line]
    assert len(sentence) == 1, said
    assert "--config" not in said


def test_help_and_version():
    for arguments in (["--help"], ["check", "--help"]):
        found = CliRunner().invoke(app, arguments)
        assert found.exit_code == 0 and "check" in found.output
    found = CliRunner().invoke(app, ["--version"])
    assert found.exit_code == 0 and found.output.startswith("0.")
