"""Kaldi directories of others: commands, references, x-vectors, and run.sh on them."""

import os
import pickle
import shutil

import command_line
import kaldiio
import numpy as np
import pytest
import soundfile

from diar.base.errors import DataError
from diar.base.types import Turn
from diar.kaldi import arks, xvector_dir
from diar.kaldi.importing import check, import_audio, import_tables, read_stm
from diar.kaldi.normalization import Normalization
from diar.kaldi.plda import Plda, read_plda, write_plda
from diar.kaldi.recordings import Recordings
from diar.kaldi.rttm import read_rttm
from diar.kaldi.validation import examine
from diar.xvectors import windows


@pytest.fixture
def call(tmp_path):
    """8 kHz, two channels, 16 bits."""
    source = tmp_path / "source"
    source.mkdir()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (8000, 2))
    soundfile.write(source / "call.wav", noise, 8000)
    return source


def taken(source, lines, recording="r"):
    (source / "wav.scp").write_text(lines)
    return import_audio(examine(source), recording, source.parent / "target")


class TestCommands:
    def test_output_is_kept_without_loss(self, call):
        path = taken(call, f"r cat {call}/call.wav |\n")
        assert path == call.parent / "target/wav/r.flac"
        kept, rate = soundfile.read(path)
        assert rate == 8000 and np.array_equal(kept, soundfile.read(call / "call.wav")[0])
        assert [p.name for p in path.parent.iterdir()] == ["r.flac"]

    def test_a_header_of_unknown_length_as_programs_write_to_pipes(self, call):
        data = bytearray((call / "call.wav").read_bytes())
        data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
        (call / "pipe.wav").write_bytes(data)
        kept, _ = soundfile.read(taken(call, f"r cat {call}/pipe.wav |\n"))
        assert np.array_equal(kept, soundfile.read(call / "call.wav")[0])

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            ("cat none.wav |", "its command ended with status 1: cat: none.wav: No such file"),
            ("false | cat |", "its command ended with status 1"),
            ("echo no audio |", "the output of its command is no audio"),
            ("no-such-tool x |", "status 127"),
        ],
    )
    def test_that_fail(self, call, command, message):
        with pytest.raises(DataError, match="wav.scp:1: ") as error:
            taken(call, f"r {command}\n")
        assert message in str(error.value)
        assert list((call.parent / "target/wav").iterdir()) == []

    @pytest.mark.parametrize("how", [{}, {"write_function": "soundfile"}], ids=["wav", "AUDIO"])
    def test_audio_in_an_ark_becomes_a_file(self, call, how):
        rate, sound = 8000, np.arange(-800, 800, dtype=np.int16).reshape(-1, 2)
        table = {"q": (rate, sound[:9]), "r": (rate, sound)}
        kaldiio.save_ark(str(call / "wav[1].ark"), table, scp=str(call / "wav.scp"), **how)
        path = taken(call, (call / "wav.scp").read_text())
        kept, found = soundfile.read(path, dtype="int16")
        assert found == rate and np.array_equal(kept, sound)
        assert path == call.parent / "target/wav/r.flac" and examine(call).faults == []
        with pytest.raises(
            DataError, match=r"wav.scp:1: audio in an ark: import it with steps/import"
        ):
            Recordings(call).load("q")

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            (b"r PKL" + pickle.dumps(print), r"x.ark:2: no audio in this ark"),
            (b"r \0BFV \4\1\0\0\0abcd", r"x.ark:2: no audio in this ark"),
            (b"r ", r"x.ark:2: no audio in this ark"),
            (b"r RIFF\xff\xff\xff\xffWAVEfmt ", r"x.ark:2: the audio in this ark is truncated"),
            (b"r AUDIO\x04\xff\xff\xff\xff", r"x.ark:12: the audio in this ark is truncated"),
            (b"r RIFF\4\0\0\0WAVE", r"wav.scp:1: the entry of the ark is no audio"),
            (b"r AUDIO\1\2no", r"wav.scp:1: the entry of the ark is no audio"),
        ],
    )
    def test_an_ark_without_audio(self, call, entry, message):
        (call / "x.ark").write_bytes(entry)
        with pytest.raises(DataError, match=message):
            taken(call, f"r {call}/x.ark:2\n")
        with pytest.raises(DataError, match="no such audio file: gone.ark:2"):
            taken(call, "r gone.ark:2\n")

    def test_plain_paths_are_found_from_the_directory_and_above(self, call):
        assert taken(call, "r call.wav\n") == call / "call.wav"
        deep = call / "data" / "test"
        deep.mkdir(parents=True)
        assert taken(deep, "r call.wav\n") == call / "call.wav"


