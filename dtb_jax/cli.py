"""The command `dtb`: what a lab does first, without a line of Python."""

import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn, track
from rich.table import Table

from dtb_jax.data import Choices, DataError, Ledger, read_cohort
from dtb_jax.data.check import Overview, overview
from dtb_jax.data.fetch import BUCKET, list_bucket, size_text, wanted
from dtb_jax.data.fetch import fetch as fetch_files
from dtb_jax.types import Cohort
from dtb_jax.workflow import note_below_chance

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
said = Console(stderr=True)
MOST_ROWS = 20
"""Of people with something odd that are listed on a terminal; a file has all."""

DEFAULT = Choices()


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
    """Digital twin brains: from connectomes to choices, reaction times and BOLD, and back."""


@app.command()
def check(
    bids: Path = typer.Argument(..., help="Folder with events below `sub-*/func/`, in BIDS."),
    derivatives: str = typer.Option(
        "", help="Folder of fMRIPrep's or XCP-D's output, where it is not below the data."
    ),
    tasks: list[str] = typer.Option(
        DEFAULT.tasks, help="faces, stroop, or a file that tells of another; may be repeated."
    ),
    runs: list[str] = typer.Option(
        [], help="Task runs to read, like stroopAP_run-01; default: all there are."
    ),
    rest_runs: list[str] = typer.Option(
        DEFAULT.rest_runs, help="Rest runs of the connectome; may be repeated."
    ),
    atlas: str = typer.Option("", help="Table of parcels with a column `name`."),
    regions: str = typer.Option("", help="Table with columns `region` and `parcel`."),
    atlas_image: str = typer.Option("", help="Label image, for dtseries and NIfTI series."),
    entities: list[str] = typer.Option(
        [], help="Which files to read where several differ, like seg-Glasser."
    ),
    session: str = typer.Option("", help="The only session to read."),
    dataset: str = typer.Option("", help="HDF5 dataset, where files have several."),
    estimator: str = typer.Option(DEFAULT.estimator, help="pearson or ledoit_wolf."),
    family: str = typer.Option("", help="Column that says who belongs together."),
    least_share: float = typer.Option(
        DEFAULT.least_share, help="Of a full run's volumes; shorter runs are left out."
    ),
    repetition_time_s: float = typer.Option(
        DEFAULT.repetition_time_s, help="Seconds between volumes."
    ),
    table: Path | None = typer.Option(None, help="Write a row a person to this TSV file."),
    exclusions: Path | None = typer.Option(
        None, help="Write every reason, one a line, to this TSV file."
    ),
) -> None:
    """Read a folder with training's readers, and tell who is in, who is not, and why.

    Exit code 0: everybody is in and nothing about a single person is odd. 2: the folder can be
    used, but something of somebody is missing or odd. 1: it can not be used; one sentence says why.

    **TCP:** `dtb check ds005237 --atlas tcp_434.tsv`

    **Your own:** `dtb check BIDS --derivatives xcp_d --entities seg-Glasser --tasks flanker.yaml
    --rest-runs rest_run-01 --atlas parcels.tsv --regions regions.tsv`
    """
    choices = replace(
        DEFAULT,
        tasks=tuple(tasks),
        runs=tuple(runs),
        rest_runs=tuple(rest_runs),
        derivatives=derivatives,
        entities=tuple(entities),
        session=session,
        dataset=dataset,
        estimator=estimator,
        family=family,
        least_share=least_share,
        atlas=atlas,
        regions=regions,
        atlas_image=atlas_image,
        repetition_time_s=repetition_time_s,
    )
    try:
        cohort, ledger = read_cohort(
            bids, choices, progress=lambda people: track(people, "connectomes", console=said)
        )
        note_below_chance(cohort, ledger)
        found = overview(cohort, ledger)
        if table is not None:
            found.people.to_csv(table, sep="\t")
        if exclusions is not None:
            ledger.write(exclusions)
    except (DataError, OSError) as error:
        said.print(_as_option(str(error)), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    _show(found, cohort, ledger, exclusions)
    raise typer.Exit(0 if found.complete else 2)


@app.command()
def fetch(
    dataset: str = typer.Argument(..., help="`tcp`: the Transdiagnostic Connectome Project."),
    folder: Path = typer.Argument(..., help="What to fill."),
    dry_run: bool = typer.Option(False, "--dry-run", help="List files and bytes, fetch nothing."),
    url: str = typer.Option(BUCKET, help="The bucket, or a mirror of it."),
) -> None:
    """Download the public files that this software reads: behaviour, motion, parcel time series.

    Interrupted, the same command goes on. A file gets its name when its length and MD5 are right.
    Nothing else in this software uses the network.
    """
    if dataset != "tcp":
        said.print(f"dataset {dataset!r}, expected tcp", markup=False)
        raise typer.Exit(1)
    try:
        kinds = wanted(list_bucket(base=url))
        files = [one for listed in kinds.values() for one in listed]
        rows = [(kind, len(listed), size_text(listed)) for kind, listed in kinds.items()]
        rows.append(("all", len(files), size_text(files)))
        Console().print(_as_table(pd.DataFrame(rows, columns=["kind", "files", "bytes"]), "TCP"))
        if dry_run:
            return
        columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=said) as bar:
            task = bar.add_task("fetching", total=sum(one.size for one in files))
            told = fetch_files(
                files, folder, base=url, progress=lambda done: bar.advance(task, done)
            )
    except (DataError, OSError) as error:
        said.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    print(f"{folder}: {told.written + told.unverified} files written, {told.kept} were there")
    if told.unverified:
        print(f"{told.unverified} of them have no MD5 to compare with: their lengths are right")


def _as_option(sentence: str) -> str:
    """The library names options as experiments do: --config.rest_runs is --rest-runs here."""
    return re.sub(r"--config\.(\w+)", lambda m: "--" + m[1].replace("_", "-"), sentence)


def _show(found: Overview, cohort: Cohort, ledger: Ledger, exclusions: Path | None) -> None:
    out = Console()
    people, inside = found.people, int(found.people["in_cohort"].sum())
    bold = {"none": "there is no BOLD"}.get(cohort.bold_source, f"BOLD is {cohort.bold_source}")
    out.print(
        f"{inside} of {len(people)} people are in, with {cohort.parcels} parcels; connectomes are "
        f"{cohort.connectome_source}, {bold}.",
        soft_wrap=True,
    )
    out.print(_as_table(found.runs.reset_index(), "Runs"))
    odd = people[people["odd"] != ""].reset_index()
    if len(odd):
        shown = odd[["participant", "in_cohort", "odd"]].head(MOST_ROWS)
        out.print(_as_table(shown, "Missing or odd"))
    if len(odd) > MOST_ROWS:
        more = "--exclusions FILE writes all" if exclusions is None else f"{exclusions} has all"
        out.print(f"and {len(odd) - MOST_ROWS} more people; {more}")
    for entry in ledger.entries:
        if entry.participant == "all":
            line = f"{entry.file or entry.run}: {entry.reason}"
            out.print(_as_option(line), markup=False, soft_wrap=True)


def _as_table(rows: pd.DataFrame, title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for k, name in enumerate(rows):
        table.add_column(str(name).replace("_", " "), overflow="fold", no_wrap=k == 0)
    for row in rows.itertuples(index=False):
        told = (("yes" if cell else "no") if isinstance(cell, bool) else str(cell) for cell in row)
        table.add_row(*(escape(_as_option(cell)) for cell in told))  # a file may hold [red]
    return table
