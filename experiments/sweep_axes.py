"""The axes of a sweep: from a line of text to values, and back from rows of a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from dtb_jax.data import DataError
from dtb_jax.twin.option import leaves
from dtb_jax.workflows.config import READ_ONCE, StudyConfig

IDLE = ("identity", "centroids", "save_every")
"""Options of a study that a sweep has no use for."""
VARIED = tuple(name for name in leaves(StudyConfig) if name not in (*READ_ONCE, *IDLE, "exact"))
"""What may differ between points; the others hold for what is read, or for all."""


def parse(config: ConfigDict) -> dict[str, list[Any]]:
    """Axes and their values, of the types that the options have.

    Raises: DataError for what is no axis.
    """
    axes: dict[str, list[Any]] = {}
    for part in filter(None, (part.strip() for part in config.axes.split(";"))):
        name, _, listed = (piece.strip() for piece in part.partition("="))
        before = config.get(name)
        if name not in VARIED:
            raise DataError(f"--config.axes: {name!r}, expected some of {', '.join(VARIED)}")
        if name in axes:
            raise DataError(f"--config.axes: {name!r} is there twice")
        kind = float if before is None else type(before)
        words = [word.strip() for word in listed.split(",") if word.strip()]
        try:
            values = [_value(word, kind) for word in words]
        except ValueError as error:
            raise DataError(
                f"--config.axes: {name}={listed!r}, expected values like {before!r}, with commas"
            ) from error
        if not values or len(set(values)) < len(values):
            raise DataError(f"--config.axes: {name}={listed!r}, expected values that differ")
        axes[name] = values
    if not axes:
        raise DataError('--config.axes: empty, expected like "learning_rate=0.001,0.002; seed=0,1"')
    return axes


def _value(word: str, kind: type) -> Any:
    if kind is bool:
        if word.lower() not in ("true", "false"):
            raise ValueError(word)
        return word.lower() == "true"
    return kind(word)


def read_rows(place: Path, axes: dict[str, list[Any]]) -> list[dict]:
    """Rows of an earlier call.

    Raises: DataError where it had other axes.
    """
    if not place.exists():
        return []
    table = pd.read_csv(place)
    before = [name for name in table.columns if name in VARIED]
    if before != list(axes):
        raise DataError(
            f"{place}: a sweep over {', '.join(before)}, now over {', '.join(axes)}; "
            "use another --workdir"
        )
    return table.to_dict("records")


def same(point: dict, row: dict) -> bool:
    """Is the row this point's?"""
    return all(
        np.isclose(row[name], value) if isinstance(value, float) else row[name] == value
        for name, value in point.items()
    )
