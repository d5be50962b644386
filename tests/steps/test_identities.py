"""Enrolment, known voices and people across recordings, by the programs and the steps."""

import base64
import gzip
import json
import re
import shutil
import sys

import jsonschema
import kaldiio
import made_up
import numpy as np
import pytest
import soundfile
from command_line import run
from downloads import fetch_or_skip
from paths import ROOT

import diarize
import enroll
from diar.autoencoder.network import save_model
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.identity.voices import read_voices
from diar.kaldi.rttm import read_rttm, write_rttm

RATE = 16000


@pytest.fixture(scope="module")
def talk(sample, sample_turns, tmp_path_factory):
    """A folder: the sample, and what each of its two people says alone, in two files of each."""
    folder = tmp_path_factory.mktemp("talk")
    soundfile.write(folder / "talk.wav", sample, RATE)
    shutil.copy(folder / "talk.wav", folder / "again.wav")
    for speaker in sorted({who for *_, who in sample_turns}):
        spans = [(a, b) for a, b, who in sample_turns if who == speaker]
        pieces = [sample[round(a * RATE) : round(b * RATE)] for a, b in spans]
        halves = np.array_split(np.concatenate(pieces), 2)
        for number, half in enumerate(halves):
            soundfile.write(folder / f"{speaker}.{number}.flac", half, RATE)
    return folder


@pytest.fixture(scope="module")
def names(sample_turns):
    return sorted({who for *_, who in sample_turns})


@pytest.fixture(scope="module")
def models(talk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["diarize.py", str(talk / "talk.wav")])
        return fetch_or_skip(lambda: diarize.loaded(diarize.parse()))


@pytest.fixture(scope="module")
def voices(talk, names, models):
    """Both people, enrolled by the program."""
    people = [f"p{n}={talk}/{n}.0.flac,{talk}/{n}.1.flac" for n in names]
    done = run("local/enroll.py", talk / "voices.npz", *people)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{talk}/voices.npz: 2 voice(s), by campplus"
    assert done.stdout.startswith(f"p{names[0]}: ") and "s of speech in 2 file(s)" in done.stdout
    return talk / "voices.npz"


@pytest.fixture
def go(models, monkeypatch, capsys):
    def gone(*arguments):
        monkeypatch.setattr(sys, "argv", ["diarize.py", *map(str, arguments)])
        diarize.diarize(diarize.parse(), *models)
        return capsys.readouterr()

    return gone


def unpacked(page):
    """The recordings of a page, as text."""
    found = re.findall(r'id="data:[^"]*">([^<]*)<', page.read_text())
    return "".join(gzip.decompress(base64.b64decode(text)).decode() for text in found)


