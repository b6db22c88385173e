"""Edits of simulated people sent through what causes them: did the wish come true?

An edit is a difference in Fisher z; it is added to the person's noise-free connectome.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import roc_auc_score

from dtb_jax.evaluation.figures import Figure, Resampled, figure, mean_figure, resample
from dtb_jax.evaluation.linear import ridge
from dtb_jax.groundtruth.causes import edge_blocks
from dtb_jax.groundtruth.parameters import Residual
from dtb_jax.groundtruth.people import People
from dtb_jax.groundtruth.truth import Truth
from dtb_jax.interventions.edits import in_parts
from dtb_jax.interventions.trial import Arm
from dtb_jax.types import Array

TRUE = {
    "faces_bold": "affective",
    "faces_rt_s": "faces_rt_s",
    "stroop_rt_s": "stroop_rt_s",
    "faces_effect_s": "faces_effect_s",
    "stroop_effect_s": "stroop_effect_s",
}
"""The truth's name of each indicator it knows."""
MATTERS = 0.95
"""Causal blocks and edges are those with the largest share of the true gradient, up to this."""


class Known(NamedTuple):
    """What the truth says of some people: what is stable in them, without any run's own part."""

    truth: Truth
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


def know(truth: Truth, people: People, connectomes: Float[np.ndarray, "people edge"]) -> Known:
    """The truth of these people.

    Args:
        truth, people: see `groundtruth.people.load_truth`; rows as in `connectomes`.
        connectomes: noise-free edges.
    """
    own = people.residual
    residual = Residual(*(np.asarray(part, np.float32) for part in own))
    residual = residual._replace(run=0 * residual.run, slope=0 * residual.slope)
    before = _true(truth, connectomes, residual)
    sd = {name: float(values.std()) for name, values in before.items()}
    return Known(truth, residual, connectomes, before, sd)


def _true(truth: Truth, connectomes: np.ndarray, residual: Residual) -> dict[str, np.ndarray]:
    def told(edges, *residual):
        return _indicators(truth, edges, Residual(*residual))

    found = in_parts(told, connectomes, *residual)
    return {name: found[name].astype(float) for name in TRUE}


@jax.jit
def _indicators(truth: Truth, connectomes, residual):
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
def _slope(truth: Truth, connectomes, residual, scale, *, names):
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
) -> dict[str, Figure]:
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
) -> Figure:
    """Mean of one over mean (or root mean square) of the other, paired over people."""
    kept = np.isfinite(one) & np.isfinite(other)
    one, other = np.where(kept, one, 0), np.where(kept, other, 0)

    def of(w):
        below = np.sqrt((w @ other**2) * w.sum(1)) if root_mean_square else w @ other
        return _divided(w @ one, below)

    return figure(of, kept, resample(np.zeros(len(one), int)))


def difference(one: Float[np.ndarray, " people"], other: Float[np.ndarray, " people"]) -> Figure:
    """Mean of one minus the other, paired over people."""
    return mean_figure(one - other, np.isfinite(one - other))


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, where=np.abs(below) > 1e-12, out=np.full(len(above), np.nan))


def onto_blocks(
    edges: Float[np.ndarray, "people edge"], networks: Sequence[str]
) -> Float[np.ndarray, "people block"]:
    """1'e / sqrt(n) of each pair of networks: the part of an edit that shifts the whole block."""
    block, _ = edge_blocks(networks)
    return np.stack([np.bincount(block, row) for row in edges]) / np.sqrt(np.bincount(block))


def causal(strength: Float[np.ndarray, " part"], share: float) -> Bool[np.ndarray, " part"]:
    """The largest parts that make up this share of the sum of squares; 1: all that are not 0."""
    order = np.argsort(-strength)
    total = np.cumsum(strength[order] ** 2)
    chosen = np.zeros(len(strength), bool)
    if total[-1] > 0:
        chosen[order[: np.searchsorted(total, share * total[-1] * (1 - 1e-9)) + 1]] = True
    return chosen & (strength > 1e-9 * strength.max())


def block_auc(
    edits: Float[np.ndarray, "people edge"],
    gradients: Float[np.ndarray, "people edge"],
    networks: Sequence[str],
    drawn: Resampled,
) -> dict[str, Figure]:
    """How well the mean edit finds the blocks that cause the wished change.

    Args:
        edits: designed.
        gradients: see `true_gradient`.
        networks: a label a parcel.
        drawn: of the people.

    Returns: AUC over blocks of |mean of `onto_blocks`|: `block_auc`, of the blocks that `MATTERS`;
        `block_auc_all`, of all blocks with any effect. Undefined where nothing causes anything.
    """
    onto = onto_blocks(edits, networks)
    truly = np.abs(onto_blocks(gradients.mean(axis=0, keepdims=True), networks)[0])

    def auc(chosen):
        def of(w):
            mean = np.abs(w @ onto)
            return np.array([roc_auc_score(chosen, row) for row in mean])

        if not chosen.any() or chosen.all():
            return Figure(None, n=len(edits))
        return figure(of, np.ones(len(edits), bool), drawn)

    return {
        "block_auc": auc(causal(truly, MATTERS)),
        "block_auc_all": auc(causal(truly, 1.0)),
    }


def precision_at_k(
    strength: Float[np.ndarray, " edge"], chosen: Bool[np.ndarray, " edge"]
) -> float:
    """Share of causal edges among as many of the strongest."""
    k = int(chosen.sum())
    return float(chosen[np.argsort(-strength)[:k]].mean()) if k else float("nan")


def ridge_map(
    connectomes: Float[np.ndarray, "people edge"], observed: Float[np.ndarray, " people"]
) -> Float[np.ndarray, " edge"]:
    """Weights of the ridge that tells an observed indicator, X' (X X')+ (told - mean)."""
    known = np.isfinite(observed)
    features = connectomes[known]
    told = ridge(features, observed[known, None], features)[:, 0]
    centred = features - features.mean(axis=0)
    kernel = centred.astype(float) @ centred.T
    weights = np.linalg.pinv(kernel, rcond=1e-9, hermitian=True) @ (told - told.mean())
    return centred.T @ weights.astype(np.float32)
