"""Audio that other readers hear wrongly in silence: heard rightly here, or said so."""

from __future__ import annotations

import io
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from diar.audio import waveform
from diar.base.errors import DataError

RATE = 16000


def tone(seconds, rate=RATE, loud=0.3):
    return (loud * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


def encode(
    path, tracks, codec, kind=None, rate=RATE, late=0.0, options=None, bit_rate=None, video=False
):
    """Write mono or multichannel ``tracks`` (n, c), the audio ``late`` seconds after the picture."""
    with av.open(str(path), "w", format=kind, options=options or {}) as container:
        picture = container.add_stream("mpeg4", rate=10, width=16, height=16) if video else None
        if picture is not None:
            picture.pix_fmt = "yuv420p"
        streams = []
        for track in tracks:
            layout = {1: "mono", 2: "stereo", 8: "7.1"}.get(
                track.shape[1], f"{track.shape[1]} channels"
            )
            stream = container.add_stream(codec, rate=rate, layout=layout)
            if bit_rate:
                stream.bit_rate = bit_rate
            streams.append(stream)
        seconds = max(len(track) for track in tracks) / rate + late
        for number in range(int(seconds * 10) if picture is not None else 0):
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(picture.encode(frame))
        for stream, track in zip(streams, tracks, strict=True):
            layout, size = stream.layout.name, stream.codec_context.frame_size or 1024
            packed = (np.clip(track, -1, 1) * 32767).astype(np.int16)
            fit = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate)
            for first in range(0, len(packed) - size + 1, size):
                piece = np.ascontiguousarray(packed[first : first + size]).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
                frame.sample_rate, frame.pts = rate, first + int(late * rate)
                for part in fit.resample(frame):
                    container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        if picture is not None:
            container.mux(picture.encode(None))


def mp3(path, samples, bit_rate, head=0):
    encode(
        path,
        [samples[:, None]],
        "libmp3lame",
        "mp3",
        bit_rate=bit_rate,
        options={"write_xing": str(head)},
    )
    return path.read_bytes()


@pytest.mark.parametrize("channels", [7, 8, 9, 12, 24])
@pytest.mark.parametrize("kind", ["mka", "mov", "caf"])
def test_more_channels_than_seven(tmp_path, kind, channels):
    """They ended the process (SIGSEGV)."""
    path = tmp_path / f"film.{kind}"
    try:
        encode(path, [np.tile(tone(1)[:, None], channels)], "pcm_s16le")
    except (av.FFmpegError, ValueError) as error:
        pytest.skip(f"this FFmpeg does not write it: {error}")
    heard = waveform.read(path)
    assert heard.channels == channels and heard.samples[:].std() == pytest.approx(0.212, rel=0.02)


def test_channels_in_an_order_without_a_name(tmp_path):
    """What libsndfile refuses: PyAV freed the order twice, which ended the process (SIGABRT)."""
    path = tmp_path / "cut.caf"
    encode(path, [np.tile(tone(1)[:, None], 8)], "pcm_s24le")
    path.write_bytes(path.read_bytes()[:200000])
    for _ in range(3):
        heard = waveform.read(path)
        assert heard.channels == 8 and len(heard.samples) > 8000


@pytest.mark.parametrize("rate", [1, 999, 2_000_000_000])
def test_a_rate_that_no_sound_has(tmp_path, rate):
    """Kilobytes at 1 Hz became hours of audio, and memory of gigabytes."""
    soundfile.write(tmp_path / "slow.wav", tone(1), rate)
    with pytest.raises(DataError, match=f"implausible sample rate of {rate} Hz"):
        waveform.read(tmp_path / "slow.wav")


def test_samples_that_are_no_sound_warn_of_nothing(tmp_path):
    path = tmp_path / "huge.wav"
    soundfile.write(path, np.full((RATE, 2), 3e38, np.float32), RATE, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="contain NaN or infinity"):
            waveform.read(path)


def test_an_mp3_that_does_not_say_how_long_it_is(tmp_path):
    """libsndfile takes the rate of bits of its first frames for that of all: it heard less than half."""
    path = tmp_path / "a.mp3"
    path.write_bytes(
        mp3(tmp_path / "1.mp3", tone(5), 160_000) + mp3(tmp_path / "2.mp3", tone(25), 32_000)
    )
    heard = waveform.read(path)
    assert len(heard.samples) / RATE == pytest.approx(30, abs=0.3)
    assert waveform.header_duration(path) is None
    assert waveform.duration(path) == pytest.approx(30, abs=0.3)


