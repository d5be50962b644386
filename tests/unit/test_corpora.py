"""Corpora in their own layouts, made small, with the faults that copies of corpora have. Offline."""

import os
import shutil

import av
import numpy as np
import pytest
from corpus_trees import (
    ami_audio,
    ami_setup,
    callhome_corpus,
    dihard_release,
    line,
    prepared,
    sound,
    text,
    two_turns,
    vox_corpus,
)

from diar import corpora
from diar.audio import waveform
from diar.base import config
from diar.base.errors import DataError
from diar.base.types import Region, Turn
from diar.corpora import corpus as shared
from diar.corpora import counts, voxconverse
from diar.corpora.corpus import CorpusRecording, Files, Options, check, collect, write_set
from diar.kaldi import tables
from diar.kaldi.rttm import read_references, read_rttm, read_uem
from diar.published import dataset

# --- AMI


def test_ami_as_the_lists_say(tmp_path):
    ami_setup(tmp_path / "x/AMI-diarization-setup", test=["ES2004a", "IS1009b"], dev=["IB4001"])
    ami_audio(tmp_path / "y", "ES2004a", "IS1009b", "IB4001")
    ami_audio(tmp_path / "y", "ES2004a", stream="Array1-01")
    target, done = prepared("ami", "test", tmp_path, tmp_path, mic="mix-headset")
    assert done.failed == {} and (target / "failed").read_text() == ""
    wavs, faults = tables.read_wav_scp(target / "wav.scp")
    assert faults == {} and all(path.is_absolute() for path in wavs.values())
    assert [p.name for p in wavs.values()] == ["ES2004a.Mix-Headset.wav", "IS1009b.Mix-Headset.wav"]
    assert tables.read_numbers(target / "reco2dur") == {"ES2004a": 4.0, "IS1009b": 4.0}
    assert read_uem(target / "all.uem")["ES2004a"] == [Region(0.0, 3.5)]
    assert read_rttm(target / "ref.rttm")["IS1009b"] == [
        Turn("IS1009b", 0.5, 1.25, "A"),
        Turn("IS1009b", 1.5, 2.0, "B"),
    ]
    assert tables.read_map(target / "reco2num_spk") == {"ES2004a": "2", "IS1009b": "2"}
    assert tables.read_map(target / "utt2spk") == {"ES2004a": "ES2004a", "IS1009b": "IS1009b"}
    assert (target / "spk2utt").read_text() == "ES2004a ES2004a\nIS1009b IS1009b\n"
    assert not (target / "reco2file_and_channel").exists()


def test_one_bad_meeting_costs_only_itself(tmp_path):
    names = ["good", "mute", "norttm", "nouem", "badrttm", "text", "other", "none"]
    setup = ami_setup(tmp_path / "setup", test=names)
    ami_audio(tmp_path, "good", "norttm", "nouem", "badrttm", "other")
    ami_audio(tmp_path, "mute", seconds=0)
    text(tmp_path / "amicorpus/text/audio/text.Mix-Headset.wav", "<html>")
    (setup / "only_words/rttms/test/norttm.rttm").unlink()
    (setup / "uems/test/nouem.uem").unlink()
    bad = text(setup / "only_words/rttms/test/badrttm.rttm", line("badrttm", 1, "-2", "A"))
    text(setup / "only_words/rttms/test/other.rttm", two_turns("ES2004a"))
    target, done = prepared("ami", "test", tmp_path, tmp_path, mic="mix-headset")
    assert [*tables.read_map(target / "reco2dur")] == ["good"]
    said = {
        "mute": "zero length",
        "norttm": "no reference",
        "nouem": "the evaluated regions are not known",
        "badrttm": f"{bad}:1: negative duration -2",
        "text": "cannot be read|not an audio file",
        "other": "no turn of other; found ES2004a",
        "none": "no none.Mix-Headset.wav below .*; it is published at https://",
    }
    assert done.failed.keys() == said.keys()
    for name, expected in said.items():
        with pytest.raises(DataError, match=expected):
            raise DataError(done.failed[name])
    lines = (target / "failed").read_text().splitlines()
    assert [x.split()[0] for x in lines] == sorted(said) and len(lines) == len(said)


def test_microphone_that_was_never_published_is_no_fault(tmp_path):
    ami_setup(tmp_path / "setup", train=["ES2002a", "ES2002b", "IS1003b", "IS1007d"])
    ami_audio(tmp_path, "ES2002a", "IS1007d", stream="Array1-01")
    target, done = prepared("ami", "train", tmp_path, tmp_path, mic="array1-01")
    assert [*read_uem(target / "all.uem")] == ["ES2002a", "IS1007d"]
    assert [*done.failed] == ["ES2002b"]  # that one was published
    assert done.notes == ["IS1003b: the mirror has no Array1-01 for it"]


