#!/usr/bin/env python3
"""Collect all scores below an experiment's directory into one page, and print its main table.

Usage: make_results.py <exp-dir> <out.md>

Reads <exp-dir>/<system>/<set>/score/per_recording.tsv and summary.json (steps/score.sh), and if they exist
<exp-dir>/<system>/<set>/seed<N>/score (./run.sh --seeds), <exp-dir>/vad_<kind>/<set>/score/vad_score.json
and <exp-dir>/ae_<name>/probe/probe.json. Marks scores that are out of date.

Example: local/make_results.py exp exp/RESULTS.md
"""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from dec_cli import program  # isort: split

import pandas as pd

from dec_cli.provenance import old_systems
from dec_cli.share import REMARKS
from diar.base.files import write_text
from diar.scoring.comparison import compare, rate_interval
from diar.scoring.frame import ERRORS, PARTS, first_seed, read_seeds, split, spread, totals
from diar.scoring.systems import (
    OLD,
    OURS,
    describe_protocols,
    of_seeds,
    read_json,
    read_summaries,
    system_name,
)
from diar.scoring.text import markdown, number, over_seeds, p_value, rate_span, signed, span

PUBLISHED = [
    ["set", "VAD", "spectral, eigengap", "DEC", "spectral, count known"],
    ["VoxConverse dev, 50 files", "Silero", "17.76", "12.99", "11.06"],
    ["VoxConverse dev, 50 files", "oracle", "17.98", "11.70", "-"],
    ["AMI Mix-Headset test, 16 files", "Silero", "21.99", "23.93 *", "17.65"],
    ["AMI Mix-Headset test, 16 files", "oracle", "14.96", "13.14", "-"],
]


def main() -> None:
    parser = program.parser(__doc__)
    program.add_paths(parser, "exp_dir")
    parser.add_argument("out", metavar="out.md", type=Path, help="the page")
    args = parser.parse_args()
    exp = args.exp_dir
    frame = read_seeds(exp)
    sets = split(frame, "set")
    summaries = {n: read_summaries(exp, n, rows["system"].unique()) for n, rows in sets.items()}
    old = {name: old_systems(exp, name, summaries[name]) for name in sets}
    command = shlex.join(["local/make_results.py", str(exp), str(args.out)])
    sections = [
        f"# Results\n\nMade by `{command}` from the scores below `{exp}`; do not edit.\n",
        protocols(summary for some in summaries.values() for summary in some.values()),
        *(one_set(exp, name, rows, summaries[name], old[name]) for name, rows in sets.items()),
        speech_detection(exp),
        autoencoders(exp),
        published(),
    ]
    write_text(args.out, "\n".join(section for section in sections if section))
    for name, rows in sets.items():
        print(f"{title(name, rows)}\n{main_table(rows, old[name])}{old_rows(old[name])}")


def protocols(summaries: Iterable[Mapping[str, Any]]) -> str:
    """Describe the protocols of all tables."""
    lines = [f"- **{name}**: {text}\n" for name, text in describe_protocols(summaries).items()]
    return (
        "Diarization error rate (DER) in percent of the scored reference speech, summed over the"
        " recordings of a set, under each protocol. A collar is the time excluded on each side of a"
        " reference boundary.\n\n" + "".join(lines) + "\n"
        "JER: Jaccard error rate, no collar, overlap scored, mean over all speakers. Count: percent"
        " of recordings whose number of speakers is right, and the mean error and mean absolute"
        " error of that number. *Count known*: the system was given the number of speakers.\n\n"
        "*N seeds*: the system was fitted N times; mean ± standard deviation (minimum to maximum) of DER,"
        " JER and counts over the fits; other cells of the row are means. Seeds after the first also"
        " perturb the last bit of each x-vector, because other processors round differently. All other"
        " tables, comparisons and figures show the first seed.\n"
    )