class TestTables:
    @pytest.fixture
    def source(self, tmp_path):
        source = tmp_path / "source"
        source.mkdir()
        (source / "wav.scp").write_text("b x |\na x |\n")
        (source / "segments").write_text("u2 b 0.0 -1\nu1 a 1.0 2.0\n")
        (source / "utt2spk").write_text("u2 bob\nu1 amy\n")
        return source

    def imported(self, source, **options):
        target = source.parent / "target"
        target.mkdir(exist_ok=True)
        return target, import_tables(source, target, {"a": 5.0, "b": 7.5}, **options)

    def test_without_a_reference_there_is_none(self, source):
        target, _ = self.imported(source)
        assert sorted(p.name for p in target.iterdir()) == ["segments", "spk2utt", "utt2spk"]
        assert (target / "segments").read_text() == "u1 a 1.0 2.0\nu2 b 0.0 7.500\n"

    @pytest.mark.parametrize("name", ["ref.rttm", "rttm", "stm"])
    def test_reference_under_each_name(self, source, name):
        lines = {
            "stm": "a 1 amy 1.0 2.0 <o> hello there\nb 1 inter_segment_gap 0 1\nz 1 zoe 0 1 x\n"
        }
        rttm = "".join(
            f"SPEAKER {r} 1 1.0 1.0 <NA> <NA> {s} <NA> <NA>\n"
            for r, s in (("a", "amy"), ("z", "zoe"))
        )
        (source / name).write_text(lines.get(name, rttm))
        target, notes = self.imported(source)
        assert read_rttm(target / "ref.rttm") == {"a": [Turn("a", 1.0, 1.0, "amy")]}
        assert (target / "reco2num_spk").read_text() == "a 1\n"
        assert any(
            "1 recording(s) not in wav.scp are left out, the first is 'z'" in n for n in notes
        )
        assert any("no turns of 1 recording(s), the first is 'b'" in n for n in notes)

    def test_reference_from_segments(self, source):
        target, _ = self.imported(source, from_segments=True)
        assert read_rttm(target / "ref.rttm") == {
            "a": [Turn("a", 1.0, 1.0, "amy")], "b": [Turn("b", 0.0, 7.5, "bob")],
        }  # fmt: skip

    def test_uem_and_arks_elsewhere(self, source):
        (source / "uem").write_text("a 1 0.5 4.5\nz 1 0 1\n")
        (source / "ctm").write_text("a 1 0.5 0.2 hello\n")
        (source / "exp").mkdir()
        kaldiio.save_ark(str(source / "exp/vad.ark"), {"u1": np.ones(9, np.float32)})
        (source / "vad.scp").write_text("u1 exp/vad.ark:3\nu2 /none/vad.ark:3\n")
        target, _ = self.imported(source)
        assert (target / "all.uem").read_text() == "a 1 0.500 4.500\n"
        assert (target / "ctm").read_text() == "a 1 0.5 0.2 hello\n"
        assert (
            target / "vad.scp"
        ).read_text() == f"u1 {source}/exp/vad.ark:3\nu2 /none/vad.ark:3\n"
        assert arks.Scp(target / "vad.scp")["u1"].sum() == 9

    def test_a_bad_line_of_the_reference_costs_its_recording(self, source):
        lines = ["a 1 0 1.0 <NA> <NA> amy", "a 1 3 0 <NA> <NA> amy", "b 1 x 1 <NA> <NA> bob"]
        (source / "rttm").write_text("".join(f"SPEAKER {line} <NA> <NA>\n" for line in lines))
        check(source)
        target, notes = self.imported(source)
        assert read_rttm(target / "ref.rttm") == {"a": [Turn("a", 0.0, 1.0, "amy")]}
        assert any("rttm:3: 'x' is not a number: b has no reference" in note for note in notes)
        assert any("a: 1 turn(s) of zero length" in note for note in notes)

    def test_turns_of_no_length_in_an_stm_are_left_out(self, source):
        (source / "stm").write_text("a 1 amy 2 2 w\na 1 amy 3 4 w\n")
        target, notes = self.imported(source)
        assert read_rttm(target / "ref.rttm") == {"a": [Turn("a", 3.0, 1.0, "amy")]}
        assert any("a: 1 turn(s) of zero length" in note for note in notes)

    def test_a_reference_of_others_is_none(self, source):
        (source / "rttm").write_text("SPEAKER z 1 0 1 <NA> <NA> x <NA> <NA>\n")
        target, notes = self.imported(source)
        assert not (target / "ref.rttm").exists()
        assert any("there is no reference" in note for note in notes)

    def test_only_the_channel_of_a_recording_counts_in_an_stm(self, source):
        (source / "reco2file_and_channel").write_text("a call A\nb call 2\n")
        (source / "stm").write_text("call A amy 0 1 x\ncall B bob 2 3 x\ncall C eve 4 5 x\n")
        target, _ = self.imported(source)
        assert read_rttm(target / "ref.rttm") == {
            "a": [Turn("a", 0.0, 1.0, "amy")], "b": [Turn("b", 2.0, 1.0, "bob")],
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("uem", "a 1 0 5 x\n", "uem:1: expected"),
            ("stm", "a 1 amy 2 1 x\n", "stm:1: reversed"),
            ("segments", "u1 a\nu2 b\n", "segments: none of its lines can be used: "),
        ],
    )
    def test_what_stops_an_import_is_said_before_any_work(self, source, name, text, message):
        (source / name).write_text(text)
        with pytest.raises(DataError) as error:
            check(source)
        assert message in str(error.value)

    def test_what_stops_an_import_is_a_fault_of_the_directory(self, call):
        """local/validate_data_dir.py says what stage 0 refuses, and the same of what both leave out."""
        (call / "wav.scp").write_text("q call.wav\nr cat call.wav |\n")
        program = ("local/validate_data_dir.py", call)
        step = ("steps/import_data.sh", "--nj", 1, call, call.parent / "target")
        pipes = ("--wav-pipes", "true")
        refused = command_line.run(*program)
        assert refused.returncode == 1 and "2 recording(s), 1 fault(s)" in refused.stdout
        said = refused.stderr.splitlines()[0]
        assert (
            said.startswith(f"{call}/wav.scp:2: a command")
            and said in command_line.run(*step).stderr
        )
        assert command_line.run(program[0], *pipes, call).returncode == 0
        (call / "uem").write_text("q 1 5 3\n")
        (call / "rttm").write_text("SPEAKER q 1 0 1 <NA> <NA> Dr Smith\n")
        refused = command_line.run(program[0], *pipes, call)
        assert refused.returncode == 1 and "2 recording(s), 2 fault(s)" in refused.stdout
        uem, rttm, _ = refused.stderr.splitlines()
        assert uem in command_line.run(step[0], *pipes, *step[1:]).stderr and ":1: empty" in uem
        assert "rttm:1: 'Smith'" in rttm and rttm.endswith(": q has no reference")
        assert not (call.parent / "target/wav.scp").exists()

    @pytest.mark.parametrize(
        ("line", "message"),
        [("a 1 amy 1.0", "found 4"), ("a 1 amy x 2", "'x', '2' are not times"), ("a 1 amy 2 1 w", "reversed")],
    )  # fmt: skip
    def test_faulty_stm(self, tmp_path, line, message):
        (tmp_path / "stm").write_text(f";; comment\n{line}\n")
        with pytest.raises(DataError, match="stm:2: ") as error:
            read_stm(tmp_path / "stm")
        assert message in str(error.value)


