"""How the jobs of a step are run: what is kept of a killed run, and scripts of Kaldi's convention."""

import shutil

import pytest
import small_step
from command_line import run
from paths import ROOT

from kaldi_jobs import quoted, ranges

SCRIPT = ROOT / "tests/support/kaldi_script.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_step.make_data(tmp_path_factory.mktemp("small") / "data")


@pytest.fixture(scope="module")
def expected(root, data):
    """What the step makes when nothing happens."""
    out = data.parent / "undisturbed"
    result = small_step.run(root, data, out)
    assert result.returncode == 0, result.stderr
    return small_step.products(out)


class TestKilled:
    @pytest.fixture
    def killed(self, root, data, tmp_path):
        small_step.kill_when_all_but_one_are_done(root, data, tmp_path / "out")
        return tmp_path / "out"

    def test_only_what_is_missing_is_run_and_the_result_is_the_same(
        self, root, data, killed, expected
    ):
        (killed / ".config.yaml.x7").write_text("half a file that was killed")
        logs = {job: (killed / f"log/make_vad.{job}.log").stat().st_mtime_ns for job in (1, 2, 3)}
        result = small_step.run(root, data, killed)
        assert result.returncode == 0, result.stderr
        assert "make_vad.sh: 2 of 3 jobs had already finished\n" in result.stdout
        again = {job: (killed / f"log/make_vad.{job}.log").stat().st_mtime_ns for job in (1, 2, 3)}
        assert [job for job in logs if again[job] != logs[job]] == [2]
        assert small_step.products(killed) == expected
        assert "up to date" in small_step.run(root, data, killed).stdout

    @pytest.mark.parametrize("options", [["--nj", 2], ["--set", "energy.pad=0.01"]])
    def test_all_is_new_for_other_jobs_or_options(self, root, data, killed, tmp_path, options):
        result = small_step.run(root, data, killed, *options)
        assert result.returncode == 0, result.stderr
        assert "had already finished" not in result.stdout
        small_step.run(root, data, tmp_path / "fresh", *options)
        assert small_step.products(killed) == small_step.products(tmp_path / "fresh")

    def test_nothing_is_kept_of_a_directory_killed_while_it_was_emptied_or_finished(
        self, root, data, killed, expected
    ):
        (killed / "jobs/.key").unlink()  # what both remove first
        (killed / "jobs/1/segments").unlink()
        result = small_step.run(root, data, killed)
        assert result.returncode == 0 and "had already finished" not in result.stdout
        assert small_step.products(killed) == expected

    def test_the_second_run_may_be_by_another_launcher(self, root, data, killed, expected):
        result = small_step.run(root, data, killed, "--cmd", SCRIPT)
        assert result.returncode == 0, result.stderr
        assert (killed / "log/calls").read_text() == "JOB=2:2\n"
        assert small_step.products(killed) == expected


class TestKaldiScripts:
    def test_the_same_bytes_from_jobs_that_inherit_nothing(self, root, data, expected, tmp_path):
        out = tmp_path / "out"
        result = small_step.run(root, data, out, "--cmd", f"{SCRIPT} --mem 4G")
        assert (result.returncode, result.stderr) == (0, "")
        assert (out / "log/calls").read_text() == "--mem 4G JOB=1:3\n"
        assert "make_vad.sh: 4 recordings, 17 s of audio, " in result.stdout
        assert small_step.products(out) == expected

    def test_run_hands_it_on(self, data, expected, tmp_path):
        words = ["./run.sh", "--stage", 1, "--stop-stage", 1, "--vad", "energy", "--nj", 2]
        words += ["--data", data.parent, "--exp", tmp_path, "--cmd", f"{SCRIPT} --mem 4G"]
        for option in ("--train-set", "--dev-set", "--test-sets"):
            words += [option, data.name]
        result = run(*words)
        assert result.returncode == 0, result.stderr
        out = tmp_path / "vad_energy" / data.name
        assert (out / "log/calls").read_text() == "--mem 4G JOB=1:2\n"
        assert small_step.products(out) == expected

    def test_a_program_that_is_not_there(self, root, data, tmp_path):
        result = small_step.run(root, data, tmp_path / "out", "--cmd", "queue.pl --mem 4G")
        assert result.returncode == 1 and not (tmp_path / "out").exists()
        assert result.stderr == (
            "make_vad.sh: --cmd must be local, slurm, or a script in Kaldi's convention;"
            " no such program: 'queue.pl'\n"
        )

    def call(self, tmp_path, number, *command):
        jobs = ("--script", SCRIPT, f"JOB=1:{number}", tmp_path / "log/x.JOB.log")
        return run("local/kaldi_jobs.py", *jobs, *command)

    def test_arguments_arrive_as_they_are(self, tmp_path):
        words = [
            "",
            "a b",
            "$(touch hit) `touch hit`",
            "'\"",
            "*;&|",
            "é\n\t x",
            "[1, 2]",
            "JOB of 2",
        ]
        show = "import sys; print(ascii(sys.argv[1:]))"
        result = self.call(tmp_path, 2, "python", "-c", show, *words)
        assert result.returncode == 0, result.stderr
        for job in (1, 2):
            shown = (tmp_path / f"log/x.{job}.log").read_text().splitlines()
            assert shown[-2] == ascii([*words[:-1], f"{job} of 2"])

    def test_the_environment_is_that_of_the_recipe(self, root, tmp_path):
        show = 'echo "$PWD $OMP_NUM_THREADS $OMP_WAIT_POLICY $(command -v python)"'
        assert self.call(tmp_path, 1, "bash", "-c", show).returncode == 0
        line = (tmp_path / "log/x.1.log").read_text().splitlines()[-2]
        assert line == f"{root} 1 PASSIVE {root}/.venv/bin/python"

    def test_a_job_that_fails_is_named(self, tmp_path):
        (tmp_path / "jobs/2").mkdir(parents=True)
        (tmp_path / "jobs/2/finished").write_text("")
        script = "[ JOB != 3 ] || { echo no such wav; exit 3; }; touch $0/JOB; touch $0/../jobs/JOB/finished"
        for job in (1, 3):
            (tmp_path / f"jobs/{job}").mkdir()
        (tmp_path / "ran").mkdir()
        result = self.call(tmp_path, 3, "bash", "-c", script, tmp_path / "ran")
        assert result.returncode == 1
        said = result.stderr.splitlines()
        assert (
            said[-1]
            == f"kaldi_jobs.py: {SCRIPT}: status 1: no such wav (log: {tmp_path}/log/x.3.log)"
        )
        assert sorted(path.name for path in (tmp_path / "ran").iterdir()) == ["1"]

    def test_ranges(self):
        assert ranges([]) == []
        assert ranges([1, 2, 3]) == [(1, 3)]
        assert ranges([2, 5, 6, 9]) == [(2, 2), (5, 6), (9, 9)]

    def test_plain_words_stay_readable(self):
        assert quoted("exp/a_b-c.JOB:1,2=3%+@") == "exp/a_b-c.JOB:1,2=3%+@"
        assert quoted("a b") == r"$'a\x20b'"


def test_an_interrupted_directory_with_blanks_in_its_name(root, data, expected, tmp_path):
    shutil.copytree(data, tmp_path / "my data")
    out = tmp_path / "my [out]"
    small_step.kill_when_all_but_one_are_done(root, data, out)
    result = small_step.run(root, data, out)
    assert result.returncode == 0 and "2 of 3 jobs had already finished" in result.stdout
    assert small_step.products(out) == expected
