"""The tasks people did in the scanner; a new task is one new file beside `faces` and `stroop`."""

from dtb_jax.tasks.faces import FACES as FACES
from dtb_jax.tasks.stroop import STROOP as STROOP

TASKS = (FACES, STROOP)
