"""Files of a model hub: where they are looked for, what is accepted, what can be done without it.

That downloads go on after a cut is tested in test_download.py.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from diar.base.errors import DataError
from diar.fetching import hub

CONTENT = bytes(range(256)) * 300
SHA = hashlib.sha256(CONTENT).hexdigest()
FILES = [hub.HubFile("who/some-model", "abc", name, len(CONTENT), SHA) for name in ("a.ckpt", "b")]


@pytest.fixture
def server(web, tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "PAUSE", 0.01)
    web.files = {f"who/some-model/resolve/abc/{f.name}": CONTENT for f in FILES}
    monkeypatch.setenv("HF_ENDPOINT", f"{web.url}/")
    return web


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models/some-model"


def refused(*files):
    with pytest.raises(DataError) as error:
        hub.fetch(*files)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_files_are_fetched_once_from_the_pinned_revision(server, folder):
    paths = hub.fetch(*FILES)
    assert paths == [folder / "a.ckpt", folder / "b"] == hub.fetch(*FILES)
    assert all(path.read_bytes() == CONTENT for path in paths)
    assert server.asked == [(f"who/some-model/resolve/abc/{f.name}", None) for f in FILES]
    assert {p.name for p in folder.iterdir()} == {"a.ckpt", "b", ".lock"}


@pytest.mark.parametrize(
    "content", [b"x" * len(CONTENT), CONTENT[:-1], b"<html>please log in</html>"]
)
def test_other_files_are_refused_and_not_kept(server, folder, content):
    server.files = dict.fromkeys(server.files, content)
    assert "instead of" in refused(FILES[0])
    assert not (folder / "a.ckpt").exists()


@pytest.mark.parametrize("status", [401, 404, 503])
def test_errors_of_the_server_say_what_else_can_be_done(server, folder, status):
    server.status = {path: [status] * 9 for path in server.files}
    text = refused(*FILES)
    assert "cannot download" in text and str(status) in text
    assert f"without network, copy a.ckpt and b of who/some-model to {folder}" in text
    for file in FILES:
        (folder / file.name).write_bytes(CONTENT)
    assert hub.fetch(*FILES) == [folder / "a.ckpt", folder / "b"]


def test_without_network_and_with_a_bad_mirror(server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    text = refused(*FILES)
    assert "Connection refused" in text and "copy a.ckpt and b" in text
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
    assert len(server.asked) == 1
