"""A small experiment as stages 0 to 6 leave it, for the report: real audio, made-up systems."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from command_line import run

from diar.base.types import Subsegments, Turn, concatenate
from diar.kaldi import arks, rttm, tables

SECONDS = 120.0
DOUBT = 0.434  # the confidence of the shortest turn of the talk
SPEAKERS = 9  # of the second recording: more than there are colours


def make(folder: Path, audio: Path, turns: list[tuple[float, float, str]]) -> Path:
    """data/test and exp/{dec_default,ahc}/test below ``folder``: 'talk', the real conversation, and
    'a<b&"c', which has many speakers, an odd name, and audio that cannot be played."""
    odd = 'a<b&"c'
    data = folder / "data/test"
    data.mkdir(parents=True)
    soundfile.write(data / "talk.wav", soundfile.read(audio)[0], 16000)
    (data / "wav.scp").write_text(f"{odd} {data}/gone.wav\ntalk {data}/talk.wav\n")
    (data / "reco2dur").write_text(f"{odd} {SECONDS:.3f}\ntalk 30.000\n")
    talk = [Turn("talk", start, end - start, who) for start, end, who in turns]
    length = SECONDS / 2 / SPEAKERS
    many = [
        Turn(odd, i * length, length * 0.9, f"<i>{i % SPEAKERS}</i>") for i in range(2 * SPEAKERS)
    ]
    rttm.write_rttm(data / "ref.rttm", talk + many)
    rttm.write_uem(data / "all.uem", {"talk": 30.0, odd: SECONDS})
    late = [
        t._replace(start=t.start + 0.4, duration=t.duration - 0.4, speaker=renamed(t))
        for t in talk + many
    ]
    dec = folder / "exp/dec_default/test"
    write_system(dec, late, confidences_of(late))
    lost = [t._replace(speaker=f"{t.recording}_1") for t in talk]
    write_system(folder / "exp/ahc/test", lost + [t for t in late if t.recording == odd])
    write_refinement(dec, late, {"talk": 30.0, odd: SECONDS})
    for system in ("dec_default", "ahc"):
        hypothesis = folder / f"exp/{system}/test"
        sides = (data / "ref.rttm", hypothesis / "rttm")
        scored = run("local/score.py", "--uem", data / "all.uem", *sides, hypothesis / "score")
        assert scored.returncode == 0, scored.stderr
    return folder


def renamed(turn: Turn) -> str:
    """Speakers as DEC calls them: the order is not that of the reference."""
    if turn.recording == "talk":
        return "talk_2" if turn.speaker.endswith("90") else "talk_1"
    return f"{turn.recording}_{SPEAKERS - int(turn.speaker[3])}"


def confidences_of(turns: list[Turn]) -> dict[Turn, float]:
    """Of DEC: one turn of the talk is doubtful."""
    talk = [t for t in turns if t.recording == "talk" and t.duration > 0]
    sure = dict.fromkeys(turns, 0.97)
    return {**sure, min(talk, key=lambda turn: turn.duration): DOUBT}


def write_system(
    directory: Path, turns: list[Turn], confidences: dict[Turn, float] | None = None
) -> None:
    directory.mkdir(parents=True)
    merged = {(t.recording, t.start, t.speaker): t for t in turns if t.duration > 0}
    rttm.write_rttm(directory / "rttm", merged.values(), confidences)
    (directory / "log").mkdir()
    (directory / "log/x.1.log").write_text(
        "# x\n2026-01-01 [program.py:1] used 2.5 s, 4.0 s CPU, 321 MB\n"
    )
    (directory / "config.yaml").write_text("answer: 42 # <b>\n")


def write_refinement(directory: Path, turns: list[Turn], seconds: dict[str, float]) -> None:
    """Windows of 1.5 s every 0.75 s, latents around a point for each speaker."""
    generator = np.random.default_rng(0)
    matrices: dict[str, dict[str, np.ndarray]] = {
        "posteriors": {},
        "latents": {},
        "start_latents": {},
    }
    windows, history = [], []
    for recording, duration in sorted(seconds.items()):
        names = sorted({t.speaker for t in turns if t.recording == recording})
        starts = np.arange(0, duration - 1.5, 0.75)
        place = [speaking(turns, recording, start + 0.75, names) for start in starts]
        kept = [i for i, speaker in enumerate(place) if speaker is not None]
        labels = np.array([place[i] for i in kept])
        posteriors = np.full((len(kept), len(names)), 0.1 / len(names))
        posteriors[np.arange(len(kept)), labels] += 0.9
        centres = generator.normal(size=(len(names), 8)) * 3
        matrices["posteriors"][recording] = posteriors.astype(np.float32)
        for name, spread in (("start_latents", 1.5), ("latents", 0.5)):
            z = centres[labels] + generator.normal(size=(len(kept), 8)) * spread
            matrices[name][recording] = z.astype(np.float32)
        ids = [f"{recording}-{i:04d}" for i in kept]
        windows.append(Subsegments(ids, [recording] * len(kept), starts[kept], starts[kept] + 1.5))
        history += [
            f"{recording} 1 0.9 -\n",
            f"{recording} 2 0.5 0.25\n",
            f"{recording} 3 - 0.125\n",
        ]
    for name, arrays in matrices.items():
        arks.write_ark(directory / f"{name}.ark", arrays)
    tables.write_segments(directory, concatenate(windows))
    (directory / "history").write_text("".join(history))


def speaking(turns: list[Turn], recording: str, time: float, names: list[str]) -> int | None:
    """Who talks at a time, as a place among the names."""
    there = [t.speaker for t in turns if t.recording == recording and t.start <= time < t.end]
    return names.index(there[0]) if there else None
