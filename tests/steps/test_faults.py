"""The table of docs/faults.md: every line of it happens here, and what it quotes is printed."""

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import small_dec
import soundfile
import tiny_step
from command_line import run
from models import save_pooling
from safetensors.numpy import save_file
from short_patience import start
from small_step import processes
from without_rights import own_folder

from diar.audio import waveform
from diar.base import regions
from diar.base.errors import DataError
from diar.base.files import sha256, write_text
from diar.fetching.archives import unpack
from diar.fetching.download import Downloads, Remote
from diar.kaldi import inputs, tables
from diar.kaldi.rttm import read_rttm
from diar.simulation import voices

HEADER = "| fault | what happens | message |"


def table(root):
    """First column -> the words in code marks of the last, '...' standing for anything."""
    lines = (root / "docs/faults.md").read_text().split(HEADER)[1].split("\n\n")[0].splitlines()[2:]
    rows = {}
    for line in lines:
        fault, _, said = (cell.strip() for cell in line.strip("|").split(" | "))
        rows[fault] = re.findall("`([^`]+)`", said)
    return rows


@pytest.fixture(scope="module")
def said(root):
    """Check that a text has what the table says of a fault."""
    rows = table(root)

    def check(fault, text):
        assert rows[fault], fault
        for words in rows[fault]:
            pattern = ".*".join(re.escape(part) for part in words.split("..."))
            assert re.search(pattern, text), f"{fault}: {words!r} is not in:\n{text}"

    return check


def call(*command):
    result = run(*command, timeout=500)
    assert "Traceback" not in result.stderr, result.stderr
    return result


GOOD_LINES = {
    "clipped": "clipped samples", "three": "three channels", "fast": "96 kHz", "cut": "a truncated WAV",
    "blip": "40 ms long", "half": "a truncated FLAC", "quiet": "a peak of -50 dBFS",
    "scaled": "floats in the scale of 16 bits", "opposite": "channels of opposite phase",
    "inark": "audio in an ark", "a-b-0000000-0000100": "`-` in an id", "gérard_日本": "unicode in an id",
}  # fmt: skip
BAD_LINES = {
    "gone": "a missing file", "zero": "a file of zero bytes", "text": "text instead of audio",
    "nan": "NaN among the samples", "my": "a blank in an id",
    "list": "a playlist, whatever its name", "short": "SPHERE compressed by shorten",
    "nopath": "no path", "noark": "an ark without audio", "wrong": "a channel that is not there",
}  # fmt: skip
DROPPED = {"../up": "`/` or `..` in an id", "talk": "a recording twice"}


@pytest.fixture(scope="module")
def bad_data(tmp_path_factory, sample):
    """A Kaldi directory with a good recording, and one of each fault."""
    folder = tmp_path_factory.mktemp("faults") / "set"
    wav = folder / "wav"
    wav.mkdir(parents=True)
    talk = sample[7 * 16000 : 17 * 16000]
    for name in ("talk", "a-b-0000000-0000100", "gérard_日本", "my rec", "wrong"):
        soundfile.write(wav / f"{name}.wav", talk, 16000)
    soundfile.write(wav / "clipped.wav", np.clip(20 * talk, -1, 1), 16000)
    soundfile.write(wav / "three.wav", np.stack([talk, 0.5 * talk, 0 * talk], axis=1), 16000)
    soundfile.write(wav / "wrong.wav", np.stack([talk, talk], axis=1), 16000)
    soundfile.write(wav / "fast.wav", waveform.load(wav / "talk.wav", 96000), 96000)
    soundfile.write(wav / "blip.wav", talk[:640], 16000)
    soundfile.write(
        wav / "nan.wav", np.where(np.arange(len(talk)) == 99, np.nan, talk), 16000, subtype="FLOAT"
    )
    soundfile.write(wav / "half.flac", talk, 16000)
    for name, kept in (("half.flac", 30000), ("talk.wav", 200000)):
        data = (wav / name).read_bytes()
        (wav / {"half.flac": "half.flac", "talk.wav": "cut.wav"}[name]).write_bytes(data[:kept])
    soundfile.write(wav / "quiet.wav", talk * 10 ** (-50 / 20) / abs(talk).max(), 16000)
    soundfile.write(wav / "scaled.wav", talk * 32768, 16000, subtype="FLOAT")
    soundfile.write(wav / "opposite.wav", np.stack([talk, -talk], axis=1), 16000)
    (wav / "list.wav").write_text("ffconcat version 1.0\nfile talk.wav\n")
    head = b"NIST_1A\n   1024\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n"
    (wav / "short.wav").write_bytes(head.ljust(1024) + bytes(4000))
    (wav / "zero.wav").touch()
    (wav / "text.wav").write_text("no audio\n" * 100)
    lines = [
        f"{name} wav/{name}.wav"
        for name in ("talk", *GOOD_LINES, "gone", "zero", "text", "nan", "wrong", "list", "short")
        if name not in ("inark", "half")
    ]
    audio = (wav / "talk.wav").read_bytes()
    (wav / "talk.ark").write_bytes(b"noark PKL inark " + audio)
    lines += ["noark wav/talk.ark:6", "inark wav/talk.ark:16"]
    lines += [
        "half wav/half.flac",
        "my rec wav/my rec.wav",
        "nopath",
        "../up wav/talk.wav",
        "talk wav/talk.wav",
    ]
    (folder / "wav.scp").write_text("\r\n".join(reversed(lines)) + "\r\n")
    (folder / "reco2file_and_channel").write_text("wrong wrong 3\n")
    (folder / "segments").write_text(
        "u1 talk 0 6\nu2 talk 4 9\nu3 talk 8 7\nu4 talk 99 100\nu5 talk 9 99\nu6 nobody 0 1\n"
    )
    return folder


