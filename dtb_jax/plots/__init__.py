"""The figures of a talk: plain arrays in, a matplotlib figure out."""

from dtb_jax.plots.evaluation import calibration as calibration
from dtb_jax.plots.evaluation import few_shot as few_shot
from dtb_jax.plots.evaluation import reliability as reliability
from dtb_jax.plots.evaluation import verdict as verdict
from dtb_jax.plots.people import Course as Course
from dtb_jax.plots.people import Trace as Trace
from dtb_jax.plots.people import action_traces as action_traces
from dtb_jax.plots.people import bold_courses as bold_courses
from dtb_jax.plots.people import connectomes as connectomes
from dtb_jax.plots.people import group_t as group_t
from dtb_jax.plots.people import reaction_times as reaction_times
from dtb_jax.plots.people import training_curves as training_curves
from dtb_jax.plots.style import ACTIONS as ACTIONS
from dtb_jax.plots.style import PLAIN as PLAIN
from dtb_jax.plots.style import SEEN as SEEN
from dtb_jax.plots.style import TWIN as TWIN
from dtb_jax.plots.style import WARM as WARM
from dtb_jax.plots.style import frame as frame
