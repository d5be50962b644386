#!/usr/bin/env python3
"""Gather the data of each recording for the report (one job of steps/make_report.sh).

Usage: view_recordings.py [options] <data-root> <exp-dir> <set,set,...> <out-dir>

Writes <out-dir>/jobs/J/packed/<set>/<recording>: turns, errors, posteriors, latents, compressed for the
page.

Example: local/view_recordings.py data exp real_sample exp/by_hand/report
"""

from __future__ import annotations

from dec_cli import program
from dec_cli.share import Share, add_job
from diar.base import config
from diar.base.files import write_text
from diar.report.page import pack
from diar.report.recordings import ReportConfig, plain


def main() -> None:
    parser = program.parser(__doc__)
    program.add_config(parser, "conf/report.yaml")
    add_job(parser)
    program.add_paths(parser, "data_root", "exp_dir")
    parser.add_argument("sets", help="names of the sets, joined by commas")
    program.add_paths(parser, "out_dir")
    args = parser.parse_args()
    options = config.load(ReportConfig, args.config, args.set.split())
    if args.check:
        return
    from diar.report.experiment import ExperimentSet  # slow to import

    share = Share(args.out_dir, args.job)
    share.state(options)
    sets = {
        name: ExperimentSet(args.data_root, args.exp_dir, name) for name in args.sets.split(",")
    }
    seconds = {f"{s}/{r}": x for s, one in sets.items() for r, x in one.durations.items()}
    for key in share.of(seconds, seconds.__getitem__):
        name, recording = key.split("/", 1)
        with share.guard(key):
            view = sets[name].view(recording, args.out_dir, options.loudness)
            write_text(share.dir / "packed" / key, pack(plain(view, options)))
    share.close()


if __name__ == "__main__":
    program.run(main)
