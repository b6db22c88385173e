"""What stands beside ridge in `experiments.power` (twin, ceilings), and its table, figure, page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from ml_collections import ConfigDict

from dtb_jax.data.averages import condition_means, correct_mask, masked_mean, row_correlation
from dtb_jax.data.folds import Subset
from dtb_jax.data.tasks.task import effect
from dtb_jax.data.writing import as_json
from dtb_jax.models import oracle
from dtb_jax.models.paper_twin import PaperTwin
from dtb_jax.models.prediction import Prediction
from dtb_jax.reporting import plots, report
from dtb_jax.simulation.behaviour import DESIGNS, Responses
from dtb_jax.simulation.cohort import measured_connectome
from dtb_jax.simulation.memory import RUNS, behaving_run, simulate_cohort_behaviour
from dtb_jax.simulation.people import People
from dtb_jax.simulation.presses import simulate_presses
from dtb_jax.simulation.statistics import reliability
from dtb_jax.simulation.world import GenerativeModel, draw_subject
from dtb_jax.twin.config import TrainConfig, TwinConfig
from dtb_jax.types import Run
from dtb_jax.workflows import session

if TYPE_CHECKING:
    from experiments.power import Pool

LABEL = "simulated connectomes and behaviour"
METRICS = {"reaction_time_r": "mean RT", "effect_r": "effect"}
TARGETS = [(DESIGNS[run][0].name, metric) for run in RUNS for metric in METRICS]
STYLES: dict[str, dict[str, Any]] = {
    "reaction_time_r": {"marker": "o", "lw": 2.2},
    "effect_r": {"marker": "s", "lw": 1.5, "mfc": "white"},
}
RELIABILITY_PEOPLE = 60
TWIN = TwinConfig(units=32, components=128, absence=0.3, scale=0.03)
"""Of the twin."""


def scanned(config: ConfigDict, world: GenerativeModel, subjects: list, session: str) -> np.ndarray:
    """What so many rest runs give of each person, [people, edge]."""
    runs = [f"{session}_run-{k + 1:02d}" for k in range(config.rest_runs)]
    scan = (runs, config.rest_volumes, config.repetition_time_s)
    return np.stack([measured_connectome(world, subject, *scan) for subject in subjects])


def observed(runs: Sequence[Run]) -> np.ndarray:
    """Everybody's targets, over correct presses, [people, target]."""
    return _targets(runs, [r.trials.response_time_s for r in runs], correct_mask)


def told(runs: Sequence[Run], predictions: Sequence[Prediction]) -> np.ndarray:
    """The same by a model, over all trials: which ones a person got right must not help it."""
    return _targets(runs, [one.reaction_time_s for one in predictions], lambda t: t.present)


def _targets(runs, times, counted) -> np.ndarray:
    columns = []
    for run, time_s in zip(runs, times):
        mask, conditions = counted(run.trials), len(run.task.conditions)
        means = condition_means(time_s, mask, run.trials.condition, conditions)
        columns += [masked_mean(time_s, mask), effect(run.task, means)]
    return np.stack(columns, axis=1)


