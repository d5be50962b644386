"""Corpora from the download to the data directory: the steps, and run.sh. Offline."""

import os
import shutil

import pytest
from command_line import run
from corpus_trees import ami_audio, ami_setup, callhome_corpus, pack, vox_corpus

from diar import corpora
from diar.base.errors import DataError
from diar.corpora import ami, voxconverse
from diar.corpora.corpus import Files, Options
from diar.fetching.download import Downloads, Remote
from diar.kaldi import tables


def step(tmp_path, name, *options):
    """Run a step of the recipe with a cache of its own."""
    env = {**os.environ, "DIAR_CACHE": str(tmp_path / "cache")}
    return run(f"steps/prepare_{name}.sh", *options, tmp_path / "data" / name, env=env)


def test_ami_is_downloaded_and_a_missing_meeting_tried_again(tmp_path, web):
    setup = ami_setup(tmp_path / "served", test=["ES2004a", "ES2004b"], dev=["IB4001"])
    name = ami.SETUP.name
    top = name.removesuffix(".zip")
    web.files[name] = pack(
        tmp_path / "served.zip",
        [(f"{top}/{p.relative_to(setup)}", p) for p in sorted(setup.rglob("*"))],
    )
    ami_audio(tmp_path / "server", "ES2004a", "ES2004b")
    for m in ("ES2004a", "ES2004b"):
        inside = f"amicorpus/{m}/audio/{m}.Mix-Headset.wav"
        web.files[inside] = (tmp_path / "server" / inside).read_bytes()
    late = web.files.pop(inside)
    options = ("--sets", "test", "--mirror", web.url)
    # The publisher's own address cannot be reached from here, nor is it asked for what the mirror has.
    audio = ("--audio-dir", tmp_path / "server/amicorpus/ES2004b", "--download", "true")
    result = step(tmp_path, "ami", *options, *audio)
    assert result.returncode == 0, result.stderr
    data = tmp_path / "data/ami/test"
    assert [*tables.read_map(data / "reco2dur")] == ["ES2004a", "ES2004b"]
    assert "CC BY 4.0" in result.stderr and "licence: AMI" in result.stdout
    assert "not as published: recordings: 2, published 16" in result.stdout
    asked = len(web.asked)
    again = step(tmp_path, "ami", *options, *audio)
    assert "is up to date" in again.stdout and len(web.asked) == asked
    assert "CC BY 4.0" not in again.stderr  # told once
    # Now without the copy of ES2004b: it is asked for, and the set is made again.
    web.files[inside] = late
    result = step(tmp_path, "ami", *options)
    assert result.returncode == 0 and "making" in result.stdout, result.stderr
    wavs, _ = tables.read_wav_scp(data / "wav.scp")
    assert wavs["ES2004b"] == tmp_path / "cache/corpora/ami" / inside


def test_failed_recordings_are_listed_and_mended_by_the_next_run(tmp_path):
    corpus = tmp_path / "corpus"
    ami_setup(corpus / "setup", test=["ES2004a", "ES2004b"])
    ami_audio(corpus, "ES2004a")
    options = ("--sets", "test", "--audio-dir", corpus)
    result = step(tmp_path, "ami", *options)
    assert result.returncode == 1
    assert "1 recording(s) failed, the others are done" in result.stderr
    data = tmp_path / "data/ami/test"
    assert (data / "failed").read_text().startswith("ES2004b no ES2004b.Mix-Headset.wav below")
    assert [*tables.read_map(data / "reco2dur")] == ["ES2004a"]
    ami_audio(corpus, "ES2004b")
    result = step(tmp_path, "ami", *options)
    assert result.returncode == 0 and not (data / "failed").exists(), result.stderr
    assert not (tmp_path / "cache").exists()  # nothing was downloaded


def downloaded(corpus, name, tmp_path, web, *places):
    """What a download makes of a set, and where it went."""
    folder = tmp_path / "cache"
    options = Options((*places, folder))
    downloads = Downloads(folder, [web.url], tries=1)
    corpora.get(corpus).obtain(name, Files(options.places), options, downloads)
    return folder, corpora.get(corpus).read(name, Files(options.places), options)


