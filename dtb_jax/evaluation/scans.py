"""Task scans of simulated people without a file: contrasts, their reliability, their ceiling."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.data.regions import region_means
from dtb_jax.data.splits import SPLIT_S, STOP_S
from dtb_jax.data.tasks.task import effect
from dtb_jax.evaluation.figures import Estimate, correlation_figure
from dtb_jax.simulation.behaviour import run_trials
from dtb_jax.simulation.layout import REPETITION_TIME_S, VOLUMES, generator
from dtb_jax.simulation.parameters import RUNS
from dtb_jax.simulation.responses import AMYGDALA, task_series
from dtb_jax.simulation.statistics import reliability
from dtb_jax.simulation.world import AMYGDALA_GAIN, GenerativeModel, Subject
from dtb_jax.types import STEP_S, Run, Trials


def scan(world: GenerativeModel, subjects: Sequence[Subject], run: str, session: str) -> Run:
    """One run of these people in TCP's scanner; another session has another noise.

    Args:
        world: whose people.
        subjects: who is scanned.
        run: one of `parameters.RUNS`.
        session: names the noise.

    Returns: `Run` without behaviour, BOLD [people, volume, region] of all regions.
    """
    task, trials = run_trials(run)
    people, volumes = len(subjects), VOLUMES[run]
    steps = round(volumes * REPETITION_TIME_S / STEP_S)
    series = [
        task_series(
            generator(world.seed, subject.name, run, session),
            subject.brain,
            world.population,
            subject.gains,
            task,
            trials,
            volumes,
            world.regions,
        )
        for subject in subjects
    ]
    return Run(
        task,
        run,
        Trials(*(np.broadcast_to(field, (people, *field.shape)) for field in trials)),
        stimulus=np.zeros((people, steps, 0), np.float32),
        bold=np.stack([region_means(one, world.regions) for one in series]),
        bold_mask=np.ones((people, volumes), bool),
        present=np.ones(people, bool),
    )


def contrast_t(
    run: Run, start_s: float = 0.0, stop_s: float = STOP_S
) -> Float[np.ndarray, "people region"]:
    """t-values of the task's contrast in a part of the run."""
    glm = make_glm(run, start_s, stop_s)
    return person_t(glm, run.bold[:, glm.volumes])


def contrast_reliability(world: GenerativeModel, subjects: Sequence[Subject]) -> float:
    """ICC(1, 1) of the contrasts' t-values over two sessions, mean over regions and both tasks."""
    found = []
    for run in RUNS[:2]:
        sessions = [contrast_t(scan(world, subjects, run, name)) for name in ("one", "two")]
        found.append(reliability(*sessions))
    return float(np.mean(found))


def affective_ceilings(world: GenerativeModel, subjects: Sequence[Subject]) -> dict[str, Estimate]:
    """How well the truth tells the right amygdala's measured t-value, face > shape.

    Args:
        world: whose people.
        subjects: who is scanned.

    Returns: by split: `time`, the second half of the run from the true contrast; `people`, the
        whole run from the causal score alone (0 where nothing is caused).
    """
    run = scan(world, subjects, RUNS[0], "one")
    everybody = np.ones(len(subjects), bool)
    true = np.array([effect(run.task, subject.gains.faces)[AMYGDALA] for subject in subjects])
    score = np.array([subject.scores[AMYGDALA_GAIN] for subject in subjects])
    half, whole = contrast_t(run, SPLIT_S)[:, AMYGDALA], contrast_t(run)[:, AMYGDALA]
    unseen = Estimate(0.0, n=len(subjects))
    if world.truth.rho[AMYGDALA_GAIN] > 0:
        unseen = correlation_figure(score, whole, everybody)
    return {"time": correlation_figure(true, half, everybody), "people": unseen}
