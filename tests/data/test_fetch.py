"""Files from a server that breaks off, garbles, delays: whole in the end, or not there."""

import hashlib
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlparse

import numpy as np
import pytest
from typer.testing import CliRunner

from dtb_jax.cli import app
from dtb_jax.data import DataError
from dtb_jax.data.derivatives import TCP_FOLDER, TCP_SUFFIX
from dtb_jax.data.fetch import MIB, Patience, Remote, fetch, list_bucket, wanted

SOON = Patience(tries=4, pause_s=0.01, connect_s=2.0, silence_s=0.3)
SERIES = f"ds005237/{TCP_FOLDER}/NDAR_INVA/task-restAP_run-01{TCP_SUFFIX}"
RNG = np.random.default_rng(0)
FILES = {
    "ds005237/participants.tsv": b"participant_id\nsub-A\n",
    "ds005237/sub-A/func/sub-A_task-stroopAP_run-01_events.tsv": b"onset\n1\n",
    "ds005237/sub-A/func/sub-A_task-stroopAP_run-01_bold.nii.gz": b"large",
    "ds005237/motion_FD/TCP_FD_rest_AP_1.csv": b"A,0.1\n",
    "ds005237/sub-A/anat/sub-A_T1w.nii.gz": b"large",
    SERIES: RNG.bytes(600_000),
}


