"""Where a cohort knows its causes: what designed edits truly do, beside the paper's route."""

import json
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.stats import norm

from dtb_jax.evaluation.figures import Estimate, mean_figure, resample
from dtb_jax.evaluation.reportable import of_enough
from dtb_jax.interventions import against_truth as truth
from dtb_jax.interventions import recovery
from dtb_jax.interventions.controls import alike
from dtb_jax.interventions.directions import ConnectomeScore
from dtb_jax.interventions.edits import in_parts
from dtb_jax.interventions.mixed_effects import spread_of_changes
from dtb_jax.interventions.study import Rules, Study, made_feasible
from dtb_jax.interventions.trial import Arm
from dtb_jax.models.prediction import INTERVALS
from dtb_jax.simulation.people import has_truth, load_connectomes, load_truth
from dtb_jax.types import Cohort
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.arms import DESIGNED, Edited
from dtb_jax.workflows.interventions.choices import shares
from dtb_jax.workflows.interventions.maps import Wished, wished

ROUTE = "pls_route"
UNHELD = "holding_nothing"
"""Down the gradient of the wish alone, as the paper's route goes."""
ROUTE_OF = {
    "affective": ("affective",),
    "cognitive": ("speed",),
    "combined": ("affective", "speed"),
}


class Truth(NamedTuple):
    """Predicted and true changes by arm, [people, point], and what goes into `metrics.json`."""

    points: dict[str, tuple[np.ndarray, np.ndarray]]
    metrics: dict


def truth_table(
    config: InterventionConfig,
    cohort: Cohort,
    twins,
    rules: Rules,
    arms: list[Arm],
    edited: Edited,
    route,
    parcels: pd.DataFrame,
    seen: dict[str, np.ndarray],
) -> Truth | None:
    """The whole table, arm by arm, over people the twin never saw; None where no truth is known.

    Args:
        config: of the study.
        cohort: everybody.
        twins: see `twins.Twins`.
        rules, arms, edited: of the edits.
        route: the paper's, see `route.Route`.
        parcels: with networks.
        seen: what was observed of everybody, for the ridge's map.
    """
    root = Path(config.data.root)
    if not has_truth(root):
        return None
    world, people = load_truth(root)
    rows = twins.rows[twins.unseen]
    ids = [str(cohort.participants.index[row]) for row in rows]
    known = truth.know(world, people.of(ids), load_connectomes(root, ids))
    points: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    table: dict[str, dict] = {}
    for arm in arms:
        table[arm.name], points[arm.name] = _arm(
            config, cohort, twins, rules, arm, edited, route, parcels, seen, known
        )
    single = [arm.name for arm in arms if arm.name != "combined"]
    pooled = [np.concatenate([points[name][k] for name in single], axis=1) for k in range(2)]
    whole = truth.slope_and_r(*pooled)
    keys = ("ratio_to_pls", "ratio_to_random", "block_auc", "off_target_sd")
    summary: dict = {"slope": whole["slope"], "r": whole["r"]}
    summary |= {key: {name: table[name][key] for name in single} for key in keys}
    metrics = summary | {"arms": table, "people": len(rows), "causes": _causes(root)}
    return Truth(points, metrics)


def _causes(root: Path) -> dict:
    described = json.loads((root / "truth" / "world.json").read_text("utf-8"))
    return {"kind": described["causes"], "rho": described["rho"]}


def _arm(config, cohort, twins, rules: Rules, arm: Arm, edited, route, parcels, seen, known):
    outcome = edited.outcomes[arm.name]
    edits = {name: edit[twins.unseen] for name, edit in outcome.edits.items()}
    study = twins.base._replace(
        connectomes=twins.base.connectomes[twins.unseen],
        before={n: v[twins.unseen] for n, v in twins.base.before.items()},
    )
    own = edits[DESIGNED]
    gradients = _slopes(Wished.of(study, arm), study.connectomes)
    edits[UNHELD] = _along(gradients, study, rules, own)
    edits[ROUTE] = _along(_route_gradients(study, route, arm), study, rules, own)
    everybody = np.ones(len(study.connectomes), bool)
    slopes = truth.true_gradient(known, arm)
    predicted, true = _points(config, study, known, arm, edits[DESIGNED])
    changes = {name: known.change_sd(edit) for name, edit in edits.items()}
    moved = truth.toward(arm, changes[DESIGNED])
    each = {name: truth.per_length(known, arm, edit) for name, edit in edits.items()}
    aside = [np.abs(v) for n, v in changes[DESIGNED].items() if n not in arm.targets_sd]
    held = [np.abs(changes[DESIGNED][n]) for n in arm.held if n in truth.TRUE]
    per_sd = np.where(np.abs(moved) > 1e-9, np.abs(moved), np.nan)
    found: dict = truth.slope_and_r(predicted, true) | {
        "cosine": mean_figure(truth.cosine(edits[DESIGNED], slopes), everybody),
        "cosine_unheld": mean_figure(truth.cosine(edits[UNHELD], slopes), everybody),
        "cosine_pls": mean_figure(truth.cosine(edits[ROUTE], slopes), everybody),
        "true_change_sd": {
            name: mean_figure(truth.toward(arm, change), everybody)
            for name, change in changes.items()
        },
        "right_way": mean_figure((moved > 0).astype(float), everybody),
        "per_length": {
            name: mean_figure(v, np.isfinite(v)) for name, v in each.items() if name != "sham"
        },
        "ratio_to_pls": truth.ratio(each[DESIGNED], each[ROUTE]),
        "difference_to_pls": truth.difference(each[DESIGNED], each[ROUTE]),
        "ratio_to_pls_unheld": truth.ratio(each[UNHELD], each[ROUTE]),
        "ratio_to_random": truth.ratio(each[DESIGNED], each["random"], root_mean_square=True),
        "off_target_sd": mean_figure(np.mean(held, axis=0), everybody) if held else Estimate(None),
        "off_target_per_sd": (
            mean_figure(np.mean(held, axis=0) / per_sd, np.isfinite(per_sd))
            if held
            else Estimate(None)
        ),
        "not_held_sd": mean_figure(np.mean(aside, axis=0), everybody) if aside else Estimate(None),
    }
    if twins.mixed is not None:
        found["coverage"] = _coverage(twins.mixed, study, known, arm, edits[DESIGNED])
    if "network" in parcels:
        found |= _recovery(
            config, cohort, twins, study, arm, edits, gradients, slopes, parcels, seen
        )
    return found, (predicted, true)


