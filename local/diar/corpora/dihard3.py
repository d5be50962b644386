"""DIHARD III (Ryant et al., 'The Third DIHARD Diarization Challenge', Interspeech 2021).

Two releases of the LDC: development (LDC2020E12, now LDC2022S12) and evaluation (LDC2021E02, now
LDC2022S14), each with data/flac, data/rttm, data/uem_scoring/{core,full}/all.uem. It cannot be
downloaded.

Sets: 'dev' and 'eval' are the full sets, 'dev_core' and 'eval_core' the core sets, which are a part
of the full sets. The evaluated regions are those of uem_scoring.
"""

from __future__ import annotations

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
from diar.kaldi import rttm

RELEASES = {"dev": "LDC2020E12 or LDC2022S12", "eval": "LDC2021E02 or LDC2022S14"}


def read(name: str, files: Files, options: Options) -> CorpusSet:
    """Describe the recordings of a set.

    These are the evaluated recordings, and for the full sets also those in flac/ and rttm/, so that a
    recording without reference or region is reported.
    """
    part, _, condition = name.partition("_")
    data = _data_dir(part, files)
    references = options.reference or data / "rttm"
    regions = rttm.read_uem(data / "uem_scoring" / (condition or "full") / "all.uem")
    names = set(regions)
    if not condition:
        names |= {p.stem for p in (data / "flac").glob("*.flac")}
        names |= {p.stem for p in references.glob("*.rttm") if p.stem.startswith(_prefix(part))}
    notes: list[str] = []

    def describe(recording: str) -> CorpusRecording:
        audio = data / "flac" / f"{recording}.flac"
        if not audio.exists():
            raise DataError(f"no such audio file: copy it from {RELEASES[part]}", audio)
        turns = reference_of(recording, references / f"{recording}.rttm", notes)
        if recording not in regions:
            raise DataError("no region of it in uem_scoring/full/all.uem", data)
        return CorpusRecording(recording, audio.absolute(), turns, tuple(regions[recording]))

    return collect(names, describe, notes)


def _data_dir(part: str, files: Files) -> Path:
    """Find the folder data/ of a release, by its recordings."""
    inside = "uem_scoring/full/all.uem"
    for root in files.roots_of(inside):
        if any(r.startswith(_prefix(part)) for r in rttm.read_uem(root / inside)):
            return root
    raise DataError(
        f"no data/{inside} of DIHARD III {part} below {files.where}: --audio-dir names the folder that"
        f" holds {RELEASES[part]}"
    )


def _prefix(part: str) -> str:
    return f"DH_{part.upper()}_"


CORPUS = Corpus(
    licence="DIHARD III: an agreement with the LDC (https://dihardchallenge.github.io/dihard3);"
    " nothing is downloaded",
    sets=("dev", "eval", "dev_core", "eval_core"),
    read=read,
)
