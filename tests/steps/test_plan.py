"""./run.sh --plan, the stages and the help of run.sh, without a whole experiment."""

import os
import re
import shutil
from functools import partial

import command_line
import pytest
import small_step
from paths import ROOT

run = partial(command_line.run, "./run.sh")

STATES = ("up to date", "out of date", "missing")


def plan(*options, **kwargs):
    """What --plan says: {directory: (state, step, what it reads)}."""
    result = run(*options, "--plan", **kwargs)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    pattern = rf"(?m)^({'|'.join(STATES)}) +(\S+)\n +(\S+) reads (.*)$"
    return {
        out: (state, step, reads) for state, out, step, reads in re.findall(pattern, result.stdout)
    }


def tree(folder):
    """Every path below a folder, with its times."""
    return {
        path: (path.lstat().st_mtime_ns, path.lstat().st_ino)
        for path in folder.rglob("*")
        if ".git" not in path.parts and "__pycache__" not in path.parts
    }


class TestBeforeAnything:
    @pytest.fixture
    def clone(self, tmp_path):
        """A recipe in which nothing was ever run; path.sh would fail to install."""
        ignore = shutil.ignore_patterns(".*", "__pycache__", "data", "exp", "*.safetensors")
        shutil.copytree(ROOT, tmp_path / "clone", ignore=ignore)
        return tmp_path / "clone"

    def test_it_knows_the_whole_way_and_writes_nothing(self, clone):
        before = tree(clone)
        found = plan(
            cwd=clone, env={"PATH": os.environ["PATH"], "HOME": str(clone), "PYTHON": "none"}
        )
        assert tree(clone) == before
        assert {state for state, *_ in found.values()} == {"missing"}
        for out in ("data/test", "exp/vad_combined/train/score", "exp/xvectors_campplus_paper/dev",
                    "exp/ae_paper", "exp/dec_default/real_sample", "exp/dec_paper/test/score",
                    "exp/kmeans_oracle/dev", "exp/ae_default/probe", "exp/report"):  # fmt: skip
            assert out in found
        assert found["exp/dec_default/test"] == (
            "missing", "fit_dec.sh",
            "conf/dec.yaml exp/xvectors_campplus/test exp/ae_default/model.safetensors"
            " exp/local_speakers/test",
        )  # fmt: skip
        assert "exp/*/test" in found["exp/report"][2]

    def test_help_installs_nothing(self, clone):
        before = tree(clone)
        assert "Usage: ./run.sh" in run("--help", cwd=clone).stdout
        assert run("--colour", "red", cwd=clone).returncode == 1
        assert tree(clone) == before

    @pytest.mark.parametrize("corpus", ["ami", "voxconverse", "callhome", "dihard3"])
    def test_of_a_public_corpus(self, clone, corpus):
        options = ("--corpus", corpus, "--audio-dir", "nowhere")
        before = tree(clone)
        found = plan(*options, "--stop-stage", "1", cwd=clone)
        assert found[f"exp/{corpus}/vad_combined/{plan_set(corpus)}"][0] == "missing"
        assert tree(clone) == before


def plan_set(corpus):
    """One of the sets of a corpus."""
    text = (ROOT / f"conf/{corpus}.conf").read_text()
    return re.search(r'(?m)^test_sets="?(\w+)', text)[1]


