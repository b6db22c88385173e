"""The report of an in-silico trial."""

from pathlib import Path

import numpy as np
import pandas as pd

from dtb_jax.data.writing import as_json
from dtb_jax.evaluation.figures import mean_figure
from dtb_jax.interventions.endpoints import spoken
from dtb_jax.interventions.trial import HARM_SD, RESPONSE_SD
from dtb_jax.reporting.report import figure_text, write_page
from dtb_jax.workflows import session
from dtb_jax.workflows.evaluation_report import source_label, source_line
from dtb_jax.workflows.interventions.figures import PAPER_DOSE, Places, arms_of, draw
from dtb_jax.workflows.interventions.route import CLINICAL_NOTE, PAPER, Route

Cell = tuple[str, str]
"""A value, and what stands small beside it: its interval, or p."""
SLOPE, ASIDE_SD = (0.8, 1.2), 0.1
"""What the truth should show: the slope within, off-target changes below."""


def write(
    workdir: Path,
    config,
    cohort,
    ledger,
    twins,
    parcels: pd.DataFrame,
    coordinates: np.ndarray | None,
    route: Route,
    edited,
    truth,
    metrics: dict,
) -> None:
    """Draw every figure into `figures/` and embed them in `report.html`.

    Args:
        workdir: where.
        config: of the study.
        cohort, ledger: as read.
        twins: see `twins.Twins`.
        parcels: table with name and, if known, network.
        coordinates: see `read_centroids`.
        route, edited, truth: of the paper's route, of designed edits, of the truth or None.
        metrics: as in `metrics.json`.
    """
    metrics = as_json(metrics)
    edits, known = metrics["edits"], metrics.get("truth", {})
    networks = list(parcels["network"]) if "network" in parcels else None
    places = Places(source_label(cohort), networks, coordinates)
    drawn = draw(config, places, twins, route, edited, truth, metrics)
    unseen, people = int(twins.unseen.sum()), len(twins.rows)
    arms = [
        {"name": arm.name, "truth": known.get("arms", {}).get(arm.name)} | edits[arm.name]
        for arm in arms_of(edits)
    ]
    write_page(
        workdir / "report.html",
        "interventions.html.j2",
        title=f"Edits of {people} connectomes",
        first_line=source_line(metrics)
        + f"{unseen} of these {people} people were unseen by the twins that design edits, which "
        "were trained on the others.",
        summary=[],
        arms=arms,
        support=metrics["support"],
        truth=known,
        rho=_rho(known["causes"]) if known else "",
        goals=[_goal(arm["name"], arm["truth"]) for arm in arms if known],
        route=_route(route, metrics["paper_route"]),
        clinical=_clinical(route, metrics["paper_route"]),
        clinical_note=CLINICAL_NOTE,
        dose=config.edits.dose,
        ridge=config.edits.ridge,
        response_sd=RESPONSE_SD,
        harm_sd=HARM_SD,
        spoken=spoken,
        cell=_cell,
        figures=session.save_figures(workdir, drawn),
        metrics=metrics,
        exclusions=ledger.entries,
    )


def _goal(name: str, found: dict) -> str:
    """Whether an arm's goals were met, and what is known of why not."""
    slope, aside = _met(found["slope"], *SLOPE), _met(found["off_target_sd"], ASIDE_SD)
    told = [f"{name.capitalize()}: slope {slope}; off target {aside}."]
    cosine, value = found["cosine"]["value"], found["slope"]["value"]
    if cosine is None:
        told.append("No edge truly matters, so that nothing can come true.")
    elif value is not None and value < SLOPE[0]:
        told.append(
            "The twin expects more than comes true: its edits follow its own slopes, and their "
            f"cosine with the true slopes is {cosine:.2f}."
        )
    if aside == "missed":
        told.append("What was held moves in truth although the twin sees it stay.")
    return " ".join(told)