class TestDiarize:
    def test_known_voices_are_named(self, go, talk, voices, names):
        found = go(talk / "talk.wav", "--voices", voices, "--json", "--speaker-vectors")
        document = json.loads(found.out)
        schema = json.loads((ROOT / "docs/diarization.schema.json").read_text())
        jsonschema.validate(document, schema)
        assert {s["name"] for s in document["speakers"]} == {f"p{n}" for n in names}
        for speaker in document["speakers"]:
            assert speaker["known"] and 0 < speaker["confidence"] <= 1
            ratios = speaker["voice_ratios"]
            assert max(ratios, key=ratios.get) == speaker["name"]
            assert len(speaker["xvector"]) == 192
        assert all(0 < turn["confidence"] <= 1 for turn in document["turns"])
        assert f"among them p{names[0]}, p{names[1]}" in found.err

    def test_others_keep_their_numbers(self, go, talk, voices, names, tmp_path):
        with np.load(voices) as stored:
            table = dict(stored)
        mine = table["person"] == 0
        windows = np.repeat(mine, table["windows"])
        one = {"names": table["names"][:1], "person": table["person"][mine]}
        one |= {"windows": table["windows"][mine], "x": table["x"][windows]}
        np.savez(tmp_path / "one.npz", **{**table, **one, "seconds": table["seconds"][windows]})
        found = go(talk / "talk.wav", "--voices", tmp_path / "one.npz")
        people = {line.split()[7] for line in found.out.splitlines()}
        assert f"p{names[0]}" in people and len(people) == 2
        assert people - {f"p{names[0]}"} < {"talk_1", "talk_2"}

    def test_people_are_the_same_in_two_files_whatever_the_order(self, go, talk, tmp_path):
        files = [talk / "talk.wav", talk / "again.wav"]
        for name, order in (("a", files), ("b", files[::-1])):
            go(*order, "--link", "--out", tmp_path / name)
        for file in ("talk.rttm", "again.rttm"):
            assert (tmp_path / "a" / file).read_text() == (tmp_path / "b" / file).read_text()
        sides = [read_rttm(tmp_path / f"a/{name}.rttm")[name] for name in ("talk", "again")]
        assert [t.speaker for t in sides[0]] == [t.speaker for t in sides[1]]
        assert {t.speaker for t in sides[0]} == {"spk0001", "spk0002"}

    def test_names_of_people_who_are_linked(self, go, talk, tmp_path):
        files = [talk / "talk.wav", talk / "again.wav", "--link", "--out", tmp_path]

        def people(*options):
            found = go(*files, *options)
            sides = [read_rttm(tmp_path / f"{name}.rttm")[name] for name in ("talk", "again")]
            return [[turn.speaker for turn in turns] for turns in sides], found

        (talks, agains), _ = people()
        anna = {"spk0001": "Anna"}
        expected = [[anna.get(who, who) for who in side] for side in (talks, agains)]
        named, found = people("--names", "1=Anna,4=Eva", "--html")
        assert named == expected and "no speaker '4' to name" in found.err
        assert '"Anna"' in unpacked(tmp_path / "diarization.html")
        assert people("--names", "spk0001=Anna")[0] == expected
        (tmp_path / "names").write_text("again 1 Ben\n")
        go(talk / "again.wav", "--out", tmp_path)
        ones = {t for t in read_rttm(tmp_path / "again.rttm")["again"] if t.speaker == "again_1"}
        start = min(turn.start for turn in ones)
        (both, _), _ = people("--names-file", tmp_path / "names")
        again = {t.start: t.speaker for t in read_rttm(tmp_path / "again.rttm")["again"]}
        assert again[start] == "Ben" and both.count("Ben") == len(
            ones
        )  # of the same person in the other file
        (tmp_path / "names").write_text("again 1 Ben\ntalk 1 Eva\n")
        (first, second), found = people("--names-file", tmp_path / "names")
        assert "Eva" in first and "Ben" in second and not {"Eva"} & {*second}

    def test_a_file_that_fails_costs_only_itself(self, go, talk, tmp_path):
        (tmp_path / "bad.wav").write_text("no audio")
        with pytest.raises(DataError, match="1 of 2"):
            go(talk / "talk.wav", tmp_path / "bad.wav", "--link", "--out", tmp_path)
        assert (tmp_path / "talk.rttm").read_text().split()[7] == "spk0001"

    @pytest.mark.parametrize(
        "arguments, said",
        [
            (["--link", "--skip-done", "--out", "x"], "remove --skip-done"),
            (["--speaker-vectors"], "--speaker-vectors requires --json"),
        ],
    )
    def test_wrong_usage(self, arguments, said, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["diarize.py", "a.wav", *arguments])
        with pytest.raises(SystemExit):
            diarize.parse()
        assert said in capsys.readouterr().err

    def test_what_is_no_file_of_voices_is_refused(self, go, talk):
        with pytest.raises(DataError, match="not written by local/enroll.py"):
            go(talk / "talk.wav", "--voices", talk / "talk.wav")

    def test_a_voice_called_as_a_speaker(self, go, talk, voices, tmp_path, capsys):
        with np.load(voices) as stored:
            table = dict(stored)
        np.savez(tmp_path / "v.npz", **{**table, "names": np.array(["talk_1", "x"])})
        with pytest.raises(DataError):
            go(talk / "talk.wav", "--voices", tmp_path / "v.npz")
        assert "the known voice 'talk_1' has the name of a speaker" in capsys.readouterr().err


