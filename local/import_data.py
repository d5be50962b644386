#!/usr/bin/env python3
"""Turn a Kaldi data directory into one that every stage can use (steps/import_data.sh).

Usage: import_data.py [options] <kaldi-data-dir> <data-dir>

With --check, refuses what cannot be imported. With --job J/N, finds the audio of this share of the
recordings, or makes it with their commands. With --tables, imports the rest, after all jobs are done.

Example: local/import_data.py --check data/test data/imported
"""

from __future__ import annotations

from pathlib import Path

from dec_cli import program, survival
from dec_cli.share import Share, add_job
from diar.audio import waveform
from diar.kaldi import importing, tables
from diar.kaldi.validation import examine

SHOWN = 20  # number of faults printed; log/faults has all


def main() -> None:
    parser = program.parser(__doc__)
    add_job(parser)
    parser.add_argument(
        "--check", action="store_true", help="only check whether it can be imported"
    )
    parser.add_argument("--tables", action="store_true", help="everything except the audio")
    program.add_switch(parser, "--wav-pipes", "run the commands in wav.scp")
    program.add_switch(
        parser, "--reference-from-segments", "make the reference from segments and utt2spk"
    )
    parser.add_argument("source", metavar="kaldi-data-dir", type=Path, help="input; only read")
    parser.add_argument("target", metavar="data-dir", type=Path, help="output")
    args = parser.parse_args()
    from_segments = args.reference_from_segments == "true"
    if args.check:
        importing.check(args.source, from_segments, args.wav_pipes == "true")
    elif args.tables:
        import_rest(args.source, args.target, from_segments)
    else:
        import_audio(args.source, args.target, args.job)


def import_audio(source: Path, target: Path, job: str) -> None:
    """Write wav.scp, reco2dur and failed of one job."""
    data = examine(source)
    share = Share(target, job, ("wav.scp", "reco2dur"))
    if share.job == 1:  # lines without a usable recording must not vanish silently
        for fault in data.faults:
            if fault.path.name == "wav.scp" and fault.line and fault.mended:
                share.fail(f"line-{fault.line}", str(fault))
    for recording in share.of(dict.fromkeys(sorted(data.recordings), 1.0)):
        with share.guard(recording):
            path = importing.import_audio(data, recording, target)
            share.lines["reco2dur"].append(f"{recording} {waveform.duration(path):.3f}\n")
            share.lines["wav.scp"].append(f"{recording} {path}\n")
    share.close()


def import_rest(source: Path, target: Path, from_segments: bool) -> None:
    """Import everything else, and print the faults found."""
    durations = tables.read_numbers(target / "reco2dur")
    notes = importing.import_tables(source, target, durations, from_segments)
    (target / "log" / "faults").write_text("".join(f"{note}\n" for note in notes))
    for note in notes[:SHOWN]:
        print(f"import_data.py: {note}")
    if len(notes) > SHOWN:
        print(f"import_data.py: and {len(notes) - SHOWN} more: {target}/log/faults")


if __name__ == "__main__":
    survival.run(main)
