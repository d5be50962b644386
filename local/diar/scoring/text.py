"""Scores as text: aligned markdown tables (readable in a terminal too), TSV, and a JSON summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diar.kaldi.rttm import Rttm
from diar.scoring.rates import Evaluation, Score, listed

# Column of per_recording.tsv -> its value for a row.
_COLUMNS = {
    "scored_s": lambda s: s.scored,
    "miss_s": lambda s: s.miss,
    "fa_s": lambda s: s.false_alarm,
    "conf_s": lambda s: s.confusion,
    "miss_%": lambda s: s.percent(s.miss),
    "fa_%": lambda s: s.percent(s.false_alarm),
    "conf_%": lambda s: s.percent(s.confusion),
    "der_%": lambda s: s.der,
    "der_md_eval_%": lambda s: s.der_md_eval,
    "jer_%": lambda s: s.jer,
}


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> str:
    """An aligned markdown table; the first ``names`` columns are text, the others numbers."""
    widths = [max(3, *(len(row[i]) for row in [header, *rows])) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i < names else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |\n"

    rule = ["-" * width if i < names else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return line(header) + line(rule) + "".join(map(line, rows))


def number(value: float | None, decimals: int = 2) -> str:
    """A figure for a table; '-' where there is none."""
    return "-" if value is None else f"{value:.{decimals}f}"


def signed(value: float | None) -> str:
    """A difference for a table, always with its sign; '-' where there is none."""
    return "-" if value is None else f"{value:+.2f}"


def span(limits: tuple[float, float] | None) -> str:
    """An interval of differences; '-' where there is none."""
    return "-" if limits is None else " to ".join(map(signed, limits))


def rate_span(limits: tuple[float, float] | None) -> str:
    """An interval of percentages; '-' where there is none."""
    return "-" if limits is None else " to ".join(map(number, limits))


def p_value(value: float | None) -> str:
    """The p value of a test; '-' where there was nothing to test."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def overview(evaluation: Evaluation, remarks: Sequence[str] = ()) -> str:
    """Totals under every protocol, the speaker counts, and what the reader has to be told; of that,
    ``remarks`` are the caller's."""
    rows = []
    for name, scores in evaluation.scores.items():
        t = scores.total
        parts = [t.percent(x) for x in (t.miss, t.false_alarm, t.confusion)]
        rows.append(
            [name, scores.protocol.words, number(t.scored, 1), *map(number, [t.der, *parts])]
        )
    header = ["protocol", "what is scored", "speech s", "DER %", "miss %", "FA %", "conf. %"]
    scores = next(iter(evaluation.scores.values()))
    counts = (
        f"JER {number(scores.total.jer)} % (no collar, overlap scored; mean over"
        f" {scores.total.speakers} speakers). Number of speakers right in"
        f" {scores.count_exact:.1f} % of {len(scores.rows)} recordings, mean absolute error"
        f" {scores.count_error:.2f}, bias {scores.count_bias:+.2f}."
    )
    return "\n".join([markdown(header, rows, names=2), counts, *notes(evaluation), *remarks]) + "\n"


def notes(evaluation: Evaluation) -> list[str]:
    """One sentence for each thing that a reader of the figures should know."""
    found = []
    if evaluation.derived_uem:
        found.append("No UEM: each recording is evaluated from 0 to the last end of a turn.")
    for names, what in (
        (evaluation.missing, "Without a hypothesis, scored as all missed"),
        (evaluation.silent, "Without reference speech, so that all found there is false alarm"),
        (evaluation.extra, "Only in the hypothesis, left out"),
        (
            evaluation.beyond,
            "With hypothesis speech after the end of the UEM, which does not count",
        ),
    ):
        if names:
            found.append(f"{what}: {listed(names)}.")
    for count, side in zip(evaluation.merged, ("reference", "hypothesis"), strict=True):
        if count:
            found.append(
                f"{count} turn(s) of the {side} overlapped others of their speaker: merged."
            )
    theirs = []
    for name, scores in evaluation.scores.items():
        ours, nist = scores.total.der, scores.total.der_md_eval
        if nist - ours >= 0.005:
            theirs.append(f"{number(nist)} under {name} ({nist - ours:+.2f})")
    if theirs:
        found.append(
            "NIST's md-eval, which pairs the speakers before it leaves out collars and overlap, gives"
            f" {', '.join(theirs)}."
        )
    return found


