"""Downloads against a server of our own, and archives that try to get out. Offline."""

import hashlib
import io
import tarfile
import urllib.request
import zipfile
from collections import namedtuple

import pytest

from diar.base.errors import DataError
from diar.fetching import archives, download
from diar.fetching.archives import unpack
from diar.fetching.download import Downloads, Remote, Stopped

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MOST = 1_000_000
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
        ({"size": 10239}, "10240 bytes instead of 10239, or less"),
        ({"most": 10239}, "10240 bytes instead of 10239, or less"),
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


def test_download_stops_at_the_size_that_is_known(web, downloads):
    web.files["a.zip"], web.sized = bytes(50_000_000), False
    with pytest.raises(DataError, match="more than 300 bytes: not the published file"):
        downloads.fetch(remote(web, size=300))
    assert web.sent < 20_000_000  # what was on its way
    assert not list(downloads.folder.glob("a.zip*"))


def test_server_that_drips_is_given_up(web, downloads):
    web.files["a.zip"] = web.files["two/a.zip"] = CONTENT
    web.slow["a.zip"] = 0.01
    slow = Downloads(downloads.folder, tries=2, pause=0, timeout=0.2)
    with pytest.raises(DataError, match="slower than 1000 bytes per second"):
        slow.fetch(remote(web))
    web.tags["a.zip"], web.cuts["a.zip"] = '"1"', [10] * 9  # ten bytes a connection: no progress
    del web.slow["a.zip"]
    with pytest.raises(DataError, match="cut after"):
        slow.fetch(remote(web))


def test_redirects_lead_to_https_or_stay_with_http(web, downloads, monkeypatch):
    web.files["b.zip"], web.moved["a.zip"] = CONTENT, f"{web.url}/b.zip"
    assert downloads.fetch(remote(web)).read_bytes() == CONTENT
    for scheme, said in (("ftp", "it leads to ftp:"), ("file", "HTTP 302"), ("data", "HTTP 302")):
        web.moved[scheme] = f"{scheme}://127.0.0.1/etc/passwd"
        with pytest.raises(DataError, match=said):
            downloads.fetch(remote(web, scheme))
    request = urllib.request.Request("https://corpora.example/a.zip")
    with pytest.raises(download._Gone, match="is not https"):
        download._Redirects().redirect_request(request, io.BytesIO(), 302, "", {}, web.url)


def test_only_http_is_opened(downloads, tmp_path):
    (tmp_path / "secret").write_text("x")
    for url in (f"file://{tmp_path}/secret", "ftp://127.0.0.1/x", "data:,x"):
        with pytest.raises(DataError, match="unknown url type"):
            downloads.fetch(Remote("a", url))


def test_bad_answers_are_one_line(web, downloads):
    web.moved["a.zip"] = "http://[x/"
    with pytest.raises(DataError, match="a bad answer") as error:
        downloads.fetch(remote(web))
    one_line(error)


def test_sha256_that_nobody_has_published_is_said_and_kept(web, downloads, caplog):
    web.files |= {"a.zip": CONTENT, "b.zip": CONTENT, "c.zip": CONTENT}
    for name, known in (("a.zip", {}), ("b.zip", {}), ("c.zip", {"sha256": SHA256})):
        downloads.fetch(remote(web, name, **known))
    sums = downloads.folder / "SHA256SUMS"
    assert sums.read_text() == f"{SHA256}  a.zip\n{SHA256}  b.zip\n"
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert said == f"no sha256 of a.zip is published: that of what came is in {sums}"
    (downloads.folder / "a.zip").unlink()
    web.files["a.zip"] = CONTENT[::-1]
    downloads.fetch(remote(web))
    assert f"it was {SHA256[:12]} before" in caplog.text


# --- archives


def make_zip(path, members):
    """members: name -> content, or ('link', target)."""
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            if isinstance(content, tuple):
                info.external_attr, content = 0o120777 << 16, content[1]
            bundle.writestr(info, content, zipfile.ZIP_DEFLATED)
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
    folder = unpack(archive, tmp_path / "out" / "a", MOST)
    assert (folder / "audio/a.wav").read_text() == "one"
    assert (folder / "audio/deep/b.wav").read_text() == "two"
    archive.unlink()
    assert unpack(archive, folder, MOST) == folder  # kept


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
        unpack(archive, tmp_path / "out", MOST)
    assert repr(name) in one_line(error) and str(archive) in one_line(error)
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_link_and_file_of_the_same_name_are_refused(make, tmp_path):
    archive = make({"a": "one", "a/b": "two"})
    with pytest.raises(DataError, match="not unpacked"):
        unpack(archive, tmp_path / "out", MOST)


def test_damaged_archive_leaves_nothing(make, tmp_path):
    archive = make({f"audio/{i}.wav": str(i) * 5000 for i in range(9)})
    data = bytearray(archive.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 40] = b"\0" * 40
    archive.write_bytes(data)
    with pytest.raises(DataError, match="delete it and run again"):
        unpack(archive, tmp_path / "out", MOST)
    assert [p.name for p in tmp_path.iterdir()] == [archive.name]


def test_what_is_no_archive_is_said(tmp_path):
    page = tmp_path / "a.zip"
    page.write_text("<html>moved</html>")
    with pytest.raises(DataError, match="delete it and run again"):
        unpack(page, tmp_path / "out", MOST)
    assert not (tmp_path / "out").exists()


def test_unpacking_stops_at_the_stated_size(make, tmp_path):
    archive = make({"a": "x" * 600_000, "b": "x" * 400_001})
    assert archive.stat().st_size < 10_000
    with pytest.raises(DataError, match="more than 1 MB come out of it: not unpacked"):
        unpack(archive, tmp_path / "out", MOST)
    assert [p.name for p in tmp_path.iterdir()] == [archive.name]
    assert unpack(archive, tmp_path / "out", MOST + 1).is_dir()


def test_too_many_files_are_refused(make, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MEMBERS", 10)
    archive = make({str(i): "" for i in range(11)})
    with pytest.raises(DataError, match="more than 10 files"):
        unpack(archive, tmp_path / "out", MOST)


def test_a_long_header_of_a_tar_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MEMBERS", 10)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as bundle:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * 5_000_000}
        bundle.addfile(info)
    with pytest.raises(DataError, match="more than 1 MB"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", MOST)
