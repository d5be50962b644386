"""Downloads of corpora over HTTP: resumed, retried, bounded, verified, from mirrors in turn.

An incomplete file is <name>.part, with <name>.part.from beside it (the address, and the server's tag
of this version of the file); it is renamed when it is complete and verified, so a file with its final
name needs no further check.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import logging
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from diar.base.errors import DataError
from diar.base.files import flush, naming, sha256, write_text

log = logging.getLogger(__name__)

SUMS = "SHA256SUMS"  # of files that nobody has published the sha256 of, as sha256sum reads it
_BLOCK = 1 << 16
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP: worth another try


class Stopped(DataError):
    """The next file would fail, too: no server answered at all, or the disk is full."""


@dataclass(frozen=True)
class Remote:
    """A file of a corpus.

    Attributes:
        name: its path below the folder of downloads, and below the address of a mirror.
        url: where it is published.
        size: bytes, if known.
        most: the largest size in bytes if ``size`` is not known.
        sha256: of its content, if known.
        begins: its first bytes, so that a page such as 'moved' or 'log in' is not mistaken for the file.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    begins: bytes = b""
    most: int = 100_000_000

    @property
    def bound(self) -> int:
        """The number of bytes after which a download stops."""
        return self.most if self.size is None else self.size


class _Again(Exception):
    """A temporary fault; ``answered``: a server answered."""

    def __init__(self, reason: str, answered: bool = True):
        super().__init__(reason)
        self.answered = answered


class _Gone(Exception):
    """The file is not available from this address."""


