"""What a run leaves on disk: `metrics.json` and `predictions.tsv`."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dtb_jax.evaluation.figures import Figure
from dtb_jax.evaluation.predict import Prediction
from dtb_jax.evaluation.scores import Scored
from dtb_jax.evaluation.splits import in_part
from dtb_jax.types import Cohort


def as_json(tree: Any) -> Any:
    """Figures as dictionaries, numbers as plain Python, NaN as null."""
    if isinstance(tree, Figure):
        return as_json(tree.as_dict())
    if isinstance(tree, dict):
        return {str(key): as_json(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [as_json(value) for value in tree]
    if isinstance(tree, float | np.floating):
        return float(tree) if np.isfinite(tree) else None
    return int(tree) if isinstance(tree, np.integer) else tree


def write_json(path: Path, tree: Any) -> None:
    """Write at once or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(as_json(tree), indent=1, allow_nan=False), encoding="utf-8")
    part.replace(path)


def write_predictions(
    path: Path,
    cohort: Cohort,
    scored: Sequence[Scored],
    predictions: Sequence[Prediction],
    *,
    seen: bool | np.ndarray,
) -> None:
    """One line a trial of the scored parts: what was done beside what the model expected.

    Args:
        path: of the table.
        cohort: whose names.
        scored: which trials.
        predictions: one a run.
        seen: who was trained on, [people] or for all.
    """
    trained = np.broadcast_to(seen, len(cohort.connectomes))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(
            [
                "participant",
                "task",
                "run",
                "trial",
                "condition",
                "seen",
                "observed_choice",
                "observed_rt_s",
                "predicted_choice",
                "predicted_choice_probability",
                "predicted_rt_s",
                "predicted_rt_sd_s",
                "predicted_omission_probability",
            ]
        )
        for part, told in zip(scored, predictions):
            run, task, trials = part.run, part.run.task, part.run.trials
            rows = in_part(run, part.start_s, part.stop_s) & run.present[:, None]
            rows &= np.isfinite(told.reaction_time_s)  # of nobody but the tested
            for i, k in zip(*np.nonzero(rows)):
                possible = [a for a, may in zip(task.actions, trials.possible[i, k]) if may]
                answered = trials.answered[i, k]
                chosen = told.choice[i, k]
                writer.writerow(
                    [
                        cohort.participants.index[i],
                        task.name,
                        run.name,
                        k,
                        task.conditions[trials.condition[i, k]],
                        bool(trained[i]),
                        "|".join(possible) if answered else "n/a",
                        f"{trials.response_time_s[i, k]:.4f}" if answered else "n/a",
                        task.actions[chosen],
                        f"{told.choice_probability[i, k, chosen]:.4f}",
                        f"{told.reaction_time_s[i, k]:.4f}",
                        f"{told.reaction_time_sd_s[i, k]:.4f}",
                        f"{told.omission_probability[i, k]:.4f}",
                    ]
                )
