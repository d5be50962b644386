"""VoxConverse, release 0.3 (Chung et al., 'Spot the conversation', Interspeech 2020).

Sets: 'train' (166) and 'test' (50) are the published split of the dev part, in
conf/voxconverse_split.tsv; 'full' is all of the dev part (216); 'dev' is every fifth recording of
'train' in the order of names (34). The published recipe has no development set; ours is part of the
training set, so that training and test stay as published: it monitors the training and is not held
out. 'voxconverse_test' is the corpus's own test part (232).
"""

from __future__ import annotations

import re
from pathlib import Path

from diar.base import config
from diar.base.errors import DataError
from diar.corpora.corpus import (
    Corpus,
    CorpusRecording,
    CorpusSet,
    Files,
    Options,
    collect,
    reference_of,
)
from diar.fetching.archives import unpack
from diar.fetching.download import Downloads, Remote
from diar.kaldi.tables import read_map

SPLIT = config.CONF / "voxconverse_split.tsv"
COMMIT = "24bf60be297701cd7e4ef18550c6d390c1b87365"  # its README calls it 0.3; there is no tag
REFERENCES = Remote(
    f"voxconverse-{COMMIT}.zip",
    f"https://github.com/joonson/voxconverse/archive/{COMMIT}.zip",
    begins=b"PK",
)
_AUDIO = "https://www.robots.ox.ac.uk/~vgg/data/voxconverse/data"
AUDIO = {
    "dev": Remote(
        "voxconverse_dev_wav.zip",
        f"{_AUDIO}/voxconverse_dev_wav.zip",
        1988647478,
        "e83a68b5df3bc945a3cf4544102038792ae79972753c585769e58ea677c523a8",
    ),
    "test": Remote(
        "voxconverse_test_wav.zip",
        f"{_AUDIO}/voxconverse_test_wav.zip",
        sha256="472ebf1eaeb1dcb5c311b07a8b5c31bcedcccbf98f386d90a88cde2452da8c68",
        most=8_000_000_000,
    ),
}
DEV_EVERY = 5


def obtain(name: str, files: Files, options: Options, downloads: Downloads) -> dict[str, str]:
    """Download the references, and the audio of the part of a set, where any of it is missing."""
    if reference_dir(name, files, options) is None:
        archive = downloads.fetch(REFERENCES)
        unpack(archive, downloads.folder / archive.stem, 500_000_000)
        files = Files(files.places)
    folder = downloads.folder / AUDIO[part_of(name)].name.removesuffix(".zip")
    wanted = names_of(name, files, options)
    if not folder.exists() and not all(files.has(*audio_names(n)) for n in wanted):
        archive = downloads.fetch(AUDIO[part_of(name)])
        unpack(archive, folder, 10_000_000_000)
        archive.unlink()  # as large as what came out of it
    return {}


def read(name: str, files: Files, options: Options) -> CorpusSet:
    """Describe the recordings of a set."""
    references = reference_dir(name, files, options)
    if references is None:
        raise DataError(
            f"no references: no {part_of(name)}/*.rttm of VoxConverse below"
            f" {files.where}; 'git clone"
            " https://github.com/joonson/voxconverse' there, or name it with --reference, or allow"
            " --download true"
        )
    notes: list[str] = []

    def describe(recording: str) -> CorpusRecording:
        turns = reference_of(recording, references / f"{recording}.rttm", notes)
        audio = files.one(
            *audio_names(recording), hint=f"it comes with {AUDIO[part_of(name)].name}"
        )
        return CorpusRecording(recording, audio, turns)

    return collect(names_of(name, files, options), describe, notes)


def names_of(name: str, files: Files, options: Options) -> set[str]:
    """List the recordings of a set: from the split for the dev part, from the existing files for the test part."""
    split = read_map(SPLIT)
    if name == "full":
        return set(split)
    if name == "dev":
        return set(sorted(r for r, part in split.items() if part == "train")[::DEV_EVERY])
    if name in ("train", "test"):
        return {r for r, part in split.items() if part == name}
    references = reference_dir(name, files, options)
    known = {p.stem for p in references.glob("*.rttm")} if references else set()
    return known | files.stems(".wav", within="voxconverse_test_wav")


def part_of(name: str) -> str:
    """Return the part of the corpus, dev or test, that a set belongs to."""
    return "test" if name == "voxconverse_test" else "dev"


def reference_dir(name: str, files: Files, options: Options) -> Path | None:
    """Find the folder of the RTTMs of a part; None if there is none.

    Raises:
        DataError: --reference names a folder without them.
    """
    part = part_of(name)
    if options.reference is None:
        return files.folder_of(part, re.compile(r"[a-z]{5}\.rttm"))
    for folder in (options.reference / part, options.reference):
        if any(folder.glob("*.rttm")):
            return folder
    raise DataError(f"no {part}/*.rttm in it (--reference)", options.reference)


def audio_names(recording: str) -> tuple[str, str]:
    """Return the possible file names of a recording's audio."""
    return f"{recording}.wav", f"{recording}.flac"


CORPUS = Corpus(
    licence="VoxConverse, CC BY 4.0, for research; the copyright of the audio stays with the owners"
    " of the videos (https://www.robots.ox.ac.uk/~vgg/data/voxconverse)",
    sets=("train", "dev", "test", "voxconverse_test", "full"),
    obtain=obtain,
    read=read,
)
