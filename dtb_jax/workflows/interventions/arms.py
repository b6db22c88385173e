"""Designed edits of every arm, their controls, the in-silico trial, attributions and the front."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from dtb_jax.evaluation.figures import Estimate, mean_figure
from dtb_jax.interventions import controls, support, trial
from dtb_jax.interventions.against_truth import cosine, toward
from dtb_jax.interventions.constraints import all_of, people_basis, within_budget
from dtb_jax.interventions.study import Rules, Study, design_arm, kept
from dtb_jax.interventions.trial import Arm
from dtb_jax.interventions.validity import Feasible
from dtb_jax.workflows.config import InterventionConfig
from dtb_jax.workflows.interventions.choices import shares
from dtb_jax.workflows.interventions.maps import faithful

DESIGNED = "designed"


class Outcome(NamedTuple):
    """One arm: edits by name (the designed one and its controls), and what they do."""

    edits: dict[str, np.ndarray]  # [people, edge]
    feasible: Feasible
    # in SD by name of the edit, [dose, people]; of controls the whole dose only
    changes: dict[str, dict[str, np.ndarray]]
    refits: list[np.ndarray]  # [people], wished change in SD of the designed edit, other seeds
    judged: dict[str, np.ndarray]  # [people], in the judge's eyes, by name of the edit
    faithful: dict  # what deleting edges does


class Edited(NamedTuple):
    """All arms, the front, and what goes into `metrics.json`."""

    outcomes: dict[str, Outcome]
    front: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    sentences: list[str]
    metrics: dict


def run_arms(
    config: InterventionConfig, workdir: Path, twins, rules: Rules, arms: list[Arm], found
) -> Edited:
    """Design, control, judge.

    Args:
        config: of the study.
        workdir: edits are kept below it.
        twins: see `twins.Twins`.
        rules: of the edits.
        arms: what is wished for.
        found: see `support.support`.
    """
    designs = {
        (arm.name, k): designed(workdir, study, arm, rules, f"{arm.name}_{k}")
        for arm in arms
        for k, study in enumerate([twins.base, *twins.refits])
    }
    outcomes = {
        arm.name: _outcome(
            config,
            twins,
            rules,
            arm,
            [designs[arm.name, k] for k in range(1 + len(twins.refits))],
        )
        for arm in arms
    }
    front = _front(config, workdir, twins, rules, arms)
    sentences, metrics = [], {}
    for arm in arms:
        one = outcomes[arm.name]
        judged = {name: mean_figure(v, np.isfinite(v)) for name, v in one.judged.items()}
        others = {name: figure for name, figure in judged.items() if name not in (DESIGNED, "sham")}
        sentences.append(support.sentence(arm, found, judged[DESIGNED], others))
        metrics[arm.name] = _metrics(config, twins, arm, one, judged) | {
            "supported": support.is_supported(arm, found),
            "sentence": sentences[-1],
        }
    if front:
        metrics["front"] = {
            name: {"cognitive_sd": x.tolist(), "affective_sd": y.tolist(), "weight": w.tolist()}
            for name, (y, x, w) in front.items()
        }
    return Edited(outcomes, front, sentences, metrics)


def designed(workdir: Path, study: Study, arm: Arm, rules: Rules, name: str) -> Feasible:
    """Everybody's edits by one twin, kept below `workdir`."""

    def make() -> Feasible:
        with tqdm(total=len(study.connectomes), desc=f"edits {name}", unit="person") as bar:
            return design_arm(study, arm, rules, progress=bar.update)

    return kept(workdir / "steps" / f"edits_{name}.npz", make, study)


def _outcome(
    config: InterventionConfig, twins, rules: Rules, arm: Arm, designs: list[Feasible]
) -> Outcome:
    own, connectomes = designs[0].edit, twins.base.connectomes
    basis = people_basis(connectomes, min(64, len(connectomes) - 1))
    drawn = {
        "random": controls.at_random(own, connectomes, rules.constraint, seed=config.seed),
        "random_among_people": controls.at_random(
            own, connectomes, rules.constraint, seed=config.seed, basis=basis
        ),
        "group_edit": controls.of_the_group(own),
        "another_person": controls.of_another(own, seed=config.seed),
    }
    if len(designs) > 1:
        length = np.linalg.norm(own, axis=1)
        drawn["another_seed"] = np.asarray(controls.to_length(designs[1].edit, length))
    edits = {DESIGNED: own}
    edits |= drawn  # as long as the designed ones: made feasible, random ones would be shorter
    edits["sham"] = controls.sham(own)
    doses = shares(config)
    return Outcome(
        edits,
        designs[0],
        {
            name: twins.base.by_dose(edit, doses if name == DESIGNED else doses[-1:])
            for name, edit in edits.items()
        },
        [toward(arm, refit.change_sd(own)) for refit in twins.refits],
        {name: toward(arm, twins.judge.change_sd(edit)) for name, edit in edits.items()},
        faithful(config, twins.base, arm) | {"agreement": _agreement(designs)},
    )


