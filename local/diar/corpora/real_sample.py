"""Three real conversations with references that lie in packages: the set 'real_sample' of the corpus mini."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from xml.etree import ElementTree

from diar.audio.waveform import duration
from diar.base.errors import DataError
from diar.base.files import Scratch
from diar.base.regions import union
from diar.base.types import Turn
from diar.fetching.packages import Package, extract_member, fetch_deb, unpack_deb
from diar.kaldi.rttm import read_rttm

# 30 s of a conversation, MIT licence.
PYANNOTE = Package(
    "pyannote.audio",
    "4.0.7",
    "pyannote_audio-4.0.7-py3-none-any.whl",
    894598,
    "852ea15c4d85bc34773e618267603ffca6a521669a74d33742692cc67fc700d6",
)
# 20 s of French radio, and 24 s of a telephone call with a channel for each side: GPL-2+.
TRANSCRIBER = Package(
    "transcriber",
    "1.5.1.1-10+b1",
    "transcriber_1.5.1.1-10+b1_amd64.deb",
    988840,
    "232f07f352e37b60a0f5d8748510772357fe8942ba9499f26a3b4626b188f25d",
)
EXAMPLES = "usr/share/doc/transcriber/examples"
FILES = {"radio": "frint980428.wav", "telephone": "know.sph"}  # by recording


def fetch_real_sample(folder: Path) -> tuple[list[Path], list[Turn]]:
    """Put the audio of the recordings into a folder.

    Returns:
        Their files, named after the recordings, and the reference turns.

    Raises:
        DataError: a package that cannot be had, or that does not hold what is expected.
    """
    files = [extract_member(PYANNOTE, "pyannote/audio/sample/sample.wav", folder / "sample.wav")]
    with Scratch(folder) as tmp:
        rttm = extract_member(PYANNOTE, "pyannote/audio/sample/sample.rttm", Path(tmp) / "rttm")
        turns = read_rttm(rttm)["sample"]
        unpack_deb(fetch_deb(TRANSCRIBER), Path(tmp))
        for recording, name in FILES.items():
            there = Path(tmp) / EXAMPLES / name
            files.append(folder / f"{recording}{there.suffix}")
            with gzip.open(f"{there}.gz") as source, open(files[-1], "wb") as sink:
                shutil.copyfileobj(source, sink)
            spoken = read_trs(there.with_suffix(".trs"), recording)
            turns += clip(spoken, duration(files[-1]))
    return files, turns


def read_trs(path: str | Path, recording: str) -> list[Turn]:
    """Read the turns of a file of the program Transcriber (trans-14.dtd), sorted.

    A turn of two speakers who talk at the same time is one of each; those of a speaker that touch are
    one.

    Raises:
        DataError: not of that form.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    try:
        for turn in ElementTree.parse(path).iter("Turn"):
            span = float(turn.attrib["startTime"]), float(turn.attrib["endTime"])
            for speaker in turn.get("speaker", "").split():
                spans.setdefault(speaker, []).append(span)
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # LookupError: its encoding
        raise DataError(f"not a file of Transcriber: {error}", path) from None
    return sorted(
        Turn(recording, start, end - start, speaker)
        for speaker, own in spans.items()
        for start, end in union(own)
    )


def clip(turns: list[Turn], end: float) -> list[Turn]:
    """Cut off what lies behind the end of the audio."""
    return [t._replace(duration=min(t.end, end) - t.start) for t in turns if t.start < end]