def test_ami_without_references_says_what_to_do(tmp_path):
    ami_audio(tmp_path, "ES2004a")
    with pytest.raises(DataError, match="git clone .*--reference.*--download"):
        prepared("ami", "test", tmp_path, tmp_path, mic="mix-headset")
    with pytest.raises(DataError, match=r"lists/train.meetings.txt is missing \(--reference\)"):
        prepared("ami", "test", tmp_path, tmp_path, mic="mix-headset", reference=tmp_path)


def test_list_of_meetings_cannot_name_other_folders(tmp_path):
    setup = ami_setup(tmp_path / "setup", test=["ES2004a"])
    path = text(setup / "lists/test.meetings.txt", "ES2004a\n../../evil\n")
    with pytest.raises(DataError, match="expected the id of one meeting") as error:
        prepared("ami", "test", tmp_path, tmp_path, mic="mix-headset")
    assert str(error.value).startswith(f"{path}:2: ")


# --- VoxConverse


@pytest.mark.parametrize(
    "name, expected",
    [
        ("train", [f"aaaa{c}" for c in "abdefghijk"]),
        ("test", ["aaaac", "aaaal"]),
        ("dev", ["aaaaa", "aaaag"]),
        ("full", [f"aaaa{c}" for c in "abcdefghijkl"]),
        ("voxconverse_test", ["bbbba", "bbbbb"]),
    ],
)
def test_voxconverse_sets(tmp_path, split, name, expected):
    vox_corpus(tmp_path / "vox", split)
    target, done = prepared("voxconverse", name, tmp_path, tmp_path / "vox")
    assert done.failed == {} and [*tables.read_map(target / "reco2dur")] == expected
    assert {*read_rttm(target / "ref.rttm")} == {*expected}


def test_published_split_has_a_development_set_within_training():
    options, files = Options(()), Files(())
    sets = {n: voxconverse.names_of(n, files, options) for n in ("train", "dev", "test", "full")}
    assert {n: len(names) for n, names in sets.items()} == {
        "train": 166,
        "dev": 34,
        "test": 50,
        "full": 216,
    }
    assert sets["dev"] < sets["train"] and not sets["train"] & sets["test"]
    assert sets["full"] == sets["train"] | sets["test"]


def test_voxconverse_faults(tmp_path, split):
    root = vox_corpus(tmp_path / "vox", split, test=("bbbba", "bbbbb", "bbbbc", "bbbbd"))
    (root / "voxconverse-master/test/bbbbb.rttm").unlink()
    (root / "test/voxconverse_test_wav/bbbbc.wav").unlink()
    sound(root / "test/voxconverse_test_wav/bbbbd.wav", channels=2)
    target, done = prepared("voxconverse", "voxconverse_test", tmp_path, root)
    assert [*tables.read_map(target / "reco2dur")] == ["bbbba"]
    assert done.failed.keys() == {"bbbbb", "bbbbc", "bbbbd"}
    assert "no reference" in done.failed["bbbbb"]
    assert "no bbbbc.wav or bbbbc.flac below" in done.failed["bbbbc"]
    assert "voxconverse_test_wav.zip" in done.failed["bbbbc"]
    assert "2 channels, expected 1" in done.failed["bbbbd"]


def test_voxconverse_references_from_elsewhere(tmp_path, split):
    root = vox_corpus(tmp_path / "vox", split)
    shutil.move(root / "voxconverse-master", tmp_path / "clone")
    with pytest.raises(DataError, match="no references.*--reference"):
        prepared("voxconverse", "test", tmp_path, root)
    for reference in (tmp_path / "clone", tmp_path / "clone" / "dev"):
        _, done = prepared("voxconverse", "test", tmp_path, root, reference=reference)
        assert len(done.recordings) == 2
    with pytest.raises(DataError, match=r"no dev/\*.rttm in it \(--reference\)"):
        prepared("voxconverse", "test", tmp_path, root, reference=root)


# --- CALLHOME


def test_callhome_folds(tmp_path):
    root = callhome_corpus(tmp_path / "x")
    folds = {}
    for name in ("callhome1", "callhome2", "callhome"):
        target, done = prepared("callhome", name, tmp_path, root)
        assert done.failed == {}
        folds[name] = [*tables.read_map(target / "reco2dur")]
        wavs, _ = tables.read_wav_scp(target / "wav.scp")
        assert (
            len(waveform.load(next(iter(wavs.values())))) == 4 * waveform.SAMPLE_RATE
        )  # ulaw, 8 kHz
    assert folds == {
        "callhome1": ["iaaa", "iaac"],
        "callhome2": ["iaab"],
        "callhome": ["iaaa", "iaab", "iaac"],
    }


