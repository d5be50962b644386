"""Scores as text: aligned markdown tables (readable in a terminal too), and a JSON summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from diar.kaldi.rttm import Rttm
from diar.scoring.frame import (
    COUNTS,
    RATES,
    SECONDS,
    SPREAD,
    count_speakers,
    first_protocol,
    totals,
)
from diar.scoring.rates import Evaluation, listed


def markdown(table: pd.DataFrame) -> str:
    """Write an aligned markdown table: the index left-aligned as text, the columns right-aligned.

    DataFrame.to_markdown would add two spaces to most columns, and cannot write this rule.
    """
    left = table.index.to_frame().to_numpy().tolist()
    rows = [[*table.index.names, *table.columns]]
    rows += [[*label, *row] for label, row in zip(left, table.to_numpy().tolist(), strict=True)]
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    names = table.index.nlevels
    rule = ["-" * width if i < names else "-" * (width - 1) + ":" for i, width in enumerate(widths)]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i < names else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |\n"

    return "".join(map(line, [cells[0], rule, *cells[1:]]))


def number(value: float | None, decimals: int = 2) -> str:
    """Write a figure for a table; '-' if there is none."""
    return "-" if pd.isna(value) else f"{value:.{decimals}f}"


def signed(value: float | None) -> str:
    """Write a difference for a table, always with its sign; '-' if there is none."""
    return "-" if pd.isna(value) else f"{value:+.2f}"


def span(limits: tuple[float, float] | None) -> str:
    """Write an interval of differences; '-' if there is none."""
    return "-" if limits is None else " to ".join(map(signed, limits))


def rate_span(limits: tuple[float, float] | None) -> str:
    """Write an interval of percentages; '-' if there is none."""
    return "-" if limits is None else " to ".join(map(number, limits))


def over_seeds(figure: pd.Series, decimals: int = 2, unit: str = "") -> str:
    """Write a figure of one fit, or of several as mean ± standard deviation (minimum to maximum).

    Args:
        figure: its ``diar.scoring.frame.SPREAD``.
        unit: written after the figure.
    """
    mean, deviation, *ends = (number(figure[name], decimals) for name in SPREAD[:4])
    if figure["count"] < 2:
        return f"{mean}{unit}"
    return f"{mean} ± {deviation} ({' to '.join(ends)}){unit}"


def p_value(value: float | None) -> str:
    """Write the p value of a test; '-' if there was nothing to test."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def overview(evaluation: Evaluation, frame: pd.DataFrame, remarks: Sequence[str] = ()) -> str:
    """Write totals under every protocol, speaker counts, and remarks.

    Args:
        frame: the scores of ``evaluation``.
        remarks: further remarks of the caller.
    """
    total = totals(frame)
    columns = {"der_%": "DER %", "miss_%": "miss %", "fa_%": "FA %", "conf_%": "conf. %"}
    table = total[list(columns)].map(number).rename(columns=columns)
    table.insert(0, "speech s", total["scored_s"].map("{:.1f}".format))
    words = [evaluation.protocols[name].words for name in total.index]
    table = table.set_index(pd.Index(words, name="what is scored"), append=True)
    first = total.iloc[0]
    counts = (
        f"JER {number(first['jer_%'])} % (no collar, overlap scored; mean over"
        f" {first['speakers']:.0f} speakers). Number of speakers right in"
        f" {first['exact_%']:.1f} % of {first['recordings']:.0f} recordings, mean absolute error"
        f" {first['mean_absolute_error']:.2f}, bias {first['bias']:+.2f}."
    )
    return "\n".join([markdown(table), counts, *notes(evaluation, total), *remarks]) + "\n"


