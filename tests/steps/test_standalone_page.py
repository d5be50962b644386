"""diarize.py --html: the page of recordings that belong to no experiment."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys

import pytest

from diar import __version__
from diar.base import config
from diar.base.types import Turn
from diar.kaldi import rttm
from diar.pipeline.config import DecStageConfig
from diar.report.recordings import ReportConfig
from diar.report.standalone import StandalonePage


@pytest.mark.usefixtures("campplus")
def test_one_file(root, sample_wav, tmp_path):
    call = [sys.executable, root / "local/diarize.py", sample_wav, "--html", "--out", tmp_path]
    result = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "sample.html: open it in a browser" in result.stdout + result.stderr
    page = (tmp_path / "sample.html").read_text(encoding="utf-8")
    data = re.search(r'id="data:recordings/sample">([^<]+)<', page)[1]
    found = json.loads(gzip.decompress(base64.b64decode(data)))
    assert found["audio"] == sample_wav.as_uri() and found["reference"] is None
    turns = rttm.read_rttm(tmp_path / "sample.rttm")["sample"]
    ours = found["systems"]["dec_default"]
    shown = [(s / 1000, e / 1000, ours["speakers"][who]) for s, e, who in ours["turns"]]
    assert shown == [(t.start, pytest.approx(t.end), t.speaker) for t in turns]
    assert len(ours["posteriors"]) >= 2 and len(ours["posteriors"][0]) == len(ours["windows"])
    assert "--html" in page and __version__ in page
    assert config.dump(config.load(DecStageConfig, root / "conf/dec.yaml")).split("\n")[0] in page


def test_several_and_one_without_speech(tmp_path):
    page = StandalonePage(tmp_path / "diarization.html", "diarize.py", {}, ReportConfig(inline=0))
    page.add("a", tmp_path / "a.wav", 5.0, [Turn("a", 1.0, 2.0, "a_1")])
    page.add("silent", None, 3.0, [])
    files = page.write()
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "diarization_files/recordings/a.js",
        "diarization_files/recordings/silent.js",
        "diarization.html",
    ]
    assert "2 recording(s)" in files[-1].read_text(encoding="utf-8")


def test_nothing_done_makes_no_page(tmp_path):
    assert StandalonePage(tmp_path / "x.html", "", {}).write() == []
    assert list(tmp_path.iterdir()) == []
