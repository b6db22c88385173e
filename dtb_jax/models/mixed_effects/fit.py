"""Learn a population: what is common to people, how they differ, and where each of them is.

    -L = sum_i E_q [-log p(presses_i, BOLD_i | z_i)] + KL(q(z_i) | N(0, 1)),   q = N(m_i, s_i^2)

The prior on z sets the unit of B: how far people differ is learned from all of them. Where each
person is starts from their mean times, spreads and error rates, which any twin should know.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from dtb_jax.models.mixed_effects.items import ITEM_SD
from dtb_jax.models.mixed_effects.likelihood import Noise
from dtb_jax.models.mixed_effects.model import Common, Method, person_loss
from dtb_jax.models.mixed_effects.network import Population
from dtb_jax.models.mixed_effects.observed import Observed
from dtb_jax.twin.batching import batches
from dtb_jax.twin.fit import NonFiniteLoss
from dtb_jax.types import Array


class Belief(NamedTuple):
    """Where people are thought to be."""

    mean: Float[Array, "*people coordinate"]
    log_sd: Float[Array, "*people coordinate"]


class State(NamedTuple):
    """All that changes while learning; a checkpoint holds exactly this."""

    common: Common
    belief: Belief
    moments: Any
    step: Int[Array, ""]


def optimiser(method: Method) -> optax.GradientTransformation:
    """Adam's direction: of what is common clipped; of people with a short memory of sizes."""
    common = optax.chain(optax.clip_by_global_norm(method.clip_norm), optax.scale_by_adam())
    return optax.multi_transform(
        {"common": common, "people": optax.scale_by_adam(b2=0.99)}, ("common", "people")
    )


def update(
    state: State,
    observed: Observed,
    scanner_noise: Noise,
    deviations: Float[Array, "item item"],
    people: Int[Array, " batch"],
    weight: Float[Array, " batch"],
    rate: Float[Array, ""],
    key: jax.Array,
    *,
    population: Population,
    method: Method,
) -> tuple[State, dict[str, Array]]:
    """One step of Adam with some people; the key of step k is fold_in(key, k)."""
    chosen = jax.tree.map(lambda leaf: leaf[people], observed)
    shape = (len(people), state.belief.mean.shape[1])
    drawn = jax.random.normal(jax.random.fold_in(key, state.step), shape)
    answered = jnp.sum(chosen.run.at_risk * jnp.any(chosen.run.press > 0, -1), axis=(1, 2))

    def loss(parts):
        common, belief = parts
        mean, log_sd = belief.mean[people], belief.log_sd[people]
        z = mean + jnp.exp(log_sd) * drawn
        persons = jax.vmap(population.apply, in_axes=(None, 0))(common.network, z)
        presses, bold = jax.vmap(person_loss, in_axes=(0, None, 0, None, None))(
            persons, common, chosen, scanner_noise, method
        )
        away = 0.5 * jnp.sum(mean**2 + jnp.exp(2 * log_sd) - 2 * log_sd - 1, axis=1)
        count = jnp.maximum(jnp.sum(weight * answered), 1.0)
        usual = 0.5 * jnp.sum((common.items / ITEM_SD) ** 2)
        everybody = jnp.sum(weight) / state.belief.mean.shape[0]
        total = jnp.sum(weight * (presses + method.bold_weight * bold + away))
        total = (total + everybody * usual) / count
        told = {
            "press": jnp.sum(weight * presses) / count,
            "bold": jnp.sum(weight * bold) / count,
            "away": jnp.sum(weight * away) / jnp.sum(weight),
        }
        return total, told

    parts = (state.common, state.belief)
    (total, told), gradient = jax.value_and_grad(loss, has_aux=True)(parts)
    direction, moments = optimiser(method).update(gradient, state.moments, parts)
    common = jax.tree.map(
        lambda old, way: old - rate * method.learning_rate * way, state.common, direction[0]
    )
    common = common._replace(items=deviations @ common.items)
    belief = jax.tree.map(
        lambda old, way: old - rate * method.people_rate * way, state.belief, direction[1]
    )
    state = State(common, belief, moments, state.step + 1)
    return state, told | {"total": total}


@partial(jax.jit, static_argnames=("population", "method"), donate_argnums=0)
def update_members(states, *data, **static):
    """`update` of several twins, leading axis members, with the same data but keys of their own."""
    axes = (0, *[None] * (len(data) - 1), 0)
    return jax.vmap(partial(update, **static), axes)(states, *data)


def initial_state(
    population: Population,
    start: Float[np.ndarray, "people coordinate"],
    items: int,
    method: Method,
    *,
    key: jax.Array,
) -> State:
    """Fresh parameters; people begin at `start`, half a standard deviation unsure, items at 0."""
    network = population.init(key, jnp.zeros(population.coordinates))
    common = Common(network, jnp.asarray(method.lapse, jnp.float32), jnp.zeros((items + 1, 2)))
    mean = jnp.asarray(start, jnp.float32)
    belief = Belief(mean, jnp.full(mean.shape, np.log(0.5), jnp.float32))
    moments = optimiser(method).init((common, belief))
    return State(common, belief, moments, jnp.zeros((), jnp.int32))


def learn(
    population: Population,
    observed: Observed,
    scanner_noise: Noise,
    deviations: Float[np.ndarray, "item item"],
    start: Float[np.ndarray, "people coordinate"],
    method: Method,
    *,
    seeds: Sequence[int],
    states: State | None = None,
    on_epoch: Callable[[State, dict[str, float | int]], None] = lambda states, row: None,
) -> State:
    """Learn from everybody in `observed`, going on from states where they are given.

    Args:
        population: what to learn.
        observed: training people's.
        scanner_noise: of BOLD.
        deviations: see `items.deviations`.
        start: where people begin, see `start_from_profiles`.
        method: how.
        seeds: one for each twin that learns; all meet people in the first one's order.
        states: restored.
        on_epoch: called after every epoch with the states and that epoch's mean numbers.

    Returns: states with a leading axis of members.

    Raises: NonFiniteLoss when the loss is not a number.
    """
    people = len(start)
    first, later = (
        jax.vmap(lambda seed, k=k: jax.random.fold_in(jax.random.key(seed), k))(np.array(seeds))
        for k in (0, 1)
    )
    if states is None:
        fresh = partial(initial_state, population, start, len(deviations) - 1, method)
        states = jax.vmap(lambda key: fresh(key=key))(first)
    batch = min(method.batch_people, people)
    each, epochs = method.updates_of_epoch(people), method.epochs(people)
    warm = min(method.warmup_steps, each * epochs // 2)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, warm, each * epochs)
    rates = np.asarray(schedule(jnp.arange(each * epochs)), np.float32)
    observed, scanner_noise = jax.tree.map(jnp.asarray, (observed, scanner_noise))
    project = jnp.asarray(deviations, jnp.float32)
    for epoch in range(int(states.step[0]) // each, epochs):
        rows = []
        for k, (chosen, weight) in enumerate(batches(people, batch, seeds[0], epoch, 1)):
            states, told = update_members(
                states,
                observed,
                scanner_noise,
                project,
                chosen,
                weight,
                rates[epoch * each + k],
                later,
                population=population,
                method=method,
            )
            rows.append(told)
        mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        if not np.isfinite(mean["total"]):
            raise NonFiniteLoss(f"epoch {epoch}: the loss is {mean['total']}; try a smaller rate")
        on_epoch(states, {"epoch": epoch + 1, "epochs": epochs, **mean})
    return states
