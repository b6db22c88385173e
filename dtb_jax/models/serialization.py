"""A fitted twin for others: a folder of numbers and a card in JSON, or a program without source."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.ledger import DataError
from dtb_jax.data.writing import write_json
from dtb_jax.models.paper_twin import Fitted, fixed_parts
from dtb_jax.twin.checkpoint import load_tree, save_tree
from dtb_jax.twin.hypernetwork import ConstantInput, Hypernetwork
from dtb_jax.twin.response import LIKELIHOODS, windows
from dtb_jax.twin.twin import Twin, simulate, split_outputs
from dtb_jax.types import STEP_S, Array, Cohort

CARD, NUMBERS, FORMAT = "card.json", "numbers", 1
KINDS = {"Hypernetwork": Hypernetwork, "ConstantInput": ConstantInput}
"""All that a card can ask for: what it names is looked up here and in `LIKELIHOODS`, and nothing
of it is executed."""
LIMITS = (
    "For research. What this twin tells of a person is a prediction with errors, no finding and no "
    "basis for decisions about that person. Its card says how it was tested, beside baselines that "
    "need no connectome."
)


class Design(NamedTuple):
    """What a run shows and when a press counts, as one person was shown it; not what they did."""

    task: str
    actions: tuple[str, ...]
    conditions: tuple[str, ...]
    stimulus: Array  # [time, input]
    available: Array  # [action]
    onset_s: Array  # [trial]
    deadline_s: Array
    condition: Array
    correct: Array


class Portable(NamedTuple):
    """A twin that can be asked, and what is known of it."""

    twin: Twin
    params: Any
    read: str  # one of `LIKELIHOODS`
    designs: dict[str, Design]
    regions: tuple[str, ...]
    bold_mean: Array
    bold_sd: Array
    steps_per_volume: int
    card: dict[str, Any]


class Predicted(NamedTuple):
    """What a twin says about one run."""

    trials: pd.DataFrame  # condition, correct, reaction_time_s, its sd, p_omission, p_ACTION
    bold: pd.DataFrame  # a row a volume, a column a region; empty where the twin makes none


def save_twin(folder: Path, fitted: Fitted, cohort: Cohort, about: dict[str, Any]) -> None:
    """Write a twin, the designs of its runs, and its card.

    Args:
        folder: replaced where it holds a twin.
        fitted: from `models.paper_twin.train`.
        cohort: whose runs are told; of each the stimuli of the first person who has it.
        about: training data, split, versions, metrics: whatever belongs on the card.
    """
    runs = [run for run in cohort.runs if run.present.any()]
    bold = cohort.bold_source != "none"
    numbers = {
        "params": fitted.params,
        "fixed": fixed_parts(fitted.twin, fitted.scale),
        "designs": {},
    }
    told = {}
    for run in runs:
        person, task, trials = int(np.argmax(run.present)), run.task, run.trials
        seen = trials.present[person]
        fields = ("onset_s", "deadline_s", "condition", "correct")
        numbers["designs"][run.name] = {
            "stimulus": run.stimulus[person],
            "available": np.array(task.available, np.float32),
        } | {name: getattr(trials, name)[person][seen] for name in fields}
        told[run.name] = {
            "task": task.name,
            "actions": list(task.actions),
            "conditions": list(task.conditions),
        }
    numbers = jax.tree.map(np.asarray, numbers)
    hypernet = fitted.twin.hypernet
    card = {
        "format": FORMAT,
        "limits": LIMITS,
        "about": about,
        "hypernetwork": {"kind": type(hypernet).__name__, "sizes": _sizes(hypernet)},
        "read": fitted.model.config.response,
        "regions": list(cohort.regions) if bold else [],
        "steps_per_volume": round(cohort.repetition_time_s / STEP_S),
        "designs": told,
        "arrays": jax.tree.map(lambda leaf: [*leaf.shape, str(leaf.dtype)], numbers),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_tree(folder / NUMBERS, numbers)
    write_json(folder / CARD, card)


def load_twin(folder: Path | str) -> Portable:
    """A twin from `save_twin`'s folder; numbers and names are read, and nothing is executed.

    Raises: DataError where the folder holds none, or one that this version does not know.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
        if card["format"] != FORMAT:
            raise ValueError(f"format {card['format']}, expected {FORMAT}")
        kind, read = KINDS[card["hypernetwork"]["kind"]], card["read"]
        LIKELIHOODS[read]
        like = jax.tree.map(_abstract, card["arrays"], is_leaf=lambda leaf: isinstance(leaf, list))
        numbers = load_tree(folder / NUMBERS, like)
        hypernet = kind(**card["hypernetwork"]["sizes"])
        designs = {
            name: Design(told["task"], tuple(told["actions"]), tuple(told["conditions"]), **arrays)
            for name, told in card["designs"].items()
            for arrays in [numbers["designs"][name]]
        }
        fixed = numbers["fixed"]
        return Portable(
            Twin(hypernet, fixed["centre"], fixed["spread"], fixed.get("basis")),
            numbers["params"],
            read,
            designs,
            tuple(card["regions"]),
            fixed["bold"]["mean"],
            fixed["bold"]["sd"],
            int(card["steps_per_volume"]),
            card,
        )
    except OSError as error:
        raise DataError(f"{folder / CARD}: can not be opened ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        problem = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise DataError(
            f"{folder}: no twin that this version knows ({problem}), expected a folder that "
            "save_twin wrote"
        ) from error


