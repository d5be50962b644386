"""The benchmarks of counts: recordings that are cut short, repeated for hours, and put into tables."""

import numpy as np
import pandas as pd
import pytest
from command_line import run
from made_up import spaced, voices

from diar.audio.waveform import SAMPLE_RATE, save
from diar.base.types import Turn
from diar.kaldi import arks, tables
from diar.kaldi.recordings import Recordings
from diar.kaldi.rttm import read_rttm, write_rttm
from diar.scoring.frame import COLUMNS, to_tsv

TURNS = [(0.0, 30.0, "a"), (25.0, 20.0, "b"), (50.0, 10.0, "a"), (60.0, 0.05, "c")]


@pytest.fixture
def data(tmp_path):
    """A recording of a minute, whose samples say where they are, and one that is too short."""
    folder = tmp_path / "data"
    folder.mkdir()
    save(folder / "long.wav", np.arange(60 * SAMPLE_RATE) / (60 * SAMPLE_RATE))
    save(folder / "short.wav", np.zeros(5 * SAMPLE_RATE))
    (folder / "wav.scp").write_text(f"long {folder}/long.wav\nshort {folder}/short.wav\n")
    write_rttm(folder / "ref.rttm", [Turn("long", *turn) for turn in TURNS])
    return folder


def cut(data, *options):
    result = run("benchmarks/counts/cut.py", *options, data, data.parent / "cut")
    return result, data.parent / "cut"


def test_cuts_are_pieces_of_audio_and_of_turns(data):
    result, out = cut(data, "--seconds", 10, "--each", 3)
    assert result.returncode == 0, result.stderr
    made = Recordings(out)
    assert 1 < len(made.names) <= 3
    for name, turns in read_rttm(out / "ref.rttm").items():
        start = int(name.split("-")[1])
        samples = made.load(name)[0]
        assert len(samples) == 10 * SAMPLE_RATE
        assert samples[0] == pytest.approx(start / 60, abs=1e-3)
        inside = [
            (max(s, start), min(s + d, start + 10), who)
            for s, d, who in TURNS
            if min(s + d, start + 10) - max(s, start) > 0.1
        ]
        assert [(t.start + start, t.end + start, t.speaker) for t in turns] == [
            (pytest.approx(a), pytest.approx(b), who) for a, b, who in inside
        ]


def test_cuts_of_one_speaker_and_none_that_fits(data):
    result, out = cut(data, "--seconds", 8, "--each", 4, "--speakers", 1)
    assert result.returncode == 0, result.stderr
    assert all(
        len({t.speaker for t in turns}) == 1 for turns in read_rttm(out / "ref.rttm").values()
    )
    result, _ = cut(data, "--seconds", 8, "--speakers", 3)
    assert result.returncode == 1 and "no place for such a cut" in result.stderr


def test_a_recording_is_repeated_for_hours(tmp_path):
    x, labels = voices([40, 40, 40], spread=0.05)
    windows = spaced(len(x), 0.75, "r")
    source = tmp_path / "x"
    source.mkdir()
    tables.write_segments(source, windows)
    table = dict(zip(windows.ids, x.astype(np.float32), strict=True))
    arks.write_ark(source / "xvector.ark", table, source / "xvector.scp")
    tables.write_map(source / "reco2dur", {"r": "92"})
    turns = [Turn("r", s, 0.75, str(who)) for s, who in zip(windows.starts, labels, strict=True)]
    write_rttm(source / "ref.rttm", turns)
    options = ("--hours", "0.1", "--systems", "ahc")
    result = run(
        "benchmarks/long_recordings/run.py", *options, source, source, source, tmp_path / "out"
    )
    assert result.returncode == 0, result.stderr
    row = (tmp_path / "out/results.md").read_text().splitlines()[-1]
    assert "| ahc |" in row and row.endswith("| 3/3 |")


def system(exp, name, found, confusion):
    """Scores of a system on recordings of three speakers and 100 s."""
    score = exp / "oracle" / name / "some" / "score"
    score.mkdir(parents=True)
    rows = [
        [name, f"r{i}", 100, 0, 0, seconds, 0, 0, *[seconds] * 4, 3, count]
        for name in ("forgiving", "fair", "full")
        for i, (count, seconds) in enumerate(zip(found, confusion, strict=True))
    ]
    text = to_tsv(pd.DataFrame(rows, columns=COLUMNS))
    (score / "per_recording.tsv").write_text(text)


def test_tables_of_counts(tmp_path):
    system(tmp_path, "dec_default", [3, 3, 3, 3, 4, 3], [1, 1, 1, 1, 1, 1])
    system(tmp_path, "ahc", [4, 4, 4, 4, 4, 3], [2, 2, 2, 2, 2, 2])
    result = run("benchmarks/counts/tables.py", tmp_path, tmp_path / "page.md")
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "page.md").read_text()
    ours, theirs, pair = (
        next(line for line in page.splitlines() if line.startswith(f"| {start}"))
        for start in ("DEC, default |", "AHC          |", "AHC     |")
    )
    assert "83 % (50.00 to 100.00)" in ours and "0.17" in ours and "+0.17" in ours
    assert "17 %" in theirs and "2.00 (2.00 to 2.00)" in theirs
    assert "| 0.50 (0.50 to 0.50) | 0.031 | -1.00" in pair, "six of six: 2 / 64"
    assert pair.rstrip("| ").endswith("0.125"), "four of four: 2 / 16"