def test_callhome_faults(tmp_path):
    root = callhome_corpus(tmp_path / "x", ("iaaa", "iaab", "iaad", "iaae", "iaaf"))
    data = root / "LDC2001S97/r65_8_1/sid00sg1/data"
    bad = two_turns("iaaa") + line("iaab", 1, "x", "A") + line("iaac", 0, 1, "A")
    bad += two_turns("iaae") + line("iaae", 1, 0, "B") + two_turns("iaaf")
    key = text(root / "sre2000-key/fullref.rttm", bad)
    head = b"NIST_1A\n   1024\nsample_coding -s26 ulaw,embedded-shorten-v2.00\nend_head\n"
    (data / "iaaf.sph").write_bytes(head.ljust(1024) + b"ajkg" + bytes(500))
    target, done = prepared("callhome", "callhome", tmp_path, root)
    assert [*tables.read_map(target / "reco2dur")] == ["iaaa", "iaae"]
    assert f"{key}:3: 'x' is not a number" in done.failed["iaab"]
    assert "no iaac.wav or iaac.sph below" in done.failed["iaac"]
    assert "no reference" in done.failed["iaad"]
    assert "compressed with shorten" in done.failed["iaaf"]
    assert "sph2pipe" in done.failed["iaaf"] and "--audio-dir" in done.failed["iaaf"]
    assert done.notes == ["iaae: 1 turn(s) of zero length left out"]
    sound(root / "made/iaaf.wav")  # what the message asks for
    _, done = prepared("callhome", "callhome", tmp_path, root)
    assert "iaaf" in {r.name for r in done.recordings}


def test_callhome_without_folds_or_key_says_what_to_do(tmp_path):
    root = callhome_corpus(tmp_path / "x")
    (root / "CALLHOME_sublists/part1/num_speakers.txt").unlink()
    with pytest.raises(DataError, match="CALLHOME_sublists.*--download true"):
        prepared("callhome", "callhome1", tmp_path, root)
    (root / "sre2000-key/fullref.rttm").rename(tmp_path / "key")
    with pytest.raises(DataError, match="OpenSLR 10.*--download true.*--reference"):
        prepared("callhome", "callhome", tmp_path, root)
    _, done = prepared("callhome", "callhome", tmp_path, root, reference=tmp_path / "key")
    assert len(done.recordings) == 3


# --- DIHARD III


def test_dihard3_sets(tmp_path):
    dihard_release(tmp_path, "eval", ["DH_EVAL_0001"], ["DH_EVAL_0001", "DH_EVAL_0002"])
    dihard_release(tmp_path, "dev", ["DH_DEV_0002"], ["DH_DEV_0001", "DH_DEV_0002"])
    expected = {
        "dev": ["DH_DEV_0001", "DH_DEV_0002"],
        "dev_core": ["DH_DEV_0002"],
        "eval": ["DH_EVAL_0001", "DH_EVAL_0002"],
        "eval_core": ["DH_EVAL_0001"],
    }
    for name, recordings in expected.items():
        target, done = prepared("dihard3", name, tmp_path, tmp_path)
        assert done.failed == {} and [*read_rttm(target / "ref.rttm")] == recordings
        assert read_uem(target / "all.uem")[recordings[0]] == [Region(0, 1), Region(2, 3)]


def test_dihard3_faults(tmp_path):
    names = [f"DH_DEV_000{i}" for i in range(5)]
    data = dihard_release(tmp_path, "dev", names[:1], names[:4])
    (data / "flac/DH_DEV_0001.flac").unlink()
    (data / "rttm/DH_DEV_0002.rttm").unlink()
    sound(data / "flac/DH_DEV_0003.flac", channels=2)
    sound(data / "flac/DH_DEV_0004.flac")
    text(data / "rttm/DH_DEV_0004.rttm", two_turns("DH_DEV_0004"))
    _, done = prepared("dihard3", "dev", tmp_path, tmp_path)
    assert [r.name for r in done.recordings] == ["DH_DEV_0000"]
    assert "copy it from LDC2020E12" in done.failed["DH_DEV_0001"]
    assert "no reference" in done.failed["DH_DEV_0002"]
    assert "2 channels" in done.failed["DH_DEV_0003"]
    assert "no region of it in uem_scoring/full/all.uem" in done.failed["DH_DEV_0004"]
    with pytest.raises(DataError, match="DIHARD III eval.*--audio-dir.*LDC2021E02"):
        prepared("dihard3", "eval", tmp_path, tmp_path)


# --- what all share


def test_audio_that_only_ffmpeg_reads(tmp_path):
    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), "s16", "stereo")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert check(CorpusRecording("a", path, (), channels=2)) == pytest.approx(1.0)
    with pytest.raises(DataError, match="2 channels, expected 1"):
        check(CorpusRecording("a", path, ()))


