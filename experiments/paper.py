"""Twins of a cohort by the paper's protocol: first half of each run trains, second half tests.

    python -m experiments.stand_in --config.events=../shared/tcp --workdir=out/stand_in
    python -m experiments.paper --config.data=out/stand_in/cohort --workdir=out/paper

About 3 minutes for 228 people on 2 cores with the default recipe (64 units). Expect, among people
seen in training, RT r about .91 / .86 and choice concordance about .96 / .94; a person's own first
half gives .92 / .87 and "always correct" .96 / .94 without any connectome.
`--config.exact=true` sets every number of the paper instead (400 units, learning rate 1e-6, pulses
with binary cross-entropy, 262-step cuts, 8 drifts): 40 s an epoch on 2 cores, .8 s on an H200.
Expect less of it: on TCP's behaviour early stopping ended it after 46 epochs, at RT r .14 / .10
(README).
"""

from collections.abc import Collection
from pathlib import Path

from ml_collections import ConfigDict

from dtb_jax.twin.option import flat
from dtb_jax.workflows import seen
from dtb_jax.workflows.config import StudyConfig, with_exact
from experiments import common


def get_config() -> ConfigDict:
    """The recipe that works; see `workflows.config.EXACT` for the paper's numbers."""
    return common.as_config(StudyConfig())


def set_exact(config: ConfigDict, named: Collection[str]) -> None:
    """With `exact`, the paper's numbers, but for options `named` on the command line: they print.

    Only the command line knows what was named; a caller of `run` sets what it wants.
    """
    exact, kept = with_exact(common.options(StudyConfig, config), named)
    config.update({name: value for name, value in flat(exact).items() if name in config})
    if kept:
        print("the paper's numbers except", ", ".join(f"{k} = {config[k]}" for k in kept))


def run(config: ConfigDict, workdir: Path) -> dict:
    """Read, train, evaluate, write; returns what went into `metrics.json`."""
    study = common.options(StudyConfig, config)
    metrics = seen.evaluate(study, workdir, seen.train(study, workdir))
    print(f"report: {workdir / 'report.html'}")
    return metrics


if __name__ == "__main__":
    common.main(get_config, run, set_exact)
