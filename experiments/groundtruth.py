r"""Simulated people whose causes are known: a cohort in TCP's layout, its truth and its ceilings.

    python -m experiments.groundtruth --workdir=out/groundtruth
    python -m experiments.groundtruth --config.rho=0 --workdir=out/name_tags
    python -m experiments.groundtruth --workdir=out/many --config.participants=10000 \
        --config.series=false

A minute for 228 people with 434 parcels and both tasks on 2 cores (1.6 GB), 10 for 10,000 without
series (7.4 GB on disk, 1.1 GiB of memory). Writes DIR/cohort/, which every other experiment reads
with --config.data, and DIR/cohort/truth/: causes, parameters, noise-free connectomes. metrics.json
holds every statistic beside the real one ("calibration"), the best r that anybody can reach
("ceiling"), and what the same oracles reach in this cohort ("oracle"). Expect at rho = .5
that who knows the parameters reaches RT r .99 / .98 (Faces / Stroop), and who knows the causal
scores alone .63 / .65. With 228 people, one or two of the statistics may be off by chance in
another seed.
"""

import time
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data import DataError
from dtb_jax.data.writing import write_json
from dtb_jax.evaluation import known_ceilings, scans
from dtb_jax.models import oracle
from dtb_jax.simulation import calibration
from dtb_jax.simulation.atlas import choose_parcels, read_atlas_table
from dtb_jax.simulation.cohort import measured_connectome, simulate_behaviour, write_cohort
from dtb_jax.simulation.layout import REST_RUNS
from dtb_jax.simulation.parameters import NAMES
from dtb_jax.simulation.people import People, load_truth
from dtb_jax.simulation.presses import as_trials
from dtb_jax.simulation.statistics import behaviour_statistics, reliability
from dtb_jax.simulation.world import GenerativeModel, Subject, draw_subject, make_world
from dtb_jax.twin.connectome import edge_count
from dtb_jax.workflows import session
from experiments import common, groundtruth_report

SCANNED, RELIABILITY_PEOPLE = 228, 60
MOST_JUDGED = 2000
"""People on whom a large cohort's statistics are counted."""


def get_config() -> ConfigDict:
    """Defaults of every choice."""
    return ConfigDict(
        {
            "participants": 228,
            "label": "SIM",  # of their names: another label, other people of the same world
            "seed": 0,
            # brains
            "parcels": 434,  # of TCP's atlas; fewer are chosen evenly
            "atlas": "",  # another table with columns name, network
            "rest_runs": ",".join(REST_RUNS[:2]),
            "rest_volumes": 488,
            "repetition_time_s": 0.8,
            "series": True,  # False: measured edges only, and no BOLD of the tasks
            "motion": 0.0,  # median amplitude of movement artefacts, in SD of a parcel
            "motion_r": 0.0,  # its correlation with the latent drift
            # causes
            "causes": "blocks",  # blocks, sparse or dense
            "rho": 0.5,  # share of what is stable in people that the connectome causes
            "rho_of": "",  # exceptions: "drift=1,boundary=0"
            "ceiling_people": 2000,
        }
    )


