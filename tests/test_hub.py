"""Files of a model hub, from a server that this test starts: broken off, damaged, and not there."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from diar import hub
from diar.errors import DataError

CONTENT = bytes(range(256)) * 3000  # 768 kB
SHA = hashlib.sha256(CONTENT).hexdigest()
FILES = [hub.HubFile("who/some-model", "abc", name, len(CONTENT), SHA) for name in ("a.ckpt", "b")]


class Server(ThreadingHTTPServer):
    """Serves ``content`` under every address; faults are set by the tests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.status, self.ranges = CONTENT, None, True
        self.cuts: list[int] = []  # bytes after which the next answers end
        self.requests: list[tuple[str, str | None]] = []

    def handle_error(self, *_):
        """The client has hung up, as it may."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append((self.path, wanted))
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            return self.end_headers()
        if server.status:
            return self.send_error(server.status)
        first = int(wanted[6:-1]) if wanted and server.ranges else 0
        if first >= len(server.content) > 0:
            return self.send_error(416)
        self.send_response(206 if first else 200)
        if first:
            total = len(server.content)
            self.send_header("Content-Range", f"bytes {first}-{total - 1}/{total}")
        body = server.content[first:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()


def refused(*files):
    with pytest.raises(DataError) as error:
        hub.fetch(*files)
    assert "\n" not in str(error.value)
    return str(error.value)


def visible(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_files_are_fetched_once_from_the_pinned_revision(server, tmp_path):
    paths = hub.fetch(*FILES)
    folder = tmp_path / "models/some-model"
    assert paths == [folder / "a.ckpt", folder / "b"] == hub.fetch(*FILES)
    assert all(path.read_bytes() == CONTENT for path in paths)
    assert server.requests == [(f"/who/some-model/resolve/abc/{f.name}", None) for f in FILES]
    assert visible(folder) == ["a.ckpt", "b"]


def test_a_redirection_is_followed(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/moved")
    server.cuts = [1000]
    assert hub.fetch(FILES[0])[0].read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, None, "bytes=1000-", "bytes=1000-"]


def test_what_breaks_off_goes_on_where_it_ended(server):
    server.cuts = [100_000, 5, 200_000]
    assert hub.fetch(FILES[0])[0].read_bytes() == CONTENT
    wanted = [wanted for _, wanted in server.requests]
    assert wanted == [None, "bytes=100000-", "bytes=100005-", "bytes=300005-"]


def test_a_later_run_goes_on_too(server, tmp_path):
    server.cuts = [100_000, 0, 0, 0]
    text = refused(*FILES)
    assert f"cannot download {FILES[0].url}" in text and f"100000 of {len(CONTENT)}" in text
    folder = tmp_path / "models/some-model"
    assert visible(folder) == [".a.ckpt.part"]
    server.requests.clear()
    assert hub.fetch(FILES[0])[0].read_bytes() == CONTENT
    assert server.requests[0][1] == "bytes=100000-" and visible(folder) == ["a.ckpt"]


def test_a_server_without_ranges_sends_all_of_it_again(server):
    server.cuts, server.ranges = [100_000], False
    assert hub.fetch(FILES[0])[0].read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_breaks_off_is_given_up(server):
    server.cuts, server.ranges = [300_000, 200_000, 300_000, 100_000, 5], False
    assert "cannot download" in refused(FILES[0]) and len(server.requests) == 4


def test_a_part_that_is_too_long_is_begun_again(server, tmp_path):
    folder = tmp_path / "models/some-model"
    folder.mkdir(parents=True)
    (folder / ".a.ckpt.part").write_bytes(CONTENT + b"more")
    assert "instead of" in refused(FILES[0])
    assert hub.fetch(FILES[0])[0].read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"x" * len(CONTENT), CONTENT[:-1] + b"x"])
def test_damaged_files_are_refused_and_not_kept(server, tmp_path, content):
    server.content = content
    assert f"instead of {SHA[:12]}" in refused(FILES[0])
    assert visible(tmp_path / "models/some-model") == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"<html>please log in</html>"])
def test_a_file_of_another_size_is_not_even_begun(server, tmp_path, content):
    server.content = content
    assert f"it has {len(content)} bytes there" in refused(FILES[0])
    assert visible(tmp_path / "models/some-model") == []


@pytest.mark.parametrize("status", [401, 404, 503])
def test_errors_of_the_server_say_what_else_can_be_done(server, tmp_path, status):
    server.status = status
    text = refused(*FILES)
    assert "cannot download" in text and str(status) in text and len(server.requests) == 1
    folder = tmp_path / "models/some-model"
    assert f"copy a.ckpt and b of who/some-model to {folder}" in text
    for file in FILES:
        (folder / file.name).write_bytes(CONTENT)
    assert hub.fetch(*FILES) == [folder / "a.ckpt", folder / "b"]


def test_without_network_and_with_a_bad_mirror(server, monkeypatch):
    server.shutdown()
    server.server_close()
    text = refused(*FILES)
    assert (
        "cannot download" in text and "Connection refused" in text and "copy a.ckpt and b" in text
    )
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc")
    assert "HF_ENDPOINT" in refused(*FILES)


def test_damage_in_the_cache_is_found(server):
    path = hub.fetch(FILES[0])[0]
    path.write_bytes(CONTENT[:-1])
    assert f"{path}: damaged weights" in refused(FILES[0])


def test_two_at_once_fetch_one_file(server):
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: hub.fetch(FILES[0])[0], range(4)))
    assert len(set(paths)) == 1 and paths[0].read_bytes() == CONTENT
    assert len(server.requests) == 1
