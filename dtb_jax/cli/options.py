"""Every option of a study as an option of a command: its name, default, help and heading."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import Field, fields
from typing import Any, get_args

import typer

from dtb_jax.data.choices import Choices, told
from dtb_jax.workflows.cluster import Cluster
from dtb_jax.workflows.options import LIMITS, UNSEEN, WISH

FIRST = (UNSEEN, WISH, LIMITS)
"""Headings of what a command adds to training, above those that it shares with it."""


def takes(
    *kinds: type[Choices | Cluster], but: Collection[str] = ()
) -> Callable[[Callable], Callable]:
    """A command gets `given`: those options of these kinds that the command line names.

    Args:
        kinds: the options' classes; what they inherit comes with them.
        but: options that the command does not take.
    """

    def decorate(command: Callable) -> Callable:
        own = inspect.signature(command).parameters
        shared = [
            _parameter(kind, field)
            for kind in kinds
            for field in fields(kind)
            if field.name not in but
        ]
        shared.sort(key=lambda one: one.default.rich_help_panel not in FIRST)

        def call(**values: Any):
            mine = {name: values.pop(name) for name in own if name != "given"}
            given = {name: _value(v) for name, v in values.items() if v is not None}
            return command(**mine, given=given)

        parameters = [p for p in own.values() if p.name != "given"]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters] + shared
        call.__doc__, call.__name__ = command.__doc__, command.__name__
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        return call

    return decorate


def _parameter(kind: type, field: Field) -> inspect.Parameter:
    """An option that is None where the command line does not name it."""
    about = told(kind, field.name)
    flag = "--" + field.name.replace("_", "-")
    annotation: Any = field.type
    shown: Any = field.default
    if isinstance(shown, tuple):
        annotation, shown = list[str], " ".join(map(str, shown))
    elif type(None) in get_args(annotation):  # the help says what happens without
        (annotation,) = set(get_args(annotation)) - {type(None)}
    elif annotation is bool:
        flag, shown = f"{flag}/--no-{flag[2:]}", "yes" if shown else "no"
    default = typer.Option(
        None,
        flag,
        help=about["help"],
        rich_help_panel=about["group"],
        show_default=str(shown) if shown not in (None, "") else False,
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation | None
    )


def _value(value: Any) -> Any:
    """Lists as tuples; a list of an empty word is an empty one."""
    return tuple(filter(None, value)) if isinstance(value, list) else value
