"""What changes while a step runs: the step says so, is not done, and keeps nothing."""

import os
import shutil

import pytest
from tiny_step import make, run

SAYS = "work.sh: {} changed while this ran: exp/out is not done; run it again\n"
CODE = "the program, or audio or arks that its inputs name,"


@pytest.fixture
def recipe(tmp_path):
    return make(tmp_path)


@pytest.mark.parametrize(
    "during, named",
    [
        ("echo a: 2 >conf/work.yaml", "conf/work.yaml"),
        ("cp -p conf/work.yaml x; echo a: 2 >conf/work.yaml; cp -p x conf/work.yaml", "conf/work.yaml"),
        ("cp -p conf/work.yaml x; echo a: 2 >conf/work.yaml; mv x conf/work.yaml", "conf/work.yaml"),
        ("echo b data/a.wav >>data/wav.scp", "data/wav.scp"),
        ("rm data/wav.scp", "data/wav.scp"),
        ("rm conf/work.yaml; echo more >'given/two words'", "conf/work.yaml given/two words"),
        ("touch given/three", "given/three"),
        ("echo other sound >data/a.wav", CODE),
        ("rm data/a.wav", CODE),
        ("echo A = 2 >local/part.py", CODE),
        ("echo A = >local/part.py", CODE),
    ],
)  # fmt: skip
def test_is_seen_at_the_end(recipe, during, named):
    result = run(recipe, during)
    assert (result.returncode, result.stderr) == (1, SAYS.format(named))
    assert sorted(os.listdir(recipe / "exp/out")) == [".begun", "log"]


@pytest.mark.parametrize(
    "during",
    [
        ":",
        "echo A = 1 \\# the same >local/part.py",
        "touch local/work.py conf/other.yaml given/.hidden data/.x.lock; mkdir given/folder",
    ],
)
def test_what_means_nothing_does_not_count(recipe, during):
    result = run(recipe, during)
    assert (result.returncode, result.stderr) == (0, "")
    assert "up to date" in run(recipe).stdout


def test_what_was_put_back_after_the_end_is_made_again(recipe):
    assert run(recipe, "cp conf/work.yaml x; echo a: 2 >conf/work.yaml").returncode == 1
    shutil.move(recipe / "x", recipe / "conf/work.yaml")
    assert run(recipe).returncode == 0
    assert (recipe / "exp/out/product").read_text() == "a: 1\n"


def test_jobs_of_a_killed_run_are_kept_unless_an_input_was_written_since(recipe):
    kill = "kill -9 $PPID"
    assert run(recipe, kill).returncode == -9
    run(recipe, f"touch exp/out/jobs/second; ls exp/out/jobs >listed; {kill}")
    assert (recipe / "listed").read_text() == "made\nsecond\n"
    (recipe / "conf/work.yaml").write_text("a: 1\n")  # perhaps it was another in between
    run(recipe, f"ls exp/out/jobs >listed; {kill}")
    assert (recipe / "listed").read_text() == "made\n"