def file_notes(side: str, rttm: Rttm) -> list[str]:
    """What was passed over or put together in reading the files of one side."""
    found = []
    if rttm.skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in rttm.skipped.items())
        total = sum(rttm.skipped.values())
        found.append(f"{total} line(s) of the {side} are no SPEAKER lines, passed over: {kinds}.")
    if rttm.channels:
        found.append(
            f"Turns of several channels in the {side}, taken together: {listed(rttm.channels)}."
        )
    return found


def count_matrix(counts: Mapping[int, Mapping[int, int]]) -> str:
    """Markdown table of the numbers of recordings: a row for each number of speakers in the
    reference, a column for each number found."""
    columns = sorted({found for row in counts.values() for found in row})
    rows = [
        [str(speakers), *(str(row.get(found, 0) or "-") for found in columns)]
        for speakers, row in sorted(counts.items())
    ]
    return markdown(["speakers", *(f"found {found}" for found in columns)], rows)


def recordings(evaluation: Evaluation) -> str:
    """Markdown table: one row a recording, DER under each protocol, JER, numbers of speakers."""
    names = list(evaluation.scores)
    header = ["recording", *(f"DER % {n}" for n in names), "JER %", "speakers", "found"]
    rows = []
    for same in zip(*(evaluation.scores[n].rows for n in names), strict=True):
        first = same[0]
        ders = [number(row.der) for row in same]
        rows.append(
            [first.recording, *ders, number(first.jer), str(first.speakers)]
            + [str(first.speakers_found)]
        )
    return markdown(header, rows)


def per_recording_tsv(evaluation: Evaluation) -> str:
    """One line for each protocol and recording, a TOTAL for each protocol; empty: no figure."""
    header = ["protocol", "recording", *_COLUMNS, "speakers", "speakers_found"]
    lines = ["\t".join(header)]
    for name, scores in evaluation.scores.items():
        for row in (*scores.rows, scores.total):
            values = [column(row) for column in _COLUMNS.values()]
            figures = ["" if v is None else f"{v:.3f}" for v in values]
            counts = [str(row.speakers), str(row.speakers_found)]
            lines.append("\t".join([name, row.recording, *figures, *counts]))
    return "".join(line + "\n" for line in lines)


def summary(evaluation: Evaluation, **about: Any) -> dict[str, Any]:
    """Everything but the single recordings, as plain values for JSON.

    Args:
        about: what else to state first, such as the command and the paths.
    """
    scores = next(iter(evaluation.scores.values()))
    return {
        **about,
        "recordings": len(scores.rows),
        "missing": list(evaluation.missing),
        "silent": list(evaluation.silent),
        "extra": list(evaluation.extra),
        "beyond_uem": list(evaluation.beyond),
        "merged_turns": dict(zip(("reference", "hypothesis"), evaluation.merged, strict=True)),
        "derived_uem": evaluation.derived_uem,
        "protocols": {
            name: {
                "words": s.protocol.words,
                "collar_each_side": s.protocol.side,
                "overlap": s.protocol.overlap,
                "region": s.protocol.region,
                **_figures(s.total),
            }
            for name, s in evaluation.scores.items()
        },
        "jer_%": _rounded(scores.total.jer),
        "speakers": {
            "exact_%": _rounded(scores.count_exact),
            "mean_absolute_error": _rounded(scores.count_error),
            "bias": _rounded(scores.count_bias),
            "counts": {str(k): {str(n): c for n, c in v.items()} for k, v in scores.counts.items()},
        },
    }


def _figures(total: Score) -> dict[str, float | None]:
    return {k: _rounded(column(total)) for k, column in _COLUMNS.items() if k != "jer_%"}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
