"""Files appear whole or not at all; the cache is where it is said to be."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from diar.audio.spool import Spooled
from diar.base import files
from diar.base.errors import DataError
from diar.base.files import (
    Scratch,
    cache_dir,
    expanded,
    flush_all,
    open_whole,
    sha256,
    sweep,
    write_text,
)
from diar.fetching.download import lock_folder
from diar.kaldi.inputs import Input, open_input


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


def killed(script, *args, **env):
    """Run Python that prints a line when it is in the midst of something, and kill -9 it there."""
    process = subprocess.Popen(
        [sys.executable, "-c", script + "\nprint(flush=True); time.sleep(100)", *map(str, args)],
        env={**os.environ, **env}, stdout=subprocess.PIPE, stdin=subprocess.PIPE,
    )  # fmt: skip
    if "stdin" in script:
        process.stdin.write(b"sound")
        process.stdin.close()
    assert process.stdout.readline() == b"\n"
    return process


WHOLE = """
import sys, time
from diar.base.files import open_whole
block = open_whole(sys.argv[1]); block.__enter__().write("half")"""
SCRATCH = """
import sys, time
from pathlib import Path
from diar.base.files import Scratch
tmp = Scratch(Path(sys.argv[1]).parent if len(sys.argv) > 1 else None)
Path(tmp.name, "big").write_text("unpacked")"""


class TestLeftovers:
    @pytest.mark.parametrize("script", [WHOLE, SCRATCH])
    def test_go_when_their_process_is_gone_and_not_before(self, tmp_path, script):
        process = killed(script, tmp_path / "x [1]")
        (left,) = os.listdir(tmp_path)
        sweep(tmp_path)
        with Scratch(tmp_path) as tmp:
            assert set(os.listdir(tmp_path)) == {left, Path(tmp).name}
        process.kill()
        process.wait()
        sweep(tmp_path)
        assert os.listdir(tmp_path) == []

    def test_go_when_the_same_is_made_again(self, tmp_path):
        process = killed(WHOLE, tmp_path / "x [1]")
        process.kill()
        process.wait()
        write_text(tmp_path / "y", "")
        assert os.listdir(tmp_path) == ["y"]

    def test_in_tmpdir_only_ours_go(self, tmp_path, monkeypatch):
        process = killed(SCRATCH, TMPDIR=str(tmp_path))
        process.kill()
        process.wait()
        others = f".theirs.1{files.SUFFIX}"
        (tmp_path / others).mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        Scratch().cleanup()
        assert os.listdir(tmp_path) == [others]

    def test_of_a_child_that_lives_on_stay(self, tmp_path):
        process = killed(f"{SCRATCH}\nimport os\nif os.fork(): os._exit(0)", tmp_path / "x")
        process.wait()
        sweep(tmp_path)
        (left,) = tmp_path.iterdir()
        assert (left / "big").exists()

    def test_of_audio_from_a_pipe_there_are_none(self, tmp_path):
        script = """
import sys, time
from diar.kaldi.inputs import Input, STDIN, open_input
block = open_input(Input("x", STDIN)); path = block.__enter__()  # of stdin
assert path.read_bytes() == b"sound" == path.read_bytes()"""
        process = killed(script, TMPDIR=str(tmp_path))
        process.kill()
        process.wait()
        assert os.listdir(tmp_path) == []

    def test_nothing_is_swept_while_it_is_made(self, tmp_path):
        stop = threading.Event()

        def sweep_on():
            while not stop.is_set():
                sweep(tmp_path)

        sweeper = threading.Thread(target=sweep_on)
        sweeper.start()
        try:
            for number in range(300):
                write_text(tmp_path / f"{number}", "x")
                with Scratch(tmp_path) as tmp:
                    write_text(Path(tmp) / "y", "x")
        finally:
            stop.set()
            sweeper.join()
        assert len(os.listdir(tmp_path)) == 300


class TestPlaces:
    def test_without_a_home(self, monkeypatch):
        for name in ("DIAR_CACHE", "XDG_CACHE_HOME", "HOME"):
            monkeypatch.delenv(name, raising=False)

        def no_entry(_):
            raise KeyError("uid not found")

        monkeypatch.setattr("pwd.getpwuid", no_entry)
        with pytest.raises(DataError, match="no home directory .* DIAR_CACHE"):
            cache_dir()
        with pytest.raises(DataError, match="~/model.onnx: .*no|none"):
            expanded("~/model.onnx")

    def test_a_cache_that_cannot_be_written_to(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        cache = tmp_path / "file" / "cache"
        monkeypatch.setenv("DIAR_CACHE", str(cache))
        text = "cannot write to the cache .Not a directory.: set DIAR_CACHE to another folder"
        for use in (
            lambda: write_text(cache / "models/x", ""),
            lambda: Scratch(cache / "wheels"),
            lambda: lock_folder(cache / "voices").__enter__(),
        ):
            with pytest.raises(DataError, match=f"{tmp_path}.*: {text}"):
                use()
        with pytest.raises(OSError) as caught:
            write_text(tmp_path / "file/elsewhere", "")
        assert str(tmp_path) in caught.value.filename

    def test_a_cache_that_cannot_be_read(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("DIAR_CACHE", str(tmp_path / "file"))
        with pytest.raises(DataError, match="file: the cache cannot be read: set DIAR_CACHE"):
            cache_dir()

    def test_a_full_disk_is_named(self, tmp_path):
        with pytest.raises(OSError) as caught, open_whole(tmp_path / "x"):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert caught.value.filename == str(tmp_path / "x")

    def test_a_full_tmpdir(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

        def blocks():
            yield np.zeros(9)

        def full(**_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        text = f"{tmp_path}: no space for .*No space left on device.*TMPDIR"
        with pytest.raises(DataError, match=text):
            Spooled(blocks())
        os.mkfifo(tmp_path / "pipe")
        handle = os.open(tmp_path / "pipe", os.O_RDWR)  # so that the reader need not wait
        with pytest.raises(DataError, match=text), open_input(Input("x", tmp_path / "pipe")):
            pass
        os.close(handle)

    @pytest.mark.parametrize("make", [Scratch, lambda: Spooled([np.zeros(9)])])
    def test_a_tmpdir_that_is_not_there(self, tmp_path, monkeypatch, make):
        monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
        with pytest.raises(DataError, match="gone: TMPDIR, .* is not a writable folder"):
            make()
