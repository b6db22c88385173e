"""The whole way in two minutes, on simulated people in the real task designs.

    python -m experiments.quickstart --workdir=out/quickstart

Writes a small simulated cohort in TCP's layout, fits twins by the paper's protocol and opens
nothing: look at out/quickstart/report.html. Everything but the trial lists is simulated.
"""

from pathlib import Path

from ml_collections import ConfigDict

from dtb_jax.groundtruth.quick import write_quick_cohort
from experiments import common, paper


def get_config() -> ConfigDict:
    """`experiments.paper` with small numbers."""
    config = paper.get_config()
    config.participants = 32
    config.units = 48
    config.scale = 0.03  # few people make few steps
    config.epochs = 30
    config.batch_people = 8
    return config


def run(config: ConfigDict, workdir: Path) -> dict:
    """Simulate a cohort below `workdir`, then run `experiments.paper` on it."""
    config.data = str(
        write_quick_cohort(workdir / "cohort", participants=config.participants, seed=config.seed)
    )
    return paper.run(config, workdir)


if __name__ == "__main__":
    common.main(get_config, run, paper.set_exact)
