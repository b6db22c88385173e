r"""From a wish back to the connectome: the paper's route, designed edits, controls, a trial.

    python -m experiments.interventions --config.data=out/groundtruth/cohort --workdir=out/edits
    python -m experiments.interventions --config.data=FOLDER --workdir=out/site \
        --config.hubs=17networks_LH_ContA_PFCl_1 --config.edges=200

A small twin learns from three quarters of the people (`folds` = 4), whole runs; the others are
unseen. Twins of other seeds tell how sure its edits are, and a twin of the unseen people alone
judges them. Three arms: affective (right-amygdala response down by `dose` SD, reaction times
held), cognitive (both reaction times down, the amygdala held), combined; accuracy may rise and must
not fall. Each person's edit is designed by gradient through hypernetwork, recurrence and hazards or
GLM, under all constraints that are named; controls are of equal length. Where the cohort knows its
causes, edited people go through the truth. On two cores 26 minutes for 228 people with 434 parcels,
16 with `--config.seeds=2 --config.front=0`; 2,000 people take 25 minutes with
`--config.seeds=1 --config.front=0`.

Writes edits.tsv, metrics.json ("paper_route", "edits", "support", and "truth" where it is known),
figures and a report. Interrupted, the same command goes on.
"""

from pathlib import Path

from ml_collections import ConfigDict

from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.run import open_twins, trial
from experiments import common


def get_config() -> ConfigDict:
    """`experiments.paper` with a small twin for unseen people, and what edits add."""
    return common.as_config(InterventionConfig())


def run(config: ConfigDict, workdir: Path) -> dict:
    """Train, design, judge, write; returns what went into `metrics.json`."""
    metrics = trial(open_twins(common.options(InterventionConfig, config), workdir), workdir)
    print(f"report: {workdir / 'report.html'}")
    return metrics


if __name__ == "__main__":
    common.main(get_config, run)
