"""Train and evaluate twins of a cohort: what the experiments and the command line call."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dtb_jax import evaluation
from dtb_jax.checkpoint import Checkpoints
from dtb_jax.data.cohort import below_chance
from dtb_jax.data.ledger import Ledger
from dtb_jax.evaluation import baselines, scores
from dtb_jax.evaluation.glm import make_glm, person_t
from dtb_jax.evaluation.predict import Prediction, predict
from dtb_jax.evaluation.splits import (
    SPLIT_S,
    STOP_S,
    BoldScale,
    cut,
    fit_bold_scale,
    hold_out,
    in_part,
    scaled,
)
from dtb_jax.response import Response
from dtb_jax.training import (
    Settings,
    State,
    fit,
    initial_state,
    optimiser,
    steps_per_epoch,
    used_params,
)
from dtb_jax.twin import Params, Twin, make_twin
from dtb_jax.types import STEP_S, Cohort, Run


class Split(NamedTuple):
    """Each run's first part trains, its second tests, the people are the same."""

    split_s: float = SPLIT_S
    stop_s: float = STOP_S
    pulse_steps: int = 1
    validation_share: float = 0.2  # of people, whose last segment of training validates
    drifts: int | None = None  # cosine drifts of the GLM; None: nilearn's rule at .01 Hz


class Fitted(NamedTuple):
    """A trained twin with what its data were scaled by, and how training went."""

    twin: Twin
    params: Params
    scale: BoldScale
    history: list[dict[str, float]]
    timing: dict[str, Any]


class Evaluated(NamedTuple):
    """All models on the test part."""

    models: dict[str, dict[str, dict[str, evaluation.Figure]]]
    predictions: dict[str, list[Prediction]]
    scored: list[scores.Scored]
    subgroups: dict[str, dict]


