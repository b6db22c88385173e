"""The layout keeps itself: rooms in one order, no circles, import touches no device."""

import subprocess
import sys
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
ROOMS = {
    *("twin", "data", "simulation", "models", "evaluation", "interventions"),
    *("reporting", "workflows", "cli"),
}


def test_root_holds_rooms_and_types_alone():
    files = {path.name for path in (ROOT / "dtb_jax").iterdir() if path.name != "__pycache__"}
    assert files == ROOMS | {"__init__.py", "__main__.py", "types.py"}


def test_imports_keep_the_contracts_of_pyproject(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", cache_dir=None) == 0


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
