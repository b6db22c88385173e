"""Edits of simulated people sent through what causes them: did the wish come true?

An edit is a difference in Fisher z; it is added to the person's noise-free connectome.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.evaluation.figures import Estimate, figure, mean_figure, resample
from dtb_jax.interventions.edits import in_parts
from dtb_jax.interventions.trial import Arm
from dtb_jax.simulation.parameters import Residual
from dtb_jax.simulation.people import People
from dtb_jax.simulation.truth import CausalModel

TRUE = {
    "faces_bold": "affective",
    "faces_rt_s": "faces_rt_s",
    "stroop_rt_s": "stroop_rt_s",
    "faces_effect_s": "faces_effect_s",
    "stroop_effect_s": "stroop_effect_s",
}
"""The truth's name of each indicator it knows."""


class Known(NamedTuple):
    """What the truth says of some people: what is stable in them, without any run's own part."""

    truth: CausalModel
    residual: Residual
    connectomes: Float[np.ndarray, "people edge"]  # noise-free
    before: dict[str, Float[np.ndarray, " people"]]
    sd: dict[str, float]

    def after(
        self, edits: Float[np.ndarray, "people edge"]
    ) -> dict[str, Float[np.ndarray, " people"]]:
        """True indicators of the edited people."""
        return _true(self.truth, self.connectomes + edits, self.residual)

    def change_sd(
        self, edits: Float[np.ndarray, "people edge"]
    ) -> dict[str, Float[np.ndarray, " people"]]:
        """True changes in SD of the true indicators over people."""
        after = self.after(edits)
        return {name: (after[name] - self.before[name]) / self.sd[name] for name in after}


def know(
    truth: CausalModel, people: People, connectomes: Float[np.ndarray, "people edge"]
) -> Known:
    """The truth of these people.

    Args:
        truth, people: see `simulation.people.load_truth`; rows as in `connectomes`.
        connectomes: noise-free edges.
    """
    own = people.residual
    residual = Residual(*(np.asarray(part, np.float32) for part in own))
    residual = residual._replace(run=0 * residual.run, slope=0 * residual.slope)
    before = _true(truth, connectomes, residual)
    sd = {name: float(values.std()) for name, values in before.items()}
    return Known(truth, residual, connectomes, before, sd)


def _true(truth: CausalModel, connectomes: np.ndarray, residual: Residual) -> dict[str, np.ndarray]:
    def told(edges, *residual):
        return _indicators(truth, edges, Residual(*residual))

    found = in_parts(told, connectomes, *residual)
    return {name: found[name].astype(float) for name in TRUE}


@jax.jit
def _indicators(truth: CausalModel, connectomes, residual):
    told = jax.vmap(truth.true_indicators)(connectomes, residual)._asdict()
    return {name: told[true] for name, true in TRUE.items()}


def true_gradient(known: Known, arm: Arm) -> Float[np.ndarray, "people edge"]:
    """d/d edges of what the arm wishes for, sum over targets of sign / SD x true indicator."""
    signs = {name: float(np.sign(wished)) for name, wished in arm.targets_sd.items()}
    scale = jnp.asarray([sign / known.sd[name] for name, sign in signs.items()], jnp.float32)
    names = tuple(TRUE[name] for name in signs)

    def told(edges, *residual):
        return _slope(known.truth, edges, Residual(*residual), scale, names=names)

    return in_parts(told, known.connectomes, *known.residual)


@partial(jax.jit, static_argnames="names")
def _slope(truth: CausalModel, connectomes, residual, scale, *, names):
    def wished(edges, residual):
        told = truth.true_indicators(edges, residual)._asdict()
        return jnp.stack([told[name] for name in names]) @ scale

    return jax.vmap(jax.grad(wished))(connectomes, residual)


def cosine(
    one: Float[np.ndarray, "people edge"], other: Float[np.ndarray, "people edge"]
) -> Float[np.ndarray, " people"]:
    """Of each person's vectors; NaN where one is zero."""
    product = np.einsum("ij,ij->i", one, other, dtype=float)
    length = np.linalg.norm(one, axis=1).astype(float) * np.linalg.norm(other, axis=1)
    return np.divide(product, length, where=length > 0, out=np.full(len(one), np.nan))


def toward(
    arm: Arm, changes_sd: Mapping[str, Float[np.ndarray, "*any"]]
) -> Float[np.ndarray, "*any"]:
    """Mean change of the arm's targets in the wished direction, in SD."""
    return np.mean([np.sign(w) * changes_sd[name] for name, w in arm.targets_sd.items()], axis=0)


def per_length(
    known: Known, arm: Arm, edits: Float[np.ndarray, "people edge"]
) -> Float[np.ndarray, " people"]:
    """True wished change in SD for one unit of Fisher z; NaN without an edit."""
    length = np.linalg.norm(edits, axis=1)
    change = toward(arm, known.change_sd(edits))
    return np.divide(change, length, where=length > 0, out=np.full(len(edits), np.nan))


def slope_and_r(
    predicted: Float[np.ndarray, "people point"], true: Float[np.ndarray, "people point"]
) -> dict[str, Estimate]:
    """True on predicted changes over all people and points, bootstrapped over people.

    slope = cov(p, t) / var(p);  r = cov(p, t) / sqrt(var(p) var(t)).
    """

    def moments(w):
        n = w.sum(axis=1) * predicted.shape[1]
        p, t = (w @ part.sum(axis=1) / n for part in (predicted, true))
        pp, tt, pt = (
            w @ part.sum(axis=1) / n for part in (predicted**2, true**2, predicted * true)
        )
        return pp - p**2, tt - t**2, pt - p * t

    def slope(w):
        pp, _, pt = moments(w)
        return _divided(pt, pp)

    def r(w):
        pp, tt, pt = moments(w)
        return _divided(pt, np.sqrt(np.maximum(pp * tt, 0)))

    everybody = np.ones(len(predicted), bool)
    drawn = resample(np.zeros(len(predicted), int))
    return {"slope": figure(slope, everybody, drawn), "r": figure(r, everybody, drawn)}


def ratio(
    one: Float[np.ndarray, " people"],
    other: Float[np.ndarray, " people"],
    *,
    root_mean_square: bool = False,
) -> Estimate:
    """Mean of one over mean (or root mean square) of the other, paired over people.

    Undefined where the interval of the mean below holds 0; `difference` is defined even so.
    """
    below = mean_figure(other, np.isfinite(other))
    if not root_mean_square and (below.ci_low or 0) <= 0 <= (below.ci_high or 0):
        return Estimate(None, n=below.n)
    kept = np.isfinite(one) & np.isfinite(other)
    one, other = np.where(kept, one, 0), np.where(kept, other, 0)

    def of(w):
        below = np.sqrt((w @ other**2) * w.sum(1)) if root_mean_square else w @ other
        return _divided(w @ one, below)

    return figure(of, kept, resample(np.zeros(len(one), int)))


def difference(one: Float[np.ndarray, " people"], other: Float[np.ndarray, " people"]) -> Estimate:
    """Mean of one minus the other, paired over people."""
    return mean_figure(one - other, np.isfinite(one - other))


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, where=np.abs(below) > 1e-12, out=np.full(len(above), np.nan))
