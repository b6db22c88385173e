"""Seconds until a quickstart's twin has learned: this software beside PyTorch.

    python -m benchmarks.time_to_quality [--json=benchmarks/results/time_to_quality/DEVICE.json]

The quickstart's 32 simulated people, its recipe, its first halves. Everybody starts from the same
weights and trains with Adam, the same schedule, clipping and sizes of batches and segments, until
the validation loss of presses (same people, same steps; that of BOLD is mostly its noise) is as
small as `ours` ends with, and a percent; only batches and segments are drawn by other generators.
Compilation is told apart; validation counts for `ours` alone. `--most` bounds the updates of the
slow one: where it has not arrived, the ratio is a lower bound, and says so.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.machine import about
from dtb_jax.data.writing import write_json
from dtb_jax.models.paper_twin import PaperTwin, TrainingData, training_data
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import write_cohort
from dtb_jax.simulation.world import make_world
from dtb_jax.twin.batching import batches
from dtb_jax.twin.config import learning_rates, steps_per_epoch
from dtb_jax.twin.fit import features_of, fit
from dtb_jax.twin.step import initial_state
from dtb_jax.workflows import session
from dtb_jax.workflows.config import StudyConfig, paper_twin
from experiments import common, quickstart

SLACK = 1.01


def quickstart_data(folder: Path) -> tuple[TrainingData, PaperTwin]:
    """The quickstart's training data and twin."""
    config = quickstart.get_config()
    world = make_world(choose_parcels(quickstart.PARCELS), seed=0, rho=config.rho)
    write_cohort(
        folder, world, participants=config.participants, rest_volumes=quickstart.REST_VOLUMES
    )
    config.data = str(folder)
    study = common.options(StudyConfig, config)
    cohort, _ = session.read_data(study.data)
    made, fold = paper_twin(study), session.halves(study.evaluation, cohort)
    return training_data(cohort, fold.training, made), made


def ours(ready: TrainingData, made: PaperTwin) -> dict[str, Any]:
    """Train twice, the second time with everything compiled; time of its epochs."""
    parts = ready.parts

    def trained() -> tuple[list[float], list[float]]:
        rows, ends = [], [time.perf_counter()]

        def note(state, row):
            rows.append(row["validation_action"])
            ends.append(time.perf_counter())

        data = (ready.twin, ready.connectomes, parts.training, parts.validation)
        held = parts.validation_people
        fit(*data, held, made.settings, seed=0, people=parts.people, on_epoch=note)
        return rows, [end - ends[0] for end in ends[1:]]

    first_s = trained()[1][-1]
    rows, ends = trained()
    goal = SLACK * rows[-1]
    first = next(k for k, loss in enumerate(rows) if loss <= goal)
    return {
        "goal": goal,
        "seconds": ends[first],
        "updates": (first + 1) * steps_per_epoch(made.settings, len(parts.people)),
        "compile_s": first_s - ends[-1],
        "validation_loss": rows[first],
    }


