#!/usr/bin/env python3
"""Draw figures for papers, as PDF, PNG or SVG by the extension of the last argument.

Usage: plot.py timeline [options] <hyp.rttm|dir> [...] <out>   who spoke when, and the errors
       plot.py latents [options] <dec-dir> <recording> <out>   latents in a plane, before and after
       plot.py history [options] <dec-dir> <recording> <out>   loss and changes over the refinement
       plot.py der [options] <exp-dir> <set> <out>             DER of all systems, with intervals
       plot.py counts [options] <score-dir> <out>              speakers in the reference and found

For the options of each, see plot.py timeline --help. The same input gives the same bytes.

Examples:
  local/plot.py der exp test exp/pictures/der.pdf
  local/plot.py timeline --reference data/test/ref.rttm --recording test-10 exp/dec_default/test/rttm a.png
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from dec_cli import program  # isort: split

import numpy as np
from matplotlib.figure import Figure

from diar.base.errors import DataError
from diar.base.numbers import clock, parse_number
from diar.base.regions import speakers_in_order
from diar.base.types import Region, Subsegments, Turn, concatenate
from diar.kaldi import arks, rttm, tables
from diar.kaldi.history import read_history
from diar.pictures import canvas, convergence, latents, scores, timeline
from diar.scoring.frame import PARTS, first_protocol, other_seeds, read_frame, total_score
from diar.scoring.rates import Protocol, listed
from diar.scoring.systems import name_of_directory, of_seeds
from diar.scoring.text import number

ALL_ERRORS = Protocol(0.0, "in")  # for a timeline
WIDE = 5.0  # inches; minimum width for a title with the parts of the DER

Turns = Mapping[str, Sequence[Turn]]


def main() -> None:
    args = parse()
    logging.getLogger().setLevel(logging.WARNING)  # embedding fonts logs every detail
    canvas.format_of(args.out)
    figure = canvas.new(args.width)
    args.draw(args, figure)
    canvas.save(figure, args.out)


def parse() -> argparse.Namespace:
    """Parse the arguments; those of each sub-command are its own."""
    parser = program.parser(__doc__)
    commands = parser.add_subparsers(
        required=True,
        prog=parser.prog,
        metavar="<command>",
        help="what to draw: each has its own --help",
    )

    add = command(commands, "timeline", draw_timeline, canvas.PAGE)
    add("hypothesis", nargs="+", type=Path, metavar="hyp.rttm|dir", help="one or more")
    add("--reference", type=Path, metavar="RTTM", help="needed to show errors")
    add("--recording", metavar="NAME", help="default: the only one")
    add("--uem", type=Path, help="evaluated regions (default: all.uem beside the reference)")
    add("--from", dest="start", type=seconds, metavar="TIME", help="seconds or h:mm:ss")
    add("--to", dest="end", type=seconds, metavar="TIME", help="seconds or h:mm:ss")
    add("--label", action="append", metavar="NAME", help="label of each hypothesis, in order")

    add = command(commands, "latents", draw_latents, canvas.PAGE)
    add("dec_dir", metavar="dec-dir", type=Path, help="output of steps/fit_dec.sh")
    add("recording", help="its name")
    add("--reference", type=Path, metavar="RTTM", help="also colour by its speakers")

    add = command(commands, "history", draw_history, canvas.COLUMN)
    add("dec_dir", metavar="dec-dir", type=Path, help="output of steps/fit_dec.sh")
    add("recording", help="its name")

    add = command(commands, "der", draw_der, canvas.COLUMN)
    add("exp_dir", metavar="exp-dir", type=Path, help="an experiment's directory")
    add("set", help="its name")
    add("--protocol", default="", metavar="'NAME ...'", help="one or more (default: the first)")

    add = command(commands, "counts", draw_counts, canvas.COLUMN)
    add("score_dir", metavar="score-dir", type=Path, help="output of steps/score.sh")

    for each in commands.choices.values():
        each.add_argument("out", type=Path, help="output file .pdf, .png or .svg")
    return parser.parse_args()


def command(
    commands: argparse._SubParsersAction,
    name: str,
    draw: Callable[[argparse.Namespace, Figure], None],
    width: float,
) -> Callable[..., argparse.Action]:
    """Make a sub-command; return the function that adds arguments to it."""
    parser = commands.add_parser(name, description=draw.__doc__)
    parser.set_defaults(draw=draw)
    parser.add_argument(
        "--width", type=float, default=width, metavar="INCHES",
        help=f"{canvas.COLUMN:g} is one column of a paper, {canvas.PAGE:g} is both (default: %(default)s)",
    )  # fmt: skip
    return parser.add_argument


def seconds(text: str) -> float:
    """Read '90', '1:30' or '0:01:30' as seconds."""
    value = 0.0
    for part in text.split(":", 2):
        value = 60 * value + parse_number(part)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is neither seconds nor h:mm:ss")
    return value


def draw_timeline(args: argparse.Namespace, figure: Figure) -> None:
    """Draw the reference above the hypotheses on one time axis.

    Below each hypothesis: miss, false alarm and confusion without a collar, and overlap in the reference.
    The DER is of the whole recording, even if only a part is shown.
    """
    reference = rttm.read_rttm(args.reference) if args.reference else None
    sides = {path: rttm.read_rttm(path) for path in args.hypothesis}
    labels = args.label or [label_of(path) for path in sides]
    if len(labels) != len(sides):
        raise DataError(
            f"{len(labels)} --label for {len(sides)} hypotheses: give one for each hypothesis"
        )
    recording = args.recording or only_recording(
        sides.values() if reference is None else [reference]
    )
    regions = read_regions(args, recording)
    truth = None
    if reference is not None:
        truth = turns_of(recording, reference, args.reference, silent=regions is not None)
    hypotheses = []
    for label, (path, turns) in zip(labels, sides.items(), strict=True):
        known = reference is not None and (not turns or bool(turns.keys() & reference))
        theirs = turns_of(recording, turns, path, silent=known)
        if truth is not None:
            label = f"{label}: {describe_der(args, truth, theirs, regions)}"
        hypotheses.append((label, theirs))
    panels = timeline.panels(truth, hypotheses, regions)
    timeline.draw(figure, panels, regions, span(args, timeline.extent(panels, regions)))


def only_recording(sides: Iterable[Turns]) -> str:
    """Return the only recording of all sides.

    Raises:
        DataError: there is none, or several.
    """
    names = sorted({name for turns in sides for name in turns})
    if len(names) != 1:
        raise DataError(f"--recording NAME is needed: found {listed(names)}")
    return names[0]


def turns_of(recording: str, turns: Turns, path: Path, silent: bool) -> Sequence[Turn]:
    """Return the turns of one recording; none if it may be ``silent``.

    Raises:
        DataError: it has no turns, and may not be ``silent``.
    """
    if recording not in turns and not silent:
        raise DataError(f"no turns of recording {recording!r}; found {listed(list(turns))}", path)
    return turns.get(recording, ())


def read_regions(args: argparse.Namespace, recording: str) -> list[Region] | None:
    """Read the evaluated regions of the recording, if there is a UEM."""
    path = args.uem
    if path is None and args.reference:
        folder = args.reference if args.reference.is_dir() else args.reference.parent
        path = folder / "all.uem" if (folder / "all.uem").exists() else None
    if path is None:
        return None
    regions = rttm.read_uem(path)
    if recording not in regions:
        raise DataError(
            f"no regions of recording {recording!r}; found {listed(list(regions))}", path
        )
    return regions[recording]


def label_of(path: Path) -> str:
    """Name <system>/<set>/rttm after its system, as the tables do; anything else after the file."""
    path = path.resolve()
    return directory_label(path.parent) if path.name == "rttm" else path.stem


def directory_label(directory: Path) -> str:
    """Name <system>/<set> after its system, and mark it if it is one of several seeds."""
    seeds = 1 + len(other_seeds(directory / "score"))
    return of_seeds(name_of_directory(directory), seeds)


def describe_der(
    args: argparse.Namespace,
    truth: Sequence[Turn],
    theirs: Sequence[Turn],
    regions: Sequence[Region] | None,
) -> str:
    """Describe the DER of the whole recording, with its parts if there is room for them."""
    uem = None if regions is None else {"": regions}
    total = total_score({"": truth}, {"": theirs}, uem, ALL_ERRORS)
    text = f"DER {total['der_%']:.2f} %"
    if args.start is not None or args.end is not None:
        text += " of the whole recording"
    if args.width < WIDE:
        return text
    rates = (f"{kind} {number(total[part])}" for kind, part in PARTS.items())
    return f"{text} ({', '.join(rates)})"


def span(args: argparse.Namespace, extent: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds from --from to --to, within the recording.

    Raises:
        DataError: no part of the recording lies between them.
    """
    start = extent[0] if args.start is None else args.start
    end = extent[1] if args.end is None else args.end
    if not start < min(end, extent[1]):
        raise DataError(
            f"nothing to show from {clock(start)} to {clock(end)}: the recording lasts"
            f" from {clock(extent[0])} to {clock(extent[1])}"
        )
    return start, end


