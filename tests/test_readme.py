"""The README's example and those of the pages it names do what they are said to do."""

import re
from pathlib import Path

import numpy as np

from tests.small import write_small_cohort

ROOT = Path(__file__).parents[1]


def example(page, words):
    """The one example of a page that holds these words."""
    text = (ROOT / page).read_text(encoding="utf-8")
    codes = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (code,) = (code for code in codes if words in code)
    return code


def test_random_numbers_predict_seen_people_and_nobody_else(capsys):
    exec(example("README.md", "group_k_fold"), {})
    seen, unseen = map(float, re.findall(r"r = (-?\d\.\d+)", capsys.readouterr().out))
    assert seen > 0.6
    assert abs(unseen) < 0.2


def test_the_test_command_follows_its_marker():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"<!-- test-command -->\n```\n(python3 .*)\n```", text)
    assert command.endswith("python -m pytest")


def test_the_example_on_truth(tmp_path):
    folder = write_small_cohort(tmp_path, participants=2, parcels=32, series=False)
    scope: dict = {}
    code = example("docs/simulated_people.md", "load_truth")
    exec(code.replace("out/groundtruth/cohort", str(folder)), scope)
    before, after = scope["before"], scope["after"]
    assert after.affective < before.affective - 0.01


def test_the_example_on_arrays():
    scope: dict = {}
    exec(example("docs/arrays.md", "make_twin"), scope)
    outputs = scope["outputs"]
    assert outputs.shape == (12, 1, 200, 2)
    assert np.isfinite(outputs).all()
    assert scope["state"].best_loss < 3
    assert scope["r"] > 0.6
