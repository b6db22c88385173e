"""The tasks people did in the scanner; a new one is a file, see docs/tasks.md."""

from dtb_jax.tasks.faces import FACES as FACES
from dtb_jax.tasks.stroop import STROOP as STROOP
from dtb_jax.tasks.taskfile import read_task as read_task
from dtb_jax.tasks.together import tasks_named as tasks_named
from dtb_jax.tasks.together import together as together

TASKS = (FACES, STROOP)
