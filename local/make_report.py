#!/usr/bin/env python3
"""Make the page that shows what an experiment did, from what view_recordings.py has gathered.

Usage: make_report.py [options] <data-root> <exp-dir> <set,set,...> <out-dir>

Writes <out-dir>/index.html; where it would be larger than conf/report.yaml allows, the recordings beside
it, in <out-dir>/index_files.

Example: local/make_report.py data exp real_sample exp/by_hand/report
"""

from __future__ import annotations

import shutil

import program
from diar import config
from diar.errors import DataError
from diar.report.experiment import ExperimentSet
from diar.report.overview import configurations, versions
from diar.report.page import About, write_page
from diar.report.recordings import ReportConfig
from diar.report.usage import usage_of


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_config(arguments, "conf/report.yaml")
    program.add_paths(arguments, "data_root", "exp_dir")
    arguments.add_argument("sets", help="their names, joined by commas")
    program.add_paths(arguments, "out_dir")
    args = arguments.parse_args()
    options = config.load(ReportConfig, args.config, args.set.split())
    packed = args.out_dir / "packed"
    pages = []
    for name in args.sets.split(","):
        pages.append(ExperimentSet(args.data_root, args.exp_dir, name).page())
    made = {f"{p.name}/{r}": packed / p.name / r for p in pages for r in p.recordings}
    made = {key: path for key, path in made.items() if path.exists()}  # others are in 'failed'
    if not made:
        raise DataError(f"nothing to show of {args.sets}", args.exp_dir)
    usage = usage_of(args.exp_dir)
    steps = [args.exp_dir / step.directory for step in usage]
    about = About(
        f"Diarization: {args.exp_dir}",
        f"Made by steps/make_report.sh of {args.exp_dir} and {args.data_root}",
        usage,
        configurations(args.exp_dir, steps),
        versions(),
    )
    files = write_page(args.out_dir / "index.html", about, pages, made, options.inline)
    shutil.rmtree(packed)
    size = sum(path.stat().st_size for path in files) / 1e6
    beside = f", {len(files) - 1} recordings beside it" if len(files) > 1 else ""
    print(f"{files[-1]}: {len(made)} recordings, {size:.1f} MB{beside}")


if __name__ == "__main__":
    program.run(main)