def train(
    cohort: Cohort,
    sizes: dict[str, Any],
    settings: Settings,
    split: Split,
    *,
    seed: int,
    folder: Path | None = None,
    save_every: int = 1,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Fitted:
    """Fit a twin to the first part of every run, going on from `folder` where it holds a state.

    Args:
        cohort: everybody.
        sizes: `units` and further fields of `Hypernetwork`.
        settings: how to train.
        split: where to cut.
        seed: of everything random.
        folder: of the checkpoints; None keeps none.
        save_every: epochs between checkpoints.
        on_epoch: told every epoch's numbers.

    Returns: `Fitted`, with the parameters that `training.used_params` names.
    """
    began = time.perf_counter()
    people = np.arange(len(cohort.connectomes))
    scale = fit_bold_scale(cohort, split.split_s, people)
    whole = cut(cohort, 0.0, split.split_s, scale, pulse_steps=split.pulse_steps)
    parts = hold_out(whole, share=split.validation_share, steps=settings.segment_steps, seed=seed)
    regions = len(cohort.regions) if cohort.bold_source != "none" else 0
    if not regions:
        parts = parts._replace(
            training=without_bold(parts.training), validation=without_bold(parts.validation)
        )
    actions = whole.press.shape[-1]
    twin = make_twin(
        cohort.connectomes,
        inputs=whole.stimulus.shape[-1],
        outputs=actions + regions,
        actions=actions,
        **sizes,
    )
    state, history = None, []
    checkpoints = Checkpoints(folder) if folder is not None else None
    fixed = {"centre": twin.centre, "spread": twin.spread, "bold": scale._asdict()}
    if checkpoints is not None:
        transform = optimiser(settings, steps_per_epoch(settings, len(people)))
        like = {
            "state": jax.eval_shape(
                lambda key: initial_state(twin, transform, key=key), jax.random.key(0)
            ),
            "fixed": fixed,
        }
        found = checkpoints.restore(like)
        if found is not None:
            state, history = found[0]["state"], found[1]["history"]
            on_epoch({"resumed_after_epoch": int(state.epoch)})
    epoch_ends: list[float] = []

    def note(state: State, row: dict[str, float]) -> None:
        history.append(row)
        epoch_ends.append(time.perf_counter() - began)
        epoch = int(state.epoch)
        if checkpoints is not None and (epoch % save_every == 0 or epoch == settings.epochs):
            checkpoints.save(epoch, {"state": state, "fixed": fixed}, {"history": history})
        on_epoch(row)

    state = fit(
        twin,
        cohort.connectomes,
        parts.training,
        parts.validation,
        parts.validation_people,
        settings,
        seed=seed,
        state=state,
        on_epoch=note,
    )
    if checkpoints is not None:
        checkpoints.close()
    durations = np.diff(epoch_ends)
    epoch_s = float(np.median(durations)) if len(durations) else None
    timing = {
        "compile_s": epoch_ends[0] - epoch_s if epoch_s is not None else None,
        "train_s": time.perf_counter() - began,
        "epoch_s": epoch_s,
        "epochs": int(state.epoch),
        "best_epoch": int(state.best_epoch),
        "used_epoch": int(state.best_epoch if settings.keep_best else state.epoch),
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "device": str(jax.devices()[0].device_kind),
    }
    return Fitted(twin, used_params(settings, state), scale, history, timing)


def without_bold(runs: Run) -> Run:
    """Runs with no BOLD channels, for people without imaging of their tasks."""
    return runs._replace(bold=runs.bold[..., :0])


def evaluate(
    cohort: Cohort,
    fitted: Fitted,
    split: Split,
    read: Callable[..., Response],
    *,
    seed: int,
    others: dict[str, list[Prediction]] | None = None,
) -> Evaluated:
    """Score the twin, the same twin with people's connectomes shuffled, and three baselines.

    The test part begins at `split_s` and is rolled out in one piece from h = 0; trials count when
    they begin in it.

    Args:
        cohort: everybody.
        fitted: from `train`.
        split: where to cut.
        read: choices and times from outputs.
        seed: of the shuffle.
        others: further models to score alike, one `Prediction` a run: oracles, say.
    """
    split_s, stop_s = split.split_s, split.stop_s
    end_s = max(run.stimulus.shape[1] for run in cohort.runs) * STEP_S
    test = cut(cohort, split_s, end_s, fitted.scale)
    cohort = scaled(cohort, fitted.scale)
    scored = [
        scores.scored_part(run, split_s, stop_s, run.present & ~below_chance(run), split.drifts)
        for run in cohort.runs
    ]
    training = [in_part(run, 0.0, split_s) for run in cohort.runs]
    edges = cohort.connectomes
    other = baselines.derangement(len(edges), seed)

    def rolled_out(connectomes):
        return predict(fitted.twin, fitted.params, connectomes, cohort, test, read, start_s=split_s)

    def own(run, trials):
        first = make_glm(run, 0.0, split_s, split.drifts)
        told = baselines.own_training_half(run, trials)
        return told._replace(person_t=person_t(first, run.bold[:, first.volumes]))

    predictions = {
        "twin": rolled_out(edges),
        "shuffled_connectome": rolled_out(edges[other]),
        "always_correct": [baselines.always_correct(run) for run in cohort.runs],
        "own_training_half": [own(run, t) for run, t in zip(cohort.runs, training)],
        "group_mean": [
            baselines.group_mean(part.run, trials, part.bold, part.glm.mask)
            for part, trials in zip(scored, training)
        ],
    }
    predictions |= others or {}
    models = {name: scores.score(scored, told) for name, told in predictions.items()}
    return Evaluated(
        models, predictions, scored, scores.subgroups(cohort, scored, predictions["twin"])
    )


def note_below_chance(cohort: Cohort, ledger: Ledger) -> None:
    """One line a person and run whose accuracy keeps them out of the behaviour figures."""
    for run in cohort.runs:
        for person in cohort.participants.index[below_chance(run)]:
            ledger.add(
                person,
                run.name,
                "",
                "accuracy below chance: left out of the choice and reaction-time figures",
            )
