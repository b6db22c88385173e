r"""How many people must be scanned? r for unseen people over the number of people to learn from.

    python -m experiments.power --workdir=out/power
    python -m experiments.power --workdir=out/power_0 --config.rho=0 --config.edges=out/power/edges
    python -m experiments.power --workdir=out/power_long --config.rest_runs=4 --config.causes=dense

People are simulated in memory: their connectomes cause the share rho of what is stable in
them, their rest is as long as rest_runs x rest_volumes. Rows of metrics.json ("table"), power.tsv:

    ridge      learns from N people; r over 1,000 others, mean and SD over draws
    ridge_lab  what labs of N people see in their own: 5-fold cross-validated r, and power, the
               share of labs in which fewer than 5 % of the permutations of people reach that r
    twin       learns from the behaviour of the first draw's people; r over the same 1,000

Beside them the ceiling (who knows the causal scores: nobody does better in unseen people), the
same oracle in these 1,000, and edge_reliability, the ICC between two scans of that length. Means
and SD are those of Fisher's z, the mean turned back into r. Edges are kept (2.3 GB at full size);
they depend on the scan only: --config.edges shares them. Interrupted, the same command goes on.
Twenty minutes of one core at full size.
"""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data import DataError
from dtb_jax.data.writing import write_json
from dtb_jax.models.regression import shrink, span, squared_distances
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import Responses
from dtb_jax.simulation.cohort import simulate_behaviour
from dtb_jax.simulation.memory import RUNS, behaving_run
from dtb_jax.simulation.people import People, gather
from dtb_jax.simulation.world import GenerativeModel, draw_subject, make_world
from dtb_jax.twin.connectome import edge_count
from dtb_jax.workflows import session
from experiments import common, power_report
from experiments.power_report import columns_r, scanned

CHUNK = 100
SCAN = ("seed", "parcels", "rest_runs", "rest_volumes", "repetition_time_s")
"""What decides the edges: who uses their folder agrees in it."""
FEWEST = 20
"""People of a lab: folds of four."""


def get_config() -> ConfigDict:
    """Defaults of every choice."""
    return ConfigDict(
        {
            "sizes": "50,100,200,500,1000,2000,5000",  # people who are scanned
            "seed": 0,
            "rho": 0.5,  # share of what is stable in people that the connectome causes
            "causes": "blocks",  # blocks, sparse or dense
            "parcels": 434,  # of TCP's atlas; fewer are chosen evenly
            "rest_runs": 2,
            "rest_volumes": 488,  # of each
            "repetition_time_s": 0.8,
            "edges": "",  # folder of measured edges to share; default: WORKDIR/edges
            "test_people": 1000,  # never learned from
            "ceiling_people": 4000,
            "draws": 10,  # disjoint sets of people to learn from, at most as many as there are
            "labs": 60,  # that cross-validate in their own people; 0: none
            "lab_most": 500,  # people of the largest of them
            "folds": 5,
            "permutations": 200,
            "twin_sizes": "200",  # people a twin learns from; "": no twin
            "twin_epochs": 20,
        }
    )


class Pool(NamedTuple):
    """Everybody: first those from whom one may learn, then those who only test."""

    edges: np.ndarray  # [people, edge]
    people: People
    presses: dict[str, Responses]
    observed: np.ndarray  # [people, target], NaN where nothing was pressed correctly
    learners: int

    def known(self, rows: np.ndarray) -> np.ndarray:
        """Of these rows, the people with a value of every target."""
        return rows[np.isfinite(self.observed[rows]).all(axis=1)]

    def tested(self) -> np.ndarray:
        """Rows of the test people."""
        return self.known(np.arange(self.learners, len(self.edges)))


def run(config: ConfigDict, workdir: Path) -> dict:
    """Simulate, fit, draw; returns what is in `metrics.json`."""
    began = time.perf_counter()
    sizes, twin_sizes = check(config)
    session.settle_jax()
    try:
        atlas = choose_parcels(config.parcels)
        world = make_world(atlas, seed=config.seed, kind=config.causes, rho=config.rho)
    except ValueError as error:
        raise DataError(f"--config: {error}") from error
    folder = Path(config.edges or workdir / "edges")
    folder.mkdir(parents=True, exist_ok=True)
    session.settle_options({name: config[name] for name in SCAN}, folder)
    session.settle_options(config.to_dict(), workdir)
    pool = simulate(config, world, folder, max(sizes + twin_sizes))
    simulated_s = time.perf_counter() - began
    found = fit_all(config, pool, workdir, sizes, twin_sizes)
    metrics = power_report.metrics(config, world, pool, found)
    metrics["timing"] = {"simulate_s": simulated_s, "all_s": time.perf_counter() - began}
    write_json(workdir / "metrics.json", metrics)
    power_report.write(workdir)
    return metrics


def check(config: ConfigDict) -> tuple[list[int], list[int]]:
    """The sizes asked for, and those of the twin.

    Raises: DataError in one sentence for choices that make no sense.
    """
    sizes, twin_sizes = (numbers(config, name) for name in ("sizes", "twin_sizes"))
    least = {"rest_runs": 1, "rest_volumes": 20, "test_people": FEWEST, "ceiling_people": 100}
    least |= {"draws": 1, "labs": 0, "folds": 2, "permutations": 20, "twin_epochs": 1, "seed": 0}
    for name, number in least.items():
        if config[name] < number:
            raise DataError(f"--config.{name}: {config[name]}, expected at least {number}")
    if not sizes or config.folds > FEWEST // 4 or config.repetition_time_s <= 0:
        raise DataError(
            f"--config: sizes {config.sizes!r}, folds {config.folds}, repetition_time_s "
            f"{config.repetition_time_s}; expected a size, at most {FEWEST // 4} folds, and time"
        )
    return sizes, twin_sizes


