"""AMI meetings (Carletta et al., MLMI 2005): the full-corpus-ASR partition with BUT's references.

Audio: the mirror of the University of Edinburgh, one file per meeting. References, UEMs and lists of
meetings: BUT's AMI-diarization-setup, 'only_words' (Landini et al., arXiv 2012.14952).
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

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
from diar.fetching.download import Downloads, Remote, Stopped
from diar.kaldi import rttm
from diar.kaldi.tables import records

log = logging.getLogger(__name__)

AUDIO = "https://groups.inf.ed.ac.uk/ami/AMICorpusMirror/amicorpus"
COMMIT = "2509d8933721023fab4def2618aabd5c28eb82e9"
SETUP = Remote(
    f"AMI-diarization-setup-{COMMIT}.zip",
    f"https://github.com/BUTSpeechFIT/AMI-diarization-setup/archive/{COMMIT}.zip",
    begins=b"PK",
)
STREAMS = {"mix-headset": "Mix-Headset", "array1-01": "Array1-01"}
# The mirror lacks Array1-01 of these two, as other recipes also note (BUT's s5c in Kaldi, NeMo):
# it is not a fault of the local copy.
UNPUBLISHED = {"mix-headset": (), "array1-01": ("IS1003b", "IS1007d")}


def obtain(name: str, files: Files, options: Options, downloads: Downloads) -> dict[str, str]:
    """Download the setup, and the missing audio of the meetings of a set."""
    if find_setup(files, options) is None:
        archive = downloads.fetch(SETUP)
        unpack(archive, downloads.folder / archive.stem, 500_000_000)
        files = Files(files.places)
    listed = [
        m for m in meetings(name, setup_of(files, options)) if m not in UNPUBLISHED[options.mic]
    ]
    missing = [m for m in listed if not files.has(audio_name(m, options))]
    failed = {}
    for done, meeting in enumerate(missing):
        file = audio_name(meeting, options)
        log.info("progress %d/%d %s", done, len(missing), file)
        try:
            inside = f"{meeting}/audio/{file}"
            downloads.fetch(
                Remote(
                    f"amicorpus/{inside}", f"{AUDIO}/{inside}", begins=b"RIFF", most=1_000_000_000
                )
            )
        except Stopped:
            raise
        except DataError as error:
            failed[meeting] = str(error)
    return failed


def read(name: str, files: Files, options: Options) -> CorpusSet:
    """Describe the meetings in the list of a set."""
    setup = setup_of(files, options)
    notes: list[str] = []

    def describe(meeting: str) -> CorpusRecording:
        file = files.one(audio_name(meeting, options), hint=f"it is published at {AUDIO}")
        turns = reference_of(meeting, setup / f"only_words/rttms/{name}/{meeting}.rttm", notes)
        uem = setup / f"uems/{name}/{meeting}.uem"
        if not uem.exists():
            raise DataError("no such file: the evaluated regions are not known", uem)
        regions = rttm.read_uem(uem).get(meeting)
        if not regions:
            raise DataError(f"no region of {meeting}", uem)
        return CorpusRecording(meeting, file, turns, tuple(regions), channels=None)

    listed = meetings(name, setup)
    absent = [
        m for m in UNPUBLISHED[options.mic] if m in listed and not files.has(audio_name(m, options))
    ]
    described = collect(set(listed) - set(absent), describe, notes)
    described.notes += [f"{m}: the mirror has no Array1-01 for it" for m in absent]
    return described


def setup_of(files: Files, options: Options) -> Path:
    """Find the folder of the references.

    Raises:
        DataError: there is none.
    """
    setup = find_setup(files, options)
    if setup is None:
        raise DataError(
            "no references: no AMI-diarization-setup (lists/, only_words/, uems/) below"
            f" {files.where}; 'git clone"
            " https://github.com/BUTSpeechFIT/AMI-diarization-setup' there, or name it with"
            " --reference, or allow --download true"
        )
    return setup


def find_setup(files: Files, options: Options) -> Path | None:
    """Find the folder of the references; None if there is none.

    Raises:
        DataError: --reference names another folder.
    """
    if options.reference is None:
        return files.root_of("lists/train.meetings.txt")
    if not (options.reference / "lists" / "train.meetings.txt").exists():
        raise DataError("lists/train.meetings.txt is missing (--reference)", options.reference)
    return options.reference


def audio_name(meeting: str, options: Options) -> str:
    """Return the file name of a meeting's audio, of the chosen microphone."""
    return f"{meeting}.{STREAMS[options.mic]}.wav"


def meetings(name: str, setup: Path) -> list[str]:
    """List the meetings of a set."""
    path = setup / "lists" / f"{name}.meetings.txt"
    listed = []
    for number, fields in records(path):
        if len(fields) != 1 or not re.fullmatch(r"[A-Za-z0-9_-]+", fields[0]):  # part of a path
            raise DataError("expected the id of one meeting", path, number)
        listed.append(fields[0])
    return listed


CORPUS = Corpus(
    licence="AMI Meeting Corpus, CC BY 4.0 (https://groups.inf.ed.ac.uk/ami/corpus/license.shtml)",
    sets=("train", "dev", "test"),
    obtain=obtain,
    read=read,
    mics=tuple(STREAMS),
)
