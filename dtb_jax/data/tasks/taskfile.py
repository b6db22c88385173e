"""A task from one short YAML file."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from dtb_jax.data.tasks.spec import CORRECT, MISSING, UNITS, Field, Spec, decode, label
from dtb_jax.types import Rows, Task

REQUIRED = ("name", "bids_name", "actions", "conditions", "contrast", "window_s", "response_time")
OPTIONAL = ("response", "accuracy", "correct", "duration", "channels", "rows")
SAYS = {
    "conditions": ("levels", "names"),
    "response_time": ("unit", "omitted"),
    "response": ("names", "omitted"),
    "accuracy": ("right", "wrong", "omitted"),
    "correct": ("names",),
    "duration": ("unit",),
    "channels": ("levels", "names", "range"),
}
"""What each entry may say beside its column."""


def read_task(path: Path) -> Task:
    """A `Task` whose decoder follows the file; docs/tasks.md explains every line of one.

    Args:
        path: YAML with the keys of `Spec`.

    Returns: `Task`.

    Raises: ValueError in one sentence where the file says something that is not understood.
    """
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: can not be opened ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    try:
        spec = _spec(told)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    fields = _fields(spec)
    numeric = [spec.response_time, spec.duration, *(f for f in fields if f.range)]
    return Task(
        name=spec.name,
        bids_name=spec.bids_name,
        actions=spec.actions,
        available=(True,) * len(spec.actions),
        channels=sum(_inputs(one, spec) for one in spec.channels),
        conditions=spec.conditions.levels,
        contrast=(spec.contrast[0], spec.contrast[1]),
        columns=tuple(dict.fromkeys(["onset", *(field.column for field in fields)])),
        numeric=tuple(dict.fromkeys(["onset", *(f.column for f in numeric if f is not None)])),
        decode=partial(decode, spec),
        rows=spec.rows,
    )


def _fields(spec: Spec) -> list[Field]:
    """All that names a column."""
    told = [spec.conditions, spec.response_time, spec.response, spec.accuracy, spec.correct]
    return [f for f in [*told, spec.duration, *spec.channels] if isinstance(f, Field)]


def _inputs(channel: Field | str, spec: Spec) -> int:
    if isinstance(channel, str):
        return len(spec.actions)
    return len(channel.levels) or 1


def _spec(told: Any) -> Spec:
    """Raises: ValueError for what is missing, unknown or contradicts itself."""
    if not isinstance(told, dict):
        raise ValueError(f"found {type(told).__name__}, expected the keys {', '.join(REQUIRED)}")
    for key in told:
        if key not in (*REQUIRED, *OPTIONAL):
            raise ValueError(f"{key}: unknown, expected one of {', '.join((*REQUIRED, *OPTIONAL))}")
    for key in REQUIRED:
        if told.get(key) is None:
            raise ValueError(f"{key}: missing; docs/tasks.md has an example")
    named = {key: value for key, value in told.items() if value is not None}
    for key in SAYS:
        if key in named and key != "channels":
            named[key] = _field(key, named[key], SAYS[key])
    if "rows" in named:
        named["rows"] = _rows(named["rows"])
    channels = named.get("channels", [CORRECT])
    if not isinstance(channels, list) or not channels:
        raise ValueError(f"channels: found {channels!r}, expected a list of columns")
    named["channels"] = tuple(
        one if one == CORRECT else _field(f"channels, entry {k + 1}", one, SAYS["channels"])
        for k, one in enumerate(channels)
    )
    for key in ("name", "bids_name"):
        (named[key],) = _texts(key, [named[key]])
    for key in ("actions", "contrast"):
        named[key] = _texts(key, named[key])
    spec = Spec(**named)
    _check(spec)
    return spec


def _field(key: str, told: Any, says: Sequence[str]) -> Field:
    told = {"column": told} if isinstance(told, str) else told
    if not isinstance(told, dict) or "column" not in told:
        raise ValueError(f"{key}: found {told!r}, expected a column's name or 'column: NAME'")
    for name in told:
        if name not in ("column", *says):
            raise ValueError(f"{key}: {name} unknown, expected {', '.join(('column', *says))}")
    found = dict(told) | {"column": str(told["column"])}
    for name in ("levels", "right", "wrong", "omitted"):
        if name not in found:
            continue
        found[name] = _texts(f"{key}, {name}", found[name])
        if len(set(found[name])) < len(found[name]):
            raise ValueError(f"{key}, {name}: found {list(found[name])}, expected each once")
    if "range" in found:
        found["range"] = _range(key, found["range"])
    if "names" in found:
        if not isinstance(found["names"], dict):
            raise ValueError(
                f"{key}, names: found {found['names']!r}, expected 'label: name' pairs"
            )
        pairs = [_texts(f"{key}, names", list(pair)) for pair in found["names"].items()]
        found["names"] = {a: b for a, b in pairs}
    if str(found.get("unit", "s")) not in UNITS:
        raise ValueError(f"{key}, unit: {found['unit']!r}, expected {' or '.join(UNITS)}")
    return Field(**found)


def _rows(told: Any) -> Rows:
    """`only` or `not`, as trials have one of these labels or another one."""
    rule = [name for name in ("only", "not") if isinstance(told, dict) and name in told]
    if len(rule) != 1 or set(told) != {"column", *rule}:
        raise ValueError(
            f"rows: found {told!r}, expected 'column: NAME' and 'only: [...]' or 'not'"
        )
    labels = _texts(f"rows, {rule[0]}", told[rule[0]])
    labels = tuple("n/a" if one in MISSING else one for one in labels)
    return Rows(str(told["column"]), labels, rule[0] == "only")


def _range(key: str, told: Any) -> tuple[float, float]:
    numbers = isinstance(told, list) and all(isinstance(one, int | float) for one in told)
    if not numbers or len(told) != 2 or not told[0] < told[1]:
        raise ValueError(f"{key}, range: found {told!r}, expected [low, high]")
    return float(told[0]), float(told[1])


def _texts(key: str, told: Any) -> tuple[str, ...]:
    """YAML reads `yes` and 1 as what they mean; here they are labels."""
    told = told if isinstance(told, list) else [told]
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in told):
        raise ValueError(f"{key}: found {told!r}, expected text; put yes, no, on and off in quotes")
    return tuple(label(one) for one in told)


def _check(spec: Spec) -> None:
    if len(spec.actions) < 2 or len(set(spec.actions)) < len(spec.actions):
        raise ValueError(f"actions: found {list(spec.actions)}, expected two or more that differ")
    if not spec.conditions.levels:
        raise ValueError("conditions: no levels, expected 'levels: [...]' in the order of figures")
    if len(set(spec.contrast)) != 2 or set(spec.contrast) - set(spec.conditions.levels):
        raise ValueError(
            f"contrast: found {list(spec.contrast)}, expected two of "
            f"{', '.join(spec.conditions.levels)}: more, then less"
        )
    number = isinstance(spec.window_s, int | float) and not isinstance(spec.window_s, bool)
    if not number or not 0 < spec.window_s < float("inf"):
        raise ValueError(f"window_s: found {spec.window_s!r}, expected seconds")
    try:
        [float(code) for code in spec.response_time.omitted]
    except ValueError:
        raise ValueError(
            f"response_time, omitted: found {list(spec.response_time.omitted)}, expected numbers"
        ) from None
    if spec.accuracy and not (spec.accuracy.right and spec.accuracy.wrong):
        raise ValueError("accuracy: expected right and wrong, lists of the column's labels")
    if spec.accuracy:
        kinds = [*spec.accuracy.right, *spec.accuracy.wrong, *spec.accuracy.omitted]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"accuracy: found {kinds}, expected each label once")
    if not spec.accuracy and not (spec.response and spec.correct):
        raise ValueError("accuracy: missing; expected it, or both response and correct")
    if spec.response and not spec.correct and len(spec.actions) > 2:
        raise ValueError(
            f"correct: missing; of {len(spec.actions)} actions a wrong one does not tell the right"
        )
    for one in spec.channels:
        if isinstance(one, Field) and bool(one.levels) == bool(one.range):
            raise ValueError(f"channels: {one.column}, expected either levels or a range")