class TestNormalization:
    def test_as_kaldi_does(self, tmp_path):
        random = np.random.default_rng(1)
        x, mean, matrix = (
            random.normal(size=(6, 4)),
            random.normal(size=4),
            random.normal(size=(3, 5)),
        )
        kaldiio.save_mat(str(tmp_path / "mean.vec"), mean)
        kaldiio.save_mat(str(tmp_path / "transform.mat"), matrix.astype(np.float32))
        expected = np.array([matrix[:, :4] @ (row - mean) + matrix[:, 4] for row in x])
        expected *= np.sqrt(3) / np.linalg.norm(expected, axis=1, keepdims=True)
        normalize = Normalization(tmp_path)
        assert normalize(x) == pytest.approx(expected, abs=1e-5)
        assert len(normalize.steps) == 3
        with pytest.raises(
            DataError, match="mean.vec: is for vectors of dimension 4, but the x-vectors have 7"
        ):
            normalize(np.ones((2, 7)))

    def test_nothing_there_nothing_done(self, tmp_path):
        x = np.ones((2, 3), np.float32)
        normalize = Normalization(tmp_path)
        assert np.array_equal(normalize(x), x) and normalize.steps == []

    def test_damaged(self, tmp_path):
        (tmp_path / "mean.vec").write_text("no vector\n")
        with pytest.raises(DataError, match="mean.vec: "):
            Normalization(tmp_path)


