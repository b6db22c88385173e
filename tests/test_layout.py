"""The layout keeps itself: imports go one way, files stay short, import touches no device."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEVELS = [
    {"types", "turns", "sharding", "citations", "interrupt"},
    {"provenance", "connectome", "bold", "regions", "tasks"},
    {"recurrence"},
    {"mainnet"},
    {"hypernet", "response"},
    {"twin"},
    {"segments", "settings"},
    {"step", "checkpoint", "inputs"},
    {"training"},
    {"evaluation", "data"},
    {"recipe", "methods"},
    {"groundtruth", "results", "sweep", "workflow", "plots", "report"},
    {"adaptation", "interventions", "portable"},
    {"families"},
    {"mixed"},
    {"crossvalidation"},
    {"assessment"},
    {"repeats"},
    {"lab"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: k for k, names in enumerate(LEVELS) for name in names}
SOURCES = sorted((ROOT / "dtb_jax").rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unit(path):
    return path.relative_to(ROOT / "dtb_jax").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    mine = unit(path)
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in {"experiments", "benchmarks", "ml_collections"}, name
        if parts[0] != "dtb_jax" or len(parts) < 2 or mine == "__init__":
            continue
        other = parts[1]
        if other in LEVEL and other != mine:
            assert LEVEL[other] < LEVEL[mine], f"{mine} imports {other}"


@pytest.mark.parametrize("folder", ["dtb_jax", "experiments", "tests"])
def test_files_hold_one_idea(folder):
    long = [p.name for p in (ROOT / folder).rglob("*.py") if len(p.read_text().splitlines()) > 400]
    assert long == []


def test_import_is_light():
    code = (
        "import sys, dtb_jax; from jax._src import xla_bridge;"
        "assert not xla_bridge._backends, 'a device was touched';"
        "heavy = {'pandas', 'nilearn', 'matplotlib', 'orbax', 'h5py'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stderr
    assert "nilearn" not in found.stdout
    assert "matplotlib" not in found.stdout
