"""Directories of local speakers: their activity in windows of each recording, as Kaldi matrices."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.base.types import LocalSpeakers
from diar.kaldi.arks import Scp
from diar.kaldi.tables import expect_fields, read_segments, records

FRAMES = "<first> <shift>"  # the line of 'frames', seconds: see ``LocalSpeakers``


class LocalSpeakersDir:
    """A directory made by steps/find_local_speakers.sh, read one recording at a time.

    ``segments`` lists the windows of the network. ``activity.scp`` has a matrix for each recording; its
    rows are the frames of the windows, one window after the other, and its columns the local speakers,
    which are unrelated between windows. ``frames`` has the positions of frames in a window.

    Raises:
        DataError: a file is missing or malformed.
    """

    def __init__(self, directory: str | Path):
        path = Path(directory)
        segments = read_segments(path / "segments")
        self._starts = {r: windows.starts for r, windows in segments.by_recording().items()}
        self._activity = Scp(path / "activity.scp")
        number, fields = next(records(path / "frames"), (1, []))
        expect_fields(fields, FRAMES, path / "frames", number)
        try:
            self._first, self._shift = (float(field) for field in fields)
        except ValueError:
            raise DataError(f"expected '{FRAMES}' in seconds", path / "frames", number) from None

    def load(self, recording: str) -> LocalSpeakers:
        """Read the local speakers of one recording.

        Raises:
            DataError: it has none, or not as many frames as its windows.
        """
        if recording not in self._starts or recording not in self._activity:
            raise DataError(f"no local speakers of {recording}", self._activity.path)
        starts, activity = self._starts[recording], self._activity[recording]
        if activity.ndim != 2 or len(activity) % len(starts):
            raise DataError(
                f"{recording}: {len(starts)} windows, but activity of {activity.shape}",
                self._activity.path,
            )
        frames = activity.reshape(len(starts), -1, activity.shape[1])
        return LocalSpeakers(starts, frames, self._first, self._shift)
