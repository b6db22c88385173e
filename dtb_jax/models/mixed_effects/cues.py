"""Instructions are remembered: a block's cue lasts until the next one.

A network that forgets within seconds does not know in the middle of a block what its cue said, and
the codes of faces and of shapes are too much alike to tell; people know. What is remembered comes
in channels of its own: it moves what is read out (`network.Population`), while which button is
right stays one rule for all blocks.
"""

import numpy as np

from dtb_jax.types import Cohort, Run


def remembered_cues(cohort: Cohort) -> int:
    """Channels that memory needs: as many as the task with most cues has."""
    return max(len(run.task.cues) for run in cohort.runs)


def with_memory(cohort: Cohort, channels: int) -> Cohort:
    """The cohort with `remembered` runs."""
    return cohort._replace(runs=tuple(remembered(run, channels) for run in cohort.runs))


def remembered(run: Run, channels: int) -> Run:
    """The run with so many channels more; whole runs only, a part may lack its cue.

    x[t, inputs + k] = x[s, cue k],   s the last step up to t at which any cue is on; 0 before the
    first, and in tasks without cues.
    """
    memory = np.zeros((*run.stimulus.shape[:2], channels), run.stimulus.dtype)
    if run.task.cues:
        shown = run.stimulus[..., list(run.task.cues)]
        steps = np.where(shown.any(axis=-1), np.arange(shown.shape[1]), -1)
        last = np.maximum.accumulate(steps, axis=1)[..., None]
        held = np.take_along_axis(shown, np.maximum(last, 0), axis=1)
        memory[..., : shown.shape[-1]] = np.where(last >= 0, held, 0)
    return run._replace(stimulus=np.concatenate([run.stimulus, memory], axis=-1))
