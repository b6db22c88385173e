"""What interventions aim at: smooth numbers of one twin in one standard session.

First-crossing reaction times have no gradient; expectations under competing hazards have, and a
GLM's t-value is smooth already. `jax.grad` therefore runs from the connectome through hypernetwork
and recurrence to every indicator:

    TASK_rt_s          mean E[RT | press] over trials
    TASK_rt_sd_s       mean SD of the reaction time within a trial
    TASK_effect_s      E[RT | press], first minus second condition of the task's contrast
    TASK_accuracy      mean P(correct press)
    TASK_accuracy_sd   mean SD of a trial's outcome, sqrt(P (1 - P))
    TASK_omission      mean P(omission)
    TASK_bold          the contrast c'b of the chosen region, in the data's own units
    TASK_t             its t-value; the paper's affective indicator is the right amygdala's in Faces

A twin is any callable pytree from a connectome to a `MainNetwork`: `twin_of` makes one of the
paper's model, and whatever else is a function of the connectome can take its place.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float

from dtb_jax.evaluation.verdict import titled
from dtb_jax.interventions.scene import RunReadout, SessionProtocol
from dtb_jax.twin.bold import glm_contrast
from dtb_jax.twin.response import Response, read_hazard
from dtb_jax.twin.rnn import MainNetwork, unroll_together
from dtb_jax.twin.twin import Params, Twin, split_outputs
from dtb_jax.types import Array

ENDS = {"rt_s": "RT", "bold": "BOLD", "t": "BOLD t", "effect_s": "RT effect"}
"""What some indicators are called in figures and sentences."""
KINDS = ("rt_s", "rt_sd_s", "effect_s", "accuracy", "accuracy_sd", "omission", "bold", "t")
"""All that is told of a task."""
NetworkOf = Callable[[Array], MainNetwork]
Read = Callable[..., Response]
Unroll = Callable[[MainNetwork, Array], Array]


class Asked(NamedTuple):
    """What is read of a session; static, so that it may be compiled in."""

    actions: int = 3
    region: int | None = None  # row of the region whose contrasts are indicators; None: no BOLD
    read: Read = read_hazard
    unroll: Unroll = unroll_together  # from a network and stimuli [run, ...] to what it puts out


def parted(name: str) -> tuple[str, str]:
    """Task and what is told of it, "" where that is none of `KINDS`; tasks may have underscores."""
    end = max((end for end in KINDS if name.endswith(f"_{end}")), key=len, default="")
    return name.removesuffix(f"_{end}"), end


def spoken(name: str) -> str:
    """TASK_rt_s as "Task RT"."""
    task, end = parted(name)
    return f"{titled(task)} {ENDS.get(end, end.replace('_', ' '))}".strip()


class Functions(NamedTuple):
    """Indicators by the function that they tell; empty where a study has none."""

    affective: tuple[str, ...]  # the BOLD contrast of one task
    affective_t: tuple[str, ...]  # its t-value
    speed: tuple[str, ...]  # mean reaction times of all tasks
    accuracy: tuple[str, ...]


def functions(names: Iterable[str], affective_task: str) -> Functions:
    """Which of these indicators edits aim at.

    Args:
        names: of all indicators.
        affective_task: whose BOLD is meant; the first task with BOLD where it has none.
    """
    names = list(names)
    felt = [name.removesuffix("_bold") for name in names if name.endswith("_bold")]
    task = affective_task if affective_task in felt else next(iter(felt), "")

    def those(*wanted: str) -> tuple[str, ...]:
        return tuple(name for name in names if name in wanted)

    def ending(end: str) -> tuple[str, ...]:
        return tuple(name for name in names if name.endswith(end))

    return Functions(
        those(f"{task}_bold"), those(f"{task}_t"), ending("_rt_s"), ending("_accuracy")
    )


def twin_of(twin: Twin, params: Params) -> NetworkOf:
    """The paper's model as a function of the connectome alone, w = H(features(e))."""
    return eqx.Partial(twin.network, params)


def endpoints(
    network: MainNetwork, scene: SessionProtocol, asked: Asked
) -> dict[str, Float[Array, ""]]:
    """All indicators of one twin, by the names of the module.

    Args:
        network: one person's main network.
        scene: what the twin is shown.
        asked: how outputs are read.
    """
    outputs = asked.unroll(network, scene.stimulus)
    logits, bold = split_outputs(outputs, asked.actions)
    found: dict[str, Array] = {}
    for r, (task, reading) in enumerate(scene.readings.items()):
        told = behaviour(logits[r], reading, asked.read)
        if asked.region is not None:
            region = bold[r, :, asked.region] * scene.unit[asked.region]
            told |= response(region, reading)
        found |= {f"{task}_{name}": value for name, value in told.items()}
    return found


def behaviour(
    logits: Float[Array, "time action"], reading: RunReadout, read: Read
) -> dict[str, Float[Array, ""]]:
    """Expected times, accuracy and omissions of one run, each a mean over trials."""
    told = read(logits, reading.available, reading.windows)
    right = jnp.take_along_axis(told.choice_probability, reading.correct[:, None], axis=1)[:, 0]
    right = right * (1 - told.omission_probability)
    time_s = told.reaction_time_s

    def mean_of(chosen):
        return jnp.sum(chosen * time_s) / jnp.sum(chosen)

    return {
        "rt_s": jnp.mean(time_s),
        "rt_sd_s": jnp.mean(told.reaction_time_sd_s),
        "effect_s": mean_of(reading.more) - mean_of(reading.less),
        "accuracy": jnp.mean(right),
        # a certain outcome has SD 0, where a root has no slope
        "accuracy_sd": jnp.mean(jnp.sqrt(jnp.maximum(right * (1 - right), 1e-12))),
        "omission": jnp.mean(told.omission_probability),
    }


def response(series: Float[Array, " time"], reading: RunReadout) -> dict[str, Float[Array, ""]]:
    """The run's contrast in one region, from the channel at the scanner's volumes."""
    size, t = glm_contrast(series[reading.volumes, None], reading.solver, reading.contrast)
    return {"bold": size[0], "t": t[0]}


def of_connectome(
    network_of: NetworkOf, connectome: Float[Array, " edge"], scene: SessionProtocol, asked: Asked
) -> dict[str, Float[Array, ""]]:
    """`endpoints` of the twin with this connectome."""
    return endpoints(network_of(connectome), scene, asked)
