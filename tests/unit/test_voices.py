"""Voices: speech activity, decoding, cutting, the cache, and the list of people."""

import contextlib
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import CONF

from diar.audio.waveform import SAMPLE_RATE, save
from diar.base import config
from diar.base.errors import DataError
from diar.fetching.packages import Package
from diar.simulation import activity, voices
from diar.simulation.activity import ActivityConfig
from diar.simulation.voices import Person, VoicesConfig

PACKAGE = Package("pack", "1", "pack_1.deb", 1, "0" * 64)


def hum(seconds, pitch=140.0):
    """A voiced sound with a syllable rhythm."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 12))
    return (0.1 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def noisy(samples, db=-60.0):
    noise = np.random.default_rng(0).standard_normal(len(samples))
    return samples + (10 ** (db / 20) * noise).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    lead=st.floats(0.1, 2),
    first=st.floats(0.3, 2),
    pause=st.floats(0.45, 2),
    second=st.floats(0.3, 2),
    gain=st.floats(0.05, 3),
)
def test_activity_finds_bursts_whatever_their_level(lead, first, pause, second, gain):
    burst = [silence(lead), hum(first), silence(pause), hum(second), silence(0.3)]
    regions = activity.speech_regions(gain * noisy(np.concatenate(burst)), ActivityConfig())
    edges = np.cumsum([len(x) for x in burst[:4]]) / SAMPLE_RATE
    assert np.allclose(np.ravel(regions), edges, atol=0.06)


def test_pauses_within_words_do_not_split():
    samples = np.concatenate([hum(0.5), silence(0.2), hum(0.5)])
    assert len(activity.speech_regions(samples, ActivityConfig())) == 1


@pytest.mark.parametrize("quiet", [silence(2), silence(0), noisy(silence(2), -80)])
def test_silence_holds_no_speech(quiet):
    assert activity.speech_regions(quiet, ActivityConfig()) == []


def listed(**changes):
    person = Person("ann", "en", "train", ("pack/**/*",), **changes)
    return VoicesConfig((PACKAGE,), (person,))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of four files, two of them no audio; unpacking it is copying it."""
    source = tmp_path / "source"
    save(source / "one.wav", noisy(np.concatenate([silence(0.5), hum(1.0), silence(0.5)])))
    save(source / "two.wav", noisy(np.concatenate([hum(0.8), silence(1.0), 0.1 * hum(1.2)])))
    (source / "bad.ogg").write_bytes(b"OggS, or so it says")
    (source / "empty.wav").write_bytes((source / "one.wav").read_bytes()[:44])
    monkeypatch.setenv("DIAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(voices, "fetch_deb", lambda package: source)
    monkeypatch.setattr(voices, "unpack_deb", lambda path, to: shutil.copytree(path, to))
    return source


def test_material_is_trimmed_split_and_level(package):
    conf = listed()
    (voice,) = voices.prepare(conf, conf.people)
    lengths = sorted(len(voice.piece(i)) / SAMPLE_RATE for i in range(len(voice)))
    assert np.allclose(lengths[1:], [1.0, 1.2], atol=0.1) and abs(lengths[0] - 0.8) < 0.1
    levels = [np.sqrt(np.mean(voice.piece(i) ** 2)) for i in range(len(voice))]
    assert max(levels) < 1.2 * min(levels)  # one of the sources was 20 dB quieter
    assert voice.minutes == pytest.approx(3.0 / 60, rel=0.1)


def test_files_that_do_not_decode_are_listed_with_the_reason(package):
    conf = listed()
    (voice,) = voices.prepare(conf, conf.people)
    assert len(voice.failed) == 2
    assert any(f.startswith("pack/bad.ogg: ") and "audio" in f for f in voice.failed)
    assert any(f.startswith("pack/empty.wav: ") and "zero length" in f for f in voice.failed)


def test_second_time_comes_from_the_cache(package, monkeypatch):
    conf = listed()
    (first,) = voices.prepare(conf, conf.people)
    monkeypatch.setattr(voices, "fetch_deb", lambda _: pytest.fail("it unpacks again"))
    (second,) = voices.prepare(conf, conf.people, nj=2)
    assert np.array_equal(first.samples, second.samples) and first.failed == second.failed


def test_progress_counts_packages_and_people_and_only_work(package):
    conf, steps = listed(), []
    for _ in range(2):
        voices.prepare(conf, conf.people, progress=lambda *step: steps.append(step))
    assert steps == [(1, 2, "pack"), (2, 2, "ann")]


def test_changed_package_or_entry_is_decoded_again(package):
    conf = listed()
    before = voices._cache_path(conf, conf.people[0])
    other = replace(conf, packages=(replace(PACKAGE, sha256="1" * 64),))
    assert voices._cache_path(other, other.people[0]) != before
    assert voices._cache_path(replace(conf, max_minutes=1.0), conf.people[0]) != before


def test_damaged_cache_is_named(package):
    conf = listed()
    voices.prepare(conf, conf.people)
    voices._cache_path(conf, conf.people[0]).write_bytes(b"half of it")
    with pytest.raises(DataError, match="delete it"):
        voices.prepare(conf, conf.people)


PIECES = {
    "samples": np.zeros(100, np.int16),
    "bounds": np.array([0, 50, 100]),
    "failed": np.array([], dtype=str),
}


def stored(**changes):
    stream = io.BytesIO()
    np.savez(stream, **(PIECES | changes))
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"", stored()[:-30], stored().replace(b"samples", b"samplex", 1), b"PK\3\4" + bytes(99),
        stored(samples=np.zeros(100)), stored(samples=np.zeros((10, 10), np.int16)),
        stored(samples=np.int16(3)), stored(samples=np.array([{}])),
        stored(bounds=np.array([])), stored(bounds=np.array([0, 500, -100])),
        stored(bounds=np.array([0, 80, 20, 100])), stored(bounds=np.array([0, 50])),
    ],
)  # fmt: skip
def test_any_damage_of_a_voice_is_named(tmp_path, data):
    path = tmp_path / "ann.npz"
    path.write_bytes(stored())
    assert len(voices._read(path, None)) == 2
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged voice in the cache: delete it"):
        voices._read(path, None)


