"""Fetch pinned files of a model hub over HTTP into the cache; what breaks off is continued.

Only files are fetched, by revision and checked by sha256: nothing of a hub's own software is needed, and
nothing that was fetched is executed.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diar.errors import DataError
from diar.files import cache_dir, sha256

log = logging.getLogger(__name__)

HUB = "https://huggingface.co"  # $HF_ENDPOINT names a mirror, as for the hub's own programs
TIMEOUT = 30  # seconds without a byte
BARREN = 3  # requests in a row that bring nothing new: then it is given up
CHUNK = 1 << 20


@dataclass(frozen=True)
class HubFile:
    """One pinned file of a repository, ``revision`` a commit; size in bytes."""

    repository: str
    revision: str
    name: str
    size: int
    sha256: str

    @property
    def url(self) -> str:
        """Where it is fetched from."""
        base = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
        if not base.startswith(("https://", "http://")):
            raise DataError(f"HF_ENDPOINT is {base!r}: an http(s) address is expected")
        return f"{base}/{self.repository}/resolve/{self.revision}/{self.name}"

    @property
    def path(self) -> Path:
        """Where it lies in the cache."""
        return cache_dir() / "models" / self.repository.rpartition("/")[2] / self.name


def fetch(*files: HubFile) -> list[Path]:
    """Paths of the files in the cache, downloaded when absent and checked at every use.

    Raises:
        DataError: they cannot be had, or one is not the pinned file.
    """
    for file in files:
        if not file.path.exists():
            try:
                _fetch(file)
            except _Unreachable as error:
                wanted = " and ".join(f.name for f in files)
                raise DataError(
                    f"cannot download {error}: run again to go on; without network, copy {wanted}"
                    f" of {file.repository} to {file.path.parent}"
                ) from None
        if sha256(file.path) != file.sha256:
            raise DataError("damaged weights: delete the file and run again", file.path)
    return [file.path for file in files]


class _Unreachable(Exception):
    """Address and reason."""


def _fetch(file: HubFile) -> None:
    path = file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{file.name}.part")
    with _locked(path.with_name(f".{file.name}.lock")):
        if path.exists():  # another process has just brought it
            return
        _download(file, part)
        digest = sha256(part)
        if digest != file.sha256:
            part.unlink()
            raise DataError(
                f"{file.url}: sha256 {digest[:12]}... instead of {file.sha256[:12]}...: damaged or"
                " not the pinned file, try again"
            )
        os.replace(part, path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _download(file: HubFile, part: Path) -> None:
    """All bytes of the file into ``part``, from where an earlier attempt has ended."""
    url = file.url
    log.info("fetching %s (%.1f MB, once)", url, file.size / 1e6)
    reason, barren, most = "the server breaks off", 0, _size(part)
    while _size(part) < file.size and barren < BARREN:
        try:
            _continue(url, part, file.size)
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.reason}"
            if error.code != 416:
                break
            part.unlink(missing_ok=True)  # what is there does not fit: from the beginning
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            if not most and not _size(part):
                break  # not even a beginning: no network, or no such server
        barren = 0 if _size(part) > most else barren + 1
        most = max(most, _size(part))
    if _size(part) < file.size:
        raise _Unreachable(f"{url}: {reason} ({_size(part)} of {file.size} bytes are there)")


def _continue(url: str, part: Path, size: int) -> None:
    """One request: appends to ``part`` what comes, up to ``size`` bytes in all."""
    headers = {"User-Agent": "dec-diarization", "Accept-Encoding": "identity"}
    start = _size(part)
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        first, total = _extent(response)
        if total not in (size, None):
            raise http.client.HTTPException(f"it has {total} bytes there")
        if first not in (0, start):
            raise http.client.HTTPException("the server sends another part than was asked for")
        # A server that knows no ranges sends all of it.
        with open(part, "ab" if first else "wb") as sink:
            while first < size and (block := response.read(min(CHUNK, size - first))):
                sink.write(block)
                first += len(block)


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Where the answer begins and how many bytes the whole file has, None where it does not say."""
    if response.status != 206:
        total = response.headers.get("Content-Length", "")
        return 0, int(total) if total.isdigit() else None
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not match:
        raise http.client.HTTPException("a part of the file, and the server does not say which")
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
