"""Package indexes on the disk, of wheels that hold next to nothing; and a recipe that is installed from them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from paths import ROOT

# A build backend of its own: no setuptools is to be fetched.
BACKEND = """
import sys
sys.path.insert(0, {support!r})
from package_index import wheel

def build_editable(folder, settings=None, metadata=None):
    requires = ["numpy", "torch>=2", 'ruff; extra == "test"']
    return wheel(folder, "dec-diarization", "0", requires, {{"diar/__init__.py": {code!r}}}).name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "dec-diarization"
version = "0"
"""


def wheel(
    folder: str | Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel; without ``files``, an empty module of its name."""
    stem = f"{name.replace('-', '_')}-{version}"
    path, info = Path(folder) / f"{stem}-py3-none-any.whl", f"{stem}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    written = {
        **(files or {f"{name.replace('-', '_')}/__init__.py": ""}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: test\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{member},,\n" for member in [*written, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in [*written.items(), (f"{info}/RECORD", record)]:
            archive.writestr(member, text)
    return path


def add(index: Path, name: str, version: str, requires: Sequence[str] = ()) -> None:
    """Put a package into an index, a folder of pages as pip reads them."""
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    wheel(folder, name, version, requires)
    links = "".join(f'<a href="{file.name}">{file.name}</a>\n' for file in folder.glob("*.whl"))
    (folder / "index.html").write_text(f"<!DOCTYPE html>\n{links}")


def recipe(folder: Path, code: str = "") -> Path:
    """path.sh, and as much else as it takes: PyTorch 2.13.0 and numpy are needed, and ``diar`` is ``code``."""
    (folder / "conf").mkdir(parents=True)
    shutil.copy(ROOT / "path.sh", folder)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "setup.py").write_text("")
    (folder / "conf/constraints.txt").write_text("torch==2.13.0\n")
    backend = BACKEND.format(support=str(Path(__file__).parent), code=code)
    (folder / "backend.py").write_text(backend)
    return folder