class TestEnroll:
    @pytest.fixture
    def go(self, monkeypatch, models):
        def gone(*arguments):
            monkeypatch.setattr(enroll, "pipeline_of", lambda *_, **__: models[0])
            monkeypatch.setattr(sys, "argv", ["enroll.py", *map(str, arguments)])
            enroll.main()

        return gone

    @pytest.mark.parametrize(
        "people, said",
        [
            (["anna"], "expected <name>=<audio>"),
            (["anna="], "expected <name>=<audio>"),
            (["anna=a.wav", "anna=b.wav"], "anna is given twice"),
            (["anna=a.wav,b.wav,./a.wav"], "lists the same file twice"),
            (["a b=a.wav"], "not a valid name"),
            (["anna=none.wav"], "none.wav"),
        ],
    )
    def test_what_cannot_be_is_refused(self, go, people, said, tmp_path):
        with pytest.raises(DataError, match=said):
            go(tmp_path / "v.npz", *people)
        assert not list(tmp_path.iterdir())

    def test_a_recording_is_never_written_over(self, go, tmp_path, capsys):
        (tmp_path / "ben.wav").write_text("sound")
        with pytest.raises(SystemExit) as refused:
            go(tmp_path / "ben.wav", f"anna={tmp_path}/ben.wav")
        assert refused.value.code == 2 and "must be the output file" in capsys.readouterr().err
        assert (tmp_path / "ben.wav").read_text() == "sound"

    def test_too_little_speech(self, go, talk, names, sample, tmp_path):
        soundfile.write(tmp_path / "short.wav", sample[8 * RATE : 9 * RATE], RATE)
        soundfile.write(tmp_path / "quiet.wav", np.zeros(3 * RATE), RATE)
        with pytest.raises(DataError, match="anna: .* s of speech, less than 3"):
            go(tmp_path / "v.npz", f"anna={tmp_path}/short.wav")
        with pytest.raises(DataError, match=r"quiet.wav: no speech found"):
            go(tmp_path / "v.npz", f"anna={tmp_path}/quiet.wav")
        assert not (tmp_path / "v.npz").exists()

    def test_what_looks_wrong_is_said(self, go, talk, names, tmp_path, capsys):
        one, other = (f"{talk}/{name}.0.flac" for name in names)
        go(tmp_path / "v.npz", f"anna={one},{other}", f"ben={talk}/{names[0]}.1.flac", f"eva={one}")
        said = capsys.readouterr().err
        assert f"anna: {one} and {other} sound like two people" in said
        assert "ben and eva sound like one person" in said
        assert list(read_voices(tmp_path / "v.npz").people) == ["anna", "ben", "eva"]