def tell(portable: Portable, connectome: Float[np.ndarray, " edge"]) -> dict[str, Predicted]:
    """What the twin of this connectome does in every run that the twin knows.

    Args:
        portable: from `load_twin`.
        connectome: Fisher-z edges, the upper triangle row by row, of the training's parcels.

    Returns: `Predicted` by run; expected choices and times of each trial, BOLD in the cohort's
        units.

    Raises: DataError for another number of edges, or for edges that are no numbers.
    """
    edges = portable.twin.centre.shape[0]
    if np.shape(connectome) != (edges,) or not np.isfinite(connectome).all():
        raise DataError(
            f"connectome of shape {np.shape(connectome)}, expected {edges} finite Fisher-z edges"
        )
    found = {}
    for name, (logits, series) in _program(portable)(jnp.asarray(connectome, jnp.float32)).items():
        design = portable.designs[name]
        length = int(np.ceil(np.max(design.deadline_s) / STEP_S))
        everywhere = np.ones(len(design.onset_s), bool)
        frame = windows(
            jnp.asarray(design.onset_s, jnp.float32),
            jnp.asarray(design.deadline_s, jnp.float32),
            everywhere,
            0.0,
            logits.shape[0],
            length,
        )
        told = LIKELIHOODS[portable.read].read(logits, jnp.asarray(design.available), frame)
        columns = {
            "condition": [design.conditions[k] for k in design.condition],
            "correct": [design.actions[k] for k in design.correct],
            "reaction_time_s": told.reaction_time_s,
            "reaction_time_sd_s": told.reaction_time_sd_s,
            "p_omission": told.omission_probability,
        }
        for k, action in enumerate(design.actions):
            if design.available[k]:
                columns[f"p_{action}"] = told.choice_probability[:, k]
        bold = np.asarray(series[:: portable.steps_per_volume])
        if portable.regions:
            bold = bold * np.asarray(portable.bold_sd) + np.asarray(portable.bold_mean)
        found[name] = Predicted(
            pd.DataFrame({key: np.asarray(column) for key, column in columns.items()}),
            pd.DataFrame(bold, columns=list(portable.regions)),
        )
    return found


def export_program(portable: Portable, platforms: Sequence[str] = ("cpu", "cuda", "tpu")) -> bytes:
    """StableHLO of {run: (action logits [time, action], BOLD [time, region])} of a connectome.

    `jax.export.deserialize(blob).call(edges)` runs it without this software.

    Source: jax.export.
    """
    shape = jax.ShapeDtypeStruct(portable.twin.centre.shape, jnp.float32)
    exported = jax.export.export(jax.jit(_program(portable)), platforms=platforms)(shape)
    return bytes(exported.serialize())


_simulate = jax.jit(simulate)


def _program(portable: Portable):
    def outputs(edges):
        told = {}
        for name, design in portable.designs.items():
            stimulus = jnp.asarray(design.stimulus, jnp.float32)
            (found,) = _simulate(portable.twin, portable.params, edges, stimulus[None])
            told[name] = split_outputs(found, len(design.actions))
        return told

    return outputs


def _sizes(hypernet: Any) -> dict[str, Any]:
    own = [f.name for f in dataclasses.fields(hypernet) if f.name not in ("parent", "name")]
    return {name: getattr(hypernet, name) for name in own}


def _abstract(told: list) -> jax.ShapeDtypeStruct:
    *shape, dtype = told
    return jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
