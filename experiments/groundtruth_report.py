"""Figures and report of `experiments.groundtruth`."""

from pathlib import Path

import numpy as np

from dtb_jax.data.writing import as_json
from dtb_jax.reporting import plots
from dtb_jax.reporting.report import figure_text, write_page
from dtb_jax.simulation.calibration import Row
from dtb_jax.simulation.cohort import measured_connectome
from dtb_jax.simulation.parameters import NAMES
from dtb_jax.simulation.people import People, causes_table
from dtb_jax.simulation.world import GenerativeModel, draw_subject
from dtb_jax.twin.connectome import edge_blocks, matrix
from dtb_jax.workflows import session

LABEL = "simulated people: about the software, not about brains"
SPLITS = ("time", "run", "people")
BARS = (
    ("faces", "reaction_time_r", "Faces: RT r"),
    ("stroop", "reaction_time_r", "Stroop: RT r"),
    ("faces", "effect_r", "Faces: effect r"),
    ("stroop", "effect_r", "Stroop: effect r"),
    ("faces", "trial_reaction_time_r", "Faces: single trials r"),
    ("stroop", "trial_reaction_time_r", "Stroop: single trials r"),
)


def write(workdir: Path, world: GenerativeModel, people: People, scan: dict, metrics: dict) -> None:
    """Draw the figures into `figures/` and embed them in `report.html`."""
    metrics = as_json(metrics)
    rows = {name: Row(**row) for name, row in metrics["calibration"].items()}
    drawn = [
        (
            "Every statistic of the simulated people beside the real one; the band is the "
            "tolerance.",
            "calibration",
            plots.calibration(
                [(name, r.simulated, r.real, r.tolerance) for name, r in rows.items()], LABEL
            ),
        ),
        (
            "The ceilings of a large population with 95 % intervals, and what the same oracles "
            "reach in this cohort. No model can be expected to do better.",
            "ceilings",
            plots.verdict(_bars(metrics), LABEL),
        ),
        (
            "One person: the noise-free connectome, what the rest runs give, and the edges that "
            "cause the drift rate (red: the more, the faster). Parcels are ordered by network.",
            "connectome",
            plots.connectomes(_matrices(world, people, scan), LABEL),
        ),
    ]
    inside = sum(row.inside for row in rows.values())
    write_page(
        workdir / "report.html",
        "groundtruth.html.j2",
        title=f"{metrics['protocol']['participants']} simulated people whose causes are known",
        first_line="Everything here is simulated: people, behaviour, connectomes and BOLD. "
        "Real values are group statistics of other people, as targets.",
        summary=[
            f"{inside} of {len(rows)} statistics are inside their tolerance."
            + (" These are few people to judge by." if len(people.participants) < 100 else ""),
            "Behaviour comes from a race of diffusions, brains from a factor model; neither is a "
            "network that a twin could be. rho says which share of what is stable in people their "
            "connectomes cause: 0 makes the connectome a pure name tag, 1 leaves nothing to "
            "memorise.",
        ],
        metrics=metrics,
        figures=session.save_figures(workdir, drawn),
        calibration=rows,
        splits=SPLITS,
        ceilings=_table(metrics),
        causes=_causes(world),
    )


def _bars(metrics: dict) -> list:
    shown = []
    for task, metric, title in BARS:
        models = {}
        for split in SPLITS:
            for source, name in (("ceiling", f"ceiling: {split}"), ("oracle", f"here: {split}")):
                figure = metrics[source][split].get(task, {}).get(metric)
                if figure:
                    models[name] = figure
        shown.append((title, models))
    return shown


def _table(metrics: dict) -> list:
    names = [
        (task, metric)
        for task in ("faces", "stroop", "bold")
        for metric in metrics["ceiling"]["time"][task]
    ]
    return [
        (
            f"{task}: {metric}".replace("_", " "),
            [
                figure_text(metrics[source][split].get(task, {}).get(metric))
                for split in SPLITS
                for source in ("ceiling", "oracle")
            ],
        )
        for task, metric in names
    ]


def _matrices(world: GenerativeModel, people: People, scan: dict) -> list:
    subject = draw_subject(world, people.participants[0])
    measured = measured_connectome(world, subject, scan["rest_runs"], scan["volumes"], scan["tr"])
    weights = world.truth.causes.weights[NAMES.index("drift")]
    order = np.argsort(list(world.atlas["network"]), kind="stable")
    strongest = np.abs(subject.edges).max()
    return [
        (title, np.asarray(matrix(edges))[np.ix_(order, order)])
        for title, edges in (
            ("noise-free", subject.edges),
            ("measured", measured),
            ("causes of drift", np.sign(weights) * strongest),
        )
    ]


def _causes(world: GenerativeModel) -> list:
    table = causes_table(world)
    _, pairs = edge_blocks(list(world.atlas["network"]))
    told = []
    for name, share in zip(NAMES, world.truth.rho, strict=True):
        mine = table[table["parameter"] == name]
        if len(mine) > 12:
            text = f"{mine['edges'].sum()} edges in {len(mine)} of {len(pairs)} blocks"
        else:
            text = ", ".join(
                f"{'+' if row.weight > 0 else '-'} {row.network} to {row.other_network}"
                for row in mine.itertuples()
            )
        told.append((name, float(share), text))
    return told
