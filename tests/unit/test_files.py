"""Files appear whole or not at all; the cache is where it is said to be."""

import os
import stat
from pathlib import Path

import pytest

from diar.base.files import cache_dir, flush_all, open_whole, sha256, write_text


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), open_whole(path) as stream:
        stream.write("half of the n")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_nothing_is_there_before_the_end(tmp_path):
    path = tmp_path / "new" / "x.bin"
    with open_whole(path, "wb") as stream:
        stream.write(b"\x00\xff")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == b"\x00\xff"
    assert os.listdir(path.parent) == ["x.bin"]


def test_text_is_utf8_whatever_the_locale(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    write_text(tmp_path / "x", "é 中\n")
    assert (tmp_path / "x").read_bytes() == "é 中\n".encode()


def test_permissions_are_those_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_sha256(tmp_path):
    write_text(tmp_path / "x", "abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_cache_dir(monkeypatch):
    monkeypatch.setenv("DIAR_CACHE", "/a/b")
    assert cache_dir() == Path("/a/b")
    monkeypatch.delenv("DIAR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert cache_dir() == Path("/c/dec-diarization")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache/dec-diarization"


@pytest.fixture
def disk(monkeypatch):
    """What reaches the disk, in order: ('flush' or 'name', file)."""
    seen, fsync, replace = [], os.fsync, os.replace

    def flushed(handle):
        seen.append(("flush", Path(os.readlink(f"/proc/self/fd/{handle}"))))
        fsync(handle)

    def named(source, target):
        seen.append(("name", Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", named)
    return seen


def test_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(tmp_path, disk):
    write_text(tmp_path / "x", "text")
    (first, temporary), *rest = disk
    assert first == "flush" and temporary.name.startswith(".x.")
    assert rest == [("name", tmp_path / "x"), ("flush", tmp_path)]


def test_what_cannot_reach_the_disk_gets_no_name(tmp_path, monkeypatch):
    def fails(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        write_text(tmp_path / "x", "text")
    assert os.listdir(tmp_path) == []


def test_all_of_a_folder_reaches_the_disk(tmp_path, disk):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/x").touch()
    (tmp_path / "y").touch()
    flush_all(tmp_path)
    names = [path for _, path in disk]
    assert names.index(tmp_path / "a/b/x") < names.index(tmp_path / "a/b") < names.index(tmp_path)
    assert tmp_path / "y" in names