def columns_r(told: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """r over people of each target; who is told the same of everybody has r = 0."""
    r = row_correlation(told.T, observed.T, np.ones(observed.T.shape, bool))
    varies = np.ptp(told, axis=0) > 1e-6 * np.abs(told).max(axis=0)
    return np.where(varies & np.isfinite(r), r, 0.0)


def told_by_twin(config: ConfigDict, pool: "Pool", rows: np.ndarray) -> np.ndarray:
    """What a twin of these people's behaviour says of the test people, [people, target]."""
    everyone = np.concatenate([rows, pool.tested()])
    presses = jax.tree.map(lambda field: field[everyone], pool.presses)
    names = [pool.people.participants[row] for row in everyone]
    cohort = simulate_cohort_behaviour(names, pool.edges[everyone], presses)
    learns = np.arange(len(everyone)) < len(rows)
    trained, tested = Subset(learns, RUNS), Subset(~learns, RUNS)
    training = TrainConfig(epochs=config.twin_epochs, segments=5)
    fitted = PaperTwin(TWIN, training, config.seed).fit(cohort, trained)
    return told(cohort.runs, fitted.predict(cohort, tested))[~learns]


def metrics(
    config: ConfigDict, world: GenerativeModel, pool: "Pool", steps: Sequence[tuple]
) -> dict:
    """What is in `metrics.json`: every step as rows, and what they stand beside."""
    population = oracle.draw_population(world.truth, config.ceiling_people, seed=config.seed)
    drawn = (population.participants, population.scores, population.residual)
    tested = pool.tested()
    people = pool.people.of([pool.people.participants[row] for row in tested])
    presses = jax.tree.map(lambda field: field[tested], pool.presses)
    scan = {"rest_minutes": config.rest_runs * config.rest_volumes * config.repetition_time_s / 60}
    shared = {"rho": config.rho, "causes": config.causes} | scan
    return {
        "table": [row for step in steps for row in rows_of(shared, *step)],
        "ceiling": oracle_r(
            world, population, simulate_presses(world.truth, *drawn, seed=config.seed + 1)
        ),
        "oracle": oracle_r(world, people, presses),
        "edge_reliability": edge_reliability(config, world, pool),
        "protocol": {
            "simulated": True,
            **{name: value for name, value in config.items() if name != "edges"},
            **scan,
            "tested": len(tested),
            "twin": vars(TWIN) if config.twin_sizes else None,
            "versions": session.versions(),
            "commit": session.commit(),
        },
    }


def oracle_r(
    world: GenerativeModel, people: People, presses: dict[str, Responses]
) -> dict[str, dict]:
    """r of who knows the causal scores alone: `known_ceilings.ceilings`, of what is asked here."""
    runs = [behaving_run(run, presses[run]) for run in RUNS]
    known = oracle.predict(world.truth, people, runs, oracle.knows_scores)
    found = dict(zip(TARGETS, columns_r(told(runs, known), observed(runs)).tolist()))
    return {task: {m: r for (t, m), r in found.items() if t == task} for task, _ in TARGETS}


def edge_reliability(config: ConfigDict, world: GenerativeModel, pool: "Pool") -> float:
    """ICC between two whole scans of the first test people, mean over edges."""
    rows = np.arange(pool.learners, len(pool.edges))[:RELIABILITY_PEOPLE]
    subjects = [draw_subject(world, pool.people.participants[row]) for row in rows]
    return reliability(pool.edges[rows], scanned(config, world, subjects, "again"))


def rows_of(shared: dict, method: str, people: int, found: dict) -> list[dict]:
    """A row a target: mean and SD of Fisher's z over draws, the mean turned back into r."""
    z = np.arctanh(np.clip(found["r"], -0.999, 0.999))
    return [
        {
            "people": people,
            **shared,
            "method": method,
            "task": task,
            "metric": metric,
            "r": float(np.tanh(z[:, k].mean())),
            "sd": float(z[:, k].std(ddof=1)) if len(z) > 1 else None,
            "draws": len(z),
            "power": found["power"][k] if "power" in found else None,
        }
        for k, (task, metric) in enumerate(TARGETS)
    ]


def write(workdir: Path) -> None:
    """Turn `metrics.json` into `power.tsv`, `figures/power.png` and `report.html`."""
    found = json.loads((workdir / "metrics.json").read_text("utf-8"))
    table, protocol = pd.DataFrame(found["table"]), found["protocol"]
    table.to_csv(workdir / "power.tsv", sep="\t", index=False, na_rep="n/a", float_format="%.4f")
    summary = [
        f"{task.capitalize()}, {METRICS[metric]}: ridge reaches r = {row['r']:.2f} in others "
        f"after {row['people']:,} people; who knows the causes reaches "
        f"{found['ceiling'][task][metric]:.2f}."
        for task, metric in TARGETS
        for row in _rows(found, "ridge", task, metric)[-1:]
    ]
    summary.append(
        f"Two scans of {protocol['rest_minutes']:.0f} minutes of the same people agree to "
        f"{found['edge_reliability']:.2f} (ICC, mean over edges)."
    )
    caption = (
        "Above: r over people nobody learned from; bands are one SD over sets of people, dashed "
        "lines the ceiling. Below: how many labs of so many people find p < .05 in their own."
    )
    report.write_page(
        workdir / "report.html",
        "power.html.j2",
        title="How many people must be scanned?",
        first_line="Everything here is simulated: people, connectomes and behaviour.",
        summary=summary,
        figures=session.save_figures(workdir, [(caption, "power", draw(found))]),
        metrics=as_json(found),
        table=found["table"],
        ceiling=[(t, m, found["ceiling"][t][m], found["oracle"][t][m]) for t, m in TARGETS],
    )
    print(table.drop(columns=["rho", "causes", "rest_minutes"]).round(3).to_string(index=False))
    print(*summary, f"report: {workdir / 'report.html'}", sep="\n")


def draw(found: dict) -> Figure:
    """r over people scanned, a panel a task, and below it the power of labs."""
    protocol, ticks = found["protocol"], sorted({r["people"] for r in found["table"]})
    figure, axes = plots.frame(
        2, 2, (11.0, 6.8), "", sharex=True, sharey="row", height_ratios=(2.3, 1)
    )
    text = f"{LABEL}: rho = {protocol['rho']:g}, {protocol['causes'].removesuffix('s')} causes, "
    text += f"{protocol['rest_minutes']:.0f} minutes of rest (ICC {found['edge_reliability']:.2f})"
    figure.suptitle(text, color=plots.WARM, x=0.01, ha="left", fontsize=12)
    for axis, below, task in zip(*axes, found["ceiling"]):
        for metric, style in STYLES.items():
            name, best = METRICS[metric], found["ceiling"][task][metric]
            for method, colour in (("ridge", plots.SEEN), ("twin", plots.TWIN)):
                rows = _rows(found, method, task, metric)
                _line(axis, rows, color=colour, label=f"{method}, {name}", **style)
            axis.axhline(best, color=plots.WARM, ls="--", lw=1.3)
            axis.annotate(
                f"ceiling, {name}: {best:.2f}",
                (0.01, best),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                color=plots.WARM,
            )
            labs = _rows(found, "ridge_lab", task, metric)
            power = [100 * row["power"] for row in labs]
            below.plot([row["people"] for row in labs], power, color=plots.SEEN, **style)
        axis.axhline(0, color=plots.PLAIN, lw=0.8)
        axis.set(title=task.capitalize(), xscale="log")
        below.axhline(80, color=plots.PLAIN, ls=":", lw=1.2)
        below.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        below.minorticks_off()
        below.set(ylim=(0, 104), yticks=(0, 50, 80, 100), xlabel="people scanned")
    axes[0, 0].set_ylabel("r over unseen people")
    axes[1, 0].set_ylabel("labs with p < .05 (%)")
    axes[0, 1].legend(fontsize=9.5, loc="lower right")
    return figure


def _line(axis, rows: list[dict], **style) -> None:
    if not rows:
        return
    people, r = [row["people"] for row in rows], np.array([row["r"] for row in rows])
    sd = np.array([row["sd"] or 0 for row in rows])
    axis.plot(people, r, **style)
    low, high = (np.tanh(np.arctanh(r) + side * sd) for side in (-1, 1))
    axis.fill_between(people, low, high, color=style["color"], alpha=0.15, lw=0)


def _rows(found: dict, method: str, task: str, metric: str) -> list[dict]:
    wanted = (method, task, metric)
    return [r for r in found["table"] if (r["method"], r["task"], r["metric"]) == wanted]
