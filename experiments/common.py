"""What every experiment shares: flags, one-line errors, how JAX compiles and multiplies."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from ml_collections import ConfigDict, config_flags
from tqdm import tqdm

from dtb_jax.data import Choices, DataError, read_cohort
from dtb_jax.training import NonFiniteLoss


def main(
    get_config: Callable[[], ConfigDict],
    run: Callable[[ConfigDict, Path], Any],
    settle: Callable[[ConfigDict, Collection[str]], None] = lambda config, named: None,
) -> None:
    """Parse `--workdir` and `--config.*`, call `run`, and turn known problems into one line.

    `settle` is told the config and which of its leaves the command line named, before `run` is.
    """

    def call(argv):
        if len(argv) > 1:
            sys.exit(f"unknown argument {argv[1]!r}: options look like --config.NAME=VALUE")
        folder = Path(workdir.value)
        logging.set_verbosity(logging.WARNING)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            settle(config.value, config_flags.get_override_values(flags.FLAGS["config"]))
            run(config.value, folder)
        except (DataError, NonFiniteLoss, OSError) as error:
            sys.exit(f"{type(error).__name__}: {error}")
        except KeyboardInterrupt:
            sys.exit("interrupted: the same command goes on from the last checkpoint")

    try:
        config = config_flags.DEFINE_config_dict("config", get_config())
        workdir = flags.DEFINE_string(
            "workdir", None, "Where everything is written.", required=True
        )
        app.run(call)
    except AttributeError as error:
        # A misspelt --config.NAME; ml_collections adds which name it may have been.
        if "Did you mean" not in str(error):
            raise
        sys.exit(f"--config: no option {str(error.args[0]).replace(chr(92) + 'n', '. ')}")


def settle_jax() -> None:
    """Compiled programs are kept in the user's cache folder; products are in float32."""
    import jax

    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dtb_jax"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    multiply_in_float32()


def multiply_in_float32() -> None:
    """Accelerators would take TF32 or bfloat16; JAX_DEFAULT_MATMUL_PRECISION asks for those."""
    import jax

    if "JAX_DEFAULT_MATMUL_PRECISION" not in os.environ:
        jax.config.update("jax_default_matmul_precision", "float32")


def read_data(config: Any) -> tuple[Any, Any]:
    """The cohort in `config.data` and its ledger, with a progress bar.

    Raises: DataError when no folder is named, or nothing in it can be used.
    """
    if not config.data:
        raise DataError("--config.data: empty, expected a folder in TCP's layout")
    choices = Choices(**{name: config[name] for name in Choices._fields})
    return read_cohort(
        Path(config.data), choices, progress=lambda people: tqdm(people, desc="connectomes")
    )


def only_regions(cohort: Any, config: Any) -> Any:
    """The regions whose BOLD the twin makes.

    Raises: DataError for one that is not there.
    """
    names = [name.strip() for name in config.bold_regions.split(",") if name.strip()]
    if not names or cohort.bold_source == "none":
        return cohort
    missing = [name for name in names if name not in cohort.regions]
    if missing:
        raise DataError(
            f"--config.bold_regions: {missing[0]!r}, expected some of {', '.join(cohort.regions)}"
        )
    rows = [cohort.regions.index(name) for name in names]
    runs = tuple(run._replace(bold=run.bold[..., rows]) for run in cohort.runs)
    return cohort._replace(regions=tuple(names), runs=runs)


def linear_methods(config: Any) -> dict[str, Any]:
    """Regressions on edges by the names in `config.methods`.

    Raises: DataError for a name that none of them has.
    """
    from dtb_jax import families

    names = [name.strip() for name in config.methods.split(",") if name.strip()]
    try:
        return families.linear_methods(names)
    except ValueError as error:
        raise DataError(f"--config.methods: {error}") from error


def first_trials(config: Any) -> list[int]:
    """Numbers of first trials in `config.shots`.

    Raises: DataError for what is no list of numbers from 0.
    """
    try:
        shots = sorted({int(k) for k in config.shots.split(",") if k.strip()})
    except ValueError as error:
        raise DataError(
            f"--config.shots: {config.shots!r}, expected numbers like 0,5,20"
        ) from error
    if min(shots, default=0) < 0:
        raise DataError(f"--config.shots: {config.shots!r}, expected no negative number")
    return shots


@contextmanager
def epochs_bar(epochs: int, what: str) -> Iterator[Callable[[dict[str, float]], None]]:
    """A progress bar over epochs, and what tells it of each."""
    with tqdm(total=epochs, desc=what, unit="epoch") as bar:

        def show(row: dict[str, float]) -> None:
            bar.update(int(row.get("resumed_after_epoch", 1)))
            if "validation_loss" in row:
                bar.set_postfix(train=row["train_loss"], validation=row["validation_loss"])

        yield show


def save_figures(workdir: Path, drawn: Sequence[tuple[str, str, Any]]) -> list[tuple[str, Path]]:
    """Write (caption, name, figure) below `figures/`; returns captions and files for a report."""
    folder = workdir / "figures"
    folder.mkdir(exist_ok=True)
    for _, name, figure in drawn:
        figure.savefig(folder / f"{name}.png")
    return [(caption, folder / f"{name}.png") for caption, name, _ in drawn]


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide a result."""
    packages = ("jax", "flax", "optax", "equinox", "numpy", "orbax-checkpoint")
    return {name: version(name) for name in packages} | {"python": platform.python_version()}


def commit() -> str:
    """Of the code that runs, where it runs from a checkout."""
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def settle_config(config: ConfigDict, workdir: Path, result_keys: tuple[str, ...] = ()) -> dict:
    """Write `config.json`, or insist that a folder in use was made with the same config.

    Raises: DataError when it was not.
    """
    path, now = workdir / "config.json", json.loads(config.to_json_best_effort())
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [
            key
            for key in sorted({*before, *now} - set(result_keys))
            if before.get(key) != now.get(key)
        ]
        if changed:
            raise DataError(
                f"{path}: this folder holds a run with another {', '.join(changed)} "
                f"({before.get(changed[0])!r}, now {now.get(changed[0])!r}); "
                "use another --workdir, or delete this one"
            )
    path.write_text(json.dumps(now, indent=1, sort_keys=True), encoding="utf-8")
    return now