def draw_latents(args: argparse.Namespace, figure: Figure) -> None:
    """Draw the latents of a recording's windows in the plane of their principal components.

    Shows the latents after the refinement of stage 4, and before it if start_latents.scp exists, coloured
    by cluster and, with a reference, by speaker.
    """
    spaces = {"after": matrix(args.dec_dir / "latents.scp", args.recording)}
    before = args.dec_dir / "start_latents.scp"
    if before.exists():
        spaces = {"before": matrix(before, args.recording), **spaces}
    posteriors = matrix(args.dec_dir / "posteriors.scp", args.recording)
    clusters = 1 + posteriors.argmax(axis=1)
    sizes = {len(clusters), *map(len, spaces.values())}
    if len(sizes) > 1:
        raise DataError(
            f"{args.recording}: matrices have {sorted(sizes)} rows: run steps/fit_dec.sh again",
            args.dec_dir,
        )
    if not args.reference:
        latents.draw(figure, spaces, clusters)
        return
    windows = read_windows(args, len(clusters))
    truth = turns_of(args.recording, rttm.read_rttm(args.reference), args.reference, silent=False)
    speakers = latents.window_speakers(windows, truth)
    latents.draw(figure, spaces, clusters, speakers, speakers_in_order(truth))


def matrix(scp: Path, recording: str) -> np.ndarray:
    """Read the matrix of the recording.

    Raises:
        DataError: there is none; the message names the step that makes it.
    """
    if not scp.exists():
        raise DataError(
            f"{scp.name} is missing: steps/fit_dec.sh makes it, baselines have none", scp.parent
        )
    arrays = arks.Scp(scp)
    if recording not in arrays:
        raise DataError(f"no matrix of recording {recording!r}; found {listed(list(arrays))}", scp)
    return arrays[recording]


