"""Files appear whole or not at all; the cache is where it is said to be."""

import os
import stat
from pathlib import Path

import pytest

from diar.base.files import cache_dir, open_whole, sha256, write_text


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
