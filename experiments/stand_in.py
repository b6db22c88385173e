"""Simulated imaging for real events, in TCP's exact layout.

    python -m experiments.stand_in --config.events=../shared/tcp --workdir=out/stand_in

Writes out/stand_in/cohort/: the events (linked), an atlas table, and HDF5 series whose attributes
say `simulated`. About 2 minutes and 2 GB for TCP's 228 people. Interrupted, the same command goes
on. What is learned from it is about the software, never about brains.
"""

import shutil
from pathlib import Path

import pandas as pd
from ml_collections import ConfigDict
from tqdm import tqdm

from dtb_jax.data.bids import decode_events, find_events, read_table
from dtb_jax.data.ledger import DataError, Ledger
from dtb_jax.groundtruth.stand_in import copy_events, manifest_lengths, write_imaging
from dtb_jax.tasks import TASKS
from experiments import common


def get_config() -> ConfigDict:
    """Defaults: everybody, the AP rest runs, seed 0."""
    return ConfigDict(
        {
            "events": "",  # BIDS tree with events
            "atlas": "",  # parcel names; default: atlas.tsv in or tcp_434.tsv beside the tree
            "rest_runs": ("restAP_run-01", "restAP_run-02"),
            "participants": 0,  # only the first so many; 0: all
            "seed": 0,
        }
    )


def run(config: ConfigDict, workdir: Path) -> Path:
    """Write the cohort's folder and return it."""
    if not config.events:
        raise DataError("--config.events: empty, expected a BIDS folder with events")
    source, out = Path(config.events), workdir / "cohort"
    found = {task: find_events(source, task) for task in TASKS}
    people = sorted({p for runs in found.values() for paths in runs.values() for p in paths})
    if not people:
        raise DataError(f"{source}: no events of {', '.join(t.bids_name for t in TASKS)}")
    common.settle_config(config, workdir)
    people = people[: config.participants or None]
    copy_events(source, out)
    atlas = _atlas(config, source)
    if not (out / "atlas.tsv").exists():
        shutil.copyfile(atlas, out / "atlas.tsv")
    names = list(read_table(out / "atlas.tsv")["name"])
    ledger = Ledger()
    for person in tqdm(people, desc="simulated imaging", unit="person"):
        events = {}
        for task, runs in found.items():
            for name, paths in runs.items():
                if person not in paths:
                    continue
                try:
                    trials, _ = decode_events(paths[person], task)
                except DataError as error:
                    ledger.add(person, name, paths[person], error)
                    continue
                conditions = [task.conditions[k] for k in trials.condition]
                table = {
                    "onset": trials.onset_s,
                    "duration": trials.duration_s,
                    "condition": conditions,
                }
                events[name] = (task, pd.DataFrame(table))
        lengths = manifest_lengths(source / "timeseries_manifest.tsv", person)
        write_imaging(
            out, person, names, events, config.rest_runs, lengths=lengths, seed=config.seed
        )
    ledger.write(workdir / "exclusions.tsv")
    print(f"simulated imaging of {len(people)} people in {out}")
    return out


def _atlas(config: ConfigDict, source: Path) -> Path:
    places = [source / "atlas.tsv", source.parent / "atlas" / "tcp_434.tsv"]
    if config.atlas:
        places = [Path(config.atlas)]
    path = next((place for place in places if place.exists()), None)
    if path is None:
        raise DataError(f"{places[0]}: no table of parcel names; give --config.atlas=FILE")
    return path


if __name__ == "__main__":
    common.main(get_config, run)
