"""Native code that crashes: it costs its recording, which is named with the signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from command_line import run
from paths import ROOT

PROGRAM = """
import ctypes, os, signal, sys, time
sys.path.insert(0, {local!r})
from dec_cli import survival
from dec_cli.share import Share

def main():
    share = Share({out!r}, "1/1", ["done"])
    for recording in share.of(dict.fromkeys("abcd", 1)):
        with share.guard(recording):
            what = sys.argv[1:].count(recording) and os.environ["HOW"]
            if what == "crash":
                ctypes.string_at(0)
            elif what:
                os.kill(os.getpid(), getattr(signal, what))
                time.sleep(60)
            share.lines["done"].append(recording)
    share.close()

survival.run(main)
"""


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "job.py"
    path.write_text(PROGRAM.format(local=str(ROOT / "local"), out=str(tmp_path)))

    def run(how, *recordings):
        return subprocess.run(
            [sys.executable, str(path), *recordings],
            env=os.environ | {"HOW": how}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    return run


def test_crashes_cost_their_recordings(tmp_path, job):
    done = job("crash", "b", "d")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "jobs/1/done").read_text() == "ac"
    failed = (tmp_path / "jobs/1/failed").read_text().splitlines()
    assert [line.split()[0] for line in failed] == ["b", "d"]
    assert all("crashes native code (SIGSEGV)" in line for line in failed)


@pytest.mark.parametrize("how", ["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_other_ways_to_crash(tmp_path, job, how):
    assert job(how, "a").returncode == 0
    assert how in (tmp_path / "jobs/1/failed").read_text()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL", "SIGINT"])
def test_who_is_killed_is_not_tried_again(tmp_path, job, how):
    """... or a run could not be ended, and what has no fault would be listed as failed."""
    assert job(how, "b").returncode == -getattr(signal, how)
    assert not (tmp_path / "jobs/1/failed").exists()


def test_sigterm_ends_the_child_first(tmp_path, job):
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "job.py"), "c"],
        env=os.environ | {"HOW": "SIGCONT"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not next(process.stderr).endswith(" c\n"):
        pass
    child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == -signal.SIGTERM
    assert child and not Path(f"/proc/{child}").exists()


LONG = """
import sys, threading, time
sys.path.insert(0, {local!r})
from dec_cli import survival

def main():
    threading.Thread(target=time.sleep, args=(60,)).start()  # as native code, it does not notice an interrupt
    print("begun", flush=True)
    time.sleep(60)

survival.PATIENCE = 1
survival.run(main)
"""


def test_an_interrupt_does_not_wait_for_native_code():
    process = subprocess.Popen(
        [sys.executable, "-c", LONG.format(local=str(ROOT / "local"))],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's '&' ignores it
    )  # fmt: skip
    assert next(process.stdout) == b"begun\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT


AHEAD = """
import ctypes, sys, threading
sys.path.insert(0, {local!r})
from dec_cli import survival
from dec_cli.ahead import one_ahead

third = threading.Event()

def make(name):
    lost = survival.work_on(name)
    if name == "c":
        third.set()
    return name, lost

def main():
    for number, (name, lost) in enumerate(one_ahead(make, "abcd"), 1):
        if name == "b" and not lost:
            third.wait(5)
            ctypes.string_at(0)
        if survival.is_new(number):
            print(name, bool(lost), flush=True)

survival.run(main)
"""


def test_a_crash_beside_the_work_on_the_next(tmp_path):
    """... is charged to who caused it, and not to the next, who is worked on ahead."""
    done = subprocess.run(
        [sys.executable, "-c", AHEAD.format(local=str(ROOT / "local"))],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["a False", "b True", "c False", "d False"]


@pytest.fixture
def three(tmp_path, sample):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "bad", "c"):
        soundfile.write(folder / f"{name}.wav", sample[: 8 * 16000], 16000)
    return folder


def test_diarize_goes_on_after_a_crash(tmp_path, three, crashing):
    out = tmp_path / "out"
    done = run("local/diarize.py", "--json", "--out", out, "--html", three, env=crashing)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["recording"] for line in lines] == ["a", "bad", "c"]  # each is told once
    assert "SIGSEGV" in lines[1]["error"] and "bad.wav" in done.stderr
    assert sorted(path.name for path in out.glob("*.rttm")) == ["a.rttm", "c.rttm"]
    assert done.stderr.count("1 of 3 recording(s) could not be diarized") == 1
    assert (out / "diarization.html").exists()
