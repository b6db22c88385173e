"""Whose turn it is where the next trial begins before a press is late.

A network has one stream of presses, so a press is awaited for one trial at a time. Where trials
follow each other faster than their windows, a trial's turn ends with the next onset. A press after
that belongs to its own trial all the same: it counts as made in the last step of the turn, which
so stands for "then or later". Turns never overlap, and depend on the trial list alone, so that they
are the same in training and for people who are only predicted.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def until_s(onset_s, deadline_s, present) -> Any:
    """When the next trial takes over, seconds of the run, [trial]; inf where the deadline is first.

    Trials that begin at the same time share their turn.

    Args:
        onset_s, deadline_s, present: one run's trials in any order, [trial]; NumPy or JAX.
    """
    xp = jnp if isinstance(onset_s, jax.Array) else np
    begins = xp.where(present, onset_s, xp.inf)
    sequence = xp.sort(begins)
    following = xp.append(sequence, xp.inf)[xp.searchsorted(sequence, begins, side="right")]
    # windows that meet in single precision do not overlap
    return xp.where(following + 1e-3 < onset_s + deadline_s, following, xp.inf)
