"""Whose turn it is where the next trial begins before a press is late.

A network has one stream of presses, so a press is awaited for one trial at a time. Where trials
follow each other faster than their windows, a trial's turn ends `EARLIEST_S` after the next onset:
so soon nobody reacts to what has just been shown, and such a press is a late one of the trial
before. Each trial's likelihood then is that of its own turn: a press in it, or none until its end
(right-censored, as an omission is at the deadline). Turns never overlap, and depend on the trial
list alone, so that they are the same in training and for people who are only predicted.

Source: Whelan 2008 (presses within .1 to .2 s are no reactions); Cox 1972 (censoring).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

EARLIEST_S = 0.2


class Turns(NamedTuple):
    """Seconds of the run, [trial]."""

    opens_s: Any  # the onset, or when the trial before has had its turn
    until_s: Any  # when the next trial takes over; inf where the deadline comes first


def turns(onset_s, deadline_s, present) -> Turns:
    """When each trial's press is awaited.

    close_k = min(onset_k + deadline_k, next onset + EARLIEST_S);  open_k = max(onset_k, close_j)
    over all trials j before. Trials that begin at the same time share their turn.

    Args:
        onset_s, deadline_s, present: one run's trials in any order, [trial]; NumPy or JAX.

    Returns: `Turns`; where no windows overlap, onsets and inf.
    """
    xp = jnp if isinstance(onset_s, jax.Array) else np
    begins = xp.where(present, onset_s, xp.inf)
    order = xp.argsort(begins)
    sequence = begins[order]
    late = xp.append(sequence, xp.inf)[xp.searchsorted(sequence, begins, side="right")]
    late = late + EARLIEST_S
    until_s = xp.where(late < onset_s + deadline_s, late, xp.inf)
    closes = xp.where(present, xp.minimum(onset_s + deadline_s, until_s), -xp.inf)
    latest = xp.append(-xp.inf, xp.maximum.accumulate(closes[order]))
    before = latest[xp.searchsorted(sequence, begins, side="left")]
    # windows that meet in single precision do not overlap
    return Turns(xp.where(before > onset_s + 1e-3, before, onset_s), until_s)
