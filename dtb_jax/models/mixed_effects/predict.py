"""What people will do, as far as it is known who they are: a mixture over the belief in z.

    p(press, time) = mean over z ~ q of p(press, time | z)

Draws are the same for everybody. What is said of a person's mean time has two
parts of spread: that of the belief, and that of as many single presses as are counted.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.linalg import helmert
from scipy.stats import ortho_group

from dtb_jax.data.folds import Subset
from dtb_jax.data.splits import BoldScale
from dtb_jax.models.mixed_effects.cues import with_memory
from dtb_jax.models.mixed_effects.items import Shown, with_items
from dtb_jax.models.mixed_effects.likelihood import read_lapsing
from dtb_jax.models.mixed_effects.model import Common
from dtb_jax.models.mixed_effects.network import Population, outputs
from dtb_jax.models.mixed_effects.observed import volume_steps
from dtb_jax.models.mixed_effects.posterior import Gaussian
from dtb_jax.models.prediction import Prediction, fields_of, spread_out
from dtb_jax.twin.response import Response, Windows, last_step, summarise, windows
from dtb_jax.twin.twin import split_outputs
from dtb_jax.types import STEP_S, Array, Cohort, Run


class Trial(NamedTuple):
    """One person's trials in a run, as the reading takes them, and what trials add to everybody."""

    onset_s: Float[Array, "*people trial"]
    deadline_s: Float[Array, "*people trial"]
    time_s: Float[Array, "*people trial"]
    present: Float[Array, "*people trial"]
    possible: Float[Array, "*people trial action"]
    answered: Float[Array, "*people trial"]
    correct: Float[Array, "*people trial"]
    tested: Float[Array, "*people trial"]
    later_s: Float[Array, "*people trial"]  # by how much everybody is later on this trial
    wrong: Float[Array, "*people trial"]  # log odds of a wrong press beyond what networks say
    missed: Float[Array, "*people trial"]  # log odds of an omission


def predict(
    population: Population,
    common: Common,
    scale: BoldScale,
    cohort: Cohort,
    part: Subset,
    where: Sequence[Gaussian],
    items: list[Any] | None = None,
    new: Sequence[Float[np.ndarray, "draw _ 2"]] | None = None,
) -> list[Prediction]:
    """Every run of a part, in one piece from h = 0.

    Args:
        population, common: the model.
        scale: of BOLD, whose units the prediction is given back.
        cohort: whose trials.
        part: whom and what to tell.
        where: of every run, belief in each person of the cohort.
        items: `profiles.ItemEffects` of every run, beyond what networks say; None: nothing.
        new: of every run, what each draw's trials do to everybody, see `items`; None: nothing.

    Returns: one `Prediction` a run; rows of people who are not in the part hold zeros.
    """
    people = np.flatnonzero(part.people)
    return [
        _tell_run(
            population,
            common,
            scale,
            run,
            part,
            points(where[r]).astype(np.float32),
            people,
            None if items is None else items[r],
            None if new is None else new[r],
            volume_steps(cohort),
        )
        for r, run in enumerate(with_memory(part.of(cohort), population.memory).runs)
    ]


def points(where: Gaussian) -> Float[np.ndarray, "people draw coordinate"]:
    """Draws from several normal distributions whose mean and covariance are exactly theirs.

    Corners of a regular simplex, one more than there are coordinates, turned at random: with fewer
    some directions would not vary at all.
    """
    coordinates = where.mean.shape[1]
    corners = np.sqrt(coordinates + 1) * helmert(coordinates + 1).T
    if coordinates > 1:
        corners = corners @ ortho_group.rvs(coordinates, random_state=0)
    root = np.linalg.cholesky(where.covariance + 1e-9 * np.eye(coordinates))
    return where.mean[:, None] + np.einsum("pyz,sz->psy", root, corners)


def _tell_run(
    population, common, scale, run: Run, part: Subset, z, people, items, new, per_volume
) -> Prediction:
    trials = run.trials
    first, last = (
        min(round(t / STEP_S), run.stimulus.shape[1]) if np.isfinite(t) else run.stimulus.shape[1]
        for t in part.span(run)
    )
    zeros = np.zeros_like(trials.onset_s)
    more = (zeros, zeros, zeros) if items is None else (items.time_s, items.error, items.omission)
    trial = Trial(
        trials.onset_s,
        trials.deadline_s,
        trials.response_time_s,
        trials.present,
        trials.possible,
        trials.answered,
        trials.correct,
        part.trials(run),
        *more,
    )
    trial = jax.tree.map(np.nan_to_num, trial)
    if new is None:
        new = np.zeros((z.shape[1], trials.onset_s.shape[1], 2), np.float32)
    available = np.array(run.task.available, np.float32)
    length = int(np.ceil(trials.deadline_s.max() / STEP_S))
    found = []
    chunk = 1 if jax.default_backend() == "cpu" else 16  # one person's draws stay in its cache
    for start in range(0, len(people), chunk):
        # The last chunk is filled up, so that every call has one shape and one compilation.
        rows = people[np.minimum(np.arange(start, start + chunk), len(people) - 1)]
        one = _tell_people(
            population,
            common,
            z[rows],
            run.stimulus[rows, first:last],
            jax.tree.map(lambda leaf, rows=rows: leaf[rows], trial),
            new,
            available,
            np.float32(part.span(run)[0]),
            per_volume=per_volume,
            length=length,
        )
        kept = min(chunk, len(people) - start)
        found.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], one))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    bold = joined.pop("bold")
    if bold.shape[-1]:
        joined["bold"] = bold * scale.sd + scale.mean
    return spread_out(joined, people, len(run.present))