@given(st.lists(st.tuples(st.integers(0, len(stored()) - 1), st.integers(0, 255)), max_size=8))
def test_a_voice_of_any_bytes_is_read_or_named(tmp_path_factory, changes):
    data = bytearray(stored())
    for place, byte in changes:
        data[place] = byte
    path = tmp_path_factory.getbasetemp() / "changed.npz"
    path.write_bytes(data)
    with contextlib.suppress(DataError):
        voice = voices._read(path, None)
        assert sum(len(voice.piece(i)) for i in range(len(voice))) == len(voice.samples)


def test_excluded_files_do_not_count(package):
    conf = listed(exclude=("*/two.*", "*/bad.*", "*/empty.*"))
    (voice,) = voices.prepare(conf, conf.people)
    assert len(voice) == 1 and voice.failed == ()


def test_person_without_speech_is_an_error(package):
    conf = listed(exclude=("*/one.*", "*/two.*"))
    with pytest.raises(DataError, match="ann: no usable speech"):
        voices.prepare(conf, conf.people)


def test_limit_of_minutes_does_not_depend_on_the_order_of_files(package):
    conf = replace(listed(), max_minutes=0.5 / 60)
    files = sorted(package.glob("*.wav"))
    root = package.parent
    one, _ = voices.gather(files, root, conf)
    two, _ = voices.gather(files[::-1], root, conf)
    assert len(one) == len(two) and all(map(np.array_equal, one, two))


def test_unlisted_package_and_double_person_are_refused(tmp_path):
    path = tmp_path / "voices.yaml"
    person = "{id: ann, language: en, split: train, files: [nowhere/*]}"
    path.write_text(f"packages: []\npeople: [{person}]\n")
    with pytest.raises(DataError, match="'nowhere'"):
        config.load(VoicesConfig, path)
    path.write_text(f"packages: []\npeople: [{person}, {person}]\n")
    with pytest.raises(DataError, match="twice"):
        config.load(VoicesConfig, path)


def test_list_of_people_is_disjoint_and_large_enough():
    conf = config.load(VoicesConfig, CONF / "voices.yaml")
    assert {p.split for p in conf.people} == {"train", "dev", "test"}
    files = [pattern for person in conf.people for pattern in person.files]
    assert len(files) == len(set(files))
    for split in ("dev", "test"):
        people = conf.of(split)
        assert len(people) >= 8
        assert {p.sex for p in people} == {"f", "m"}
        assert len({name for p in people for name in p.packages}) >= 3
