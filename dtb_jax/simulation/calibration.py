"""Simulated statistics beside real ones, each with the tolerance it is held to.

The real ones are group statistics, packaged in `targets.tsv` with their source, number of people
and 95 % bootstrap interval over people. Written anew from the data by

    python -m dtb_jax.simulation.calibration ../shared/tcp ../shared/rest90
"""

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from dtb_jax.data.bids import decode_events, find_events
from dtb_jax.data.tasks.task import stack_trials
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.behaviour import DESIGNS
from dtb_jax.simulation.connectomes import (
    rest_series,
    simulate_person,
    simulate_population,
    upper_fisher_z,
)
from dtb_jax.simulation.layout import generator
from dtb_jax.simulation.statistics import behaviour_statistics, connectome_statistics
from dtb_jax.types import Trials

RELATIVE, ABSOLUTE = 0.15, 0.1
"""Tolerances: of behaviour, as a share of the real value; of connectomes, in the figure's units."""
DRAWS = 500
SITES = ((41, 200, 2.5), (49, 290, 2.52))
"""People, volumes and repetition time (s) of the two sites of `rest90`."""
REST_PARCELS = 122
TCP_SOURCE = "TCP, OpenNeuro ds005237"
REST_SOURCE = "OpenNeuro ds002608, ds002609 (rest90), one run"
PUBLISHED = {
    "task_contrast_reliability": (
        0.397,
        np.nan,
        np.nan,
        "published, not measured here: mean ICC of 90 task-fMRI experiments, Elliott et al. 2020, "
        "doi 10.1177/0956797620916786",
    ),
    "edge_reliability_between_runs": (
        0.29,
        0.23,
        0.36,
        "published, not measured here: mean ICC of 25 studies, Noble et al. 2019, "
        "doi 10.1016/j.neuroimage.2019.116157",
    ),
}


class Row(NamedTuple):
    """One statistic; inside its tolerance when |simulated - real| <= tolerance."""

    simulated: float
    real: float
    tolerance: float
    source: str

    @property
    def inside(self) -> bool:
        """Whether the simulation is close enough."""
        return abs(self.simulated - self.real) <= self.tolerance


def targets() -> pd.DataFrame:
    """Real values by name: real, ci_low, ci_high, people, source."""
    with (files(__package__) / "targets.tsv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, sep="\t", index_col="name")


def compare(simulated: Mapping[str, float]) -> dict[str, Row]:
    """Beside each simulated statistic the real one.

    Behaviour is held to 15 % of the real value or its bootstrap interval, whichever is wider;
    connectomes to .1.

    Args:
        simulated: values by names of `targets`.
    """
    rows = {}
    for name, real in targets().iterrows():
        if name not in simulated:
            continue
        value = float(simulated[name])
        tolerance = ABSOLUTE
        if real["source"] == TCP_SOURCE:
            edge = real["ci_low"] if value < real["real"] else real["ci_high"]
            tolerance = max(RELATIVE * abs(real["real"]), abs(edge - real["real"]))
        rows[str(name)] = Row(value, float(real["real"]), float(tolerance), real["source"])
    return rows


def simulated_rest(seed: int) -> dict[str, float]:
    """Connectome statistics of 90 simulated people scanned as those of `rest90` were.

    Same numbers of people, parcels and volumes and the same repetition times; the parcels are 122
    of TCP's, as networks of the other atlas are not known.
    """
    networks = list(choose_parcels(REST_PARCELS)["network"])
    population = simulate_population(generator(seed, "population", "rest90"), networks)
    series: list[np.ndarray] = []
    for people, volumes, tr in SITES:
        for _ in range(people):
            rng = generator(seed, "rest90", str(len(series)))
            person = simulate_person(rng, population)
            series.append(rest_series(rng, person, population, volumes, tr))
    return connectome_statistics(*half_connectomes(series))


def half_connectomes(series: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of each run's first half, second half and whole, over edges that everybody has."""
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for run in series:
        middle = len(run) // 2
        for part, piece in zip(parts, (run[:middle], run[middle : 2 * middle], run), strict=True):
            part.append(_edges(piece))
    first, second, whole = (np.array(part) for part in parts)
    known = np.isfinite(first + second + whole).all(axis=0)
    return first[:, known], second[:, known], whole[:, known]


def _edges(series: np.ndarray) -> np.ndarray:
    """Fisher z, NaN for the edges of a constant parcel."""
    centred = series - series.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(norm > 1e-9, norm, np.nan)
    return upper_fisher_z(unit.T @ unit)


def real_behaviour(root: Path) -> dict[str, Trials]:
    """Trials of all people in the three runs, [people, trial]."""
    found = {}
    for run, (task, _) in DESIGNS.items():
        paths = find_events(root, task)[run]
        found[run] = {person: decode_events(path, task)[0] for person, path in paths.items()}
    everybody = sorted({person for people in found.values() for person in people})
    return {run: stack_trials(people, everybody) for run, people in found.items()}


def real_rest(root: Path) -> list[np.ndarray]:
    """Series of the people of `rest90`."""
    return [
        pd.read_csv(path, sep="\t").to_numpy(float)
        for path in sorted(root.glob("sub-*_timeseries.tsv"))
    ]


def measure(tcp: Path, rest90: Path, draws: int = DRAWS) -> pd.DataFrame:
    """The table of `targets`, from the data.

    Args:
        tcp, rest90: folders.
        draws: of the bootstrap over people.
    """
    runs = real_behaviour(tcp)
    people = len(next(iter(runs.values())).onset_s)
    rng = np.random.default_rng(0)
    spread = []
    for _ in range(draws):
        drawn = rng.integers(people, size=people)
        redrawn = {run: Trials(*(f[drawn] for f in trials)) for run, trials in runs.items()}
        spread.append(list(behaviour_statistics(redrawn).values()))
    low, high = np.percentile(spread, [2.5, 97.5], axis=0)
    real = behaviour_statistics(runs).items()
    rows: list[tuple] = [
        (name, value, low[k], high[k], people, TCP_SOURCE) for k, (name, value) in enumerate(real)
    ]
    series = real_rest(rest90)
    for name, value in connectome_statistics(*half_connectomes(series)).items():
        rows.append((name, value, np.nan, np.nan, len(series), REST_SOURCE))
    for name, (value, lowest, highest, source) in PUBLISHED.items():
        rows.append((name, value, lowest, highest, np.nan, source))
    columns = ["name", "real", "ci_low", "ci_high", "people", "source"]
    return pd.DataFrame(rows, columns=columns).set_index("name").round(4)


if __name__ == "__main__":
    table = measure(Path(sys.argv[1]), Path(sys.argv[2]))
    table.to_csv(Path(__file__).with_name("targets.tsv"), sep="\t")
