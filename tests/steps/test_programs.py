"""Programs of local/ as a shell starts them: what they print and where, and their status."""

import json
import os
import sys

import models
import pytest
from command_line import run
from small_scores import make_experiment, scores_in

from diar import exports, extractors
from diar.base.types import Turn
from diar.kaldi.rttm import write_rttm


def test_the_published_modules_are_found_from_any_directory(root, tmp_path):
    command = f". {root}/path.sh && python -c 'import DEC, utils, baselineMethods, optimumSpeaker'"
    result = run("bash", "-c", command, cwd=tmp_path, env=None)
    assert result.returncode == 0, result.stderr


def test_what_names_its_interpreter_can_be_started(root):
    programs = [p for folder in ("local", "steps") for p in sorted((root / folder).glob("*.*"))]
    scripts = [p for p in programs if p.read_bytes().startswith(b"#!")]
    assert len(scripts) > 50
    assert [p.name for p in scripts if not os.access(p, os.X_OK)] == []


def test_an_unknown_device_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "xvector.scp").write_text("")
    done = tmp_path / "out"
    done.mkdir()
    (done / ".begun").write_text("key")
    (done / "loss.tsv").write_text("kept")
    step = ["steps/train_autoencoder.sh", "--device", "tpu", tmp_path, tmp_path, done]
    for command in (step, ["./run.sh", "--device", "tpu"]):
        refused = run(*command)
        assert refused.returncode == 1 and refused.stdout == ""
        assert refused.stderr.startswith("find_device.py: device 'tpu': must be cpu, cuda")
        assert len(refused.stderr.splitlines()) == 1
    assert (done / "loss.tsv").read_text() == "kept"


class TestExport:
    TURNS = [
        Turn("r", 0.5, 1.25, "A"),
        Turn("r", 1.0, 2.0, 'B<&">'),
        Turn("r", 3.0, 3600.0, "A"),
        Turn("q", 0.0, 2.0, "C"),
    ]

    @pytest.fixture
    def rttm(self, tmp_path):
        write_rttm(tmp_path / "set.rttm", self.TURNS)
        return tmp_path / "set.rttm"

    def test_every_format_by_the_program_and_back(self, tmp_path, rttm):
        formats = [word for name in sorted(exports.FORMATS) for word in ("--format", name)]
        result = run("local/export.py", *formats, rttm, tmp_path / "out")
        made = {path.name for path in (tmp_path / "out").iterdir()}
        suffixes = [form.suffix for form in exports.FORMATS.values() if form.suffix]
        assert made == {"turns.ctm", "supervisions.jsonl.gz"} | {
            f"{name}{suffix}" for name in "qr" for suffix in suffixes
        }
        assert result.stdout == f"{tmp_path}/out: {len(made)} file(s) of 2 recording(s)\n"
        assert (result.stderr, result.returncode) == ("", 0)
        for ending in ("txt", "TextGrid", "eaf"):
            files = sorted((tmp_path / "out").glob(f"*.{ending}"))
            result = run("local/import_labels.py", *files, tmp_path / "back.rttm")
            assert result.stdout.endswith(
                "back.rttm: 4 turn(s) of 3 speaker(s) in 2 recording(s)\n"
            )
            assert result.returncode == 0
            assert (tmp_path / "back.rttm").read_text() == rttm.read_text()

    def test_standard_input_and_output(self, rttm, tmp_path):
        def piped(*words, text=""):
            return run(f"local/{words[0]}", *words[1:], input=text)

        made = piped("export.py", "--format", "ctm", "-", "-", text=rttm.read_text())
        assert made.stdout.splitlines()[0] == "q 1 0.000 2.000 C"
        made = piped("export.py", "--format", "lhotse", rttm, "-")
        assert json.loads(made.stdout.splitlines()[0])["id"] == "q-000000"
        one = ["export.py", "--format", "audacity", "--recording"]
        made = piped(*one, "q", "-", "-", text=rttm.read_text())
        assert (made.stdout, made.stderr, made.returncode) == ("0.000\t2.000\tC\n", "", 0)
        (tmp_path / "q.txt").write_text(made.stdout)
        again = piped("import_labels.py", tmp_path / "q.txt", "-")
        assert again.stdout == "SPEAKER q 1 0.000 2.000 <NA> <NA> C <NA> <NA>\n"
        made = piped("export.py", "--format", "webvtt", "--recording", "quiet", "-", "-")
        assert (made.stdout, made.returncode) == ("WEBVTT\n", 0)
        made = piped("export.py", "--format", "webvtt", "-", "-")
        assert made.stderr == (
            "export.py: no turns on standard input: name the recording with --recording NAME\n"
        )
        assert made.returncode == 1
        bad = piped("export.py", "--format", "ctm", "-", "-", text="SPEAKER r 1 0 -1 <NA> <NA> x\n")
        assert bad.stderr == "export.py: /dev/stdin:1: negative duration -1\n"


