"""Every reader of files that come from elsewhere, with good files of its kind."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import kaldiio
import numpy as np
import sounds

from diar import exports
from diar.audio import waveform
from diar.autoencoder import network
from diar.autoencoder.config import AutoencoderConfig
from diar.base import config
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.corpora.counts import Counts
from diar.corpora.real_sample import read_trs
from diar.exports import document
from diar.exports.marks import turns_of
from diar.exports.recording import recording_of
from diar.extractors.fbank import FbankConfig
from diar.fetching import archives
from diar.identity import voices as known_voices
from diar.jobs.slurm import SlurmConfig
from diar.kaldi import arks, history, importing, inputs, plda, recordings, rttm, tables, validation
from diar.kaldi.names import Names, read_names
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.report.recordings import ReportConfig
from diar.scoring import frame, systems
from diar.scoring.rates import ScoringConfig
from diar.simulation import voices
from diar.simulation.conversations import SimulationConfig
from diar.simulation.mini_corpus import CorpusConfig
from diar.simulation.turn_taking import TurnTaking
from diar.speech.segmentation import SegmentationConfig
from diar.speech.vad import VadConfig
from diar.words import reading, time_marks, writing
from diar.words.assignment import assign
from diar.words.word import Word
from diar.xvectors.windows import XVectorConfig

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATIONS = {
    "vad": VadConfig, "segmentation": SegmentationConfig, "xvector": XVectorConfig, "xvector_close": XVectorConfig,
    "xvector_paper": XVectorConfig, "autoencoder": AutoencoderConfig, "autoencoder_paper": AutoencoderConfig,
    "autoencoder_plda": AutoencoderConfig, "dec_plda": DecStageConfig,
    "dec": DecStageConfig, "dec_paper": DecStageConfig, "baselines": BaselineConfig, "scoring": ScoringConfig,
    "report": ReportConfig, "slurm": SlurmConfig, "corpora": Counts, "mini_corpus": CorpusConfig,
    "simulation": SimulationConfig, "turn_taking": TurnTaking, "voices": voices.VoicesConfig,
    "fbank/3dspeaker": FbankConfig, "fbank/wespeaker": FbankConfig,
}  # fmt: skip
TURNS = [Turn("r", 0.0, 1.5, "A"), Turn("r", 1.0, 1.0, "B"), Turn("r", 3.0, 0.5, "A")]
TRS = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE Trans SYSTEM "trans-14.dtd">
<Trans><Episode><Section type="report" startTime="0" endTime="9">
<Turn startTime="0" endTime="1" speaker="a"/><Turn startTime="1" endTime="2.5" speaker="a b"/>
</Section></Episode></Trans>
"""
DIRECTORY = {
    "wav.scp": b"r a.wav\ns b.wav\n",
    "segments": b"u1 r 0 1\nu2 s 0 1\n",
    "utt2spk": b"u1 x\nu2 y\n",
}


@dataclass(frozen=True)
class Reader:
    """What is read, good files of that kind, and how; ``well``: the reader takes the good ones."""

    name: str
    good: list[bytes]
    read: Callable[[Path], object]
    suffix: str = ""
    well: bool = True


def readers(folder: Path) -> Iterator[Reader]:
    """Yield all of them; what they need beside their input lies in a folder."""
    yield from _tables(folder)
    yield from _arks(folder)
    for name, kind in CONFIGURATIONS.items():
        good = (ROOT / "conf" / f"{name}.yaml").read_bytes()
        yield Reader(f"conf/{name}.yaml", [good], partial(config.load, kind))
    for name in DIRECTORY:
        yield Reader(f"data directory: {name}", [DIRECTORY[name]], partial(_examine, folder, name))
    yield from _labels()
    yield from _words()
    yield from _products(folder)
    for name, good in sounds.files().items():
        suffix = ".g722" if name == "G.722" else ".wav"
        yield Reader(f"audio: {name}", good, waveform.read, suffix)


def _tables(folder: Path) -> Iterator[Reader]:
    (folder / "a.wav").write_bytes(sounds.files()["WAV"][0])
    for name, good, read in (
        ("RTTM", b"SPEAKER r 1 0.5 1.0 <NA> <NA> s <NA> <NA>\n;; note\nSPKR-INFO r 1 <NA>\n" * 2, rttm.load_rttm),
        ("UEM", b"r 1 0.0 10.0\ns 1 1 2\n", rttm.read_uem),
        ("STM", b"r 1 s 0.0 1.5 <o> hello\n;; note\nr 1 t 1 2 x\n", importing.read_stm),
        ("segments", b"u1 r 0.0 1.5\nu2 r 1 2\nu3 s 0 1\n", tables.read_segments),
        ("wav.scp", b"r a.wav\ns cat b |\nt c.wav\n", tables.read_wav_scp),
        ("list of diarize.py", b"r a.wav\ns cat b |\na.wav\n", _hear_list),
        ("reco2dur", b"r 1.5\ns 2\n", tables.read_numbers),
        ("reco2file_and_channel", b"r a A\ns b 2\n", recordings.read_channels),
        ("history", b"r 1 0.5 -\nr 2 0.25 0.1\n", history.read_history),
    ):  # fmt: skip
        yield Reader(name, [good], read)


