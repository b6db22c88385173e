"""Twins of a stated size with made-up data: the work does not depend on what the numbers are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax import Sequences, TrainConfig, make_twin
from dtb_jax.twin.response import pulse_count, pulse_loss
from dtb_jax.twin.rnn import weight_count
from dtb_jax.twin.step import Progress, State, initial_state, train_step
from dtb_jax.twin.twin import Twin

INPUTS, ACTIONS, REGIONS = 9, 3, 20
OUTPUTS = ACTIONS + REGIONS
PAPER = TrainConfig(
    batch_people=25,
    segments=1,
    learning_rate=1e-6,
    decay=False,
    clip_norm=0.0,
    bold_weight=1.0,
    bold_warmup_steps=0,
    action_loss=pulse_loss,
    action_count=pulse_count,
)
"""The paper's loss and optimiser: what a race against PyTorch is about."""

CALM = 0.3
"""Of the paper's initial weights: with all of them 400 units are chaotic (SD .084, spectral radius
1.7), and outputs of two programs that round otherwise can not be compared after 262 steps."""


class Size(NamedTuple):
    """How much is computed at once."""

    people: int
    stretches: int
    steps: int = 262
    units: int = 400
    edges: int = 93_961
    width: int = 200

    def recurrence_flops(self, passes: int) -> float:
        """Of the recurrence's products; `passes` 1 for outputs, 3 for a training step."""
        return passes * 2.0 * self.people * self.stretches * self.steps * self.units**2

    def parameters(self) -> int:
        """Trained numbers of the paper's form."""
        weights = weight_count(INPUTS, self.units, OUTPUTS)
        inner = (self.edges + 1) * self.width + (self.width + 1) * self.width
        return inner + (self.width + 1) * weights


class Subject(NamedTuple):
    """A twin, its state and what it is trained on."""

    twin: Twin
    state: State
    settings: TrainConfig
    features: jax.Array
    runs: Sequences


def make(size: Size, *, paper_form: bool = True) -> Subject:
    """A twin in the paper's form (or the recipe's) and random runs that are cut nowhere."""
    rng = np.random.default_rng(0)
    features = jnp.asarray(rng.normal(size=(size.people, size.edges)), jnp.float32)
    sizes: dict[str, Any] = {"width": size.width, "actions": ACTIONS}
    if paper_form:
        sizes |= {"base": False, "scale": 1.0, "gain": 1.0}
    twin = make_twin(features, inputs=INPUTS, units=size.units, outputs=OUTPUTS, **sizes)
    base = PAPER if paper_form else TrainConfig()
    settings = replace(base, segments=1, segment_steps=size.steps)
    state = initial_state(twin, settings, key=jax.random.key(0))
    if paper_form:
        state.params["params"]["Dense_2"] = jax.tree.map(
            lambda leaf: CALM * leaf, state.params["params"]["Dense_2"]
        )
    return Subject(twin, state, settings, features, random_runs(rng, size))


def stepper(subject: Subject) -> Callable[..., Progress]:
    """A function that trains on everybody (or on chosen rows) and goes on from where it was."""
    held = {"state": subject.state}
    key, rate = jax.random.key(1), jnp.asarray(subject.settings.learning_rate)
    compiled = {"hypernet": subject.twin.hypernet, "settings": subject.settings}
    everybody = jnp.arange(len(subject.features))

    def step(people=everybody):
        weight = jnp.ones(len(people))
        held["state"], shown = train_step(
            held["state"], subject.features, subject.runs, people, weight, rate, key, **compiled
        )
        return shown

    return step


def random_runs(rng: np.random.Generator, size: Size) -> Sequences:
    """Stretches [people, stretch, time, ...] with a press every 40 steps."""
    shape = (size.people, size.stretches, size.steps)
    press = np.zeros((*shape, ACTIONS), np.float32)
    press[:, :, 20::40, 0] = 1
    return Sequences(
        stimulus=jnp.asarray(rng.uniform(size=(*shape, INPUTS)), jnp.float32),
        press=jnp.asarray(press),
        at_risk=jnp.ones(shape, jnp.float32),
        available=jnp.ones((*shape[:2], ACTIONS), jnp.float32),
        bold=jnp.asarray(rng.normal(size=(*shape, REGIONS)), jnp.float32),
        bold_mask=jnp.ones(shape, jnp.float32),
    )
