"""The page of recordings diarized without an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from diar.audio.compression import mp3
from diar.audio.loudness import Loudness, loudness
from diar.audio.spool import Samples
from diar.base.files import Scratch, write_text
from diar.base.types import Turn
from diar.report.experiment import address, speakers
from diar.report.overview import SetPage, recording_table, versions
from diar.report.page import About, pack, write_page
from diar.report.recordings import ReportConfig, View, plain
from diar.words.word import Word

SET, SYSTEM = "recordings", "dec_default"
NAMES = {SYSTEM: "speakers"}


class PageAudio(NamedTuple):
    """The sound of a recording for a page: its length, its file or the sound itself, its loudness."""

    recording: str
    seconds: float
    address: str | None
    loudness: Loudness | None
    sound: bytes


class StandalonePage:
    """Takes recordings as they come, and writes the page of all: ``listen``, ``add``, finally ``write``.

    Args:
        out: the page.
        made: the command that makes it, for the footer.
        configurations: YAML by name.
        embed_audio: whether to put the audio into the page, so that it can be sent to somebody.
        config: what the page shows.
    """

    def __init__(
        self,
        out: Path,
        made: str,
        configurations: Mapping[str, str],
        embed_audio: bool = False,
        config: ReportConfig | None = None,
    ):
        self.out, self.made, self.configurations = out, made, configurations
        self.embed_audio, self.config = embed_audio, config or ReportConfig()
        self.seconds: dict[str, float] = {}
        self.speakers: dict[str, int] = {}
        self.audio_bytes = 0
        self._folder = Scratch()  # removed with this object

    def listen(
        self, recording: str, audio: Path | None, samples: Samples | np.ndarray, rate: int
    ) -> PageAudio:
        """Prepare the sound of a recording for the page.

        Args:
            audio: its file; None (it was a stream): the page asks for one.
            samples: (n,) mono; rate: samples per second.
        """
        sound = mp3(samples, rate) if self.embed_audio else b""
        return PageAudio(
            recording,
            len(samples) / rate,
            address(audio, self.out.parent) if audio and not sound else None,
            loudness(samples, rate, self.config.loudness) if self.config.loudness else None,
            sound,
        )

    def add(
        self,
        heard: PageAudio,
        turns: Sequence[Turn],
        words: Sequence[Word] = (),
        confidences: Mapping[Turn, float] | None = None,
    ) -> None:
        """Add one recording.

        Args:
            heard: its sound, from ``listen``.
            turns: who spoke when.
            words: of these speakers, if known.
            confidences: of the turns that have one.
        """
        view = View(
            heard.recording,
            heard.seconds,
            heard.address,
            turns={SYSTEM: turns},
            loudness=heard.loudness,
            words={SYSTEM: words},
            sound=heard.sound,
            confidences={SYSTEM: confidences or {}},
        )
        write_text(self._packed_file(heard.recording), pack(plain(view, self.config)))
        self.seconds[heard.recording] = heard.seconds
        self.speakers[heard.recording] = speakers(turns)
        self.audio_bytes += len(heard.sound)

    def write(self) -> Sequence[Path]:
        """Write the page; return the files written, the page last, none if no recording was added."""
        if not self.seconds:
            return []
        table = recording_table(SET, self.seconds, {}, {SYSTEM: self.speakers}, {}, NAMES)
        hours = sum(self.seconds.values()) / 3600
        title = f"{len(self.seconds)} recording(s), {hours:.2f} h"
        page = SetPage(SET, title, NAMES, list(self.seconds), table)
        about = About("Who spoke when", self.made, (), self.configurations, versions())
        packed = {f"{SET}/{recording}": self._packed_file(recording) for recording in self.seconds}
        return write_page(self.out, about, [page], packed, self.config.inline)

    def _packed_file(self, recording: str) -> Path:
        return Path(self._folder.name) / recording