def torch_run(
    ready: TrainingData, made: PaperTwin, goal: float, *, looped: bool, threads: int, most: int
) -> dict[str, Any]:
    """Train until the goal, or for at most so many updates."""
    import torch

    from benchmarks import torch_twins

    torch.set_num_threads(threads)
    settings, parts, twin = made.settings, ready.parts, ready.twin
    simulate = torch_twins.looped if looped else torch_twins.batched
    state = initial_state(twin, settings, key=jax.random.fold_in(jax.random.key(0), 0))
    flax = twin.hypernet
    sizes = (flax.width, flax.inputs, flax.units, flax.outputs, flax.dropout)
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    features = features_of(twin, jnp.asarray(ready.connectomes, jnp.float32))
    edges = torch.tensor(np.asarray(features), device=device)
    hypernet = torch_twins.Hypernetwork(edges.shape[1], *sizes).take(state.params, flax)
    hypernet.to(device)
    adam = torch.optim.Adam(hypernet.parameters(), lr=0.0, fused=not looped)
    rates = learning_rates(settings, steps_per_epoch(settings, len(parts.people)))
    training, validation = (jax.tree.map(np.asarray, runs) for runs in parts[:2])
    rng = np.random.default_rng(0)
    seconds, updates, loss = 0.0, 0, np.inf
    for epoch in range(settings.epochs):
        began = time.perf_counter()
        for chosen, weight in batches(len(parts.people), settings.batch_people, 0, epoch, 1):
            people = parts.people[chosen[weight > 0]]
            drawn = segments_of(rng, training, people, settings)
            for group in adam.param_groups:
                group["lr"] = float(rates[updates])
            adam.zero_grad(set_to_none=True)
            press, bold = losses(
                simulate, hypernet, edges[people], drawn, settled=settings.bold_warmup_steps
            )
            (press + settings.bold_weight * bold).backward()
            torch.nn.utils.clip_grad_norm_(hypernet.parameters(), settings.clip_norm)
            adam.step()
            updates += 1
            if updates == most:
                break
        if device == "cuda":
            torch.cuda.synchronize()
        seconds += time.perf_counter() - began
        with torch.no_grad():
            hypernet.eval()
            tested = edges[parts.validation_people]
            whole = validation._asdict()
            loss = float(losses(torch_twins.batched, hypernet, tested, whole, settled=0)[0])
            hypernet.train()
        if loss <= goal or updates == most:
            break
    return {
        "seconds": seconds,
        "updates": updates,
        "validation_loss": loss,
        "arrived": loss <= goal,
    }


def segments_of(rng, runs, people: np.ndarray, settings) -> dict[str, np.ndarray]:
    """Segments of these people's runs at evenly spread starts with jitter, as ours."""
    length, steps, number = runs.at_risk.shape[2], settings.segment_steps, settings.segments
    shape = (len(people), runs.at_risk.shape[1], number)
    start = (np.arange(number) + rng.uniform(size=shape)) / number * (length - steps + 1)
    place = start.astype(int)[..., None] + np.arange(steps)
    rows, columns = np.ix_(people, np.arange(shape[1]))
    found = {
        name: leaf[rows[..., None, None], columns[..., None, None], place].reshape(
            len(people), -1, steps, *leaf.shape[3:]
        )
        for name, leaf in runs._asdict().items()
        if name != "available"
    }
    return found | {"available": np.repeat(runs.available[people], number, axis=1)}


def losses(simulate, hypernet, edges, runs: dict, settled: int):
    """The recipe's loss of these people's presses, and of BOLD from step `settled` on."""
    import torch

    from benchmarks import torch_twins

    field = {
        name: torch.as_tensor(np.array(leaf), device=edges.device) for name, leaf in runs.items()
    }
    outputs = simulate(hypernet, edges, field["stimulus"])
    press = torch_twins.hazard_loss(outputs, field["press"], field["at_risk"], field["available"])
    mask = field["bold_mask"][..., None].clone()
    mask[:, :, :settled] = 0
    bold = outputs[..., field["press"].shape[-1] :]
    error = (mask * (bold - field["bold"]) ** 2).sum() / (mask.sum() * bold.shape[-1]).clamp(min=1)
    return press, error


def main(options: argparse.Namespace) -> None:
    """Race, print, write."""
    session.multiply_in_float32()
    found = about()
    with TemporaryDirectory() as folder:
        ready, made = quickstart_data(Path(folder))
    found["ours"] = ours(ready, made)
    goal = found["ours"]["goal"]
    print(found["ours"], flush=True)
    cores = found["cores"]
    races = {f"batched, {n} threads": (False, n, 10**9) for n in sorted({1, cores})}
    races["looped"] = (True, cores, options.most)
    for name, (looped, threads, most) in races.items():
        told = torch_run(ready, made, goal, looped=looped, threads=threads, most=most)
        found[name] = told | {"ratio": told["seconds"] / found["ours"]["seconds"]}
        print(name, found[name], flush=True)
    if options.place:
        write_json(options.place, found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=10**9, help="updates of the looped design")
    parser.add_argument("--json", type=Path, dest="place")
    main(parser.parse_args())
