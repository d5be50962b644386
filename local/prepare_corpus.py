#!/usr/bin/env python3
"""Make Kaldi data directories from a public corpus.

Usage: prepare_corpus.py --obtain "<set> ..." [options] <corpus> <data-dir>
       prepare_corpus.py --set <set> [options] <corpus> <data-dir>

--obtain downloads missing files of the sets, and lists all files of the corpus in <data-dir>/.<corpus>.files.
--set makes <data-dir>/<set>: wav.scp reco2dur utt2spk spk2utt ref.rttm all.uem reco2num_spk, and
failed (recordings that cannot be used, and why), and compares it with the published figures.

Example: local/prepare_corpus.py --obtain "dev test" voxconverse data/voxconverse
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dec_cli import program
from dec_cli.program import log
from diar import corpora
from diar.base import config
from diar.base.errors import DataError
from diar.base.files import cache_dir, write_text
from diar.corpora import counts
from diar.corpora.corpus import Corpus, Files, Options, write_set
from diar.fetching.download import Downloads, lock_folder

COUNTS = Path(__file__).resolve().parents[1] / "conf" / "corpora.yaml"  # as published


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--obtain", metavar="SETS", help="sets whose files to download")
    parser.add_argument("--set", help="the set to make")
    parser.add_argument("--audio-dir", type=Path, help="a folder with the corpus, or part of it")
    parser.add_argument(
        "--download", choices=("true", "false"), help="default: true without --audio-dir"
    )
    parser.add_argument("--mirror", default="", help="URLs to try first, separated by blanks")
    parser.add_argument("--mic", default="", help="microphone, where there is a choice")
    parser.add_argument("--reference", type=Path, help="references to use instead")
    parser.add_argument("corpus", choices=sorted(corpora.CORPORA), help="its name")
    program.add_paths(parser, "data_dir")
    args = parser.parse_args()
    corpus = corpora.get(args.corpus)
    options = options_of(args, corpus)
    if args.obtain:
        obtain(args, corpus, options)
    if args.set:
        make(args, corpus, options)


def options_of(args: argparse.Namespace, corpus: Corpus) -> Options:
    """Check the user's options for a corpus.

    Raises:
        DataError: an unknown set or microphone, a path that does not exist.
    """
    for name in [*(args.obtain or "").split(), *([args.set] if args.set else [])]:
        if name not in corpus.sets:
            raise DataError(
                f"no set {name!r} in {args.corpus}; choose from {', '.join(corpus.sets)}"
            )
    mic = args.mic or next(iter(corpus.mics), "")
    if mic not in corpus.mics and mic:
        known = f"must be one of: {', '.join(corpus.mics)}" if corpus.mics else "there is no choice"
        raise DataError(f"--mic {mic}: {known}")
    for option, path in (("--audio-dir", args.audio_dir), ("--reference", args.reference)):
        if path is not None and not path.exists():
            raise DataError(f"no such file or directory ({option})", path)
    places = [] if args.audio_dir is None else [args.audio_dir]
    return Options((*places, folder_of(args.corpus)), mic, args.reference)


def folder_of(corpus: str) -> Path:
    """Return the folder for the downloads of a corpus."""
    return cache_dir() / "corpora" / corpus


def obtain(args: argparse.Namespace, corpus: Corpus, options: Options) -> None:
    """Download missing files; one that is not available does not stop the others."""
    download = args.download or ("false" if args.audio_dir else "true")
    folder = folder_of(args.corpus)
    if download == "true":
        with lock_folder(folder):
            if not (folder / "LICENCE").exists():
                log.info("licence: %s", corpus.licence)
                write_text(folder / "LICENCE", corpus.licence + "\n")
            downloads = Downloads(folder, args.mirror.split())
            for name in dict.fromkeys(args.obtain.split()):
                failed = corpus.obtain(name, Files(options.places), options, downloads)
                if failed:
                    log.warning("%s: %d file(s) could not be downloaded", name, len(failed))
    places = [*options.places, *([args.reference] if args.reference else [])]
    write_text(args.data_dir / f".{args.corpus}.files", Files(places).listing())


def make(args: argparse.Namespace, corpus: Corpus, options: Options) -> None:
    """Make one data directory, and compare it with the published figures."""
    target = args.data_dir / args.set
    described = corpus.read(args.set, Files(options.places), options)
    log.info("%s: %d recordings to check", args.set, len(described.recordings))
    done = write_set(target, described)
    for recording, reason in sorted(done.failed.items()):
        log.error("%s: %s", recording, reason)
    first = next(iter(corpus.mics), "")
    key = args.corpus if options.mic == first else f"{args.corpus}-{options.mic}"
    published = config.load(counts.Counts, COUNTS).sets.get(f"{key}/{args.set}", {})
    lines = counts.differences(published, counts.measure(target))
    for line in lines:
        log.warning("%s: %s", args.set, line)
    write_text(target / "log" / "differences", "".join(f"{line}\n" for line in lines))
    write_text(target / "log" / "licence", corpus.licence + "\n")


if __name__ == "__main__":
    program.run(main)
