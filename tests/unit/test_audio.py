"""Audio as it comes: rates, channels, containers, and files that are no audio."""

import os

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from diar.audio import decoder, waveform
from diar.audio.compression import mp3
from diar.audio.loudness import SHORTEST, loudness
from diar.audio.spool import Spooled, collect
from diar.base.errors import DataError


def tone(rate, seconds=1.0, frequency=440.0, level=0.5):
    return level * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def peak(samples, rate=waveform.SAMPLE_RATE):
    """Frequency of the strongest component, Hz, and the level of the middle part."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return spectrum.argmax() * rate / len(middle), np.sqrt(2 * np.mean(middle**2))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_rates(tmp_path, rate):
    soundfile.write(tmp_path / "x.wav", tone(rate), rate)
    samples = waveform.load(tmp_path / "x.wav")
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - 16000) <= 1
    frequency, level = peak(samples)
    assert frequency == pytest.approx(440, abs=3)
    assert level == pytest.approx(0.5, abs=0.01)
    assert waveform.duration(tmp_path / "x.wav") == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["x.flac", "x.ogg", "x.mp3", "x.aiff", "x.au", "flac.wav"])
def test_containers(tmp_path, name):
    path = tmp_path / name
    kind = "FLAC" if name == "flac.wav" else None  # a wrong name does not matter
    soundfile.write(path, tone(16000, 2.0), 16000, format=kind)
    samples = waveform.load(path)
    assert len(samples) == pytest.approx(32000, abs=2500)  # mp3 pads
    frequency, level = peak(samples)
    assert frequency == pytest.approx(440, abs=3)
    assert level == pytest.approx(0.5, abs=0.03)
    assert waveform.duration(path) == pytest.approx(len(samples) / 16000, abs=0.01)


def test_channels(tmp_path):
    both = np.stack([tone(16000, frequency=440), tone(16000, frequency=1000)], axis=1)
    soundfile.write(tmp_path / "x.wav", both, 16000, subtype="FLOAT")
    assert peak(waveform.load(tmp_path / "x.wav", channel=0))[0] == pytest.approx(440, abs=3)
    assert peak(waveform.load(tmp_path / "x.wav", channel=1))[0] == pytest.approx(1000, abs=3)
    assert waveform.load(tmp_path / "x.wav") == pytest.approx(both.mean(axis=1), abs=1e-6)
    for channel in (2, -1):
        with pytest.raises(DataError, match=f"no channel {channel + 1}: it has 2"):
            waveform.load(tmp_path / "x.wav", channel=channel)


def test_other_codecs_by_pyav(tmp_path):
    """G.722 is a bare stream that only FFmpeg's libraries read."""
    av = pytest.importorskip("av")
    path = tmp_path / "x.g722"
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000)
        stream.layout = "mono"
        pcm = (tone(16000, 2.0) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples = waveform.load(path)
    assert len(samples) == pytest.approx(32000, abs=700)
    assert peak(samples)[0] == pytest.approx(440, abs=3)
    assert waveform.duration(path) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.wav", b"SPEAKER a 1 0.0 1.0 <NA> <NA> x <NA> <NA>\n" * 20),
        ("x.mp3", b"\x00" * 5000),
        ("x.raw", b"\x01\x02" * 500),
        ("x.wav", b""),
        ("x.wav", b"RIFF\x24\x00\x00\x00WAVEfmt "),
    ],
)
def test_files_that_are_no_audio(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    for read in (waveform.load, waveform.duration):
        with pytest.raises(DataError) as error:
            read(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: ")
        assert "\n" not in str(error.value)


def test_no_file_and_a_directory(tmp_path):
    with pytest.raises(DataError, match="no such audio file"):
        waveform.load(tmp_path / "none.wav")
    with pytest.raises(DataError):
        waveform.load(tmp_path)


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(0), 16000)
    with pytest.raises(DataError, match="zero length"):
        waveform.load(tmp_path / "x.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path, bad):
    samples = tone(16000)
    samples[100] = bad
    soundfile.write(tmp_path / "x.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(DataError, match="NaN or infinity"):
        waveform.load(tmp_path / "x.wav")


def test_save_and_load(tmp_path):
    samples = np.clip(tone(16000, level=1.2), -2, 2)
    waveform.save(tmp_path / "new/x.wav", samples)
    back = waveform.load(tmp_path / "new/x.wav")
    assert back == pytest.approx(np.clip(samples, -1, 1), abs=1 / 32768)
    info = soundfile.info(tmp_path / "new/x.wav")
    assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")


def test_long_recordings_lie_in_a_file(tmp_path, monkeypatch):
    """... and are the same there, whatever they are read from."""
    monkeypatch.setattr(decoder, "BLOCK", 4096)
    both = np.stack([tone(44100, 3.0), tone(44100, 3.0, 1000)], axis=1)
    soundfile.write(tmp_path / "x.wav", both, 44100)
    here = waveform.read(tmp_path / "x.wav")
    monkeypatch.setattr(waveform, "collect", lambda blocks: collect(blocks, long=10000))
    there = waveform.read(tmp_path / "x.wav")
    assert isinstance(there.samples, Spooled) and isinstance(here.samples, np.ndarray)
    assert len(there.samples) == len(here.samples) == there.samples.size
    for part in (slice(None), slice(5, 17), slice(20000, 10**9), slice(9, 4), slice(-3, None)):
        assert np.array_equal(there.samples[part], here.samples[part])
    assert np.array_equal(waveform.load(tmp_path / "x.wav"), here.samples)


def test_blocks_are_resampled_as_a_whole(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "x.wav", tone(44100, 2.0), 44100)
    whole = waveform.load(tmp_path / "x.wav")
    monkeypatch.setattr(decoder, "BLOCK", 1000)
    assert np.abs(waveform.load(tmp_path / "x.wav") - whole).max() < 1e-5


def test_a_name_that_is_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 16000)
    (tmp_path / "x.wav").rename(path)
    with pytest.raises(
        DataError, match="caf\N{REPLACEMENT CHARACTER}.wav: .* not UTF-8: rename it"
    ):
        waveform.load(path)


@given(st.integers(0, 4000), st.integers(1, 50), st.sampled_from([1.0, 0.1, 1e-4, 0.0]))
def test_loudness_of_a_tone_is_its_level(n, most, scale):
    step, levels = loudness(np.full(n, scale, np.float32), 8000, most)
    assert len(levels) <= most and step >= SHORTEST - 1 / 8000
    size = round(step * 8000)
    assert len(levels) == -(-n // size)
    assert set(levels) <= {max(0, round(60 + 20 * np.log10(scale))) if scale else 0}


def test_loudness_goes_up_and_down():
    samples = np.concatenate([np.zeros(800), np.full(800, 0.1), np.zeros(160)])
    assert loudness(samples, 8000, 100).levels == [0] * 5 + [40] * 5 + [0]


def test_what_travels_sounds_as_before(tmp_path, sample_wav):
    samples = waveform.load(sample_wav)
    (tmp_path / "x.mp3").write_bytes(sound := mp3(samples, 16000))
    assert len(sound) == pytest.approx(30 * 32000 / 8, rel=0.05)
    again = waveform.load(tmp_path / "x.mp3")
    lags = range(-1600, 1601, 4)
    middle = samples[80000:160000]
    alike = [np.corrcoef(middle, again[80000 + lag : 160000 + lag])[0, 1] for lag in lags]
    assert max(alike) > 0.95 and abs(lags[int(np.argmax(alike))]) <= 0.03 * 16000
    assert mp3(np.zeros(0), 16000) is not None and sound == mp3(samples, 16000)
