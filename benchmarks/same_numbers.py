"""Do the same seeds give the same figures as before the house was rebuilt?

    python -m benchmarks.same_numbers --workdir=out/same_numbers \
        --json=benchmarks/results/same_numbers/now.json
    python -m benchmarks.same_numbers --workdir=out/same_numbers --stand-in=out/stand_in/cohort \
        --stand-in-before=METRICS

Five small runs of experiments (a quickstart, a simulated cohort, its unseen people, edits and a
mixed-effects twin; 15 minutes on two cores), whose metrics.json is compared, number by number, with
those of commit b9f2302 in `before.json.gz`. Figures whose names have changed since are found by
`KEYS`. On the machine and with the versions of `before.json.gz` every difference should be below
1e-6; elsewhere trainings end in other last digits.
"""

import argparse
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dtb_jax.data.writing import write_json
from dtb_jax.workflows.session import commit, versions

BEFORE = Path(__file__).parent / "results" / "same_numbers" / "before.json.gz"
TOLERANCE = 1e-6
KEYS: dict[str, str] = {}
"""Regular expressions of names before, and the names that they have now."""
NOT_COMPARED = ("timing", "protocol.commit", "protocol.versions")
RUNS = {
    "quickstart": [],
    "groundtruth": ["participants=48", "parcels=64", "ceiling_people=200"],
    "unseen": ["data=COHORT", "folds=3", "epochs=4", "components=16"],
    "interventions": [
        *("data=COHORT", "seeds=2", "folds=3", "epochs=4", "front=0", "people=12", "steps=8"),
        *("components=16", "permutations=50", "smoothgrad_samples=5", "attributed=5"),
    ],
    "mixed_effects": ["data=COHORT", "folds=2", "updates=60", "members=1"],
}


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Run, compare, print."""
    with gzip.open(BEFORE, "rt", encoding="utf-8") as file:
        before = json.load(file)
    found = {}
    for name, words in RUNS.items():
        now = run(name, words, options.workdir)
        found[name] = compared(before[name], now)
        print(name, found[name], flush=True)
    if options.stand_in:
        now = run("paper", [f"data={options.stand_in}", "identity=false"], options.workdir)
        kept = json.loads(options.stand_in_before.read_text(encoding="utf-8"))
        found["paper"] = compared(kept, now)
        print("paper", found["paper"])
    return {"runs": found, "commit": commit(), "versions": versions()}


def run(name: str, words: list[str], workdir: Path) -> dict[str, Any]:
    """metrics.json of an experiment."""
    cohort = str(workdir / "groundtruth" / "cohort")
    flags = [f"--config.{word.replace('COHORT', cohort)}" for word in words]
    command = [sys.executable, "-m", f"experiments.{name}", f"--workdir={workdir / name}", *flags]
    subprocess.run(command, check=True)
    return json.loads((workdir / name / "metrics.json").read_text(encoding="utf-8"))


def compared(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """How many values there are, how far apart, and which are on one side alone."""
    old = {renamed(name): value for name, value in flat(before) if kept(name)}
    new = {name: value for name, value in flat(now) if kept(name)}
    both = [(name, old[name], new[name]) for name in old if name in new]
    return {
        "values": len(both),
        "largest_difference": max(difference(one, two) for _, one, two in both),
        "differ": [name for name, one, two in both if difference(one, two) > TOLERANCE],
        "only_before": sorted(set(old) - set(new)),
        "only_now": sorted(set(new) - set(old)),
    }


def difference(one: Any, two: Any) -> float:
    """Of numbers, in units of the first where that is large; of anything else 0 or 1."""
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) / max(1.0, abs(one))
    return float(one != two)


def renamed(name: str) -> str:
    """What a figure is called now."""
    for before, now in KEYS.items():
        name = re.sub(before, now, name)
    return name


def kept(name: str) -> bool:
    """Whether a value is a result rather than a time or a version."""
    return not name.startswith(NOT_COMPARED)


def flat(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested dictionaries and lists, by its dotted name."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from flat(value, f"{name}.{key}" if name else key)
    elif isinstance(tree, list):
        for k, value in enumerate(tree):
            yield from flat(value, f"{name}[{k}]")
    else:
        yield name, tree


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--stand-in", type=Path)
    parser.add_argument("--stand-in-before", type=Path)
    asked = parser.parse_args()
    result = main(asked)
    if asked.json:
        write_json(asked.json, result)
    sys.exit(any(one["differ"] or one["only_before"] for one in result["runs"].values()))
