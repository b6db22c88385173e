"""Instructions are remembered: a cue lasts until the next one.

A network that forgets within seconds does not know in the middle of a block what its cue said, and
the codes of faces and of shapes are too much alike to tell; people know.
"""

import numpy as np

from dtb_jax.types import Cohort, TaskRun


def with_memory(cohort: Cohort) -> Cohort:
    """The cohort with `remembered` runs."""
    return cohort._replace(runs=tuple(remembered(run) for run in cohort.runs))


def remembered(run: TaskRun) -> TaskRun:
    """The run with cues that stay on until the next; whole runs only, a part may lack its cue.

    x[t, cue] = x[s, cue],   s the last step up to t at which any cue is on.
    """
    channels = list(run.task.cues)
    if not channels:
        return run
    shown = run.stimulus[..., channels]
    steps = np.where(shown.any(axis=-1), np.arange(shown.shape[1]), -1)
    last = np.maximum.accumulate(steps, axis=1)[..., None]
    stimulus = run.stimulus.copy()
    stimulus[..., channels] = np.where(
        last >= 0, np.take_along_axis(shown, np.maximum(last, 0), axis=1), 0
    )
    return run._replace(stimulus=stimulus)