def run(*options, expect=0):
    result = command_line.run("./run.sh", "--corpus", "kaldi", "--nj", 1, *options, timeout=600)
    assert result.returncode == expect, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="module")
def telephone(tmp_path_factory, sample, sample_turns):
    """The real conversation as a telephone corpus has it, and the same audio plainly."""
    folder = tmp_path_factory.mktemp("telephone")
    from diar.audio import waveform

    plain, kaldi = folder / "plain", folder / "kaldi"
    (kaldi / "wav").mkdir(parents=True)
    plain.mkdir()
    soundfile.write(folder / "at16.wav", sample, 16000)
    low = waveform.load(folder / "at16.wav", 8000)
    soundfile.write(plain / "talk.wav", low, 8000)
    other = np.random.default_rng(0).uniform(-0.1, 0.1, len(low))
    soundfile.write(
        kaldi / "wav/talk.wav", np.stack([other, soundfile.read(plain / "talk.wav")[0]], 1), 8000
    )
    (plain / "wav.scp").write_text("one talk.wav\ntwo talk.wav\n")
    (kaldi / "wav.scp").write_text(f"two cat {kaldi}/wav/talk.wav |\none wav/talk.wav\n")
    (kaldi / "reco2file_and_channel").write_text("two talk B\none talk B\n")
    (kaldi / "segments").write_text("two-1 two 0 15\ntwo-2 two 15 -1\none-1 one 0 -1\n")
    (kaldi / "utt2spk").write_text("two-1 two\ntwo-2 two\none-1 one\n")
    lines = [
        f"SPEAKER {name} 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>\n"
        for name in ("one", "two") for a, b, who in sample_turns
    ]  # fmt: skip
    (plain / "ref.rttm").write_text("".join(lines))
    (kaldi / "rttm").write_text("".join(lines))
    return folder


def dec_of(exp):
    """The directory of the only DEC, whatever its variant is called."""
    (found,) = exp.glob("dec_default*")
    return found


def hypothesis(exp, name):
    return (dec_of(exp) / name / "rttm").read_bytes()


def test_commands_are_refused_unless_asked_for(telephone, tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/wav.scp").write_text(f"r touch {mark} |\n")
    where = ("--data", tmp_path / "data", "--exp", tmp_path / "exp")
    told = run("--test-data", tmp_path / "evil", *where, expect=1)
    assert (
        "wav.scp:1: a command (1 such line(s))" in told.stderr and "--wav-pipes true" in told.stderr
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--test-data", "  "], "needs --test-data or --xvector-dir"),
        (["--test-data", "{data}", "--exp", "my exp"], "cannot contain blanks"),
        (["--test-data", "{data}", "--vad", "vad_scp"], "vad.scp"),
        (["--test-data", "{data} {data}/."], "two sets have the name 'plain'"),
        (["--test-data", "{data}", "--data", "{data}"], "which must not be written to"),
        (["--test-data", "nowhere"], "no such directory: nowhere"),
    ],
)
def test_wrong_calls_are_one_line_before_any_work(telephone, tmp_path, options, words):
    given = [str(option).replace("{data}", str(telephone / "plain")) for option in options]
    result = run("--data", tmp_path / "data", "--exp", tmp_path / "exp", *given, expect=1)
    assert words in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (telephone / "plain/plain").exists()