def _arks(folder: Path) -> Iterator[Reader]:
    ark = folder / "good.ark"
    arks.write_ark(ark, {"u1": np.ones(3, np.float32), "u2": np.eye(2)})
    scp = ark.with_suffix(".scp").read_bytes()
    yield Reader("xvector.scp", [scp], _read_scp)
    plain = [np.ones(3, np.float32), np.eye(2), np.arange(4, dtype=np.int32)]
    good = [_entry(ark, array) for array in plain]
    good += [
        _entry(ark, np.eye(4, dtype=np.float32), compression_method=kind) for kind in (2, 3, 5)
    ]
    yield Reader("ark", [*good, b" [ 1 0.5 2 ]\n", b" [\n 1 2\n 3 4 ]\n"], arks.read_array)
    model = folder / "plda"
    plda.write_plda(model, plda.Plda(np.ones(3), np.eye(3), np.ones(3)))
    text = b"<Plda>  [ 1 2 ]\n [\n  1 0\n  0 1 ]\n [ 2 1 ]\n</Plda> "
    yield Reader("plda", [model.read_bytes(), text], plda.read_plda)
    yield Reader("ark without scp", [ark.read_bytes(), b"u1  [ 1 0.5 ]\nu2  [ 2 1 ]\n"], _read_ark)
    touched = folder / "executed"
    other = [
        b"PKL" + pickle.dumps(_Touches(touched)),
        b"NPY" + _bytes_of(np.save, np.ones(3)),
        b"AUDIO" + struct.pack("<i", 3) + b"wav" + sounds.files()["WAV"][0][:400],
        sounds.files()["WAV"][0][:400],
    ]
    yield Reader(
        "ark: PKL, NPY, AUDIO, RIFF", other, partial(_read_unexecuted, touched), well=False
    )


class _Touches:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return open, (str(self.path), "w")


def _entry(ark: Path, array: np.ndarray, **options: int) -> bytes:
    """Return the array as Kaldi writes it, without its id."""
    kaldiio.save_ark(str(ark.with_name("one.ark")), {"u": array}, **options)
    return ark.with_name("one.ark").read_bytes()[2:]


def _bytes_of(write: Callable[..., object], *values: object, **named: object) -> bytes:
    stream = io.BytesIO()
    write(stream, *values, **named)
    return stream.getvalue()


def _read_unexecuted(touched: Path, path: Path) -> None:
    try:
        arks.read_array(path)
    finally:
        if touched.exists():
            touched.unlink()
            raise AssertionError("its code was run")


def _read_scp(path: Path) -> None:
    scp = arks.Scp(path)
    for key in scp:
        scp[key]


def _read_ark(path: Path) -> None:
    found = arks.Arks([path])
    for key in found:
        found[key]


def _hear_list(path: Path) -> None:
    """As diarize.py does: what cannot be heard costs only itself."""
    for given in inputs.gather([], path):
        try:
            with inputs.open_input(given) as file:
                waveform.read(file)
        except DataError:
            pass


def _examine(folder: Path, name: str, path: Path) -> None:
    """A data directory with this file in it, examined, mended, and examined again."""
    directory = folder / "data"
    directory.mkdir(exist_ok=True)
    for other, text in (DIRECTORY | {name: path.read_bytes()}).items():
        (directory / other).write_bytes(text)
    for file, text in validation.examine(directory).mended_files().items():
        (directory / file).write_text(text)
    left = [fault for fault in validation.examine(directory).faults if fault.mended]
    if left:
        raise AssertionError(f"not mended: {left[0]}")


def _labels() -> Iterator[Reader]:
    for name, suffix in (("audacity", ".txt"), ("textgrid", ".TextGrid"), ("elan", ".eaf")):
        text = exports.FORMATS[name].text(recording_of("r", TURNS, 5.0))
        good = [text.encode()]
        if name == "textgrid":
            good += [
                text.encode("utf-16"),
                b'"ooTextFile"\n"TextGrid"\n0 5 <exists> 1 "TextTier" "A" 0 5 1 2 "x"',
            ]
        yield Reader(
            f"labels: {name}", good, lambda path: turns_of(exports.read(path), "r", "label"), suffix
        )
    yield Reader("Transcriber (.trs)", [TRS], lambda path: read_trs(path, "r"))