def _points(config, study: Study, known: truth.Known, arm: Arm, edits: np.ndarray):
    """Changes of the arm's targets at every dose in SD of the truth, [people, dose x target]."""
    predicted, true = [], []
    for dose in shares(config):
        after, truly = study.after(dose * edits), known.after(dose * edits)
        for name in arm.targets_sd:
            predicted.append((after[name] - study.before[name]) / known.sd[name])
            true.append((truly[name] - known.before[name]) / known.sd[name])
    return np.stack(predicted, axis=1), np.stack(true, axis=1)


def _coverage(mixed, study: Study, known: truth.Known, arm: Arm, edits: np.ndarray) -> dict:
    """How many true effects lie inside told intervals, {target: {share: figure}}."""
    sd = spread_of_changes(mixed, study.connectomes, edits, study.scene, study.asked)
    after, truly = study.after(edits), known.after(edits)
    found: dict[str, dict] = {}
    for name in arm.targets_sd:
        off = (truly[name] - known.before[name]) - (after[name] - study.before[name])
        found[name] = {
            str(share): of_enough(
                mean_figure(
                    (np.abs(off) <= norm.ppf((1 + share) / 2) * sd[name]).astype(float),
                    np.ones(len(off), bool),
                )
            )
            for share in INTERVALS
        }
        found[name]["sd_in_sd"] = mean_figure(sd[name] / known.sd[name], np.ones(len(off), bool))
    return found


def _along(direction: np.ndarray, study: Study, rules: Rules, own: np.ndarray) -> np.ndarray:
    """Edits along directions, as long as the designed ones and under the same rules."""
    edits = np.asarray(alike(direction, own, study.connectomes, rules.constraint))
    return made_feasible(study, edits, rules).edit


def _route_gradients(study: Study, route, arm: Arm) -> np.ndarray:
    """Of -z1 in SD, summed over the arm's aims in the paper."""
    total = np.zeros_like(study.connectomes)
    for name in ROUTE_OF[arm.name]:
        if name in route.aims:
            aim = route.aims[name]
            function = ConnectomeScore(study.network_of, jax.tree.map(jnp.asarray, aim.direction))
            slope = _slopes(function, study.connectomes)
            total -= slope / aim.z1.std(ddof=1)
    return total


def _slopes(function, connectomes: np.ndarray) -> np.ndarray:
    """Gradients of everybody."""

    @eqx.filter_jit
    def many(function, connectomes):
        return jax.vmap(lambda e: jax.grad(function)(e))(connectomes)

    return in_parts(lambda e: many(function, e), connectomes, chunk=min(57, len(connectomes)))


def _recovery(config, cohort, twins, study, arm, edits, gradients, slopes, parcels, seen) -> dict:
    """Blocks and edges that the twins' gradients, edits and a ridge find."""
    networks = list(parcels["network"])
    rows = slice(0, config.edits.attributed)
    few = study.connectomes[rows]
    maps = [gradients[rows], *(_slopes(Wished.of(one, arm), few) for one in twins.refits)]
    mean = np.mean(maps, axis=0)
    drawn = resample(np.zeros(len(mean), int), draws=200)
    whole = resample(np.zeros(len(edits[DESIGNED]), int), draws=200)
    found: dict = recovery.block_auc(mean, slopes[rows], networks, drawn)
    first = recovery.block_auc(maps[0], slopes[rows], networks, drawn)
    edit = recovery.block_auc(edits[DESIGNED], slopes, networks, whole)
    route = recovery.block_auc(edits[ROUTE], slopes, networks, whole)
    found |= {
        "block_auc_one_seed": first["block_auc"],
        "block_auc_edit": edit["block_auc"],
        "block_auc_pls": route["block_auc"],
    }
    strength = np.abs(slopes.mean(axis=0))
    if not strength.any():
        return found
    chosen = recovery.causal(strength, recovery.MATTERS)
    targets = wished(arm, seen)
    ridge = recovery.ridge_map(cohort.connectomes[twins.training], targets[twins.training])
    one = resample(np.zeros(1, int), draws=2)  # a single map of everybody has no interval
    found["block_auc_ridge"] = recovery.block_auc(ridge[None], slopes[rows], networks, one)[
        "block_auc"
    ]
    found["precision_at_k"] = {
        "causal_edges": int(chosen.sum()),
        "twin": recovery.precision_at_k(np.abs(mean.mean(axis=0)), chosen),
        "ridge": recovery.precision_at_k(np.abs(ridge), chosen),
        "chance": float(chosen.mean()),
    }
    return found
