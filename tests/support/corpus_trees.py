"""Small trees in the layouts of the public corpora, for tests."""

import tarfile
import zipfile

import numpy as np
import soundfile

from diar import corpora
from diar.corpora.corpus import Files, Options, write_set


def sound(path, seconds=4.0, channels=1, rate=8000, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (int(seconds * rate), channels) if channels > 1 else int(seconds * rate)
    soundfile.write(path, np.zeros(shape, np.int16), rate, **how)
    return path


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def line(recording, start, duration, speaker):
    return f"SPEAKER {recording} 1 {start} {duration} <NA> <NA> {speaker} <NA> <NA>\n"


def two_turns(recording):
    return line(recording, 0.5, 1.25, "A") + line(recording, 1.5, 2, "B")


def prepared(corpus, name, tmp_path, *places, **options):
    """The data directory of a set, and what was described and failed."""
    options = Options(tuple(places), **options)
    described = corpora.get(corpus).read(name, Files(places), options)
    target = tmp_path / "data" / name
    return target, write_set(target, described)


def ami_setup(root, **sets):
    """BUT's AMI-diarization-setup with these meetings."""
    for name in ("train", "dev", "test"):
        listed = sets.get(name, [])
        text(root / f"lists/{name}.meetings.txt", "".join(f"{m}\n" for m in listed))
        for m in listed:
            text(root / f"only_words/rttms/{name}/{m}.rttm", two_turns(m))
            text(root / f"uems/{name}/{m}.uem", f"{m} 1 0.000 3.5\n")
    return root


def ami_audio(root, *meetings, stream="Mix-Headset", **how):
    for m in meetings:
        sound(root / f"amicorpus/{m}/audio/{m}.{stream}.wav", **how)


def vox_corpus(root, split, test=("bbbba", "bbbbb")):
    """The repository of the references, and the two audio archives as they unpack."""
    for name in split:
        text(root / f"voxconverse-master/dev/{name}.rttm", two_turns(name))
        sound(root / f"dev/audio/{name}.wav")
    for name in test:
        text(root / f"voxconverse-master/test/{name}.rttm", two_turns(name))
        sound(root / f"test/voxconverse_test_wav/{name}.wav")
    return root


def callhome_corpus(root, names=("iaaa", "iaab", "iaac", "iaeu")):
    """Disk 8 of LDC2001S97, the key of OpenSLR 10, the folds of CALLHOME_sublists."""
    for name in names:
        data = root / "LDC2001S97/r65_8_1/sid00sg1/data"
        sound(data / f"{name}.sph", format="NIST", subtype="ULAW")
    text(root / "sre2000-key/fullref.rttm", "".join(map(two_turns, ("iaaa", "iaab", "iaac"))))
    text(root / "CALLHOME_sublists/part1/num_speakers.txt", "iaaa 2\niaac 2\n")
    return root


def dihard_release(root, part, core, full):
    data = root / f"third_dihard_challenge_{part}/data"
    for name in full:
        sound(data / f"flac/{name}.flac", rate=16000)
        text(data / f"rttm/{name}.rttm", two_turns(name))
        text(data / f"uem/{name}.uem", f"{name} 1 0.000 4.000\n")
        text(data / f"sad/{name}.lab", "0.5 3.5 speech\n")
    for condition, names in (("core", core), ("full", full)):
        text(
            data / f"uem_scoring/{condition}/all.uem",
            "".join(f"{n} 1 0.000 1.000\n{n} 1 2.000 3.000\n" for n in names),
        )
    return data


def pack(path, members):
    """A zip or a tar.gz of (name, file) pairs, as bytes."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as bundle:
            for name, file in members:
                bundle.write(file, name)
    else:
        with tarfile.open(path, "w:gz") as bundle:
            for name, file in members:
                bundle.add(file, name)
    return path.read_bytes()