def test_cards_are_printed(tmp_path):
    def listed(*arguments):
        done = run("local/list_extractors.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = listed()
    names = [line for line in text.splitlines() if line[0] != " "]
    assert names == [*sorted(extractors.EXTRACTORS), "segmentation-3.0"]
    for name in sorted(extractors.EXTRACTORS):
        assert f"  licence: {extractors.card(name).licence}\n" in text
    path = models.save_pooling(tmp_path / "model.onnx", dim=17)
    chosen = f"extractor=onnx options.path={path} options.fbank=gone.yaml"
    assert listed("--files", "--set", chosen) == f"{path}\n"
    chosen = f"extractor=onnx options.path={path}"
    assert "  dim: 17\n" in listed("--set", chosen) and str(path) in listed("--set", chosen)


def test_speech_of_recordings_without_reference_is_no_false_alarm(tmp_path):
    data, vad = tmp_path / "data", tmp_path / "vad"
    data.mkdir()
    vad.mkdir()
    (data / "ref.rttm").write_text("SPEAKER a 1 1.0 4.0 <NA> <NA> amy <NA> <NA>\n")
    (vad / "reco2dur").write_text("a 10.0\nunknown 10.0\n")
    (vad / "segments").write_text("a-1 a 1.0 5.0\nunknown-1 unknown 0.0 9.0\n")
    done = run("local/score_vad.py", data, vad, tmp_path / "out")
    assert "false alarm 0.00 % of 4 s" in done.stdout, done.stderr
    assert "1 recording(s) without reference excluded" in done.stdout


def test_validation_explains_mends_and_keeps_a_copy(tmp_path):
    (tmp_path / "a.wav").touch()
    for name, text in {
        "wav.scp": "r1 a.wav\nr2 cat b.wav |\n",
        "segments": "u1 r1 0.00 1.50\nu2 r1 1.00 2.00\nu3 r2 0.00 5.00\n",
        "utt2spk": "u2 s2\nu1 s1\n",
        "spk2utt": "s1 u1\ns2 u2\n",
        "reco2dur": "r1 2.0\nr2 5.0\n",
        "text": "u1 one two\nu2 three\nu3\n",
    }.items():
        (tmp_path / name).write_text(text)

    def validate(*options):
        return run("local/validate_data_dir.py", "--wav-pipes", "true", *options, tmp_path)

    told = validate()
    assert told.returncode == 1 and "Traceback" not in told.stderr
    assert f"{tmp_path}/utt2spk: not sorted: LC_ALL=C sort" in told.stderr
    assert "u3" in told.stderr and "--fix fixes" in told.stderr
    unsorted = (tmp_path / "utt2spk").read_text()
    assert unsorted == "u2 s2\nu1 s1\n", "nothing is changed unless asked"
    fixed = validate("--fix")
    assert fixed.returncode == 0, fixed.stderr
    assert f"{tmp_path}/segments: 3 line(s) before, 2 now" in fixed.stdout
    assert (tmp_path / "utt2spk").read_text() == "u1 s1\nu2 s2\n"
    assert (tmp_path / ".backup/utt2spk").read_text() == "u2 s2\nu1 s1\n"
    assert validate().returncode == 0
    (tmp_path / "utt2spk").write_text("u2 s2\nu1 s1\nbad\n")
    assert validate("--fix").returncode == 0
    assert (tmp_path / ".backup/utt2spk").read_text() == "u2 s2\nu1 s1\n"
    assert (tmp_path / ".backup/utt2spk.1").read_text() == "u2 s2\nu1 s1\nbad\n"
    (tmp_path / "utt2spk").write_text("v1 s1\n")
    refused = validate("--fix")
    assert refused.returncode == 1 and "nothing would be left of segments" in refused.stderr
    assert (tmp_path / "utt2spk").read_text() == "v1 s1\n"


def test_comparison_is_printed(tmp_path):
    a = scores_in(tmp_path / "a", [10, 20, 30])
    b = scores_in(tmp_path / "b", [12, 20, 26])
    result = run("local/compare.py", a, b)
    assert result.returncode == 0, result.stderr
    row = next(line for line in result.stdout.splitlines() if line.startswith("| full"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1:4] == ["20.00", "19.33", "+0.67"]
    assert cells[6:] == ["1", "1", "1"]
    assert "Largest gains of A, paper" in result.stdout
    for extra, message in (
        (["--protocol", "x"], "no protocol 'x'"),
        (["--samples", "0"], "--samples is 0"),
    ):
        bad = run("local/compare.py", *extra, a, b)
        assert bad.returncode == 1
        assert message in bad.stderr and len(bad.stderr.splitlines()) == 1


class TestPlot:
    COMMANDS = {
        "timeline": ["--reference", "data/test/ref.rttm", "--recording", "r", "exp/dec_default/test/rttm"],
        "latents": ["--reference", "data/test/ref.rttm", "exp/dec_default/test", "r"],
        "history": ["exp/dec_default/test", "r"],
        "der": ["--protocol", "full forgiving", "exp", "test"],
        "counts": ["exp/dec_default/test/score"],
    }  # fmt: skip

    def test_same_bytes_twice(self, root, tmp_path):
        """In two processes, where sets have other orders."""
        exp = make_experiment(tmp_path / "made")
        for seed in "12":
            (tmp_path / seed).mkdir()
            lines = [["plot.py", name, *words, str(tmp_path / seed / f"{name}.pdf")]
                     for name, words in self.COMMANDS.items()]  # fmt: skip
            script = f"import sys, plot\nfor sys.argv in {lines}: plot.main()"
            env = {"PYTHONPATH": str(root / "local"), "PYTHONHASHSEED": seed}
            done = run(sys.executable, "-c", script, cwd=exp, env={**os.environ, **env})
            assert done.returncode == 0 and not done.stderr, done.stderr
        for name in self.COMMANDS:
            content = (tmp_path / f"1/{name}.pdf").read_bytes()
            assert content == (tmp_path / f"2/{name}.pdf").read_bytes(), name
            assert b"/FontFile2" in content and b"/Type3" not in content  # TrueType
            assert b"CreationDate" not in content

    def test_one_line_and_no_file(self, root, tmp_path):
        (tmp_path / "bad.rttm").write_text("SPEAKER r 1 0 x <NA> <NA> a <NA> <NA>\n")
        done = run(root / "local/plot.py", "timeline", "bad.rttm", "a.pdf", cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr == "plot.py: bad.rttm:1: 'x' is not a number\n"
        assert os.listdir(tmp_path) == ["bad.rttm"]