def _words() -> Iterator[Reader]:
    """Words of a recogniser, in each format and each kind of JSON."""
    timed = [{"word": " Hi", "start": 0.0, "end": 0.5, "probability": 0.9}, {"word": " 2"}]
    tokens = [{"text": " H", "offsets": {"from": 0, "to": 200}, "p": 0.5}]
    tokens.append({"text": "i", "offsets": {"from": 200, "to": 500}, "p": 0.5})
    segment = {"start": 0, "end": 1.5, "text": " Hi 2"}
    entry = {"offsets": {"from": 0, "to": 1500}, "text": " Hi"}
    seglst = {"session_id": "r", "speaker": "A", "start_time": 0, "end_time": 1, "words": "Hi 2"}
    named = [
        Word("r", 0.0, 0.5, "Hi", "A", 0.5),
        Word("r", 1.5, 2.0, "你", "B"),
        Word("r", 3.0, 3.0, "x"),
    ]
    cues = [writing.FORMATS[name].text([named]).encode() for name in ("vtt", "srt", "json")]
    rolling = b"WEBVTT\n\nNOTE x\n\nid\n00:01.000 --> 00:03.000\n<v A>Hi<00:02.000><c> 2</c>\n"
    for name, good in (
        ("ctm", [time_marks.ctm(named).encode(), b"r 1 0.5 1 Hi 0.5\n;; note\nq A 1 1 x\n"]),
        ("stm", [writing.FORMATS["stm"].text([named]).encode(), b"r 1 A 0 1 <o> Hi\n"]),
        ("vtt", [cues[0], rolling]),
        ("srt", [cues[1], b"1\r\n0:00:01,000 --> 0:00:02.5 X1:1\r\n<i>Hi</i>\r\n\r\n2 3\r\n"]),
        ("json", [cues[2]]),
        ("whisper.json", [_json({"segments": [{**segment, "words": timed}, segment]})]),
        ("whisper_cpp.json", [_json({"transcription": [{**entry, "tokens": tokens}, entry]})]),
        ("seglst.json", [_json([seglst, seglst])]),
    ):
        yield Reader(f"words: {name}", good, partial(_assign, name), f".{name.split('.')[-1]}")
    turns = exports.FORMATS["json"].text(recording_of("r", TURNS, 5.0)).encode()
    lines = (
        _json({**json.loads(turns), "remarks": []})
        + b"\n"
        + _json({"recording": "q", "error": "x"})
    )
    yield Reader("turns: JSON", [turns, lines], document.read)
    yield Reader("names", [b"r 1 Anna B\nr r_2 Ben\n"], lambda path: Names(read_names(path)))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _assign(name: str, path: Path) -> None:
    """Read words, give them to speakers, and write them in all formats."""
    for words in reading.read(path, "r").words.values():
        named = assign(words, TURNS).words
        for form in writing.FORMATS.values():
            form.text([named]).encode()


def _products(folder: Path) -> Iterator[Reader]:
    """What the recipe itself has made or fetched, and somebody may have damaged."""
    person = voices.Person("p", "x", "test", ("a/*",))
    samples = {
        "samples": np.arange(999, dtype=np.int16),
        "bounds": np.array([0, 500, 999]),
        "failed": np.array(["a: b"]),
    }
    yield Reader(
        "voice in the cache (npz)",
        [_bytes_of(np.savez, **samples)],
        lambda path: _sound_of(voices._read(path, person)),
    )
    session = known_voices.Session(np.ones((2, 3), np.float32), np.ones(2))
    people = {"anna": [session], "ben": [session, session]}
    known_voices.write_voices(
        folder / "voices", known_voices.KnownVoices("x", np.ones(3, np.float32), 1.5, people)
    )
    yield Reader("known voices (npz)", [(folder / "voices").read_bytes()], known_voices.read_voices)
    network.save_model(folder / "model", network.ResidualAutoEncoder(6, [5, 3]))
    yield Reader("autoencoder (safetensors)", [(folder / "model").read_bytes()], network.load_model)
    summary = b'{"missing": [], "extra": [], "derived_uem": false, "protocols": {"fair": {"words": "no collar"}}}'
    yield Reader("summary.json", [summary], partial(_read_summary, folder))
    yield Reader("scores", [_scores()], partial(_read_scores, folder), frame.FILE)
    yield Reader("zip, tar", list(_archives()), partial(_unpack, folder / "unpacked"))


def _sound_of(voice: voices.Voice) -> list[np.ndarray]:
    return [voice.piece(i) for i in range(len(voice))]


def _scores() -> bytes:
    rows = [["fair", name, *["1"] * (len(frame.COLUMNS) - 2)] for name in ("a", "b", "TOTAL")]
    return "".join("\t".join(row) + "\n" for row in [frame.COLUMNS, *rows]).encode()


def _read_scores(folder: Path, path: Path) -> None:
    shutil.copy(path, folder / frame.FILE)
    frame.read_frame(folder)


def _read_summary(folder: Path, path: Path) -> None:
    (folder / "dec/set/score").mkdir(parents=True, exist_ok=True)
    shutil.copy(path, folder / "dec/set/score/summary.json")
    systems.describe_protocols(systems.read_summaries(folder, "set", ["dec"]).values())


def _archives() -> Iterator[bytes]:
    files = {"a/b.txt": b"text" * 50, "a/c.txt": b"more", "d.wav": bytes(2000)}
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as bundle:
            for name, data in files.items():
                bundle.writestr(name, data)
        yield stream.getvalue()
    for mode in ("w", "w:gz"):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode=mode) as bundle:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                bundle.addfile(info, io.BytesIO(data))
        yield stream.getvalue()


def _unpack(target: Path, path: Path) -> None:
    try:
        archives.unpack(path, target, 1 << 20)
    finally:
        shutil.rmtree(target, ignore_errors=True)
