"""Marks by folder, and real speech and real weights for the tests: from the cache, or fetched into it once."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import models
import numpy as np
import pytest
from downloads import fetch_or_skip
from hypothesis import settings
from paths import ROOT
from web import Web

from diar import extractors
from diar.audio import waveform
from diar.base.files import cache_dir
from diar.corpora import voxconverse
from diar.corpora.real_sample import PYANNOTE
from diar.fetching.packages import extract_member

# No deadline: a busy machine is no failure. The same examples every time: what passed passes again;
# benchmarks/fuzz is what tries new ones.
settings.register_profile("recipe", deadline=None, derandomize=True)
settings.load_profile("recipe")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Each test draws the same numbers, weights of new modules too, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with the name of its folder below tests/."""
    tests = Path(__file__).parent
    for item in items:
        item.add_marker(item.path.relative_to(tests).parts[0])


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def sample_wav() -> Path:
    """A real conversation: 30 s, 16 kHz, two speakers."""
    target = cache_dir() / "tests" / "sample.wav"
    return fetch_or_skip(
        lambda: extract_member(PYANNOTE, "pyannote/audio/sample/sample.wav", target)
    )


@pytest.fixture(scope="session")
def sample(sample_wav):
    """Its samples: (480000,) float32, 16 kHz."""
    return waveform.load(sample_wav)


@pytest.fixture(scope="session")
def sample_turns(sample_wav):
    """(start, end, speaker) of its reference."""
    target = cache_dir() / "tests" / "sample.rttm"
    path = fetch_or_skip(
        lambda: extract_member(PYANNOTE, "pyannote/audio/sample/sample.rttm", target)
    )
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in rows]


@pytest.fixture(scope="session", params=sorted(extractors.EXTRACTORS))
def extractor(request, tmp_path_factory):
    """Each extractor: with its real weights where they can be had, else with small random ones."""
    if request.param not in ("ecapa", "onnx"):
        return fetch_or_skip(lambda: extractors.get(request.param))
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIAR_CACHE", str(folder / "cache"))
        if request.param == "ecapa":
            models.save_ecapa(folder, **models.SMALL)
            return extractors.get("ecapa", directory=str(folder))
        return extractors.get("onnx", path=str(models.save_pooling(folder / "model.onnx")))


@pytest.fixture(scope="session")
def campplus():
    return fetch_or_skip(lambda: extractors.get("campplus"))


@pytest.fixture
def web():
    """A web server of our own."""
    server = Web()
    yield server
    server.close()


@pytest.fixture
def split(tmp_path, monkeypatch):
    """A split of VoxConverse: twelve recordings, ten of them for training."""
    names = [f"aaaa{c}" for c in "abcdefghijkl"]
    table = {n: "test" if n in ("aaaac", "aaaal") else "train" for n in names}
    path = tmp_path / "split.tsv"
    path.write_text("".join(f"{n}\t{part}\n" for n, part in table.items()))
    monkeypatch.setattr(voxconverse, "SPLIT", path)
    return table


@pytest.fixture
def crashing(tmp_path):
    """The environment of a Python that crashes when it reads the audio of files called 'bad'."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import ctypes, soundfile\n"
        "read = soundfile.SoundFile.read\n"
        "def crash(file, *rest, **options):\n"
        "    if 'bad' in str(file.name):\n"
        "        ctypes.string_at(0)\n"
        "    return read(file, *rest, **options)\n"
        "soundfile.SoundFile.read = crash\n"
    )
    return os.environ | {"PYTHONPATH": str(tmp_path / "site")}