def _agreement(designs: list[Feasible]) -> list[float]:
    """Cosine between each person's edits of different seeds, mean over people, pair by pair."""
    return [
        float(np.nanmean(cosine(designs[i].edit, designs[j].edit)))
        for i in range(len(designs))
        for j in range(i)
    ]


def _front(config: InterventionConfig, workdir: Path, twins, rules: Rules, arms) -> dict:
    """Affective against cognitive effects as the wish moves from one to the other.

    Under a budget of a third both can not be had whole; weights go with the wished doses.
    """
    by_name = {arm.name: arm for arm in arms}
    if not config.edits.front or "combined" not in by_name:
        return {}
    few = twins.base._replace(
        connectomes=twins.base.connectomes[:57],
        before={name: values[:57] for name, values in twins.base.before.items()},
        participants=twins.base.participants[:57],
    )
    heart, mind = by_name["affective"], by_name["cognitive"]
    tight = rules._replace(
        constraint=all_of(rules.constraint, within_budget(rules.budget / 3)),
    )
    points, edits = [], []
    weights = np.linspace(0, 1, config.edits.front)
    for k, weight in enumerate(weights):
        aims = {name: w * 2 * (1 - weight) for name, w in heart.targets_sd.items()}
        aims |= {name: w * 2 * weight for name, w in mind.targets_sd.items()}
        arm = Arm(f"front_{k}", aims, by_name["combined"].held, by_name["combined"].guarded)
        edits.append(designed(workdir, few, arm, tight, arm.name).edit)
    middle = edits[len(edits) // 2]
    chance = controls.at_random(middle, few.connectomes, tight.constraint, seed=config.seed)
    for edit in (*edits, chance):
        changes = few.change_sd(edit)
        points.append((toward(heart, changes).mean(), toward(mind, changes).mean()))
    y, x = np.array(points).T
    nothing = np.zeros(1)
    return {
        "designed edits": (y[:-1], x[:-1], weights),
        "random": (y[-1:], x[-1:], nothing),
        "sham": (nothing, nothing, nothing),
    }


def _metrics(
    config: InterventionConfig, twins, arm: Arm, one: Outcome, judged: dict[str, Estimate]
) -> dict:
    everybody = np.ones(len(twins.rows), bool)
    last = {name: {n: v[-1] for n, v in each.items()} for name, each in one.changes.items()}
    moved = {name: toward(arm, each) for name, each in last.items()}
    length = np.linalg.norm(one.edits[DESIGNED], axis=1)
    own = one.changes[DESIGNED]
    names = sorted(twins.base.before)
    spread = [moved[DESIGNED].mean(), *(refit.mean() for refit in one.refits)]
    return {
        "wish_sd": arm.targets_sd,
        "held": list(arm.held),
        "guarded": list(arm.guarded),
        "length_z": mean_figure(length, everybody),
        "feasible_fraction": float(np.mean(one.feasible.kept > 0.999)),
        "kept_share": mean_figure(one.feasible.kept, everybody),
        "wished_change_sd": {name: mean_figure(v, everybody) for name, v in moved.items()},
        "wished_change_sd_by_seed": [float(value) for value in spread],
        "wished_change_sd_judge": judged,
        "agreement_over_seeds": one.faithful["agreement"],
        "trial": trial.summary(arm, own),
        "selectivity": trial.selectivity({DESIGNED: own}, names)[DESIGNED],
        "who_responds": trial.who_responds(
            np.divide(moved[DESIGNED], length, where=length > 0, out=np.full(len(length), np.nan)),
            {name: twins.base.before[name] for name in arm.counted},
            twins.base.connectomes,
            seed=config.seed,
        ),
        "faithfulness": {
            "deleted_edges": one.faithful["counts"].tolist(),
            **{name: line.tolist() for name, line in one.faithful["lines"].items()},
            "random_high": one.faithful["random"][2].tolist(),
        },
    }


def write_edits(
    path: Path, ids: list[str], parcels: pd.DataFrame, edits: dict[str, np.ndarray]
) -> None:
    """Each person's strongest 100 changes of every arm, by the names of the parcels."""
    names = list(parcels["name"])
    one, other = np.triu_indices(len(names), k=1)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        header = ["participant", "indicator", "edge", "parcel", "other_parcel", "change_z"]
        writer.writerow(header)
        for arm, each in edits.items():
            for person, edit in zip(ids, each):
                for k in np.argsort(-np.abs(edit))[:100]:
                    if edit[k]:
                        row = [person, arm, k, names[one[k]], names[other[k]]]
                        writer.writerow([*row, f"{edit[k]:.6f}"])