def title(name: str, rows: pd.DataFrame) -> str:
    """Name a set and its number of recordings (several numbers, if systems differ)."""
    sizes = sorted(set(rows.groupby("system")["recording"].nunique()))
    return f"{name}: {' or '.join(map(str, sizes))} recording(s)"


def old_rows(old: Mapping[str, str]) -> str:
    """Format the notes on the marked rows of a table."""
    if not old:
        return ""
    notes = [f"- {system_name(system)}: {why}\n" for system, why in old.items()]
    return f"\n{OLD.strip()} out of date:\n\n{''.join(notes)}"


def one_set(
    exp: Path,
    name: str,
    rows: pd.DataFrame,
    summaries: Mapping[str, Mapping[str, Any]],
    old: Mapping[str, str],
) -> str:
    """Format the section of a set with the scores ``rows``; ``old`` has reasons of those out of date."""
    commands = "".join(f"- {system_name(s)}: `{x['command']}`\n" for s, x in summaries.items())
    names = {s: of_seeds(system_name(s), n) + OLD * (s in old) for s, n in seeds_in(rows).items()}
    first = first_seed(rows)
    return (
        f"## {title(name, rows)}\n\n{main_table(rows, old)}{old_rows(old)}\n"
        f"Miss / false alarm / confusion, percent:\n\n{parts_table(first, names)}\n"
        f"{intervals(first, names)}{remarks(exp, name, summaries)}{paired(exp, name, first, names)}"
        f"Commands:\n\n{commands}"
    )


def seeds_in(rows: pd.DataFrame) -> dict[str, int]:
    """Count the seeds of each system, in order."""
    return {system: theirs["seed"].nunique() for system, theirs in split(rows, "system").items()}


def main_table(rows: pd.DataFrame, old: Container[str]) -> str:
    """Format DER under each protocol, JER, speaker counts; one row per system, whatever its seeds."""
    figures = spread(rows, ["system", "protocol"])
    table = by_protocol(figures["der_%"].apply(over_seeds, axis=1))
    first = figures.groupby("system", sort=False).first()  # the same under all protocols
    table["JER"] = first["jer_%"].apply(over_seeds, axis=1)
    table["count right"] = first["exact_%"].apply(over_seeds, axis=1, decimals=0, unit=" %")
    table["bias"] = first["bias", "mean"].map(signed)
    table["abs."] = first["mean_absolute_error", "mean"].map(number)
    seeds = {system: f", {n} seeds" if n > 1 else "" for system, n in seeds_in(rows).items()}
    return markdown(
        table.rename(lambda system: system_name(system) + seeds[system] + OLD * (system in old))
    )