def _met(figure: dict, *limits: float) -> str:
    """Whether a figure is between two limits, or below one."""
    low, high = limits if len(limits) == 2 else (-np.inf, *limits)
    if figure["value"] is None:
        return "undefined"
    if not low <= figure["value"] <= high:
        return "missed"
    sure = figure["ci_low"] is not None and low <= figure["ci_low"] and figure["ci_high"] <= high
    return "met" if sure else "met, though not by its whole interval"


def _rho(causes: dict) -> str:
    """One share where all parameters have the same."""
    shares = causes["rho"] if isinstance(causes["rho"], dict) else {"": causes["rho"]}
    if len({*shares.values()}) == 1:
        return f"{next(iter(shares.values())):g}"
    return ", ".join(f"{name.replace('_', ' ')} {rho:g}" for name, rho in shares.items())


def _route(route: Route, found: dict) -> list[tuple[str, Cell, str]]:
    """Lines of the table: what, here, in the paper."""
    rows: list[tuple[str, Cell, str]] = []
    for name, one in found.items():
        paper = {key: str(value) for key, value in PAPER[name].items()}
        fall = {n: -values[PAPER_DOSE] for n, values in route.aims[name].changes.items()}
        effect = {n: _cell(mean_figure(v, np.isfinite(v)).as_dict()) for n, v in fall.items()}
        lines = [
            ("r in sample", _tested(one, "r_in_sample"), paper["r"]),
            ("r in sample of random weights", _tested(one, "r_in_sample_random_weights"), "–"),
            ("r cross-validated", _tested(one, "r_cross_validated"), "–"),
        ]
        for n in route.aims[name].names:
            spread = (f"{np.nanmin(fall[n]):.2f} to {np.nanmax(fall[n]):.2f}", "")
            lines.append((f"mean effect at 2 SD: {spoken(n)} (SD)", effect[n], "–"))
            lines.append((f"least and largest effect: {spoken(n)} (SD)", spread, paper["effect"]))
        for pair, r in one["selectivity_r"].items():
            said = " and ".join(spoken(n) for n in pair.split(", "))
            lines.append((f"r of effects: {said}", _cell(r), paper["selectivity_r"]))
        for n in one["off_target_effect_sd"]:
            lines.append((f"off target at 2 SD: {spoken(n)} (SD)", effect[n], "–"))
        blocks = [
            f"{b['network']} to {b['other_network']} {b['beyond']:,}".replace("_", " ")
            for b in one.get("top_networks", [])[:3]
        ]
        beyond = (f"{one['top_edges']:,}", "; ".join(blocks))
        lines.append(("edges of the map beyond 2.5 SD", beyond, "–"))
        rows += [(f"{name}: {said}", here, there) for said, here, there in lines]
    return rows


def _clinical(route: Route, found: dict) -> dict[str, dict]:
    """Of every score: measures tested, how many with q < .05, and lines of the strongest."""
    told = {}
    for name, table in route.clinical.items():
        one = found[name]["clinical"]
        rows = []
        for measure, said in one["strongest"].items():
            if said["r"] is not None:
                low, high = table.loc[measure, ["low", "high"]]
                r = (f"{said['r']:.2f}", f"[{low:.2f}, {high:.2f}]")
                rows.append((said["label"] or measure, r, said["n"], f"{said['q']:.3f}"))
        told[name] = {"tested": one["tested"], "below": one["q_below_.05"], "rows": rows}
    return told


def _cell(found) -> Cell:
    """A figure with its interval rather than its SD; numbers as they are, several in one cell."""
    if isinstance(found, list):
        return ", ".join(f"{v:.2f}" for v in found if v is not None) or "–", ""
    if isinstance(found, float):
        return f"{found:.3f}", ""
    return figure_text({**found, "sd": None} if found else None)


def _tested(found: dict, key: str) -> Cell:
    value, _ = _cell(found[key])
    p = found.get(f"{key}_p")
    return value, "" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
