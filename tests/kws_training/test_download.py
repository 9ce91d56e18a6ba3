import hashlib
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kws_training.dataset import read_dataset
from kws_training.download import RELEASES, Archive, download
from voice.errors import DataError

from .conftest import SPEAKERS

CONTENT = bytes(range(256)) * 5000
NAME = "words.tar.gz"


class _Server(ThreadingHTTPServer):
    """Serves CONTENT with ranges; writes down what was asked for, and can break off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked, self.break_after, self.knows_ranges, self.content = [], None, True, CONTENT


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.knows_ranges else 0
        content = self.server.content
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.break_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def archive(server, sha256=None):
    url = f"http://127.0.0.1:{server.server_address[1]}/{NAME}"
    return Archive(url, sha256 or hashlib.sha256(CONTENT).hexdigest())


def test_a_file_is_got_checked_and_kept(server, tmp_path):
    place = download(archive(server), tmp_path)
    assert place.read_bytes() == CONTENT
    assert download(archive(server), tmp_path) == place
    assert server.asked == [None]


def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path):
    server.break_after = 700_000
    with pytest.raises(DataError, match=r"stopped after 700000 bytes .*goes on from there"):
        download(archive(server), tmp_path)
    server.break_after = None
    assert download(archive(server), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=700000-"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"something old")
    server.knows_ranges = False
    assert download(archive(server), tmp_path).read_bytes() == CONTENT


def test_a_download_that_was_whole_but_not_yet_checked_is_taken(server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    assert download(archive(server), tmp_path).read_bytes() == CONTENT


def test_a_file_that_isnt_what_was_published_is_thrown_away(server, tmp_path):
    with pytest.raises(DataError, match=r"SHA-256 .*, not 000000000000: get it again"):
        download(archive(server, "0" * 64), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = Archive(f"http://127.0.0.1:{closed.getsockname()[1]}/{NAME}", "0" * 64)
    with pytest.raises(DataError) as refused:
        download(gone, tmp_path)
    assert "can't be reached" in str(refused.value)
    assert f"get {NAME} on another machine and name it: kws-train prepare {NAME}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_release_is_downloaded_unpacked_and_prepared(server, tree, kws_train, tmp_path, monkeypatch):
    data = tree("speech_commands").words(("left", "stop", "go"), SPEAKERS[:4]).noise()
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", data.root))
    server.content = packed.read_bytes()
    release = archive(server, hashlib.sha256(server.content).hexdigest())
    monkeypatch.setitem(RELEASES, "v2", release)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for _ in range(2):
        status, _, error = kws_train(
            "prepare", "--download", "v2", "--labels", "left,stop", "--split", "speaker", "--work", tmp_path / "work"
        )
        assert status == 0, error
    assert read_dataset(tmp_path / "work").words == ("left", "stop")
    assert server.asked == [None]


def test_the_releases_are_the_published_files():
    assert RELEASES["v2"].name == "speech_commands_v0.02.tar.gz"
    assert all(len(release.sha256) == 64 for release in RELEASES.values())
