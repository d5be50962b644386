"""Pinned files of a model hub, in the cache: by revision, verified by size and sha256.

The hub's own software is not needed, and nothing that was fetched is executed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import cache_dir, sha256
from diar.fetching.download import Downloads, Remote, lock_folder

HUB = "https://huggingface.co"  # $HF_ENDPOINT names a mirror, as for the hub's own programs
TRIES, PAUSE = 3, 1.0  # in a row without a new byte; seconds before the second


@dataclass(frozen=True)
class HubFile:
    """One pinned file of a repository, ``revision`` a commit; size in bytes."""

    repository: str
    revision: str
    name: str
    size: int
    sha256: str

    @property
    def remote(self) -> Remote:
        """The address, size and checksum for its download."""
        base = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
        if not base.startswith(("https://", "http://")):
            raise DataError(f"HF_ENDPOINT is {base!r}: an http(s) address is expected")
        url = f"{base}/{self.repository}/resolve/{self.revision}/{self.name}"
        return Remote(self.name, url, self.size, self.sha256)

    @property
    def path(self) -> Path:
        """Its path in the cache."""
        return cache_dir() / "models" / self.repository.rpartition("/")[2] / self.name


def fetch(*files: HubFile) -> list[Path]:
    """Return the paths of the files in the cache, downloaded if missing, verified at every use.

    Raises:
        DataError: they are not available, or one is not the pinned file.
    """
    for file in files:
        if not file.path.exists():
            folder = file.path.parent
            try:
                with lock_folder(folder):  # jobs of one step may want it at once
                    Downloads(folder, tries=TRIES, pause=PAUSE).fetch(file.remote)
            except DataError as error:
                wanted = " and ".join(f.name for f in files)
                raise DataError(
                    f"{error}; without network, copy {wanted} of {file.repository} to {folder}"
                ) from None
        if sha256(file.path) != file.sha256:
            raise DataError("damaged weights: delete the file and run again", file.path)
    return [file.path for file in files]
