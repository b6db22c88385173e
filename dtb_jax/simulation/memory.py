"""A simulated cohort without files: connectomes and presses as the readers would hand them on."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from dtb_jax.data.bids import PARTICIPANT_COLUMNS
from dtb_jax.data.tasks.task import events_to_timeseries
from dtb_jax.simulation.behaviour import DESIGNS, Responses, run_table
from dtb_jax.simulation.layout import REPETITION_TIME_S, VOLUMES
from dtb_jax.simulation.presses import as_trials
from dtb_jax.twin.connectome import parcel_count
from dtb_jax.types import STEP_S, Cohort, Run

RUNS = ("hammerAP_run-01", "stroopAP_run-01")


def simulate_cohort_behaviour(
    participants: list[str],
    connectomes: Float[np.ndarray, "people edge"],
    presses: Mapping[str, Responses],
    table: pd.DataFrame | None = None,
) -> Cohort:
    """People with both tasks' behaviour and no BOLD; everybody sees the same stimuli.

    Args:
        participants: names.
        connectomes: measured edges.
        presses: {run: [people, trial]}, see `cohort.simulate_behaviour`.
        table: age, sex, site and so on by participant; None: nothing is known.
    """
    if table is None:
        table = pd.DataFrame(index=pd.Index(participants, name="participant_id"))
    return Cohort(
        participants=table.reindex(index=participants, columns=list(PARTICIPANT_COLUMNS)),
        connectomes=connectomes,
        runs=tuple(behaving_run(run, presses[run]) for run in RUNS),
        regions=(),
        parcels=parcel_count(connectomes.shape[1]),
        repetition_time_s=REPETITION_TIME_S,
        connectome_source="simulated",
        bold_source="none",
    )


def behaving_run(run: str, presses: Responses) -> Run:
    """One run of everybody, its stimuli as TCP's scanner clocks them."""
    (task, volumes), people = (DESIGNS[run][0], VOLUMES[run]), len(presses.action)
    _, drive = task.decode(run_table(run).assign(response_time=np.nan, accuracy_binarized=0.0))
    shown = events_to_timeseries(drive, volumes * round(REPETITION_TIME_S / STEP_S), task.flags)
    return Run(
        task,
        run,
        as_trials(run, presses),
        stimulus=np.broadcast_to(shown, (people, *shown.shape)),
        bold=np.zeros((people, volumes, 0), np.float32),
        bold_mask=np.zeros((people, volumes), bool),
        present=np.ones(people, bool),
    )