def test_one_bad_recording_costs_only_itself(bad_data, said, tmp_path):
    result = call("./run.sh", "--corpus", "kaldi", "--test-data", bad_data, "--stop-stage", 4, "--nj", 1,
        "--data", tmp_path / "data", "--exp", tmp_path / "exp",
    )  # fmt: skip
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last == "run.sh: the recordings above failed; all others are done"
    turns = read_rttm(tmp_path / "exp/dec_default/set/rttm")
    silent = (tmp_path / "exp/vad_combined/set/no_speech").read_text().split()
    assert silent == ["blip"]
    assert set(turns) == {"talk", *GOOD_LINES} - {"blip"}
    listed = {
        line.split(": ")[3].split()[0]
        for line in result.stderr.splitlines()
        if ": failed: " in line
    }
    assert {name for name in listed if not name.startswith("line-")} == set(BAD_LINES) - {"nopath"}
    assert len([name for name in listed if name.startswith("line-")]) == 1 + len(DROPPED)
    everything = result.stdout + result.stderr
    for fault in {*GOOD_LINES.values(), *BAD_LINES.values(), *DROPPED.values()} - {
        "`-` in an id", "unicode in an id", "audio in an ark",
    }:  # fmt: skip
        said(fault, everything)
    for fault in (
        "lines that end in CR LF",
        "unsorted files",
        "segments reversed",
        "segments outside the recording",
    ):
        said(fault, everything)
    # Overlapping segments are one stretch of speech.
    given = tables.read_segments(tmp_path / "data/set/segments")
    assert regions.regions_of(given) == [(0.0, pytest.approx(10.0))]


def test_a_rate_of_1_hz(said, tmp_path):
    soundfile.write(tmp_path / "slow.wav", np.zeros(99), 1)
    with pytest.raises(DataError) as error:
        waveform.read(tmp_path / "slow.wav")
    said("a rate of 1 Hz, or of 2 GHz", str(error.value))


