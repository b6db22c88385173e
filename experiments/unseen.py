"""Twins of people nobody trained on, beside everything simpler, and what that supports.

    python -m experiments.unseen --config.data=out/groundtruth/cohort --workdir=out/unseen

K folds of people, stratified by site and group, families together. In each fold a small twin (32
units, 128 principal components of the training people's edges) learns from the others' whole runs
and meets the tested people's connectomes, and connectomes in their place; beside it a network that
gets the connectome as an extra input, regressions on edges, and baselines without any connectome.
The verdict says which claims hold after age, sex, site and motion, by permutation, corrected for
all claims. Ten minutes for 228 people with 434 parcels on 2 cores. Apart, and resumable:

    --config.tangent=true       ridge in tangent space, 3 minutes a fold
    --config.retrained=1        twins trained on shuffled connectomes; 19 give a p of .05 at best
    --config.identity=true      twins trained on name tags

`--config.split=both` trains on the first halves of the runs and tests on the second.
"""

from pathlib import Path

from ml_collections import ConfigDict

from dtb_jax.workflows import unseen
from dtb_jax.workflows.config import HeldOutConfig
from experiments import common


def get_config() -> ConfigDict:
    """`experiments.paper` with a small twin, and what unseen people add."""
    return common.as_config(HeldOutConfig())


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read, cross-validate, assess, write; returns what went into `metrics.json`."""
    metrics = unseen.run(common.options(HeldOutConfig, config), workdir)
    print(f"report: {workdir / 'report.html'}")
    return metrics


if __name__ == "__main__":
    common.main(get_config, run)
