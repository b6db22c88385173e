"""Some people in front of a twin: what it says of them, and the edits it designs for them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dtb_jax.data import provenance
from dtb_jax.interventions.constraints import Constraint
from dtb_jax.interventions.edits import (
    Search,
    design_people,
    endpoints_of_people,
    in_parts,
    make_objective,
)
from dtb_jax.interventions.endpoints import Asked, NetworkOf
from dtb_jax.interventions.scene import SessionProtocol
from dtb_jax.interventions.trial import Arm, in_sd, worse
from dtb_jax.interventions.validity import RIDGE, Feasible, feasible_people


class Rules(NamedTuple):
    """What edits may be, and how they are looked for."""

    constraint: Constraint  # the budget included
    budget: float  # Fisher z
    dense: bool  # every edge may move, so that an invalid edit is projected, not shortened
    ridge: float = RIDGE
    price: float = 0.01
    search: Search = Search()


class Study(NamedTuple):
    """A twin, the sessions it is designed and judged in, and the people."""

    network_of: NetworkOf
    asked: Asked
    scene: SessionProtocol  # in which effects are read
    short: SessionProtocol  # in which edits are designed
    connectomes: Float[np.ndarray, "people edge"]
    before: Mapping[str, Float[np.ndarray, " people"]]
    sd: Mapping[str, float]  # over people, before
    participants: tuple[str, ...] = ()  # their names

    def after(
        self, edits: Float[np.ndarray, "people edge"]
    ) -> dict[str, Float[np.ndarray, " people"]]:
        """Indicators of the edited people."""
        return told(self.network_of, self.connectomes + edits, self.scene, self.asked)

    def change_sd(
        self, edits: Float[np.ndarray, "people edge"]
    ) -> dict[str, Float[np.ndarray, " people"]]:
        """Changes in SD over people, see `trial.in_sd`."""
        return in_sd(self.before, self.after(edits), self.sd)

    def by_dose(
        self, edits: Float[np.ndarray, "people edge"], doses: Sequence[float]
    ) -> dict[str, Float[np.ndarray, "dose people"]]:
        """Changes in SD for shares of the edit, which stay within range, budget and mask."""
        each = [self.change_sd(dose * edits) for dose in doses]
        return {name: np.stack([one[name] for one in each]) for name in self.before}


def open_study(
    network_of: NetworkOf,
    asked: Asked,
    scene: SessionProtocol,
    short: SessionProtocol,
    connectomes: Float[np.ndarray, "people edge"],
    sd: Mapping[str, float] | None = None,
) -> Study:
    """Ask the twin about everybody; `sd` of other people's indicators may serve as the unit."""
    before = told(network_of, connectomes, scene, asked)
    own = {name: float(values.std(ddof=1)) for name, values in before.items()}
    return Study(network_of, asked, scene, short, connectomes, before, sd or own)


def told(
    network_of: NetworkOf, connectomes: np.ndarray, scene: SessionProtocol, asked: Asked
) -> dict[str, np.ndarray]:
    """Indicators of these people, in double precision."""
    found = in_parts(lambda e: endpoints_of_people(network_of, e, scene, asked=asked), connectomes)
    return {name: values.astype(float) for name, values in found.items()}


def design_arm(
    study: Study,
    arm: Arm,
    rules: Rules,
    *,
    progress: Callable[[int], object] = lambda people: None,
    chunk: int = 57,
) -> Feasible:
    """Everybody's own edit for an arm's wish, made feasible.

    Args:
        study: the twin and the people.
        arm: what is wished for, and what is held.
        rules: constraints and search.
        progress: told how many people are done.
        chunk: people at a time.

    Returns: `Feasible` with an edit a person.

    Raises: ValueError for an indicator that is not there, or when nobody has a feasible edit.
    """
    names = sorted(study.before)
    hold = dict.fromkeys(arm.held, 1.0)
    guard = {name: worse(name) for name in arm.guarded}
    wish = make_objective(names, study.sd, arm.targets_sd, hold, guard, rules.price)
    left = len(study.connectomes)

    def designed(connectomes):
        nonlocal left
        found = design_people(
            study.network_of,
            connectomes,
            study.short,
            wish._replace(target=np.tile(wish.target, (len(connectomes), 1))),
            rules.constraint,
            np.float32(rules.budget),
            asked=study.asked,
            search=rules.search,
        )
        progress(min(left, len(connectomes)))  # the last part is filled up
        left -= len(connectomes)
        return found

    edits = in_parts(designed, study.connectomes, chunk=min(chunk, len(study.connectomes)))
    return made_feasible(study, edits, rules)


def made_feasible(study: Study, edits: Float[np.ndarray, "people edge"], rules: Rules) -> Feasible:
    """Edits with which everybody's connectome is still one, within the same rules."""
    return feasible_people(
        study.connectomes, edits, dense=rules.dense, ridge=rules.ridge, then=rules.constraint
    )


def kept(path: Path, make: Callable[[], Feasible], study: Study) -> Feasible:
    """`make()`, or what an earlier call left in `path` for the same people and connectomes."""
    names = study.participants or map(str, range(len(study.connectomes)))
    now = {
        name: {"connectome": provenance.sums(edges)}
        for name, edges in zip(names, study.connectomes, strict=True)
    }
    if path.exists():
        with np.load(path) as file:
            before = json.loads(str(file["made_of"])) if "made_of" in file.files else None
            if before is not None and not provenance.changed(before, now, "", ("connectome",)):
                return Feasible(*(file[name] for name in Feasible._fields))
    found = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name("." + path.name)
    np.savez(unfinished, made_of=np.array(json.dumps(now)), **found._asdict())
    unfinished.replace(path)
    return found
