"""The whole way in two minutes, on simulated people whose causes are known.

    python -m experiments.quickstart --workdir=out/quickstart

Simulates a small cohort in the real task designs (`experiments.groundtruth`, half of what is stable
in people caused by their connectomes), fits twins by the paper's protocol and opens nothing: look
at out/quickstart/report.html, where the truth stands beside every prediction.
"""

from pathlib import Path

from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data import DataError
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import write_cohort
from dtb_jax.simulation.world import make_world
from dtb_jax.workflows import session
from experiments import common, paper

PARCELS, REST_VOLUMES = 96, 240


def get_config() -> ConfigDict:
    """`experiments.paper` with small numbers."""
    config = paper.get_config()
    config.participants = 32
    config.rho = 0.5  # share of what is stable in people that their connectomes cause
    config.units = 48
    config.scale = 0.03  # few people make few steps
    config.epochs = 60
    config.batch_people = 8
    return config


def run(config: ConfigDict, workdir: Path) -> dict:
    """Simulate a cohort below `workdir`, then run `experiments.paper` on it."""
    try:
        world = make_world(choose_parcels(PARCELS), seed=config.seed, rho=config.rho)
    except ValueError as error:
        raise DataError(f"--config: {error}") from error
    folder = workdir / "cohort"
    config.data = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    simulated = {name: config[name] for name in ("participants", "rho", "seed")}
    session.settle_options(simulated, folder)
    write_cohort(
        folder,
        world,
        participants=config.participants,
        rest_volumes=REST_VOLUMES,
        progress=lambda chunks: tqdm(chunks, desc="simulating people", unit="chunk"),
    )
    return paper.run(config, workdir)


if __name__ == "__main__":
    common.main(get_config, run, paper.set_exact)
