"""Archives, unpacked so that nothing lands outside of their folder."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from diar.base.errors import DataError
from diar.base.files import Scratch, naming, sweep


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar archive as ``folder``, all of it or nothing; kept when it is there.

    Raises:
        DataError: damaged; or a member that is a link or a device, or whose name is absolute or
            leads outside. Then nothing is unpacked.
    """
    sweep(folder.parent, folder.name)
    if folder.exists():
        return folder
    with naming(folder), Scratch(folder.parent, folder.name) as tmp:
        target = Path(tmp) / "unpacked"
        target.mkdir()
        try:
            for parts, source in _files(archive):
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with source, open(path, "xb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"cannot be unpacked ({reason}): delete it and run again", archive
            ) from None
        except (FileExistsError, NotADirectoryError) as error:
            raise DataError(f"it holds {error.filename} twice: not unpacked", archive) from None
        os.replace(target, folder)
    return folder


def _files(archive: Path) -> Iterator[tuple[tuple[str, ...], IO[bytes]]]:
    """Yield (parts of the path, content) of each file; what is neither file nor folder is refused."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                parts = _parts(info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR), archive)
                if not info.is_dir():
                    yield parts, bundle.open(info)
    else:
        with tarfile.open(archive) as bundle:
            for member in bundle:
                parts = _parts(member.name, member.isfile() or member.isdir(), archive)
                if source := bundle.extractfile(member):
                    yield parts, source


def _parts(name: str, plain: bool, archive: Path) -> tuple[str, ...]:
    """Split a member's path into its parts; refuse one that leads out of the folder or is not ``plain``."""
    if not plain:
        raise DataError(f"it holds {name!r}, a link or a device: not unpacked", archive)
    path = PurePosixPath(name.replace("\\", "/"))
    parts = path.parts
    if path.is_absolute() or ".." in parts or (parts and parts[0].endswith(":")):
        raise DataError(f"it holds {name!r}, which leads outside of it: not unpacked", archive)
    return parts
