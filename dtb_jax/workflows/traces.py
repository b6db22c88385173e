"""Action channels of three people's twins over one stretch of the test part."""

import jax
import jax.numpy as jnp
import numpy as np

from dtb_jax.data.averages import correct_mask, masked_mean
from dtb_jax.data.splits import in_part, to_sequences
from dtb_jax.models import paper_twin
from dtb_jax.reporting import plots
from dtb_jax.twin.response import log_hazards
from dtb_jax.twin.twin import simulate_cohort
from dtb_jax.types import STEP_S, Cohort, Run


def action_traces(
    cohort: Cohort, fitted: paper_twin.Fitted, start_s: float, response: str
) -> list[plots.Trace]:
    """A quarter of a minute of three people: the fastest, a middling and the slowest."""
    run = cohort.runs[0]
    times = masked_mean(run.trials.response_time_s, correct_mask(run.trials))
    known = np.isfinite(times) if np.isfinite(times).any() else run.present
    order = np.argsort(np.where(known, times, np.inf))[: int(known.sum())]
    chosen = order[[0, len(order) // 2, len(order) - 1]]
    stop_s = min(start_s + 40, run.stimulus.shape[1] * STEP_S)
    few = cohort._replace(
        runs=tuple(
            Run(r.task, r.name, *jax.tree.map(lambda x: x[chosen], r[2:])) for r in cohort.runs
        ),
        connectomes=cohort.connectomes[chosen],
    )
    part = to_sequences(few, start_s, stop_s, fitted.scale)
    outputs = simulate_cohort(
        fitted.twin, fitted.params, jnp.asarray(few.connectomes), jnp.asarray(part.stimulus)
    )
    actions = part.press.shape[-1]
    available = jnp.asarray(part.available[0, 0])
    if response == "hazard":
        probability = np.exp(np.asarray(log_hazards(outputs[:, 0, :, :actions], available)[0]))
    else:
        probability = np.asarray(jax.nn.sigmoid(outputs[:, 0, :, :actions]))
    time = start_s + np.arange(probability.shape[1]) * STEP_S
    shown = time < start_s + 25
    buttons = np.flatnonzero(run.task.available)
    traces = []
    for i, person in enumerate(chosen):
        trials = []
        for k in np.flatnonzero(in_part(run, start_s, start_s + 25)[person]):
            onset = float(run.trials.onset_s[person, k])
            press = None
            if run.trials.answered[person, k]:
                press = onset + float(run.trials.response_time_s[person, k])
            trials.append((onset, float(run.trials.deadline_s[person, k]), press))
        name = ("fastest", "middling", "slowest")[i]
        traces.append(
            plots.Trace(
                f"{name} person, {run.task.name}: {_mean(times[person])}",
                time[shown],
                probability[i][shown][:, buttons] / STEP_S,
                tuple(run.task.actions[k] for k in buttons),
                trials,
            )
        )
    return traces


def _mean(time_s: float) -> str:
    return f"mean RT {1000 * time_s:.0f} ms" if np.isfinite(time_s) else "no correct press"
