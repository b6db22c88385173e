"""Data small enough for tests, shared by several of them."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from dtb_jax import Sequences, TrainConfig, make_twin
from dtb_jax.simulation.atlas import choose_parcels
from dtb_jax.simulation.cohort import write_cohort
from dtb_jax.simulation.world import make_world


def write_small_cohort(out: Path, participants: int, parcels: int = 48, **options) -> Path:
    """Simulated people in TCP's layout, with short rest runs."""
    world = make_world(choose_parcels(parcels), seed=0)
    write_cohort(out, world, participants=participants, rest_volumes=240, **options)
    return out


PEOPLE, STEPS = 6, 80


def pressing_people():
    """Connectomes and runs of people who press the side on which something shows."""
    rng = np.random.default_rng(0)
    connectomes = rng.normal(size=(PEOPLE, 30)).astype(np.float32)
    stimulus = np.zeros((PEOPLE, 1, STEPS, 3), np.float32)
    press, at_risk = np.zeros((PEOPLE, 1, STEPS, 2)), np.zeros((PEOPLE, 1, STEPS))
    for i in range(PEOPLE):
        for onset in range(4, STEPS - 16, 20):
            side = rng.integers(2)
            stimulus[i, 0, onset : onset + 12, side] = 1
            press[i, 0, onset + 4 + i, side] = 1
            at_risk[i, 0, onset : onset + 5 + i] = 1
    runs = Sequences(
        jnp.asarray(stimulus),
        jnp.asarray(press, jnp.float32),
        jnp.asarray(at_risk, jnp.float32),
        jnp.ones((PEOPLE, 1, 2)),
        jnp.asarray(rng.normal(size=(PEOPLE, 1, STEPS, 2)), jnp.float32),
        jnp.ones((PEOPLE, 1, STEPS)),
    )
    return connectomes, runs


SETTINGS = TrainConfig(
    epochs=6, batch_people=4, segments=3, segment_steps=40, warmup_steps=2, bold_warmup_steps=10
)


def twin_of(connectomes):
    """Of these people, with two actions and two regions."""
    return make_twin(connectomes, inputs=3, units=8, outputs=4, actions=2, width=10)