def test_an_mp3_that_is_cut(tmp_path):
    whole = mp3(tmp_path / "a.mp3", tone(10), 64_000, head=1)
    assert waveform.read(tmp_path / "a.mp3").notes == ()
    (tmp_path / "a.mp3").write_bytes(
        b"ID3\x04\0\0\0\0\x02\0" + bytes(256) + whole[: len(whole) // 2]
    )
    heard = waveform.read(tmp_path / "a.mp3")
    assert any("truncated" in note for note in heard.notes)
    assert len(heard.samples) / RATE == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("kind", ["flac", "wav", "mka", "mp4"])
def test_others_that_are_cut(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    noise = np.random.default_rng(0).normal(0, 0.1, (RATE * 10, 1)).astype(np.float32)
    if kind in ("flac", "wav"):
        soundfile.write(path, noise, RATE)
    else:
        options = {"movflags": "faststart"} if kind == "mp4" else {}
        encode(path, [noise], "aac" if kind == "mp4" else "pcm_s16le", options=options)
    assert waveform.read(path).notes == ()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert any("truncated" in note for note in waveform.read(path).notes)


@pytest.mark.parametrize(
    ("kind", "least"), [("adts", 4.5), ("mp3", 9), ("matroska", 4.5), ("ogg", 7)]
)
def test_damage_within_a_file_costs_only_what_is_damaged(tmp_path, kind, least):
    path = tmp_path / "a"
    codec = {"mp3": "libmp3lame", "ogg": "libopus"}.get(kind, "aac")
    noise = np.random.default_rng(0).normal(0, 0.1, (RATE * 10, 1))
    encode(path, [noise], codec, kind)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(range(250)) * 8
    path.write_bytes(data)
    heard = waveform.read(path)
    assert least <= len(heard.samples) / RATE <= 10.2
    assert any(note.startswith(("damaged: ", "truncated: ")) for note in heard.notes)


def test_several_oggs_in_one(tmp_path):
    """As a stream of a radio has them: libsndfile hears the first."""
    for name, seconds in (("1.ogg", 2), ("2.ogg", 3)):
        soundfile.write(tmp_path / name, tone(seconds), RATE, format="OGG")
    data = b"".join((tmp_path / name).read_bytes() for name in ("1.ogg", "2.ogg"))
    (tmp_path / "both.ogg").write_bytes(data)
    assert waveform.duration(tmp_path / "both.ogg") == pytest.approx(5.0, abs=0.05)


def test_channels_of_opposite_phase(tmp_path):
    """Their mix cancels: it was 'no speech'."""
    sound = tone(2)
    for channels, name in (([sound, -sound], "two"), ([sound, -0.5 * sound, sound], "three")):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.stack(channels, axis=1), RATE, subtype="FLOAT")
        heard = waveform.read(path)
        assert heard.notes == ("channels of opposite phase, inverted",)
        assert heard.samples[:].std() == pytest.approx(
            np.abs(channels).mean(axis=0).std() * 2.3, rel=0.2
        )
    left = waveform.read(tmp_path / "two.wav", channel=1)
    assert left.notes == () and np.allclose(left.samples, -sound)
    other = np.random.default_rng(0).normal(0, 0.1, len(sound)).astype(np.float32)
    soundfile.write(tmp_path / "plain.wav", np.stack([sound, other], axis=1), RATE, subtype="FLOAT")
    heard = waveform.read(tmp_path / "plain.wav")
    assert heard.notes == () and np.array_equal(
        heard.samples, np.stack([sound, other], 1).mean(axis=1)
    )


@pytest.mark.parametrize("bits", [15, 23, 31])
def test_floats_that_were_never_scaled(tmp_path, bits):
    soundfile.write(tmp_path / "a.wav", tone(1) * np.float32(2.0**bits), RATE, subtype="FLOAT")
    heard = waveform.read(tmp_path / "a.wav")
    assert heard.notes == (f"floats of {bits + 1} bits, rescaled",)
    assert np.allclose(heard.samples, tone(1), atol=1e-6) and heard.clipped == 0


def test_loud_floats_are_left_alone(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1, loud=2.0), RATE, subtype="FLOAT")
    heard = waveform.read(tmp_path / "a.wav")
    assert heard.notes == () and np.array_equal(heard.samples, tone(1, loud=2.0))