@partial(jax.jit, static_argnames=("population", "per_volume", "length"))
def _tell_people(
    population, common, z, stimulus, trial, new, available, start_s, *, per_volume, length
):
    fixed = (population, common, new, available, start_s)
    one = partial(_tell_person, *fixed, per_volume=per_volume, length=length)
    return jax.vmap(one)(z, stimulus, trial)


def _tell_person(
    population: Population,
    common: Common,
    new: Float[Array, "draw trial 2"],
    available: Float[Array, " action"],
    start_s: Float[Array, ""],
    z: Float[Array, "draw coordinate"],
    stimulus: Float[Array, "time input"],
    trial: Trial,
    *,
    per_volume: int,
    length: int,
) -> dict[str, Array]:
    frame = windows(
        trial.onset_s, trial.deadline_s, trial.present > 0, start_s, stimulus.shape[0], length
    )

    length_of = stimulus.shape[0]  # where steps outside every window are sent
    inside = jnp.where(frame.open > 0, frame.steps, length_of)
    number = jnp.arange(1, new.shape[1] + 1)[:, None]
    on = jnp.zeros(length_of + 1, int).at[inside].max(number)[:length_of]
    right = jnp.append(0, trial.correct).astype(int)[on]

    def draw(z, new):
        person = population.apply(common.network, z)
        logits, bold = split_outputs(
            outputs(person, stimulus, len(available), per_volume), len(available)
        )
        logits = with_items(logits, jnp.concatenate([jnp.zeros((1, 2)), new]), Shown(on, on, right))
        told = read_lapsing(common.lapse, person.inattention, logits, available, frame)
        return on_trials(told, frame, trial), bold[::per_volume]

    each, bold = jax.vmap(draw)(z, new)
    response = summarise(each.density.mean(0), each.omission_probability.mean(0), frame)
    tested = trial.tested / jnp.maximum(jnp.sum(trial.tested), 1)
    mean = each.reaction_time_s @ tested
    right = jnp.take_along_axis(
        each.choice_probability, trial.correct[None, :, None].astype(int), 2
    )
    right = right[..., 0] * (1 - each.omission_probability)
    counted = jnp.maximum(jnp.mean(right @ trial.tested), 1)
    within = jnp.mean(each.reaction_time_sd_s**2 @ tested) / counted
    told = fields_of(
        response,
        trial.onset_s - start_s,
        trial.time_s,
        trial.possible > 0,
        trial.answered > 0,
        last_step(trial.onset_s, trial.deadline_s, trial.present > 0, start_s),
    )
    return told | {"person_time_sd_s": jnp.sqrt(jnp.var(mean) + within), "bold": bold.mean(0)}


def on_trials(told: Response, frame: Windows, trial: Trial) -> Response:
    """What trials add to everybody: seconds to all presses, odds to the two kinds of error."""
    step = trial.later_s / STEP_S
    place = jnp.arange(told.density.shape[1]) - step[:, None]
    below = jnp.floor(place).astype(int)
    share = (place - below)[..., None]

    def at(index):
        inside = (index >= 0) & (index < told.density.shape[1])
        taken = jnp.take_along_axis(
            told.density, jnp.clip(index, 0, told.density.shape[1] - 1)[..., None], axis=1
        )
        return jnp.where(inside[..., None], taken, 0)

    density = ((1 - share) * at(below) + share * at(below + 1)) * frame.open[..., None]
    correct = jnp.arange(density.shape[-1]) == trial.correct[:, None]
    odds = jnp.where(correct, 1.0, jnp.exp(trial.wrong)[:, None])
    omission = jnp.clip(told.omission_probability, 1e-6, 1 - 1e-6)
    omission = jax.nn.sigmoid(jnp.log(omission) - jnp.log1p(-omission) + trial.missed)
    return summarise(density * odds[:, None], omission, frame)
