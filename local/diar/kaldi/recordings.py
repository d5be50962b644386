"""The recordings of a Kaldi data directory: their files and channels, and reading them."""

from __future__ import annotations

from pathlib import Path

from diar.audio import waveform
from diar.audio.spool import Samples
from diar.base.errors import DataError
from diar.base.numbers import parse_channel
from diar.kaldi.tables import CHANNEL, read_wav_scp, unique_records

CLIPPED = 0.01  # minimum share of samples at full scale for a remark


class Recordings:
    """``wav.scp``, and ``reco2file_and_channel`` if it exists.

    Attributes:
        paths: recording -> audio file.
        faults: recording -> fault of its line in wav.scp.

    Raises:
        DataError: see ``read_wav_scp``; or a malformed line of reco2file_and_channel.
    """

    def __init__(self, data_dir: str | Path):
        directory = Path(data_dir)
        self.paths, self.faults = read_wav_scp(directory / "wav.scp")
        channels = directory / "reco2file_and_channel"
        self.channels = read_channels(channels) if channels.exists() else {}

    @property
    def names(self) -> list[str]:
        """All recordings, sorted, including those with faults."""
        return sorted(self.paths.keys() | self.faults.keys())

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of the file of each recording; 0 if there is none."""
        return {r: self.paths[r].stat().st_size if r in self.paths else 0 for r in self.names}

    def seconds(self, recording: str) -> float:
        """Return the duration of a recording from its header; 0 if only decoding can tell."""
        path = self.paths.get(recording)
        return (path and waveform.header_duration(path)) or 0.0

    def load(self, recording: str, rate: int = waveform.SAMPLE_RATE) -> tuple[Samples, list[str]]:
        """Read a recording: mono samples at ``rate``, and the ``remarks`` on them.

        A file with one channel is used whatever ``reco2file_and_channel`` says, because its channel was
        chosen when the file was written, as by the commands in Kaldi's own wav.scp.

        Raises:
            DataError: its line has a fault, or its file cannot be used.
        """
        if recording in self.faults:
            raise DataError(self.faults[recording])
        if recording not in self.paths:
            raise DataError(f"no recording {recording!r} in wav.scp")
        channel = self.channels.get(recording)
        audio = waveform.read(self.paths[recording], rate, channel, only_of_many=True)
        return audio.samples, remarks(audio, rate, channel)


def remarks(audio: waveform.Audio, rate: int, channel: int | None) -> list[str]:
    """List conversions to get samples at ``rate`` (resampled, mixed ...), and problems of the audio."""
    notes = []
    if audio.rate != rate:
        notes.append(f"resampled from {audio.rate} Hz")
    if audio.channels > 1:
        mixed = f"{audio.channels} channels mixed"
        notes.append(mixed if channel is None else f"channel {channel + 1} of {audio.channels}")
    notes += audio.notes
    if audio.clipped >= CLIPPED:
        notes.append("clipped")
    return notes


def read_channels(path: str | Path) -> dict[str, int]:
    """Read reco2file_and_channel: recording -> channel, numbered from 0.

    Raises:
        DataError: too few fields, a channel other than A, B, 1, 2 ..., or a duplicate recording.
    """
    channels: dict[str, int] = {}
    for number, (recording, _, name) in unique_records(path, CHANNEL, "recording"):
        channel = parse_channel(name)
        if channel is None:
            raise DataError(f"channel {name!r}: expected A, B, 1, 2, ...", path, number)
        channels[recording] = channel
    return channels


def read_file_channels(path: str | Path) -> dict[tuple[str, int], str]:
    """Read the inverse of reco2file_and_channel: (file, channel numbered from 0) -> recording.

    Raises:
        DataError: see ``read_channels``.
    """
    channels = read_channels(path)
    return {
        (file, channels[recording]): recording
        for _, (recording, file, _) in unique_records(path, CHANNEL, "recording")
    }
