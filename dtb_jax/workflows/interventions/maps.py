"""Which edges an arm's wish depends on, and whether that is so: deleting them changes it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.interventions import attribution
from dtb_jax.interventions.endpoints import Asked, NetworkOf, of_connectome
from dtb_jax.interventions.scene import SessionProtocol
from dtb_jax.interventions.study import Study
from dtb_jax.interventions.trial import Arm
from dtb_jax.types import Array
from dtb_jax.workflows.config import InterventionConfig

DELETED = (10, 100, 1000, 10000)
"""Edges that the test of faithfulness deletes."""
STEPS = 16
"""Of integrated gradients."""


class Wished(eqx.Module):
    """An arm's wish as one number of the connectome, sum of sign x indicator / SD."""

    network_of: NetworkOf
    scene: SessionProtocol
    asked: Asked = eqx.field(static=True)
    scale: tuple[tuple[str, float], ...] = eqx.field(static=True)

    @classmethod
    def of(cls, study: Study, arm: Arm) -> "Wished":
        """In the session in which edits are designed."""
        scale = [(name, float(np.sign(w) / study.sd[name])) for name, w in arm.targets_sd.items()]
        return cls(study.network_of, study.short, study.asked, tuple(scale))

    def __call__(self, connectome: Float[Array, " edge"]) -> Float[Array, ""]:
        """In SD, more is better."""
        told = of_connectome(self.network_of, connectome, self.scene, self.asked)
        return jnp.sum(jnp.stack([scale * told[name] for name, scale in self.scale]))


def wished(arm: Arm, seen: dict[str, np.ndarray]) -> np.ndarray:
    """The arm's wish in what was observed of people, in SD; NaN where a part is unknown."""
    parts = [np.sign(w) * seen[name] / np.nanstd(seen[name]) for name, w in arm.targets_sd.items()]
    return np.sum(parts, axis=0)


def faithful(config: InterventionConfig, study: Study, arm: Arm) -> dict:
    """Deleting edges in the order of each attribution, and at random: mean change over people."""
    function = Wished.of(study, arm)
    few = jnp.asarray(study.connectomes[: min(config.edits.attributed, 16)])
    baseline = jnp.asarray(study.connectomes.mean(axis=0))
    noise = 0.1 * float(few.std())
    makes = {
        "gradient": lambda e, key: (e - baseline) * attribution.gradient(function, e),
        "smoothgrad": lambda e, key: (
            (e - baseline)
            * attribution.smoothgrad(function, e, key=key, samples=10, noise_sd=noise)
        ),
        "integrated_gradients": lambda e, key: attribution.integrated_gradients(
            function, e, baseline, steps=STEPS
        ),
    }
    keys = attribution.person_keys(jax.random.key(config.seed), len(few))
    counts = jnp.asarray([k for k in DELETED if k <= few.shape[1]])

    @eqx.filter_jit
    def chance(function, e, key):
        return attribution.random_deletions(function, e, baseline, counts, key=key, draws=20)

    lines = {}
    for name, make in makes.items():

        @eqx.filter_jit
        def one(function, e, key, make=make):
            # edges that add to the number: opposite ones would cancel when deleted together
            order = jnp.argsort(-make(e, key))
            return attribution.deletion(function, e, baseline, order, counts)

        each = [np.asarray(one(function, e, key)) for e, key in zip(few, keys)]
        lines[name] = np.mean(each, axis=0)
    drawn = np.stack([np.asarray(chance(function, e, key)) for e, key in zip(few, keys)])
    drawn = drawn.mean(axis=0)
    return {
        "counts": np.asarray(counts),
        "lines": lines,
        "random": np.percentile(drawn, [2.5, 50, 97.5], axis=0),
    }
