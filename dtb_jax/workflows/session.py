"""What every study shares: how JAX compiles and multiplies, what is read, a folder of its own."""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

from dtb_jax.data import DataConfig, DataError, ExclusionLog, provenance, read_cohort
from dtb_jax.data.writing import write_json
from dtb_jax.models import registry
from dtb_jax.models.protocol import Model
from dtb_jax.twin.option import Config, flat
from dtb_jax.types import Cohort
from dtb_jax.workflows.halves import halves as halves
from dtb_jax.workflows.toml import write_toml

CAPTIONS, COHORT = "captions.json", "cohort.json"
UNSEEN, EDITS = "unseen", "edits"
"""Folders within a study's, of the same people."""


def settle_jax() -> None:
    """Compiled programs are kept in the user's cache folder; products are in float32."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dtb_jax"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    multiply_in_float32()


def multiply_in_float32() -> None:
    """Accelerators would take TF32 or bfloat16; JAX_DEFAULT_MATMUL_PRECISION asks for those."""
    if "JAX_DEFAULT_MATMUL_PRECISION" not in os.environ:
        jax.config.update("jax_default_matmul_precision", "float32")


def read_data(config: DataConfig) -> tuple[Cohort, ExclusionLog]:
    """The cohort in a folder and its ledger, with a progress bar.

    Raises: DataError when no folder is named, or nothing in it can be used.
    """
    if not config.root:
        raise DataError("--config.data: empty, expected a folder with events and imaging")
    return read_cohort(
        Path(config.root), config, progress=lambda people: tqdm(people, desc="connectomes")
    )


def only_regions(cohort: Cohort, wanted: str) -> Cohort:
    """The regions whose BOLD the twin makes, of a list split by commas.

    Raises: DataError for one that is not there.
    """
    names = listed(wanted)
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


def regressions(wanted: str) -> dict[str, Model]:
    """Regressions on edges by name, of a list split by commas.

    Raises: DataError for a name that none of them has.
    """
    try:
        return registry.regressions(listed(wanted))
    except ValueError as error:
        raise DataError(f"--config.methods: {error}") from error


def first_trials(wanted: str) -> list[int]:
    """Numbers of first trials, of a list split by commas.

    Raises: DataError for what is no list of numbers from 0.
    """
    try:
        shots = sorted({int(k) for k in listed(wanted)})
    except ValueError as error:
        raise DataError(f"--config.shots: {wanted!r}, expected numbers like 0,5,20") from error
    if min(shots, default=0) < 0:
        raise DataError(f"--config.shots: {wanted!r}, expected no negative number")
    return shots


def listed(words: str) -> list[str]:
    """What stands between commas."""
    return [word.strip() for word in words.split(",") if word.strip()]


@contextmanager
def epochs_bar(epochs: int, what: str) -> Iterator[Callable[[dict[str, float | int]], None]]:
    """A progress bar over epochs, and what tells it of each."""
    with tqdm(total=epochs, desc=what, unit="epoch") as bar:

        def show(row: dict[str, float | int]) -> None:
            if "resumed_after_epoch" in row:  # not what this call took its time for
                bar.initial = bar.n = bar.last_print_n = int(row["resumed_after_epoch"])
                return
            bar.update()
            if "validation_loss" in row:
                bar.set_postfix(train=row["train_loss"], validation=row["validation_loss"])

        yield show


def save_figures(workdir: Path, drawn: Sequence[tuple[str, str, Any]]) -> list[tuple[str, Path]]:
    """Write (caption, name, figure) below `figures/`; returns captions and files for a report."""
    folder = workdir / "figures"
    folder.mkdir(exist_ok=True)
    for _, name, figure in drawn:
        figure.savefig(folder / f"{name}.png")
    captions = {name: caption for caption, name, _ in drawn}
    (folder / CAPTIONS).write_text(json.dumps(captions, indent=1), encoding="utf-8")
    return saved_figures(workdir)


def saved_figures(workdir: Path) -> list[tuple[str, Path]]:
    """Captions and files of the figures that a run left, in its order."""
    folder = workdir / "figures"
    captions = json.loads((folder / CAPTIONS).read_text(encoding="utf-8"))
    return [(caption, folder / f"{name}.png") for name, caption in captions.items()]


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide a result."""
    packages = ("dtb_jax", "jax", "flax", "optax", "equinox", "numpy", "orbax-checkpoint")
    return {name: version(name) for name in packages} | {"python": platform.python_version()}


