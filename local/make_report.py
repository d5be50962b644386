#!/usr/bin/env python3
"""Make the page that shows an experiment, from the data gathered by view_recordings.py.

Usage: make_report.py [options] <data-root> <exp-dir> <set,set,...> <out-dir>

Writes <out-dir>/index.html; if it would be larger than conf/report.yaml allows, the recordings go into
<out-dir>/index_files.

Example: local/make_report.py data exp real_sample exp/by_hand/report
"""

from __future__ import annotations

import sys
from pathlib import Path

from dec_cli import program
from dec_cli.provenance import old_systems
from diar.base import config
from diar.base.errors import DataError
from diar.report.experiment import ExperimentSet
from diar.report.overview import configurations, versions
from diar.report.page import About, write_page
from diar.report.recordings import ReportConfig
from diar.report.usage import is_other_seed, usage_of


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/report.yaml")
    program.add_paths(parser, "data_root", "exp_dir")
    parser.add_argument("sets", help="names of the sets, joined by commas")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()
    options = config.load(ReportConfig, args.config, args.set.split())
    sets = [ExperimentSet(args.data_root, args.exp_dir, name) for name in args.sets.split(",")]
    pages = [one.page(old_systems(args.exp_dir, one.name, one.systems)) for one in sets]
    there = packed_files(args.out_dir)
    keys = [f"{page.name}/{recording}" for page in pages for recording in page.recordings]
    made = {key: there[key] for key in keys if key in there}  # the others are in 'failed'
    if not made:
        why = f", see {args.out_dir}/failed" if keys else ": no turns, and no durations"
        raise DataError(f"no recording of {args.sets} can be shown{why}", args.exp_dir)
    for one in sets:
        for note in (*one.transcript.notes, *one.transcript.faults.values()):
            print(f"make_report.py: {one.transcript.path}: {note}", file=sys.stderr)
    usage = usage_of(args.exp_dir)
    usual = [
        step for step in usage if not is_other_seed(step.directory)
    ]  # all seeds have the same configuration
    steps = [args.exp_dir / step.directory for step in usual]
    about = About(
        f"Diarization: {args.exp_dir}",
        f"Made by steps/make_report.sh of {args.exp_dir} and {args.data_root}",
        usage,
        configurations(args.exp_dir, steps),
        versions(),
    )
    files = write_page(args.out_dir / "index.html", about, pages, made, options.inline)
    size = sum(path.stat().st_size for path in files) / 1e6
    beside = f", {len(files) - 1} recordings beside it" if len(files) > 1 else ""
    print(f"{files[-1]}: {len(made)} recordings, {size:.1f} MB{beside}")


def packed_files(out: Path) -> dict[str, Path]:
    """Map '<set>/<recording>' to the file that a job wrote for it."""
    return {
        path.relative_to(folder).as_posix(): path
        for folder in out.glob("jobs/*/packed")
        for path in folder.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    program.run(main)
