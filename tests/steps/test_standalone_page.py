"""diarize.py --html: the page of recordings that belong to no experiment."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from diar import __version__
from diar.audio.waveform import load
from diar.base import config
from diar.base.types import Turn
from diar.kaldi import rttm
from diar.pipeline.config import DecStageConfig
from diar.report.recordings import ReportConfig
from diar.report.standalone import StandalonePage
from diar.words.word import Word


def recording(page, name):
    """What lies in a page of a recording."""
    data = re.search(f'id="data:recordings/{name}">([^<]+)<', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(data)))


def diarize(root, *options, cwd):
    call = [sys.executable, root / "local/diarize.py", *options]
    return subprocess.run(call, capture_output=True, text=True, cwd=cwd)


@pytest.mark.usefixtures("campplus")
def test_one_file(root, sample_wav, tmp_path):
    (tmp_path / "said.srt").write_text("1\n00:00:07,000 --> 00:00:08,000\nGood morning\n")
    options = ["--words", "said.srt", "--names", "1=Anna B", "--embed-audio", "--html"]
    result = diarize(root, sample_wav, *options, "--out", tmp_path, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    said = re.search(r"sample.html: open it in a browser \((\S+) MB, with (\S+) MB of audio", result.stdout + result.stderr)  # fmt: skip
    page = (tmp_path / "sample.html").read_text(encoding="utf-8")
    found = recording(page, "sample")
    sound = base64.b64decode(found["sound"])
    assert float(said[1]) == round(len(page.encode()) / 1e6, 1)
    assert float(said[2]) == round(len(sound) / 1e6, 1)
    (tmp_path / "sound.mp3").write_bytes(sound)
    assert len(load(tmp_path / "sound.mp3")) == pytest.approx(30 * 16000, abs=2500)
    assert found["audio"] is None and found["reference"] is None
    turns = rttm.read_rttm(tmp_path / "sample.rttm")["sample"]
    ours = found["systems"]["dec_default"]
    called = [name.replace(" ", "_") for name in ours["speakers"]]
    shown = [(s / 1000, e / 1000, called[who]) for s, e, who in ours["turns"]]
    assert shown == [(t.start, pytest.approx(t.end), t.speaker) for t in turns]
    assert "Anna B" in ours["speakers"] and "posteriors" not in ours
    ((start, end, who, text),) = ours["spoken"]
    assert text == "Good morning" and 7000 <= start < end <= 8000
    there = [t.speaker for t in turns if t.start < end / 1000 and start / 1000 < t.end]
    assert called[who] in there
    assert "--html" in page and __version__ in page
    assert config.dump(config.load(DecStageConfig, root / "conf/dec.yaml")).split("\n")[0] in page


def test_words_of_other_recordings_are_refused_before_the_work(root, sample_wav, tmp_path):
    (tmp_path / "words.ctm").write_text("other 1 0.5 0.2 hello\n")
    result = diarize(root, sample_wav, "--html", "--words", "words.ctm", cwd=tmp_path)
    assert (
        result.returncode == 1
        and "words of other, not of sample: rename it with --name" in result.stderr
    )
    result = diarize(root, sample_wav, "--words", "words.ctm", cwd=tmp_path)
    assert result.returncode == 2 and "require --html" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["words.ctm"]


def test_words_of_nobody_and_the_same_bytes_again(tmp_path):
    turns = [Turn("a", 1.0, 2.0, "a_1"), Turn("a", 0.5, 1.0, "a_2")]
    words = [
        Word("a", 1.0, 1.2, "so", "a_1"),
        Word("a", 1.3, 1.5, "what", "a_1"),
        Word("a", 8.0, 8.5, "hm"),
    ]
    samples = np.sin(np.arange(160000) / 9).astype(np.float32)
    pages = []
    for out in (tmp_path / "x.html", tmp_path / "y.html"):
        page = StandalonePage(out, "diarize.py", {}, embed_audio=True)
        page.add(page.listen("a", None, samples, 16000), turns, words)
        pages.append(page.write()[-1].read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    ours = recording(pages[0], "a")["systems"]["dec_default"]
    first = ours["speakers"].index("a_1")
    assert ours["spoken"] == [[1000, 1500, first, "so what"], [8000, 8500, -1, "hm"]]


def test_several_and_one_without_speech(tmp_path):
    page = StandalonePage(
        tmp_path / "diarization.html", "diarize.py", {}, config=ReportConfig(inline=0)
    )
    page.add(
        page.listen("a", tmp_path / "a.wav", np.zeros(80000), 16000), [Turn("a", 1.0, 2.0, "a_1")]
    )
    page.add(page.listen("silent", None, np.zeros(48000), 16000), [])
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
