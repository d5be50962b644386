"""Downloads of corpora over HTTP: resumed after a cut, tried again, checked, mirrors in turn.

A file that is on its way is <name>.part, with <name>.part.from beside it (the address, and what the
server calls this version of the file); it takes its name when it is complete and checked, so a file
that bears its name needs no second look.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from diar.base.errors import DataError
from diar.base.files import naming, sha256, write_text

log = logging.getLogger(__name__)

_BLOCK = 1 << 20
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP: worth another try


class Stopped(DataError):
    """The next file will fare no better: no server answered at all, or there is no room."""


@dataclass(frozen=True)
class Remote:
    """A file of a corpus.

    Attributes:
        name: its path below the folder of downloads, and below the address of a mirror.
        url: where it is published.
        size: bytes, where known.
        sha256: of its content, where known.
        begins: its first bytes: a page that says 'moved' or 'log in' is not taken for the file.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    begins: bytes = b""


class _Again(Exception):
    """A passing fault; ``answered``: there was a server."""

    def __init__(self, reason: str, answered: bool = True):
        super().__init__(reason)
        self.answered = answered


class _Gone(Exception):
    """This address will not give the file."""


class Downloads:
    """Downloads into one folder.

    Args:
        folder: where they go; made when needed.
        mirrors: addresses that are asked first, in this order, for <mirror>/<name>.
        tries: in a row without a single new byte, before an address is given up.
        pause: seconds before the second try; doubled each time, a minute at most.
        timeout: seconds of silence that count as a cut.
    """

    def __init__(
        self,
        folder: Path,
        mirrors: Sequence[str] = (),
        tries: int = 5,
        pause: float = 1.0,
        timeout: float = 60.0,
    ):
        self.folder = folder
        self.mirrors = [mirror.rstrip("/") for mirror in mirrors]
        self.tries, self.pause, self.timeout = tries, pause, timeout
        for mirror in self.mirrors:
            if urlsplit(mirror).scheme not in ("http", "https"):
                raise DataError(f"--mirror {mirror}: expected an address, http:// or https://")

    def fetch(self, remote: Remote) -> Path:
        """Return the path of the file, downloaded when it is not there.

        Raises:
            Stopped: no address led to a server, or the file does not fit.
            DataError: no address gave the file, or its size or sha256 is not the known one.
        """
        path = self.folder / remote.name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        reasons, answered = [], False
        for url in [*(f"{m}/{quote(remote.name)}" for m in self.mirrors), remote.url]:
            try:
                self._fetch_from(url, remote, path)
                return path
            except (_Again, _Gone) as error:
                answered |= getattr(error, "answered", True)
                log.warning("%s: %s", url, error)
                reasons.append(f"{url}: {error}")
        raise (DataError if answered else Stopped)(
            f"cannot download {remote.name}: {'; '.join(reasons)}; run it again to go on where it"
            f" stopped, name a --mirror, or put the file at {path}"
        )

    def _fetch_from(self, url: str, remote: Remote, path: Path) -> None:
        """Fetch the whole file from one address, in as many pieces as it takes."""
        part = path.with_name(path.name + ".part")
        tried, seen = 0, -1
        while True:
            try:
                self._fetch_piece(url, part)
                break
            except _Again as error:
                size = part.stat().st_size if part.exists() else 0
                tried, seen = (0, size) if size > seen >= 0 else (tried + 1, max(size, seen))
                if tried >= self.tries:
                    raise
                wait = min(self.pause * 2 ** max(tried - 1, 0), 60.0)
                log.info("%s: %s; again in %g s", url, error, wait)
                time.sleep(wait)
        fault = _fault(part, remote)
        if fault:
            part.unlink()
            raise _Gone(fault)
        os.replace(part, path)
        _origin(part).unlink(missing_ok=True)
        log.info("%s: %.1f MB, complete", remote.name, path.stat().st_size / 1e6)

    def _fetch_piece(self, url: str, part: Path) -> None:
        """Append to ``part`` as much as one connection gives."""
        request = urllib.request.Request(url, headers={"User-Agent": "dec-diarization"})
        offset = part.stat().st_size if part.exists() else 0
        tag = _tag_of(part, url)
        if offset and tag:  # the same version of the same file, or all of it
            request.add_header("Range", f"bytes={offset}-")
            request.add_header("If-Range", tag)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                resumed = answer.status == 206
                if resumed and not answer.headers.get("Content-Range", "").startswith(
                    f"bytes {offset}-"
                ):
                    part.unlink()
                    raise _Again("the server sent another piece than it was asked for")
                offset = offset if resumed else 0
                length = answer.headers.get("Content-Length", "")
                total = offset + int(length) if length.isdigit() else None
                check_room(part.parent, (total or 0) - offset)
                if not resumed:
                    write_text(_origin(part), json.dumps({"url": url, "tag": _tag(answer.headers)}))
                self._copy(answer, part, offset, total)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # longer than the file: no piece of it
                part.unlink(missing_ok=True)
                raise _Again("HTTP 416") from None
            raise (_Again if error.code in _PASSING else _Gone)(f"HTTP {error.code}") from None
        except http.client.HTTPException as error:
            raise _Again(f"cut: {type(error).__name__}") from None
        except urllib.error.URLError as error:
            raise _Again(f"cannot be reached: {error.reason}", answered=False) from None
        except (TimeoutError, ConnectionError) as error:
            raise _Again(f"cut: {error}") from None

    def _copy(
        self, answer: http.client.HTTPResponse, part: Path, offset: int, total: int | None
    ) -> None:
        told = time.monotonic()
        with open(part, "ab" if offset else "wb") as sink:
            while block := answer.read(_BLOCK):
                sink.write(block)
                offset += len(block)
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    of = f" of {total / 1e6:.0f}" if total else ""
                    log.info("%s: %.0f%s MB", part.name.removesuffix(".part"), offset / 1e6, of)
        if total is not None and offset < total:
            raise _Again(f"cut after {offset} of {total} bytes")


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Let only one process download into a folder; a second one waits."""
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "w")  # noqa: SIM115 (closed below)
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log.info("waiting for another download into %s", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fault(part: Path, remote: Remote) -> str:
    """Say what is wrong with a complete download; '' when nothing is known to be."""
    size = part.stat().st_size
    if remote.size is not None and size != remote.size:
        return f"{size} bytes instead of {remote.size}: not the published file"
    with open(part, "rb") as stream:
        if not stream.read(len(remote.begins)).startswith(remote.begins):
            return "another kind of file than was published there"
    if remote.sha256 is not None and (digest := sha256(part)) != remote.sha256:
        return f"sha256 {digest[:12]}... instead of {remote.sha256[:12]}...: damaged, or changed"
    return ""


def check_room(folder: Path, wanted: int) -> None:
    """Refuse to begin where so many bytes do not fit.

    Raises:
        Stopped: names the folder.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise Stopped(
            f"{wanted / 1e9:.1f} GB are to come, {free / 1e9:.1f} GB are free:"
            " make room, or move the cache with DIAR_CACHE",
            folder,
        )


def _origin(part: Path) -> Path:
    return part.with_name(part.name + ".from")


def _tag(headers: http.client.HTTPMessage) -> str:
    """Return what tells one version of a file from another, as If-Range takes it."""
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _tag_of(part: Path, url: str) -> str:
    """Return the tag of the version that a partial file is of; '' where it is of no use."""
    try:
        note = json.loads(_origin(part).read_text(encoding="utf-8"))
        return str(note["tag"]) if note["url"] == url else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
