"""Safe unpacking of archives: nothing outside of their folder, and no more than expected."""

from __future__ import annotations

import errno
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar, cast

from diar.base.errors import DataError
from diar.base.files import Scratch, flush_all, naming, sweep

_BLOCK = 1 << 20
_MEMBERS = 100_000  # files and folders in one archive
_Member = TypeVar("_Member")


def unpack(archive: Path, folder: Path, most: int) -> Path:
    """Unpack a zip or tar archive (plain or gzip) as ``folder``, all of it or nothing; an existing folder is kept.

    Args:
        most: the largest total size of its content, bytes.

    Raises:
        DataError: damaged, or larger; or a member that is a link or a device, or whose name is
            absolute or leads outside. Then nothing is unpacked.
    """
    sweep(folder.parent, folder.name)
    if folder.exists():
        return folder
    with naming(folder), Scratch(folder.parent, folder.name) as tmp:
        target = Path(tmp) / "unpacked"
        target.mkdir()
        try:
            written = 0
            for parts, source in _files(archive, most):
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with source, open(path, "xb") as sink:
                    while block := source.read(_BLOCK):
                        written += len(block)
                        _check_size(written, most, archive)
                        sink.write(block)
        except DataError:  # a ValueError
            raise
        except _DAMAGE as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"cannot be unpacked ({reason}): delete it and run again", archive
            ) from None
        except (FileExistsError, NotADirectoryError) as error:
            raise DataError(f"it holds {error.filename} twice: not unpacked", archive) from None
        except OSError as error:  # zipfile seeks to where nothing can be
            if error.errno != errno.EINVAL:
                raise
            raise DataError("cannot be unpacked: delete it and run again", archive) from None
        flush_all(target)  # whatever bears its name is taken for whole
        os.replace(target, folder)
    return folder


# The errors that zipfile, tarfile and the decompressors raise for damaged archives.
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, struct.error,
    EOFError, RuntimeError, ValueError, OverflowError, IndexError,
)  # fmt: skip


def _check_size(size: int, most: int, archive: Path) -> None:
    if size > most:
        raise DataError(f"more than {most / 1e6:.0f} MB come out of it: not unpacked", archive)


class _Bounded:
    """A stream with a limit on the bytes read, because even the headers of a tar can have any size."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, most: int, archive: Path):
        self._stream, self._most, self._archive, self._size = stream, most, archive, 0

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._size += len(block)
        _check_size(self._size, self._most, self._archive)
        return block


def _files(archive: Path, most: int) -> Iterator[tuple[tuple[str, ...], IO[bytes]]]:
    """Yield (parts of the path, content) of each file; members other than files and folders are refused."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            for info in _few(bundle.infolist(), archive):
                kind = stat.S_IFMT(info.external_attr >> 16)
                parts = _parts(info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR), archive)
                if not info.is_dir():
                    yield parts, bundle.open(info)
    else:
        with open(archive, "rb") as head:
            packed = head.read(2) == b"\x1f\x8b"
        bound = most + 1024 * _MEMBERS  # each file has a header, and its last block is filled up
        with (
            gzip.open(archive) if packed else open(archive, "rb") as stream,
            tarfile.open(
                fileobj=cast(IO[bytes], _Bounded(stream, bound, archive)), mode="r|"
            ) as bundle,
        ):
            for member in _few(bundle, archive):
                parts = _parts(member.name, member.isfile() or member.isdir(), archive)
                if source := bundle.extractfile(member):
                    yield parts, source


def _few(members: Iterable[_Member], archive: Path) -> Iterator[_Member]:
    """Iterate over the members of an archive, up to a maximum number."""
    for count, member in enumerate(members):
        if count >= _MEMBERS:
            raise DataError(f"more than {_MEMBERS} files in it: not unpacked", archive)
        yield member


def _parts(name: str, plain: bool, archive: Path) -> tuple[str, ...]:
    """Split a member's path into its parts; refuse a path that leads out of the folder or is not ``plain``."""
    if not plain:
        raise DataError(f"it holds {name!r}, a link or a device: not unpacked", archive)
    path = PurePosixPath(name.replace("\\", "/"))
    parts = path.parts
    if path.is_absolute() or ".." in parts or (parts and parts[0].endswith(":")):
        raise DataError(f"it holds {name!r}, which leads outside of it: not unpacked", archive)
    return parts
