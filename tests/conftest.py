"""Real speech and real weights for the tests: from the cache, or fetched into it once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import models
import pytest
from paths import ROOT

from diar import extractors
from diar.audio import waveform
from diar.base.errors import DataError
from diar.base.files import cache_dir
from diar.fetching.packages import extract_member
from prepare_mini import SAMPLE


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def sample_wav() -> Path:
    """A real conversation: 30 s, 16 kHz, two speakers."""
    target = cache_dir() / "tests" / "sample.wav"
    return fetched(lambda: extract_member(SAMPLE, "pyannote/audio/sample/sample.wav", target))


@pytest.fixture(scope="session")
def sample(sample_wav):
    """Its samples: (480000,) float32, 16 kHz."""
    return waveform.load(sample_wav)


@pytest.fixture(scope="session")
def sample_turns(sample_wav):
    """(start, end, speaker) of its reference."""
    target = cache_dir() / "tests" / "sample.rttm"
    path = fetched(lambda: extract_member(SAMPLE, "pyannote/audio/sample/sample.rttm", target))
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in rows]


@pytest.fixture(scope="session", params=extractors.names())
def extractor(request, tmp_path_factory):
    """Each extractor: with its real weights where they can be had, else with small random ones."""
    if request.param not in ("ecapa", "onnx"):
        return fetched(lambda: extractors.get(request.param))
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIAR_CACHE", str(folder / "cache"))
        if request.param == "ecapa":
            models.save_ecapa(folder, **models.SMALL)
            return extractors.get("ecapa", directory=str(folder))
        return extractors.get("onnx", path=str(models.save_pooling(folder / "model.onnx")))


@pytest.fixture(scope="session")
def campplus():
    return fetched(lambda: extractors.get("campplus"))


def load_benchmark(name):
    """The module benchmarks/<name>/run.py; what lies beside it can be imported, too."""
    path = ROOT / "benchmarks" / name / "run.py"
    sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fetched(get):
    """What ``get`` returns; the test is skipped when it can only be downloaded, and cannot."""
    try:
        return get()
    except DataError as error:
        if "cannot download" not in str(error):
            raise
        pytest.skip(f"neither in the cache nor to be had: {error}")