class TestSteps:
    """On x-vectors of made-up people."""

    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("set")
        rows, vectors, turns = [], {}, []
        for recording, people in {"q": [0, 1], "r": [1, 2], "s": [2, 0]}.items():
            x, labels = made_up.voices([20] * 3, seed=0)
            x = np.concatenate([x[labels == person] for person in people])
            windows = made_up.spaced(len(x), 0.75, recording)
            vectors |= dict(zip(windows.ids, x, strict=True))
            rows += [
                f"{i} {recording} {a:.3f} {b:.3f}\n"
                for i, a, b in zip(windows.ids, windows.starts, windows.ends, strict=True)
            ]
            turns += [
                Turn(recording, 0.0, 15.0, f"{recording}_1"),
                Turn(recording, 15.75, 15.0, f"{recording}_2"),
            ]
        (folder / "x").mkdir()
        (folder / "x/segments").write_text("".join(rows))
        kaldiio.save_ark(
            str(folder / "x/xvector.1.ark"), vectors, scp=str(folder / "x/xvector.scp")
        )
        save_model(folder / "ae/model.safetensors", made_up.trained_encoder(0.75))
        write_rttm(folder / "dec/rttm", turns, {turns[0]: 0.5})
        return folder

    def test_link_speakers(self, folder):
        places = (folder / "x", folder / "ae", folder / "dec", folder / "linked")
        done = run("steps/link_speakers.sh", "--set", "linked=0", *places)
        assert done.returncode == 0, done.stderr
        assert "3 people among 6 speakers of 3 recordings" in done.stdout
        table = dict(
            (line.split()[1], line.split()[2])
            for line in (folder / "linked/spk2global").read_text().splitlines()
        )
        assert table["q_2"] == table["r_1"] and table["r_2"] == table["s_1"]
        assert table["q_1"] == table["s_2"] == "spk0001" and len(set(table.values())) == 3
        turns = read_rttm(folder / "linked/rttm")
        assert [t.speaker for t in turns["r"]] == [table["r_1"], table["r_2"]]
        assert (folder / "linked/rttm").read_text().split()[8] == "0.500"
        assert "up to date" in run("steps/link_speakers.sh", "--set", "linked=0", *places).stdout

    def test_speakers_of_another_set_are_refused(self, folder, tmp_path):
        write_rttm(tmp_path / "dec/rttm", [Turn("other", 0.0, 1.0, "a")])
        places = (folder / "x", folder / "ae", tmp_path / "dec", tmp_path / "out")
        done = run("steps/link_speakers.sh", *places)
        assert done.returncode == 1 and "no x-vectors of 1 of 1 recordings" in done.stderr
        assert not (tmp_path / "out/rttm").exists()

    def test_a_recording_without_its_x_vectors_costs_only_itself(self, folder, tmp_path):
        shutil.copytree(folder / "x", tmp_path / "x")
        lines = (folder / "x/xvector.scp").read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("s-003")]
        (tmp_path / "x/xvector.scp").write_text("".join(kept))
        places = (folder / "ae", folder / "dec", tmp_path / "linked")
        done = run("steps/link_speakers.sh", "--set", "linked=0", tmp_path / "x", *places)
        assert done.returncode == 1 and "1 recording(s) failed, the others are done" in done.stderr
        assert (tmp_path / "linked/failed").read_text().startswith("s ")
        lines = (tmp_path / "linked/spk2global").read_text().splitlines()
        people = dict(line.split()[1:] for line in lines)
        assert len(people) == 6 and people["q_2"] == people["r_1"]
        assert len({people["s_1"], people["s_2"], *(people[n] for n in ("q_1", "q_2", "r_2"))}) == 5
        done = run("steps/make_speaker_xvectors.sh", tmp_path / "x", folder / "dec", tmp_path / "y")
        assert done.returncode == 1 and (tmp_path / "y/failed").exists()
        assert len((tmp_path / "y/num_secs").read_text().splitlines()) == 4

    def test_speaker_xvectors(self, folder):
        places = (folder / "x", folder / "dec", folder / "speakers")
        done = run("steps/make_speaker_xvectors.sh", *places)
        assert done.returncode == 0, done.stderr
        vectors = kaldiio.load_scp(str(folder / "speakers/spk_xvector.scp"))
        assert list(vectors) == ["q_1", "q_2", "r_1", "r_2", "s_1", "s_2"]
        x = kaldiio.load_scp(str(folder / "x/xvector.scp"))
        own = np.mean([x[i] for i in x if i.startswith("q-00")], axis=0)
        assert np.corrcoef(vectors["q_1"], own)[0, 1] > 0.99
        seconds = dict(
            line.split() for line in (folder / "speakers/num_secs").read_text().splitlines()
        )
        assert float(seconds["q_1"]) == pytest.approx(15, abs=1)

    def test_scores_across_recordings(self, folder, tmp_path):
        reference = [
            t._replace(speaker=t.speaker[-1])
            for r in "qrs"
            for t in read_rttm(folder / "dec/rttm")[r]
        ]
        write_rttm(tmp_path / "ref.rttm", reference)
        for across, rate in (("false", "0.00"), ("true", "66.67")):
            done = run(
                "steps/score.sh", "--across", across, tmp_path / "ref.rttm", folder / "dec/rttm",
                tmp_path / across,
            )  # fmt: skip
            (full,) = [line for line in done.stdout.splitlines() if line.startswith("| full")]
            assert full.split("|")[4].strip() == rate
