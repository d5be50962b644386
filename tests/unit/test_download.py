"""Downloads against a server of our own, and archives that try to get out. Offline."""

import hashlib
import io
import tarfile
import zipfile
from collections import namedtuple

import pytest

from diar.base.errors import DataError
from diar.fetching import download
from diar.fetching.archives import unpack
from diar.fetching.download import Downloads, Remote, Stopped

CONTENT = bytes(range(256)) * 40
NOWHERE = "http://127.0.0.1:9"  # the port of 'discard': nobody listens


@pytest.fixture
def downloads(tmp_path):
    return Downloads(tmp_path / "cache", tries=3, pause=0.01, timeout=5)


def remote(web, name="a.zip", **known):
    return Remote(name, f"{web.url}/{name}", **known)


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def test_file_arrives_whole_and_only_once(web, downloads):
    web.files["x/a.zip"] = CONTENT
    known = remote(web, "x/a.zip", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    for _ in range(2):
        assert downloads.fetch(known).read_bytes() == CONTENT
    assert [p.name for p in (downloads.folder / "x").iterdir()] == ["a.zip"]
    assert len(web.asked) == 1


def test_cut_is_gone_on_with_where_it_stopped(web, downloads):
    web.files["a.zip"], web.tags["a.zip"], web.cuts["a.zip"] = CONTENT, '"1"', [3000, 4000]
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT
    assert [r for _, r in web.asked] == [None, "bytes=3000-", "bytes=7000-"]


def test_next_run_goes_on_where_the_last_one_stopped(web, downloads):
    web.files["a.zip"], web.tags["a.zip"] = CONTENT, '"1"'
    web.cuts["a.zip"] = [3000]
    first = Downloads(downloads.folder, tries=1, pause=0, timeout=5)
    with pytest.raises(DataError, match="cut after 3000 of 10240 bytes"):
        first.fetch(remote(web))
    assert not (downloads.folder / "a.zip").exists()
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT
    assert web.asked[-1] == ("a.zip", "bytes=3000-")


def test_file_that_changed_meanwhile_is_fetched_anew(web, downloads):
    web.files["a.zip"], web.tags["a.zip"], web.cuts["a.zip"] = CONTENT, '"1"', [3000]
    with pytest.raises(DataError):
        Downloads(downloads.folder, tries=1, timeout=5).fetch(remote(web))
    web.files["a.zip"], web.tags["a.zip"] = CONTENT[::-1], '"2"'
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("sized", [True, False])
def test_server_that_cannot_go_on_is_asked_for_all_of_it(web, downloads, sized):
    web.files["a.zip"], web.cuts["a.zip"], web.sized = CONTENT, [3000] if sized else [], sized
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT
    assert {r for _, r in web.asked} == {None}


def test_progress_is_no_failed_try(web, downloads):
    web.files["a.zip"], web.tags["a.zip"] = CONTENT, '"1"'
    web.cuts["a.zip"] = [1000] * 9
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT  # with three tries


def test_passing_faults_are_tried_again_lasting_ones_are_not(web, downloads):
    web.files["a.zip"], web.status["a.zip"] = CONTENT, [503, 429]
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT
    web.status["b.zip"] = [403]
    with pytest.raises(DataError, match="HTTP 403"):
        downloads.fetch(remote(web, "b.zip"))
    assert [p for p, _ in web.asked] == ["a.zip"] * 3 + ["b.zip"]


def test_tries_come_to_an_end(web, downloads):
    web.status["a.zip"] = [500] * 9
    with pytest.raises(DataError, match="HTTP 500") as error:
        downloads.fetch(remote(web))
    assert len(web.asked) == 3 and not isinstance(error.value, Stopped)


@pytest.mark.parametrize(
    "known, said",
    [
        ({"size": 10241}, "10240 bytes instead of 10241"),
        ({"sha256": "0" * 64}, "sha256 .* instead of 000000000000"),
        ({"begins": b"PK"}, "another kind of file"),
    ],
)
def test_wrong_file_is_refused_and_not_kept(web, downloads, known, said):
    web.files["a.zip"] = CONTENT
    with pytest.raises(DataError, match=said) as error:
        downloads.fetch(remote(web, **known))
    assert str(downloads.folder / "a.zip") in one_line(error)
    assert not (downloads.folder / "a.zip").exists()
    assert not (downloads.folder / "a.zip.part").exists()


def test_mirrors_are_asked_first_and_in_turn(web, tmp_path):
    web.files["two/x/a%20b.zip"] = CONTENT
    known = Remote(
        "x/a b.zip", f"{web.url}/x/a%20b.zip", sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    mirrors = [f"{web.url}/one", f"{web.url}/two/"]
    assert Downloads(tmp_path, mirrors, pause=0).fetch(known).read_bytes() == CONTENT
    assert [p for p, _ in web.asked] == ["one/x/a%20b.zip", "two/x/a%20b.zip"]


def test_damaged_mirror_is_passed_over(web, tmp_path):
    web.files["bad/a.zip"], web.files["a.zip"] = CONTENT[1:], CONTENT
    known = remote(web, size=len(CONTENT))
    assert Downloads(tmp_path, [f"{web.url}/bad"]).fetch(known).read_bytes() == CONTENT


def test_nobody_there_is_another_fault_than_not_found(web, tmp_path):
    gone = Downloads(tmp_path, tries=2, pause=0)
    with pytest.raises(Stopped, match="cannot be reached"):
        gone.fetch(Remote("a.zip", f"{NOWHERE}/a.zip"))
    with pytest.raises(DataError, match="HTTP 404") as error:
        Downloads(tmp_path, [NOWHERE], tries=1).fetch(remote(web))
    assert not isinstance(error.value, Stopped)


def test_mirror_must_be_an_address(tmp_path):
    with pytest.raises(DataError, match="--mirror file:///etc"):
        Downloads(tmp_path, ["file:///etc"])


def test_no_room_is_said_before_the_download(web, downloads, monkeypatch):
    web.files["a.zip"] = CONTENT
    usage = namedtuple("usage", "free")(len(CONTENT) - 1)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Stopped, match="DIAR_CACHE"):
        downloads.fetch(remote(web))
    assert not (downloads.folder / "a.zip.part").exists()


# --- archives


def make_zip(path, members):
    """members: name -> content, or ('link', target)."""
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            if isinstance(content, tuple):
                info.external_attr, content = 0o120777 << 16, content[1]
            bundle.writestr(info, content)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as bundle:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[1]
                bundle.addfile(info)
            else:
                info.size = len(content)
                bundle.addfile(info, io.BytesIO(content.encode()))
    return path


@pytest.fixture(params=["zip", "tar.gz"])
def make(request, tmp_path):
    maker = make_zip if request.param == "zip" else make_tar
    return lambda members: maker(tmp_path / f"a.{request.param}", members)


def test_archive_is_unpacked_with_its_folders(make, tmp_path):
    archive = make({"audio/a.wav": "one", "./audio/deep/b.wav": "two"})
    folder = unpack(archive, tmp_path / "out" / "a")
    assert (folder / "audio/a.wav").read_text() == "one"
    assert (folder / "audio/deep/b.wav").read_text() == "two"
    archive.unlink()
    assert unpack(archive, folder) == folder  # kept


@pytest.mark.parametrize(
    "name, content",
    [
        ("../evil", "x"),
        ("audio/../../evil", "x"),
        ("/evil", "x"),
        ("..\\evil", "x"),
        ("C:/evil", "x"),
        ("audio/link", ("link", "/etc/passwd")),
        ("audio/link", ("link", "a.wav")),
    ],
)
def test_nothing_gets_out(make, tmp_path, name, content):
    archive = make({"audio/a.wav": "one", name: content})
    before = sorted(p for p in tmp_path.rglob("*"))
    with pytest.raises(DataError, match="not unpacked") as error:
        unpack(archive, tmp_path / "out")
    assert repr(name) in one_line(error) and str(archive) in one_line(error)
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_link_and_file_of_the_same_name_are_refused(make, tmp_path):
    archive = make({"a": "one", "a/b": "two"})
    with pytest.raises(DataError, match="not unpacked"):
        unpack(archive, tmp_path / "out")


def test_damaged_archive_leaves_nothing(make, tmp_path):
    archive = make({f"audio/{i}.wav": str(i) * 5000 for i in range(9)})
    data = bytearray(archive.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 40] = b"\0" * 40
    archive.write_bytes(data)
    with pytest.raises(DataError, match="delete it and run again"):
        unpack(archive, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == [archive.name]


def test_what_is_no_archive_is_said(tmp_path):
    page = tmp_path / "a.zip"
    page.write_text("<html>moved</html>")
    with pytest.raises(DataError, match="delete it and run again"):
        unpack(page, tmp_path / "out")
    assert not (tmp_path / "out").exists()
