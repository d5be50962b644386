"""--cmd slurm, against a Slurm cluster of one node that is started here (tests/slurm/cluster.sh).

Where Slurm is not installed, CI=true or DIAR_TEST_SLURM=1 has it installed, from Debian's packages, as root.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest
import small_step
from paths import ROOT

from diar.base import config
from diar.base.errors import DataError
from diar.jobs import slurm

SCRIPT = ROOT / "tests/slurm/cluster.sh"


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster that Slurm's commands use from now on; its directory."""
    if sys.platform != "linux" or os.getuid():
        pytest.skip("starting Slurm's daemons needs Linux and root")
    if not all(map(shutil.which, ("munged", "slurmctld", "slurmd", "sbatch"))):
        if os.environ.get("CI") != "true" and os.environ.get("DIAR_TEST_SLURM") != "1":
            pytest.skip(
                "Slurm is not installed: DIAR_TEST_SLURM=1 installs slurm-wlm and munge by apt-get"
            )
        if not shutil.which("apt-get"):
            pytest.skip("Slurm is not installed, and there is no apt-get")
        install = subprocess.run([SCRIPT, "install"], capture_output=True, text=True)
        if install.returncode:
            pytest.skip(f"Slurm cannot be installed: {install.stderr.strip()[-300:]}")
    folder = tempfile.mkdtemp(prefix="slurm.")  # short: sockets have short names
    start = subprocess.run(
        [SCRIPT, "start", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        patch.setenv("SBATCH_EXPORT", "NONE")  # as on many clusters: jobs inherit nothing
        if start.returncode:
            subprocess.run([SCRIPT, "stop", folder])
            pytest.skip(f"Slurm does not start: {start.stdout.strip()}")
        yield folder
        subprocess.run([SCRIPT, "stop", folder], check=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return small_step.make_data(tmp_path_factory.mktemp("small") / "data")


@pytest.fixture(scope="module")
def expected(data):
    """What the step makes by --cmd local."""
    out = data.parent / "local"
    result = small_step.run(ROOT, data, out)
    assert result.returncode == 0, result.stderr
    return small_step.products(out)


def call(folder, number, script, *options):
    """slurm_jobs.py with jobs of bash."""
    return [str(x) for x in (sys.executable, "local/slurm_jobs.py", *options, f"JOB=1:{number}",
                             folder / "log/x.JOB.log", "bash", "-c", script)]  # fmt: skip


def run(*args):
    return subprocess.run(call(*args), cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_same_bytes_as_local(data, expected, tmp_path):
    out = tmp_path / "my out"
    result = small_step.run(ROOT, data, out, "--cmd", "slurm --set partition=test")
    assert (result.returncode, result.stderr) == (0, "")
    assert "make_vad.sh: 4 recordings, 17 s of audio, " in result.stdout
    assert small_step.products(out) == expected
    for job in (1, 2, 3):
        log = (out / f"log/make_vad.{job}.log").read_text()
        assert (
            re.match(rf"# python local/make_vad.py .* --job {job}/3\n", log) and "progress" in log
        )
    assert (out / "log/.make_vad.slurm").is_dir()
    assert sorted(path.name for path in (out / "log").glob("[!.]*")) == [
        f"make_vad.{job}.log" for job in (1, 2, 3)
    ]


def test_the_environment_is_that_of_the_recipe(tmp_path):
    show = 'echo "$PWD $OMP_NUM_THREADS $OMP_WAIT_POLICY $(command -v python)"'
    assert run(tmp_path, 1, show).returncode == 0
    line = (tmp_path / "log/x.1.log").read_text().splitlines()[-1]
    assert line == f"{ROOT} 1 PASSIVE {ROOT}/.venv/bin/python"


def test_a_job_that_fails_once_is_tried_again(tmp_path):
    script = f"cd {tmp_path}; echo run >>ran.JOB; [ JOB = 1 ] || [ $(wc -l <ran.JOB) = 2 ] || {{ echo bad node; exit 3; }}"
    result = run(tmp_path, 2, script)
    assert result.returncode == 0
    assert result.stderr == "slurm_jobs.py: job 2: status 3: bad node: retrying\n"
    assert [(tmp_path / f"ran.{j}").read_text().count("run") for j in (1, 2)] == [1, 2]


def test_a_job_that_always_fails_is_named_and_alone_run_again_when_mended(data, expected, tmp_path):
    """A node on which job 2 of the step dies before it begins, as long as there is a file."""
    out, broken = tmp_path / "out", tmp_path / "broken"
    broken.write_text("")
    conf = tmp_path / "slurm.yaml"
    conf.write_text(f"setup: ['[ \"$SLURM_ARRAY_TASK_ID\" = 0 ] || [ ! -e {broken} ] || exit 7']\n")
    options = ("--nj", 2, "--cmd", f"slurm --config {conf}")
    result = small_step.run(ROOT, data, out, *options)
    assert result.returncode == 1
    said = result.stderr.splitlines()
    assert len(said) == 2
    assert said[0].startswith("slurm_jobs.py: job 2: job ") and said[0].endswith(": retrying")
    assert (
        "of Slurm ended without a result" in said[1]
        and f"(log: {out}/log/make_vad.2.log)" in said[1]
    )
    assert not (out / ".done").exists() and (out / "jobs/1/finished").exists()
    first = (out / "log/make_vad.1.log").stat().st_mtime_ns
    broken.unlink()
    result = small_step.run(ROOT, data, out, *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert "make_vad.sh: 1 of 2 jobs had already finished\n" in result.stdout
    assert (out / "log/make_vad.1.log").stat().st_mtime_ns == first
    assert small_step.products(out) == expected


def test_killed_and_run_again(data, expected, tmp_path):
    """kill -9 leaves the jobs on the cluster; they must end before the next run writes there."""
    out = tmp_path / "out"
    small_step.kill_when_all_but_one_are_done(ROOT, data, out, "--cmd", "slurm")
    name = (out / "log/.make_vad.slurm/name").read_text()
    assert slurm.queued_ids(name), "the job is still there"
    result = small_step.run(ROOT, data, out, "--cmd", "local")
    assert (result.returncode, result.stderr) == (0, "")
    assert "2 of 3 jobs had already finished" in result.stdout and slurm.queued_ids(name) == set()
    assert small_step.products(out) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_all_jobs(tmp_path, number):
    process = subprocess.Popen(
        call(tmp_path, 2, f"touch {tmp_path}/JOB; exec sleep 60.JOB"), cwd=ROOT, stderr=subprocess.PIPE,
        text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        small_step.wait_for(lambda: (tmp_path / "1").exists() and (tmp_path / "2").exists())
        name = (tmp_path / "log/.x.slurm/name").read_text()
        assert len(slurm.queued_ids(name)) == 2
    finally:
        process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    ended = {signal.SIGINT: -signal.SIGINT, signal.SIGTERM: 128 + signal.SIGTERM}
    assert (process.returncode, stderr) == (ended[number], "")
    small_step.wait_for(lambda: slurm.queued_ids(name) == set())
    assert not small_step.processes("sleep", "60.1") and not small_step.processes("sleep", "60.2")


def test_no_more_jobs_at_once_than_asked_for(tmp_path):
    script = f"cd {tmp_path}; mkdir only || exit 1; sleep 2; rmdir only"
    result = run(tmp_path, 2, script, "--set", "array=1")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "setting, words",
    [
        ("partition=nowhere", "invalid partition specified: nowhere"),
        ("memory=1000", "configuration is not available"),
    ],
)
def test_what_slurm_refuses_is_one_line(tmp_path, setting, words):
    result = run(tmp_path, 2, "true", "--set", setting)
    assert result.returncode == 1
    assert (
        result.stderr.startswith("slurm_jobs.py: sbatch refuses the jobs: ")
        and words in result.stderr
    )
    assert result.stderr.count("\n") == 1


def test_a_job_that_is_killed_whole(tmp_path):
    array = slurm.Array(tmp_path / "array", "x", slurm.SlurmConfig(), ["cd /", f". {ROOT}/path.sh"])
    array.submit({7: (["bash", "-c", "kill -9 $PPID"], tmp_path / "log")})
    deadline = time.monotonic() + 60
    while not (ended := array.poll(ask=True)):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert "ended without a result" in ended[7]
    array.cancel()
    assert not (tmp_path / "array/name").exists(), "nothing is left to be cancelled"


def test_jobs_get_what_is_asked_for(tmp_path):
    text = "time: 7\nmemory: 0.5\ncpus: 2\nadditional_parameters: {comment: mine, nice: 5}\n"
    asked = config.load(slurm.SlurmConfig, write(tmp_path, text))
    array = slurm.Array(tmp_path / "array", "x", asked, [])
    show = ["scontrol", "show", "job", "--details"]
    array.submit({1: (["sleep", "60"], tmp_path / "log")})
    shown = subprocess.run(show, capture_output=True, text=True).stdout
    array.cancel()
    mine = next(part for part in shown.split("\n\n") if array.name in part)
    for item in (
        "TimeLimit=00:07:00",
        "MinMemoryNode=512M",
        "CPUs/Task=2",
        "Comment=mine",
        "Nice=5",
    ):
        assert item in mine, mine


def write(tmp_path, text):
    path = tmp_path / "slurm.yaml"
    path.write_text(text)
    return path


def test_mistakes_in_the_configuration(data, tmp_path):
    path = write(tmp_path, "tiem: 3\n")
    result = small_step.run(ROOT, data, tmp_path / "out", "--cmd", f"slurm --config {path}")
    assert result.returncode == 1 and not (tmp_path / "out").exists()
    assert result.stderr == f"slurm_jobs.py: {path}: unknown key 'tiem'; did you mean 'time'?\n"
    with pytest.raises(DataError, match="memory is 0.0; it must be positive"):
        config.load(slurm.SlurmConfig, None, ["memory=0"])
