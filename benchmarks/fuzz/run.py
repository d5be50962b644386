#!/usr/bin/env python3
"""Feed damaged files to every reader: each must accept them or raise a DataError, in time.

Usage: benchmarks/fuzz/run.py [--inputs 2000] [--seed 0]

Inputs are made by hypothesis: good files with bytes, fields and lines changed, and plain random bytes. Prints
a table of what was accepted, refused, or ended in anything but a DataError or after more than 5 s.

Example: benchmarks/fuzz/run.py --inputs 100

Exit status: 0 readers accept or refuse all of it; 1 one did not; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from cli import program
from diar.autoencoder.config import AutoencoderConfig
from diar.base import config
from diar.base.errors import DataError
from diar.kaldi import arks, importing, recordings, rttm, tables, validation
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.speech.vad import VadConfig
from diar.xvectors.windows import XVectorConfig

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 5  # seconds
PIECES = [
    b"", b" ", b"\t", b"\n", b"\r\n", b"\0", b"|", b":", b"-1", b"1e999", b"nan", b"0x10", b"1_0", b"../", b"/", b"\xff\xfe",
    "日本".encode(), b"\xef\xbb\xbf", b"9" * 400, b"*" * 3, b"&a [*a]", b"!!python/object:os.system x", b"{", b"]", b"SPEAKER",
]  # fmt: skip


@st.composite
def damaged(draw, good: bytes):
    """A good file after some edits, or bytes that never were one."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = good
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)))
        data = data[:at] + piece + data[end:]
    lines = data.split(b"\n")
    if draw(st.booleans()):
        random.Random(draw(st.integers(0, 2**32))).shuffle(lines)
    return b"\n".join(lines)


def targets(folder: Path) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """Name of the reader -> (a good file, the reader)."""
    ark = folder / "good.ark"
    arks.write_ark(ark, {"u1": np.ones(3, np.float32), "u2": np.eye(2)})
    offset = int(ark.with_suffix(".scp").read_text().split(":")[1].split()[0])
    found: dict[str, tuple[bytes, Callable[[Path], object]]] = {
        "RTTM": (b"SPEAKER r 1 0.5 1.0 <NA> <NA> s <NA> <NA>\n;; note\nSPKR-INFO r 1 <NA>\n" * 2, rttm.load_rttm),
        "UEM": (b"r 1 0.0 10.0\ns 1 1 2\n", rttm.read_uem),
        "STM": (b"r 1 s 0.0 1.5 <o> hello\n;; note\nr 1 t 1 2 x\n", importing.read_stm),
        "segments": (b"u1 r 0.0 1.5\nu2 r 1 2\nu3 s 0 1\n", tables.read_segments),
        "wav.scp": (b"r a.wav\ns cat b |\nt c.wav\n", tables.read_wav_scp),
        "reco2dur": (b"r 1.5\ns 2\n", tables.read_numbers),
        "reco2file_and_channel": (b"r a A\ns b 2\n", recordings.read_channels),
        "xvector.scp": (f"u1 {ark}:{offset}\nu2 {ark}:{offset + 20}\n".encode(), read_scp),
"ark": (ark.read_bytes()[offset:], arks.read_array),
    }  # fmt: skip
    for name, kind in (
        ("vad", VadConfig), ("xvector", XVectorConfig), ("autoencoder", AutoencoderConfig),
        ("dec", DecStageConfig), ("dec_paper", DecStageConfig), ("baselines", BaselineConfig),
    ):  # fmt: skip
        good = (ROOT / "conf" / f"{name}.yaml").read_bytes()
        found[f"{name}.yaml"] = (good, lambda path, kind=kind: config.load(kind, path))
    for name in ("wav.scp", "segments", "utt2spk"):
        found[f"data directory: {name}"] = (
            {"wav.scp": b"r a.wav\ns b.wav\n", "segments": b"u1 r 0 1\nu2 s 0 1\n"}.get(
                name, b"u1 x\nu2 y\n"
            ),
            lambda path, name=name: examine(path, name),
        )
    return found


def read_scp(path: Path) -> None:
    scp = arks.Scp(path)
    for key in scp:
        scp[key]


def examine(path: Path, name: str) -> None:
    """A data directory with this file in it, examined, mended, and examined again."""
    directory = path.parent / "data"
    directory.mkdir(exist_ok=True)
    for other, text in (
        ("wav.scp", "r a\ns b\n"),
        ("segments", "u1 r 0 1\nu2 s 0 1\n"),
        ("utt2spk", "u1 x\nu2 y\n"),
    ):
        (directory / other).write_text(text)
    (directory / name).write_bytes(path.read_bytes())
    for file, text in validation.examine(directory).mended_files().items():
        (directory / file).write_text(text)
    left = [fault for fault in validation.examine(directory).faults if fault.mended]
    if left:
        raise AssertionError(f"not mended: {left[0]}")


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="for each reader")
    program.add_seed(parser)
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    wrong = 0
    print(f"| reader | inputs | accepted | refused | other exceptions | over {LIMIT} s |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (good, reader) in targets(Path(folder)).items():
            counts = attack(Path(folder) / "input", good, reader, args.inputs, args.seed)
            print(
                f"| {name} | {counts.total()} | {counts['accepted']} | {counts['refused']} | {counts['broken']} | {counts['hung']} |",
                flush=True,
            )
            wrong += counts["broken"] + counts["hung"]
    sys.exit(1 if wrong else 0)


def attack(
    path: Path, good: bytes, reader: Callable[[Path], object], inputs: int, first: int
) -> Counter[str]:
    """What the reader made of its inputs; the first exception of each place is printed."""
    counts: Counter[str] = Counter()
    told: set[str] = set()

    @seed(first)
    @settings(
        max_examples=inputs, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(damaged(good))
    def feed(data: bytes) -> None:
        path.write_bytes(data)
        signal.alarm(LIMIT)
        try:
            reader(path)
            counts["accepted"] += 1
        except DataError as error:
            counts["refused" if "\n" not in str(error) else "broken"] += 1
        except TimeoutError:
            counts["hung"] += 1
        except Exception as error:
            counts["broken"] += 1
            place = "".join(traceback.format_tb(error.__traceback__)[-1:])
            if place not in told:
                told.add(place)
                print(f"{type(error).__name__}: {error}\n{place}{data[:200]!r}", file=sys.stderr)
        finally:
            signal.alarm(0)

    feed()
    return counts


if __name__ == "__main__":
    program.run(main)
