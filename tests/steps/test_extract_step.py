"""steps/extract_xvectors.sh on a small data directory with good and bad recordings."""

from __future__ import annotations

import shutil
from functools import partial

import kaldiio
import models
import numpy as np
import pytest
import soundfile
import yaml
from command_line import run

from diar.kaldi.tables import read_map, read_segments

step = partial(run, "steps/extract_xvectors.sh")


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample, campplus):
    """Recordings: two good ones, one without speech, and five bad ones."""
    folder = tmp_path_factory.mktemp("set")
    soundfile.write(folder / "good.wav", sample[: 9 * 16000], 16000)
    soundfile.write(folder / "eight.wav", sample[16000 * 10 : 16000 * 14 : 2], 8000)
    soundfile.write(folder / "empty.wav", sample[:0], 16000)
    (folder / "text.wav").write_text("no audio\n")
    (folder / "data").mkdir()
    (folder / "vad").mkdir()
    wavs = dict(good="good", eight="eight", silent="good", empty="empty", text="text", gone="gone")
    lines = [f"{name} {folder / file}.wav\n" for name, file in wavs.items()]
    (folder / "data/wav.scp").write_text("".join([*lines, "nopath\n"]))
    speech = ["good 0.5 2.8", "good 3 3.2", "good 6.712 8.94", "eight 0.1 4.3", "late 0 1"]
    speech += ["empty 0 1", "text 0 1", "gone 0 1", "nopath 0 1"]
    lines = [f"{line.split()[0]}-{i} {line}\n" for i, line in enumerate(speech)]
    (folder / "vad/segments").write_text("".join(sorted(lines)))
    (folder / "vad/reco2dur").write_text("eight 4.000\ngood 9.000\nsilent 9.000\n")
    return folder


@pytest.fixture(scope="module")
def done(data):
    result = step("--nj", 2, data / "data", data / "vad", data / "out")
    assert result.returncode == 1 and "failed, the others are done" in result.stderr
    assert (data / "out/.done").exists()
    return data / "out", result


def test_x_vectors_are_a_kaldi_directory(done, campplus):
    out, _ = done
    segments = read_segments(out / "segments")
    vectors = kaldiio.load_scp(str(out / "xvector.scp"))
    assert set(vectors) == set(segments.ids) == set(read_map(out / "utt2spk"))
    assert {v.shape for v in vectors.values()} == {(campplus.dim,)}
    assert {v.dtype for v in vectors.values()} == {np.dtype("float32")}
    assert set(segments.recordings) == {"good", "eight"}
    assert segments.ends[[r == "eight" for r in segments.recordings]].max() == 4.0
    assert (out / "spk2utt").read_text().startswith("eight eight-")
    assert read_map(out / "reco2dur") == {"eight": "4.000", "good": "9.000", "silent": "9.000"}
    assert yaml.safe_load((out / "config.yaml").read_text())["dim"] == campplus.dim
    for name in ("segments", "utt2spk", "spk2utt", "xvector.scp", "reco2dur"):
        lines = (out / name).read_bytes().splitlines()
        assert lines == sorted(lines)
    assert (out / ".done").exists() and not (out / "jobs").exists()


def test_vectors_are_those_of_the_audio(done, campplus, sample):
    out, _ = done
    windows = read_segments(out / "segments")
    windows = windows.take(np.flatnonzero([r == "good" for r in windows.recordings]))
    vectors = kaldiio.load_scp(str(out / "xvector.scp"))
    expected = campplus.embed(sample[: 9 * 16000], windows.starts, windows.ends)
    assert np.abs(expected - np.stack([vectors[i] for i in windows.ids])).max() < 1e-4


def test_bad_recordings_are_listed_and_stop_no_others(done):
    out, result = done
    failed = dict(line.split(" ", 1) for line in (out / "failed").read_text().splitlines())
    assert set(failed) == {"empty", "text", "gone", "nopath", "late"}
    assert "zero length" in failed["empty"] and "no such audio file" in failed["gone"]
    assert "not in" in failed["late"] and "5 recording(s) failed" in result.stderr


def test_nothing_is_done_twice_and_nj_changes_nothing(done, data):
    out, _ = done
    again = step("--nj", 2, data / "data", data / "vad", out)
    assert again.returncode == 0 and "up to date" in again.stdout
    other = step("--nj", 1, data / "data", data / "vad", data / "out1")
    assert other.returncode == 1, other.stderr
    first, second = (kaldiio.load_scp(str(d / "xvector.scp")) for d in (out, data / "out1"))
    assert set(first) == set(second) and all(np.array_equal(first[i], second[i]) for i in first)


def test_a_model_of_ones_own_is_an_input(data, tmp_path):
    model = models.save_pooling(tmp_path / "model.onnx", dim=11)
    arguments = ["--nj", 1, "--extractor", "onnx", data / "data", data / "vad", data / "onnx"]
    arguments[:0] = ["--set", f"options.path={model} options.fbank.window_type=povey"]
    first = step(*arguments)
    assert first.returncode == 1 and "the others are done" in first.stderr, first.stderr
    made = yaml.safe_load((data / "onnx/config.yaml").read_text())
    assert made["dim"] == 11 and made["options"]["fbank"] == {"window_type": "povey"}
    assert "up to date" in step(*arguments).stdout
    models.save_pooling(model, dim=12)
    assert "up to date" not in step(*arguments).stdout
    assert yaml.safe_load((data / "onnx/config.yaml").read_text())["dim"] == 12
    model.unlink()
    gone = step(*arguments)
    assert gone.returncode == 1 and f"{model}: no such file: options.path" in gone.stderr


def test_run_takes_a_model_of_ones_own_for_every_dec(data, tmp_path):
    """Also for the published one, whose configuration takes no other overrides."""
    model = models.save_pooling(tmp_path / "model.onnx", dim=11)
    shutil.copytree(data / "vad", tmp_path / "exp/vad_combined/data")
    command = ["./run.sh", "--stage", "2", "--stop-stage", "2", "--data", data, "--nj", "1"]
    command += ["--exp", tmp_path / "exp", "--extractor", "onnx", "--xvector.step", "0.5"]
    command += ["--xvector.options.path", model, "--train-set", "data", "--dev-set", "data"]
    done = run(*command, "--test-sets", "data")
    assert "recordings above failed" in done.stderr, done.stderr
    for name, step in (("onnx+*+step=0.5", 0.5), ("onnx_paper+*", 0.75)):
        (folder,) = (tmp_path / "exp").glob(f"xvectors_{name}")
        made = yaml.safe_load((folder / "data/config.yaml").read_text())
        assert (made["dim"], made["step"]) == (11, step) and made["options"] == {"path": str(model)}


def test_bad_calls_are_one_clear_line(data):
    unknown = step("--extractor", "nix", data / "data", data / "vad", data / "bad")
    assert unknown.returncode != 0 and "unknown extractor 'nix'; known:" in unknown.stderr
    assert not (data / "bad/.done").exists()
    missing = step(data / "data", data / "no_vad", data / "bad")
    assert missing.returncode != 0 and "no such file" in missing.stderr
    assert "Usage: steps/extract_xvectors.sh" in step("--help").stdout