def test_voxconverse_is_downloaded_once_and_unpacked(tmp_path, split, web, monkeypatch):
    root = vox_corpus(tmp_path / "vox", split)
    top = voxconverse.REFERENCES.name.removesuffix(".zip")
    references = sorted((root / "voxconverse-master").rglob("*.rttm"))
    web.files[f"{top}.zip"] = pack(
        tmp_path / "r.zip",
        [(f"{top}/{p.relative_to(root / 'voxconverse-master')}", p) for p in references],
    )
    name = "voxconverse_dev_wav.zip"
    wavs = sorted((root / "dev/audio").iterdir())
    web.files[name] = pack(tmp_path / "w.zip", [(f"audio/{p.name}", p) for p in wavs])
    with pytest.raises(DataError, match="bytes instead of 1988647478"):  # not what was published
        downloaded("voxconverse", "test", tmp_path, web)
    small = Remote(name, f"{web.url}/gone/{name}")
    monkeypatch.setattr(voxconverse, "AUDIO", {"dev": small, "test": voxconverse.AUDIO["test"]})
    folder, found = downloaded("voxconverse", "test", tmp_path, web)
    assert [r.name for r in found.recordings] == ["aaaac", "aaaal"] and not found.failed
    assert found.recordings[0].audio == folder / "voxconverse_dev_wav/audio/aaaac.wav"
    assert not (folder / name).exists()
    web.asked.clear()
    downloaded("voxconverse", "train", tmp_path, web)
    assert web.asked == []


def test_callhome_key_and_folds_are_downloaded(tmp_path, web):
    root = callhome_corpus(tmp_path / "x")
    key = root / "sre2000-key"
    web.files["sre2000-key.tar.gz"] = pack(tmp_path / "key.tar.gz", [("sre2000-key", key)])
    fold = root / "CALLHOME_sublists/part1/num_speakers.txt"
    web.files["CALLHOME_sublists/part1/num_speakers.txt"] = fold.read_bytes()
    shutil.rmtree(key)
    shutil.rmtree(fold.parent)
    _, found = downloaded("callhome", "callhome1", tmp_path, web, root)
    assert [r.name for r in found.recordings] == ["iaaa", "iaac"] and not found.failed


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("ami", ["--sets", "eval"], "no set 'eval' in ami; choose from train, dev, test"),
        ("ami", ["--mic", "lapel"], "--mic lapel: must be one of: mix-headset, array1-01"),
        ("ami", ["--audio-dir", "/nowhere"], "no such file or directory (--audio-dir)"),
        ("ami", ["--mirror", "file:///x"], "expected an address, http:// or https://"),
        ("callhome", [], "--audio-dir <LDC2001S97> is needed"),
        ("dihard3", [], "--audio-dir <dir> is needed"),
        ("voxconverse", ["--mic", "x"], "unknown option --mic"),
    ],
)
def test_mistakes_are_said_in_one_line(tmp_path, name, options, said):
    result = step(tmp_path, name, *options)
    assert result.returncode == 1 and said in result.stderr
    assert "Traceback" not in result.stderr


def run_sh(tmp_path, *options):
    env = {**os.environ, "DIAR_CACHE": str(tmp_path / "cache")}
    return run("./run.sh", *options, env=env)


def test_run_hands_options_on_and_lists_what_failed(tmp_path):
    corpus = tmp_path / "corpus"
    ami_setup(corpus / "setup", train=["ES2002a"], dev=["IB4001"], test=["ES2004a", "ES2004b"])
    ami_audio(corpus, "ES2002a", "IB4001", "ES2004a", stream="Array1-01")
    where = ("--data", tmp_path / "data", "--exp", tmp_path / "exp", "--stop-stage", "0")
    options = ("--corpus", "ami", "--audio-dir", corpus, "--mic", "array1-01", *where)
    result = run_sh(tmp_path, *options)
    assert result.returncode == 1
    assert (
        f"run.sh: failed: {tmp_path}/data/test: ES2004b no ES2004b.Array1-01.wav" in result.stderr
    )
    assert sorted(p.name for p in (tmp_path / "data").iterdir() if not p.name.startswith(".")) == [
        "dev",
        "test",
        "train",
    ]
    # What is not evaluated is not prepared.
    result = run_sh(tmp_path, *options, "--test-sets", "dev", "--data", tmp_path / "few")
    assert result.returncode == 0 and not (tmp_path / "few/test").exists(), result.stderr


@pytest.mark.parametrize("name", ["voxconverse", "ami"])
def test_published_setup_insists_on_its_corpus(tmp_path, name):
    where = ("--stage", "7", "--stop-stage", "4")  # options only
    published = ("--config", f"conf/paper_{name}.conf", *where)
    result = run_sh(tmp_path, *published)
    assert result.returncode == 1 and "--corpus must be given on the command line" in result.stderr
    result = run_sh(tmp_path, "--corpus", name, *published)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["ami", "callhome", "dihard3", "voxconverse"])
def test_options_of_each_corpus_name_its_sets(root, tmp_path, name):
    result = run_sh(tmp_path, "--corpus", name, "--stage", "7", "--stop-stage", "4")
    assert result.returncode == 0, result.stderr
    options = (root / f"conf/{name}.conf").read_text()
    chosen = dict(x.split("=") for x in options.splitlines() if not x.startswith("#"))
    assert chosen["data"] == f"data/{name}" and chosen["exp"] == f"exp/{name}"
    for key in ("train_set", "dev_set", "test_sets"):
        assert {*chosen[key].strip('"').split()} <= {*corpora.get(name).sets}