def notes(evaluation: Evaluation, total: pd.DataFrame) -> list[str]:
    """Write one sentence for each remark on the figures ``total``."""
    told = []
    if evaluation.derived_uem:
        told.append("No UEM: each recording is evaluated from 0 to the last end of a turn.")
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
            told.append(f"{what}: {listed(names)}.")
    for count, side in zip(evaluation.merged, ("reference", "hypothesis"), strict=True):
        if count:
            told.append(
                f"{count} turn(s) of the {side} overlapped others of the same speaker and were merged."
            )
    theirs = [
        f"{number(nist)} under {name} ({nist - ours:+.2f})"
        for name, ours, nist in zip(
            total.index, total["der_%"], total["der_md_eval_%"], strict=True
        )
        if nist - ours >= 0.005
    ]
    if theirs:
        told.append(
            "NIST's md-eval, which pairs the speakers before it leaves out collars and overlap, gives"
            f" {', '.join(theirs)}."
        )
    return told


def file_notes(side: str, rttm: Rttm) -> list[str]:
    """Write what was ignored or merged when the files of reference or hypothesis were read."""
    told = []
    if rttm.skipped:
        kinds = ", ".join(f"{kind} {count}" for kind, count in rttm.skipped.items())
        total = sum(rttm.skipped.values())
        told.append(f"{total} line(s) of the {side} other than SPEAKER, ignored: {kinds}.")
    if rttm.empty:
        total = sum(rttm.empty.values())
        told.append(
            f"{total} turn(s) of zero length in the {side}, left out: {listed([*rttm.empty])}."
        )
    if rttm.channels:
        told.append(f"Turns of several channels in the {side}, merged: {listed(rttm.channels)}.")
    return told


def count_matrix(frame: pd.DataFrame) -> str:
    """Write the numbers of recordings by speakers in the reference (rows) and the hypothesis (columns)."""
    return markdown(count_speakers(frame).replace(0, "-").add_prefix("found "))


def recordings(frame: pd.DataFrame) -> str:
    """Write a row for each recording: DER under each protocol, JER, numbers of speakers."""
    rates = frame.set_index(["recording", "protocol"])["der_%"].unstack(sort=False)
    first = first_protocol(frame).set_index("recording")
    table = rates.add_prefix("DER % ").assign(**{"JER %": first["jer_%"]}).map(number)
    return markdown(table.join(first[COUNTS].set_axis(["speakers", "found"], axis=1)))


def summary(evaluation: Evaluation, frame: pd.DataFrame, **about: Any) -> dict[str, Any]:
    """Collect everything except the single recordings, as plain values for JSON.

    Args:
        frame: the scores of ``evaluation``.
        about: what to state first, such as the command and the paths.
    """
    total = totals(frame)
    rates = [rate for rate in RATES if rate != "jer_%"]
    first = total.iloc[0]
    return {
        **about,
        "recordings": int(first["recordings"]),
        "missing": list(evaluation.missing),
        "silent": list(evaluation.silent),
        "extra": list(evaluation.extra),
        "beyond_uem": list(evaluation.beyond),
        "merged_turns": dict(zip(("reference", "hypothesis"), evaluation.merged, strict=True)),
        "derived_uem": evaluation.derived_uem,
        "protocols": {
            name: {
                "words": protocol.words,
                "collar_each_side": protocol.side,
                "overlap": protocol.overlap,
                "region": protocol.region,
                **_rounded(figures[[*SECONDS, *rates]]),
            }
            for (name, protocol), (_, figures) in zip(
                evaluation.protocols.items(), total.iterrows(), strict=True
            )
        },
        **_rounded(first[["jer_%"]]),
        "speakers": {
            **_rounded(first[["exact_%", "mean_absolute_error", "bias"]]),
            "counts": {
                str(speakers): {str(found): int(times) for found, times in row.items() if times}
                for speakers, row in count_speakers(first_protocol(frame)).iterrows()
            },
        },
    }


def _rounded(figures: pd.Series) -> dict[str, float | None]:
    return {str(k): None if pd.isna(v) else round(float(v), 4) for k, v in figures.items()}
