"""An option, declared once: its name, its default, what it means, and what it may be.

Options live in frozen dataclasses, nested by what consumes them. Command line, `--config.` flags,
TOML files, help and `config.json` all come from these declarations.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple, TypeVar

from dtb_jax.types import DataError

BASIC = "Basic"
"""The heading that help shows first."""


def option(
    default: Any,
    told: str,
    group: str = "",
    *,
    flag: str = "",
    least: int | float | None = None,
    below: int | float | None = None,
    most: int | float | None = None,
    above: int | float | None = None,
    one_of: Sequence[str] = (),
) -> Any:
    """A field of a config.

    Args:
        default: what it is where nobody says.
        told: its help, a sentence with its unit.
        group: heading in the help.
        flag: its name on the command line, if not the field's own.
        least, below, most, above: bounds of a number; None has none.
        one_of: the words that it may be, beside an empty one.
    """
    bounds = {"least": least, "below": below, "most": most, "above": above}
    about = {"help": told, "group": group, "flag": flag, "one_of": one_of}
    return field(default=default, metadata=about | bounds)


class Leaf(NamedTuple):
    """An option within nested configs."""

    section: str  # the field of the outer config that holds it; "" for one of its own
    field: Field
    default: Any

    @property
    def about(self) -> Mapping[str, Any]:
        """Help, heading and bounds."""
        return self.field.metadata


def check(config: Any) -> None:
    """Raises: DataError for an option outside of its bounds."""
    for one in fields(config):
        about, value = one.metadata, getattr(config, one.name)
        if "help" not in about or value is None:
            continue
        name = f"--config.{about['flag'] or one.name}"
        if about["one_of"] and value and value not in about["one_of"]:
            words = list(map(str, about["one_of"]))
            wanted = " or ".join(words) if len(words) == 2 else f"one of {', '.join(words)}"
            raise DataError(f"{name}: {value!r}, expected {wanted}")
        least, below, most = about["least"], about["below"], about["most"]
        if about["above"] is not None and not value > about["above"]:
            raise DataError(f"{name}: {value}, expected more than {about['above']:g}")
        if least is not None and below is not None and not least <= value < below:
            raise DataError(f"{name}: {value}, expected from {least:g} to below {below:g}")
        if least is not None and value < least:
            raise DataError(f"{name}: {value}, expected at least {least:g}")
        if most is not None and value > most:
            raise DataError(f"{name}: {value}, expected at most {most:g}")


AnyConfig = TypeVar("AnyConfig")


@dataclass(frozen=True)
class Config:
    """A config whose options are within their bounds."""

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of(cls: type[AnyConfig], **values: Any) -> AnyConfig:
        """The defaults but for options by their flags, of the configs within as well.

        Raises: KeyError for an unknown flag; DataError for a value out of bounds.
        """
        return changed(cls(), values)


def leaves(config: Any) -> dict[str, Leaf]:
    """Every option of a config and of the configs within it, by its flag.

    Args:
        config: an instance, whose values are the defaults, or a class.
    """
    config = config() if isinstance(config, type) else config
    return dict(_leaves(config, ""))


def _leaves(config: Any, section: str) -> Iterator[tuple[str, Leaf]]:
    for one in fields(config):
        value = getattr(config, one.name)
        if is_dataclass(value):
            yield from _leaves(value, one.name)
        elif "help" in one.metadata:
            yield one.metadata["flag"] or one.name, Leaf(section, one, value)


def flat(config: Any) -> dict[str, Any]:
    """Every option's value by its flag."""
    return {flag: leaf.default for flag, leaf in leaves(config).items()}


def changed(config: AnyConfig, values: Mapping[str, Any]) -> AnyConfig:
    """The config with other values of some options, by their flags.

    Raises: KeyError for a flag that it does not have; DataError for a value out of bounds.
    """
    known = leaves(config)
    mine: dict[str, dict[str, Any]] = {}
    for flag, value in values.items():
        leaf = known[flag]
        mine.setdefault(leaf.section, {})[leaf.field.name] = (
            tuple(value) if isinstance(value, list) else value
        )
    own = mine.pop("", {})
    inner = {name: replace(getattr(config, name), **each) for name, each in mine.items()}
    return replace(config, **own, **inner)  # type: ignore[type-var]
