"""TCP's public files over plain HTTPS, from OpenNeuro's bucket; nothing else uses a network."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import requests

from dtb_jax.data.derivatives import TCP_FOLDER, TCP_SUFFIX
from dtb_jax.data.ledger import DataError

BUCKET = "https://s3.amazonaws.com/openneuro.org"
TCP = "ds005237"
TCP_FILES = {
    "tables": ("dataset_description.json", "participants.*", "phenotype/*", "task-*_events.json"),
    "events": ("sub-*/func/*_task-hammer*_events.tsv", "sub-*/func/*_task-stroop*_events.tsv"),
    "motion": ("motion_FD/*.csv",),
    "parcel time series": (f"{TCP_FOLDER}/*/task-*{TCP_SUFFIX}",),
}
CHUNK, MIB = 1 << 16, 1 << 20
PART_SIZES = tuple(MIB * size for size in (5, 8, 16, 64, 100))
"""That clients cut large files into; S3 tells the MD5 of the parts' MD5s then."""


class Patience(NamedTuple):
    """When a try is over, and how many there are."""

    tries: int = 5
    pause_s: float = 1.0  # before the second try, then twice as long each time
    connect_s: float = 10.0
    silence_s: float = 60.0  # between two pieces


class Remote(NamedTuple):
    """A file in the bucket."""

    key: str
    size: int
    etag: str  # MD5, or that of the parts' MD5s and their number


class Fetched(NamedTuple):
    """What became of all files."""

    written: int
    kept: int  # was there already, of the right size
    unverified: int  # parts of unknown size: only the length is known to be right


def list_bucket(base: str = BUCKET, patience: Patience = Patience()) -> list[Remote]:
    """All files of TCP, by S3's ListObjectsV2.

    Raises: DataError where the bucket does not answer as one.
    """
    found: list[Remote] = []
    token: dict[str, str] = {}
    while True:
        asked = {"list-type": "2", "prefix": f"{TCP}/"} | token
        answer = _tried(partial(_get, base, patience, params=asked), base, patience)
        try:
            tree = ElementTree.fromstring(answer.content)
        except ElementTree.ParseError as error:
            raise DataError(f"{base}: no list of files ({error}), expected S3's XML") from error
        if not tree.tag.endswith("ListBucketResult"):
            raise DataError(f"{base}: found <{tree.tag}>, expected S3's ListBucketResult")
        space = tree.tag.removesuffix("ListBucketResult")
        for one in tree.iter(f"{space}Contents"):
            told = {part.tag.removeprefix(space): part.text or "" for part in one}
            found.append(Remote(told["Key"], int(told["Size"]), told["ETag"].strip('"')))
        more = tree.findtext(f"{space}NextContinuationToken")
        if not more:
            return found
        token = {"continuation-token": more}


def wanted(files: Iterable[Remote]) -> dict[str, list[Remote]]:
    """The files that this software reads, by kind."""
    listed = list(files)
    return {
        kind: [one for one in listed if any(fnmatch(_place(one), pattern) for pattern in patterns)]
        for kind, patterns in TCP_FILES.items()
    }


def size_text(files: Iterable[Remote]) -> str:
    """Their bytes, thousands apart."""
    return f"{sum(one.size for one in files):,}"


def fetch(
    files: Sequence[Remote],
    folder: Path,
    *,
    base: str = BUCKET,
    patience: Patience = Patience(),
    together: int = 4,
    progress: Callable[[int], Any] = lambda done: None,
) -> Fetched:
    """Download what is not there yet, several files side by side.

    A file is written as NAME.part, goes on from where it broke off, and gets its name when its
    length and MD5 are right: a file under its final name is whole.

    Args:
        files: from `wanted`.
        folder: what to fill, in the dataset's own layout.
        base: URL of the bucket.
        patience: with each file.
        together: how many at once.
        progress: told bytes as they come, and less than none where they were worth nothing.

    Returns: `Fetched`.

    Raises: DataError naming the first file that could not be had; the others are there.
    """

    def one(remote: Remote) -> str:
        url = f"{base}/{remote.key}"
        return _fetch_one(remote, folder / _place(remote), url, patience, progress)

    pool = ThreadPoolExecutor(together)
    try:
        waiting = [pool.submit(one, remote) for remote in files]
        wait(waiting)
        told = [future.result() for future in waiting]
    finally:  # whoever interrupts waits for the files at hand, not for all
        pool.shutdown(cancel_futures=True)
    return Fetched(*(told.count(what) for what in Fetched._fields))


def _place(remote: Remote) -> str:
    """Where a file lies in the dataset."""
    return remote.key.removeprefix(f"{TCP}/")


def _fetch_one(remote: Remote, target: Path, url: str, patience: Patience, progress) -> str:
    if target.exists() and target.stat().st_size == remote.size:
        progress(remote.size)
        return "kept"
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    progress(_length(part))
    verified = _tried(lambda: _complete(remote, part, url, patience, progress), url, patience)
    os.replace(part, target)
    return "written" if verified else "unverified"


def _complete(remote: Remote, part: Path, url: str, patience: Patience, progress) -> bool:
    """Append what is missing; whether the whole was verified by its MD5."""
    done = _length(part)
    if done < remote.size or not part.exists():
        asked = {"Range": f"bytes={done}-"} if done else {}
        with _get(url, patience, headers=asked, stream=True) as answer:
            goes_on = answer.status_code == 206
            progress(0 if goes_on else -done)
            with part.open("ab" if goes_on else "wb") as handle:
                for piece in answer.iter_content(CHUNK):
                    handle.write(piece)
                    progress(len(piece))
    size = _length(part)
    if size < remote.size:
        raise ConnectionError(f"broke off at {size} of {remote.size} bytes")
    right = _is_right(part, remote) if size == remote.size else False
    if right is False:
        part.unlink()
        progress(-size)
        raise ConnectionError(f"{size} bytes with another MD5 than {remote.etag}")
    return right is True


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_right(path: Path, remote: Remote) -> bool | None:
    """Whether a file has its MD5; nothing where its parts' size is not known."""
    digest, _, parts = remote.etag.partition("-")
    if not parts:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "md5").hexdigest() == digest
    for size in PART_SIZES:
        if -(-remote.size // size) == int(parts) and _of_parts(path, size) == digest:
            return True
    return None


def _of_parts(path: Path, size: int) -> str:
    with path.open("rb") as handle:
        each = iter(lambda: handle.read(size), b"")
        return hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in each)).hexdigest()


def _get(url: str, patience: Patience, **options) -> requests.Response:
    answer = requests.get(url, timeout=(patience.connect_s, patience.silence_s), **options)
    if answer.ok:
        return answer
    answer.close()
    problem = f"{answer.status_code} {answer.reason}"
    if answer.status_code < 500 and answer.status_code not in (408, 429):
        raise DataError(f"{url}: {problem}, expected the file")
    raise ConnectionError(problem)


def _tried(work: Callable[[], Any], url: str, patience: Patience) -> Any:
    """What work gives, after as many tries as it takes, at most so many."""
    for attempt in range(patience.tries):
        try:
            return work()
        except (requests.RequestException, ConnectionError) as error:
            problem = " ".join(str(error).split())
            if attempt + 1 < patience.tries:
                time.sleep(min(patience.pause_s * 2**attempt, 30.0))
    raise DataError(
        f"{url}: {problem} in {patience.tries} tries; the same command goes on from what is there"
    )
