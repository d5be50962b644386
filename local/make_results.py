#!/usr/bin/env python3
"""Collect every score below an experiment's directory into one page, and print its main table.

Usage: make_results.py <exp-dir> <out.md>

Reads <exp-dir>/<system>/<set>/score/summary.json (steps/score.sh), and where they exist
<exp-dir>/vad_<kind>/<set>/score/vad_score.json and <exp-dir>/ae_<name>/probe/probe.json.

Example: local/make_results.py exp exp/RESULTS.md
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli import program
from diar.base.files import write_text
from diar.scoring.comparison import compare, rate_interval, read_figures
from diar.scoring.systems import (
    OURS,
    SYSTEMS,
    Summaries,
    collect,
    protocol_names,
    read_json,
    system_name,
)
from diar.scoring.text import markdown, number, p_value, rate_span, signed, span

# set, VAD, then DER %: spectral (eigengap), DEC, spectral given the true count
PUBLISHED = [
    ["VoxConverse dev, 50 files", "Silero", "17.76", "12.99", "11.06"],
    ["VoxConverse dev, 50 files", "oracle", "17.98", "11.70", "-"],
    ["AMI Mix-Headset test, 16 files", "Silero", "21.99", "23.93 *", "17.65"],
    ["AMI Mix-Headset test, 16 files", "oracle", "14.96", "13.14", "-"],
]


def main() -> None:
    arguments = program.parser(__doc__)
    program.add_paths(arguments, "exp_dir")
    arguments.add_argument("out", metavar="out.md", type=Path, help="the page")
    args = arguments.parse_args()
    sets = collect(args.exp_dir)
    command = shlex.join(["local/make_results.py", str(args.exp_dir), str(args.out)])
    sections = [
        f"# Results\n\nMade by `{command}` from the scores below `{args.exp_dir}`; do not edit.\n",
        protocols(sets),
        *(one_set(args.exp_dir, name, systems) for name, systems in sets.items()),
        speech_detection(args.exp_dir),
        autoencoders(args.exp_dir),
        published(),
    ]
    write_text(args.out, "\n".join(section for section in sections if section))
    for name, systems in sets.items():
        print(f"{title(name, systems)}\n{main_table(systems)}")


def protocols(sets: Mapping[str, Summaries]) -> str:
    """The protocols of all tables in words."""
    words = {}
    for systems in sets.values():
        for summary in systems.values():
            for name, figures in summary["protocols"].items():
                words.setdefault(name, figures["words"])
    lines = [f"- **{name}**: {text}\n" for name, text in words.items()]
    return (
        "Diarization error rate (DER) in percent of the reference speech that counts, summed over"
        " the recordings of a set, under each protocol. A collar is the time left out on each side"
        " of a reference boundary.\n\n" + "".join(lines) + "\n"
        "JER: Jaccard error rate, no collar, overlap scored, mean over all speakers. Count: percent"
        " of recordings whose number of speakers is right, and the mean error and mean absolute"
        " error of that number. *Count known*: the system was told the number of speakers.\n"
    )


def title(name: str, systems: Summaries) -> str:
    sizes = sorted({summary["recordings"] for summary in systems.values()})
    return f"{name}: {' or '.join(map(str, sizes))} recording(s)"


def one_set(exp: Path, name: str, systems: Summaries) -> str:
    commands = "".join(f"- {system_name(s)}: `{x['command']}`\n" for s, x in systems.items())
    return (
        f"## {title(name, systems)}\n\n{main_table(systems)}\n"
        f"Miss / false alarm / confusion, percent:\n\n{parts_table(systems)}\n"
        f"{intervals(exp, name, systems)}{remarks(systems)}{paired(exp, name, systems)}Commands:\n\n{commands}"
    )


def intervals(exp: Path, name: str, systems: Summaries) -> str:
    """How far DER and confusion would move with other recordings of the kind."""
    if next(iter(systems.values()))["recordings"] < 2:
        return ""
    rows = []
    for system in systems:
        scores = read_figures(exp / system / name / "score")
        for kind in ("error", "confusion"):
            limits = {p: rate_interval(getattr(f, kind), f.scored) for p, f in scores.items()}
            cells = [rate_span(limits.get(protocol)) for protocol in protocol_names(systems)]
            rows.append([system_name(system), "DER" if kind == "error" else kind, *cells])
    header = ["system", "of", *protocol_names(systems)]
    return (
        "95 % bootstrap intervals of DER and of confusion, over recordings:\n\n"
        f"{markdown(header, rows, names=2)}\n"
    )


def paired(exp: Path, name: str, systems: Summaries) -> str:
    """The default DEC against every other system, recording by recording."""
    if OURS not in systems or systems[OURS]["recordings"] < 2:
        return ""
    ours = read_figures(exp / OURS / name / "score")
    rows = []
    for system in systems:
        if system == OURS:
            continue
        comparisons = compare(ours, read_figures(exp / system / name / "score"))
        rows += [
            [system_name(system), protocol, signed(c.difference), span(c.interval())]
            + [p_value(c.p_value), *map(str, c.wins)]
            for protocol, c in comparisons.items()
        ]
    header = ["against", "protocol", "DER", "95 % interval", "p", "better", "equal", "worse"]
    return (
        f"{SYSTEMS[OURS]}, minus each other system: difference of DER in points (below 0: DEC is"
        " better) with its bootstrap interval, Wilcoxon's signed-rank test, and in how many recordings"
        f" DEC is better. By `local/compare.py {exp}/{OURS}/{name}/score {exp}/.../{name}/score`.\n\n"
        f"{markdown(header, rows, names=2)}\n"
    )


def main_table(systems: Summaries) -> str:
    """DER under each protocol, JER, speaker counts; one row a system."""
    names = protocol_names(systems)
    header = ["system", *names, "JER", "count right", "bias", "abs."]
    rows = []
    for system, summary in systems.items():
        ders = [number(figure(summary, name, "der_%")) for name in names]
        count = summary["speakers"]
        counts = [
            number(count["exact_%"], 0) + " %",
            f"{count['bias']:+.2f}",
            number(count["mean_absolute_error"]),
        ]
        rows.append([system_name(system), *ders, number(summary["jer_%"]), *counts])
    return markdown(header, rows)


def parts_table(systems: Summaries) -> str:
    names = protocol_names(systems)
    rows = [
        [system_name(system)]
        + [
            " / ".join(number(figure(summary, n, part)) for part in ("miss_%", "fa_%", "conf_%"))
            for n in names
        ]
        for system, summary in systems.items()
    ]
    return markdown(["system", *names], rows)


def figure(summary: Mapping[str, Any], protocol: str, key: str) -> float | None:
    return summary["protocols"].get(protocol, {}).get(key)


def remarks(systems: Summaries) -> str:
    """Whatever makes a row less than a full evaluation."""
    lines = []
    for system, summary in systems.items():
        facts = []
        if summary["missing"]:
            facts.append(f"{len(summary['missing'])} without a hypothesis, scored as all missed")
        if summary["extra"]:
            facts.append(f"{len(summary['extra'])} without a reference, left out")
        if summary["derived_uem"]:
            facts.append("no UEM, evaluated from 0 to the last turn")
        lines += [f"- {system_name(system)}: {'; '.join(facts)}.\n"] if facts else []
    return "".join(lines) + "\n" if lines else ""


def speech_detection(exp: Path) -> str:
    """Voice activity detection, where it was judged."""
    rows = []
    for path in sorted(exp.glob("vad_*/*/score/vad_score.json")):
        figures = read_json(path)
        row = [path.parts[-4].removeprefix("vad_"), path.parts[-3]]
        rows.append(
            row
            + [number(figures[key]) for key in ("miss", "fa")]
            + [number(figures["speech_s"], 0)]
        )
    if not rows:
        return ""
    header = ["VAD", "set", "miss %", "false alarm %", "speech s"]
    return (
        "## Voice activity detection\n\nPercent of the reference speech, overlapping speech counted"
        f" once. By `steps/score_vad.sh`.\n\n{markdown(header, rows, names=2)}"
    )


def autoencoders(exp: Path) -> str:
    """What the latents still know about speakers, where it was probed."""
    rows = []
    for path in sorted(exp.glob("ae_*/probe/probe.json")):
        figures = read_json(path)
        rows.append(
            [
                path.parts[-3].removeprefix("ae_"),
                figures["set"],
                *(number(figures[k]) for k in ("xvectors", "latents")),
            ]
        )
    if not rows:
        return ""
    return (
        "## What the autoencoder keeps\n\nConfusion in percent (±250 ms collar, overlap not scored)"
        " of AHC that is told the number of speakers, on x-vectors and on their latents. By"
        " `steps/probe_latents.sh`.\n\n"
        + markdown(["autoencoder", "set", "x-vectors", "latents"], rows, names=2)
    )


def published() -> str:
    header = ["set", "VAD", "spectral, eigengap", "DEC", "spectral, count known"]
    return (
        "## Published figures of the method\n\n**Not measured here**: as reported with the reference"
        " implementation (2021), on other recordings than ours. Protocol: ±125 ms collar, overlap"
        " not scored, ECAPA-TDNN x-vectors of 1.5 s every 0.75 s, DER % over all files.\n\n"
        f"{markdown(header, PUBLISHED, names=2)}\n"
        "\\* its README misprints 23.39. Where overlap is not scored, windows that overlap in the"
        " reference were also withheld from the system, with the Silero VAD too.\n"
    )


if __name__ == "__main__":
    program.run(main)
