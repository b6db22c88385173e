"""What training refuses, in one sentence, before it compiles anything: arrays that do not fit."""

import numpy as np
from jaxtyping import Float, Int

from dtb_jax.twin.config import TrainConfig
from dtb_jax.twin.twin import Twin
from dtb_jax.types import Array, Sequences


def rows_of(people: np.ndarray | None, total: int, what: str = "people") -> Int[np.ndarray, " row"]:
    """Rows of some people; a mask of everybody is one of rows.

    Raises: ValueError for rows that are not there, or none.
    """
    if people is None:
        return np.arange(total)
    rows = np.asarray(people)
    if rows.dtype == bool:
        if rows.shape != (total,):
            raise ValueError(f"{what}: a mask of shape {rows.shape}, expected ({total},)")
        rows = np.flatnonzero(rows)
    if not np.issubdtype(rows.dtype, np.integer) and rows.size:
        raise ValueError(f"{what}: {rows.dtype} numbers, expected rows or a mask")
    outside = rows[(rows < 0) | (rows >= total)]
    if len(outside):
        raise ValueError(f"{what}: row {outside[0]}, expected rows from 0 to {total - 1}")
    if not len(rows):
        raise ValueError(f"{what}: nobody")
    return rows.astype(int)


def checked(
    twin: Twin,
    connectomes: Float[Array, "people edge"],
    training: Sequences,
    validation: Sequences,
    people: np.ndarray | None,
    validation_people: np.ndarray,
    settings: TrainConfig,
) -> tuple[Sequences, Sequences, Int[np.ndarray, " trained"], Int[np.ndarray, " held"]]:
    """The arguments of `twin.fit.fit`, with rows for masks and zeros for NaN of masked BOLD.

    Raises: ValueError where a training with them would be of something else than meant.
    """
    edges = np.asarray(connectomes)
    if edges.ndim != 2 or not len(edges):
        raise ValueError(f"connectomes of shape {edges.shape}, expected some people's edges")
    seen = twin.centre.shape[0]
    if edges.shape[1] != seen:
        raise ValueError(f"{edges.shape[1]} edges, but the twin was made for {seen}")
    rows = rows_of(people, len(edges))
    held = rows_of(validation_people, len(edges), "validation_people")
    _check_shapes(twin, training, "training", len(edges))
    _check_shapes(twin, validation, "validation", len(held))
    steps = training.stimulus.shape[2]
    if settings.segment_steps > steps:
        raise ValueError(
            f"segment_steps {settings.segment_steps}, but runs of {steps} steps; expected at most "
            "as many"
        )
    for row in (*rows, *held):
        if not np.isfinite(edges[row]).all():
            raise ValueError(f"connectomes: row {row} holds NaN or an infinite edge")
    training, validation = _checked_numbers(training), _checked_numbers(validation)
    at_risk, scanned = (np.asarray(leaf)[rows] for leaf in (training.at_risk, training.bold_mask))
    has_bold = training.bold.shape[-1] > 0 and scanned.any() and settings.bold_weight > 0
    if not (at_risk > 0).any() and not has_bold:
        raise ValueError("training: no step is at risk and none has BOLD: nothing to learn from")
    if has_bold and settings.bold_warmup_steps >= settings.segment_steps:
        raise ValueError(
            f"bold_warmup_steps {settings.bold_warmup_steps}, but segments of "
            f"{settings.segment_steps} steps: no BOLD would count; expected fewer"
        )
    return training, validation, rows, held


def _check_shapes(twin: Twin, run: Sequences, name: str, people: int) -> None:
    if run.stimulus.ndim != 4:
        raise ValueError(
            f"{name}.stimulus: shape {run.stimulus.shape}, expected [people, run, time, input]"
        )
    if run.stimulus.shape[0] != people:
        raise ValueError(
            f"{name}: runs of {run.stimulus.shape[0]} people, expected those of {people}, one a "
            "row of connectomes" + (" that validates" if name == "validation" else "")
        )
    lead = run.stimulus.shape[:3]
    for field in ("press", "at_risk", "bold", "bold_mask"):
        found = getattr(run, field).shape[:3]
        if found != lead:
            raise ValueError(f"{name}.{field}: people, runs and steps {found}, expected {lead}")
    actions, regions = run.press.shape[-1], run.bold.shape[-1]
    if run.available.shape != (*lead[:2], actions):
        raise ValueError(
            f"{name}.available: shape {run.available.shape}, expected {(*lead[:2], actions)}"
        )
    made = twin.hypernet
    for what, given, expected in (
        ("stimulus: inputs", run.stimulus.shape[-1], made.inputs),
        ("press: actions", actions, made.actions),
        ("press, bold: actions and regions", actions + regions, made.outputs),
    ):
        if given != expected:
            raise ValueError(f"{name}.{what}: {given}, but the twin was made for {expected}")


def _checked_numbers(run: Sequences) -> Sequences:
    for field in ("stimulus", "press", "at_risk", "available", "bold_mask"):
        _refuse_nan(field, np.asarray(getattr(run, field)))
    press, available = np.asarray(run.press), np.asarray(run.available)
    forbidden = (press > 0).any(axis=2) & ~(available > 0)
    if forbidden.any():
        person, r, action = np.argwhere(forbidden)[0]
        raise ValueError(
            f"press: row {person}, run {r}: action {action} was pressed, which is not available"
        )
    bold = np.asarray(run.bold)
    if np.isfinite(bold).all():
        return run
    bold = np.where(np.asarray(run.bold_mask)[..., None] > 0, bold, 0)
    _refuse_nan("bold", bold)
    return run._replace(bold=bold)


def _refuse_nan(field: str, values: np.ndarray) -> None:
    good = np.isfinite(values)
    if not good.all():
        row, run = np.argwhere(~good)[0][:2]
        raise ValueError(f"{field}: NaN or infinite in row {row}, run {run}")
