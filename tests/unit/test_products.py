"""Stage 4 over the recordings of a directory: one that is bad costs only itself."""

import sys

import numpy as np
import pytest
from made_up import DIM, spaced, trained_encoder, voices

import fit_dec
from dec_cli import program
from dec_cli.speakers import KnownCounts
from diar.autoencoder.network import ResidualAutoEncoder, save_model
from diar.base.errors import DataError
from diar.base.types import Bounds, concatenate
from diar.kaldi import arks, tables
from diar.kaldi.arks import Scp
from diar.kaldi.history import read_history


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """X-vectors of five recordings, one of which holds NaN, and an autoencoder."""
    path = tmp_path_factory.mktemp("xvectors")
    xs = {f"r{i}": voices(s, i)[0] for i, s in enumerate(([30, 25], [20], [3, 4], [1], [12, 20]))}
    windows = {name: spaced(len(x), 0.25, name) for name, x in xs.items()}
    xs["r1"][0] = np.nan
    tables.write_segments(path, concatenate(list(windows.values())))
    rows = {i: v for name in xs for i, v in zip(windows[name].ids, xs[name], strict=True)}
    arks.write_ark(path / "xvector.ark", rows)
    save_model(path / "model.safetensors", trained_encoder(0.25))
    return path


def fitted(directory, out, monkeypatch, root, *options, job="1/1"):
    words = ["--config", root / "conf/dec.yaml", "--job", job, *options]
    call = ["fit_dec.py", *words, directory, directory / "model.safetensors", out]
    monkeypatch.setattr(sys, "argv", [str(word) for word in call])
    program.run(fit_dec.main)
    names = ("rttm", "labels", "reco2num_spk", "unreached", "history", "failed")
    return {name: (out / "jobs" / job[0] / name).read_text().splitlines() for name in names}


def test_one_that_is_bad_costs_only_itself(directory, tmp_path, monkeypatch, root):
    made = fitted(directory, tmp_path, monkeypatch, root)
    assert len(made["failed"]) == 1 and made["failed"][0].startswith("r1 ")
    assert "NaN" in made["failed"][0]
    assert sorted(line.split()[0] for line in made["reco2num_spk"]) == ["r0", "r2", "r3", "r4"]
    assert len(made["labels"]) == 55 + 7 + 1 + 32
    posteriors = Scp(tmp_path / "jobs/1/posteriors.scp")
    assert sorted(posteriors) == ["r0", "r2", "r3", "r4"] and posteriors["r0"].shape == (55, 2)
    (tmp_path / "history").write_text("".join(f"{line}\n" for line in made["history"]))
    assert "r0" in read_history(tmp_path / "history")
    assert (tmp_path / "jobs/1/finished").exists()


def test_jobs_share_and_change_nothing(directory, tmp_path, monkeypatch, root):
    whole = fitted(directory, tmp_path / "one", monkeypatch, root)
    parts = [
        fitted(directory, tmp_path / "two", monkeypatch, root, job=job) for job in ("1/2", "2/2")
    ]
    for name, lines in whole.items():
        assert sorted(parts[0][name] + parts[1][name]) == sorted(lines), name


def test_a_count_that_is_none_costs_only_its_recording(directory, tmp_path, monkeypatch, root):
    (tmp_path / "counts").write_text("r0 2\nr1 1\nr2 0\nr4 1.5 x\n")
    options = ("--reco2num-spk", tmp_path / "counts", "--max-spk", 4)
    made = fitted(directory, tmp_path / "out", monkeypatch, root, *options)
    assert made["reco2num_spk"] == ["r0 2"]
    reasons = dict(line.split(" ", 1) for line in made["failed"])
    assert "0 is not a number of speakers" in reasons["r2"]
    assert "1.5 x is not a number of speakers" in reasons["r4"]
    assert "no line for recording 'r3'" in reasons["r3"]


def test_numbers_of_speakers_that_a_file_cannot_state(tmp_path):
    path = tmp_path / "counts"
    for text in ("0", "x", "nan", "1e300", "", "-2", "1.5", "2 3", "2\na 2"):
        path.write_text(f"b 3.0\na {text}\n")
        known = KnownCounts(path, most=4)
        assert known.bounds("b") == Bounds(3, most=4)
        with pytest.raises(DataError, match=f"{path}:[23]: "):
            known.bounds("a")
    path.write_text("a 5\n")
    with pytest.raises(DataError, match="contradict each other: exactly 5, at least 1, at most 4"):
        KnownCounts(path, most=4).bounds("a")


def test_what_is_not_reached_is_said(directory, tmp_path, monkeypatch, root):
    made = fitted(directory, tmp_path / "out", monkeypatch, root, "--min-spk", 5)
    assert made["unreached"] == ["r3 1 of the 5 requested speakers"]
    for words in (("--num-spk", 5, "--max-spk", 2), ("--num-spk", 2, "--reco2num-spk", "counts")):
        with pytest.raises(SystemExit, match="contradict each other|not both"):
            fitted(directory, tmp_path / "none", monkeypatch, root, *words)
    assert not (tmp_path / "none").exists()


def test_vectors_of_another_dimension(directory, tmp_path, monkeypatch, root):
    other = ResidualAutoEncoder(DIM + 1, [32, 8], speaker_space=True)
    save_model(tmp_path / "model.safetensors", other)
    call = ["fit_dec.py", "--config", root / "conf/dec.yaml", directory]
    call += [tmp_path / "model.safetensors", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in call])
    program.run(fit_dec.main)
    failed = (tmp_path / "out/jobs/1/failed").read_text().splitlines()
    assert len(failed) == 5
    assert "x-vectors of dimension 16, but the autoencoder is for 17" in failed[0]
