"""The notebooks run from top to bottom, and are kept with small pictures of what they say."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is absent: pip install 'dtb_jax[docs]'")
nbclient = pytest.importorskip("nbclient", reason="nbclient is absent: pip install 'dtb_jax[docs]'")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_BYTES = 150_000
"""Of all pictures: GitHub shows them, and a clone hardly grows."""


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


def printed(notebook):
    return " ".join(out.text for out in outputs(notebook) if out.output_type == "stream")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own machinery
def test_it_runs_from_top_to_bottom(path):
    kept, notebook = read(path), read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(ROOT)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    assert [out.output_type for out in outputs(notebook)] == [o.output_type for o in outputs(kept)]
    told = printed(notebook)
    if path.stem == "quickstart":
        assert "name tag" in told and "no evidence about connectomes" in told
    else:
        assert "its matrix can exist: True" in told
    assert not [out for out in outputs(notebook) if out.get("name") == "stderr"]


def test_pictures_are_kept_and_small():
    pictures = [
        out.data["image/png"]
        for path in NOTEBOOKS
        for out in outputs(read(path))
        if "image/png" in out.get("data", {})
    ]
    assert len(pictures) == 3
    assert sum(len(one) * 3 // 4 for one in pictures) < MOST_BYTES
