"""The published data set class: recordings as windows on the published grid, with references."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from diar.audio import waveform
from diar.base import arguments, config
from diar.base.errors import DataError
from diar.base.files import Scratch
from diar.base.types import Region, Subsegments, Turn
from diar.extractors import EXTRACTORS, Extractor
from diar.extractors import get as get_extractor
from diar.kaldi import inputs, rttm, tables, xvector_dir
from diar.speech import vad
from diar.xvectors.grid import activity, step_samples
from diar.xvectors.windows import XVectorConfig, cut_grid, grid_indices

ROOT = Path(__file__).resolve().parents[3]
# The published names of data sets, and the directories that stage 0 makes for them.
CORPORA = {"ami": "ami/test", "ami_dev": "ami/dev", "voxconverse": "voxconverse/full"}


class DiarizationDataset(Dataset):
    """Recordings as x-vectors on a grid of windows, with the reference of each window.

    Item i is ``(audio_segments, diarization_segments, speech_segments, path)``: x-vectors (n, d)
    float32, zero where there is no speech; reference (n, speakers) 0/1; speech (n,) 0/1; and the
    recording's reference RTTM, whose stem is its name. Window i is centred on i * window_step. Without
    a reference, the second has no columns and the path names a file that does not exist.

    Args:
        dataset_name: a Kaldi directory below data/ of the recipe; 'ami', 'ami_dev' and 'voxconverse' are
            made there by steps/prepare_ami.sh and prepare_voxconverse.sh.
        data_dir: any Kaldi data directory, or a folder with ``audio/`` and ``rttm/``.
        sr: samples per second; the extractors here need 16000.
        window_len, window_step: milliseconds.
        transform: applied to audio_segments: a function, or a list of functions applied in order.
        batch_size_for_ecapa, vad_step: accepted as published; batches and the chunks of the VAD
            are chosen by the extractor and by Silero.
        split: 'full', or 'train' or 'test' of the published VoxConverse split.
        use_precomputed_vad: take speech from exp/vad_combined and x-vectors from
            exp/xvectors_<extractor>_paper, if the stages have made them for this data.
        use_oracle_vad: take speech from the reference.
        skip_overlap: with the oracle VAD, windows in which the reference has several speakers are not
            speech, as published. Without the oracle the reference does not touch the input (the
            published code drops such windows there, too: an oracle that leaks), so that none is needed.
        extractor: a name that ``diar.extractors`` knows.

    Raises:
        TypeError, ValueError: an invalid argument.
        DataError: no such data, a split that does not belong to the data, an oracle without a reference.
    """

    def __init__(
        self,
        dataset_name: str | None = None,
        data_dir: str | Path | None = None,
        sr: int = 16000,
        window_len: int = 240,
        window_step: int = 120,
        transform: Callable[[Tensor], Any] | list[Callable[[Any], Any]] | None = None,
        batch_size_for_ecapa: int = 512,
        vad_step: int = 4,
        split: str = "full",
        use_precomputed_vad: bool = True,
        use_oracle_vad: bool = False,
        skip_overlap: bool = True,
        *,
        extractor: str = "campplus",
    ):
        arguments.choice("split", split, ("full", "train", "test"))
        arguments.whole("batch_size_for_ecapa", batch_size_for_ecapa, 1)
        arguments.whole("vad_step", vad_step, 1)
        wanted = arguments.truth("use_precomputed_vad", use_precomputed_vad)
        self.sr = arguments.whole("sr", sr, 1)
        self.window = arguments.number("window_len", window_len, 10, unit="(milliseconds)") / 1000
        self.step = arguments.number("window_step", window_step, 10, unit="(milliseconds)") / 1000
        self.win_len, self.win_step = window_len, window_step
        step_samples(self.step, self.sr)  # refuses what is not a whole number of them
        self.transform = _transforms(transform)
        self.use_oracle_vad = arguments.truth("use_oracle_vad", use_oracle_vad)
        self.skip_overlap = arguments.truth("skip_overlap", skip_overlap)
        self.extractor_name = arguments.choice("extractor", extractor, sorted(EXTRACTORS))
        self.data_dir = _data_dir(dataset_name, data_dir)
        self._wavs, self._reference = _read_data(self.data_dir)
        if self._reference is None and use_oracle_vad:
            raise DataError(
                "use_oracle_vad=True needs a reference, and there is none", self.data_dir
            )
        self.names = sorted(_of_split(self._wavs, split))
        self._speech = _Precomputed(self, wanted)
        self._rttm_dir = Scratch()
        if self._reference is not None:
            for name in self.names:
                rttm.write_rttm(self._rttm(name), self._reference.get(name, ()))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Any, Tensor, Tensor, str]:
        if not isinstance(index, (int, np.integer)):
            raise arguments.wrong_kind("index", "the number of a recording, from 0", index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index}: there are {len(self)} recordings, from 0")
        name, extractor = self.names[index], self.extractor  # which says what is wrong with sr
        samples = waveform.load(self._wavs[name], self.sr)
        duration = len(samples) / self.sr
        turns = (self._reference or {}).get(name, [])
        reference = activity(turns, self.step, duration)[0].astype(np.int64)
        regions = self._find_speech(name, samples, turns)
        windows, cells = cut_grid(name, regions, len(samples), self.sr, self.window, self.step)
        if self.use_oracle_vad and self.skip_overlap:
            keep = np.flatnonzero(reference[cells].sum(axis=1) < 2)
            windows, cells = windows.take(keep), cells[keep]
        vectors = np.zeros((len(reference), extractor.dim), np.float32)
        vectors[cells] = self._embed(name, samples, windows, cells)
        speech = np.zeros(len(reference), np.int64)
        speech[cells] = 1
        return (
            self.transform(torch.from_numpy(vectors)),
            torch.from_numpy(reference),
            torch.from_numpy(speech),
            str(self._rttm(name)),
        )

    def _find_speech(self, name: str, samples: np.ndarray, turns: list[Turn]) -> list[Region]:
        """Return the speech regions: from the reference, from a stage, or from Silero."""
        if self.use_oracle_vad:
            return vad.oracle_speech(turns, len(samples) / self.sr)
        regions = self._speech.regions(name)
        if regions is None:
            options = config.load(vad.VadConfig, config.CONF / "vad.yaml")
            regions = vad.detect_speech(samples, "silero", options)
        return regions

    def _embed(
        self, name: str, samples: np.ndarray, windows: Subsegments, cells: np.ndarray
    ) -> np.ndarray:
        """Compute the x-vectors (n, d) of the windows, or use those made by a stage."""
        known = self._speech.vectors(name)
        vectors = np.zeros((len(cells), self.extractor.dim), np.float32)
        missing = [i for i, cell in enumerate(cells) if cell not in known]
        if missing:
            some = windows.take(missing)
            vectors[missing] = self.extractor.embed(samples, some.starts, some.ends)
        for i, cell in enumerate(cells):
            if cell in known:
                vectors[i] = known[cell]
        return vectors

    def duration(self, name: str) -> float:
        """Return the seconds of a recording."""
        return waveform.duration(self._wavs[name])

    def windows(self, name: str, index: np.ndarray) -> Subsegments:
        """Return the windows of these numbers (n,), centred on number * step, before any clipping."""
        centres = np.asarray(index) * self.step
        ids = [f"{name}-{i}" for i in index]
        return Subsegments(
            ids, [name] * len(ids), centres - self.window / 2, centres + self.window / 2
        )

    @cached_property
    def extractor(self) -> Extractor:
        """The extractor, created when first needed."""
        made = get_extractor(self.extractor_name)
        if made.rate != self.sr:
            raise DataError(f"{self.extractor_name} takes sr={made.rate}, not {self.sr}")
        return made

    def read_rttm(self, path: str | Path) -> np.ndarray:
        """Read an RTTM as (turns, 3) ints: start sample, end sample, speaker index, sorted by start.

        Speakers are numbered as the columns of ``diarization_segments``, by name.
        """
        sides = rttm.read_rttm(arguments.path("path", path)).values()
        turns = sorted(t for side in sides for t in side)
        index = {speaker: i for i, speaker in enumerate(sorted({t.speaker for t in turns}))}
        rows = [(round(t.start * self.sr), round(t.end * self.sr), index[t.speaker]) for t in turns]
        return np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)

    def _rttm(self, name: str) -> Path:
        return Path(self._rttm_dir.name) / f"{name}.rttm"


class _Precomputed:
    """Speech and x-vectors made by the stages for a data set of the recipe."""

    def __init__(self, dataset: DiarizationDataset, wanted: bool):
        self.dataset = dataset
        name, above = dataset.data_dir.name, dataset.data_dir.resolve().parent
        data = (ROOT / "data").resolve()
        ours = wanted and above.is_relative_to(data)
        exp = ROOT / "exp" / above.relative_to(data) if ours else ROOT  # data/ami/test: exp/ami
        found = _if_done(exp / "vad_combined" / name) if ours else None
        self.speech = tables.read_regions(found / "segments") if found else None
        made = _if_done(exp / f"xvectors_{dataset.extractor_name}_paper" / name) if ours else None
        self.xvectors = None
        if made is not None:
            card = config.load(XVectorConfig, made / "config.yaml")
            if (card.layout, card.window, card.step) == ("grid", dataset.window, dataset.step):
                self.xvectors = xvector_dir.XVectorDir(made)

    def regions(self, name: str) -> list[Region] | None:
        """Return the speech of a recording; None if no stage has detected it."""
        return None if self.speech is None else self.speech.get(name, [])

    def vectors(self, name: str) -> dict[int, np.ndarray]:
        """Map window numbers of a recording to x-vectors, as far as they exist."""
        if self.xvectors is None or name not in self.xvectors.windows:
            return {}
        made = self.xvectors.load(name)
        cells = grid_indices(made.subsegments, self.dataset.window, self.dataset.step)
        return dict(zip(cells.tolist(), made.vectors, strict=True))


def _transforms(transform: object) -> Callable[[Tensor], Any]:
    """Return one function for a function, a list of functions, or None."""
    parts: list[Any] = transform if isinstance(transform, list) else [transform]
    if transform is None:
        parts = []
    if not all(map(callable, parts)):
        raise arguments.wrong_kind("transform", "a function, a list of them, or None", transform)

    def apply(segments: Any) -> Any:
        for part in parts:
            segments = part(segments)
        return segments

    return apply


def _data_dir(dataset_name: str | None, data_dir: str | Path | None) -> Path:
    """Return the directory of the data, given by ``dataset_name`` or ``data_dir``."""
    if (dataset_name is None) == (data_dir is None):
        raise DataError("give either dataset_name or data_dir")
    if dataset_name is None:
        return arguments.path("data_dir", data_dir)
    directory = ROOT / "data" / arguments.text("dataset_name", dataset_name)
    if dataset_name not in CORPORA or (directory / "wav.scp").exists():
        return directory
    made = ROOT / "data" / CORPORA[dataset_name]
    if not (made / "wav.scp").exists():
        corpus = made.parent.name
        raise DataError(f"not prepared: steps/prepare_{corpus}.sh data/{corpus} makes it", made)
    return made


def _read_data(directory: Path) -> tuple[dict[str, Path], dict[str, list[Turn]] | None]:
    """Read (recording -> audio, reference turns or None) of a Kaldi directory or an audio folder."""
    reference = directory / "rttm"
    if (directory / "wav.scp").exists():
        wavs, faults = tables.read_wav_scp(directory / "wav.scp")
        if (directory / "ref.rttm").exists():
            reference = directory / "ref.rttm"
    elif (directory / "audio").is_dir():
        files = inputs.gather([directory / "audio"])
        wavs = {file.recording: file.path for file in files if not file.fault}
        faults = {file.recording: file.fault for file in files if file.fault}
    else:
        raise DataError("neither a Kaldi directory (wav.scp) nor a folder with audio/", directory)
    if faults:
        raise DataError(next(iter(faults.values())))
    return wavs, rttm.read_rttm(reference) if reference.exists() else None


def _of_split(wavs: dict[str, Path], split: str) -> list[str]:
    if split == "full":
        return list(wavs)
    table = tables.read_map(config.CONF / "voxconverse_split.tsv")
    chosen = [name for name in wavs if table.get(name) == split]
    if not chosen:
        raise DataError(
            f"split {split!r} is that of VoxConverse dev; no recording here belongs to it"
        )
    return chosen


def _if_done(directory: Path) -> Path | None:
    return directory if (directory / ".done").exists() else None
