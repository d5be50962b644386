"""The shell side: options, directories that are done or not, parallel jobs, and the scoring step."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import WITH_OPTIONS, run
from paths import ROOT
from small_step import wait_for


class TestOptions:
    SCRIPT = f"""#!/usr/bin/env bash
# Does a thing.
#
# Usage: thing.sh [options] <in>

set -euo pipefail
num_spk=2
fast=false
name=none
value=nothing
line=
overrides=
_root={ROOT} _script=$0 _name=${{0##*/}}
environment() {{ :; }}
. {ROOT}/steps/lib/parse_options.sh
echo "num_spk=$num_spk fast=$fast name=$name value=$value line=$line overrides=$overrides rest=$*"
"""

    @pytest.fixture
    def thing(self, tmp_path):
        script = tmp_path / "thing.sh"
        script.write_text(self.SCRIPT)
        return lambda *options: run("bash", script, *options, cwd=tmp_path)

    def shown(self, result):
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    DEFAULTS = "num_spk=2 fast=false name=none value=nothing line= overrides= rest="

    @pytest.mark.parametrize(
        ("options", "old", "new"),
        [
            ([], "rest=", "rest="),
            (["--num-spk", "4"], "num_spk=2", "num_spk=4"),
            (["--num_spk", "4"], "num_spk=2", "num_spk=4"),
            (["--num-spk=4"], "num_spk=2", "num_spk=4"),
            (["--num-spk="], "num_spk=2", "num_spk="),
            (["--line", "a=b c"], "line=", "line=a=b c"),
            (["--line=a=b"], "line=", "line=a=b"),
            (["--name", "x"], "name=none", "name=x"),
            (["--value", "x"], "value=nothing", "value=x"),
            (["--fast", "true"], "fast=false", "fast=true"),
            (["--fast"], "fast=false", "fast=true"),
            (["--dec.niter", "80", "--dec.lr-cc=1"], "overrides=", "overrides=dec.niter=80 dec.lr_cc=1"),
            (["a", "--num-spk", "4"], "rest=", "rest=a --num-spk 4"),
            (["--fast", "true", "--", "--x"], "fast=false", "fast=true"),
        ],
    )  # fmt: skip
    def test_values(self, thing, options, old, new):
        expected = self.DEFAULTS.replace(old, new)
        if "--" in options:
            expected += "--x"
        assert self.shown(thing(*options)) == expected

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--num-speakers", "4"], "thing.sh: unknown option --num-speakers (try --help)"),
            (["--overrides", "x"], "thing.sh: unknown option --overrides (try --help)"),
            (["--PATH", "x"], "thing.sh: unknown option --PATH (try --help)"),
            (["-n", "4"], "thing.sh: unknown option -n (try --help)"),
            (["--fast", "yes"], "thing.sh: --fast must be true or false, not 'yes' (try --help)"),
            (["--fast="], "thing.sh: --fast must be true or false, not '' (try --help)"),
            (["--fast", "x"], "thing.sh: --fast must be true or false, not 'x' (try --help)"),
            (["--num-spk"], "thing.sh: --num-spk needs a value (try --help)"),
            (["--config"], "thing.sh: --config needs a file (try --help)"),
            (["--config", "none"], "thing.sh: no such options file: none (try --help)"),
            (["--$(touch hit)", "x"], "thing.sh: unknown option --$(touch hit) (try --help)"),
        ],
    )
    def test_mistakes(self, thing, options, message, tmp_path):
        result = thing(*options)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.strip() == message
        assert not (tmp_path / "hit").exists()

    def test_config_file_in_its_place(self, thing, tmp_path):
        (tmp_path / "x.conf").write_text(
            '# options\n\n num_spk=7  # seven\nname="a b"\nline=$(touch hit)\nvalue=x\ndec.niter=3'
        )
        expected = "num_spk=9 fast=false name=a b value=x line=$(touch hit) overrides=dec.niter=3"
        for form in (["--config", "x.conf"], ["--config=x.conf"]):
            assert self.shown(thing(*form, "--num-spk", "9")) == f"{expected} rest="
            assert "num_spk=7" in self.shown(thing("--num-spk", "9", *form))
        assert not (tmp_path / "hit").exists()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("nspk=3", "x.conf:2: unknown option --nspk"),
            ("fast=1", "x.conf:2: --fast must be true or false, not '1'"),
            ("num_spk 3", "x.conf:2: expected name=value, found 'num_spk 3'"),
        ],
    )
    def test_mistakes_in_config_files(self, thing, tmp_path, line, message):
        (tmp_path / "x.conf").write_text(f"num_spk=3\n{line}\n")
        result = thing("--config", "x.conf")
        assert result.returncode == 1
        assert message in result.stderr

    def test_dots_are_unknown_without_overrides(self, tmp_path):
        script = tmp_path / "thing.sh"
        script.write_text(self.SCRIPT.replace("overrides=\n", "", 1))
        result = run("bash", script, "--dec.niter", "3")
        assert result.returncode == 1 and "unknown option --dec.niter" in result.stderr

    def test_help_is_the_head_of_the_script(self, thing):
        expected = (
            "Does a thing.\n\nUsage: thing.sh [options] <in>\n\nEvery script also takes --config"
        )
        assert self.shown(thing("--help")).startswith(expected)
        assert self.shown(thing("--num-spk", "3", "-h")).count("\nExit status: ") == 1

    def test_true_needs_no_word_before_another_option(self, thing):
        assert "num_spk=3 fast=true" in self.shown(thing("--fast", "--num-spk", "3"))

    def test_help_says_the_defaults_that_there_are(self, tmp_path):
        script = tmp_path / "thing.sh"
        lines = "# Usage: x\n#\n#   --num-spk N  so many (default $num_spk), $_all, $other\n"
        text = self.SCRIPT.replace("# Usage: thing.sh [options] <in>\n", lines)
        text = text.replace("num_spk=2\n", "num_spk=2 _all=(1 2)\n_defaults=x.conf\n")
        script.write_text(text)
        (tmp_path / "x.conf").write_text("num_spk=7\n")
        shown = self.shown(run("bash", script, "--num-spk", "3", "--help", cwd=tmp_path))
        assert "  --num-spk N  so many (default 7), 1 2, $other\n" in shown
        assert "num_spk=7 " in self.shown(run("bash", script, cwd=tmp_path))

    @pytest.mark.parametrize("name", WITH_OPTIONS)
    def test_no_help_types_a_default_again(self, name):
        head = re.match(r"(?s).*?\n\n", (ROOT / name).read_text())[0]
        typed = {d for d in re.findall(r"\(default:? ([^)]*)\)", head) if "$" not in d}
        in_words = {"estimated", "as configured", "true, with --audio-dir false", "false"}
        assert typed <= in_words | {"exp/accuracy_<vad>"}

    def test_a_script_may_have_an_exit_status_of_its_own(self, tmp_path):
        script = tmp_path / "thing.sh"
        script.write_text(self.SCRIPT.replace("[options] <in>\n", "<in>\n#\n# Exit status: 7.\n"))
        expected = "Does a thing.\n\nUsage: thing.sh <in>\n\nExit status: 7."
        assert self.shown(run("bash", script, "--help")) == expected

    def test_help_of_a_script_whose_name_is_elsewhere_too(self):
        """benchmarks/jobs/run.sh goes to the recipe's directory, where there is a run.sh, too."""
        result = run("./run.sh", "--help", cwd=ROOT / "benchmarks/jobs")
        assert "Usage: benchmarks/jobs/run.sh" in self.shown(result)

    def test_steps_run_from_the_recipes_directory_only(self, tmp_path):
        result = run(ROOT / "steps/score.sh", "a", "b", "c", cwd=tmp_path)
        assert result.returncode == 1
        assert result.stderr.strip() == f"score.sh: run it from the recipe's directory: cd {ROOT}"
        result = run("steps/score.sh", "--help")
        assert "Usage: steps/score.sh" in self.shown(result)


class TestSteps:
    """begin and finish, in a small recipe of their own."""

    @pytest.fixture
    def recipe(self, tmp_path):
        for name in ("steps/lib", "local/diar"):
            (tmp_path / name).mkdir(parents=True)
        for name in ("common.sh", "parse_options.sh"):
            shutil.copy(ROOT / "steps/lib" / name, tmp_path / "steps/lib")
        for name in ("step_key.py", "step_code.py", "step_state.py"):
            shutil.copy(ROOT / "local" / name, tmp_path / "local")
        (tmp_path / "path.sh").write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
        (tmp_path / "local/diar/__init__.py").write_text("")
        (tmp_path / "local/diar/part.py").write_text("FACTOR = 2\n")
        (tmp_path / "local/work.py").write_text(
            "import sys\nfrom diar import part\n"
            "source, out = sys.argv[1:]\n"
            "open(out, 'w').write(open(source).read() * part.FACTOR)\n"
        )
        (tmp_path / "steps/work.sh").write_text(
            "#!/usr/bin/env bash\n"
            '. "$(dirname "$0")/lib/common.sh"\n'
            "pause=0\nlevel=1\n. steps/lib/parse_options.sh\n"
            'need "$1" "the input"\n'
            'begin "$2" local/work.py "$level" "$1" || exit 0\n'
            'python local/work.py "$1" "$2/result"\n'
            'touch "$2/half"; sleep "$pause"; echo worked\n'
            'finish "$2"\n'
        )
        (tmp_path / "in").write_text("x")
        return tmp_path

    def work(self, recipe, *options):
        result = run("bash", "steps/work.sh", *options, "in", "exp/out", cwd=recipe)
        assert result.returncode == 0, result.stderr
        return "worked" in result.stdout

    def test_done_is_not_done_again(self, recipe):
        assert self.work(recipe)
        assert (recipe / "exp/out/result").read_text() == "xx"
        assert not self.work(recipe)

    def test_changes_are_noticed(self, recipe):
        assert self.work(recipe)
        (recipe / "exp/out/stale").write_text("")
        (recipe / "in").write_text("y")
        assert self.work(recipe)
        assert (recipe / "exp/out/result").read_text() == "yy"
        assert not (recipe / "exp/out/stale").exists()
        (recipe / "local/diar/part.py").write_text(
            "FACTOR = 3  # not 2\n"
        )  # another size: no stale .pyc
        assert self.work(recipe)
        assert (recipe / "exp/out/result").read_text() == "yyy"
        assert self.work(recipe, "--level", "2")
        assert not self.work(recipe, "--level", "2")

    def test_words_without_meaning_are_not(self, recipe):
        assert self.work(recipe)
        program = (recipe / "local/work.py").read_text()
        (recipe / "local/work.py").write_text(f'"""Works."""\n\n{program}  # and that is all\n')
        assert not self.work(recipe)

    def test_code_that_is_not_imported_does_not_matter(self, recipe):
        assert self.work(recipe)
        (recipe / "local/diar/other.py").write_text("A = 1\n")
        assert not self.work(recipe)

    def test_touching_without_changing_does_not_matter(self, recipe):
        assert self.work(recipe)
        os.utime(recipe / "in")
        assert not self.work(recipe)

    def test_directories_count_by_their_key_or_their_files(self, recipe):
        (recipe / "dir").mkdir()
        (recipe / "dir/a").write_text("1")

        def key():
            result = run("local/step_key.py", "local/work.py", "", "dir", cwd=recipe)
            assert result.returncode == 0
            return result.stdout

        first = key()
        (recipe / "dir/a").write_text("2")
        second = key()
        (recipe / "dir/.done").write_text("")  # of somebody else: only a file
        (recipe / "dir/a").write_text("2b")
        assert key() not in (first, second)
        for name in (".begun", ".done"):
            (recipe / "dir" / name).write_text("k")
        third = key()
        (recipe / "dir/a").write_text("3")
        assert len({first, second, third}) == 3
        assert key() == third

    def test_nothing_is_locked_where_nothing_is_done(self, recipe):
        assert self.work(recipe)
        (recipe / "exp/.out.lock").unlink()
        assert not self.work(recipe)
        assert not (recipe / "exp/.out.lock").exists()

    @pytest.mark.parametrize("blank", [" ", "\t", "  "])
    def test_files_that_an_scp_names_count(self, recipe, blank):
        (recipe / "dir").mkdir()
        (recipe / "dir/a.ark").write_text("1")
        (recipe / "x.scp").write_text(f"u{blank}dir/a.ark:5\n")

        def key():
            return run("local/step_key.py", "local/work.py", "", "x.scp", cwd=recipe).stdout

        first = key()
        assert key() == first
        (recipe / "dir/a.ark").write_text("12")
        assert key() != first

    def test_killed_half_way_is_done_again(self, recipe):
        process = subprocess.Popen(
            ["bash", "steps/work.sh", "--pause", "60", "in", "exp/out"],
            cwd=recipe, start_new_session=True,
        )  # fmt: skip
        wait_for((recipe / "exp/out/half").exists)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert (recipe / "exp/out/.begun").exists()
        assert not (recipe / "exp/out/.done").exists()
        (recipe / "exp/out/half").unlink()
        assert self.work(recipe)
        assert not self.work(recipe)

    def test_redoing_takes_the_mark_away_first(self, recipe):
        """Killed while it is remade, the old result must not pass for done."""
        assert self.work(recipe)
        (recipe / "in").write_text("y")
        process = subprocess.Popen(
            ["bash", "steps/work.sh", "--pause", "60", "in", "exp/out"],
            cwd=recipe, start_new_session=True,
        )  # fmt: skip
        wait_for(lambda: (recipe / "exp/out/result").exists()
                 and (recipe / "exp/out/result").read_text() == "yy")  # fmt: skip
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        (recipe / "in").write_text("x")
        assert self.work(recipe)
        assert (recipe / "exp/out/result").read_text() == "xx"

    def test_foreign_directories_are_not_touched(self, recipe):
        (recipe / "exp/out").mkdir(parents=True)
        (recipe / "exp/out/thesis.tex").write_text("years of work")
        result = run("bash", "steps/work.sh", "in", "exp/out", cwd=recipe)
        assert result.returncode == 1
        assert "holds files that this recipe did not make" in result.stderr
        assert (recipe / "exp/out/thesis.tex").read_text() == "years of work"

    def test_missing_input_and_unwritable_output(self, recipe):
        result = run("bash", "steps/work.sh", "none", "exp/out", cwd=recipe)
        assert result.returncode == 1
        assert result.stderr == "work.sh: no such file: none (the input)\n"
        (recipe / "exp").write_text("a file where a directory should be")
        result = run("bash", "steps/work.sh", "in", "exp/out", cwd=recipe)
        assert result.returncode == 1
        assert result.stderr.endswith("work.sh: cannot write to exp\n")

    def test_failures_of_single_recordings_are_told(self, recipe):
        step = (recipe / "steps/work.sh").read_text()
        (recipe / "steps/work.sh").write_text(
            step.replace("finish", 'echo "rec1 no audio" >"$2/failed"\nfinish')
        )
        result = run("bash", "steps/work.sh", "in", "exp/out", cwd=recipe)
        assert result.returncode == 1
        assert "1 recording(s) failed, the others are done; see exp/out/failed" in result.stderr
        assert (recipe / "exp/out/.done").exists()


class TestJobs:
    def jobs(self, tmp_path, number, script):
        return [sys.executable, ROOT / "local/run_jobs.py", f"JOB=1:{number}",
                tmp_path / "log/x.JOB.log", "bash", "-c", script]  # fmt: skip

    def test_logs_open_with_the_command(self, tmp_path):
        result = run(*self.jobs(tmp_path, 3, "echo job JOB; echo trouble >&2"))
        assert (result.returncode, result.stderr) == (0, "")
        for job in (1, 2, 3):
            log = (tmp_path / f"log/x.{job}.log").read_text()
            assert log == f"# bash -c 'echo job {job}; echo trouble >&2'\njob {job}\ntrouble\n"

    def test_only_the_failing_job_is_named(self, tmp_path):
        start = time.monotonic()
        script = "[ JOB = 1 ] && exec sleep 60; sleep 0.3; echo 'no such wav'; exit 3"
        result = run(*self.jobs(tmp_path, 2, script))
        assert time.monotonic() - start < 30
        assert result.returncode == 1
        assert result.stderr.splitlines() == [
            f"run_jobs.py: status 3: no such wav (log: {tmp_path}/log/x.2.log)"
        ]

    def test_a_killed_job_is_a_failure(self, tmp_path):
        result = run(*self.jobs(tmp_path, 1, "kill -9 $$"))
        assert result.returncode == 1
        assert "killed by signal 9" in result.stderr

    def test_wrong_usage(self, tmp_path):
        for first in ("JOB=1:0", "JOB=2", "4"):
            command = self.jobs(tmp_path, 1, "true")
            command[2] = first
            result = run(*command)
            assert result.returncode == 2 and "usage: run_jobs.py" in result.stderr
        command = [*self.jobs(tmp_path, 1, "")[:4], "no-such-program"]
        result = run(*command)
        assert result.returncode == 1
        assert result.stderr.startswith("run_jobs.py: cannot run no-such-program")

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_no_job_outlives_an_interrupt(self, tmp_path, number):
        script = f"echo $$ >{tmp_path}/pid.JOB.tmp; mv {tmp_path}/pid.JOB.tmp {tmp_path}/pid.JOB; exec sleep 60"
        process = subprocess.Popen(
            [str(x) for x in self.jobs(tmp_path, 2, script)], stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip  # tests that run in the background have SIGINT ignored
        pids = [tmp_path / f"pid.{job}" for job in (1, 2)]
        wait_for(lambda: all(pid.exists() for pid in pids))
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == (143 if number == signal.SIGTERM else -number)
        assert stderr == ""
        wait_for(lambda: not any(alive(int(pid.read_text())) for pid in pids))


def alive(pid):
    """The process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestScoring:
    """steps/score.sh as a user meets it."""

    LINE = "SPEAKER {} 1 {} {} <NA> <NA> {} <NA> <NA>\n"

    @pytest.fixture
    def files(self, tmp_path):
        ref = self.LINE.format("a", 0, 10, "A") + self.LINE.format("b", 0, 10, "A")
        (tmp_path / "ref.rttm").write_text(ref)
        (tmp_path / "hyp").write_text(self.LINE.format("a", 0, 10, "x"))
        return tmp_path

    def score(self, files, *options, hyp="hyp"):
        return run("steps/score.sh", *options, files / "ref.rttm", files / hyp, files / "score")

    def test_products_and_the_second_run(self, files):
        first = self.score(files)
        assert first.returncode == 0, first.stderr
        assert "scored as all missed: 1 recording(s): b." in first.stdout
        assert "No UEM" in first.stdout
        summary = json.loads((files / "score/summary.json").read_text())
        assert summary["missing"] == ["b"]
        assert summary["command"].startswith("steps/score.sh /")
        assert summary["protocols"]["full"]["der_%"] == 50
        assert summary["protocols"]["full"]["miss_s"] == 10
        rows = [x.split("\t") for x in (files / "score/per_recording.tsv").read_text().splitlines()]
        assert len({len(row) for row in rows}) == 1
        table = {(row[0], row[1]): dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
        assert len(table) == 4 * 3
        assert table["full", "b"]["der_%"] == "100.000"
        assert table["full", "TOTAL"]["der_%"] == "50.000"
        assert table["paper", "TOTAL"]["scored_s"] == "19.500"
        again = self.score(files)
        assert "is up to date" in again.stdout
        assert first.stdout.strip() in again.stdout

    def test_uem_beside_the_reference_is_taken(self, files):
        (files / "all.uem").write_text("a 1 0 20\nb 1 0 5\n")
        assert self.score(files).returncode == 0
        summary = json.loads((files / "score/summary.json").read_text())
        assert (summary["uem"], summary["derived_uem"]) == (str(files / "all.uem"), False)
        assert summary["protocols"]["full"]["scored_s"] == 15

    def test_directories_and_recordings_without_speech(self, files):
        for side in ("refs", "hyps"):
            (files / side).mkdir()
            (files / side / "a.rttm").write_text(self.LINE.format("a", 0, 10, "A"))
            (files / side / "quiet.rttm").write_text("")
        result = run("steps/score.sh", files / "refs", files / "hyps", files / "score")
        assert result.returncode == 0, result.stderr
        summary = json.loads((files / "score/summary.json").read_text())
        assert (summary["recordings"], summary["missing"]) == (2, [])
        assert summary["silent"] == ["quiet"]
        assert summary["protocols"]["full"]["der_%"] == 0

    def test_extra_recordings_are_refused_unless_allowed(self, files):
        (files / "hyp").write_text(self.LINE.format("c", 0, 10, "x"))
        result = self.score(files)
        assert result.returncode == 1
        assert result.stderr.splitlines() == [
            "score.py: only in the hypothesis, not in the reference: 1 recording(s): c"
        ]
        result = self.score(files, "--allow-extra", "true")
        assert result.returncode == 0
        assert "Only in the hypothesis, left out: 1 recording(s): c." in result.stdout

    def test_bad_lines_and_missing_files(self, files):
        with open(files / "hyp", "a") as stream:
            stream.write(self.LINE.format("a", 5, -1, "x"))
        result = self.score(files)
        assert result.returncode == 1
        assert result.stderr == f"score.py: {files}/hyp:2: negative duration -1\n"
        result = self.score(files, hyp="none")
        assert result.returncode == 1
        assert result.stderr.startswith(f"score.sh: no such file: {files}/none")
        assert not (files / "score/.done").exists()
        assert run("steps/score.sh", files / "hyp").returncode == 1

    def test_whatever_was_passed_over_or_put_together_is_said(self, files):
        with open(files / "hyp", "a") as stream:
            stream.write("SPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA> <NA>\n;; a comment\n")
            stream.write(self.LINE.format("a", 5, 10, "x"))
            stream.write(self.LINE.format("b", 0, 5, "x") + self.LINE.format("b", 5, 5, "y"))
            stream.write("SPEAKER b 2 12 1 <NA> <NA> x <NA>\n")
            stream.write(self.LINE.format("b", 7, 0, "z"))
        (files / "all.uem").write_text("a 1 0 10\nb 1 0 10\n")
        result = self.score(files)
        assert result.returncode == 0, result.stderr
        for note in (
            "1 line(s) of the hypothesis other than SPEAKER, ignored: SPKR-INFO 1.",
            "1 turn(s) of zero length in the hypothesis, left out: 1 recording(s): b.",
            "1 turn(s) of the hypothesis overlapped others of the same speaker and were merged.",
            "Turns of several channels in the hypothesis, merged: 1 recording(s): b.",
            "after the end of the UEM, which does not count: 2 recording(s): a, b.",
        ):
            assert note in result.stdout
        page = (files / "score/results.md").read_text()
        assert "| speakers | found 1 | found 2 |" in page
        assert "| 1        |       1 |       1 |" in page

    def test_md_eval_is_named_where_it_would_say_something_else(self, files):
        # x talks most with A, but only where B overlaps: without that, x is C
        spans = [("ref.rttm", 0, 3, "A"), ("ref.rttm", 0, 3, "B"), ("ref.rttm", 5, 2, "C")]
        spans += [("hyp", 0, 3, "x"), ("hyp", 5, 2, "x")]
        for file in ("ref.rttm", "hyp"):
            text = "".join(self.LINE.format("a", *rest) for name, *rest in spans if name == file)
            (files / file).write_text(text)
        assert "md-eval, which pairs the speakers" in self.score(files).stdout
        summary = json.loads((files / "score/summary.json").read_text())
        assert summary["protocols"]["forgiving"]["der_%"] == 0
        assert summary["protocols"]["forgiving"]["der_md_eval_%"] == 100

    def test_own_protocols(self, files):
        (files / "own.yaml").write_text("protocols: {mine: {collar: 1, overlap: in, words: w}}")
        assert self.score(files, "--scoring-config", files / "own.yaml").returncode == 0
        summary = json.loads((files / "score/summary.json").read_text())
        assert list(summary["protocols"]) == ["mine"]
        assert summary["protocols"]["mine"]["scored_s"] == 16

    def test_results_page(self, files):
        exp = files / "exp"
        out = exp / "mine/test/score"
        assert run("steps/score.sh", files / "ref.rttm", files / "hyp", out).returncode == 0
        for system in ("dec_default", "ahc_oracle"):
            shutil.copytree(exp / "mine", exp / system)
        (exp / "vad_silero/test/score").mkdir(parents=True)
        (exp / "vad_silero/test/score/vad_score.json").write_text(
            '{"miss": 1.25, "fa": 2.5, "speech_s": 100}'
        )
        result = run("local/make_results.py", exp, files / "R.md")
        assert result.returncode == 0, result.stderr
        page = (files / "R.md").read_text()
        rows = [line.split("|")[1].strip() for line in result.stdout.splitlines() if "|" in line]
        assert rows[2:] == ["DEC, default", "AHC, count known", "mine"]
        assert "| silero | test |" in page and "2.50 |" in page
        assert f"`steps/score.sh {files}/ref.rttm {files}/hyp {exp}/mine/test/score`" in page
        assert "23.93" in page and "misprinted as 23.39" in page and "Not measured here" in page
        result = run("local/make_results.py", files / "none", files / "R.md")
        assert result.returncode == 1 and "per_recording.tsv below it" in result.stderr


@pytest.mark.parametrize("step", sorted(p.name for p in (ROOT / "steps").glob("[!_]*.sh")))
def test_help_of_every_step_in_a_bare_environment(step, tmp_path):
    text = (ROOT / "steps" / step).read_text()
    if not text.startswith("#!"):
        pytest.skip("sourced, not run")
    clean = {name: os.environ[name] for name in ("PATH", "HOME")}
    result = run(ROOT / "steps" / step, "--help", cwd=tmp_path, env=clean)
    assert result.returncode == 0, result.stderr
    assert "Usage: steps/" + step in result.stdout


def test_scp_never_runs_a_command(tmp_path):
    from diar.base.errors import DataError
    from diar.kaldi.arks import Scp

    for target in ("x;touch${IFS}evil |[0:1]", "touch evil |:0", "touch evil |"):
        (tmp_path / "a.scp").write_text(f"id {target}\n")
        with pytest.raises(DataError, match="expected"):
            Scp(tmp_path / "a.scp")
    assert not (tmp_path / "evil").exists()


def test_output_onto_input_is_refused_and_harmless(tmp_path):
    (tmp_path / "xv").mkdir()
    (tmp_path / "xv/xvector.scp").write_text("")
    (tmp_path / "xv/segments").write_text("")
    (tmp_path / "xv/.begun").write_text("")
    result = run("steps/cluster.sh", tmp_path / "xv", tmp_path / "xv")
    assert result.returncode == 1 and "is both input and output" in result.stderr
    assert (tmp_path / "xv/segments").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stage", "9"), "there is no stage 9: stages are 0 to 7"),
        (("--nj", "x"), "--nj must be a whole number"),
        (("--vad", "ears"), "--vad must be combined, "),
        (("--corpus", "kaldi"), "needs --test-data"),
        (("nonsense",), "unexpected argument"),
    ],
)
def test_a_mistake_is_said_before_anything_is_installed(tmp_path, options, said):
    for name in ("run.sh", "path.sh"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("steps", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name)
    clean = {name: os.environ[name] for name in ("PATH", "HOME")}
    result = run(tmp_path / "run.sh", *options, cwd=tmp_path, env=clean)
    assert result.returncode == 1 and said in result.stderr
    assert not (tmp_path / ".venv").exists()
