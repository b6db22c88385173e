"""Options in TOML: a section a config, as people write and keep them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from dtb_jax.data.ledger import DataError
from dtb_jax.data.writing import write_text
from dtb_jax.twin.option import Config, Leaf, leaves


def read_toml(path: Path, known: Mapping[str, Leaf]) -> dict[str, Any]:
    """Options by flag.

    Sections serve the reader: an option may stand in any of them, or in none.

    Args:
        path: of the file.
        known: the options that there are.

    Raises: DataError for a file that is no TOML, an unknown option, or a value of another type.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: not there ({error.strerror}); expected a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not TOML ({error})") from error
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= value if isinstance(value, dict) else {key: value}
    for name, value in found.items():
        if name not in known:
            raise DataError(f"{path}: {name}, expected some of {', '.join(known)}")
        found[name] = _typed(path, name, value, known[name])
    return found


def _typed(path: Path, name: str, value: Any, leaf: Leaf) -> Any:
    usual = leaf.default
    if isinstance(usual, tuple):
        value = tuple(value) if isinstance(value, list) else value
    if isinstance(usual, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if usual is not None and type(value) is not type(usual):
        what, wanted = type(value).__name__, type(usual).__name__
        raise DataError(f"{path}: {name} = {value!r} is of type {what}, expected {wanted}")
    return value


def write_toml(path: Path, config: Config) -> None:
    """Every option of a config that has a value, under the name of the section that holds it."""
    tree: dict[str, Any] = {}
    for flag, leaf in leaves(config).items():
        if leaf.default is None:
            continue
        value = list(leaf.default) if isinstance(leaf.default, tuple) else leaf.default
        (tree.setdefault(leaf.section, {}) if leaf.section else tree)[flag] = value
    write_text(path, tomli_w.dumps(tree))
