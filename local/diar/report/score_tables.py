"""Tables of the page that scores give: rates, their parts, differences of systems, counts of speakers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from diar.base.errors import DataError
from diar.report.overview import Cell, PageTable, figure
from diar.scoring import text
from diar.scoring.comparison import compare, der_interval
from diar.scoring.frame import (
    PARTS,
    count_speakers,
    first_protocol,
    first_seed,
    split,
    spread,
    totals,
)
from diar.scoring.systems import NOTHING, OLD, describe_protocols, of_seeds, system_name


def scored_set(
    rows: pd.DataFrame,
    summaries: Mapping[str, Mapping[str, Any]],
    ours: str,
    old: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """Make the fields of a ``SetPage`` that scores give: protocols, tables, paired, counts, commands, old.

    Args:
        rows: the scores of the systems on this set, of all seeds, see ``diar.scoring.frame.read_seeds``.
        summaries: what else is known of these scores, by system.
        ours: the system that the others are compared with.
        old: system whose scores are not what the recipe would make now -> why.
    """
    first = first_seed(rows)
    systems = split(first, "system")
    seeds = rows.groupby("system")["seed"].nunique()
    marked = {system: system_name(system) + OLD * (system in old) for system in systems}
    names = {system: of_seeds(name, seeds[system]) for system, name in marked.items()}
    pairs = ours in systems and len(systems) > 1 and systems[ours]["recording"].nunique() > 1
    return {
        "protocols": describe_protocols(summaries.values()),
        "tables": [_main_table(rows, marked), _parts_table(first, names)],
        "paired": _paired(ours, systems, names) if pairs else None,
        "counts": [_count_table(names[s], first_protocol(x)) for s, x in systems.items()],
        "commands": {system_name(system): x["command"] for system, x in summaries.items()},
        "old": {marked[system]: why for system, why in old.items()},
    }


def _main_table(rows: pd.DataFrame, names: Mapping[str, str]) -> PageTable:
    protocols = list(rows["protocol"].unique())
    lines = []
    for system, theirs in split(rows, "system").items():
        figures = spread(theirs, ["protocol"])
        count = theirs["seed"].nunique()
        ders = {}
        for protocol, some in split(theirs, "protocol").items():
            limits = None if count > 1 else der_interval(first_seed(some))
            below = text.rate_span(limits) if limits else ""
            ders[protocol] = _over_seeds(figures["der_%"].loc[protocol], below=below)
        first = figures.iloc[0]  # what follows is the same under all protocols
        lines.append(
            [
                Cell(names[system], below=f"mean of {count} seeds" if count > 1 else ""),
                *(ders.get(protocol, Cell("-")) for protocol in protocols),
                _over_seeds(first["jer_%"]),
                _over_seeds(first["exact_%"], 1),
                _over_seeds(first["mean_absolute_error"]),
            ]
        )
    header = ["system", *(f"DER % {p}" for p in protocols), "JER %", "count right %", "count error"]
    caption = "DER of each protocol, below it the 95 % bootstrap interval over recordings"
    if (rows["seed"] > 0).any():
        caption += (
            "; of a system with several seeds their mean, below it ± standard deviation and range; all"
            " else on this page is of its first seed"
        )
    return PageTable(caption, header, lines)


def _over_seeds(values: pd.Series, decimals: int = 2, below: str = "") -> Cell:
    """Make the cell of a figure of one fit, or of the mean of several, with their spread ``below``."""
    if values["count"] > 1:
        below = text.over_seeds(values, decimals).partition(" ")[2]
    return figure(float(values["mean"]), decimals, below)


def _parts_table(rows: pd.DataFrame, names: Mapping[str, str]) -> PageTable:
    protocol = rows["protocol"].unique()[-1]
    total = totals(rows[rows["protocol"] == protocol], "system").dropna(subset=list(PARTS.values()))
    longest = total["der_%"].max() or 1
    lines = []
    for system, rates in total.iterrows():
        bar = [(kind, 100 * rates[part] / longest) for kind, part in PARTS.items()]
        name = Cell(names[str(system)])
        parts = [figure(rates[part]) for part in PARTS.values()]
        lines.append([name, Cell("", figure(rates["der_%"]).value, bar=bar), *parts])
    header = ["system", "DER", *(f"{part} %" for part in PARTS)]
    return PageTable(f"What the DER is made of, protocol {protocol}", header, lines)


def _paired(ours: str, systems: Mapping[str, pd.DataFrame], names: Mapping[str, str]) -> PageTable:
    lines = []
    for system, rows in systems.items():
        if system == ours:
            continue
        name = Cell(names[system])
        try:
            comparisons = compare(systems[ours], rows)
        except DataError as error:  # scored at another time, of other recordings or otherwise
            lines.append([name, Cell(f"cannot be compared: {error}"), *[Cell("-")] * 5])
            continue
        for protocol, c in comparisons.items():
            lines.append(
                [name, Cell(protocol)]
                + [Cell(text.signed(c.difference), c.difference, text.span(c.interval()))]
                + [Cell(text.p_value(c.p_value), c.p_value)]
                + [Cell(str(n), n) for n in c.wins]
            )
    header = ["against", "protocol", "DER points", "p", "better", "equal", "worse"]
    caption = (
        f"{names[ours]} against the others, paired by recording: difference of DER (below 0: it is"
        " better) with its 95 % bootstrap interval; Wilcoxon's p; recordings better, equal, worse"
    )
    return PageTable(caption, header, lines, names=2)


def _count_table(name: str, rows: pd.DataFrame) -> PageTable:
    counts = count_speakers(rows)
    most = counts.to_numpy().max()

    def cell(times: int, right: bool) -> Cell:
        bar = [("count", float(100 * times / most))]
        return Cell(str(times or ""), times, "right" if right else "", bar)

    lines = [
        [Cell(str(speakers), speakers)]
        + [cell(times, speakers == found) for times, found in zip(row, counts, strict=True)]
        for speakers, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    return PageTable(name, ["speakers", *map(str, counts)], lines)
