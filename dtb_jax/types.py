"""Shape vocabulary: the few records that travel from files to figures.

Missing is a mask: fields named `present`, `answered` and `*_mask` say what counts, and the
numbers behind a False are zeros that no result depends on.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

Array = jax.Array | np.ndarray

STEP_S = 0.08
"""Length of one step of the main network, seconds (a tenth of TCP's repetition time)."""

Edges = Float[Array, "*batch edge"]
Stimulus = Float[Array, "*batch time input"]
Outputs = Float[Array, "*batch time output"]


def required(value: Any) -> Any:
    """A value that is optional elsewhere and has to be there here.

    Raises: ValueError where it is None.
    """
    if value is None:
        raise ValueError("a value is missing that this step needs")
    return value


class DataError(ValueError):
    """One sentence: which file, row, field or option; what was found; what was expected."""


class Trials(NamedTuple):
    """What was shown and what was done in one run; leading axes (people) may come first.

    `possible[trial, action]` is the set of actions the recorded press may have been: one action
    where the button is known, every wrong one where only "wrong" is recorded, none where nobody
    pressed. One field thus serves known buttons, unknown buttons and omissions. Where a press is
    recorded, but not whether it was right, the trial is not `present`.
    """

    onset_s: Float[np.ndarray, "*people trial"]
    deadline_s: Float[np.ndarray, "*people trial"]  # seconds after onset in which a press counts
    duration_s: Float[np.ndarray, "*people trial"]  # what the GLM convolves
    condition: Int[np.ndarray, "*people trial"]
    item: Int[np.ndarray, "*people trial"]  # equal numbers show equal stimuli
    correct: Int[np.ndarray, "*people trial"]
    possible: Bool[np.ndarray, "*people trial action"]
    response_time_s: Float[np.ndarray, "*people trial"]
    answered: Bool[np.ndarray, "*people trial"]
    present: Bool[np.ndarray, "*people trial"]


class StimulusEvents(NamedTuple):
    """Sensory input as intervals: `value[k]` is added to the inputs from `start_s` to `stop_s`."""

    start_s: Float[np.ndarray, " interval"]
    stop_s: Float[np.ndarray, " interval"]
    value: Float[np.ndarray, "interval channel"]


class Rows(NamedTuple):
    """Which rows of an events table are trials."""

    column: str
    labels: tuple[str, ...]
    only: bool  # those with one of these labels; False: those with another one


class Task(NamedTuple):
    """A task is data plus one function that decodes an events table."""

    name: str
    bids_name: str  # the task entity without its phase-encoding suffix: "hammer", "stroop"
    channels: int  # sensory inputs that `decode` fills
    actions: tuple[str, ...]
    available: tuple[bool, ...]  # channels that are buttons in this task
    conditions: tuple[str, ...]
    contrast: tuple[str, str]  # (more, less), for the GLM and for the RT effect
    columns: tuple[str, ...]  # events columns that must exist
    numeric: tuple[str, ...]  # of these, the ones that hold numbers or n/a
    decode: Callable[[Any], tuple[Trials, StimulusEvents]]
    required: tuple[str, ...] = ("onset",)  # numeric columns in which n/a is an error
    cues: tuple[int, ...] = ()  # channels of instructions, which hold until the next
    flags: tuple[float, ...] = (0.0,)  # further inputs, which tell tasks apart
    rows: Rows | None = None  # None: every row is a trial


class Run(NamedTuple):
    """One run of one task for all people, on the host."""

    task: Task
    name: str  # BIDS entities: "stroopAP_run-01"
    trials: Trials  # [people, trial]
    stimulus: Float[np.ndarray, "people time input"]
    bold: Float[np.ndarray, "people volume region"]
    bold_mask: Bool[np.ndarray, "people volume"]
    present: Bool[np.ndarray, " people"]  # has behaviour in this run


class Cohort(NamedTuple):
    """People as the readers hand them on: one row a person in every field.

    `other_connectomes` are of the same people scanned again, from other rest runs than the first,
    with zeros for who has none (`other_present` is False). Both are None where nobody has one.
    """

    # pandas.DataFrame by participant_id: age, sex, site, group, family, motion_mm
    participants: Any
    connectomes: Float[np.ndarray, "people edge"]
    runs: tuple[Run, ...]
    regions: tuple[str, ...]
    parcels: int
    repetition_time_s: float
    connectome_source: str  # "measured" or "simulated"
    bold_source: str  # "measured", "simulated" or "none"
    other_connectomes: Float[np.ndarray, "people edge"] | None = None
    other_present: Bool[np.ndarray, " people"] | None = None


class Sequences(NamedTuple):
    """One run as the twin sees it, on the device; leading axes: people, runs.

    `press[t, a]`: at step t a press was made that may have been action a.
    `at_risk[t]`: a press was awaited at step t (up to and including the press itself).
    """

    stimulus: Float[Array, "*batch time input"]
    press: Float[Array, "*batch time action"]
    at_risk: Float[Array, "*batch time"]
    available: Float[Array, "*batch action"]
    bold: Float[Array, "*batch time region"]
    bold_mask: Float[Array, "*batch time"]