def test_very_quiet_recordings(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1, loud=0.003), RATE)
    heard = waveform.read(tmp_path / "a.wav")
    assert heard.notes == ("very quiet (peak -50 dBFS), amplified",)
    assert 0.25 <= np.abs(heard.samples).max() <= 0.5
    soundfile.write(tmp_path / "b.wav", np.zeros(RATE), RATE)
    assert waveform.read(tmp_path / "b.wav").notes == ()


@pytest.mark.parametrize("kind", ["mkv", "mp4", "mov"])
def test_sound_that_begins_later_than_its_picture(tmp_path, kind):
    """Turns were early by that much."""
    path = tmp_path / f"film.{kind}"
    codec = "pcm_s16le" if kind != "mp4" else "aac"
    encode(path, [tone(3)[:, None]], codec, late=2.0, video=True)
    heard = waveform.read(path)
    loud = np.flatnonzero(np.abs(heard.samples[:]) > 0.05)
    assert loud[0] / RATE == pytest.approx(2.0, abs=0.1)
    assert any("filled with silence" in note for note in heard.notes)
    assert waveform.duration(path) == pytest.approx(5.0, abs=0.2)


def test_sound_that_begins_with_its_picture(tmp_path):
    encode(tmp_path / "film.mkv", [tone(3)[:, None]], "pcm_s16le", video=True)
    assert waveform.read(tmp_path / "film.mkv").notes == ()


def test_a_second_track_is_not_left_out_in_silence(tmp_path):
    encode(tmp_path / "a.mka", [tone(1)[:, None], tone(2)[:, None]], "pcm_s16le")
    heard = waveform.read(tmp_path / "a.mka")
    assert heard.notes == ("2 audio tracks: using the first",)
    assert len(heard.samples) == pytest.approx(RATE, abs=1100)


@pytest.mark.parametrize("stated", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_that_was_never_completed(tmp_path, stated):
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(2), RATE, format="WAV", subtype="PCM_16")
    data = bytearray(buffer.getvalue())
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = stated.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    heard = waveform.read(tmp_path / "a.wav")
    assert np.allclose(heard.samples, tone(2), atol=1e-4)
    assert waveform.duration(tmp_path / "a.wav") == 2.0


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile '{other}'\n",
        "ffconcat version 1.0\nfile 'other.wav'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{other}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:{other}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "[playlist]\nFile1={other}\n",
        ";FFMETADATA1\ntitle=x\n",
    ],
)
@pytest.mark.parametrize("name", ["a.wav", "a.m3u8", "a.ffconcat", "a.sdp", "a.mp4"])
def test_no_other_file_is_read(tmp_path, text, name):
    soundfile.write(tmp_path / "other.wav", tone(1), RATE)
    (tmp_path / name).write_text(text.format(other=tmp_path / "other.wav"))
    with pytest.raises(DataError, match="not an audio file that can be decoded|no audio stream"):
        waveform.read(tmp_path / name)


def test_a_name_that_looks_like_a_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "made.mka", [tone(1)[:, None]], "pcm_s16le")
    for name in (
        "concat:made.mka|made.mka",
        "http:a.mka",
        "pipe:0",
        "subfile,,start,0,end,9,,:a.mka",
    ):
        (tmp_path / name).write_bytes((tmp_path / "made.mka").read_bytes())
        assert len(waveform.load(name)) == pytest.approx(RATE, abs=1100)


def test_a_file_that_may_not_be_read(tmp_path):
    with pytest.raises(DataError, match="no such audio file"):
        waveform.read(tmp_path / "none.wav")
    with pytest.raises(DataError, match="Is a directory"):
        waveform.read(tmp_path)


def test_sphere_by_shorten(tmp_path):
    head = b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n"
    (tmp_path / "a.sph").write_bytes(head.ljust(1024) + bytes(4000))
    with pytest.raises(DataError, match="sph2pipe"):
        waveform.read(tmp_path / "a.sph")
