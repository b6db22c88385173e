"""Designed edits: the smallest change of a connectome that grants a wish and leaves the rest alone.

    edit = argmin sum_j weight_j miss_j^2 + price |edit|^2 / budget^2    subject to the constraints
    miss_j = (I_j(e + edit) - I_j(e) - target_j) / scale_j

for one person's connectome e and indicators I of a twin; of what is only guarded, a miss counts
when it is for the worse. Every step goes down the gradient by a
length that the schedule sets, along what the constraints leave of it, and back to what they allow.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from dtb_jax.interventions.constraints import Constraint
from dtb_jax.interventions.controls import to_length
from dtb_jax.interventions.endpoints import Asked, NetworkOf, of_connectome
from dtb_jax.interventions.scene import SessionProtocol
from dtb_jax.types import Array


class Objective(NamedTuple):
    """What an edit is to do to each indicator; weight 0: whatever happens to it does not count."""

    target: Float[Array, "*people indicator"]  # change, in the indicator's own unit
    scale: Float[Array, " indicator"]  # what counts as one: its SD over people
    weight: Float[Array, " indicator"]
    worse: Float[Array, " indicator"]  # 1 or -1: misses of this sign count alone; 0: of either
    price: Float[Array, ""]  # of an edit as long as the budget


class Search(NamedTuple):
    """How to look for an edit; static."""

    steps: int = 200
    rate: float = 0.02  # of the first step, in budgets; decays to 0 as a cosine
    momentum: float = 0.9


def make_objective(
    names: Sequence[str],
    scale: Mapping[str, float],
    targets_sd: Mapping[str, float],
    hold: Mapping[str, float],
    guard: Mapping[str, int] | None = None,
    price: float = 0.01,
) -> Objective:
    """Targets in SD over people, what is to be held with which weight, and what guarded.

    Args:
        names: all indicators, in order.
        scale: SD of each over people.
        targets_sd: wished change of some, each with weight 1.
        hold: weights of others that are to stay where they are.
        guard: signs of a change for the worse of others that may change for the better, weight 1.
        price: of an edit as long as the budget.

    Raises: ValueError for an indicator that is not there or does not vary over people.
    """
    guard = guard or {}
    for name in (*targets_sd, *hold, *guard):
        if name not in names:
            raise ValueError(f"indicator {name!r}: expected one of {', '.join(names)}")
        if not scale[name] > 0:
            raise ValueError(f"indicator {name!r} is the same in everybody: there is no SD to move")
    target = [targets_sd.get(name, 0.0) * scale[name] for name in names]
    counted = {**hold, **dict.fromkeys((*targets_sd, *guard), 1.0)}
    weight = [counted.get(name, 0.0) for name in names]
    unit = [scale[name] if name in counted else 1.0 for name in names]
    worse = [float(guard.get(name, 0)) for name in names]
    return Objective(
        *(jnp.asarray(part, jnp.float32) for part in (target, unit, weight, worse, price))
    )


def vector(told: Mapping[str, Float[Array, "*people"]]) -> Float[Array, "*people indicator"]:
    """Indicators in the order of their sorted names."""
    return jnp.stack([told[name] for name in sorted(told)], axis=-1)


def design(
    network_of: NetworkOf,
    connectome: Float[Array, " edge"],
    scene: SessionProtocol,
    wish: Objective,
    constraint: Constraint,
    budget: Float[Array, ""],
    *,
    asked: Asked,
    search: Search = Search(),
) -> Float[Array, " edge"]:
    """One person's edit, in Fisher z.

    Args:
        network_of: the twin, see `endpoints.twin_of`.
        connectome: the person's edges.
        scene: what the twin is shown.
        wish: rows in the order of `vector`.
        constraint: what an edit may be, the budget included.
        budget: length that steps and the price are measured in.
        asked, search: how indicators are read, how edits are looked for.
    """
    before = vector(of_connectome(network_of, connectome, scene, asked))

    def objective(edit):
        after = vector(of_connectome(network_of, connectome + edit, scene, asked))
        miss = (after - before - wish.target) / wish.scale
        miss = jnp.where((wish.worse == 0) | (wish.worse * miss > 0), miss, 0)
        return jnp.sum(wish.weight * miss**2) + wish.price * jnp.sum((edit / budget) ** 2)

    steps = optax.chain(
        optax.trace(decay=search.momentum, nesterov=True),
        optax.scale_by_learning_rate(optax.cosine_decay_schedule(search.rate, search.steps)),
    )

    def step(carry, _):
        edit, state = carry
        downhill = to_length(-jax.grad(objective)(edit), budget)
        # What is not allowed anyway would take up most of a step's length.
        allowed = to_length(constraint(edit + downhill, connectome) - edit, budget)
        update, state = steps.update(-allowed, state)
        return (constraint(optax.apply_updates(edit, update), connectome), state), None

    start = jnp.zeros_like(connectome)
    (edit, _), _ = jax.lax.scan(step, (start, steps.init(start)), length=search.steps)
    return edit


@partial(jax.jit, static_argnames=("asked", "search"))
def design_people(
    network_of: NetworkOf,
    connectomes: Float[Array, "people edge"],
    scene: SessionProtocol,
    wish: Objective,
    constraint: Constraint,
    budget: Float[Array, ""],
    *,
    asked: Asked,
    search: Search = Search(),
) -> Float[Array, "people edge"]:
    """`design` for everybody at once; `wish.target` has a row a person."""
    one = partial(design, asked=asked, search=search)
    shared = Objective(target=0, scale=None, weight=None, worse=None, price=None)  # type: ignore[arg-type]
    over = jax.vmap(one, in_axes=(None, 0, None, shared, None, None))
    return over(network_of, connectomes, scene, wish, constraint, budget)


@partial(jax.jit, static_argnames="asked")
def endpoints_of_people(
    network_of: NetworkOf,
    connectomes: Float[Array, "people edge"],
    scene: SessionProtocol,
    *,
    asked: Asked,
) -> dict[str, Float[Array, " people"]]:
    """Indicators of everybody's twin."""
    over = jax.vmap(partial(of_connectome, asked=asked), in_axes=(None, 0, None))
    return over(network_of, connectomes, scene)


def in_parts(function: Callable[..., Any], *leaves: Any, chunk: int = 57) -> Any:
    """Call on `chunk` people at a time, the last part filled up, so that one shape is compiled.

    Args:
        function: of arrays [chunk, ...], to a tree of arrays [chunk, ...].
        *leaves: [people, ...].
        chunk: people at a time.

    Returns: the function's result for everybody, on the host.
    """
    people, found = len(leaves[0]), []
    for start in range(0, people, chunk):
        rows = np.minimum(np.arange(start, start + chunk), people - 1)
        told = function(*(jnp.asarray(leaf[rows]) for leaf in leaves))
        kept = min(chunk, people - start)
        found.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], told))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found)
