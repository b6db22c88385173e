"""All files below a folder, through links to folders as well."""

import os
from collections.abc import Iterator
from pathlib import Path

TCP_FOLDER = "fMRI_timeseries_clean_denoised_GSR_parcellated"
TCP_SUFFIX = "_bold_Atlas_hp2000_clean_GSR_parcellated.h5"
"""Of TCP's series, [parcel, volume], at .8 s; they are cut at the end, never censored."""


def files_below(root: Path) -> Iterator[Path]:
    """Every file, in order of its path; a folder that several links lead to is read once.

    Hidden folders are passed over: .git of a DataLad data set holds every file a second time.
    """
    seen = set()
    for where, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where, name) for name in sorted(names))


def run_files(root: Path) -> Iterator[Path]:
    """Files of a participant's runs: sub-*/**/func/sub-*_task-*."""
    for path in files_below(root):
        folders = path.relative_to(root).parts[:-1]
        of_a_run = path.name.startswith("sub-") and "_task-" in path.name
        if of_a_run and folders[-1:] == ("func",) and _is_participant(folders, root):
            yield path


def _is_participant(folders: tuple[str, ...], root: Path) -> bool:
    return root.name.startswith("sub-") or any(one.startswith("sub-") for one in folders)
