"""May an edit be believed? Only where people nobody trained on are told apart by the same twin."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.data.tasks.lists import TrialLists, trial_lists
from dtb_jax.evaluation.evidence import Claim, holm, permutation_null, permutation_p, within_folds
from dtb_jax.evaluation.figures import Estimate, figure, resample, unexplained
from dtb_jax.evaluation.metrics import FEWEST
from dtb_jax.interventions.endpoints import spoken
from dtb_jax.interventions.trial import Arm
from dtb_jax.types import Cohort, required

LEVEL = 0.05


class Support(NamedTuple):
    """One indicator among people never seen: r of told and observed, p corrected for all."""

    r: Estimate
    p: float | None


def observed(cohort: Cohort, region: str | None) -> dict[str, Float[np.ndarray, " people"]]:
    """What was measured of each indicator that a single run tells: mean RT, effect, contrast t.

    What people's trial lists explain is taken out; it is NaN for those whom it hides.

    Args:
        cohort: everybody; the first run of each task serves.
        region: whose contrast; None: no BOLD.
    """
    found: dict[str, np.ndarray] = {}
    for run in cohort.runs:
        task, trials = run.task, run.trials
        if f"{task.name}_rt_s" in found:
            continue
        right = correct_mask(trials) & run.present[:, None]
        lists = trial_lists(run, trials.present & run.present[:, None])
        more, less = (
            masked_mean(trials.response_time_s, right & (trials.condition == c))
            for c in map(task.conditions.index, task.contrast)
        )
        found[f"{task.name}_rt_s"] = _beyond(lists, masked_mean(trials.response_time_s, right))
        found[f"{task.name}_effect_s"] = _beyond(lists, more - less)
        if region in cohort.regions and run.bold_mask.any():
            t = person_t(make_glm(run, 0.0, np.inf), run.bold)
            found[f"{task.name}_bold"] = _beyond(lists, t[:, cohort.regions.index(region)])
    return found


def _beyond(lists: TrialLists, values: Float[np.ndarray, " people"]) -> np.ndarray:
    """Values less what people's trial lists explain; NaN for those not comparable."""
    drawn = resample(np.zeros(len(values), int), 0)._replace(nuisance=lists.regressors)
    known = np.isfinite(values) & lists.comparable
    return np.where(known, unexplained(values, known, drawn), np.nan)


def support(
    seen: Mapping[str, Float[np.ndarray, " people"]],
    told: Mapping[str, Float[np.ndarray, " people"]],
    people: Bool[np.ndarray, " people"],
    names: Sequence[str],
    *,
    seed: int,
) -> dict[str, Support]:
    """r over unseen people between what was measured and what the twin says, with p by swapping.

    Args:
        seen: see `observed`.
        told: the twin's indicators, of the same people.
        people: who was not trained on.
        names: indicators that edits aim at; p is Holm's over them.
        seed: of the permutations.
    """
    fold = np.zeros(len(people), int)
    found: list[tuple[Estimate, float | None]] = []
    for name in names:
        if name not in seen:
            found.append((Estimate(None), None))
            continue
        known = people & np.isfinite(seen[name]) & np.isfinite(told[name])
        x, y = (np.where(known, side, 0)[:, None] for side in (seen[name], told[name]))
        claim = Claim("", name, x, y, known, resample(fold))
        if known.sum() < FEWEST or np.ptp(y[known]) == 0:
            found.append((Estimate(None, n=int(known.sum())), None))
            continue
        r = figure(within_folds(claim), known, claim.drawn)
        null = permutation_null(claim, seed=seed)
        found.append((r, None if null is None else permutation_p(required(r.value), null)))
    adjusted = iter(holm([p for _, p in found if p is not None]))
    return {
        name: Support(r, None if p is None else next(adjusted))
        for name, (r, p) in zip(names, found)
    }


def is_supported(arm: Arm, found: Mapping[str, Support]) -> bool:
    """Whether unseen people are told apart in every target of an arm."""
    each = [found[name] for name in arm.targets_sd]
    return all(one.p is not None and one.p < LEVEL and required(one.r.value) > 0 for one in each)


def sentence(
    arm: Arm, found: Mapping[str, Support], designed: Estimate, controls: Mapping[str, Estimate]
) -> str:
    """What may be said of an arm's edits.

    Args:
        arm: its wish.
        found: see `support`.
        designed: wished change in SD by its own edits, in the eyes of a twin of other people.
        controls: the same of the controls.
    """
    told = "; ".join(
        f"{spoken(name)} r = {_number(found[name].r.value)}, p {_p(found[name].p)}"
        for name in arm.targets_sd
    )
    known = [name for name, one in controls.items() if one.value is not None]
    best = max(known or list(controls), key=lambda name: controls[name].value or 0)
    judged = (
        f"in the eyes of a twin of other people designed edits move the target by "
        f"{_number(designed.value)} SD, {best.replace('_', ' ')} by {_number(controls[best].value)}"
    )
    if is_supported(arm, found):
        return f"{arm.name.capitalize()} edits: unseen people are told apart ({told}); {judged}."
    if any(found[name].r.value is None for name in arm.targets_sd):
        why = "there are too few unseen people, or data of them, to ask"
    else:
        why = "connectomes do not tell unseen people apart"
    return f"{arm.name.capitalize()} edits: no edit is supported, since {why} ({told}); {judged}."


def _p(value: float | None) -> str:
    return "< .01" if value is not None and value < 0.01 else f"= {_number(value)}"


def _number(value: float | None) -> str:
    if value is None:
        return "undefined"
    text = f"{value:.2f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