class Downloads:
    """Downloads into one folder.

    Args:
        folder: their destination; created when needed.
        mirrors: addresses tried first, in this order, as <mirror>/<name>.
        tries: successive attempts without a new byte before an address is given up.
        pause: seconds before the second try; doubled each time, a minute at most.
        timeout: seconds without data after which the connection counts as lost.
        least: the lowest rate in bytes per second, over ``timeout`` seconds.
    """

    def __init__(
        self,
        folder: Path,
        mirrors: Sequence[str] = (),
        tries: int = 5,
        pause: float = 1.0,
        timeout: float = 60.0,
        least: float = 1000.0,
    ):
        self.folder = folder
        self.mirrors = [mirror.rstrip("/") for mirror in mirrors]
        self.tries, self.pause, self.timeout, self.least = tries, pause, timeout, least
        self._opener = _opener()
        self._told = False  # that a file came without a sha256
        for mirror in self.mirrors:
            if urlsplit(mirror).scheme not in ("http", "https"):
                raise DataError(f"--mirror {mirror}: expected an address, http:// or https://")

    def fetch(self, remote: Remote) -> Path:
        """Return the path of the file, downloaded if missing.

        Raises:
            Stopped: no server answered, or the disk is too small for the file.
            DataError: the file is not available, or its size or sha256 is not the known one.
        """
        path = self.folder / remote.name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        reasons, answered = [], False
        for url in [*(f"{m}/{quote(remote.name)}" for m in self.mirrors), remote.url]:
            try:
                self._fetch_from(url, remote, path)
                if remote.sha256 is None:
                    self._record(remote.name, sha256(path))
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
        """Fetch the whole file from one address, in as many pieces as needed."""
        part = path.with_name(path.name + ".part")
        tried, seen = 0, -1
        while True:
            try:
                self._fetch_piece(url, part, remote.bound)
                break
            except _Again as error:
                size = part.stat().st_size if part.exists() else 0
                moved = seen >= 0 and size - seen >= self.least
                tried, seen = (0, size) if moved else (tried + 1, max(size, seen))
                if tried >= self.tries:
                    raise
                wait = min(self.pause * 2 ** max(tried - 1, 0), 60.0)
                log.info("%s: %s; again in %g s", url, error, wait)
                time.sleep(wait)
        fault = _fault(part, remote)
        if fault:
            part.unlink()
            _origin(part).unlink(missing_ok=True)
            raise _Gone(fault)
        flush(part)
        os.replace(part, path)
        _origin(part).unlink(missing_ok=True)
        log.info("%s: %.1f MB, complete", remote.name, path.stat().st_size / 1e6)

    def _record(self, name: str, digest: str) -> None:
        """Log that no sha256 of a file is published, and store that of the downloaded file."""
        path = self.folder / SUMS
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        sums = {line[66:]: line[:64] for line in lines}
        before = sums.get(name, digest)
        if before != digest:
            log.warning("%s: its sha256 is %s, it was %s before", name, digest[:12], before[:12])
        elif not self._told:
            log.warning("no sha256 of %s is published: that of what came is in %s", name, path)
        self._told = True
        sums[name] = digest
        write_text(path, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))

    def _fetch_piece(self, url: str, part: Path, bound: int) -> None:
        """Append to ``part`` the data of one connection, not much more than ``bound`` bytes in total."""
        request = urllib.request.Request(url, headers={"User-Agent": "dec-diarization"})
        offset = part.stat().st_size if part.exists() else 0
        tag = _tag_of(part, url)
        if offset and tag:  # the same version of the same file, or all of it
            request.add_header("Range", f"bytes={offset}-")
            request.add_header("If-Range", tag)
        with _faults_of_http(part), self._opener.open(request, timeout=self.timeout) as answer:
            resumed = answer.status == 206
            if resumed and not answer.headers.get("Content-Range", "").startswith(
                f"bytes {offset}-"
            ):
                part.unlink(missing_ok=True)
                raise _Again("the server sent another piece than it was asked for")
            offset = offset if resumed else 0
            total = None if answer.length is None else offset + answer.length
            if (total or 0) > bound:
                raise _Gone(f"{total} bytes instead of {bound}, or less: not the published file")
            check_room(part.parent, (total or 0) - offset)
            if not resumed:
                write_text(_origin(part), json.dumps({"url": url, "tag": _tag(answer.headers)}))
            self._copy(answer, part, offset, total, bound)

    def _copy(
        self,
        answer: http.client.HTTPResponse,
        part: Path,
        offset: int,
        total: int | None,
        bound: int,
    ) -> None:
        told = since = time.monotonic()
        mark = offset
        with open(part, "ab" if offset else "wb") as sink:
            while offset <= bound and (block := answer.read1(_BLOCK)):
                sink.write(block)
                offset += len(block)
                now = time.monotonic()
                if now - since > self.timeout:
                    if offset - mark < self.least * (now - since):
                        raise _Gone(f"slower than {self.least:.0f} bytes per second")
                    since, mark = now, offset
                if now - told > 10:
                    told = now
                    of = f" of {total / 1e6:.0f}" if total else ""
                    log.info("%s: %.0f%s MB", part.name.removesuffix(".part"), offset / 1e6, of)
        if total is not None and offset < total:
            raise _Again(f"cut after {offset} of {total} bytes")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, or within http; to no other protocol."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        fp.close()  # urllib would read all that comes with it
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            raise _Gone(f"it leads to {newurl[:100]}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https only; urllib's default also opens ftp, file and data."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Redirects,
    ):
        opener.add_handler(handler())
    return opener


@contextmanager
def _faults_of_http(part: Path) -> Iterator[None]:
    """Distinguish temporary from permanent faults."""
    try:
        yield
    except DataError:  # a ValueError
        raise
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
    except (TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise _Again(f"cut: {error}") from None
    except ValueError as error:  # of urllib, of an address that is none
        raise _Gone(f"a bad answer: {error}") from None


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Allow only one process to download into a folder; a second one waits."""
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
    """Describe what is wrong with a complete download; '' if nothing is."""
    size = part.stat().st_size
    if size > remote.bound:
        return f"more than {remote.bound} bytes: not the published file"
    if remote.size is not None and size != remote.size:
        return f"{size} bytes instead of {remote.size}: not the published file"
    with open(part, "rb") as stream:
        if not stream.read(len(remote.begins)).startswith(remote.begins):
            return "another kind of file than was published there"
    if remote.sha256 is not None and (digest := sha256(part)) != remote.sha256:
        return f"sha256 {digest[:12]}... instead of {remote.sha256[:12]}...: damaged, or changed"
    return ""


def check_room(folder: Path, wanted: int) -> None:
    """Refuse to begin if the disk has too little free space for the bytes.

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
    """Return the tag that identifies the version of a file, for If-Range."""
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _tag_of(part: Path, url: str) -> str:
    """Return the tag of the version that a partial file is of; '' if it is unusable."""
    try:
        note = json.loads(_origin(part).read_text(encoding="utf-8"))
        return str(note["tag"]) if note["url"] == url else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
