"""Atomic writing of files, safe against power loss, temporary folders, and the cache of downloads.

Temporary files are called .<name>.<random>.<machine>.tmp, and locked by the process that makes them, so
that leftovers of killed processes can be told from files in use.
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

SUFFIX = f".{os.uname().nodename}.tmp"  # a network disk may not know the locks of other machines
TEMPORARY = "dec-diarization"  # the name of our files in shared folders


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
                os.fsync(handle)  # before renaming: a power loss could leave an empty file
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
    """A temporary folder that is removed with the object, or at the end of a 'with' block.

    Leftovers of killed processes are removed first.

    Args:
        folder: the parent, created if necessary; None: TMPDIR.
        name: a name that people recognise.

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
    """Make a file or folder that ``sweep`` does not remove while the handle is open; return handle and path."""
    while True:
        with suppress(FileNotFoundError):
            handle, path = make(dir=folder, prefix=f".{name[:40]}.", suffix=SUFFIX)
            with suppress(OSError):  # a disk without locks: ``sweep`` will not get one, either
                fcntl.flock(handle, fcntl.LOCK_EX)
            if os.path.exists(path):  # not swept before it was locked
                return handle, path
            os.close(handle)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove leftovers of killed processes of this machine from a folder, but nothing in use.

    Args:
        name: name of the files to remove; None, in our own folders, for all temporary files.
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


sweep_once = functools.cache(sweep)  # once per process: a folder may be large


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add ``path`` to an OSError of a block that writes it; in the cache, turn it into a DataError."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        cache = _cache_dir()
        if cache is None or not path.absolute().is_relative_to(cache.absolute()):
            raise
        raise DataError(
            f"cannot write to the cache ({error.strerror}): set DIAR_CACHE to another folder",
            error.filename,
        ) from None


@contextmanager
def in_tmpdir(what: str) -> Iterator[None]:
    """Turn an OSError of a block that writes temporary files into a DataError that names their folder."""
    wanted = os.environ.get("TMPDIR")
    if wanted and not os.access(wanted, os.W_OK | os.X_OK):  # Python would silently use another
        raise DataError(f"TMPDIR, needed for {what}, is not a writable folder", wanted)
    try:
        yield
    except OSError as error:
        raise DataError(
            f"no space for {what} ({error.strerror or error}): set TMPDIR to another folder",
            tempfile.tempdir or wanted or "/tmp",
        ) from None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) atomically."""
    with open_whole(path) as stream:
        stream.write(text)


def flush(path: str | Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not Path(path).is_dir():  # some network file systems cannot do that for folders
            raise
    finally:
        os.close(handle)


def flush_all(folder: Path) -> None:
    """Wait until all files below a folder, and their names, are on the disk."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush(Path(place, name))
        flush(place)


def sha256(*paths: str | Path) -> str:
    """Compute the sha256 of the concatenated content of files, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def cache_dir() -> Path:
    """Return the folder for downloads: $DIAR_CACHE, or one in the user's cache directory.

    Raises:
        DataError: the user has no home directory; or the folder exists, but cannot be read.
    """
    path = _cache_dir()
    if path is None:
        raise DataError("no home directory for models and downloads: set DIAR_CACHE to a folder")
    try:
        readable = not path.exists() or os.access(path, os.R_OK | os.X_OK)
    except PermissionError:
        readable = False
    if not readable:
        raise DataError("the cache cannot be read: set DIAR_CACHE to another folder", path)
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
        raise DataError("'~' cannot be expanded: there is no home directory", path) from None
