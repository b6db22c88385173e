"""Files that are written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np


def as_json(tree: Any) -> Any:
    """Figures as dictionaries, numbers as plain Python, NaN as null."""
    if hasattr(tree, "as_dict"):
        return as_json(tree.as_dict())
    if isinstance(tree, dict):
        return {str(key): as_json(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [as_json(value) for value in tree]
    if isinstance(tree, float | np.floating):
        return float(tree) if np.isfinite(tree) else None
    return int(tree) if isinstance(tree, np.integer) else tree


def write_json(path: Path, tree: Any) -> None:
    """Write at once or not at all."""
    write_text(path, json.dumps(as_json(tree), indent=1, allow_nan=False))


def write_text(path: Path, text: str) -> None:
    """Write at once or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
