"""What JSON files say of a series: those beside it, and those above that BIDS lets it inherit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dtb_jax.data.entities import entities_of
from dtb_jax.data.ledger import DataError


class Sidecars:
    """JSON files of a study; each folder is listed and each file read once.

    Args:
        imaging: folder of the series.
        raw: folder of the events, whose `_bold.json` files hold for what was made of these scans.
    """

    def __init__(self, imaging: Path, raw: Path) -> None:
        self.imaging, self.raw = imaging, raw
        self._listed: dict[Path, list[Path]] = {}
        self._read: dict[Path, dict[str, Any]] = {}

    def of(self, path: Path, participant: str) -> dict[str, tuple[Any, Path]]:
        """{field: (value, the file that says so)}; of several files the nearest to the series.

        Raises: DataError where a file is no JSON.
        """
        own = entities_of(path) | {"sub": participant.removeprefix("sub-")}
        suffix = path.name.split(".")[0].rsplit("_", 1)[-1]
        said: dict[str, tuple[Any, Path]] = {}
        for folder in self._folders(path, own):
            fitting = [
                one
                for one in self._jsons(folder)
                if one.stem.rsplit("_", 1)[-1] in (suffix, "bold")
                and entities_of(one).items() <= own.items()
            ]
            for one in sorted(fitting, key=lambda one: -len(entities_of(one))):
                for field, value in self._content(one).items():
                    said.setdefault(field, (value, one))
        return said

    def _folders(self, path: Path, own: dict[str, str]) -> Iterator[Path]:
        for folder in path.parents:
            yield folder
            if folder == self.imaging:
                break
        participant = self.raw / f"sub-{own['sub']}"
        session = participant / f"ses-{own['ses']}" if "ses" in own else participant
        yield from dict.fromkeys((session / "func", session, participant, self.raw))

    def _jsons(self, folder: Path) -> list[Path]:
        if folder not in self._listed:
            self._listed[folder] = sorted(folder.glob("*.json"))
        return self._listed[folder]

    def _content(self, path: Path) -> dict[str, Any]:
        if path not in self._read:
            try:
                content = json.loads(path.read_text(encoding="utf-8-sig"))
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: can not be read as JSON ({error})") from error
            if not isinstance(content, dict):
                raise DataError(f"{path}: expected an object of fields in the JSON")
            self._read[path] = content
        return self._read[path]
