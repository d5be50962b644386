"""RTTM and UEM files (NIST Rich Transcription 2009 evaluation plan, appendix A)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from diar.errors import DataError
from diar.files import write_text
from diar.types import Region, Turn


def read_rttm(path: str | Path) -> dict[str, list[Turn]]:
    """Turns of each recording, sorted by start; ``path`` is a file or a directory of ``*.rttm``.

    Only SPEAKER lines count; ';;' comments and other line types are passed over. Trailing fields
    after the speaker name may be missing.

    Raises:
        DataError: a directory without RTTMs, too few fields, times that are no numbers, negative starts, durations <= 0.
    """
    turns: dict[str, list[Turn]] = {}
    for file in _files(Path(path), ".rttm"):
        for number, fields in _lines(file):
            if fields[0] != "SPEAKER":
                continue
            if not 8 <= len(fields) <= 10:
                raise DataError(
                    f"a SPEAKER line has 8 to 10 fields, found {len(fields)}", file, number
                )
            start, duration = (_number(text, file, number) for text in fields[3:5])
            if start < 0:
                raise DataError(f"negative start {fields[3]}", file, number)
            if duration <= 0:
                raise DataError(f"duration {fields[4]} is not positive", file, number)
            turns.setdefault(fields[1], []).append(Turn(fields[1], start, duration, fields[7]))
    return {recording: sorted(turns[recording]) for recording in sorted(turns)}


def format_rttm(turns: Iterable[Turn]) -> str:
    """RTTM text: sorted, times in milliseconds, turns that round to nothing left out.

    Both ends are rounded, so that turns which touch still touch.
    """
    lines = []
    for turn in sorted(turns):
        start, end = round(turn.start * 1000), round(turn.end * 1000)
        if end > start:
            lines.append(
                f"SPEAKER {turn.recording} 1 {start / 1000:.3f} {(end - start) / 1000:.3f}"
                f" <NA> <NA> {turn.speaker} <NA> <NA>\n"
            )
    return "".join(lines)


def write_rttm(path: str | Path, turns: Iterable[Turn]) -> None:
    """Write one RTTM file, whole or not at all; no turns give a valid empty file."""
    write_text(path, format_rttm(turns))


def read_uem(path: str | Path) -> dict[str, list[Region]]:
    """Evaluation regions of each recording ('<recording> <channel> <start> <end>')."""
    regions: dict[str, list[Region]] = {}
    for file in _files(Path(path), ".uem"):
        for number, fields in _lines(file):
            if fields[0].startswith(";"):
                continue
            if len(fields) != 4:
                raise DataError(
                    f"expected '<recording> <channel> <start> <end>', found {len(fields)} field(s)",
                    file, number,
                )  # fmt: skip
            start, end = (_number(text, file, number) for text in fields[2:])
            if not 0 <= start < end:
                raise DataError(f"empty or reversed region {start} {end}", file, number)
            regions.setdefault(fields[0], []).append(Region(start, end))
    return {recording: sorted(regions[recording]) for recording in sorted(regions)}


def write_uem(path: str | Path, durations: Mapping[str, float]) -> None:
    """Write a UEM that evaluates each recording from 0 to its duration."""
    write_text(path, "".join(f"{r} 1 0.000 {durations[r]:.3f}\n" for r in sorted(durations)))


def _files(path: Path, suffix: str) -> list[Path]:
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix == suffix)
        if not files:
            raise DataError(f"no *{suffix} file in this directory", path)
        return files
    if not path.exists():
        raise DataError("no such file", path)
    return [path]


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of each line that is not blank."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", file) from None
    for number, line in enumerate(text.split("\n"), 1):
        if fields := line.split():
            yield number, fields


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text) if "_" not in text else math.nan  # Python would take 1_000
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{text!r} is not a number", path, line)
    return value
