"""Directories of local speakers: who of a few is active in windows of a recording, as Kaldi's matrices."""

from __future__ import annotations

from pathlib import Path

from diar.base.errors import DataError
from diar.base.types import LocalSpeakers
from diar.kaldi.arks import Scp
from diar.kaldi.tables import expect_fields, read_segments, records

FRAMES = "<first> <shift>"  # the line of 'frames', seconds: see ``LocalSpeakers``


class LocalSpeakersDir:
    """A directory that steps/find_local_speakers.sh has made, read one recording at a time.

    ``segments`` lists the windows of the network. ``activity.scp`` has a matrix for each recording, whose
    rows are the frames of the windows, one window after the other, and whose columns are the local
    speakers; a column means nothing beyond its window. ``frames`` says where in a window frames lie.

    Raises:
        DataError: files that are missing, or not of this form.
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
            raise DataError("no local speakers of it are known", self._activity.path)
        starts, activity = self._starts[recording], self._activity[recording]
        if activity.ndim != 2 or len(activity) % len(starts):
            raise DataError(
                f"{recording}: {len(starts)} windows, but activity of {activity.shape}",
                self._activity.path,
            )
        frames = activity.reshape(len(starts), -1, activity.shape[1])
        return LocalSpeakers(starts, frames, self._first, self._shift)