def commit() -> str:
    """Of the code that runs, where it runs from a checkout."""
    here = Path(__file__)

    def git(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, cwd=here.parent, check=False
        )

    try:
        # an environment may lie inside a checkout of something else
        if git("ls-files", "--error-unmatch", here.name).returncode:
            return "unknown"
        return git("rev-parse", "--short", "HEAD").stdout.strip() or "unknown"
    except OSError:  # no git
        return "unknown"


def settle(config: Config, workdir: Path) -> None:
    """`settle_options` of a study: an option younger than its folder had what is the default now.

    Raises: DataError when the folder was made with other options.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    settle_options(flat(config), workdir, defaults=flat(type(config)()))
    if not (workdir / "config.toml").exists():  # others of an array job may be reading it
        write_toml(workdir / "config.toml", config)


def check_room(workdir: Path) -> None:
    """Try to write where everything will be written, before hours go into it.

    Raises: DataError, in one sentence.
    """
    place = next(one for one in (workdir, *workdir.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(bytes(2**16))
    except OSError as error:
        raise DataError(
            f"{workdir}: nothing can be written there ({error.strerror}); expected a folder of "
            "yours on a disk with room"
        ) from error


def settle_people(
    cohort: Cohort, workdir: Path, study_kinds: Collection[str] = provenance.OF_THE_TWIN
) -> None:
    """Write `cohort.json`, or insist that a folder in use was made of the same people and data.

    Args:
        cohort: as read.
        workdir: of a study, or of a part of one, whose people are those of the study.
        study_kinds: of data that a part shares with its study, see `provenance`.

    Raises: DataError when it was not.
    """
    now = provenance.of_people(cohort)
    study = (workdir.parent / COHORT,) if workdir.name in (UNSEEN, EDITS) else ()
    for path in (*study, workdir / COHORT):
        if not path.exists():
            continue
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path}: not JSON ({error}); expected what a run wrote") from error
        kinds = study_kinds if path in study else provenance.OF_THE_TWIN
        told = provenance.changed(before, now, "since this twin was trained", kinds)
        if told:
            raise DataError(f"{path.parent}: {told}: name another folder, or delete this one")
    if not (workdir / COHORT).exists():  # others of an array job may be reading it
        write_json(workdir / COHORT, now)


def settle_options(
    config: Mapping[str, Any],
    workdir: Path,
    result_keys: tuple[str, ...] = (),
    defaults: Mapping[str, Any] = {},
) -> None:
    """Write `config.json`, or insist that a folder in use was made with the same options.

    Args:
        config: by name.
        workdir: the folder.
        result_keys: options that may change.
        defaults: of options that the folder does not tell.

    Raises: DataError when it was not.
    """
    path, now = workdir / "config.json", json.loads(json.dumps(dict(config)))
    if path.exists():
        told = json.loads(path.read_text(encoding="utf-8"))
        before = json.loads(json.dumps(dict(defaults))) | told
        changed = [
            key
            for key in sorted({*before, *now} - set(result_keys))
            if before.get(key) != now.get(key)
        ]
        if changed:
            each = ", ".join(f"{k} {before.get(k)!r}, now {now.get(k)!r}" for k in changed)
            raise DataError(
                f"{path}: this folder holds a run with other options ({each}); "
                "name the same ones, use another folder, or delete this one"
            )
        if told == now:  # others of an array job may be reading it
            return
    write_json(path, now)
