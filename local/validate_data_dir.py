#!/usr/bin/env python3
"""Explain what is wrong with a Kaldi data directory, and fix it on request.

Usage: validate_data_dir.py [--fix] <data-dir>

Every fault is one line on standard error: file:line, what is wrong, what to do. Anything that stage 0 of
./run.sh would refuse is a fault, also in the reference and the UEM; with --wav-pipes true, commands in wav.scp
are not. --fix does the same as Kaldi's utils/fix_data_dir.sh, and reports it: faulty lines are removed, the
others are sorted (C locale) and kept if all files have their id; segments are cut at the end of their
recording; spk2utt is made again. The original files are kept in <data-dir>/.backup (later ones as <file>.1).

Example: local/validate_data_dir.py data/test

Exit status: 0 no faults, or all fixed; 1 otherwise; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import shutil
import sys

from dec_cli import program
from diar.base.errors import DataError
from diar.base.files import write_text
from diar.kaldi import importing
from diar.kaldi.validation import DataDir, examine


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--fix", action="store_true", help="fix it in place")
    program.add_switch(parser, "--wav-pipes", "commands in wav.scp will be run and are not faults")
    program.add_paths(parser, "data_dir")
    args = parser.parse_args()
    data = examine(args.data_dir)
    reasons, notes = importing.refusals(data, False, args.wav_pipes == "true")
    others = [*reasons, *notes]  # these cannot be fixed here
    for fault in [*data.faults, *others]:
        print(fault, file=sys.stderr)
    utterances = data.tables.get("segments")
    print(
        f"{args.data_dir}: {len(data.recordings)} recording(s)"
        + (f", {len(utterances.rows)} utterance(s)" if utterances else "")
        + f", {len(data.faults) + len(others)} fault(s)"
    )
    left = len(others) + sum(not (args.fix and fault.mended) for fault in data.faults)
    if args.fix:
        if data.lost:
            raise DataError(
                f"nothing would be left of {', '.join(data.lost)}: no files changed", data.path
            )
        fix(data)
    if left:
        raise DataError(
            f"{left} fault(s) in {args.data_dir}"
            + ("" if args.fix else "; --fix fixes those that can be fixed")
        )


def fix(data: DataDir) -> None:
    """Write the fixed files; move the old ones to .backup."""
    backup = data.path / ".backup"
    for name, text in data.mended_files().items():
        path = data.path / name
        old = path.read_bytes() if path.exists() else b""
        if old == text.encode():
            continue
        if path.exists():
            backup.mkdir(exist_ok=True)
            number = 0
            while (copy := backup / (f"{name}.{number}" if number else name)).exists():
                number += 1
            shutil.copy2(path, copy)
        write_text(path, text)
        before, after = len(old.split(b"\n")) - 1, text.count("\n")
        print(f"{path}: {before} line(s) before, {after} now")


if __name__ == "__main__":
    program.run(main)
