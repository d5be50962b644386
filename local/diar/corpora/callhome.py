"""CALLHOME of the NIST SRE 2000, disk 8 (LDC2001S97): telephone calls of two to seven people.

Audio: 8 kHz SPHERE files, <four letters>.sph in r65_8_1/sid00sg1/data; the LDC sells them. References: fullref.rttm of OpenSLR 10 (sre2000-key), as in Kaldi's callhome_diarization.

Sets: 'callhome1' and 'callhome2', the two folds of Kaldi's recipe: systems tuned on one are tested on
the other. Kaldi draws them by a seeded shuffle of the list; BUT's CALLHOME_sublists has published the
result, and callhome1 is read from there. 'callhome' is both.
"""

from __future__ import annotations

import re
from pathlib import Path

from diar.base.errors import DataError
from diar.corpora.corpus import Corpus, CorpusRecording, CorpusSet, Files, Options, collect
from diar.fetching.archives import unpack
from diar.fetching.download import Downloads, Remote
from diar.kaldi import rttm
from diar.kaldi.tables import read_numbers

KEY = Remote(
    "sre2000-key.tar.gz",
    "https://www.openslr.org/resources/10/sre2000-key.tar.gz",
    begins=b"\x1f\x8b",
)
COMMIT = "0c4e8ac168af239e665b2e26f58bbbaeb96b96d2"
FOLD = Remote(
    "CALLHOME_sublists/part1/num_speakers.txt",
    f"https://raw.githubusercontent.com/BUTSpeechFIT/CALLHOME_sublists/{COMMIT}/part1/num_speakers.txt",
    begins=b"ia",
)
NO_REFERENCE = frozenset({"iaeu"})  # on the disk, in no list: CALLHOME_sublists has 499 of 500


def obtain(name: str, files: Files, options: Options, downloads: Downloads) -> dict[str, str]:
    """Download the key and the folds; never the audio."""
    if options.reference is None and not files.has("fullref.rttm"):
        unpack(downloads.fetch(KEY), downloads.folder / "sre2000-key", 500_000_000)
    if name != "callhome" and fold_file(files) is None:
        downloads.fetch(FOLD)
    return {}


def read(name: str, files: Files, options: Options) -> CorpusSet:
    """Describe the recordings of a fold."""
    hint = "it is in OpenSLR 10, sre2000-key.tar.gz: allow --download true, or name --reference"
    key = options.reference or files.one("fullref.rttm", hint=hint)
    turns, faults, empty = rttm.read_references(key)
    audio = {stem for stem in files.stems(".sph") if re.fullmatch("ia[a-z]{2}", stem.lower())}
    names = {*turns, *faults, *(stem.lower() for stem in audio)} - NO_REFERENCE
    if name != "callhome":
        fold = _fold(files)
        names = names & fold if name == "callhome1" else names - fold

    def describe(recording: str) -> CorpusRecording:
        if recording in faults:
            raise DataError(faults[recording])
        if recording not in turns:
            raise DataError(f"no reference: no turn of it in {key}")
        file = files.one(
            f"{recording}.wav",  # may have been converted from a compressed one
            f"{recording}.sph",
            hint="--audio-dir names the folder of LDC2001S97",
        )
        return CorpusRecording(recording, file, tuple(turns[recording]))

    notes = [f"{r}: {n} turn(s) of zero length left out" for r, n in sorted(empty.items())]
    return collect(names, describe, notes)


def fold_file(files: Files) -> Path | None:
    """Find the list of the first fold; None if there is none."""
    root = files.root_of("part1/num_speakers.txt")
    return root and root / "part1" / "num_speakers.txt"


def _fold(files: Files) -> set[str]:
    path = fold_file(files)
    if path is None:
        raise DataError(
            "the folds are not known: no part1/num_speakers.txt of"
            f" CALLHOME_sublists below {files.where}; 'git clone"
            " https://github.com/BUTSpeechFIT/CALLHOME_sublists' there, or allow --download true"
        )
    return set(read_numbers(path))


CORPUS = Corpus(
    licence="CALLHOME, NIST SRE 2000: an agreement with the LDC, LDC2001S97"
    " (https://catalog.ldc.upenn.edu/LDC2001S97); only the key is downloaded",
    sets=("callhome1", "callhome2", "callhome"),
    obtain=obtain,
    read=read,
)
