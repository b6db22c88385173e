"""Figures of designed edits, of the paper's route and of the truth."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dtb_jax.interventions.against_truth import toward
from dtb_jax.interventions.endpoints import Functions, parted, spoken
from dtb_jax.interventions.trial import RESPONSE_SD, Arm, effects_r
from dtb_jax.reporting import plots
from dtb_jax.workflows.interventions.arms import DESIGNED, Outcome
from dtb_jax.workflows.interventions.choices import shares
from dtb_jax.workflows.interventions.route import DOSES, Route
from dtb_jax.workflows.interventions.truth import Truth

Drawn = tuple[str, str, Any]
"""Caption, name of the file, figure."""
Pairs = Sequence[tuple[Arm, Outcome]]
PAPER_DOSE = DOSES.index(2.0)
ROUTE = "paper's route"
COLUMNS = ("rt_s", "bold", "accuracy", "effect_s", "omission")
"""Of the matrix of arms by indicators."""


class Places(NamedTuple):
    """Where edges lie, and what a figure must say about its data."""

    label: str
    networks: list[str] | None  # a label a parcel
    coordinates: np.ndarray | None  # [parcel, 3], MNI mm


def arms_of(edits: dict) -> list[Arm]:
    """The arms that `metrics["edits"]` holds beside the front."""
    held = {name: one for name, one in edits.items() if "wish_sd" in one}
    return [
        Arm(name, one["wish_sd"], tuple(one["held"]), tuple(one["guarded"]))
        for name, one in held.items()
    ]


def draw(config, places: Places, twins, route, edited, truth, metrics: dict) -> list[Drawn]:
    """Every figure whose data exist; arguments as in `reporting.report.write`."""
    label, edits = places.label, metrics["edits"]
    pairs = [(arm, edited.outcomes[arm.name]) for arm in arms_of(edits)]
    drawn = [*_controls(label, pairs, edits)]
    if truth:
        drawn += _truly(label, truth, metrics["truth"]["arms"])
    drawn += [*_trial(config, label, twins, pairs), _matrix(label, pairs, edits)]
    drawn += [*_tradeoffs(label, pairs, edited.front, route.known), *_edit_maps(places, pairs)]
    drawn += [_faithful(label, pairs), *_route(label, route, metrics["paper_route"])]
    return [*drawn, *_route_maps(places, route)]


def _controls(label: str, pairs: Pairs, edits: dict) -> Iterator[Drawn]:
    every = [("wished_change_sd", arm.name, "the twin") for arm, _ in pairs]
    every += [("wished_change_sd_judge", arm.name, "the judge") for arm, _ in pairs]
    panels = _known((f"{arm.capitalize()}: {who}", edits[arm][key]) for key, arm, who in every)
    if panels:
        caption = "Edits beside controls of equal length; the judge is a twin of other people."
        yield caption, "controls", plots.controls(panels, label, "wished change (SD)")


def _truly(label: str, truth: Truth, known: dict) -> Iterator[Drawn]:
    points = []
    for name, (predicted, true) in truth.points.items():
        if np.isfinite(predicted * true).any():
            text = f"slope {_text(known[name]['slope'])}; r {_text(known[name]['r'])}"
            # the slope is that of the truth on what was predicted: the truth goes upwards
            points.append((name.capitalize(), np.ravel(true), np.ravel(predicted), text))
    if points:
        caption = "What designed edits truly do in unseen people: every target at every dose."
        figure = plots.predicted_true(points, label, "predicted change (SD)", "true change (SD)")
        yield caption, "predicted_true", figure
    panels = _known((name.capitalize(), one["per_length"]) for name, one in known.items())
    if panels:
        caption = "True wished change of unseen people for one unit of Fisher z."
        figure = plots.controls(panels, label, "true wished change (SD for 1 z)")
        yield caption, "true_per_length", figure


def _trial(config, label: str, twins, pairs: Pairs) -> Iterator[Drawn]:
    changed, people, lines = [], [], []
    dose = np.array([0.0, *shares(config)]) * float(config.edits.dose)
    for arm, one in pairs:
        title, own = arm.name.capitalize(), one.changes[DESIGNED]
        for n in arm.targets_sd:
            before = np.asarray(twins.base.before[n])
            unit = "s" if n.endswith("_s") else "contrast (units of the data)"
            after = before + own[n][-1] * twins.base.sd[n]
            if np.isfinite(after).any():
                changed.append((f"{title}: {spoken(n)}", before, after, unit))
        names = (DESIGNED, "random", "sham")
        moved = {n: np.asarray(toward(arm, _last(one.changes[n]))) for n in names}
        people.append((f"{title} edits", moved))
        padded = {n: np.pad(own[n], ((1, 0), (0, 0))) for n in arm.counted}
        lines.append((f"{title} edits", dose, _falls(padded, padded)))
    if changed:
        felt = any(n.endswith("_bold") for arm, _ in pairs for n in arm.targets_sd)
        which = f"; BOLD: contrast of {config.edits.region}" if felt else ""
        caption = f"Targets before and after the whole edit{which}."
        yield caption, "before_after", plots.before_after(changed, label)
    caption = f"Everybody's wished change; dark: {RESPONSE_SD:g} SD or more on average of targets."
    figure = plots.effects(people, label, RESPONSE_SD, "wished change (SD)")
    yield caption, "people", figure
    caption = "Designed edits by dose, shares of the whole edit: how far targets and the held fall."
    figure = plots.dose_response(lines, label, "dose (SD wished)", "fall (SD)")
    yield caption, "dose_response", figure


def _matrix(label: str, pairs: Pairs, edits: dict) -> Drawn:
    arms = [arm.name for arm, _ in pairs]
    names = [n for n in edits[arms[0]]["selectivity"] if parted(n)[1] in COLUMNS]
    value, low, high = (
        np.array([[edits[arm]["selectivity"][n][key] for n in names] for arm in arms], float)
        for key in ("value", "ci_low", "ci_high")
    )
    wanted = [(i, names.index(n)) for i, (arm, _) in enumerate(pairs) for n in arm.targets_sd]
    caption = "Mean change by designed edits, 95 % intervals. Frames: targets; bold leaves out 0."
    rest = (arms, [spoken(n) for n in names], label, wanted, "change (SD)")
    figure = plots.selectivity_matrix(value, low, high, *rest)
    return caption, "selectivity", figure


def _tradeoffs(label: str, pairs: Pairs, front: dict, known: Functions) -> Iterator[Drawn]:
    scatter = []
    for arm, one in pairs:
        own = one.changes[DESIGNED]
        both = itertools.product(known.affective, known.speed)
        r = {f"{n}, {m}": effects_r(own, n, m).as_dict() for n, m in both}
        scatter += _scatter(f"{arm.name.capitalize()} edits", _last(own), r)
    if scatter:
        caption = "Designed edits: a person's fall in BOLD against the fall in reaction times."
        yield caption, "selectivity_people", plots.selectivity(scatter, label)
    if front:
        caption = (
            "What edits of a third of the budget give to both wishes, by the weight of the "
            "cognitive one. Random and sham edits are the combined arm's, of its whole budget."
        )
        axes = ("cognitive wished change (SD)", "affective wished change (SD)")
        yield caption, "front", plots.front(front, label, *axes)


def _edit_maps(places: Places, pairs: Pairs) -> Iterator[Drawn]:
    for arm, one in pairs:
        mean, name = one.edits[DESIGNED].mean(axis=0), f"edit_{arm.name}"
        title = f"{arm.name.capitalize()}: mean designed edit of everybody"
        yield from _maps(places, mean, title, name, title, "change (Fisher z)")


def _faithful(label: str, pairs: Pairs) -> Drawn:
    panels = []
    for arm, one in pairs:
        lines = {name.replace("_", " "): line for name, line in one.faithful["lines"].items()}
        count, random = one.faithful["counts"], one.faithful["random"]
        panels.append((arm.name.capitalize(), count, lines, *random))
    caption = (
        "Whether attributions are faithful: how far the wish moves when the edges that by each add "
        "most to it become the mean person's. Band: 95 % of random draws."
    )
    return caption, "faithfulness", plots.faithfulness(panels, label, "|change of the wish| (SD)")


def _route(label: str, route: Route, found: dict) -> Iterator[Drawn]:
    nulls, doses, scatter = [], [], []
    for name, aim in route.aims.items():
        for part, tested in zip(("in sample", "cross-validated"), aim.null):
            if np.isfinite(tested.r) and np.isfinite(tested.null).any():
                also = f"; random weights r = {aim.random_r:.3f}" if part == "in sample" else ""
                text = ("p undefined" if tested.p is None else f"p = {tested.p:.3g}") + also
                nulls.append((f"{name.capitalize()} z1, {part}", tested.null, tested.r, text))
        felt, t, speed, _ = route.known
        names = dict.fromkeys((*aim.names, *felt, *t, *speed))
        falls = _falls(aim.changes, [n for n in names if n in aim.changes])
        doses.append((f"Paper's route, {name} z1", np.array(DOSES), falls))
        last = {n: values[PAPER_DOSE] for n, values in aim.changes.items()}
        scatter += _scatter(f"{name.capitalize()} z1", last, found[name]["selectivity_r"])
    if nulls:
        caption = (
            "The paper's route: r of z1 with the indicator it was found for, beside permuted "
            "people. The paper reports it with the other sign. In sample any weights give a high r."
        )
        yield caption, "route_null", plots.null(nulls, label)
    caption = "The paper's route, W \u2212 \u03b1v for everybody alike. The paper takes 2 SD of z1."
    figure = plots.dose_response(doses, label, "dose (SD of z1)", "fall (SD)")
    yield caption, "route_dose_response", figure
    if scatter:
        caption = "The paper's route at 2 SD: a person's affective effect against that on speed."
        yield caption, "route_selectivity", plots.selectivity(scatter, label)


def _route_maps(places: Places, route: Route) -> Iterator[Drawn]:
    for name, aim in route.aims.items():
        title = f"SmoothGrad of {name} z1"
        caption = f"{title}, mean over people: the edges along which z1 grows"
        yield from _maps(places, aim.smooth, caption, f"smoothgrad_{name}", title, "slope of z1")
        caption = f"{title}: distance to the map used here, by noise (SD) and noisy copies."
        figure = plots.sensitivity({**aim.sensitivity}, places.label, title)
        yield caption, f"sensitivity_{name}", figure


def _scatter(title: str, last: dict[str, np.ndarray], r: dict[str, dict]) -> list:
    panels = []
    for pair, figure in r.items():
        heart, mind = pair.split(", ")
        ends = [f"fall in {spoken(n)} (SD)" for n in (mind, heart)]
        x, y = -last[mind], -last[heart]
        if np.isfinite(x + y).any():
            panels.append((f"{title}: {spoken(mind)}", x, y, *ends, f"r = {_text(figure)}"))
    return panels


def _maps(places: Places, edges, caption: str, name: str, title: str, unit: str) -> Iterator[Drawn]:
    edges, (label, networks, at) = np.asarray(edges, float), places
    if networks is not None:
        figure = plots.edge_panels(edges, networks, label, title, unit=unit)
        yield f"{caption}.", name, figure
    if at is not None and np.isfinite(at).all(axis=1).any():
        figure = plots.brain(edges, at, label, title, unit=unit)
        yield f"{caption}, in the brain.", f"{name}_brain", figure


def _known(panels: Iterable[tuple[str, dict]]) -> list:
    """Those with a number; the direction of the paper's route is called so."""
    return [
        (title, [(ROUTE if n == "pls_route" else n, f) for n, f in rows.items()])
        for title, rows in panels
        if any(f["value"] is not None for f in rows.values())
    ]


def _falls(changes: dict[str, np.ndarray], names) -> dict[str, np.ndarray]:
    return {spoken(n): -changes[n] for n in names}


def _last(changes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values[-1] for name, values in changes.items()}


def _text(figure: dict) -> str:
    if figure["value"] is None:
        return "undefined"
    within = (
        "" if figure["ci_low"] is None else f" [{figure['ci_low']:.2f}, {figure['ci_high']:.2f}]"
    )
    return f"{figure['value']:.2f}{within}"