def test_telephone_directory_gives_what_the_plain_one_gives(telephone, tmp_path):
    exp = tmp_path / "exp"
    result = run("--test-data", f"{telephone}/plain {telephone}/kaldi", "--wav-pipes", "true",
        "--data", tmp_path / "data", "--exp", exp, "--stop-stage", 5, "--vad.combined.pad", 0.05,
        "--overlap", "false",
    )  # fmt: skip
    assert "2 of 2 recordings: resampled from 8000 Hz" in result.stdout
    assert "2 of 2 recordings: channel 2 of 2" in result.stdout
    assert hypothesis(exp, "plain") == hypothesis(exp, "kaldi") != b""
    assert (dec_of(exp) / "kaldi/score/summary.json").exists()
    # Its own speech, as decisions of frames in its utterances, gives the same again.
    vad, data = exp / "vad_combined+combined.pad=0.05/kaldi/segments", telephone / "kaldi"
    decisions = {"two-1": np.zeros(1500), "two-2": np.zeros(1500), "one-1": np.zeros(3000)}
    for line in vad.read_text().splitlines():
        _, recording, start, end = line.split()
        frames = np.zeros(3000)
        frames[round(100 * float(start)) : round(100 * float(end))] = 1
        for utterance, first in (("two-1", 0), ("two-2", 1500), ("one-1", 0)):
            if utterance.startswith(recording):
                part = decisions[utterance]
                part[:] = np.maximum(part, frames[first : first + len(part)])
    kaldiio.save_ark(
        str(data / "vad.ark"),
        {k: v.astype(np.float32) for k, v in decisions.items()},
        scp=str(data / "vad.scp"),
    )
    (data / "rttm").rename(telephone / "rttm")  # without a reference all goes on, but the scores
    result = run("--test-data", data, "--wav-pipes", "true", "--vad", "vad_scp",
        "--data", tmp_path / "data", "--exp", tmp_path / "exp2", "--stop-stage", 5,
    )  # fmt: skip
    (telephone / "rttm").rename(data / "rttm")
    (data / "vad.scp").unlink()
    assert "rttm is not scored: " in result.stdout and "in all" in result.stdout
    ours, theirs = (read_rttm(dec_of(folder) / "kaldi/rttm") for folder in (exp, tmp_path / "exp2"))
    for name in ("one", "two"):
        assert len(ours[name]) == len(theirs[name])
        assert [t.start for t in ours[name]] == pytest.approx(
            [t.start for t in theirs[name]],
            abs=0.5,  # windows that are cut elsewhere
        )


