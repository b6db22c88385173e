"""`dtb fetch`: the public files that this software reads."""

from pathlib import Path

import pandas as pd
import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from dtb_jax.cli.app import app, in_a_sentence, said
from dtb_jax.cli.tables import as_table
from dtb_jax.data import DataError
from dtb_jax.data.fetch import BUCKET, list_bucket, size_text, wanted
from dtb_jax.data.fetch import fetch as fetch_files


@app.command()
@in_a_sentence
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
        raise DataError(f"dataset {dataset!r}, expected tcp")
    kinds = wanted(list_bucket(base=url))
    files = [one for listed in kinds.values() for one in listed]
    rows = [(kind, len(listed), size_text(listed)) for kind, listed in kinds.items()]
    rows.append(("all", len(files), size_text(files)))
    Console().print(as_table(pd.DataFrame(rows, columns=["kind", "files", "bytes"]), "TCP"))
    if dry_run:
        return
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=said) as bar:
        task = bar.add_task("fetching", total=sum(one.size for one in files))
        told = fetch_files(files, folder, base=url, progress=lambda done: bar.advance(task, done))
    print(f"{folder}: {told.written + told.unverified} files written, {told.kept} were there")
    if told.unverified:
        print(f"{told.unverified} of them have no MD5 to compare with: their lengths are right")
