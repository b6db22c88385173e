"""Learn a population: what is common to people, how they differ, and where each of them is.

    -L = sum_i E_q [-log p(presses_i, BOLD_i | z_i)] + KL(q(z_i) | N(0, 1)),   q = N(m_i, s_i^2)

The prior on z sets the unit of B: how far people differ is learned from all of them. Where each
person is starts from their mean times, spreads and error rates, which any twin should know.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from dtb_jax.mixed.items import ITEM_SD, effects, with_items
from dtb_jax.mixed.likelihood import Noise, bold_loss, lapsing_loss
from dtb_jax.mixed.network import Person, Population, haemodynamic, in_pieces
from dtb_jax.mixed.observed import Observed
from dtb_jax.segments import batches
from dtb_jax.training import NonFiniteLoss
from dtb_jax.twin import split_outputs
from dtb_jax.types import Array


class Method(NamedTuple):
    """How a population is learned."""

    updates: int = 1000
    least_epochs: int = 6  # everybody is seen so often, however many they are
    batch_people: int = 8
    learning_rate: float = 8e-3
    people_rate: float = 0.08
    warmup_steps: int = 30
    clip_norm: float = 1.0
    hidden_noise: float = 0.2  # SD, in training only
    piece: int = 250  # steps; a multiple of the steps of a volume
    before: int = 50  # steps in which a piece forgets that it begins
    bold_weight: float = 1.0  # 0: behaviour alone
    lapse: float = -7.0  # logit, to begin with; -40: none, for ever

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


def answers(
    person: Person,
    items: Float[Array, "item 2"],
    observed: Observed,
    noise: Float[Array, "step unit"],
    method: Method,
) -> tuple[Float[Array, "run time action"], Float[Array, "run volume region"]]:
    """Action logits and BOLD of one person's runs."""
    run = partial(in_pieces, person.network, noise=noise, piece=method.piece)
    logits, neural = split_outputs(
        jax.vmap(run)(observed.run.stimulus), observed.run.press.shape[-1]
    )
    per_volume = observed.run.stimulus.shape[1] // max(observed.bold.shape[1], 1)
    bold = jax.vmap(haemodynamic, in_axes=(0, None, None))(neural, person.delay_s, per_volume)
    shown = observed.shown
    return with_items(logits, effects(items, shown.item), shown.correct), bold


def person_loss(
    person: Person,
    common: Common,
    observed: Observed,
    scanner_noise: Noise,
    noise: Float[Array, "step unit"],
    method: Method,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Negative log likelihood of one person's presses, and of their BOLD."""
    logits, bold = answers(person, common.items, observed, noise, method)
    loss = jax.vmap(lapsing_loss, in_axes=(0, 0, None))
    presses = jnp.sum(loss(logits, observed.run, common.lapse))
    return presses, bold_loss(scanner_noise.residual(observed.bold - bold, observed.mask))


def optimiser(method: Method) -> optax.GradientTransformation:
    """Adam's direction: of what is common clipped; of people with a short memory of sizes."""
    common = optax.chain(optax.clip_by_global_norm(method.clip_norm), optax.scale_by_adam())
    return optax.multi_transform(
        {"common": common, "people": optax.scale_by_adam(b2=0.99)}, ("common", "people")
    )


@partial(jax.jit, static_argnames=("population", "method"), donate_argnums=0)
def update(
    state: State,
    observed: Observed,
    scanner_noise: Noise,
    people: Int[Array, " batch"],
    weight: Float[Array, " batch"],
    rate: Float[Array, ""],
    key: jax.Array,
    *,
    population: Population,
    method: Method,
) -> tuple[State, dict[str, Array]]:
    """One step of Adam with some people; the key of step k is fold_in(key, k)."""
    key_z, key_noise = jax.random.split(jax.random.fold_in(key, state.step))
    chosen = jax.tree.map(lambda leaf: leaf[people], observed)
    shape = (len(people), state.belief.mean.shape[1])
    drawn = jax.random.normal(key_z, shape)
    noise = method.hidden_noise * jax.random.normal(
        key_noise, (len(people), method.before + method.piece, population.units)
    )
    answered = jnp.sum(chosen.run.at_risk * jnp.any(chosen.run.press > 0, -1), axis=(1, 2))

    def loss(parts):
        common, belief = parts
        mean, log_sd = belief.mean[people], belief.log_sd[people]
        z = mean + jnp.exp(log_sd) * drawn
        persons = jax.vmap(population.apply, in_axes=(None, 0))(common.network, z)
        presses, bold = jax.vmap(person_loss, in_axes=(0, None, 0, None, 0, None))(
            persons, common, chosen, scanner_noise, noise, method
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
    belief = jax.tree.map(
        lambda old, way: old - rate * method.people_rate * way, state.belief, direction[1]
    )
    state = State(common, belief, moments, state.step + 1)
    return state, told | {"total": total}


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
    start: Float[np.ndarray, "people coordinate"],
    method: Method,
    *,
    seed: int,
    state: State | None = None,
    on_epoch: Callable[[State, dict[str, float | int]], None] = lambda state, row: None,
) -> State:
    """Learn from everybody in `observed`, going on from a state where one is given.

    Args:
        population: what to learn.
        observed: training people's.
        scanner_noise: of BOLD.
        start: where people begin, see `start_from_profiles`.
        method: how.
        seed: of everything random.
        state: a restored state.
        on_epoch: called after every epoch with the state and that epoch's numbers.

    Raises: NonFiniteLoss when the loss is not a number.
    """
    people = len(start)
    key = jax.random.key(seed)
    if state is None:
        items = int(np.max(observed.shown.item, initial=0))
        state = initial_state(population, start, items, method, key=jax.random.fold_in(key, 0))
    batch = min(method.batch_people, people)
    each, epochs = method.updates_of_epoch(people), method.epochs(people)
    warm = min(method.warmup_steps, each * epochs // 2)
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, warm, each * epochs)
    rates = np.asarray(schedule(jnp.arange(each * epochs)), np.float32)
    observed, scanner_noise = jax.tree.map(jnp.asarray, (observed, scanner_noise))
    for epoch in range(int(state.step) // each, epochs):
        rows = []
        for k, (chosen, weight) in enumerate(batches(people, batch, seed, epoch, 1)):
            state, told = update(
                state,
                observed,
                scanner_noise,
                chosen,
                weight,
                rates[epoch * each + k],
                jax.random.fold_in(key, 1),
                population=population,
                method=method,
            )
            rows.append(told)
        mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        if not np.isfinite(mean["total"]):
            raise NonFiniteLoss(f"epoch {epoch}: the loss is {mean['total']}; try a smaller rate")
        on_epoch(state, {"epoch": epoch + 1, "epochs": epochs, **mean})
    return state
