"""Which channel of which file is a recording, and what the data say of its speech."""

import numpy as np
import pytest
import soundfile

from diar.base.errors import DataError
from diar.kaldi.arks import write_ark
from diar.kaldi.recordings import Recordings, read_channels
from diar.speech.given import given_speech


@pytest.fixture
def data(tmp_path):
    """Two recordings that are the channels of one file, one with a file of its own."""
    t = np.arange(8000) / 8000
    left, right = 0.5 * np.sin(2 * np.pi * 200 * t), 0.25 * np.sin(2 * np.pi * 900 * t)
    soundfile.write(tmp_path / "call.wav", np.stack([left, right], axis=1), 8000)
    soundfile.write(tmp_path / "mono.wav", left, 8000)
    (tmp_path / "wav.scp").write_text("c-A call.wav\nc-B call.wav\nmixed call.wav\nmono mono.wav\n")
    (tmp_path / "reco2file_and_channel").write_text("c-A call A\nc-B call 2\nmono call B\n")
    return tmp_path


def peak(samples):
    return np.abs(np.fft.rfft(samples)).argmax() * 16000 / len(samples)


def test_channels_are_chosen_or_mixed_and_it_is_said(data):
    recordings = Recordings(data)
    found = {name: recordings.load(name) for name in recordings.names}
    assert [round(peak(found[n][0])) for n in ("c-A", "c-B", "mono")] == [200, 900, 200]
    assert np.abs(found["mixed"][0]).max() == pytest.approx(0.375, abs=0.03)
    assert found["c-B"][1] == ["resampled from 8000 Hz", "channel 2 of 2"]
    assert found["mixed"][1] == ["resampled from 8000 Hz", "2 channels mixed"]
    assert found["mono"][1] == ["resampled from 8000 Hz"], "a single channel is the recording"


def test_faulty_channels(data):
    (data / "reco2file_and_channel").write_text("c-A call 3\n")
    with pytest.raises(DataError, match="call.wav: no channel 3: it has 2"):
        Recordings(data).load("c-A")
    for text, message in (
        ("c-A call C\n", ":1: channel 'C'"),
        ("c-A call\n", ":1: expected '<recording> <file> <channel>', found 2"),
        ("c-A call A\nc-A call B\n", ":2: duplicate recording 'c-A'"),
        ("c-A call 0\n", ":1: channel '0'"),
    ):
        (data / "reco2file_and_channel").write_text(text)
        with pytest.raises(DataError, match=message):
            read_channels(data / "reco2file_and_channel")


def test_clipping_and_truncation_are_said(tmp_path):
    loud = np.clip(3 * np.sin(np.arange(16000)), -1, 1)
    soundfile.write(tmp_path / "loud.wav", loud, 16000)
    whole = (tmp_path / "loud.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "wav.scp").write_text("cut cut.wav\nloud loud.wav\n")
    recordings = Recordings(tmp_path)
    assert recordings.load("loud")[1] == ["clipped"]
    samples, notes = recordings.load("cut")
    assert notes == ["truncated: shorter than its header states", "clipped"]
    assert len(samples) == pytest.approx(8000, abs=30)


class TestGivenSpeech:
    @pytest.fixture
    def directory(self, tmp_path):
        (tmp_path / "segments").write_text(
            "a r 1.00 3.00\nb r 2.50 4.00\nc r 6.00 99.00\nd s 0.00 1.00\n"
        )
        return tmp_path

    def test_segments_are_joined_and_clipped(self, directory):
        given = given_speech(directory, "segments")
        assert given.regions("r", 10.0) == [(1.0, 4.0), (6.0, 10.0)]
        assert given.regions("unknown", 10.0) == []

    def test_decisions_of_utterances_count_from_their_start(self, directory):
        frames = np.zeros(200, np.float32)
        frames[50:100] = 1
        write_ark(directory / "vad.ark", {"a": frames, "b": np.ones(500, np.float32)})
        given = given_speech(directory, "vad_scp")
        assert given.regions("r", 10.0) == [pytest.approx((1.5, 2.0)), pytest.approx((2.5, 4.0))]
        with pytest.raises(DataError, match="vad.scp: no decisions for recording 's'"):
            given.regions("s", 10.0)

    def test_decisions_of_recordings_with_another_shift(self, directory):
        write_ark(directory / "vad.ark", {"r": np.array([0, 1, 1, 0, 1], np.float32)})
        given = given_speech(directory, "vad_scp", frame_shift=0.02)
        assert given.regions("r", 0.09) == [
            pytest.approx((0.02, 0.06)),
            pytest.approx((0.08, 0.09)),
        ]

    def test_decisions_that_are_no_vector(self, directory):
        write_ark(directory / "vad.ark", {"r": np.ones((3, 2), np.float32)})
        with pytest.raises(DataError, match="r: expected a vector of decisions"):
            given_speech(directory, "vad_scp").regions("r", 1.0)
