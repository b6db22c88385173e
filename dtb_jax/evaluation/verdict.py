"""One sentence a metric: what the data support, and what they do not."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dtb_jax.evaluation.evidence import LEVEL, Evidence, detectable_r, holm
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.models.registry import REGRESSIONS
from dtb_jax.types import required

Models = Mapping[str, Mapping[str, Mapping[str, Estimate]]]

TAGS = {
    "one_hot_identity": "one-hot identity",
    "own_training_half": "the person's own training part",
    "always_correct": "always pressing the correct button",
    "item_profile": "what other people do on each trial",
    "group_mean": "the mean of other people",
    "group_t_map": "the mean t-map of other people",
    "group_mean_connectome": "the mean connectome",
    "shuffled_connectome": "another person's connectome",
}
"""What reaches a figure without the person's connectome, in words."""
COVARIATES = "a regression on covariates"
"""What the model `demographics` is called where its columns are not known."""
NAMES = {
    "person_t_r": "r of people's t-values",
    "group_t_r": "r of group t-values",
    "log_likelihood": "log likelihood a trial",
    "reaction_time_mae_s": "mean error of RT (s)",
}
"""Words of the metrics that need them; others are spelt as they are."""
LOWER_IS_BETTER = (
    "error_log_loss",
    "reaction_time_mae_s",
    *(f"interval_score_s_{share}" for share in (50, 80, 95)),
)


class Verdict(NamedTuple):
    """What one metric supports."""

    evidence: bool
    sentence: str
    p: float | None = None
    p_holm: float | None = None
    after_confounds: Estimate | None = None
    detectable_r: float | None = None  # see `evidence.detectable_r`
    contradicted_by: tuple[str, ...] = ()


class Words(NamedTuple):
    """What sentences say of a cohort."""

    confounds: str  # what claims are corrected for: "after age and sex"
    covariates: str = COVARIATES  # what the baseline without a connectome knows


def verdicts(
    models: Models,
    found: Mapping[str, Evidence],
    *,
    unseen: bool,
    words: Words,
    against: Mapping[str, Sequence[str]] = {},
) -> dict[str, Verdict]:
    """A verdict for every metric of the twin, {"TASK.METRIC": Verdict}.

    Evidence is claimed where people were unseen, the claim holds (see `claims_held`) and nothing
    contradicts it.

    Args:
        models: figures, the twin's among them.
        found: evidence of the twin by "TASK.METRIC"; empty for people seen in training.
        unseen: whether the tested people trained nothing.
        words: what `found` is corrected for.
        against: what contradicts a claim that would hold, see `contradictions`.
    """
    held = claims_held(found)
    told = {}
    for task, figures in models["twin"].items():
        for metric, value in figures.items():
            key = f"{task}.{metric}"
            if value.value is None:
                told[key] = Verdict(False, f"{figure_name(task, metric)}: undefined here.")
            elif key in found and unseen:
                p_holm, holds = held[key]
                claim = Verdict(
                    holds and not against.get(key),
                    "",
                    found[key].p,
                    p_holm,
                    found[key].r,
                    detectable_r(found[key], len(found)),
                    tuple(against.get(key, ())),
                )
                says = _claimed(models, task, metric, found[key], claim, words)
                told[key] = claim._replace(sentence=says)
            else:
                told[key] = Verdict(False, _unclaimed(models, task, metric, unseen, words))
    return told


def claims_held(found: Mapping[str, Evidence]) -> dict[str, tuple[float | None, bool]]:
    """p after Holm's correction for all claims, and whether the claim holds.

    It does where the r after confounds is positive and the corrected p below `LEVEL`.
    """
    adjusted = holm([one.p for one in found.values()])
    return {
        key: (p, p is not None and one.r.value is not None and p < LEVEL and one.r.value > 0)
        for (key, one), p in zip(found.items(), adjusted)
    }


def _claimed(
    models: Models, task: str, metric: str, found: Evidence, claim: Verdict, words: Words
) -> str:
    name = figure_name(task, metric)
    if not claim.evidence and too_few(claim.detectable_r):
        return f"{name}: {_cannot_answer(found.r.n, found.folds, claim.detectable_r)}."
    value = models["twin"][task][metric]
    rivals = _reached(models, task, metric, ("demographics", "ridge", "constant_input"), words)
    ceiling = models.get("ceiling", {}).get(task, {}).get(metric)
    best = f" (ceiling {number(ceiling.value)})" if ceiling and ceiling.value else ""
    start = f"{name} = {with_interval(value)} among unseen people{best}"
    start += f"; {rivals}" if rivals else ""
    if found.p is None or claim.p_holm is None or found.r.value is None:
        why = found.why or "no permutation test was possible"
        return f"{start}; {why}: no claim."
    shown = f"{start}; {words.confounds} {number(found.r.value)}, p {_p(claim.p_holm)} (Holm)"
    if claim.contradicted_by:
        return f"{shown}, but {'; '.join(claim.contradicted_by)}: no claim."
    if claim.evidence:
        return f"{shown}: evidence that connectomes tell this of people never seen."
    from_r = _would_show([claim.detectable_r])
    return f"{shown}: no evidence that connectomes tell this{from_r}."


TOO_FEW_R = 0.6
"""An r that only so large a one would show: connectomes tell nothing so well."""


def too_few(detectable: float | None) -> bool:
    """Whether the people cannot answer a claim, whatever is true."""
    return detectable is not None and detectable >= TOO_FEW_R


def _cannot_answer(people: int, folds: int, detectable: float | None) -> str:
    inside = f" in {folds} folds" if folds > 1 else ""
    above = "" if detectable is None else f": only r above {number(detectable)} would show"
    return f"{people} people{inside} cannot answer this{above}"


