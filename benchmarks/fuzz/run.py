#!/usr/bin/env python3
"""Feed damaged files to every reader: each must accept them or raise a DataError, in time.

Usage: benchmarks/fuzz/run.py [--inputs 1000] [--seed 0] [--only WORD]

Inputs are good files, and good files with bytes, fields, sizes and lines changed, and random bytes. Each
reader has a process of its own, so that a crash of native code is seen, and counted. Prints a table of
what was accepted, refused, ended in anything but a DataError (warnings count, too), in a crash, or after
more than 5 s, and the memory of that process at its peak. What went wrong first in each place is told on
standard error.

Example: benchmarks/fuzz/run.py --inputs 100 --only audio

Exit status: 0 readers accept or refuse all of it; 1 one did not; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "local"))
from readers import Reader, readers

from dec_cli import program
from diar.base.errors import DataError

LIMIT = 5  # seconds
MEMORY = 8 << 30  # bytes; a reader that asks for more gets a MemoryError
TO_DO, BEGUN, ACCEPTED, REFUSED, BROKEN, CRASHED, HUNG = range(7)
HEAD = f"""\
| reader | inputs | accepted | refused | other exceptions | crashes | over {LIMIT} s | peak memory, MB |
|---|---:|---:|---:|---:|---:|---:|---:|"""
PIECES = [
    b"", b" ", b"\t", b"\n", b"\r\n", b"\0", b"|", b":", b"-1", b"1e999", b"nan", b"0x10", b"1_0", b"../", b"/", b"\xff\xfe",
    "日本".encode(), b"\xef\xbb\xbf", b"9" * 400, b"9" * 6000, b"*" * 3, b"[" * 5000, b"&a [*a]", b"!!python/object:os.system x",
    b"2020-01-01", b"{", b"]", b'"', b"<", b"&lt;", b"<!ENTITY a SYSTEM '/etc/passwd'>", b"SPEAKER", b"PKL", b"NPY", b"AUDIO", b"RIFF",
    b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\0\0\0\x80", bytes(8), b"\0\0\0\x01", b"\0B",
    b"#EXTM3U\nfile:/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n",
]  # fmt: skip


def damaged(chance: random.Random, good: list[bytes]) -> bytes:
    """A good file after some edits, or bytes that never were one."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(300))
    data = bytearray(chance.choice(good))
    for _ in range(chance.randint(1, 4)):
        near = min(len(data), chance.choice((32, 256, len(data))))  # heads matter most
        at = chance.randint(0, near)
        edit = chance.randrange(6)
        if edit == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif edit == 1:  # as long as before
            piece = chance.choice(PIECES) or chance.randbytes(4)
            data[at : at + len(piece)] = piece
        elif edit == 2:  # cut, mostly near the end
            del data[len(data) - chance.randint(0, near) // chance.choice((1, 8)) :]
        elif edit == 3:  # part of another
            other = chance.choice(good)
            start = chance.randint(0, len(other))
            data[at : at + chance.randrange(64)] = other[start : start + chance.randrange(64)]
        else:
            piece = chance.choice([*PIECES, chance.randbytes(chance.randint(0, 4))])
            data[at : at + chance.randint(0, 12)] = piece
    lines = bytes(data).split(b"\n")
    if chance.random() < 0.2:
        chance.shuffle(lines)
    return b"\n".join(lines)


def input_of(reader: Reader, number: int, seed: int) -> bytes:
    """The first inputs are the good files."""
    if number < len(reader.good):
        return reader.good[number]
    return damaged(random.Random(f"{seed}/{reader.name}/{number}"), reader.good)


def attack(reader: Reader, folder: Path, inputs: int, seed: int) -> tuple[Counter[int], int]:
    """Feed all inputs; count what became of them, and measure the memory (MB)."""
    states = multiprocessing.Array("b", inputs)
    peak = multiprocessing.Value("q", 0)
    while TO_DO in states[:]:
        process = multiprocessing.get_context("fork").Process(
            target=feed, args=(reader, folder, seed, states, peak)
        )
        process.start()
        before, since = -1, time.monotonic()
        while process.is_alive():
            process.join(0.1)
            done = states[:].count(TO_DO)
            if done != before:
                before, since = done, time.monotonic()
            elif time.monotonic() - since > LIMIT:
                process.kill()
        if BEGUN in (now := states[:]):
            number = now.index(BEGUN)
            hung = process.exitcode == -9 and time.monotonic() - since > LIMIT
            states[number] = HUNG if hung else CRASHED
            what = "hung" if hung else f"exit status {process.exitcode}"
            told = input_of(reader, number, seed)
            print(f"{reader.name}, input {number}: {what}\n{told[:200]!r}\n", file=sys.stderr)
    return Counter(states[:]), peak.value


def feed(
    reader: Reader, folder: Path, seed: int, states: SynchronizedArray[int], peak: object
) -> None:
    """Feed the inputs that were not fed yet; the first exception of each place is printed."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind in (RuntimeWarning, UserWarning):  # the library prints nothing
        warnings.simplefilter("error", kind)
    told: set[str] = set()
    for number in range(states[:].index(TO_DO), len(states)):
        states[number] = BEGUN
        data = input_of(reader, number, seed)
        path = folder / f"input{reader.suffix}"
        path.write_bytes(data)
        good = reader.well and number < len(reader.good)
        try:
            reader.read(path)
            state = ACCEPTED
        except DataError as error:
            state = BROKEN if good or "\n" in str(error) else REFUSED
            trouble, place = error, f"{good}"
        except (Exception, SystemExit) as error:
            state = BROKEN
            trouble, place = error, "".join(traceback.format_tb(error.__traceback__)[-1:])
        if state == BROKEN and place not in told:
            told.add(place)
            print(
                f"{reader.name}, input {number}: {type(trouble).__name__}: {str(trouble)[:300]}\n{place}{data[:200]!r}\n",
                file=sys.stderr,
            )
        peak.value = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        states[number] = state


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--inputs", type=int, default=1000, help="for each reader")
    parser.add_argument("--only", default="", metavar="WORD", help="readers with it in their names")
    program.add_seed(parser)
    args = parser.parse_args()
    wrong = 0
    print(HEAD)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        tempfile.tempdir = name  # what a process leaves that was killed, too
        for reader in readers(folder):
            if args.only not in reader.name:
                continue
            counts, peak = attack(reader, folder, args.inputs, args.seed)
            shown = [counts[state] for state in (ACCEPTED, REFUSED, BROKEN, CRASHED, HUNG)]
            row = [reader.name, args.inputs, *shown, peak]
            print(f"| {' | '.join(map(str, row))} |", flush=True)
            wrong += sum(shown[2:])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    program.run(main)