def test_a_folder_with_faults(said):
    with own_folder() as folder:
        for name in ("talk.m4a", "talk.mp3", "closed/in.wav"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("")
        (folder / "lost").symlink_to("nowhere")
        (folder / "closed").chmod(0)
        found = inputs.gather([folder])
        (folder / "closed").chmod(0o700)
    faults = {i.recording: i.fault for i in found}
    said("two files of one stem in a folder", " ".join(faults))
    said("a closed folder in a folder", faults["closed"])
    said("a link to nothing in a folder", faults["lost"])
    assert len(faults) == 4 and not faults["talk.m4a"] and not faults["talk.mp3"]


@pytest.fixture(scope="module")
def xvectors(tmp_path_factory):
    return small_dec.make_xvectors(tmp_path_factory.mktemp("xv") / "xvectors")


@pytest.fixture
def ae(tmp_path):
    return small_dec.make_ae(tmp_path / "ae")


def test_a_truncated_ark(xvectors, ae, said, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(xvectors, broken)
    data = (xvectors / "xvector.ark").read_bytes()
    (broken / "xvector.ark").write_bytes(data[: len(data) // 2])
    scp = (xvectors / "xvector.scp").read_text().replace(str(xvectors), str(broken))
    (broken / "xvector.scp").write_text(scp)
    result = call("steps/fit_dec.sh", "--nj", 1, broken, ae, tmp_path / "out")
    assert result.returncode == 1
    said("an ark cut in the middle", (tmp_path / "out/failed").read_text())
    assert set(read_rttm(tmp_path / "out/rttm")) == {"a"}


def test_an_ark_of_something_else(xvectors, ae, said, tmp_path):
    broken, trace = tmp_path / "broken", tmp_path / "trace"
    shutil.copytree(xvectors, broken)
    (broken / "other").write_bytes(b"PKL" + pickle.dumps(Runs(trace)))
    lines = (xvectors / "xvector.scp").read_text().splitlines()
    lines[0] = f"{lines[0].split()[0]} {broken}/other"
    (broken / "xvector.scp").write_text("\n".join(lines) + "\n")
    call("steps/fit_dec.sh", "--nj", 1, broken, ae, tmp_path / "out")
    said(
        "an ark with pickled Python, or anything but Kaldi's arrays",
        (tmp_path / "out/failed").read_text(),
    )
    assert set(read_rttm(tmp_path / "out/rttm")) == {"b", "c"} and not trace.exists()


class Runs:
    """A pickle of it writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (Path(self.path), "run"))


def test_a_crash(tmp_path, bad_data, crashing, said):
    data, out = tmp_path / "data", tmp_path / "vad"
    data.mkdir()
    shutil.copy(bad_data / "wav/talk.wav", tmp_path / "bad.wav")
    paths = {
        "a": bad_data / "wav/talk.wav",
        "b": tmp_path / "bad.wav",
        "c": bad_data / "wav/clipped.wav",
    }
    (data / "wav.scp").write_text("".join(f"{name} {path}\n" for name, path in paths.items()))
    done = run("local/make_vad.py", "--vad", "energy", data, out, env=crashing)
    assert done.returncode == 0, done.stderr
    said("a recording that crashes a decoder or a network", (out / "jobs/1/failed").read_text())
    assert [line.split()[0] for line in (out / "jobs/1/reco2dur").open()] == ["a", "c"]


def test_an_scp_that_points_elsewhere(root, xvectors, ae, said, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(xvectors, broken)
    lines = (xvectors / "xvector.scp").read_text().splitlines()
    lines[0] = f"{lines[0].split()[0]} ../../../../etc/hostname:0"
    lines[20] = f"{lines[20].split()[0]} /etc/passwd:5"
    (broken / "xvector.scp").write_text("\n".join(lines) + "\n")
    result = call("steps/fit_dec.sh", "--nj", 1, broken, ae, tmp_path / "out")
    assert result.returncode == 1
    failed = (tmp_path / "out/failed").read_text()
    said("an scp that points to something else", failed)
    assert failed.count("\n") == 2 and "root:" not in failed
    assert set(read_rttm(tmp_path / "out/rttm")) == {"c"}


def test_a_key_twice(xvectors, ae, said, tmp_path):
    (tmp_path / "dec.yaml").write_text("refine: {niter: 8,\n  niter: 9}\n")
    result = call(
        "steps/fit_dec.sh", "--dec-config", tmp_path / "dec.yaml", xvectors, ae, tmp_path / "out"
    )
    assert result.returncode == 1 and not (tmp_path / "out/.done").exists()
    said("a key twice in a configuration", result.stderr)


def test_impossible_widths(said, tmp_path):
    card = {"autoencoder": json.dumps({"ip_features": 10**6, "hidden_dims": [10**6]})}
    save_file({"x": np.zeros(3)}, tmp_path / "model.safetensors", card)
    result = call("local/halve_model.py", tmp_path / "model.safetensors", tmp_path / "half")
    assert result.returncode == 1 and not (tmp_path / "half").exists()
    said("weights of impossible widths", result.stderr)


def test_external_data_behind_a_pin(said, tmp_path):
    path = tmp_path / "net.onnx"
    model = onnx.load(save_pooling(tmp_path / "whole.onnx"))
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    digest = sha256(path, tmp_path / "net.data")
    with open(tmp_path / "net.data", "r+b") as stream:
        stream.write(b"damage")
    values = f"extractor=onnx options.path={path} options.sha256={digest}"
    result = call("local/list_extractors.py", "--set", values)
    assert result.returncode == 1
    said("external data of an ONNX model changed behind its pin", result.stderr)


def test_a_damaged_voice(said, tmp_path):
    (tmp_path / "ann.npz").write_bytes(b"PK\3\4" + bytes(99))
    with pytest.raises(DataError) as error:
        voices._read(tmp_path / "ann.npz", None)
    said("a damaged voice in the cache", str(error.value))


def test_more_than_was_published(web, said, tmp_path):
    web.files["a"], web.sized = bytes(11), False
    with pytest.raises(DataError) as error:
        Downloads(tmp_path).fetch(Remote("a", f"{web.url}/a", size=10))
    said("a download of more than was published", str(error.value))
    assert not list(tmp_path.glob("a*"))


def test_more_than_is_stated(said, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("a", bytes(1_000_001))
    with pytest.raises(DataError) as error:
        unpack(tmp_path / "a.zip", tmp_path / "out", 1_000_000)
    said("an archive that unpacks to more than is stated", str(error.value))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 200 kB; skipped where that is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk(xvectors, ae, said, small_disk):
    (small_disk / "filler").write_bytes(bytes(180_000))
    result = call("steps/fit_dec.sh", "--nj", 1, xvectors, ae, small_disk / "out")
    assert result.returncode == 1
    said("a full disk", result.stderr)
    assert not (small_disk / "out/.done").exists()
    (small_disk / "filler").unlink()
    assert call("steps/fit_dec.sh", "--nj", 1, xvectors, ae, small_disk / "out").returncode == 0


def test_audio_in_an_ark_is_read_by_stage_0(said, tmp_path):
    (tmp_path / "x.ark").write_text("r RIFF")
    (tmp_path / "wav.scp").write_text("r x.ark:2\n")
    result = call("steps/make_vad.sh", "--nj", 1, "--vad", "energy", tmp_path, tmp_path / "vad")
    assert result.returncode == 1
    said("audio in an ark, given to a step alone", (tmp_path / "vad/failed").read_text())


def test_numbers_of_speakers(xvectors, ae, said, tmp_path):
    words = ("steps/fit_dec.sh", "--nj", 1, "--num-spk", 100)
    result = call(*words, "--max-spk", 2, xvectors, ae, tmp_path / "out")
    assert result.returncode == 1
    said("numbers of speakers that contradict each other", result.stderr)
    result = call(*words, xvectors, ae, tmp_path / "out")
    assert result.returncode == 0
    said("more speakers asked for than there are windows", result.stderr)


def test_odd_lines_of_an_rttm(said, tmp_path):
    line = "SPEAKER a 1 {} {} <NA> <NA> {} <NA> <NA>\n"
    (tmp_path / "good").write_text(line.format(0, 5, "x") + line.format(5, 0, "y"))
    (tmp_path / "bad").write_text("SPEAKER a 1 0 5 <NA> <NA> Dr Smith\n")
    result = call("steps/score.sh", tmp_path / "good", tmp_path / "bad", tmp_path / "out")
    assert result.returncode == 1
    said("a blank in a speaker's name", result.stderr)
    result = call("steps/score.sh", tmp_path / "good", tmp_path / "good", tmp_path / "out")
    assert result.returncode == 0
    said("a turn of zero length", result.stdout)


def test_a_read_only_place(xvectors, ae, said, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    result = call("steps/fit_dec.sh", "--nj", 1, xvectors, ae, small_disk / "exp/out")
    assert result.returncode == 1
    said("a read-only `exp`", result.stderr)


@pytest.fixture
def slow(root, tmp_path, bad_data):
    """A step that takes a while, running: VAD of a long recording."""
    data = tmp_path / "long"
    data.mkdir()
    talk = waveform.load(bad_data / "wav/talk.wav")
    soundfile.write(data / "long.wav", np.tile(talk, 120), 16000)
    (data / "wav.scp").write_text(f"long {data}/long.wav\n")
    command = ["steps/make_vad.sh", "--nj", "1", data, tmp_path / "exp/vad"]
    process = subprocess.Popen(
        [str(x) for x in command], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), start_new_session=True,
    )  # fmt: skip
    log = tmp_path / "exp/vad/log/make_vad.1.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and "progress 0/1" in log.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield process, command
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("which", ["the job", "its child"])
def test_a_killed_job(slow, said, tmp_path, which):
    process, _ = slow
    job, child = sorted(processes("local/make_vad.py", "--job", "1/1", str(tmp_path / "exp/vad")))
    os.kill(job if which == "the job" else child, signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in stderr
    said("a job killed by `kill -9`", stderr)
    assert not (tmp_path / "exp/vad/.done").exists()


def test_two_runs_in_one_directory_and_an_interrupt(slow, said, tmp_path):
    process, command = slow
    second = call(*command)
    assert second.returncode == 1
    said("two runs in one `exp`", second.stderr)
    assert f"process {process.pid} " in second.stderr
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT and "Traceback" not in stderr
    assert not (tmp_path / "exp/vad/.done").exists(), "Ctrl-C"


def test_a_job_that_is_stopped(said, tmp_path):
    process = start(tmp_path, "kill -STOP $$", quiet=0.5)
    word = process.stderr.readline()
    process.terminate()
    process.communicate(timeout=60)
    said("a job that is stopped or hangs", word)


def test_a_change_during_a_step(said, tmp_path):
    result = tiny_step.run(tiny_step.make(tmp_path), "echo a: 2 >conf/work.yaml")
    assert result.returncode == 1 and not (tmp_path / "exp/out/.done").exists()
    said("an input or the code changes during a step", result.stderr)


def test_leftovers(root, tmp_path):
    script = "import os; from diar.base.files import open_whole as o\n"
    script += f"with o('{tmp_path}/x') as stream: stream.write('half'); os.kill(os.getpid(), 9)"
    assert run("python", "-c", script).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1, "leftovers of `kill -9`"
    write_text(tmp_path / "y", "")
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


class TestPlaces:
    def diarize(self, audio, stdin=None, without=(), **env):
        """What diarize.py says where it must fail."""
        env = {key: value for key, value in {**os.environ, **env}.items() if key not in without}
        with open(audio, "rb") as stream:
            result = run(
                "local/diarize.py", "-" if stdin else audio, "--name", "x", env=env, stdin=stream
            )
        assert result.returncode == 1 and "Traceback" not in result.stderr
        return result.stderr

    def test_no_home(self, bad_data, said, tmp_path):
        nobody = "import pwd\ndef no(*_): raise KeyError\npwd.getpwuid = no\n"
        (tmp_path / "sitecustomize.py").write_text(nobody)
        without = ("HOME", "DIAR_CACHE", "XDG_CACHE_HOME")
        text = self.diarize(bad_data / "wav/talk.wav", without=without, PYTHONPATH=str(tmp_path))
        said("no home directory", text)

    def test_no_cache(self, bad_data, said, tmp_path):
        (tmp_path / "file").write_text("")
        text = self.diarize(bad_data / "wav/talk.wav", DIAR_CACHE=str(tmp_path / "file/cache"))
        said("a cache that cannot be written to", text)

    def test_no_room_in_tmpdir(self, bad_data, said, small_disk):
        text = self.diarize(bad_data / "wav/talk.wav", stdin=True, TMPDIR=str(small_disk))
        said("a full `TMPDIR`", text)
        assert str(small_disk) in text

    def test_no_tmpdir(self, bad_data, said, tmp_path):
        text = self.diarize(bad_data / "wav/talk.wav", stdin=True, TMPDIR=str(tmp_path / "gone"))
        said("a `TMPDIR` that is missing", text)
        assert str(tmp_path / "gone") in text


def test_another_shell_or_python(root, said):
    env = {"PATH": "/usr/bin:/bin"}
    result = run("sh", "-c", f"unset BASH_VERSION; . {root}/path.sh", cwd="/", env=env)
    assert result.returncode == 1
    said("zsh or dash instead of bash", result.stderr)
    result = run("python", "-S", "local/compare.py")
    assert result.returncode == 1
    said("another Python", result.stderr)


def test_each_line_of_the_table_is_tested(root):
    source = Path(__file__).read_text()
    for fault in table(root):
        assert f'"{fault}"' in source, f"{fault}: no test"
    assert len(table(root)) > 25
