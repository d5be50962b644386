"""The fuzzing benchmark: every reader takes its good files, and nothing that a reader does stays unseen."""

import os
import re
import signal
import time

import pytest
from benchmark import load_benchmark
from command_line import run

from diar.base.errors import DataError

fuzz = load_benchmark("fuzz")


def test_good_and_damaged_audio():
    result = run("benchmarks/fuzz/run.py", "--inputs", 8, "--only", "audio")  # more than are good
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line.split(" | ") for line in result.stdout.splitlines()[2:]]
    assert len(rows) > 10 and all(row[1] == "8" for row in rows)
    assert all(int(row[2]) for row in rows), "none is accepted"


@pytest.mark.parametrize("seed", [0, 1])
def test_inputs_are_the_same_again(seed):
    reader = fuzz.Reader("x", [b"good\nlines\n"], print)
    made = [[fuzz.input_of(reader, n, seed) for n in range(50)] for _ in range(2)]
    assert made[0] == made[1] and len(set(made[0])) > 30


def test_crashes_hangs_and_exceptions_are_counted(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(fuzz, "LIMIT", 0.5)

    def read(path):
        number = int(re.search(rb"\d", path.read_bytes())[0])
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == 2:
            time.sleep(60)
        if number == 3:
            raise KeyError("no DataError")
        if number == 4:
            raise DataError("wrong")

    good = [b"%d" % number for number in (0, 1, 2, 3, 4, 5)]
    counts, memory = fuzz.attack(fuzz.Reader("x", good, read, well=False), tmp_path, 6, 0)
    expected = {fuzz.ACCEPTED: 2, fuzz.CRASHED: 1, fuzz.HUNG: 1, fuzz.BROKEN: 1, fuzz.REFUSED: 1}
    assert counts == expected and memory > 0
    said = capfd.readouterr().err
    assert "x, input 1: exit status -9" in said and "x, input 2: hung" in said
