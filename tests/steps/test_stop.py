"""Workers that are stopped, hang or do not listen: a word of them, and their end; what holds a lock."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import small_step
from paths import ROOT
from short_patience import start
from small_step import processes, wait_for

DEAF = "trap '' TERM; (trap '' TERM; exec sleep 1234.{0}) & echo deaf; while :; do sleep 0.1; done"
STOPPED = "echo one; exec sleep 1234.{0}"


def state(pid):
    """The state of a process as Linux has it, '' when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def alive(pid):
    return state(pid) not in ("", "Z")


def hold(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: state(pid) == "T")


@pytest.fixture
def mark():
    """What no other process has in its command line; those that have are ended."""
    name = f"9{os.getpid()}"
    yield name
    for pid in processes(f"1234.{name}"):
        os.kill(pid, signal.SIGKILL)


def test_one_that_is_stopped_is_ended(tmp_path, mark):
    process = start(tmp_path, STOPPED.format(mark))
    wait_for(lambda: processes("sleep", f"1234.{mark}"))
    (job,) = processes("sleep", f"1234.{mark}")
    hold(job)
    process.terminate()
    assert process.wait(20) == 143 and not alive(job)


def test_one_that_does_not_listen_is_ended_with_what_it_has_started(tmp_path, mark):
    process = start(tmp_path, DEAF.format(mark))
    wait_for(lambda: processes("sleep", f"1234.{mark}"))
    (child,) = processes("sleep", f"1234.{mark}")
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert not alive(child)


def test_what_a_job_leaves_behind_ends_with_the_step(tmp_path, mark):
    process = start(tmp_path, f"setsid sleep 1234.{mark} & exit 3")
    assert process.wait(20) == 1
    assert not processes("sleep", f"1234.{mark}")


def test_a_word_of_one_that_says_nothing(tmp_path, mark):
    process = start(tmp_path, STOPPED.format(mark) + "JOB", quiet=1, jobs=2)
    wait_for(lambda: processes("sleep", f"1234.{mark}2"))
    (job,) = processes("sleep", f"1234.{mark}2")
    hold(job)
    said = sorted(process.stderr.readline() for _ in range(2))
    process.terminate()
    rest = process.communicate(timeout=20)[1]
    log = f"(log: {tmp_path}/log/x.%d.log)\n"
    begin = "run_jobs.py: job {} has logged nothing for 0 minutes: "
    assert said[0].startswith(
        begin.format(1) + "it may hang, or be at work on a long recording; 'kill "
    )
    assert said[0].endswith("' ends the step " + log % 1)
    lets = f"process {job} is stopped, 'kill -CONT {job}' resumes it "
    assert said[1] == begin.format(2) + lets + log % 2
    assert rest == ""  # each once


def test_no_word_of_one_that_speaks_or_has_ended(tmp_path):
    script = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.$((3 * (2 - JOB))); done"
    process = start(tmp_path, script, quiet=1, jobs=2)
    assert process.communicate(timeout=20)[1] == "" and process.returncode == 0


def test_a_word_of_jobs_that_run_elsewhere(tmp_path, mark):
    script = ROOT / "tests/support/kaldi_script.py"
    process = start(tmp_path, STOPPED.format(mark), program="kaldi_jobs", quiet=1,
        options=["--script", str(script)])  # fmt: skip
    assert process.stderr.readline() == (
        "kaldi_jobs.py: job 1 has logged nothing for 0 minutes: it may hang, or be at work on a long recording"
        f" (log: {tmp_path}/log/x.1.log)\n"
    )
    process.terminate()
    process.communicate(timeout=20)
    assert not processes("sleep", f"1234.{mark}")


class TestLock:
    @pytest.fixture
    def held(self, root, tmp_path):
        """A step whose only job is stopped: the step, its command, its launcher, the job."""
        data = small_step.make_data(tmp_path / "data")
        command = small_step.command(data, tmp_path / "out", "--nj", 1)
        step = subprocess.Popen(
            command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        words = ("local/make_vad.py", "--job", "1/1", str(tmp_path / "out"))
        wait_for(lambda: processes(*words))
        (job,) = processes(*words)
        launcher = int(Path(f"/proc/{job}/stat").read_text().split()[3])
        hold(job)
        yield step, command, launcher, job
        for pid in (launcher, job):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        step.kill()
        step.wait()

    def again(self, root, command):
        return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100)

    def test_goes_with_the_run_not_with_a_worker_that_survives(self, root, held):
        step, command, launcher, job = held
        for pid in (launcher, step.pid):  # nobody ends the job
            os.kill(pid, signal.SIGKILL)
        result = self.again(root, command)
        assert (result.returncode, result.stderr) == (0, "") and alive(job)

    def test_the_next_run_waits_until_the_launcher_has_ended_its_jobs(self, root, held):
        step, command, _, job = held
        os.kill(step.pid, signal.SIGKILL)
        result = self.again(root, command)
        assert (result.returncode, result.stderr) == (0, "") and not alive(job)

    def test_what_holds_it_is_named_when_its_run_is_gone(self, root, held, tmp_path):
        step, command, launcher, _ = held
        hold(launcher)
        os.kill(step.pid, signal.SIGKILL)
        waited = "s/flock -w 15/flock -w 0/"
        shutil.copytree(root / "steps", tmp_path / "recipe/steps")
        subprocess.run(["sed", "-i", waited, tmp_path / "recipe/steps/lib/common.sh"], check=True)
        for name in ("local", "conf", ".venv", "path.sh"):
            (tmp_path / "recipe" / name).symlink_to(root / name)
        env = os.environ | {"DIAR_RUN": str(tmp_path / "recipe")}
        result = subprocess.run(
            command, cwd=tmp_path / "recipe", env=env, capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (1,
            f"make_vad.sh: process {launcher} (left by a killed run: 'kill -9' ends it) is writing to"
            f" {tmp_path}/out: wait for it, or choose another --exp\n")  # fmt: skip
