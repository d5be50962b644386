"""Our directories in the hands of others: lhotse reads and writes the data, Kaldi's rules hold for the rest."""

import numpy as np
import pytest
import soundfile

from diar.base.types import Turn
from diar.kaldi import arks, tables
from diar.kaldi.importing import import_tables
from diar.kaldi.recordings import Recordings
from diar.kaldi.validation import examine
from diar.kaldi.writing import write_files

lhotse = pytest.importorskip("lhotse")


@pytest.fixture
def data(tmp_path):
    """A data directory of ours: two recordings."""
    audio = {}
    for name, seconds in (("a", 2), ("b-1", 3)):
        audio[name] = tmp_path / f"{name}.wav"
        soundfile.write(
            audio[name], np.random.default_rng(0).uniform(-0.1, 0.1, 8000 * seconds), 8000
        )
    turns = [Turn("a", 0.5, 1.0, "amy"), Turn("b-1", 0.0, 3.0, "bob")]
    write_files(tmp_path / "data", audio, {"a": 2.0, "b-1": 3.0}, turns)
    return tmp_path / "data"


def test_lhotse_reads_our_data_directories(data):
    from lhotse.kaldi import load_kaldi_data_dir

    recordings, supervisions, _ = load_kaldi_data_dir(data, 8000)
    assert {r.id: r.duration for r in recordings} == {"a": 2.0, "b-1": 3.0}
    assert recordings["b-1"].load_audio().shape == (1, 24000)
    assert sorted(s.recording_id for s in supervisions) == ["a", "b-1"]


def test_we_read_what_lhotse_writes(data, tmp_path):
    from lhotse import SupervisionSegment, SupervisionSet
    from lhotse.kaldi import export_to_kaldi, load_kaldi_data_dir

    recordings, _, _ = load_kaldi_data_dir(data, 8000)
    spoken = [("u1", "a", 0.5, 1.0, "amy"), ("u2", "b-1", 0.0, 3.0, "bob")]
    supervisions = SupervisionSet.from_segments(
        SupervisionSegment(
            id=i, recording_id=r, start=s, duration=d, channel=0, speaker=who, text="x"
        )
        for i, r, s, d, who in spoken
    )
    out = tmp_path / "lhotse"
    export_to_kaldi(recordings, supervisions, out)
    found = examine(out)
    assert not found.faults, found.faults[0]
    assert Recordings(out).load("b-1", 8000)[0].shape == (24000,)
    target = tmp_path / "imported"
    import_tables(out, target, {"a": 2.0, "b-1": 3.0}, from_segments=True)
    assert (target / "ref.rttm").read_text() == (data / "ref.rttm").read_text()


def test_products_obey_kaldis_rules(data, tmp_path):
    """Sorted in the C locale, unique ids, spk2utt the inverse of utt2spk, arks where the scp says."""
    assert not examine(data).faults
    starts = np.arange(4) * 0.25
    names = ["B", "a", "a-b", "é"]
    windows = tables.Subsegments(
        [f"{n}-{i}" for n in names for i in range(4)], [n for n in names for _ in range(4)],
        np.tile(starts, 4), np.tile(starts, 4) + 1.5,
    )  # fmt: skip
    out = tmp_path / "xvectors"
    out.mkdir()
    tables.write_segments(out, windows)
    arks.write_ark(out / "xvector.ark", {i: np.ones(3, np.float32) for i in windows.ids})
    for name in ("segments", "utt2spk", "spk2utt", "xvector.scp"):
        keys = [line.split()[0].encode() for line in (out / name).read_text().splitlines()]
        assert keys == sorted(set(keys)), name
    first = (out / "xvector.scp").read_text().split()[1]
    path, offset = first.rsplit(":", 1)
    with open(path, "rb") as ark:
        ark.seek(int(offset))
        assert ark.read(5) == b"\0BFV ", "a binary vector of floats, as Kaldi writes it"