class TestStates:
    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        """Two sets of noise with a reference, and their VAD by energy."""
        folder = tmp_path_factory.mktemp("planned")
        for name in ("train", "test"):
            data = small_step.make_data(folder / "data" / name)
            lines = [f"SPEAKER {r} 1 0 1 <NA> <NA> A <NA> <NA>\n" for r in "abcd"]
            (data / "ref.rttm").write_text("".join(lines))
        result = run(*self.options(folder))
        assert result.returncode == 0, result.stderr
        return folder

    def options(self, folder):
        return [
            "--data", folder / "data", "--exp", folder / "exp", "--vad", "energy", "--nj", 1,
            "--train-set", "train", "--dev-set", "", "--test-sets", "test",
            "--stage", 1, "--stop-stage", 1, "--overlap", "false",
        ]  # fmt: skip

    def states(self, folder, *options):
        before = tree(folder)
        found = plan(*self.options(folder), *options)
        assert tree(folder) == before
        start = f"{folder}/exp/vad_energy/"
        return {out.removeprefix(start): state for out, (state, *_) in found.items()}

    def test_done(self, folder):
        assert set(self.states(folder).values()) == {"up to date"}

    def test_an_option_changes(self, folder):
        found = plan(*self.options(folder), "--vad.min_speech", "0.3")
        assert {state for state, *_ in found.values()} == {"missing"}, "a variant"
        assert f"{folder}/exp/vad_energy+min_speech=0.3/test/score" in found

    def test_a_configuration_changes(self, folder):
        done = folder / "exp/vad_energy/test/.done"
        key = done.read_text()
        done.write_text(f"{'0' * 64}\n")
        states = self.states(folder)
        done.write_text(key)
        assert states["test"] == states["test/score"] == "out of date", "scores, too"

    def test_an_input_changes(self, folder):
        path = folder / "data/test/ref.rttm"
        text = path.read_text()
        path.write_text(text.replace("A", "B"))
        states = self.states(folder)
        path.write_text(text)
        assert states.pop("test/score") == "out of date"
        assert set(states.values()) == {"up to date"}

    def test_a_directory_goes(self, folder):
        path = folder / "exp/vad_energy/test"
        path.rename(folder / "away")
        states = self.states(folder)
        (folder / "away").rename(path)
        assert states["test"] == states["test/score"] == "missing"
        assert states["train"] == states["train/score"] == "up to date"

    def test_an_unfinished_one(self, folder):
        done = folder / "exp/vad_energy/test/.done"
        text = done.read_text()
        done.unlink()
        states = self.states(folder)
        done.write_text(text)
        assert states["test"] == "missing"
        assert states["test/score"] == "out of date"

    def test_who_has_seen_enough(self, folder):
        command = "./run.sh --plan | head -n 2; echo ${PIPESTATUS[1]}"
        result = command_line.run("bash", "-c", command)
        assert "Traceback" not in result.stderr


class TestStages:
    @pytest.mark.parametrize(
        "options, said",
        [
            (["--stage", "9"], "there is no stage 9: stages are 0 to 7"),
            (["--stop-stage", "8"], "there is no stage 8: stages are 0 to 7"),
            (["--stage", "x"], "--stage and --stop-stage must be numbers"),
            (["--corpus", "none"], "choose from ami, callhome, dihard3, kaldi, mini, voxconverse"),
            (["--min-spk", "0"], "--min-spk must be a whole number of at least 1, not '0'"),
            (["--min-spk", "4", "--max-spk", "3"], "--min-spk 4 is more than --max-spk 3"),
            (["--num-spk", "many"], "--num-spk must be a whole number of at least 1, or oracle"),
        ],
    )
    def test_what_there_is_is_said(self, options, said):
        result = run(*options)
        assert result.returncode == 1 and said in result.stderr
        assert result.stderr.count("\n") == 1

    def test_steps_know_no_oracle(self, tmp_path):
        (tmp_path / "xvector.scp").write_text("")
        words = ["steps/cluster.sh", "--num-spk", "oracle", tmp_path, tmp_path / "out"]
        result = command_line.run(*words)
        assert "--num-spk must be a whole number of at least 1, not 'oracle'" in result.stderr

    def test_time_and_expected_time(self, tmp_path):
        options = ["--data", tmp_path, "--exp", tmp_path / "exp", "--stage", 5, "--stop-stage", 5]
        result = run(*options, "--train-set", "", "--dev-set", "", "--test-sets", "")
        assert re.search(r"(?m)^=== stage 5, \d\d:\d\d:\d\d: scores: .* \(mini on two cores: \d+ s\)$",
                         result.stdout)  # fmt: skip
        assert re.search(r"mini takes about \d+ minutes on two cores", result.stdout)

    def test_help_says_the_defaults_of_a_corpus(self):
        assert re.search(
            r"--data DIR .*\(default data/ami\)", run("--corpus", "ami", "--help").stdout
        )
        text = run("--nj", "3", "--help").stdout
        assert re.search(r"--data DIR .*\(default data\)", text) and "$" not in text
