"""Files that appear whole or not at all, also after a power loss, temporary folders, and the cache of downloads.

What is temporary is called .<name>.<random>.<machine>.tmp, and locked by the process that makes it. So
what a killed one has left can be told from what is in use.
"""

from __future__ import annotations

import fcntl
import functools
import glob
import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from diar.base.errors import DataError

SUFFIX = f".{os.uname().nodename}.tmp"  # of this machine: a network's disk may not know the locks of others
TEMPORARY = "dec-diarization"  # what ours are called where others have theirs, too


@contextmanager
def open_whole(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; rename it to ``path`` when the block succeeds.

    Raises:
        DataError: the cache cannot be written to.
    """
    path = Path(path)
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_once(path.parent)
        handle, name = _temporary(path.parent, path.name, tempfile.mkstemp)
        try:
            encoding = None if "b" in mode else "utf-8"
            with os.fdopen(handle, mode, encoding=encoding) as stream:
                yield stream
                stream.flush()
                os.fsync(handle)  # before the name: a power loss may leave that, and nothing in it
                umask = os.umask(0)
                os.umask(umask)
                os.chmod(name, 0o666 & ~umask)
                os.replace(name, path)  # before its lock goes
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise
        flush(path.parent)


class Scratch(tempfile.TemporaryDirectory):
    """A temporary folder that goes with the object, or at the end of a 'with' block.

    What killed processes have left goes first.

    Args:
        folder: where it is made, and made itself if need be; None: in TMPDIR.
        name: for people who see it.

    Raises:
        DataError: TMPDIR or the cache cannot be written to.
    """

    def __init__(self, folder: Path | None = None, name: str = TEMPORARY):
        with naming(folder) if folder else in_tmpdir("temporary files"):
            folder = folder or Path(tempfile.gettempdir())
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder, name)
            weakref.finalize(self, os.close, _temporary(folder, name, self._make)[0])

    def _make(self, **words: str | Path) -> tuple[int, str]:
        super().__init__(**words)  # type: ignore[call-overload]
        return os.open(self.name, os.O_RDONLY), self.name


def _temporary(folder: Path, name: str, make: Any) -> tuple[int, str]:
    """Make a file or a folder that ``sweep`` leaves alone while the handle is open; return handle and path."""
    while True:
        with suppress(FileNotFoundError):
            handle, path = make(dir=folder, prefix=f".{name[:40]}.", suffix=SUFFIX)
            with suppress(OSError):  # a disk without locks: ``sweep`` will not get one, either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.exists(path):  # not swept before it was locked
                return handle, path
            os.close(handle)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes of this machine have left in a folder, and nothing that is in use.

    Args:
        name: of what is removed; None, in folders of our own, for whatever is temporary.
    """
    pattern = "*" if name is None else glob.escape(name[:40])
    for path in folder.glob(f".{pattern}.*{SUFFIX}"):
        with suppress(OSError):  # in use, or not ours
            handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(handle)


sweep_once = functools.cache(sweep)  # in the life of a process: a folder may be large


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError of a block that writes ``path`` its place; in the cache, make it a DataError."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        cache = _cache_dir()
        if cache is None or not path.absolute().is_relative_to(cache.absolute()):
            raise
        raise DataError(
            f"the cache cannot be written to ({error.strerror}): DIAR_CACHE names another place for it",
            error.filename,
        ) from None


@contextmanager
def in_tmpdir(what: str) -> Iterator[None]:
    """Turn an OSError of a block that writes temporary files into a DataError that names their place."""
    wanted = os.environ.get("TMPDIR")
    if wanted and not os.access(wanted, os.W_OK | os.X_OK):  # Python would take another, silently
        raise DataError(f"TMPDIR, wanted for {what}: no folder that can be written to", wanted)
    try:
        yield
    except OSError as error:
        raise DataError(
            f"no room for {what} ({error.strerror or error}): TMPDIR names another place for them",
            tempfile.tempdir or wanted or "/tmp",
        ) from None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8), whole or not at all."""
    with open_whole(path) as stream:
        stream.write(text)


def flush(path: str | Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not Path(path).is_dir():  # some file systems of networks cannot do that for folders
            raise
    finally:
        os.close(handle)


def flush_all(folder: Path) -> None:
    """Wait until all files below a folder are on the disk, and their names."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush(Path(place, name))
        flush(place)


def sha256(*paths: str | Path) -> str:
    """Compute the sha256 of the content of files, one behind the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def cache_dir() -> Path:
    """Return where downloads are kept: $DIAR_CACHE, or else in the user's cache directory.

    Raises:
        DataError: the user has no home directory; it is there, but cannot be read.
    """
    path = _cache_dir()
    if path is None:
        raise DataError("no home directory for models and downloads: let DIAR_CACHE name a folder")
    try:
        readable = not path.exists() or os.access(path, os.R_OK | os.X_OK)
    except PermissionError:
        readable = False
    if not readable:
        raise DataError("the cache cannot be read: DIAR_CACHE names another place for it", path)
    return path


def _cache_dir() -> Path | None:
    if base := os.environ.get("DIAR_CACHE"):
        return Path(base)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "dec-diarization"
    except RuntimeError:  # neither HOME nor an entry in the table of users
        return None


def expanded(path: str) -> Path:
    """Return a path whose '~' is the home directory.

    Raises:
        DataError: there is none.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DataError("'~' stands for a home directory, and there is none", path) from None
