"""Training states on disk; the only file that knows Orbax."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp


class Checkpoints:
    """The last two states of one run, written whole or not at all."""

    def __init__(self, folder: Path):
        options = ocp.CheckpointManagerOptions(
            max_to_keep=2, enable_async_checkpointing=False, create=True
        )
        self.folder = Path(folder).absolute()
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def save(self, epoch: int, state: Any, record: dict) -> None:
        """Write the state and a JSON record (history, origin) of this epoch.

        Raises: OSError, in one line, where there is no room.
        """
        with _writing(self.folder):
            self._manager.save(
                epoch,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(state), record=ocp.args.JsonSave(record)
                ),
            )

    def record(self) -> dict | None:
        """The newest state's record alone; None if there is none."""
        epoch = self._manager.latest_step()
        if epoch is None:
            return None
        found = self._manager.restore(epoch, args=ocp.args.Composite(record=ocp.args.JsonRestore()))
        return found["record"]

    def restore(self, like: Any) -> tuple[Any, dict] | None:
        """The newest state, with the structure of `like`, and its record; None if there is none."""
        epoch = self._manager.latest_step()
        if epoch is None:
            return None
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        found = self._manager.restore(
            epoch,
            args=ocp.args.Composite(
                state=ocp.args.StandardRestore(abstract), record=ocp.args.JsonRestore()
            ),
        )
        return found["state"], found["record"]

    def close(self) -> None:
        """Release the folder."""
        self._manager.close()


def save_tree(folder: Path, tree: Any) -> None:
    """Arrays in nested dictionaries, whole or not at all, in place of what was in the folder.

    Raises: OSError, in one line, where there is no room.
    """
    with _writing(Path(folder)), ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(Path(folder).absolute(), tree, force=True)


def load_tree(folder: Path, like: Any) -> Any:
    """Arrays with the structure, shapes and types of `like`; nothing but numbers is read.

    Raises: ValueError where the folder holds other shapes.
    """
    with ocp.StandardCheckpointer() as checkpointer:
        found = checkpointer.restore(Path(folder).absolute(), like)
    shapes = (jax.tree.map(lambda leaf: leaf.shape, tree) for tree in (found, like))
    if len(set(map(str, shapes))) > 1:
        raise ValueError(f"{folder}: arrays of other shapes than expected")
    return found


WHY = {
    "RESOURCE_EXHAUSTED": "no space left on device",
    "No space left": "no space left on device",
    "Disk quota": "disk quota exceeded",
    "PERMISSION_DENIED": "permission denied",
    "Read-only": "read-only file system",
}
"""What a disk says, in the words of Orbax's storage."""


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What goes wrong with the disk is an OSError, as everywhere else.

    Orbax's threads log what they raise as well: a page of traceback before the one line.
    """
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        why = next((told for word, told in WHY.items() if word in str(error)), None)
        if why is None:
            raise
        raise OSError(f"{folder}: {why}") from error
    finally:
        log.setLevel(before)
