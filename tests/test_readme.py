"""The README's example on plain arrays runs as it stands and learns who is fast."""

import re
from pathlib import Path

import numpy as np


def test_the_example_on_arrays():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    scope: dict = {}
    exec(code, scope)
    outputs = scope["outputs"]
    assert outputs.shape == (12, 1, 200, 2)
    assert np.isfinite(outputs).all()
    assert scope["state"].best_loss < 3
    assert scope["r"] > 0.6