@pytest.mark.parametrize(("dim", "text"), [(128, False), (512, True)])
def test_xvectors_of_others_from_stage_3(tmp_path, sample, sample_turns, campplus, dim, text):
    """Real x-vectors, turned into another dimension, in the layout of Kaldi's extract_xvectors.sh."""
    starts = np.arange(0, 28.5, 0.75)
    vectors = campplus.embed(sample, starts, starts + 1.5)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(max(dim, 192),) * 2))[0]
    wide = np.pad(vectors, ((0, 0), (0, max(0, dim - 192)))) @ turn
    vectors = (wide[:, :dim] + 3.0).astype(np.float64 if text else np.float32)
    source, data = tmp_path / "xvectors_calls", tmp_path / "calls"
    data.mkdir()
    source.mkdir()
    names = ["one", "two"]
    table, lines = {}, []
    for name in names:
        for start, vector in zip(starts, vectors, strict=True):
            key = windows.segment_id(name, start, start + 1.5)
            table[key] = vector
            lines.append(f"{key} {name} {start:.2f} {start + 1.5:.2f}\n")
    if text:
        (source / "subsegments_data").mkdir()
    (source / ("subsegments_data/segments" if text else "segments")).write_text("".join(lines))
    kaldiio.save_ark(
        str(source / "xvector.1.ark"), table, scp=str(source / "xvector.scp"), text=text
    )
    kaldiio.save_mat(str(source / "mean.vec"), np.mean(vectors, axis=0))
    kaldiio.save_mat(str(source / "transform.mat"), np.eye(dim))
    (data / "wav.scp").write_text("one none.wav\ntwo none.wav\n")
    (data / "ref.rttm").write_text(
        "".join(
            f"SPEAKER {name} 1 {a:.3f} {b - a:.3f} <NA> <NA> {who} <NA> <NA>\n"
            for name in names for a, b, who in sample_turns
        )
    )  # fmt: skip
    options = ["--xvector-dir", source, "--data", tmp_path / "data", "--exp", tmp_path / "exp"]
    shutil.copytree(data, tmp_path / "data/calls")
    result = run(*options, "--stage", 3, "--stop-stage", 5, "--ae.patience", 1)
    assert "whitened (transform.mat)" in result.stdout
    made = dec_of(tmp_path / "exp") / "calls"
    assert list(read_rttm(made / "rttm")) == names and (made / "score/summary.json").exists()
    made = xvector_dir.XVectorDir(tmp_path / "exp/xvectors_kaldi/calls").load("one")
    assert made.dim == dim
    assert np.linalg.norm(made.vectors, axis=1) == pytest.approx(np.sqrt(dim), rel=1e-4)


def test_a_set_without_any_speech_is_all_missed(tmp_path):
    data = tmp_path / "quiet"
    data.mkdir()
    soundfile.write(data / "q.wav", np.zeros(32000), 16000)
    (data / "wav.scp").write_text("q q.wav\n")
    (data / "ref.rttm").write_text("SPEAKER q 1 0.5 1.0 <NA> <NA> amy <NA> <NA>\n")
    exp = tmp_path / "exp"
    run("--test-data", data, "--data", tmp_path / "data", "--exp", exp, "--stop-stage", 5)
    assert (exp / "dec_default/quiet/rttm").read_text() == ""
    rows = (exp / "dec_default/quiet/score/per_recording.tsv").read_text().splitlines()
    cells = dict(zip(rows[0].split("\t"), rows[1].split("\t"), strict=True))
    assert float(cells["der_%"]) == 100.0


