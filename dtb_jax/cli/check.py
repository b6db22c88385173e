"""`dtb check`: who is in, who is not, and why."""

from pathlib import Path
from typing import Any

import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

from dtb_jax.cli.app import app, as_option, in_a_sentence, said
from dtb_jax.cli.options import takes
from dtb_jax.cli.tables import as_table
from dtb_jax.data import DataConfig, DataError, ExclusionLog, read_cohort
from dtb_jax.data.check import Overview, as_text, overview
from dtb_jax.models.paper_twin import note_below_chance
from dtb_jax.types import Cohort
from dtb_jax.workflows import check_report

MOST_ROWS, MOST_ALIKE = 20, 3
"""Of people with something odd that are listed on a terminal, and with the same; a file has all."""


BRIEF = {"omissions": "omitted", "outside the scan": "off scan"}
"""Heads that a terminal of 80 letters has room for."""


@app.command()
@in_a_sentence
@takes(DataConfig, but=("data",))
def check(
    bids: Path = typer.Argument(
        ..., metavar="BIDS", help="Folder with events below `sub-*/func/`, in BIDS."
    ),
    table: Path | None = typer.Option(None, help="Write a row a person to this TSV file."),
    exclusions: Path | None = typer.Option(
        None, help="Write every reason, one a line, to this TSV file."
    ),
    html: Path | None = typer.Option(
        None, help="Write a page with timelines and reaction times to this HTML file."
    ),
    *,
    given: dict[str, Any],
) -> None:
    """Read a folder with training's readers, and tell who is in, what they did, and what is odd.

    Exit code 0: everybody is in and nothing about a single person is odd. 2: the folder can be
    used, but something of somebody is missing or odd. 1: it can not be used; one sentence says why.

    **TCP:** `dtb check ds005237 --atlas tcp_434.tsv`

    **Your own:** `dtb check BIDS --derivatives xcp_d --entities seg-Glasser --tasks flanker.yaml
    --rest-runs rest_run-01 --atlas parcels.tsv --regions regions.tsv`
    """
    for option, path in (("--table", table), ("--exclusions", exclusions), ("--html", html)):
        if path is not None:
            can_be_written(path, option)
    cohort, ledger = read_cohort(
        bids,
        DataConfig(**with_runs(given)),
        progress=lambda people: track(people, "connectomes", console=said),
    )
    note_below_chance(cohort, ledger)
    found = overview(cohort, ledger)
    if table is not None:
        found.people.to_csv(table, sep="\t")
    if exclusions is not None:
        ledger.write(exclusions)
    if html is not None:
        check_report.write(html, bids, cohort, ledger, found)
    _show(found, cohort, ledger, exclusions)
    raise typer.Exit(0 if found.complete else 2)


def with_runs(given: dict[str, Any]) -> dict[str, Any]:
    """Two runs of TCP are the default; where tasks are named, all runs of these are read."""
    return {"runs": ()} | given if "tasks" in given else given


def _in_words(run: pd.Series) -> str:
    """Of a run, what its conditions share."""
    lists = f"{run['trial lists']} {'list' if run['trial lists'] == '1' else 'lists'}"
    lists = "own orders" if run["trial lists"] == "own orders" else lists
    volumes = f", {run['volumes']} volumes" if run["BOLD"] else ""
    return (
        f"{run['behaviour']} people ({run['BOLD']} with BOLD, {run['below chance']} below chance), "
        f"{run['trials']} trials in {lists}, window {run['window (s)']} s "
        f"({run['late presses']} presses after it){volumes}"
    )


def can_be_written(path: Path, option: str) -> None:
    """Before minutes of reading; what is there stays as it is.

    Raises: DataError when the file could not be written in the end.
    """
    there = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise DataError(f"{option}: {path} can not be written ({error.strerror})") from error
    if not there:
        path.unlink()


def _show(found: Overview, cohort: Cohort, ledger: ExclusionLog, exclusions: Path | None) -> None:
    out = Console()
    people, inside = found.people, int(found.people["in_cohort"].sum())
    bold = {"none": "there is no BOLD"}.get(cohort.bold_source, f"BOLD is {cohort.bold_source}")
    out.print(
        f"{inside} of {len(people)} people are in, with {cohort.parcels} parcels; connectomes are "
        f"{cohort.connectome_source}, {bold}.",
        soft_wrap=True,
    )
    conditions = as_text(found.conditions)
    for name, run in found.runs.iterrows():
        own = conditions[conditions["run"] == name].drop(columns="run").rename(columns=BRIEF)
        out.print(as_table(own, f"{name}: {_in_words(run)}"))
    for what, fact in found.facts.items():
        out.print(f"{what}: {fact}", markup=False, highlight=False, soft_wrap=True)
    for sentence in found.warnings:
        out.print(f"WARNING: {sentence}", style="bold", markup=False, soft_wrap=True)
    odd = people[people["odd"] != ""].reset_index()[["participant", "in_cohort", "odd"]]
    alike = odd.groupby(["in_cohort", "odd"])["participant"].transform("size")
    many = odd[alike > MOST_ALIKE].groupby(["in_cohort", "odd"], as_index=False).size()
    many.insert(0, "participant", [f"{size} people" for size in many.pop("size")])
    single = odd[alike <= MOST_ALIKE]
    if len(odd):
        shown = pd.concat([many, single.head(MOST_ROWS)])
        out.print(as_table(shown, "Missing or odd"))
    if len(many) or len(single) > MOST_ROWS:
        where = "--exclusions FILE writes them" if exclusions is None else f"{exclusions} has them"
        out.print(f"all {len(odd)} people by name: {where}")
    for entry in ledger.entries:
        if entry.participant == "all":
            line = f"{entry.file or entry.run}: {entry.reason}"
            out.print(as_option(line), markup=False, soft_wrap=True)