def numbers(config: ConfigDict, name: str) -> list[int]:
    """Numbers of people in a comma-separated option, smallest first."""
    try:
        sizes = sorted({int(part) for part in config[name].split(",") if part.strip()})
    except ValueError as error:
        raise DataError(
            f"--config.{name}: {config[name]!r}, expected numbers of people as in 50,100,200"
        ) from error
    if sizes and sizes[0] < FEWEST:
        raise DataError(f"--config.{name}: {sizes[0]} people, expected at least {FEWEST}")
    return sizes


def simulate(config: ConfigDict, world: GenerativeModel, folder: Path, learners: int) -> Pool:
    """Draw and scan everybody; edges are kept chunk by chunk, the rest is quickly drawn again."""
    names = [f"sub-SIM{k + 1:05d}" for k in range(learners)]
    # Test people have names of their own: they are the same whatever the sizes.
    names += [f"sub-TEST{k + 1:05d}" for k in range(config.test_people)]
    edges = np.empty((len(names), edge_count(config.parcels)), np.float32)
    parts = []
    with tqdm(total=len(names), desc="simulating people", unit="person") as bar:
        for start in [*range(0, learners, CHUNK), *range(learners, len(names), CHUNK)]:
            stop = min(start + CHUNK, learners if start < learners else len(names))
            subjects = [draw_subject(world, name) for name in names[start:stop]]
            path = folder / f"{names[start]}_{names[stop - 1]}.npy"
            if not path.exists():
                unfinished = path.with_suffix(".part.npy")
                np.save(unfinished, scanned(config, world, subjects, "rest"))
                unfinished.replace(path)
            edges[start:stop] = np.load(path)
            people = gather(world.truth, subjects)
            parts.append((people[1:], simulate_behaviour(world, people)))
            bar.update(stop - start)
    fields, presses = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    observed = power_report.observed([behaving_run(run, presses[run]) for run in RUNS])
    return Pool(edges, People(names, *fields), presses, observed, learners)


def fit_all(config: ConfigDict, pool: Pool, workdir: Path, sizes: list[int], twins: list[int]):
    """(method, people, found) of every step, found as in `ridge` and `labs`; done ones are kept."""
    folder = workdir / "steps"
    folder.mkdir(exist_ok=True)
    tested = pool.tested()
    print("distances between all connectomes")
    near, far = squared_distances(pool.edges[: pool.learners], pool.edges[tested])

    def sets(size: int, count: int) -> list[np.ndarray]:
        drawn = islice(subsets(config.seed, pool.learners, size), count)
        return [pool.known(rows) for rows in drawn]

    def ridge(size: int) -> dict:
        told = [
            told_by_ridge(near[np.ix_(rows, rows)], far[:, rows], pool.observed[rows])
            for rows in sets(size, max(1, min(config.draws, pool.learners // size)))
        ]
        return {"r": [columns_r(one, pool.observed[tested]).tolist() for one in told]}

    def ridge_lab(size: int) -> dict:
        rng = np.random.default_rng([config.seed, size])
        found = [
            lab(near[np.ix_(rows, rows)], pool.observed[rows], config, rng)
            for rows in sets(size, config.labs)
        ]
        r, p = (np.stack(part) for part in zip(*found))
        return {"r": r.tolist(), "power": (p < 0.05).mean(axis=0).tolist()}

    def twin(size: int) -> dict:
        (rows,) = sets(size, 1)
        told = power_report.told_by_twin(config, pool, rows)
        return {"r": [columns_r(told, pool.observed[tested]).tolist()]}

    steps = [(ridge, size) for size in sizes] + [(twin, size) for size in twins]
    steps += [(ridge_lab, size) for size in sizes if config.labs and size <= config.lab_most]
    found = []
    bar = tqdm(steps, unit="step")
    for method, size in bar:
        bar.set_description(f"{method.__name__} {size}")
        path = folder / f"{method.__name__}_{size}.json"
        if not path.exists():
            write_json(path, method(size))
        found.append((method.__name__, size, json.loads(path.read_text("utf-8"))))
    return found


def subsets(seed: int, learners: int, size: int) -> Iterator[np.ndarray]:
    """Sets of so many people, disjoint until everybody was drawn; then everybody is shuffled."""
    rng = np.random.default_rng([seed, size])
    while True:
        order = rng.permutation(learners)
        yield from (order[k : k + size] for k in range(0, learners - size + 1, size))


def told_by_ridge(near: np.ndarray, far: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """`models.regression.ridge` from squared distances, which serve every set of people."""
    return shrink([span(-near / 2, -far / 2)], targets)


def lab(near: np.ndarray, targets: np.ndarray, config: ConfigDict, rng: np.random.Generator):
    """One lab's cross-validated r and its p, by permuting people before all of it, [target] each.

    r is within folds, Fisher-averaged: predictions of different folds come from different fits.
    """
    people, kinds = targets.shape
    fold = rng.permutation(np.arange(people) % config.folds)
    orders = [np.arange(people), *(rng.permutation(people) for _ in range(config.permutations))]
    columns = np.concatenate([targets[order] for order in orders], axis=1)
    z = np.zeros((config.folds, columns.shape[1]))
    for k in range(config.folds):
        test, train = fold == k, fold != k
        told = told_by_ridge(near[np.ix_(train, train)], near[np.ix_(test, train)], columns[train])
        z[k] = np.arctanh(np.clip(columns_r(told, columns[test]), -0.999, 0.999))
    r = np.tanh(z.mean(axis=0)).reshape(-1, kinds)
    return r[0], (r >= r[0]).sum(axis=0) / len(r)  # the lab's own order is one of them


if __name__ == "__main__":
    common.main(get_config, run)
