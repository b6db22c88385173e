"""One person's presses and BOLD: what the twin answers, and how likely it is what was seen."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from dtb_jax.models.mixed_effects.items import with_items
from dtb_jax.models.mixed_effects.likelihood import Attended, Noise, attended, bold_loss
from dtb_jax.models.mixed_effects.network import Person, chunked_unroll, haemodynamic
from dtb_jax.models.mixed_effects.observed import Observed
from dtb_jax.twin.twin import split_outputs
from dtb_jax.types import Array


class Method(NamedTuple):
    """How a population is learned."""

    updates: int = 750  # of each seed
    least_epochs: int = 6  # everybody is seen so often, however many they are
    batch_people: int = 8
    learning_rate: float = 8e-3
    people_rate: float = 0.08
    warmup_steps: int = 30
    clip_norm: float = 1.0
    piece: int = 250  # steps, at most: as many whole volumes as fit
    before: int = 50  # steps in which a piece forgets that it begins
    bold_weight: float = 1.0  # 0: behaviour alone
    lapse: float = -7.0  # logit, to begin with; -40: none, for ever
    inattention: float = -4.0  # logit of unattended trials, to begin with; -40: none

    def epochs(self, people: int) -> int:
        """Times that everybody is seen."""
        return max(self.least_epochs, -(-self.updates // self.updates_of_epoch(people)))

    def updates_of_epoch(self, people: int) -> int:
        """Batches in which everybody is once."""
        return -(-people // min(self.batch_people, people))


class Common(NamedTuple):
    """What is common to all people."""

    network: Any  # parameters of `Population`
    lapse: Float[Array, ""]  # logit
    items: Float[Array, "item 2"]  # see `items`; the first is no item


def answers(
    person: Person, observed: Observed, method: Method
) -> tuple[Float[Array, "run time action"], Float[Array, "run volume region"]]:
    """Action logits, without what items add, and BOLD of one person's runs."""
    run = partial(chunked_unroll, person.network, piece=method.piece, before=method.before)
    logits, neural = split_outputs(
        jax.vmap(run)(observed.run.stimulus), observed.run.press.shape[-1]
    )
    per_volume = observed.run.stimulus.shape[1] // max(observed.bold.shape[1], 1)
    return logits, jax.vmap(haemodynamic, in_axes=(0, None, None))(
        neural, person.delay_s, per_volume
    )


def press_loss(
    logits: Float[Array, "run time action"],
    inattention: Float[Array, "run time"],
    observed: Observed,
    common: Common,
) -> Float[Array, ""]:
    """Negative log likelihood of one person's presses, from logits with what items add."""
    each = jax.vmap(attended, in_axes=(0, 0, 0, None, 0))
    trials = each(logits, observed.run, observed.shown.trial, common.lapse, inattention)
    return jnp.sum(jax.vmap(Attended.loss)(trials))


def person_loss(
    person: Person,
    common: Common,
    observed: Observed,
    scanner_noise: Noise,
    method: Method,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Negative log likelihood of one person's presses, and of their BOLD."""
    logits, bold = answers(person, observed, method)
    logits = with_items(logits, common.items, observed.shown)
    steps = jnp.full(logits.shape[:2], person.inattention)
    presses = press_loss(logits, steps, observed, common)
    return presses, bold_loss(scanner_noise.residual(observed.bold - bold, observed.mask))
