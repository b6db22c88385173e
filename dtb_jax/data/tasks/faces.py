"""Emotional Faces (Hariri's matching task): which lower picture is the same as the one on top?"""

import re
import zlib

import numpy as np
import pandas as pd

from dtb_jax.data.tasks.task import numbered, possible_actions, pressed_in_window
from dtb_jax.types import StimulusEvents, Task, Trials

POSITIONS = ("stimTop", "stimLeft", "stimRight")
WINDOW_S = 1.95
"""Seconds in which a press counts; TCP's recorded durations of this task are broken for one person,
so the window is a constant of the design (latest press: 1.948 s)."""
SHAPES = {"circle": (1.0, 1.0), "oval-horizontal": (1.0, 0.0), "oval-vertical": (0.0, 1.0)}


def decode(events: pd.DataFrame) -> tuple[Trials, StimulusEvents]:
    """Trials and sensory intervals of one run: 2 cue channels, then 3 positions x 2 channels.

    A face is (identity bit, emotion bit), each drawn from U[0, .1] or U[.9, 1], fixed by its file
    name; a shape is a 0/1 code. The correct side shows the same file as the top. A duration of 0 or
    n/a is none: the pictures then are on for WINDOW_S.

    Args:
        events: a run's events table, numbers as floats, `n/a` as NaN.

    Returns: `Trials` [trial] and `StimulusEvents` with 8 channels.

    Raises: ValueError when neither or both sides equal the top, a picture is not understood, or
        times look like another unit.

    Source: Takahashi et al. 2026, Inputs; the identity bit: see `identity_bits`.
    """
    names = events[list(POSITIONS)].map(lambda text: str(text).strip())
    left, right = (names["stimTop"] == names[side] for side in POSITIONS[1:])
    undecided = (left == right).to_numpy()
    if undecided.any():
        row = int(np.flatnonzero(undecided)[0])
        raise ValueError(
            f"columns stimTop, stimLeft, stimRight, row {names.index[row] + 2}: "
            f"found {tuple(names.iloc[row])}, expected exactly one side equal to the top"
        )
    onset, duration = (events[c].to_numpy(float) for c in ("onset", "duration"))
    duration = np.where(np.nan_to_num(duration) > 0, duration, WINDOW_S)
    response_time = events["response_time"].to_numpy(float)
    window = np.full(len(onset), WINDOW_S)
    answered = pressed_in_window(response_time, window, "response_time")
    accuracy = events["accuracy_binarized"].to_numpy(float)
    correct = right.to_numpy().astype(int)
    condition = _conditions(events["trial_type"])
    trials = Trials(
        onset_s=onset,
        deadline_s=window,
        duration_s=duration,
        condition=condition,
        item=numbered([tuple(row) for row in names.to_numpy()]),
        correct=correct,
        possible=possible_actions(correct, answered, accuracy == 1, FACES.available),
        response_time_s=np.where(np.isnan(response_time), 0.0, response_time),
        answered=answered,
        present=~answered | np.isfinite(accuracy),
    )
    codes = picture_codes(names, condition)
    pictures = np.concatenate([np.zeros((len(onset), 2)), codes], axis=1)
    cue_start, cue_stop = (events[c].to_numpy(float) for c in ("cueStartTime", "cueEndTime"))
    cued = np.isfinite(cue_start) & np.isfinite(cue_stop)
    cue = np.zeros((cued.sum(), 8))
    cue[np.arange(cued.sum()), 1 - condition[cued]] = 1  # channel 0: match faces, 1: match shapes
    return trials, StimulusEvents(
        np.concatenate([cue_start[cued], onset]),
        np.concatenate([cue_stop[cued], onset + duration]),
        np.concatenate([cue, pictures]),
    )


def picture_codes(names: pd.DataFrame, condition: np.ndarray) -> np.ndarray:
    """Two numbers a picture, [trial, 6]: top, left, right."""
    faces = names[condition == 1]
    identity = identity_bits(list(zip(faces["stimLeft"], faces["stimRight"], strict=True)))
    code = {name: _face_code(name, bit) for name, bit in identity.items()}
    for name in np.unique(names[condition == 0]):
        stem = name.rsplit(".", 1)[0]
        if stem not in SHAPES:
            raise ValueError(f"picture {name!r}: expected a shape, one of {', '.join(SHAPES)}")
        code[name] = SHAPES[stem]
    return np.array([[v for name in row for v in code[name]] for row in names.to_numpy()])


def identity_bits(pairs: list[tuple[str, str]]) -> dict[str, int]:
    """A bit a face so that the two faces of every pair differ.

    Both choices mostly share emotion and sex, so only identity tells them apart. In TCP the faces
    and the pairs they were shown in form a bipartite graph, which a two-colouring solves with one
    bit. Each connected part starts with 0 at its alphabetically first face.

    Raises: ValueError when no such bits exist (a cycle of odd length).
    """
    neighbours: dict[str, set[str]] = {}
    for left, right in pairs:
        neighbours.setdefault(left, set()).add(right)
        neighbours.setdefault(right, set()).add(left)
    bits: dict[str, int] = {}
    for first in sorted(neighbours):
        if first in bits:
            continue
        bits[first] = 0
        waiting = [first]
        while waiting:
            face = waiting.pop()
            for other in sorted(neighbours[face]):
                if other not in bits:
                    bits[other] = 1 - bits[face]
                    waiting.append(other)
                elif bits[other] == bits[face]:
                    raise ValueError(
                        f"faces {face!r} and {other!r} are shown as a pair but need equal identity "
                        "bits: this design cannot be told apart by one bit an identity"
                    )
    return bits


def _face_code(name: str, identity: int) -> tuple[float, float]:
    """(identity, emotion), jittered within .1 by a generator seeded with the file name."""
    emotion = re.match(r"\d+[FM]_(FE|AN)_|[FM]([FA])[A-Z]_\d+", name, flags=re.IGNORECASE)
    if emotion is None:
        raise ValueError(f"picture {name!r}: expected a face name such as 07F_AN_O or FAZ_23")
    angry = (emotion[1] or emotion[2])[0].upper() == "A"
    jitter = np.random.default_rng(zlib.crc32(name.encode())).uniform(0, 0.1, 2)
    return 0.9 * identity + jitter[0], 0.9 * angry + jitter[1]


def _conditions(trial_type: pd.Series) -> np.ndarray:
    text = trial_type.astype(str).str.strip().str.lower()
    unknown = ~text.isin(FACES.conditions)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"column trial_type, row {trial_type.index[row] + 2}: found {trial_type.iloc[row]!r}, "
            f"expected one of {', '.join(FACES.conditions)}"
        )
    return text.map(FACES.conditions.index).to_numpy(int)


FACES = Task(
    name="faces",
    bids_name="hammer",
    channels=8,
    actions=("left", "right", "unused"),
    available=(True, True, False),
    conditions=("shape", "face"),
    contrast=("face", "shape"),
    columns=(
        "onset",
        "duration",
        "trial_type",
        "response_time",
        "accuracy_binarized",
        "cueStartTime",
        "cueEndTime",
        *POSITIONS,
    ),
    numeric=(
        "onset",
        "duration",
        "response_time",
        "accuracy_binarized",
        "cueStartTime",
        "cueEndTime",
    ),
    decode=decode,
    cues=(0, 1),
)
