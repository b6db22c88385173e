"""What every experiment shares: flags, one-line errors, options of the library as a config."""

import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from absl import app, flags, logging
from ml_collections import ConfigDict, config_dict, config_flags

from dtb_jax.cli.interrupt import stop_at_once
from dtb_jax.data import Choices, DataError
from dtb_jax.twin.fit import NonFiniteLoss
from dtb_jax.workflows.cluster import Cluster, Submitted

AnyOptions = TypeVar("AnyOptions", bound=Choices | Cluster)


def main(
    get_config: Callable[[], ConfigDict],
    run: Callable[[ConfigDict, Path], Any],
    settle: Callable[[ConfigDict, Collection[str]], None] = lambda config, named: None,
) -> None:
    """Parse `--workdir` and `--config.*`, call `run`, and turn known problems into one line.

    `settle` is told the config and which of its leaves the command line named, before `run` is.
    """
    parsed = False

    def call(argv):
        nonlocal parsed
        parsed = True
        if len(argv) > 1:
            sys.exit(f"unknown argument {argv[1]!r}: options look like --config.NAME=VALUE")
        folder = Path(workdir.value)
        logging.set_verbosity(logging.WARNING)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            settle(config.value, config_flags.get_override_values(flags.FLAGS["config"]))
            run(config.value, folder)
        except Submitted as told:
            print(told)
        except (DataError, NonFiniteLoss, OSError) as error:
            sys.exit(f"{type(error).__name__}: {error}")

    stop_at_once()
    try:
        config = config_flags.DEFINE_config_dict("config", get_config())
        workdir = flags.DEFINE_string(
            "workdir", None, "Where everything is written.", required=True
        )
        app.run(call)
    except AttributeError as error:
        # An unknown --config.NAME; ml_collections adds which name it may have been.
        if parsed:
            raise
        told = error.args[0]
        told = str(told.args[0] if isinstance(told, Exception) else told)
        sys.exit(f"--config: no option {told.replace(chr(10), '. ')}")


def as_config(options: Choices) -> ConfigDict:
    """Every option a leaf; one without a default is empty, and of its type."""
    leaves = asdict(options)
    for field in fields(options):
        if leaves[field.name] is None:
            (kind,) = set(get_args(field.type)) - {type(None)}
            leaves[field.name] = config_dict.placeholder(kind)
    return ConfigDict(leaves)


def options(kind: type[AnyOptions], config: ConfigDict) -> AnyOptions:
    """The library's options of this kind; what the config has no leaf for keeps its default."""
    names = (field.name for field in fields(kind) if field.name in config)
    return kind(**{name: config[name] for name in names})
