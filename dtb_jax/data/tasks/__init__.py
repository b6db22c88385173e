"""The tasks people did in the scanner; a new one is a file, see docs/tasks.md."""

from dtb_jax.data.tasks.faces import FACES as FACES
from dtb_jax.data.tasks.stroop import STROOP as STROOP
from dtb_jax.data.tasks.taskfile import read_task as read_task
from dtb_jax.data.tasks.together import tasks_named as tasks_named
from dtb_jax.data.tasks.together import together as together

TASKS = (FACES, STROOP)
