"""One person end to end, and the only place where `vmap` adds runs and people."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import equinox as eqx
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from dtb_jax.twin.hypernetwork import Hypernetwork
from dtb_jax.twin.rnn import MainNetwork, unroll_together
from dtb_jax.twin.sharding import by_device
from dtb_jax.types import Array, Sequences

Params = Any


class Twin(eqx.Module):
    """Everything that says how a connectome becomes outputs; `params` are kept apart.

    `centre`, `spread` and `basis` were fitted on training people only. Any Flax module from a
    vector of features to a `MainNetwork` can take the hypernetwork's place.
    """

    hypernet: nn.Module = eqx.field(static=True)
    centre: Float[Array, " edge"]
    spread: Float[Array, " edge"]
    basis: Float[Array, "edge feature"] | None = None

    def features(self, connectome: Float[Array, " edge"]) -> Float[Array, " feature"]:
        """What the hypernetwork sees, (e - centre) / spread, projected where there is a basis."""
        standard = (connectome - self.centre) / self.spread
        return standard if self.basis is None else standard @ self.basis

    def network(self, params: Params, connectome: Float[Array, " edge"]) -> MainNetwork:
        """One person's main network, w = H(features(e)), without dropout."""
        return cast(MainNetwork, self.hypernet.apply(params, self.features(connectome)))

    def init(self, key: jax.Array) -> Params:
        """Fresh parameters."""
        return self.hypernet.init(key, self.features(jnp.zeros_like(self.centre)))


def make_twin(
    connectomes: Float[Array, "people edge"],
    *,
    inputs: int,
    units: int,
    outputs: int,
    kind: Callable[..., nn.Module] = Hypernetwork,
    components: int = 0,
    standardise: bool = True,
    **sizes,
) -> Twin:
    """A twin for these training people, with the recipe's input gain.

    Args:
        connectomes: training people's edges (or features of any kind and number).
        inputs, units, outputs: sizes of the main network.
        kind: what turns features into a main network.
        components: principal components of the training people that the hypernetwork sees, in
            units of their root mean square; 0: the edges themselves.
        standardise: edges with mean 0 and variance 1; otherwise as they are. Components are in
            units of their own either way.
        **sizes: further fields of `kind`.

    Returns: `Twin`; edges that do not vary keep a spread of 1.
    """
    connectomes = jnp.asarray(connectomes, jnp.float32)
    centre, basis = jnp.mean(connectomes, axis=0), None
    spread = jnp.ones_like(centre)
    if components:
        basis = principal_components(np.asarray(connectomes), components)
    elif standardise:
        spread = jnp.std(connectomes, axis=0)
        spread = jnp.where(spread > 1e-6, spread, 1.0)
    else:
        centre = jnp.zeros_like(centre)
    features = centre.shape[0] if basis is None else basis.shape[1]
    sizes.setdefault("gain", min(1.0, 512 / features))
    hypernet = kind(inputs=inputs, units=units, outputs=outputs, **sizes)
    return Twin(hypernet, centre, spread, basis)


def principal_components(
    connectomes: Float[np.ndarray, "people edge"], components: int
) -> Float[np.ndarray, "edge component"]:
    """Directions V_k / s of the centred people X = U S V', s^2 the mean square of the scores X V_k.

    Scores keep their relative sizes: what hardly differs between people hardly counts. With as
    many components as people nothing of the training people is lost; columns beyond are 0.
    """
    centred = connectomes.astype(np.float64) - connectomes.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = np.argsort(-values)[: min(components, len(centred) - 1)]
    kept = kept[values[kept] > 1e-9 * values.max()]
    size = np.sqrt(values[kept].sum() / len(centred) / components)
    basis = centred.T @ (vectors[:, kept] / np.sqrt(values[kept])) / size
    return np.pad(basis, [(0, 0), (0, components - len(kept))]).astype(np.float32)


def simulate(
    twin: Twin,
    params: Params,
    connectome: Float[Array, " edge"],
    stimulus: Float[Array, "run time input"],
) -> Float[Array, "run time output"]:
    """All outputs of one person in several stretches of time, each from h = 0."""
    return unroll_together(twin.network(params, connectome), stimulus)


def simulate_cohort(
    twin: Twin,
    params: Params,
    connectomes: Float[Array, "people edge"],
    stimulus: Float[Array, "people run time input"],
) -> Float[Array, "people run time output"]:
    """`simulate` for everybody."""
    networks = jax.vmap(twin.network, in_axes=(None, 0))(params, connectomes)
    return unroll_cohort(networks, stimulus)


@by_device
def unroll_cohort(networks: MainNetwork, stimulus: Array) -> Array:
    """`unroll_together` for everybody, [people, stretch, time, ...]."""
    return jax.vmap(unroll_together)(networks, stimulus)


def split_outputs(outputs: Float[Array, "*batch output"], actions: int):
    """Action logits and BOLD channels."""
    return outputs[..., :actions], outputs[..., actions:]


class Loss(NamedTuple):
    """The parts of a loss, each already averaged over what it counts."""

    total: Float[Array, ""]
    action: Float[Array, ""]
    bold: Float[Array, ""]


def cohort_loss(
    networks: MainNetwork,
    runs: Sequences,
    weight: Float[Array, " people"],
    *,
    action_loss: Callable[[Array, Sequences], Array],
    action_count: Callable[[Sequences], Array],
    bold_weight: float | Float[Array, ""],
) -> Loss:
    """Loss of a batch of people: mean action loss + bold_weight x mean squared BOLD error.

    Args:
        networks: one network a person, [people].
        runs: stretches of time, [people, run].
        weight: 0 for people who only fill up a batch.
        action_loss: summed loss of one stretch (`response.hazard_loss`, `pulse_loss`).
        action_count: what that sum is averaged over (answered trials, or steps x channels).
        bold_weight: weight of the BOLD part.

    Returns: `Loss`.
    """
    outputs = unroll_cohort(networks, runs.stimulus)
    logits, bold = split_outputs(outputs, runs.press.shape[-1])
    over = jax.vmap(jax.vmap(action_loss))(logits, runs)
    count = jax.vmap(jax.vmap(action_count))(runs)
    weight = weight[:, None]
    action = jnp.sum(weight * over) / jnp.maximum(jnp.sum(weight * count), 1.0)
    mask = runs.bold_mask[..., None] * weight[..., None, None]
    error = jnp.sum(mask * (bold - runs.bold) ** 2)
    bold_error = error / jnp.maximum(jnp.sum(mask) * max(bold.shape[-1], 1), 1.0)
    return Loss(action + bold_weight * bold_error, action, bold_error)
