"""What a run predicts of every trial, as a table."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dtb_jax.data.splits import in_part
from dtb_jax.evaluation.scores import EvaluationTargets
from dtb_jax.models.prediction import Prediction
from dtb_jax.types import Cohort, required


def write_predictions(
    path: Path,
    cohort: Cohort,
    scored: Sequence[EvaluationTargets],
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
            fields = ("choice", "choice_probability", "reaction_time_s", "reaction_time_sd_s")
            choice, choices, time, time_sd = (required(getattr(told, name)) for name in fields)
            omission = required(told.omission_probability)
            rows &= np.isfinite(time)  # of nobody but the tested
            for i, k in zip(*np.nonzero(rows)):
                possible = [a for a, may in zip(task.actions, trials.possible[i, k]) if may]
                answered = trials.answered[i, k]
                chosen = choice[i, k]
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
                        f"{choices[i, k, chosen]:.4f}",
                        f"{time[i, k]:.4f}",
                        f"{time_sd[i, k]:.4f}",
                        f"{omission[i, k]:.4f}",
                    ]
                )