def as_vbx(folder, count=90, speakers=3, dim=12):
    """One recording as VBx has it: an ark without scp, times in .seg, transform.h5 and a plda.

    Returns (who speaks in each window). The PLDA is the true one; the extractor has mixed, moved and
    stretched the vectors, which the transform undoes.
    """
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    between = np.linspace(6, 3, dim)
    who = np.repeat(rng.integers(speakers, size=count // 5), 5)
    y = (rng.normal(size=(speakers, dim)) * np.sqrt(between))[who] + rng.normal(size=(count, dim))
    whiten = np.sqrt((1 + between).sum()) * np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    unit = y @ np.linalg.inv(whiten).T
    lda, mean = np.linalg.qr(rng.normal(size=(dim + 3, dim)))[0], rng.normal(size=dim + 3)
    vectors = (unit @ lda.T * 2 + mean).astype(np.float32)
    starts = np.arange(count) * 0.75
    ids = [f"talk_{i:04d}" for i in range(count)]
    folder.mkdir()
    lines = (f"{i} talk {a} {a + 1.5}\n" for i, a in zip(ids, starts, strict=True))
    (folder / "talk.seg").write_text("".join(lines))
    kaldiio.save_ark(str(folder / "talk.ark"), dict(zip(ids, vectors, strict=True)))
    with h5py.File(folder / "transform.h5", "w") as stream:
        stream.update({"mean1": mean, "mean2": np.zeros(dim), "lda": lda})
    write_plda(folder / "vbx.plda", Plda(np.zeros(dim), whiten, between))
    return who


def names_of(rttm, count):
    """Who speaks in the middle of each window that ``as_vbx`` makes."""
    turns = read_rttm(rttm)["talk"]
    middles = np.arange(count) * 0.75 + 0.75
    return [next((t.speaker for t in turns if t.start <= m < t.end), "") for m in middles]


def test_a_vbx_directory_of_one_recording(tmp_path):
    source = tmp_path / "calls"
    who = as_vbx(source)
    told = command_line.run(
        "local/import_vbx.py", source / "transform.h5", source / "vbx.plda", source
    )
    assert told.returncode == 0, told.stderr
    assert not read_plda(source / "plda").for_unit_length
    where = ("--xvector-dir", source, "--data", tmp_path / "data", "--exp", tmp_path / "exp")
    both = ("--dec-config", "conf/dec.yaml conf/dec_paper.yaml")
    result = run(*where, *both, "--stage", 3, "--stop-stage", 4)
    assert "run.sh: the plda is the speaker space (conf/dec_plda.yaml)" in result.stdout
    made = tmp_path / "exp/dec_default/calls"
    found = names_of(made / "rttm", len(who))
    assert len(set(found)) == 3
    assert len({pair for pair in zip(who, found, strict=True)}) <= 5  # a window or two at changes
    assert "init: plda" in (tmp_path / "exp/ae_default/config.yaml").read_text()
    # The published decoding needs a grid, and there is none.
    said = "turns decoded in frames, not in cells: the x-vectors are not on a grid"
    assert result.stdout.count(said) == 1
    paper = tmp_path / "exp/dec_paper/calls"
    assert read_rttm(paper / "rttm") and (paper / "remarks").read_text() == f"{said}\n"
    assert "kind: frames" in (paper / "config.yaml").read_text()
    assert not (made / "remarks").exists()


class TestAutoencoderOfGivenXVectors:
    """steps/train_autoencoder.sh on what steps/import_xvectors.sh has taken."""

    @pytest.fixture
    def xvectors(self, tmp_path):
        as_vbx(tmp_path / "source")
        result = command_line.run(
            "steps/import_xvectors.sh", tmp_path / "source", tmp_path / "calls"
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return tmp_path / "calls"

    def train(self, xvectors, *options):
        out = xvectors.parent / "ae"
        step = ("steps/train_autoencoder.sh", *options, xvectors, xvectors, out)
        return command_line.run(*step), out

    def test_one_recording_is_enough(self, xvectors):
        done, out = self.train(xvectors, "--set", "patience=1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (out / "model.safetensors").exists()

    def test_what_is_too_little_is_said_before_anything_is_trained(self, xvectors):
        lines = (xvectors / "segments").read_text().splitlines(keepends=True)
        (xvectors / "segments").write_text("".join(lines[:4]))
        done, out = self.train(xvectors)
        assert done.returncode == 1 and "no recording has 5 pairs of windows" in done.stderr
        assert "epochs" not in done.stdout and not (out / "model.safetensors").exists()

    def test_a_plda_that_is_missing_is_said_before_the_step_begins(self, xvectors):
        done, out = self.train(xvectors, "--ae-config", "conf/autoencoder_plda.yaml")
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert "plda: no such file: conf/dec_plda.yaml is for x-vectors with Kaldi's" in done.stderr
        assert not (out / "model.safetensors").exists()


class TestArksWithoutScp:
    @pytest.mark.parametrize("text", [False, True])
    def test_are_read(self, tmp_path, text):
        table = {f"r-{i}": np.arange(3, dtype=np.float32) + i for i in range(4)}
        kaldiio.save_ark(str(tmp_path / "x.ark"), table, text=text)
        (tmp_path / "segments").write_text("".join(f"r-{i} r {i} {i + 1}\n" for i in range(4)))
        found = xvector_dir.of_others(tmp_path).load("r")
        assert np.array_equal(found.vectors, np.stack(list(table.values())))

    def test_of_a_damaged_one_what_lies_before_is_read(self, tmp_path):
        table = {f"{name}-1": np.ones(3, np.float32) for name in "abc"}
        kaldiio.save_ark(str(tmp_path / "x.ark"), table)
        whole = (tmp_path / "x.ark").read_bytes()
        (tmp_path / "x.ark").write_bytes(whole[: 2 * len(whole) // 3 - 2])
        (tmp_path / "x.seg").write_text("".join(f"{name}-1 {name} 0 1\n" for name in "abc"))
        found = xvector_dir.of_others(tmp_path)
        assert found.load("a").dim == 3
        with pytest.raises(DataError, match="b-1: cannot be read from .*truncated"):
            found.load("b")
        with pytest.raises(DataError, match="1 of 1 ids of 'segments' are missing"):
            found.load("c")

    def test_an_id_in_two_places_is_refused(self, tmp_path):
        for name in ("x", "y"):
            kaldiio.save_ark(str(tmp_path / f"{name}.ark"), {"a": np.ones(3, np.float32)})
            (tmp_path / f"{name}.seg").write_text("a r 0 1\n")
        with pytest.raises(DataError, match="y.ark: 'a' is also in .*x.ark:2"):
            xvector_dir.of_others(tmp_path)
        (tmp_path / "y.ark").unlink()
        with pytest.raises(DataError, match="y.seg: 'a' is also in .*x.seg"):
            xvector_dir.of_others(tmp_path)

    def test_nothing_there_is_one_clear_line(self, tmp_path):
        with pytest.raises(DataError, match="no xvector.scp, and no ark"):
            xvector_dir.of_others(tmp_path)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (None, "not VBx's transform.h5"),
        ({"mean1": np.ones(4)}, "not VBx's transform.h5, with mean1 and lda"),
        ({"mean1": np.ones(4), "lda": np.ones((3, 2))}, "mean1 and lda do not match"),
        ({"mean1": np.ones(4), "lda": np.full((4, 2), np.nan)}, "NaN"),
        ({"mean1": np.ones(4), "lda": np.ones((4, 3))}, "it does not belong to"),
    ],
)
def test_a_transform_that_is_not_vbx_is_refused_and_nothing_written(tmp_path, tables, message):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "t.h5").write_text("no HDF5")
    if tables:
        with h5py.File(tmp_path / "t.h5", "w") as stream:
            stream.update(tables)
    write_plda(tmp_path / "p", Plda(np.ones(2), np.eye(2), np.ones(2)))
    (tmp_path / "out").mkdir()
    program = ("local/import_vbx.py", tmp_path / "t.h5", tmp_path / "p", tmp_path / "out")
    refused = command_line.run(*program)
    assert refused.returncode == 1 and message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and list((tmp_path / "out").iterdir()) == []


def test_h5py_that_is_missing_is_named(tmp_path):
    write_plda(tmp_path / "p", Plda(np.ones(2), np.eye(2), np.ones(2)))
    (tmp_path / "h5py.py").write_text("raise ImportError('none')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    program = ("local/import_vbx.py", tmp_path / "t.h5", tmp_path / "p", tmp_path)
    refused = command_line.run(*program, env=environment)
    assert (
        refused.returncode == 1 and "h5py is needed to read it: pip install h5py" in refused.stderr
    )


def test_plda_that_differ_are_not_used(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_plda(tmp_path / name / "plda", Plda(np.ones(2), np.eye(2) * len(name), np.ones(2)))
        (tmp_path / name / "x.ark").touch()
    (tmp_path / "two" / "plda").write_bytes(b"another")
    given = f"{tmp_path}/one {tmp_path}/two"
    where = ("--data", tmp_path / "data", "--exp", tmp_path / "exp", "--stage", 3)
    result = run("--xvector-dir", given, *where, "--plan")
    assert "plda is not used because it is not the same in all of" in result.stdout
    (tmp_path / "two" / "plda").write_bytes((tmp_path / "one" / "plda").read_bytes())
    result = run("--xvector-dir", given, *where, "--plan")
    assert "the plda is the speaker space" in result.stdout
    result = run("--xvector-dir", given, *where, "--plan", "--plda", "false")
    assert "speaker space" not in result.stdout