def test_nothing_left_is_an_error_that_names_the_first_reason(tmp_path):
    def broken(name):
        raise DataError(f"{name} is broken")

    with pytest.raises(DataError, match="no recording can be used; a: a is broken"):
        write_set(tmp_path / "set", collect("ba", broken))
    assert (tmp_path / "set/failed").read_text() == "a a is broken\nb b is broken\n"
    assert not (tmp_path / "set/wav.scp").exists()


def test_reference_that_outlasts_its_audio_is_remarked_on(tmp_path):
    file = sound(tmp_path / "a.wav", seconds=1)
    found = collect("a", lambda name: CorpusRecording(name, file, (Turn("a", 0.0, 9.0, "A"),)))
    done = write_set(tmp_path / "set", found)
    assert done.notes == ["a: the reference ends at 9.0 s, the audio at 1.0 s"]


def test_path_that_no_wav_scp_can_hold(tmp_path):
    file = sound(tmp_path / "two  blanks" / "a.wav")
    with pytest.raises(DataError, match="rename it"):
        check(CorpusRecording("a", file, ()))


def test_files_are_found_by_name_and_ambiguity_is_refused(tmp_path):
    sound(tmp_path / "x/deep/A.WAV")
    sound(tmp_path / "y/b.wav")
    sound(tmp_path / "z/b.wav")
    text(tmp_path / "y/.hidden.wav", "")
    text(tmp_path / "y/c.wav.part", "")
    os.symlink(tmp_path, tmp_path / "x" / "circle")
    files = Files([tmp_path, tmp_path / "nowhere"])
    assert files.one("a.wav") == tmp_path / "x/deep/A.WAV"
    assert files.one("b.flac", "b.wav").name == "b.wav"  # twice the same
    assert files.stems(".wav") == {"A", "b"} and files.stems(".wav", within="y") == {"b"}
    before = files.listing()
    sound(tmp_path / "z/b.wav", seconds=2)
    assert Files([tmp_path]).listing() != before
    with pytest.raises(DataError, match="two different files"):
        Files([tmp_path]).one("b.wav")
    with pytest.raises(DataError, match="no c.wav below"):
        files.one("c.wav")


def test_bad_line_of_a_common_reference_costs_its_recording(tmp_path):
    path = text(
        tmp_path / "all.rttm",
        two_turns("a") + "SPEAKER b 1 0\n" + two_turns("b") + line("a", 3, 0.0, "C"),
    )
    turns, faults, empty = read_references(path)
    assert [*turns] == ["a"] and len(turns["a"]) == 2 and empty == {"a": 1}
    assert faults == {"b": f"{path}:3: a SPEAKER line has 8 to 10 fields, found 4"}


def test_figures_that_differ_are_said_with_their_source(tmp_path):
    file = sound(tmp_path / "a.wav", seconds=3.6)
    found = collect("ab", lambda n: CorpusRecording(n, file, (Turn(n, 0.0, 1.0, "A"),)))
    write_set(tmp_path / "set", found)
    measured = counts.measure(tmp_path / "set")
    assert measured == {
        "recordings": 2,
        "hours": pytest.approx(0.002),
        "turns": 2,
        "speakers": 1,
        "recording_speakers": 2,
    }
    expected = {
        "recordings": counts.Count(3, "the list"),
        "hours": counts.Count(0.00201, "the paper", 0.01),
        "turns": counts.Count(2, "the paper"),
    }
    assert counts.differences(expected, measured) == ["recordings: 2, published 3 (the list)"]


def test_published_figures_name_sets_that_exist(root):
    for key, figures in config.load(counts.Counts, root / "conf/corpora.yaml").sets.items():
        name, part = key.split("/")
        assert part in corpora.get(name.removesuffix("-array1-01")).sets
        assert all(figure.source for figure in figures.values())
    with pytest.raises(DataError, match="minutes"):
        counts.Counts({"ami/test": {"minutes": counts.Count(1, "x")}})
    with pytest.raises(DataError, match="tolerence"):
        config.load(counts.Counts, None, ["sets.a.turns={value: 1, source: x, tolerence: 1}"])


def test_shorten_is_recognised_by_its_header(tmp_path):
    file = sound(tmp_path / "a.sph", format="NIST", subtype="PCM_16")
    assert shared.shorten_coding(file) == shared.shorten_coding(sound(tmp_path / "a.wav")) == ""


def test_published_names_of_data_sets(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "ROOT", tmp_path)
    with pytest.raises(DataError, match="steps/prepare_ami.sh data/ami makes it"):
        dataset.DiarizationDataset("ami_dev")
    ami_setup(tmp_path / "corpus", dev=["IB4001"])
    ami_audio(tmp_path / "corpus", "IB4001")
    prepared("ami", "dev", tmp_path / "x", tmp_path / "corpus", mic="mix-headset")
    shutil.copytree(tmp_path / "x/data", tmp_path / "data/ami")
    assert dataset.DiarizationDataset("ami_dev").names == ["IB4001"]
