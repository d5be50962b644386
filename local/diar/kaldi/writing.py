"""Writing the files of a Kaldi data directory with a reference, for any corpus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from diar.base.types import Region, Turn
from diar.kaldi.rttm import speaker_counts, write_rttm, write_uem
from diar.kaldi.tables import write_map, write_utt2spk


def write_files(
    directory: Path,
    wavs: Mapping[str, Path],
    durations: Mapping[str, float],
    turns: Iterable[Turn],
    regions: Mapping[str, Sequence[Region]] | None = None,
) -> None:
    """Write reco2dur reco2num_spk utt2spk spk2utt ref.rttm all.uem, and finally wav.scp.

    Args:
        directory: output directory; other files in it are not changed.
        wavs: audio file of each recording, preferably as absolute paths.
        durations: seconds of each recording.
        turns: the reference of all recordings.
        regions: evaluated regions of recordings; others are evaluated as a whole.
    """
    turns = sorted(turns)
    speakers = speaker_counts(turns)
    write_map(directory / "reco2dur", {r: f"{seconds:.3f}" for r, seconds in durations.items()})
    write_map(directory / "reco2num_spk", {r: speakers[r] for r in wavs})
    write_utt2spk(directory, {recording: recording for recording in wavs})
    write_rttm(directory / "ref.rttm", turns)
    write_uem(directory / "all.uem", {**durations, **(regions or {})})
    write_map(directory / "wav.scp", wavs)
