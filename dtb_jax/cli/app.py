"""The command itself, and how it tells of problems: one sentence, and an exit code."""

import functools
from collections.abc import Callable
from importlib.metadata import version

import typer
from rich.console import Console

from dtb_jax.data import DataError
from dtb_jax.reporting.report import as_option as as_option
from dtb_jax.twin.fit import NonFiniteLoss
from dtb_jax.workflows.cluster import JobSubmitted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
said = Console(stderr=True)


def _version(asked: bool) -> bool:
    if asked:
        print(version("dtb_jax"))
        raise typer.Exit
    return asked


@app.callback()
def root(
    show: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print and stop."
    ),
) -> None:
    """Digital twin brains: from connectomes to choices, reaction times and BOLD, and back.

    A study is a folder: `dtb check BIDS`, `dtb train BIDS STUDY`, `dtb evaluate STUDY`,
    `dtb intervene STUDY`, `dtb trial STUDY`, `dtb report STUDY`. Interrupted, every command goes on
    where it was when it is called again. Options that take several values are repeated:
    `--rest-runs A --rest-runs B`.
    """


def in_a_sentence(command: Callable) -> Callable:
    """A command whose known problems are one sentence on stderr and exit code 1."""

    @functools.wraps(command)
    def call(*arguments, **options):
        try:
            return command(*arguments, **options)
        except JobSubmitted as told:
            said.print(str(told), markup=False, highlight=False, soft_wrap=True)
        except BrokenPipeError:  # whoever reads has had enough
            raise
        except (DataError, NonFiniteLoss, OSError) as error:
            said.print(as_option(str(error)), markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error

    return call
