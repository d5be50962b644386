"""Downloads: what is damaged is refused in one line, what is there is not fetched again. Offline."""

import hashlib
import sys
import zipfile

import pytest

from diar.base.errors import DataError
from diar.fetching import packages
from diar.fetching.packages import Package

CONTENT = b"not really a package"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pinned(content=CONTENT, name="thing"):
    digest = hashlib.sha256(content).hexdigest()
    return Package(name, "1.0", f"{name}_1.0.deb", len(content), digest)


def copying(tmp_path, content):
    """A stand-in for the download command: puts a file into the working directory."""
    source = tmp_path / "source.deb"
    source.write_bytes(content)
    script = f"import shutil; shutil.copy({str(source)!r}, 'fetched.deb')"
    return [sys.executable, "-c", script]


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("damage", [CONTENT[:-1], b"x" * len(CONTENT), b""])
@pytest.mark.parametrize(
    "get, kind", [(packages.fetch_deb, "debs"), (packages.fetch_wheel, "wheels")]
)
def test_damaged_file_in_the_cache_is_refused_by_its_sha256(cache, damage, get, kind):
    package = pinned()
    (cache / kind).mkdir(parents=True)
    path = cache / kind / package.filename
    path.write_bytes(damage)
    with pytest.raises(DataError) as error:
        get(package)
    assert "sha256" in one_line(error) and str(path) in one_line(error)


def test_intact_file_in_the_cache_needs_no_download(cache, monkeypatch):
    package = pinned()
    (cache / "debs").mkdir(parents=True)
    (cache / "debs" / package.filename).write_bytes(CONTENT)
    monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: pytest.fail("it downloads"))
    assert packages.fetch_deb(package).read_bytes() == CONTENT


def test_damaged_download_is_refused_and_not_kept(tmp_path, cache):
    with pytest.raises(DataError) as error:
        packages._fetch(pinned(), "debs", copying(tmp_path, CONTENT[:-3]))
    assert "sha256" in one_line(error)
    assert list((cache / "debs").iterdir()) == []


def test_download_arrives_under_the_pinned_name(tmp_path, cache):
    path = packages._fetch(pinned(), "debs", copying(tmp_path, CONTENT))
    assert path == cache / "debs" / "thing_1.0.deb" and path.read_bytes() == CONTENT
    assert [p.name for p in (cache / "debs").iterdir()] == ["thing_1.0.deb"]


def test_failed_download_says_why_and_what_else_can_be_done(cache):
    command = [sys.executable, "-c", "import sys; sys.exit('no route to anywhere')"]
    with pytest.raises(DataError) as error:
        packages._fetch(pinned(), "debs", command)
    assert "no route to anywhere" in one_line(error) and "copy thing_1.0.deb" in one_line(error)


def test_deb_names_the_missing_tool(cache, monkeypatch):
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    with pytest.raises(DataError) as error:
        packages.fetch_deb(pinned())
    assert "apt-get" in one_line(error) and str(cache) in one_line(error)


def test_wheel_member_is_extracted_once(tmp_path, cache, monkeypatch):
    archive = tmp_path / "thing.whl"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("thing/sample.txt", "hello")
    monkeypatch.setattr(packages, "fetch_wheel", lambda _: archive)
    target = packages.extract_member(pinned(), "thing/sample.txt", tmp_path / "out" / "sample.txt")
    assert target.read_text() == "hello"
    archive.unlink()
    assert packages.extract_member(pinned(), "thing/sample.txt", target) == target


@pytest.mark.parametrize("get", [packages.fetch_deb, packages.fetch_wheel])
def test_a_download_writes_no_file_much_larger_than_the_package(cache, monkeypatch, get):
    script = "import sys; f = open('fetched', 'wb')\nwhile True: f.write(bytes(1 << 16)); f.flush()"
    run = packages.subprocess.run
    monkeypatch.setattr(packages.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        packages.subprocess, "run", lambda _, **k: run([sys.executable, "-c", script], **k)
    )
    monkeypatch.setattr(packages, "_SLACK", {"wheels": 1e5, "debs": 1e5})
    with pytest.raises(DataError, match="cannot download thing 1.0: .*File too large") as error:
        get(pinned())
    one_line(error)
    assert not list(cache.rglob("fetched"))