def read_windows(args: argparse.Namespace, count: int) -> Subsegments:
    """Read the windows of the recording; there must be as many as latents."""
    path = args.dec_dir / "segments"
    windows = tables.read_segments(path).by_recording().get(args.recording, concatenate([]))
    if len(windows) != count:
        raise DataError(
            f"{len(windows)} windows of {args.recording!r}, but {count} latents: run steps/fit_dec.sh again",
            path,
        )
    return windows


def draw_history(args: argparse.Namespace, figure: Figure) -> None:
    """Draw the loss, and how many windows changed cluster, at each step of a recording's refinement.

    Dotted: the sequence model reassigns the windows.
    """
    path = args.dec_dir / "history"
    if not path.exists():
        raise DataError(
            "history is missing: steps/fit_dec.sh makes it, baselines have none", args.dec_dir
        )
    steps = read_history(path)
    if args.recording not in steps:
        raise DataError(
            f"no steps of {args.recording!r}: there is nothing to refine in a single cluster; found"
            f" {listed(list(steps))}",
            path,
        )
    convergence.draw(figure, steps[args.recording])


def draw_der(args: argparse.Namespace, figure: Figure) -> None:
    """Draw the DER of every system scored on a set.

    Shows its parts, and the 95 % bootstrap interval over recordings.
    """
    scores.draw_bars(figure, scores.bars(args.exp_dir, args.set, args.protocol.split()))


def draw_counts(args: argparse.Namespace, figure: Figure) -> None:
    """Draw the numbers of recordings by speakers in the reference and in the hypothesis."""
    rows = first_protocol(read_frame(args.score_dir))
    path = args.score_dir.resolve()
    label = directory_label(path.parent) if path.name == "score" else path.name
    scores.draw_counts(figure, label, rows)


if __name__ == "__main__":
    program.run(main)