def parts_table(rows: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Format miss, false alarm and confusion under each protocol; one row per system."""
    parts = totals(rows, ["system", "protocol"])[list(PARTS.values())].map(number)
    return markdown(by_protocol(parts.agg(" / ".join, axis=1), "- / - / -").rename(names))


def by_protocol(cells: pd.Series, absent: str = "-") -> pd.DataFrame:
    """Give each protocol a column, in the order of their first appearance."""
    return cells.unstack("protocol", fill_value=absent, sort=False)


def intervals(rows: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Format the bootstrap intervals of DER and confusion over recordings."""
    if rows["recording"].nunique() < 2:
        return ""
    cells = {}
    for system, theirs in split(rows, "system").items():
        for protocol, some in split(theirs, "protocol").items():
            for of, columns in (("DER", ERRORS), ("confusion", ["conf_s"])):
                limits = rate_interval(some[columns].sum(axis=1), some["scored_s"])
                cells[names[system], of, protocol] = rate_span(limits)
    table = by_protocol(pd.Series(cells).rename_axis(["system", "of", "protocol"]))
    return (
        f"95 % bootstrap intervals of DER and of confusion, over recordings:\n\n{markdown(table)}\n"
    )


def paired(exp: Path, name: str, rows: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Compare the default DEC with every other system, recording by recording."""
    systems = split(rows, "system")
    ours = systems.pop(OURS, rows[:0])
    if ours["recording"].nunique() < 2:
        return ""
    lines = [
        [
            names[system],
            protocol,
            signed(c.difference),
            span(c.interval()),
            p_value(c.p_value),
            *c.wins,
        ]
        for system, theirs in systems.items()
        for protocol, c in compare(ours, theirs).items()
    ]
    header = ["against", "protocol", "DER", "95 % interval", "p", "better", "equal", "worse"]
    table = pd.DataFrame(lines, columns=header).set_index(header[:2])
    return (
        f"{names[OURS]}, minus each other system: difference in DER in points (below 0: DEC is"
        " better) with its bootstrap interval, Wilcoxon's signed-rank test, and in how many recordings"
        f" DEC is better. By `local/compare.py {exp}/{OURS}/{name}/score {exp}/.../{name}/score`.\n\n"
        f"{markdown(table)}\n"
    )


def remarks(exp: Path, name: str, summaries: Mapping[str, Mapping[str, Any]]) -> str:
    """List what makes a row an incomplete evaluation, or different from what its name says."""
    lines = []
    for system, summary in summaries.items():
        said = exp / system / name / REMARKS
        facts = said.read_text(encoding="utf-8").splitlines() if said.exists() else []
        if summary["missing"]:
            facts.append(f"{len(summary['missing'])} without a hypothesis, scored as missed")
        if summary["extra"]:
            facts.append(f"{len(summary['extra'])} without a reference, excluded")
        if summary["derived_uem"]:
            facts.append("no UEM, evaluated from 0 to the last turn")
        lines += [f"- {system_name(system)}: {'; '.join(facts)}.\n"] if facts else []
    return "".join(lines) + "\n" if lines else ""


def speech_detection(exp: Path) -> str:
    """Format the errors of voice activity detection, where it was scored."""
    rows = []
    for path in sorted(exp.glob("vad_*/*/score/vad_score.json")):
        figures = read_json(path)
        rates = [number(figures[key]) for key in ("miss", "fa")]
        vad, name = path.parts[-4].removeprefix("vad_"), path.parts[-3]
        rows.append([vad, name, *rates, number(figures["speech_s"], 0)])
    if not rows:
        return ""
    header = ["VAD", "set", "miss %", "false alarm %", "speech s"]
    return (
        "## Voice activity detection\n\nPercent of the reference speech, overlapping speech counted"
        " once. By `steps/score_vad.sh`.\n\n"
        + markdown(pd.DataFrame(rows, columns=header).set_index(header[:2]))
    )


def autoencoders(exp: Path) -> str:
    """Format how much the latents still know about speakers, where probed."""
    rows = []
    for path in sorted(exp.glob("ae_*/probe/probe.json")):
        figures = read_json(path)
        rates = [number(figures[key]) for key in ("xvectors", "latents")]
        rows.append([path.parts[-3].removeprefix("ae_"), figures["set"], *rates])
    if not rows:
        return ""
    header = ["autoencoder", "set", "x-vectors", "latents"]
    return (
        "## What the autoencoder keeps\n\nConfusion in percent (±250 ms collar, overlap not scored)"
        " of AHC with the known number of speakers, on x-vectors and on their latents. By"
        " `steps/probe_latents.sh`.\n\n"
        + markdown(pd.DataFrame(rows, columns=header).set_index(header[:2]))
    )


def published() -> str:
    """Format the figures published with the method."""
    header, *rows = PUBLISHED
    return (
        "## Published figures of the method\n\n**Not measured here**: as reported with the reference"
        " implementation (2021), on different recordings. Protocol: ±125 ms collar, overlap"
        " not scored, ECAPA-TDNN x-vectors of 1.5 s every 0.75 s, DER % over all files.\n\n"
        f"{markdown(pd.DataFrame(rows, columns=header).set_index(header[:2]))}\n"
        "\\* misprinted as 23.39 in its README. Where overlap is not scored, windows that overlap in the"
        " reference were also withheld from the system, even with the Silero VAD.\n"
    )


if __name__ == "__main__":
    program.run(main)