def _would_show(found: Sequence[float | None]) -> str:
    """What so many people can tell at all: no evidence among few of them means little."""
    known = [r for r in found if r is not None]
    if not known:
        return ""
    least, most = number(min(known)), number(max(known))
    words = f"r = {least}" if least == most else f"r from {least} to {most}, by claim,"
    return f"; {words} would show in four of five such cohorts"


def _unclaimed(models: Models, task: str, metric: str, unseen: bool, words: Words) -> str:
    value = models["twin"][task][metric]
    who = "unseen people" if unseen else "people seen in training"
    start = f"{figure_name(task, metric)} = {with_interval(value)} among {who}"
    others = ("demographics", *TAGS) if unseen else tuple(TAGS)[1:]
    names: tuple[str, ...] = () if unseen else ("one_hot_identity",)
    names += best(models, task, metric, others, most=2 if unseen else 1)
    reached = _reached(models, task, metric, names, words)
    if not unseen:
        because = f"; {reached}, so" if reached else "; whoever is known can be remembered, so"
        return f"{start}{because} this figure carries no evidence about connectomes."
    tail = "this figure can claim no evidence about connectomes"
    return f"{start}; {reached}; {tail}." if reached else f"{start}; {tail}."


def best(models: Models, task: str, metric: str, names, most: int) -> tuple[str, ...]:
    """Those of the named models that do best: highest, lowest, or nearest to what it should be."""
    found = {name: models.get(name, {}).get(task, {}).get(metric, Estimate(None)) for name in names}
    should = _should_be(models, task, metric)

    def loss(value: float) -> float:
        if should is not None:
            return abs(value - should)
        return value if metric in LOWER_IS_BETTER else -value

    known = [(loss(one.value), name) for name, one in found.items() if one.value is not None]
    return tuple(name for _, name in sorted(known)[:most])


def _should_be(models: Models, task: str, metric: str) -> float | None:
    """What a share should be: an interval's own, or the observed one."""
    if metric.startswith("coverage_"):
        return int(metric.removeprefix("coverage_")) / 100
    if metric == "omission_rate":
        return models.get("ceiling", {}).get(task, {}).get(metric, Estimate(None)).value
    return None


def _reached(models: Models, task: str, metric: str, names, words: Words) -> str:
    called = titles(words.covariates)
    parts = []
    for name in names:
        figure = models.get(name, {}).get(task, {}).get(metric)
        if figure is not None and figure.value is not None:
            parts.append((called[name], number(figure.value)))
    if not parts:
        return ""
    first, *rest = parts
    return ", ".join([f"{first[0]} reaches {first[1]}", *(f"{who} {value}" for who, value in rest)])


def titles(covariates: str) -> dict[str, str]:
    """What models are called in sentences and tables."""
    named = {name: entry.title for name, entry in REGRESSIONS.items()}
    own = {"demographics": covariates, "constant_input": "the connectome as an extra input"}
    return own | named | TAGS


def titled(name: str) -> str:
    """A task or a run at the beginning of a line; stroopPA stays what it is."""
    return name[:1].upper() + name[1:]


def figure_name(task: str, metric: str) -> str:
    """A figure in words."""
    label = "BOLD" if task == "bold" else titled(task)
    words = metric.replace("_", " ").replace("reaction time", "RT").replace("auc", "AUC")
    return f"{label} {NAMES.get(metric, words)}"


def _named(key: str) -> str:
    task, _, metric = key.rpartition(".")
    return figure_name(task, metric)


def number(value: float) -> str:
    """Two decimals, no zero before the point: .89, -.02, 1.00."""
    text = f"{abs(value):.2f}".removeprefix("0")
    return f"-{text}" if value < 0 else text


def with_interval(figure: Estimate) -> str:
    """A value and its 95 % interval."""
    value = number(required(figure.value))
    if figure.ci_low is None or figure.ci_high is None:
        return value
    return f"{value} [{number(figure.ci_low)}, {number(figure.ci_high)}]"


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".", 1)


def headline(told: Mapping[str, Verdict], *, unseen: bool) -> str:
    """The verdict in one sentence."""
    claimed = [_named(key) for key, one in told.items() if one.evidence]
    tested = [_named(key) for key, one in told.items() if one.p_holm is not None]
    if not unseen:
        return (
            "Every figure here is of people seen in training: a connectome that is fixed per "
            "person can work as a name tag, so none of them carries evidence about connectomes."
        )
    if not tested:
        return "No claim about unseen people could be tested."
    refuted = [_named(key) for key, one in told.items() if one.contradicted_by]
    detectable = [one.detectable_r for one in told.values() if one.p_holm is not None]
    if not claimed and not refuted and all(map(too_few, detectable)):
        people = max(one.after_confounds.n for one in told.values() if one.after_confounds)
        least = min(r for r in detectable if r is not None)
        return (
            f"{people} people cannot answer whether connectomes tell anything of people never "
            f"seen: only r above {number(least)} would show in four of five such cohorts."
        )
    if refuted and not claimed:
        return (
            f"No claim about unseen people: what {', '.join(refuted)} would show is contradicted, "
            "see the sentences."
        )
    if not claimed:
        return (
            f"None of {len(tested)} claims about unseen people ({', '.join(tested)}) has evidence "
            f"at 5 % after correction for all of them"
            f"{_would_show([one.detectable_r for one in told.values()])}."
        )
    named = ", ".join(claimed)
    return f"Evidence about unseen people, at 5 % after correction for all claims: {named}."
