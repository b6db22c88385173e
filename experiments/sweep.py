"""Many twins that differ in some options: a table with one row each.

    python -m experiments.sweep --config.data=out/groundtruth/cohort --workdir=out/sweep \\
        --config.axes="learning_rate=0.001,0.002,0.004; dropout=0.1,0.3; seed=0,1; units=32,64"

Every combination of the axes is trained on the training part (`split=time`: first halves of runs,
`people`: three quarters of the people) and scored on the other. Axes are options of
`experiments.paper` on the network, its training and who validates; what is read is the same for
all. Seeds, learning rates, penalties and dropout share one compilation; others are compiled once a
combination. `together` points are trained in one vmap, with 0 as many as `memory_gib` holds; one
after another is the default, since side by side took longer where it was measured
(`benchmarks.sweeps`). Who validates is drawn by the config's own seed, for all points alike.

Rows are written as they come (`sweep.csv`, at the end `sweep.parquet` too): interrupted, the same
command goes on. A point that diverges is a row that says so. With `--config.submit=slurm` every
point is a task of an array job, and the same command gathers (docs/cluster.md). Beside the table
stand the baselines that need no connectome; a time split can be won by who knows no connectome,
only its owner.
"""

import itertools
import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import jax
import pandas as pd
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data import DataError
from dtb_jax.data.writing import write_json
from dtb_jax.models import paper_twin, registry
from dtb_jax.workflows import session
from dtb_jax.workflows.cluster import Cluster, submit
from dtb_jax.workflows.protocol import protocol
from experiments import common, paper, sweep_report
from experiments.sweep_axes import IDLE, parse, read_rows, same
from experiments.sweep_points import figures, fit_alone, place_of, read, trained_rows

SPLITS = {"time": "own_training_half", "people": "demographics"}
"""And the baseline that a split has to beat."""
FREE = ("axes", "together", "memory_gib", *asdict(Cluster()))
"""Options that may change while a sweep goes on."""


def get_config() -> ConfigDict:
    """`experiments.paper`, but for what a sweep has no use for, and what a sweep adds."""
    config = paper.get_config()
    for name in IDLE:
        del config[name]
    config.axes = "learning_rate=0.001,0.002,0.004"
    config.split = "time"  # or "people"
    config.folds = 4  # a split by people tests one of so many parts
    config.together = 1  # points in one vmap; 0: as many as memory_gib holds
    config.memory_gib = 8.0
    config.update(asdict(Cluster()))  # submit: a task a point
    return config


def run(config: ConfigDict, workdir: Path) -> pd.DataFrame:
    """Read, train every point, score, write; returns the table."""
    began = time.perf_counter()
    session.settle_jax()
    axes, cluster = parse(config), common.options(Cluster, config)
    cluster.check()
    if config.split not in SPLITS:
        raise DataError(f"--config.split: {config.split!r}, expected one of {', '.join(SPLITS)}")
    cohort, ledger, fold = read(config)
    session.settle_options(config.to_dict(), workdir, FREE)
    session.settle_people(cohort, workdir)
    paper_twin.note_below_chance(cohort, ledger)
    ledger.write(workdir / "exclusions.tsv")
    wanted = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    place = workdir / "sweep.csv"
    rows = read_rows(place, axes)
    missing = [point for point in wanted if not any(same(point, row) for row in rows)]
    away = {place_of(workdir, point): point for point in missing}
    tasks = {
        path.stem: partial(fit_alone, config.to_dict(), workdir, point)
        for path, point in away.items()
        if not path.exists()
    }
    submit(cluster, workdir, tasks)
    back = [json.loads(path.read_text(encoding="utf-8")) for path in away if path.exists()]
    here = [point for path, point in away.items() if not path.exists()]
    with tqdm(total=len(wanted), initial=len(wanted) - len(missing), desc="points") as bar:
        for row in itertools.chain(back, trained_rows(config, cohort, fold, here)):
            rows.append(row)
            part = place.with_suffix(".part")
            pd.DataFrame(rows).to_csv(part, index=False)
            part.replace(place)
            bar.update()
    table = pd.DataFrame(rows)
    beside = SPLITS[config.split]
    own = fold.training if config.split == "time" else None
    told = registry.baselines(own)[beside].fit(cohort, fold.training).predict(cohort, fold.test)
    metrics = {
        "protocol": protocol(cohort, config.split, units=config.units, seed=config.seed)
        | {"axes": axes},
        "table": table.to_dict("records"),
        "beside": {beside: figures(cohort, fold, told, config.drifts)},
        "timing": {
            "train_s": float(table["seconds"].sum()),
            "total_s": time.perf_counter() - began,
            "device": str(jax.devices()[0].device_kind),
        },
    }
    write_json(workdir / "metrics.json", metrics)
    sweep_report.write(workdir, table, axes, metrics)
    return table


if __name__ == "__main__":
    common.main(get_config, run, paper.set_exact)
