"""Real events with simulated imaging: a TCP-layout folder for trying every other command.

    python -m experiments.stand_in --config.events=BIDS_DIR --workdir=DIR

writes DIR/cohort/ (2.7 GB for TCP's 228 people and all runs, 1.9 GB with
`--config.rest_runs=restAP_run-01,restAP_run-02`; about a minute) and DIR/config.json. Interrupted
and repeated with the same command it goes on. Imaging made here is labelled simulated in every file
and knows nothing of behaviour.
"""

from pathlib import Path

from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data.behaviour import tasks_of
from dtb_jax.data.ledger import DataError
from dtb_jax.simulation.layout import REST_RUNS, VOLUMES
from dtb_jax.simulation.stand_in import write_stand_in
from dtb_jax.workflows import session
from experiments import common


def get_config() -> ConfigDict:
    """Defaults of every choice."""
    return ConfigDict(
        {
            "events": "",  # BIDS folder with real events
            "tasks": ("faces", "stroop"),  # or files that tell of others, see docs/tasks.md
            "seed": 0,
            "participants": 0,  # the first so many; 0: all
            "atlas": "",  # table of parcels; default: see write_stand_in
            "rest_runs": ",".join(REST_RUNS),
        }
    )


def run(config: ConfigDict, workdir: Path) -> dict[str, int]:
    """Write the folder.

    Args:
        config: see `get_config`.
        workdir: receives cohort/ and config.json.

    Returns: numbers of people and files.

    Raises: DataError.
    """
    if not config.events:
        raise DataError("no events; give --config.events=BIDS_DIR")
    rest = [name.strip() for name in config.rest_runs.split(",") if name.strip()]
    tasks = [name for name in VOLUMES if name not in REST_RUNS]
    # another number of people or of runs adds files and changes none
    place = workdir / "config.json"
    known = place.exists()
    session.settle_options(config.to_dict(), workdir, ("participants", "rest_runs"))
    cohort = workdir / "cohort"
    try:
        counts = write_stand_in(
            Path(config.events),
            cohort,
            atlas=Path(config.atlas) if config.atlas else None,
            seed=config.seed,
            tasks=tasks_of(config.tasks),
            runs=[*rest, *tasks],
            participants=config.participants,
            progress=lambda people: tqdm(people, desc="simulated imaging", unit="person"),
        )
    except DataError:
        if not known:  # nothing was made with these options
            place.unlink()
        raise
    except OSError as error:
        raise DataError(f"{cohort}: can not be written ({error})") from error
    print(
        f"{cohort}: {counts['people']} people, {counts['files']} simulated imaging files, "
        f"{counts['written']} of them written now"
    )
    return counts


if __name__ == "__main__":
    common.main(get_config, run)
