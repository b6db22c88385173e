"""Action channels as behaviour: two likelihoods to train with, one reading of choice and time.

Both ways share one interface: a loss over steps and a per-step probability of each press.

- hazard: at every step at risk the person presses one action or none,
  p(a | no press before) = exp(y_a) / (1 + sum_b exp(y_b)).
- pulses (the paper): every channel is an independent sigmoid, 1 at the press and 0 elsewhere.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from dtb_jax.twin.windows import until_s
from dtb_jax.types import STEP_S, Array, Sequences


class Response(NamedTuple):
    """A predicted answer to every trial."""

    choice_probability: Float[Array, "trial action"]  # given that there is a press
    omission_probability: Float[Array, " trial"]
    reaction_time_s: Float[Array, " trial"]  # expected, given that there is a press
    reaction_time_sd_s: Float[Array, " trial"]
    density: Float[Array, "trial window action"]  # P(press this action at this step)


class Windows(NamedTuple):
    """Which steps of a stretch of time each trial may be answered in."""

    steps: Int[Array, "trial window"]  # step index, clipped to the stretch
    open: Float[Array, "trial window"]  # 1 inside the trial's window and turn
    time_s: Float[Array, "trial window"]  # middle of the step, seconds after onset


def windows(
    onset_s, deadline_s, present, start_s: float | Float[Array, ""], steps: int, length: int
) -> Windows:
    """Response windows of trials, in steps of a stretch that begins at `start_s`.

    Where windows overlap, of each only its trial's turn is open, see `turns`.

    Args:
        onset_s, deadline_s, present: one run's trials, [trial]; all that were shown.
        start_s: when the stretch begins, in seconds of the run.
        steps: length of the stretch.
        length: steps of the longest window; a static number.

    Returns: `Windows` [trial, length].
    """
    first = jnp.floor((onset_s - start_s) / STEP_S + 1e-6)
    offset = jnp.arange(length, dtype=first.dtype)
    index = first[:, None] + offset[None, :]
    inside = (index >= 0) & (index < steps) & (offset[None, :] * STEP_S < deadline_s[:, None])
    inside &= index <= last_step(onset_s, deadline_s, present, start_s)[:, None]
    time = (index + 0.5) * STEP_S + start_s - onset_s[:, None]
    return Windows(
        jnp.clip(index, 0, steps - 1).astype(jnp.int32),
        (inside & present[:, None]).astype(jnp.float32),
        time.astype(jnp.float32),
    )


def last_step(onset_s, deadline_s, present, start_s) -> Float[Array, " trial"]:
    """The last step of each trial's turn, see `turns`; inf where no next onset ends it.

    Args:
        onset_s, deadline_s, present, start_s: see `windows`.
    """
    first = jnp.floor((onset_s - start_s) / STEP_S + 1e-6)
    taken = jnp.floor((until_s(onset_s, deadline_s, present) - start_s) / STEP_S + 1e-6)
    return jnp.maximum(taken - 1, first)


def log_hazards(
    logits: Float[Array, "*time action"], available: Float[Array, " action"]
) -> tuple[Float[Array, "*time action"], Float[Array, "*time"]]:
    """log p(press a) and log p(no press) at every step; unavailable actions never happen."""
    logits = jnp.where(available > 0, logits, -jnp.inf)
    none = jnp.zeros((*logits.shape[:-1], 1), logits.dtype)
    log_p = jax.nn.log_softmax(jnp.concatenate([none, logits], axis=-1), axis=-1)
    return log_p[..., 1:], log_p[..., 0]


def hazard_loss(logits: Float[Array, "time action"], run: Sequences) -> Float[Array, ""]:
    """Negative log likelihood of one stretch, summed over its trials.

    -sum_t at_risk_t [pressed_t log sum_{a possible} p_t(a) + (1 - pressed_t) log p_t(no press)].
    An omission is survival to the deadline; an unknown wrong button is summed over.
    """
    return -jnp.sum(steps_likelihood(*log_hazards(logits, run.available), run))


def steps_likelihood(
    log_press: Float[Array, "time action"], log_none: Float[Array, " time"], run: Sequences
) -> Float[Array, " time"]:
    """Log likelihood of what happens at every step, 0 where nothing may, see `log_hazards`."""
    pressed = jnp.any(run.press > 0, axis=-1)
    # The unused branch must stay finite, or its zero weight turns its gradient into NaN.
    possible = jnp.where(pressed[..., None], run.press > 0, run.available > 0)
    log_possible = jax.nn.logsumexp(jnp.where(possible, log_press, -1e30), axis=-1)
    return run.at_risk * jnp.where(pressed, log_possible, log_none)


def pulse_loss(logits: Float[Array, "time action"], run: Sequences) -> Float[Array, ""]:
    """The paper's binary cross-entropy, summed over steps and channels.

    -sum_{t, a} [z log s(y) + (1 - z) log (1 - s(y))], z = 1 at the press. Steps whose button is
    unknown are left out.
    """
    known = (jnp.sum(run.press, axis=-1, keepdims=True) <= 1).astype(logits.dtype)
    entropy = jax.nn.softplus(logits) - run.press * logits
    return jnp.sum(known * entropy)


def pulse_count(run: Sequences) -> Float[Array, ""]:
    """Number of known steps x channels in a stretch: what `pulse_loss` is averaged over."""
    known = jnp.sum(run.press, axis=-1) <= 1
    return jnp.sum(known) * float(run.press.shape[-1])


def press_count(run: Sequences) -> Float[Array, ""]:
    """Number of answered trials in a stretch: what `hazard_loss` is averaged over."""
    return jnp.sum(run.at_risk * jnp.any(run.press > 0, axis=-1))


def read_hazard(
    logits: Float[Array, "time action"], available: Float[Array, " action"], windows: Windows
) -> Response:
    """P(choice), P(omission) and E[RT] of every trial from competing hazards.

    S_k = prod_{j<k} p_j(no press);  f_k(a) = S_k p_k(a);  P(omission) = S_K;
    P(a) = sum_k f_k(a) / (1 - P(omission));  E[RT] = sum_k t_k sum_a f_k(a) / (1 - P(omission)).

    Args:
        logits: action channels over the stretch.
        available: which channels are buttons.
        windows: the trials' response windows in this stretch.

    Returns: `Response` [trial].
    """
    return read_hazards(*log_hazards(logits, available), windows)


def read_hazards(
    log_press: Float[Array, "time action"], log_none: Float[Array, " time"], windows: Windows
) -> Response:
    """`read_hazard` from hazards of any kind, see `log_hazards`."""
    log_none = windows.open * log_none[windows.steps]
    log_survival = jnp.cumsum(log_none, axis=1) - log_none
    density = jnp.exp(log_survival[..., None] + log_press[windows.steps])
    density = density * windows.open[..., None]
    return summarise(density, jnp.exp(jnp.sum(log_none, axis=1)), windows)


def read_pulses(
    logits: Float[Array, "time action"], available: Float[Array, " action"], windows: Windows
) -> Response:
    """The same summary from independent pulses: expected press time, weighted by activation.

    f_k(a) = s(y_k(a)) / sum_{k, b} s(y_k(b));  P(omission) = prod_{k, a} (1 - s(y_k(a))).
    """
    log_off = jnp.where(available > 0, jax.nn.log_sigmoid(-logits), 0.0).sum(axis=-1)
    density = jnp.where(available > 0, jax.nn.sigmoid(logits), 0.0)[windows.steps]
    density = density * windows.open[..., None]
    omission = jnp.exp(jnp.sum(windows.open * log_off[windows.steps], axis=1))
    return summarise(density, omission, windows)


def summarise(
    density: Float[Array, "trial window action"],
    omission: Float[Array, " trial"],
    windows: Windows,
) -> Response:
    """`Response` from how likely each press at each step is, up to a factor a trial."""
    total = jnp.maximum(jnp.sum(density, axis=(1, 2)), 1e-30)
    share = density / total[:, None, None]
    when = jnp.sum(share, axis=2)
    mean = jnp.sum(when * windows.time_s, axis=1)
    variance = jnp.sum(when * (windows.time_s - mean[:, None]) ** 2, axis=1)
    return Response(
        jnp.sum(share, axis=1),
        omission,
        mean,
        jnp.sqrt(variance + 1e-12),
        share * (1 - omission)[:, None, None],
    )


def log_likelihood(
    response: Response,
    possible: Bool[Array, "trial action"],
    answered: Bool[Array, " trial"],
    press_step: Int[Array, " trial"],
) -> Float[Array, " trial"]:
    """log P of what was done on each trial, its time to the step of 80 ms.

    An omission: log P(omission). A press: log sum_{a possible} P(a at the step of the press); at
    least log 1e-6, since one press outside every window must not outweigh all others.

    Args:
        response: what is expected.
        possible: actions that the record allows.
        answered: False for omissions.
        press_step: of the window in which it was pressed.
    """
    length = response.density.shape[1]
    step = jnp.clip(press_step, 0, length - 1)
    at_press = response.density[jnp.arange(len(step)), step]
    inside = (press_step >= 0) & (press_step < length)
    pressed = jnp.sum(jnp.where(possible & inside[:, None], at_press, 0), axis=1)
    return jnp.log(jnp.maximum(jnp.where(answered, pressed, response.omission_probability), 1e-6))


def time_quantiles(
    response: Response, levels: Float[Array, " level"]
) -> Float[Array, "trial level"]:
    """Quantiles of the reaction time given a press, in seconds, linear within a step of 80 ms."""
    when = jnp.sum(response.density, axis=2)
    reached = jnp.cumsum(when, axis=1) / jnp.maximum(jnp.sum(when, axis=1, keepdims=True), 1e-30)
    end_s = (jnp.arange(when.shape[1]) + 1) * STEP_S
    # The first step begins before the onset, by what the mean knows.
    share = when / jnp.maximum(jnp.sum(when, axis=1, keepdims=True), 1e-30)
    early_s = share @ (end_s - STEP_S / 2) - response.reaction_time_s

    def one(reached):
        share = jnp.concatenate([jnp.zeros(1), reached])
        time = jnp.concatenate([jnp.zeros(1), end_s])
        # ties (steps without any press) would leave the inverse undefined
        return jnp.interp(levels, share + 1e-7 * jnp.arange(len(share)), time)

    return jax.vmap(one)(reached) - early_s[:, None]


class Likelihood(NamedTuple):
    """How presses are learned and read."""

    loss: Callable[[Array, Sequences], Array]
    total: Callable[[Sequences], Array]  # what the loss is averaged over
    read: Callable[..., Response]


LIKELIHOODS = {
    "hazard": Likelihood(hazard_loss, press_count, read_hazard),
    "pulses": Likelihood(pulse_loss, pulse_count, read_pulses),
}
"""By the name that configs give them."""
