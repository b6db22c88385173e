"""What every experiment shares: flags, one-line errors, options of the library as a config."""

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, get_args

from absl import app, flags, logging
from ml_collections import ConfigDict, config_dict, config_flags

from dtb_jax.cli.interrupt import stop_at_once
from dtb_jax.data import DataError
from dtb_jax.twin.fit import NonFiniteLoss
from dtb_jax.twin.option import AnyConfig, changed, leaves
from dtb_jax.workflows.cluster import JobSubmitted


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
        except JobSubmitted as told:
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


def as_config(config: Any) -> ConfigDict:
    """Every option of a config a leaf; one without a default is empty, and of its type."""
    found = {}
    for flag, leaf in leaves(config).items():
        found[flag] = leaf.default
        if leaf.default is None:
            (kind,) = set(get_args(leaf.field.type)) - {type(None)}
            found[flag] = config_dict.placeholder(kind)
    return ConfigDict(found)


def options(kind: type[AnyConfig], config: ConfigDict) -> AnyConfig:
    """The library's config of this kind; what the flags have no leaf for keeps its default."""
    return changed(kind(), {flag: config[flag] for flag in leaves(kind) if flag in config})
