"""The README's examples run as they stand and do what they are said to do."""

import re
from pathlib import Path

import numpy as np

from tests.small import write_small_cohort


def example(words):
    """The one example that holds these words."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    codes = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (code,) = (code for code in codes if words in code)
    return code


def test_the_example_on_truth(tmp_path):
    folder = write_small_cohort(tmp_path, participants=2, parcels=32, series=False)
    scope: dict = {}
    exec(example("load_truth").replace("out/groundtruth/cohort", str(folder)), scope)
    before, after = scope["before"], scope["after"]
    assert after.affective < before.affective - 0.01


def test_the_example_on_arrays():
    scope: dict = {}
    exec(example("make_twin"), scope)
    outputs = scope["outputs"]
    assert outputs.shape == (12, 1, 200, 2)
    assert np.isfinite(outputs).all()
    assert scope["state"].best_loss < 3
    assert scope["r"] > 0.6
