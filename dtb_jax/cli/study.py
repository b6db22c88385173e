"""`dtb train`, `evaluate`, `intervene`, `trial` and `report`: a study is one folder.

What a command needs is imported when it is called: help and mistakes need not wait for it.
"""

import json
from pathlib import Path
from typing import Any

import typer

from dtb_jax.cli.app import app, as_option, in_a_sentence, said
from dtb_jax.cli.check import with_runs
from dtb_jax.cli.options import takes
from dtb_jax.data import ExclusionLog
from dtb_jax.twin.option import changed, flat, leaves
from dtb_jax.workflows.cluster import Cluster
from dtb_jax.workflows.config import (
    READ_ONCE,
    AnyStudy,
    HeldOutConfig,
    InterventionConfig,
    StudyConfig,
    of_folder,
    with_exact,
)

STUDY = typer.Argument(..., metavar="STUDY", help="The study's folder, made by dtb train.")


@app.command()
@in_a_sentence
@takes(StudyConfig, but=("data",))
def train(
    bids: Path = typer.Argument(
        ..., metavar="BIDS", help="Folder with BIDS events and imaging; see dtb check."
    ),
    study: Path = typer.Argument(
        ..., metavar="STUDY", help="The study's folder; everything is written below it."
    ),
    *,
    given: dict[str, Any],
) -> None:
    """Fit the twin to the first half of every run.

    STUDY keeps the options, checkpoints, `twin/` (the fitted twin for others) and exclusions.tsv
    (who was left out of what, and why).

    **TCP:** `dtb train ds005237 STUDY --atlas tcp_434.tsv`
    """
    from dtb_jax.workflows import seen

    asked = changed(StudyConfig(), {**with_runs(given), "data": str(bids)})
    config, kept = with_exact(asked, given)
    config = changed(config, _absolute(config))
    if kept:
        said.print("the paper's numbers except", ", ".join(f"{k} = {given[k]}" for k in kept))
    _say_of_all(seen.train(config, study).ledger)
    print(f"{study / 'twin'}: the fitted twin; next: dtb report {study}")


@app.command()
@in_a_sentence
@takes(HeldOutConfig, Cluster, but=(*READ_ONCE, "exact", "save_every"))
def evaluate(
    study: Path = STUDY,
    unseen_people: bool = typer.Option(
        False, "--unseen", help="Of people nobody trained on: new twins, in folds of people."
    ),
    *,
    given: dict[str, Any],
) -> None:
    """Hold the twin against everything that needs no connectome.

    Without `--unseen`: the second half of every run, of the people whose first half it knows.
    With it: folds of people, a small twin in each, and whether any claim holds.
    """
    from dtb_jax.workflows import pages, unseen

    if unseen_people:
        cluster = _cluster(given)
        config = _options(HeldOutConfig, study, pages.UNSEEN, given)
        metrics = unseen.run(config, study / pages.UNSEEN, cluster)
    else:
        if given:
            word = next(iter(given)).replace("_", "-")
            raise typer.BadParameter(f"--{word} is an option of --unseen; dtb train had the others")
        metrics = _evaluated(study)
    print(metrics["headline"])
    print(f"next: dtb report {study}")


@app.command()
@in_a_sentence
@takes(
    InterventionConfig, Cluster, but=(*READ_ONCE, "exact", "identity", "response", "pulse_steps")
)
def intervene(study: Path = STUDY, *, given: dict[str, Any]) -> None:
    """Design everybody's edit: a wished change of behaviour or BOLD, back to the connectome.

    Twins learn from three quarters of the people, whole runs; the others are unseen. Writes
    STUDY/edits/edits.tsv: each person's strongest changes. `dtb trial` judges them.

    **At one site:** `dtb intervene STUDY --hubs PARCEL --edges 200`
    """
    from dtb_jax.workflows import pages
    from dtb_jax.workflows.interventions.run import design, open_twins

    folder, cluster = study / pages.EDITS, _cluster(given)
    config = _options(InterventionConfig, study, pages.EDITS, given)
    design(open_twins(config, folder, cluster), folder)
    print(f"{folder / 'edits.tsv'}: nothing is known of them yet; next: dtb trial {study}")


@app.command()
@in_a_sentence
def trial(study: Path = STUDY) -> None:
    """Hold the edits of `dtb intervene` against controls, other twins and, where known, the truth.

    Sham, random edits, the group's and another person's edit, a twin of other people: what would be
    reached in whom, and whether any edit is supported.
    """
    from dtb_jax.workflows import pages
    from dtb_jax.workflows.interventions import run

    folder = study / pages.EDITS
    config = _options(InterventionConfig, study, pages.EDITS, {})
    metrics = run.trial(run.open_twins(config, folder), folder)
    for arm in metrics["edits"].values():
        if "sentence" in arm:
            print(arm["sentence"])
    print(f"next: dtb report {study}")


@app.command()
@in_a_sentence
def report(study: Path = STUDY) -> None:
    """Everything in one page that needs no network: STUDY/report.html.

    What `dtb evaluate`, `--unseen` and `dtb trial` found; the twin is evaluated where it was not.
    """
    from dtb_jax.workflows import pages

    if not pages.is_evaluated(study):
        _evaluated(study)
    page = pages.write(study)
    print(json.loads((study / "metrics.json").read_text(encoding="utf-8"))["headline"])
    print(page)


def _absolute(config: StudyConfig) -> dict[str, Any]:
    """Paths as they are from anywhere: later commands may be called from elsewhere."""
    paths = ("data", "derivatives", "atlas", "regions", "atlas_image", "centroids")
    now = flat(config)
    found = {name: now[name] for name in paths}
    whole: dict[str, Any] = {name: str(Path(p).resolve()) for name, p in found.items() if p}
    tasks = (str(Path(task).resolve()) if Path(task).suffix else task for task in config.data.tasks)
    return whole | {"tasks": tuple(tasks)}


def _options(kind: type[AnyStudy], study: Path, part: str, given: dict[str, Any]) -> AnyStudy:
    """Those of an earlier call, but for what is named; else what the study and the kind say."""
    if (study / part / "config.json").exists():
        return of_folder(kind, study / part, **given)
    return of_folder(kind, study, READ_ONCE, **given)


def _cluster(given: dict[str, Any]) -> Cluster:
    """What the command line says of the cluster, taken from the other options."""
    mine = [name for name in leaves(Cluster) if name in given]
    return Cluster(**{name: given.pop(name) for name in mine})


def _evaluated(study: Path) -> dict[str, Any]:
    from dtb_jax.workflows import seen

    config = of_folder(StudyConfig, study)
    trained = seen.train(config, study)
    _say_of_all(trained.ledger)
    return seen.evaluate(config, study, trained)


def _say_of_all(ledger: ExclusionLog) -> None:
    """What concerns everybody is said, not only written down."""
    for entry in ledger.entries:
        if entry.participant == "all":
            line = f"{entry.run or entry.file}: {entry.reason}"
            said.print(as_option(line), markup=False, highlight=False, soft_wrap=True)
