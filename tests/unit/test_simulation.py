"""Simulated conversations: who speaks when is what the reference says, the same bits every time."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import CONF

import prepare_mini
from diar.audio.waveform import SAMPLE_RATE, load, save
from diar.base import config
from diar.base.errors import DataError
from diar.base.regions import union
from diar.base.types import Turn
from diar.kaldi import tables, writing
from diar.kaldi.rttm import read_rttm, read_uem, write_rttm
from diar.simulation import mini_corpus
from diar.simulation.conversations import SimulationConfig, simulate
from diar.simulation.mini_corpus import (
    CorpusConfig,
    RecordingPlan,
    record,
    revoice,
    write_data_dir,
    write_scripts,
)
from diar.simulation.turn_taking import TurnTaking, converse, fit, insert_silence, overlap_ratio
from diar.simulation.voices import Person, Voice, VoicesConfig

STATS = config.load(TurnTaking, CONF / "turn_taking.yaml")
ACOUSTICS = SimulationConfig()
# Dry, quiet, wide: what goes in can be found again in what comes out.
STUDIO = replace(
    ACOUSTICS, rt60=(0.1, 0.1), max_order=1, distance=(0.5, 0.6), snr_db=(60.0, 60.0),
    high_cut=(7200.0,), speaker_level_db=(0.0, 0.0),
)  # fmt: skip


@cache
def voice(name):
    """Sixty pieces of a hum of its own pitch, 0.3 to 3 s long."""
    pitch = 90.0 + 23.0 * (sum(map(ord, name)) % 11)
    rng = np.random.default_rng(len(name))
    pieces = []
    for seconds in rng.uniform(0.3, 3.0, 60):
        t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 10))
        pieces.append((tone * (0.7 + 0.3 * np.sin(2 * np.pi * 4 * t)) * 1500).astype(np.int16))
    person = Person(name, "xx", "test", ())
    return Voice(person, np.concatenate(pieces), np.cumsum([0, *map(len, pieces)]))


def people(count):
    return [voice(f"p{i}").person for i in range(count)]


@pytest.fixture
def own_voices(monkeypatch):
    """The corpus takes the voices of these tests instead of fetching any."""
    fake = lambda conf, wanted, *_: [voice(person.id) for person in wanted]  # noqa: E731
    monkeypatch.setattr(mini_corpus, "prepare", fake)
    monkeypatch.setattr(prepare_mini, "prepare", fake)
    monkeypatch.setattr(VoicesConfig, "of", lambda self, split: people(4))
    mini_corpus._voice.cache_clear()
    yield
    mini_corpus._voice.cache_clear()


def spans(turns, speaker=None):
    return union((t.start, t.end) for t in turns if speaker in (None, t.speaker))


def mask(regions, seconds, step=0.01):
    marked = np.zeros(round(seconds / step), bool)
    for start, end in regions:
        marked[round(start / step) : round(end / step)] = True
    return marked


# --- turn-taking


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 8), seconds=st.floats(20, 300), seed=st.integers(0, 2**31 - 1))
def test_everybody_speaks_within_the_recording_and_nobody_over_themself(count, seconds, seed):
    labels = [f"s{i}" for i in range(count)]
    turns = converse("r", labels, seconds, STATS, seed)
    assert {t.speaker for t in turns} == set(labels)
    assert all(0 <= t.start < t.end <= seconds for t in turns)
    assert turns == converse("r", labels, seconds, STATS, seed)


def test_conversations_have_the_statistics_that_were_fitted():
    drawn = {
        f"r{i}": converse(f"r{i}", [f"s{k}" for k in range(2 + i % 4)], 600.0, STATS, i)
        for i in range(60)
    }
    again = fit(drawn)
    assert again.stay == pytest.approx(STATS.stay, abs=0.05)
    assert again.back == pytest.approx(STATS.back, abs=0.1)
    assert np.median(again.turn_seconds) == pytest.approx(np.median(STATS.turn_seconds), rel=0.15)
    pooled = [turn for turns in drawn.values() for turn in turns]
    assert 0.03 <= overlap_ratio(pooled) <= 0.15


def test_overlap_is_counted_within_recordings():
    turns = [Turn("a", 0, 10, "x"), Turn("a", 8, 4, "y"), Turn("b", 0, 8, "x")]
    assert overlap_ratio(turns) == pytest.approx(2 / 20)
    assert overlap_ratio([]) == 0.0


def test_inserted_silence_is_silent_and_loses_nothing():
    turns = converse("r", ["a", "b"], 60.0, STATS, 1)
    parted = insert_silence(turns, 25.0, 40.0)
    gaps = np.diff(np.ravel(spans(parted)))[1::2]
    assert max(gaps) >= 40.0
    assert [t.duration for t in parted] == [t.duration for t in turns]


def test_too_little_time_and_too_few_turns_are_refused():
    with pytest.raises(DataError):
        converse("r", ["a", "b", "c"], 3.0, STATS, 0)
    with pytest.raises(DataError):
        fit({"r": [Turn("r", 0.0, 1.0, "a")]})


# --- sound and reference


def test_reference_matches_the_energy_of_the_recording():
    turns = [Turn("r", 1.0, 4.0, "a"), Turn("r", 7.0, 3.0, "b"), Turn("r", 14.0, 5.0, "a")]
    cast = {"a": voice("ann"), "b": voice("bob")}
    made = simulate(turns, 22.0, cast, STUDIO, 5)
    assert len(made.samples) == 22 * SAMPLE_RATE and np.abs(made.samples).max() <= 1
    frames = made.samples.reshape(-1, SAMPLE_RATE // 100)
    loud = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12) > -45
    said = mask(spans(made.turns), 22.0)
    assert np.mean(loud != said) < 0.03
    assert {t.speaker for t in made.turns} == {"ann", "bob"}


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 4), seconds=st.floats(12, 40), seed=st.integers(0, 10**6))
def test_reference_lies_within_the_recording_and_its_slots(count, seconds, seed):
    labels = [f"p{i}" for i in range(count)]
    slots = converse("r", labels, seconds, STATS, seed)
    made = simulate(slots, seconds, {x: voice(x) for x in labels}, ACOUSTICS, seed)
    assert np.isfinite(made.samples).all()
    for label in labels:
        mine = spans(made.turns, label)
        assert sum(t.speaker == label for t in made.turns) == len(mine)  # they do not overlap
        assert all(0 <= r.start < r.end <= seconds for r in mine)
        slot = mask([(r.start, r.end + 0.05) for r in spans(slots, label)], seconds + 1)
        said = mask(mine, seconds + 1)
        assert np.mean(said & ~slot) * (seconds + 1) < 0.35 * len(slots)  # short pauses are joined
        assert said.sum() > 0.6 * mask(spans(slots, label), seconds + 1).sum() - 50


def test_same_seed_same_bits_and_another_seed_another_recording():
    slots = [Turn("r", 0.5, 3.0, "a"), Turn("r", 3.0, 3.0, "b")]
    cast = {"a": voice("ann"), "b": voice("bob")}
    one, two, other = (simulate(slots, 7.0, cast, ACOUSTICS, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.samples, two.samples) and one.turns == two.turns
    assert not np.array_equal(one.samples, other.samples)


def test_band_of_the_narrowest_source_is_that_of_the_recording():
    narrow = replace(voice("ann"), person=replace(voice("ann").person, band=2000.0))
    slots = [Turn("r", 0.5, 4.0, "a"), Turn("r", 5.0, 4.0, "b")]
    made = simulate(slots, 10.0, {"a": narrow, "b": voice("bob")}, ACOUSTICS, 3)
    power = np.abs(np.fft.rfft(made.samples)) ** 2
    frequency = np.fft.rfftfreq(len(made.samples), 1 / SAMPLE_RATE)
    assert power[frequency > 3500].sum() < 1e-4 * power.sum()


def test_channels_by_turn_change_the_sound_but_not_the_reference():
    turns = [Turn("r", 0.5, 4.0, "a"), Turn("r", 4.0, 3.0, "b"), Turn("r", 8.0, 4.0, "a")]
    cast = {"a": voice("ann"), "b": voice("bob")}
    plain = simulate(turns, 13, cast, ACOUSTICS, 3)
    changed = simulate(turns, 13, cast, replace(ACOUSTICS, turn_channels=True), 3)
    assert changed.turns == plain.turns
    assert len(changed.samples) == len(plain.samples)
    assert np.corrcoef(changed.samples, plain.samples)[0, 1] < 0.95


def test_bad_casts_and_settings_are_refused(tmp_path):
    with pytest.raises(DataError, match="'b'"):
        simulate([Turn("r", 0, 2, "b")], 3.0, {"a": voice("ann")}, ACOUSTICS, 0)
    with pytest.raises(DataError):
        simulate([], 3.0, {}, ACOUSTICS, 0)
    path = tmp_path / "simulation.yaml"
    path.write_text("rt60: [0.5, 0.2]\n")
    with pytest.raises(DataError, match="rt60"):
        config.load(SimulationConfig, path)


def test_published_settings_are_the_defaults():
    assert config.load(SimulationConfig, CONF / "simulation.yaml") == SimulationConfig()


# --- the corpus


def test_plan_has_what_the_corpus_is_for():
    corpus = config.load(CorpusConfig, CONF / "mini_corpus.yaml")
    for name, alone in (("dev", 1), ("test", 2)):
        plan = corpus.sets[name]
        assert sum(p.speakers == 1 for p in plan) >= alone
        assert {p.speakers for p in plan} == set(range(1, 9))
        assert any(p.seconds == 20 for p in plan) and any(p.silence > 30 for p in plan)
    minutes = {name: sum(p.seconds for p in plan) / 60 for name, plan in corpus.sets.items()}
    assert minutes == pytest.approx({"train": 45, "dev": 15, "test": 25}, abs=1)


def test_parts_are_dealt_evenly():
    plan = [RecordingPlan(n, 60.0) for n in (1, 2, 3, 4, 2)]
    scripts = write_scripts("dev", plan, people(4), STATS, 7)
    parts = [person.id for script in scripts for person in script.cast]
    assert {parts.count(p.id) for p in people(4)} == {3}
    assert all(len({p.id for p in s.cast}) == len(s.cast) for s in scripts)
    with pytest.raises(DataError, match="5 speakers"):
        write_scripts("dev", [RecordingPlan(5, 60.0)], people(4), STATS, 7)


def test_processes_and_order_do_not_change_a_bit(tmp_path, own_voices):
    plan = [RecordingPlan(2, 12.0), RecordingPlan(3, 15.0), RecordingPlan(1, 9.0)]
    scripts = write_scripts("test", plan, people(4), STATS, 3)
    conf = VoicesConfig((), ())
    one = list(record(scripts, tmp_path / "1", conf, ACOUSTICS, 3, nj=1))
    two = list(record(scripts[::-1], tmp_path / "2", conf, ACOUSTICS, 3, nj=2))
    assert one == two[::-1]
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


@settings(max_examples=10, deadline=None)
@given(count=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_revoicing_keeps_speakers_and_turns(count, seed):
    labels = [f"s{i}" for i in range(count)]
    turns = converse("meeting", labels, 30.0, STATS, seed)
    (script,), skipped = revoice({"meeting": turns}, people(4), seed)
    assert not skipped
    made = simulate(
        script.turns, script.seconds, {p.id: voice(p.id) for p in script.cast}, STUDIO, seed
    )
    assert len({t.speaker for t in made.turns}) == count
    wanted, got = mask(spans(turns), 31.0), mask(spans(made.turns), 31.0)
    assert np.mean(wanted != got) < 0.12


def test_revoicing_skips_what_it_cannot_cast_and_cuts_where_told():
    crowd = [Turn("crowd", float(i), 1.0, f"s{i}") for i in range(6)]
    late = [Turn("late", 100.0, 5.0, "a")]
    scripts, skipped = revoice({"crowd": crowd, "late": late}, people(4), 0, max_seconds=50.0)
    assert not scripts and "6 speakers" in skipped["crowd"] and "nobody" in skipped["late"]
    (script,), skipped = revoice({"crowd": crowd}, people(4), 0, max_seconds=2.5)
    assert not skipped and script.seconds == 2.5
    assert max(t.end for t in script.turns) == 2.5 and len(script.cast) == 3


def test_program_writes_a_whole_data_directory(tmp_path, own_voices, monkeypatch):
    turns = converse("a", ["x", "y"], 24.0, STATS, 1)
    write_rttm(tmp_path / "rttm" / "a.rttm", turns)
    write_rttm(tmp_path / "rttm" / "b.rttm", [Turn("b", 1.0, 2.0, "x")])
    arguments = ["--turns", str(tmp_path / "rttm"), "--max-duration", "20", str(tmp_path / "data")]
    monkeypatch.setattr("sys.argv", ["prepare_mini.py", *arguments])
    prepare_mini.main()
    made = tmp_path / "data" / "revoiced"
    wavs, faults = tables.read_wav_scp(made / "wav.scp")
    seconds = tables.read_numbers(made / "reco2dur")
    assert not faults and list(wavs) == ["a", "b"]
    assert all(path.is_absolute() for path in wavs.values())
    for recording, path in wavs.items():
        assert len(load(path)) / SAMPLE_RATE == pytest.approx(seconds[recording], abs=1e-3)
        assert read_uem(made / "all.uem")[recording] == [(0.0, seconds[recording])]
    reference = read_rttm(made / "ref.rttm")
    heard = len({t.speaker for t in turns if t.start < 20})
    assert max(t.end for t in reference["a"]) <= seconds["a"]
    assert tables.read_numbers(made / "reco2num_spk") == {"a": heard, "b": 1}
    assert tables.read_map(made / "utt2spk") == {"a": "a", "b": "b"}
    assert not (made / "segments").exists()
    assert [p.name for p in made.parent.iterdir()] == ["revoiced"]


def test_wav_scp_comes_last(tmp_path, monkeypatch):
    save(tmp_path / "r.wav", np.zeros(100))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_uem", killed)
    with pytest.raises(KeyboardInterrupt):
        write_data_dir(tmp_path / "set", [tmp_path / "r.wav"], [])
    assert not (tmp_path / "set" / "wav.scp").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--sets", "tset", "d"], "tset"),
        (["--turns", "nowhere", "d"], "nowhere"),
        (["--turns", "nowhere", "--max-duration", "0", "d"], "--max-duration"),
        (["--turns", "nowhere", "--split", "no", "d"], "'no'"),
        (["--nj", "0", "--sets", "dev", "d"], "--nj"),
    ],
)
def test_bad_options_are_one_clear_line(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["prepare_mini.py", *arguments])
    with pytest.raises(DataError, match=said) as error:
        prepare_mini.main()
    assert "\n" not in str(error.value)
