"""Variants stand beside what they vary, and what is not as the recipe would make it now says so."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import command_line
import pytest
import small_dec
import tiny_step
from paths import ROOT

from diar.kaldi.rttm import read_rttm, write_rttm

run = partial(command_line.run, cwd=ROOT)


def systems(*options):
    """What ./run.sh would make of the set test, without scores: names of directories below exp."""
    result = run("./run.sh", "--plan", *options)
    assert result.returncode == 0, result.stderr
    return set(re.findall(r"(?m) exp/(\S+)/(?:test|probe)$", result.stdout))


class TestNames:
    def test_the_defaults(self):
        assert systems() == {
            "local_speakers", "vad_combined", "xvectors_campplus", "xvectors_campplus_paper",
            "xvectors_campplus_close", "dec_default", "dec_paper", "ahc", "nme_sc", "spectral",
            "spectral_oracle", "kmeans_oracle", "ae_default", "ae_paper",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "options, made, kept",
        [
            # a value bears on its step, and on what is made of its products
            ("--dec.refine.niter 0", "dec_default+refine.niter=0", "ae_default dec_paper ahc"),
            ("--dec.refine.niter 0 --dec.rounds 1 --dec.refine.niter 5",
             "dec_default+refine.niter=5+rounds=1", "dec_paper ahc"),
            ("--ae.batch 64", "ae_default+batch=64 dec_default+ae.batch=64", "dec_paper ahc"),
            ("--ae.init scratch", "ae_default+init=scratch ae_paper+init=scratch"
             " dec_default+ae.init=scratch dec_paper+ae.init=scratch", "ahc"),
            ("--baseline.clustering.ahc_threshold 0.5", "ahc+clustering.ahc_threshold=0.5", "dec_default dec_paper"),
            ("--vad.min_speech 0.3", "vad_combined+min_speech=0.3 xvectors_campplus+vad.min_speech=0.3"
             " dec_default+vad.min_speech=0.3 dec_paper+vad.min_speech=0.3 ahc+vad.min_speech=0.3", "local_speakers"),
            ("--segmentation.hop 2", "local_speakers+hop=2 vad_combined+segmentation.hop=2 ahc+segmentation.hop=2", ""),
            ("--xvector.coarse_step 0.5", "xvectors_campplus+coarse_step=0.5 dec_default+xvector.coarse_step=0.5",
             "xvectors_campplus_close ahc ae_default dec_paper"),
            # so does an option
            ("--vad oracle", "vad_oracle xvectors_campplus+vad=oracle dec_default+vad=oracle ahc+vad=oracle",
             "local_speakers"),
            ("--overlap false --seed 3", "dec_default+overlap=false+seed=3 ahc+overlap=false+seed=3",
             "vad_combined xvectors_campplus ae_default"),
            ("--num-spk oracle --dec.rounds 1", "dec_default_oracle+rounds=1", ""),
            ("--max-spk 4", "dec_default+max_spk=4 ahc+max_spk=4", "ae_default spectral_oracle"),
            ("--extractor ecapa", "xvectors_ecapa ae_default+extractor=ecapa ahc+extractor=ecapa", "vad_combined"),
            # what cannot be in a name
            ("--extractor onnx --xvector.options.path /a/b/m.onnx",
             "xvectors_onnx+options.path=m.onnx-737474381", ""),
        ],
    )  # fmt: skip
    def test_of_what_is_changed(self, options, made, kept):
        found = systems(*options.split())
        assert set(made.split()) <= found
        assert set(kept.split()) <= found

    @pytest.mark.parametrize(
        "options",
        ["--segmentation.step 5", "--vad oracle", "--xvector.coarse_step 0.5", "--ae.init scratch",
         "--extractor ecapa --vad.min_speech 0.3", "--num-spk 2 --dec.rounds 1"],
    )  # fmt: skip
    def test_each_step_reads_what_the_one_before_has_made(self, options):
        result = run("./run.sh", "--plan", *options.split())
        steps = re.findall(r"(?m)^\w[\w ]*? +(exp/\S+)\n +\S+ reads (.*)$", result.stdout)
        made = {out for out, _ in steps}
        for out, inputs in steps:
            for name in re.findall(r"exp/\S+", inputs):
                assert name in made or str(Path(name).parent) in made or "*" in name, (out, name)

    def test_long_names_end(self):
        options = [x for i in range(20) for x in (f"--dec.key_number_{i}", "some_value")]
        found = {name for name in systems(*options) if name.startswith("dec_default")}
        assert len(found) == 1 and len(found.pop()) < 200

    def test_an_options_file_with_exp_is_an_experiment_of_its_own(self, tmp_path):
        lines = "dec.rounds=1\nmax_spk=4\n"
        (tmp_path / "a.conf").write_text(lines)
        (tmp_path / "b.conf").write_text(lines + f"exp={tmp_path}/exp\n")
        assert "dec_default+max_spk=4+rounds=1" in systems("--config", tmp_path / "a.conf")
        options = ("--plan", "--config", tmp_path / "b.conf", "--dec.refine.niter", "2")
        assert (
            f"{tmp_path}/exp/dec_default+refine.niter=2/test\n" in run("./run.sh", *options).stdout
        )

    def test_a_configuration_that_lies_elsewhere_is_the_one_that_is_read(self, tmp_path):
        for name in ("dec_mine.yaml", "xvector_mine.yaml"):
            shutil.copy(ROOT / "conf" / f"{name.partition('_')[0]}.yaml", tmp_path / name)
        result = run("./run.sh", "--plan", "--dec-config", tmp_path / "dec_mine.yaml")
        assert (
            f"fit_dec.sh reads {tmp_path}/dec_mine.yaml exp/xvectors_campplus_mine/test"
            in result.stdout
        )
        assert f"extract_xvectors.sh reads {tmp_path}/xvector_mine.yaml" in result.stdout
        assert "train_autoencoder.sh reads conf/autoencoder.yaml" in result.stdout

    @pytest.mark.parametrize(
        "names, said",
        [
            ("dec.yaml", "would replace conf/dec.yaml in exp/dec_default: rename it"),
            ("dec_paper.yaml", "would replace conf/dec_paper.yaml in exp/dec_paper"),
            ("a/dec_x.yaml b/dec_x.yaml", "two files for exp/dec_x: rename one"),
            ("mine.yaml", "the file of a variant NAME must be called dec_NAME.yaml"),
        ],
    )
    def test_names_that_would_hide_another(self, tmp_path, names, said):
        files = [tmp_path / name for name in names.split()]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / "conf/dec.yaml", file)
        result = run("./run.sh", "--plan", "--dec-config", " ".join(map(str, files)))
        assert result.returncode == 1 and said in result.stderr

    def test_a_sweep(self):
        found = systems("--sweep", "dec.refine.niter=0,5 dec.rounds=1,2; dec.sequence.drift=0")
        assert {name for name in found if name.startswith("dec_default")} == {
            "dec_default", "dec_default+sequence.drift=0",
            *(f"dec_default+refine.niter={n}+rounds={r}" for n in (0, 5) for r in (1, 2)),
        }  # fmt: skip
        assert {"dec_paper", "ahc"} <= found

    @pytest.mark.parametrize("sweep", ["dec.rounds", "rounds=1,2", "dec.rounds=", "dec.a=[1,2]"])
    def test_no_sweep(self, sweep):
        result = run("./run.sh", "--plan", "--sweep", sweep)
        assert result.returncode == 1
        assert "--sweep: expected dec.KEY=VALUE,VALUE" in result.stderr


class TestRecords:
    @pytest.fixture
    def recipe(self, tmp_path):
        tiny_step.make(tmp_path)
        assert tiny_step.run(tmp_path).returncode == 0
        return tmp_path

    def states(self, recipe):
        result = command_line.run("local/step_state.py", "exp/out", cwd=recipe)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def test_what_is_recorded(self, recipe):
        made = json.loads((recipe / "exp/out/.made").read_text())
        assert made["command"] == "steps/work.sh" and made["program"] == "local/work.py"
        assert set(made["code"]) == {"work.py", "part.py"}
        assert set(made["inputs"]) == {"conf/work.yaml", "data/wav.scp", "given"}
        assert self.states(recipe) == ""

    @pytest.mark.parametrize(
        "name, text, why",
        [
            ("conf/work.yaml", "a: 2\n", "conf/work.yaml has changed since"),
            ("local/part.py", "A = 2\n", "exp/out was made by other code (part.py)"),
            ("data/a.wav", "another sound", "data/wav.scp has changed since"),
            ("given/one", "2\n", "given has changed since"),
            ("given/three", "3\n", "given has changed since"),
        ],
    )
    def test_what_changes_is_named(self, recipe, name, text, why):
        (recipe / name).write_text(text)
        assert self.states(recipe) == f"exp/out\t{why}\tsteps/work.sh\n"
        again = tiny_step.run(recipe)
        reason = why.removeprefix("exp/out was ")
        assert f"work.sh: making exp/out again: {reason}\n" in again.stdout
        assert self.states(recipe) == ""

    def test_a_comment_changes_nothing(self, recipe):
        (recipe / "local/part.py").write_text('"""Doc."""\nA = 1  # one\n')
        assert self.states(recipe) == ""

    def test_what_is_gone(self, recipe):
        shutil.rmtree(recipe / "given")
        assert "given is gone since" in self.states(recipe)

    def test_from_another_folder(self, recipe, tmp_path_factory):
        (recipe / "conf/work.yaml").write_text("a: 2\n")
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        result = command_line.run(recipe / "local/step_state.py", recipe / "exp/out", cwd=elsewhere)
        said = f"{recipe}/exp/out\tconf/work.yaml has changed since\tsteps/work.sh\n"
        assert (result.stdout, result.stderr, result.returncode) == (said, "", 0)

    def test_a_program_that_is_gone(self, recipe):
        (recipe / "local/work.py").unlink()
        why = "exp/out was made by local/work.py, which is gone"
        assert self.states(recipe) == f"exp/out\t{why}\tsteps/work.sh\n"

    def test_unfinished_and_without_a_record(self, recipe):
        (recipe / "exp/out/.made").unlink()
        assert "exp/out has no record of how it was made" in self.states(recipe)
        (recipe / "exp/out/.done").unlink()
        assert "exp/out is not finished" in self.states(recipe)
        (recipe / "exp/out/.begun").unlink()
        assert self.states(recipe) == "", "no step has made it"

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "{", '{"command": 1}'])
    def test_damaged_records(self, recipe, text):
        (recipe / "exp/out/.made").write_text(text)
        assert "exp/out has no record" in self.states(recipe)

    def test_usage(self):
        assert "Usage: step_state.py" in run("local/step_state.py", "--help").stdout
        for arguments in (["--record", "a"], ["-x"]):
            refused = run("local/step_state.py", *arguments)
            assert refused.returncode == 2 and "Usage: step_state.py" in refused.stderr

    def test_a_directory_that_is_not_there(self, recipe):
        (recipe / "conf/work.yaml").write_text("a: 2\n")
        result = command_line.run("local/step_state.py", "exp/outt", "exp/out", cwd=recipe)
        assert result.stdout == "exp/out\tconf/work.yaml has changed since\tsteps/work.sh\n"
        assert (result.stderr, result.returncode) == ("", 0), "steps ask for scores that may not be"


class TestScores:
    @pytest.fixture
    def exp(self, tmp_path):
        """Two variants of DEC of three recordings, scored; the configuration is a copy."""
        small_dec.make_xvectors(tmp_path / "xvectors")
        small_dec.make_ae(tmp_path / "ae")
        shutil.copy(ROOT / "conf/dec.yaml", tmp_path / "dec.yaml")
        for name, change in (("dec_mine", ""), ("dec_mine+rounds=1", "rounds=1")):
            self.fit(tmp_path, name, change)
        turns = read_rttm(tmp_path / "exp/dec_mine/test/rttm")
        write_rttm(tmp_path / "ref.rttm", [turn for some in turns.values() for turn in some])
        for name in ("dec_mine", "dec_mine+rounds=1"):
            self.score(tmp_path, name)
        return tmp_path

    def fit(self, folder, name, change=""):
        options = ("--nj", 1, "--dec-config", folder / "dec.yaml", "--set", change)
        out = folder / "exp" / name / "test"
        result = run("steps/fit_dec.sh", *options, folder / "xvectors", folder / "ae", out)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def score(self, folder, name):
        out = folder / "exp" / name / "test"
        result = run("steps/score.sh", folder / "ref.rttm", out / "rttm", out / "score")
        assert result.returncode == 0, result.stderr

    def results(self, folder):
        """The page, and what is printed."""
        result = run("local/make_results.py", folder / "exp", folder / "page.md")
        assert result.returncode == 0, result.stderr
        return (folder / "page.md").read_text(), result.stdout

    def compared(self, folder):
        scores = (folder / "exp/dec_mine/test/score", folder / "exp/dec_mine+rounds=1/test/score")
        result = run("local/compare.py", *scores)
        assert result.returncode == 0, result.stderr
        return result

    def test_whole(self, exp):
        page, printed = self.results(exp)
        assert "\N{DAGGER}" not in page + printed
        assert "| DEC, mine; rounds=1 " in page
        compared = self.compared(exp)
        assert re.search(r"\| dec\.rounds +\| +2 \| +1 \|\n\n", compared.stdout), "and nothing else"
        assert compared.stderr == ""

    def test_another_configuration_of_the_same_name(self, exp):
        text = (exp / "dec.yaml").read_text()
        (exp / "dec.yaml").write_text(text.replace("complexity: 2 ", "complexity: 3 "))
        page, printed = self.results(exp)
        for shown in (page, printed):
            assert (
                "| DEC, mine \N{DAGGER} " in shown and "| DEC, mine; rounds=1 \N{DAGGER} " in shown
            )
            command = f"steps/score.sh {exp}/ref.rttm {exp}/exp/dec_mine/test/rttm"
            assert f"- DEC, mine: {exp}/dec.yaml has changed since (to update: {command}" in shown
        said = self.fit(exp, "dec_mine")
        assert f"{exp}/exp/dec_mine/test: sequence.complexity was 2.0, is 3.0\n" in said
        assert f" again: {exp}/dec.yaml has changed since\n" in said
        self.score(exp, "dec_mine")
        page, _ = self.results(exp)
        assert "| DEC, mine |" in re.sub(" +", " ", page), "renewed"
        compared = self.compared(exp)
        assert f"B is out of date: {exp}/dec.yaml has changed" in compared.stderr
        assert re.search(r"\| dec\.sequence\.complexity +\| +3\.0 \| +2\.0 \|", compared.stdout)

    def test_other_inputs_of_the_same_name(self, exp):
        lines = (exp / "ref.rttm").read_text()
        (exp / "ref.rttm").write_text(lines.replace(" a_1 ", " ann "))
        self.score(exp, "dec_mine")
        page, _ = self.results(exp)
        flat = re.sub(" +", " ", page)
        assert "| DEC, mine |" in flat and "| DEC, mine; rounds=1 \N{DAGGER} |" in flat
        result = run(
            "local/compare.py",
            *(exp / f"exp/{x}/test/score" for x in ("dec_mine", "dec_mine+rounds=1")),
        )
        assert (
            f"{exp}/ref.rttm had different contents when A and B were made from it" in result.stderr
        )

    def test_other_code(self, exp):
        record = exp / "exp/dec_mine/test/.made"
        made = json.loads(record.read_text())
        made["code"]["diar/dec/markov.py"] = "0" * 64
        record.write_text(json.dumps(made))
        compared = self.compared(exp)
        assert (
            "A and B were made by different code: diar/dec/markov.py of local/fit_dec.py"
            in compared.stderr
        )
        assert "A is out of date" in compared.stderr
        page, _ = self.results(exp)
        assert "was made by other code (diar/dec/markov.py)" in page

    def test_scores_by_hand_have_no_state(self, tmp_path):
        from small_scores import make_experiment

        make_experiment(tmp_path)
        scores = [tmp_path / f"exp/{name}/test/score" for name in ("dec_default", "ahc_oracle")]
        compared = run("local/compare.py", *scores)
        assert "Their settings are not known" in compared.stdout and compared.stderr == ""


def test_paths_of_variants_can_be_quoted_by_nobody():
    """Names of directories have no sign that a shell, an scp or a web page takes for something else."""
    result = run("./run.sh", "--plan", "--dec.a", "xy/z;&'\"<>|$`~*?[1]{2}")
    names = [Path(x) for x in re.findall(r"(?m) (exp/dec_default\S*)$", result.stdout)]
    assert names and all(re.fullmatch(r"[\w.+=/-]+", str(name)) for name in names)
