"""Every option of a study as an option of a command: its name, default, help and heading."""

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, get_args

import typer

from dtb_jax.twin.option import BASIC, Leaf, leaves
from dtb_jax.workflows.config import LIMITS, UNSEEN, WISH
from dtb_jax.workflows.toml import read_toml

FIRST = (BASIC, UNSEEN, WISH, LIMITS)
"""Headings above those that are seldom needed."""


def takes(*configs: type, but: Collection[str] = ()) -> Callable[[Callable], Callable]:
    """A command gets `given`: those options of these configs that the command line names.

    A TOML file named by `--config` gives options too; the command line has the last word.

    Args:
        configs: classes of configs.
        but: options that the command does not take, and passes over in a TOML file.
    """

    def decorate(command: Callable) -> Callable:
        own = inspect.signature(command).parameters
        every = {flag: leaf for config in configs for flag, leaf in leaves(config).items()}
        known = {flag: leaf for flag, leaf in every.items() if flag not in but}
        shared = [_parameter(flag, leaf) for flag, leaf in known.items()]
        shared.sort(key=lambda one: _place(one.default.rich_help_panel))

        def call(config: Path | None = None, **values: Any):
            mine = {name: values.pop(name) for name in own if name != "given"}
            named = {name: _value(v) for name, v in values.items() if v is not None}
            options = {} if config is None else read_toml(config, every)
            options = {name: value for name, value in options.items() if name in known}
            return command(**mine, given=options | named)

        parameters = [p for p in own.values() if p.name != "given"]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        parameters += [_toml(), *shared]
        call.__doc__, call.__name__ = command.__doc__, command.__name__
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        return call

    return decorate


def _place(heading: str) -> int:
    return FIRST.index(heading) if heading in FIRST else len(FIRST)


def _toml() -> inspect.Parameter:
    default = typer.Option(
        None, help="TOML file with options, as a study writes it to config.toml."
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter("config", kind, default=default, annotation=Path | None)


def _parameter(name: str, leaf: Leaf) -> inspect.Parameter:
    """An option that is None where the command line does not name it."""
    flag = "--" + name.replace("_", "-")
    annotation: Any = leaf.field.type
    shown: Any = leaf.default
    if isinstance(shown, tuple):
        annotation, shown = list[str], " ".join(map(str, shown))
    elif type(None) in get_args(annotation):  # the help says what happens without
        (annotation,) = set(get_args(annotation)) - {type(None)}
    elif annotation is bool:
        flag, shown = f"{flag}/--no-{flag[2:]}", "yes" if shown else "no"
    default = typer.Option(
        None,
        flag,
        help=leaf.about["help"],
        rich_help_panel=leaf.about["group"],
        show_default=str(shown) if shown not in (None, "") else False,
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation | None
    )


def _value(value: Any) -> Any:
    """Lists as tuples; a list of an empty word is an empty one."""
    return tuple(filter(None, value)) if isinstance(value, list) else value