class Bucket(BaseHTTPRequestHandler):
    """S3's list in pages of two, and files with the troubles that the server was given."""

    def do_GET(self):
        path, asked = urlparse(self.path), parse_qs(urlparse(self.path).query)
        if "prefix" in asked:
            return self.listed(asked)
        key = unquote(path.path).removeprefix("/")
        server = self.server
        server.asked[key] += 1
        trouble = server.troubles.get(key, [])
        now = trouble.pop(0) if trouble else ""
        content = FILES.get(key)
        if content is None or now == "gone":
            return self.send_error(404)
        if now == "busy":
            return self.send_error(503)
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        server.ranges[key].append(start)
        if now == "no ranges":
            start = 0
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if now == "silent":
            time.sleep(0.6)
        if now == "garbled":
            body = b"\0" + body[1:]
        self.wfile.write(body[: len(body) // 2] if now == "broken off" else body)

    def listed(self, asked):
        keys = sorted(FILES)
        start = int(asked.get("continuation-token", ["0"])[0])
        rows = "".join(
            f"<Contents><Key>{key}</Key><ETag>&quot;{etag(FILES[key])}&quot;</ETag>"
            f"<Size>{len(FILES[key])}</Size></Contents>"
            for key in keys[start : start + 2]
        )
        more = f"<NextContinuationToken>{start + 2}</NextContinuationToken>"
        body = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{rows}{more if start + 2 < len(keys) else ''}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    def handle(self):
        with suppress(ConnectionError):  # whoever asked lost patience
            super().handle()


def etag(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def server():
    found = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    found.troubles, found.asked, found.ranges = {}, Counter(), {key: [] for key in FILES}
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{found.server_port}"
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


def remote(key=SERIES):
    return Remote(key, len(FILES[key]), etag(FILES[key]))


def got(server, folder, one=None, patience=SOON, **more):
    return fetch([one or remote()], folder, base=server.url, patience=patience, **more)


def target(folder, key=SERIES):
    return folder / key.removeprefix("ds005237/")


def test_a_list_of_many_pages_by_kind(server):
    kinds = wanted(list_bucket(base=server.url, patience=SOON))
    assert {kind: len(files) for kind, files in kinds.items()} == {
        "tables": 1,
        "events": 1,
        "motion": 1,
        "parcel time series": 1,
    }
    assert kinds["parcel time series"] == [remote()]


@pytest.mark.parametrize(
    "troubles",
    [
        [],
        ["broken off"],
        ["broken off", "broken off", "broken off"],
        ["garbled"],
        ["silent"],
        ["busy", "busy"],
        ["broken off", "no ranges"],
        ["broken off", "garbled"],
    ],
    ids=lambda troubles: ", ".join(troubles) or "none",
)
def test_the_file_is_whole_in_the_end(server, tmp_path, troubles):
    server.troubles[SERIES] = list(troubles)
    done = []
    assert got(server, tmp_path, progress=done.append).written == 1
    assert target(tmp_path).read_bytes() == FILES[SERIES]
    assert sum(done) == len(FILES[SERIES])
    assert list(tmp_path.rglob("*.part")) == []
    if troubles == ["broken off"]:
        assert server.ranges[SERIES][0] == 0 and 200_000 < server.ranges[SERIES][1] <= 300_000
    assert got(server, tmp_path) == (0, 1, 0)
    assert server.asked[SERIES] == len([one for one in troubles if one != "no ranges"]) + 1


def test_what_can_not_be_had_has_no_name(server, tmp_path):
    server.troubles[SERIES] = ["garbled"] * 9
    with pytest.raises(DataError, match="another MD5 than .* in 4 tries; the same command goes on"):
        got(server, tmp_path)
    assert not target(tmp_path).exists()
    server.troubles[SERIES] = ["gone"]
    with pytest.raises(DataError, match="404 Not Found, expected the file"):
        got(server, tmp_path)
    assert server.asked[SERIES] == SOON.tries + 1  # no second try of what is not there
    server.troubles[SERIES] = ["broken off"] * 4
    with pytest.raises(DataError, match="broke off at|IncompleteRead|Connection"):
        got(server, tmp_path)
    assert not target(tmp_path).exists()
    assert target(tmp_path).with_name(target(tmp_path).name + ".part").exists()
    assert got(server, tmp_path).written == 1
    assert server.ranges[SERIES][-1] > 300_000  # the next call goes on, too


def test_a_longer_part_and_an_old_file_are_replaced(server, tmp_path):
    part = target(tmp_path).with_name(target(tmp_path).name + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(FILES[SERIES] + b"more")
    target(tmp_path).write_bytes(b"older")
    assert got(server, tmp_path).written == 1
    assert target(tmp_path).read_bytes() == FILES[SERIES]


def test_the_others_are_there_where_one_is_not(server, tmp_path):
    server.troubles[SERIES] = ["gone"]
    others = [remote(key) for key in FILES if key != SERIES]
    with pytest.raises(DataError, match="404"):
        fetch([remote(), *others], tmp_path, base=server.url, patience=SOON)
    assert all(target(tmp_path, one.key).exists() for one in others)


def test_parts_have_an_md5_of_their_own(server, tmp_path, monkeypatch):
    content = RNG.bytes(12 * MIB)
    monkeypatch.setitem(FILES, SERIES, content)
    parts = [hashlib.md5(content[k : k + 5 * MIB]).digest() for k in range(0, 12 * MIB, 5 * MIB)]
    known = Remote(SERIES, len(content), f"{etag(b''.join(parts))}-3")
    assert got(server, tmp_path / "known", known).written == 1
    unknown = known._replace(etag=f"{etag(b'')}-3")
    assert got(server, tmp_path / "unknown", unknown).unverified == 1


def test_the_command(server, tmp_path):
    dry = CliRunner().invoke(app, ["fetch", "tcp", str(tmp_path), "--dry-run", "--url", server.url])
    assert dry.exit_code == 0 and "600,000" in dry.output
    assert list(tmp_path.iterdir()) == []
    for said in ("4 files written, 0 were there", "0 files written, 4 were there"):
        done = CliRunner().invoke(app, ["fetch", "tcp", str(tmp_path), "--url", server.url])
        assert done.exit_code == 0 and said in done.output.replace("\n", "")
    other = CliRunner().invoke(app, ["fetch", "hcp", str(tmp_path)])
    assert other.exit_code == 1 and "expected tcp" in other.output
    server.troubles["ds005237/participants.tsv"] = ["gone"]
    (tmp_path / "participants.tsv").unlink()
    failed = CliRunner().invoke(app, ["fetch", "tcp", str(tmp_path), "--url", server.url])
    assert failed.exit_code == 1 and "Traceback" not in failed.output
    assert "404" in failed.output


def test_a_bucket_that_is_none(server, monkeypatch):
    monkeypatch.setattr(Bucket, "listed", lambda self, asked: self.send_error(404))
    with pytest.raises(DataError, match="404"):
        list_bucket(base=server.url, patience=SOON)
    for body, said in ((b"<html>", "no list of files"), (b"<html/>", "found <html>, expected")):
        monkeypatch.setattr(Bucket, "listed", lambda self, asked, body=body: page(self, body))
        with pytest.raises(DataError, match=said):
            list_bucket(base=server.url, patience=SOON)


def page(self, body):
    self.send_response(200)
    self.end_headers()
    self.wfile.write(body)