def run(config: ConfigDict, workdir: Path) -> dict:
    """Write the cohort, then hold it beside the real one; returns what is in `metrics.json`."""
    began = time.perf_counter()
    check(config)
    session.settle_jax()
    session.settle_options(config.to_dict(), workdir, ("participants",))
    cohort = workdir / "cohort"
    try:
        world = make_world(
            read_atlas_table(Path(config.atlas))
            if config.atlas
            else choose_parcels(config.parcels),
            seed=config.seed,
            kind=config.causes,
            rho=rho_of_each(config.rho, config.rho_of),
            motion=config.motion,
            motion_r=config.motion_r,
        )
    except ValueError as error:
        raise DataError(f"--config: {error}") from error
    scan = {
        "rest_runs": rest_runs(config),
        "volumes": config.rest_volumes,
        "tr": config.repetition_time_s,
    }
    counts = write_cohort(
        cohort,
        world,
        participants=config.participants,
        label=config.label,
        rest_runs=scan["rest_runs"],
        rest_volumes=config.rest_volumes,
        repetition_time_s=config.repetition_time_s,
        series=config.series,
        progress=lambda chunks: tqdm(chunks, desc="simulating people", unit="chunk"),
    )
    written_s = time.perf_counter() - began
    print(f"{cohort}: {counts['people']} simulated people, {counts['written']} written now")
    print("counting what is counted in real people, and the ceilings")
    truth, people = load_truth(cohort)
    judged = people.of(people.participants[:MOST_JUDGED])
    population = oracle.draw_population(truth, config.ceiling_people, seed=config.seed)
    ceiling = known_ceilings.ceilings(truth, population, seed=config.seed + 1)
    volunteers = [draw_subject(world, f"scanned-{k}") for k in range(SCANNED)]
    for split, figure in scans.affective_ceilings(world, volunteers).items():
        ceiling[split]["bold"] = {"amygdala_t_r": figure}
    rows = calibrate(world, judged, volunteers[:RELIABILITY_PEOPLE], scan)
    metrics = {
        "protocol": {
            "participants": config.participants,
            "parcels": len(world.atlas),
            "edges": edge_count(len(world.atlas)),
            "seed": config.seed,
            "causes": config.causes,
            "rho": dict(zip(NAMES, world.truth.rho.tolist(), strict=True)),
            "versions": session.versions(),
            "commit": session.commit(),
            "connectome": "simulated",
            "bold": "simulated" if config.series else "none",
        },
        "calibration": {name: row._asdict() for name, row in rows.items()},
        "ceiling": ceiling,
        "oracle": known_ceilings.ceilings(truth, judged, seed=config.seed),
        "timing": {"write_s": written_s, "all_s": time.perf_counter() - began},
    }
    write_json(workdir / "metrics.json", metrics)
    groundtruth_report.write(workdir, world, people, scan, metrics)
    print(f"{sum(row.inside for row in rows.values())} of {len(rows)} statistics inside tolerance")
    print(f"report: {workdir / 'report.html'}")
    return metrics


def calibrate(
    world: GenerativeModel, people: People, volunteers: list[Subject], scan: dict
) -> dict[str, calibration.Row]:
    """This cohort's behaviour, 90 people scanned as `rest90` was, and two runs of volunteers."""
    presses = simulate_behaviour(world, people)
    found = behaviour_statistics({run: as_trials(run, told) for run, told in presses.items()})
    found |= calibration.simulated_rest(world.seed)
    runs = (
        np.stack(
            [measured_connectome(world, s, [run], scan["volumes"], scan["tr"]) for s in volunteers]
        )
        for run in REST_RUNS[:2]
    )
    found["edge_reliability_between_runs"] = reliability(*runs)
    found["task_contrast_reliability"] = scans.contrast_reliability(world, volunteers)
    return calibration.compare(found)


def check(config: ConfigDict) -> None:
    """Raises: DataError in one sentence for numbers that make no cohort."""
    for name, least in (("participants", 1), ("rest_volumes", 20), ("ceiling_people", 100)):
        if config[name] < least:
            raise DataError(f"--config.{name}: {config[name]}, expected at least {least}")
    if config.repetition_time_s <= 0 or config.seed < 0:
        raise DataError(
            f"--config: repetition_time_s {config.repetition_time_s}, seed {config.seed}; "
            "expected a positive time and no negative seed"
        )


def rest_runs(config: ConfigDict) -> list[str]:
    """The names of the rest runs, of which there must be one and which TCP must know."""
    names = [name.strip() for name in config.rest_runs.split(",") if name.strip()]
    strange = [name for name in names if name not in REST_RUNS]
    if strange or not names:
        raise DataError(
            f"--config.rest_runs: {config.rest_runs!r}, expected some of {', '.join(REST_RUNS)}"
        )
    return names


def rho_of_each(rho: float, exceptions: str) -> np.ndarray:
    """rho of every parameter: one number for all but the named ones.

    Raises: DataError when a name or a number is not one.
    """
    shares = np.full(len(NAMES), rho, np.float32)
    for part in filter(None, (p.strip() for p in exceptions.split(","))):
        name, _, value = (text.strip() for text in part.partition("="))
        try:
            shares[NAMES.index(name)] = float(value)
        except ValueError as error:
            raise DataError(
                f"--config.rho_of: {part!r}, expected NAME=NUMBER with a name of {', '.join(NAMES)}"
            ) from error
    return shares


if __name__ == "__main__":
    common.main(get_config, run)
