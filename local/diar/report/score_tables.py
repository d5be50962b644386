"""Tables of the page from scores: rates, their parts, differences of systems, speaker counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from diar.base.errors import DataError
from diar.report.overview import Cell, Column, PageTable, Row, figure, mark_best
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
from diar.scoring.systems import (
    NOTHING,
    OLD,
    describe_protocols,
    is_told,
    of_seeds,
    system_name,
)


def scored_set(
    rows: pd.DataFrame,
    summaries: Mapping[str, Mapping[str, Any]],
    ours: str,
    old: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """Make the fields of a ``SetPage`` that need scores: protocols, ders, main, folded, counts, commands, old.

    Args:
        rows: the scores of the systems on this set, of all seeds, see ``diar.scoring.frame.read_seeds``.
        summaries: further information on these scores, by system.
        ours: the system with which the others are compared.
        old: system whose scores the recipe would not reproduce now -> why.
    """
    first = first_seed(rows)
    systems = split(first, "system")
    seeds = rows.groupby("system")["seed"].nunique()
    marked = {system: system_name(system) + OLD * (system in old) for system in systems}
    names = {system: of_seeds(name, seeds[system]) for system, name in marked.items()}
    pairs = ours in systems and len(systems) > 1 and systems[ours]["recording"].nunique() > 1
    ders = _ders(rows)
    return {
        "protocols": describe_protocols(summaries.values()),
        "ders": ders,
        "main": _main_table(rows, ders, marked),
        "folded": [
            _protocols_table(rows, ders, marked),
            _parts_table(first, names),
            *([_paired(ours, systems, names)] if pairs else []),
        ],
        "counts": {s: _count_table(names[s], first_protocol(x)) for s, x in systems.items()},
        "commands": {system_name(system): x["command"] for system, x in summaries.items()},
        "old": {system: why for system, why in old.items() if system in systems},
    }


def _told(systems: Iterable[str]) -> list[str]:
    """List the systems that are given the number of speakers."""
    return [system for system in systems if is_told(system)]


def _ders(rows: pd.DataFrame) -> dict[str, dict[str, Cell]]:
    """Make the cells of the DERs, by system and protocol, with the best of each protocol marked."""
    found: dict[str, dict[str, Cell]] = {}
    for protocol, some in split(rows, "protocol").items():
        cells = {}
        for system, theirs in split(some, "system").items():
            limits = None if theirs["seed"].nunique() > 1 else der_interval(first_seed(theirs))
            below = text.rate_span(limits) if limits else ""
            rates = spread(theirs, ["protocol"])["der_%"].loc[protocol]
            cells[system] = _over_seeds(rates, below=below)
        for system, cell in mark_best(cells, _told(cells)).items():
            found.setdefault(system, {})[protocol] = cell
    return {system: found[system] for system in split(rows, "system")}


def _name(rows: pd.DataFrame, system: str, name: str) -> Cell:
    count = rows.loc[rows["system"] == system, "seed"].nunique()
    return Cell(name, below=f"mean of {count} seeds" if count > 1 else "")


def _main_table(
    rows: pd.DataFrame, ders: Mapping[str, Mapping[str, Cell]], names: Mapping[str, str]
) -> PageTable:
    """One protocol at a time, with the parts of its DER, and figures common to all protocols."""
    protocols = list(rows["protocol"].unique())
    bars = {protocol: _bars(first_seed(rows), protocol) for protocol in protocols}
    first = {s: spread(x, ["protocol"]).iloc[0] for s, x in split(rows, "system").items()}
    jer = mark_best({s: _over_seeds(x["jer_%"]) for s, x in first.items()}, _told(first))
    exact = {s: _over_seeds(x["exact_%"], 1) for s, x in first.items()}
    exact = mark_best(exact, _told(first), highest=True)
    wrong = {s: _over_seeds(x["mean_absolute_error"]) for s, x in first.items()}
    wrong = mark_best(wrong, _told(first))
    lines = []
    for system in first:
        rates = ders[system]
        cells = [_name(rows, system, names[system])]
        for protocol in protocols:
            bar = bars[protocol].get(system, ())
            rate = rates.get(protocol, Cell("-"))
            cells += [rate, Cell("", rate.value, bar=bar)]
        lines.append(Row([*cells, jer[system], exact[system], wrong[system]], system))
    header = [Column("system")]
    for p in protocols:
        header += [Column(f"DER % {p}", protocol=p), Column("parts", protocol=p)]
    header += [Column("JER %"), Column("count right %"), Column("count error")]
    caption = "DER, below it the 95 % bootstrap interval over recordings, and its parts"
    return PageTable(caption + _of_seeds(rows), header, lines)


def _of_seeds(rows: pd.DataFrame) -> str:
    """Explain figures of several seeds, if any."""
    if not (rows["seed"] > 0).any():
        return ""
    return (
        "; for a system with several seeds their mean, below it ± standard deviation and range; all"
        " other figures on this page are of its first seed"
    )


def _protocols_table(
    rows: pd.DataFrame, ders: Mapping[str, Mapping[str, Cell]], names: Mapping[str, str]
) -> PageTable:
    protocols = list(rows["protocol"].unique())
    lines = [
        Row([_name(rows, s, names[s]), *(rates.get(p, Cell("-")) for p in protocols)], s)
        for s, rates in ders.items()
    ]
    header = [Column("system"), *(Column(f"DER % {p}") for p in protocols)]
    return PageTable("DER of every protocol", header, lines)


def _over_seeds(values: pd.Series, decimals: int = 2, below: str = "") -> Cell:
    """Make the cell of a figure of one fit, or of the mean of several with their spread below."""
    if values["count"] > 1:
        below = text.over_seeds(values, decimals).partition(" ")[2]
    return figure(float(values["mean"]), decimals, below)


def _totals(rows: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Sum the parts of the DER under a protocol; a row for each system that has them."""
    return totals(rows[rows["protocol"] == protocol], "system").dropna(subset=list(PARTS.values()))


def _bars(rows: pd.DataFrame, protocol: str) -> dict[str, list[tuple[str, float]]]:
    """Make the bar of each system: its parts, in percent of the longest one."""
    total = _totals(rows, protocol)
    longest = total["der_%"].max() or 1
    return {
        str(system): [(kind, 100 * rates[part] / longest) for kind, part in PARTS.items()]
        for system, rates in total.iterrows()
    }


def _parts_table(rows: pd.DataFrame, names: Mapping[str, str]) -> PageTable:
    protocols = list(rows["protocol"].unique())
    found = {protocol: _totals(rows, protocol) for protocol in protocols}
    lines = []
    for system, name in names.items():
        cells = [figure(found[p][part].get(system)) for p in protocols for part in PARTS.values()]
        lines.append(Row([Cell(name), *cells], system))
    header = [Column(f"{part} %", protocol=p) for p in protocols for part in PARTS]
    return PageTable("Parts of the DER", [Column("system"), *header], lines)


def _paired(ours: str, systems: Mapping[str, pd.DataFrame], names: Mapping[str, str]) -> PageTable:
    lines = []
    for system, rows in systems.items():
        if system == ours:
            continue
        name = Cell(names[system])
        try:
            comparisons = compare(systems[ours], rows)
        except DataError as error:  # scored at another time, on other recordings or otherwise
            lines.append(
                Row([name, Cell(f"cannot be compared: {error}"), *[Cell("-")] * 5], system)
            )
            continue
        for protocol, c in comparisons.items():
            cells = [
                name,
                Cell(protocol),
                Cell(text.signed(c.difference), c.difference, text.span(c.interval())),
                Cell(text.p_value(c.p_value), c.p_value),
                *(Cell(str(n), n) for n in c.wins),
            ]
            lines.append(Row(cells, system, protocol))
    header = ["against", "protocol", "DER points", "p", "better", "equal", "worse"]
    caption = (
        f"{names[ours]} against the others, paired by recording: difference of DER (negative: it is"
        " better) with its 95 % bootstrap interval; Wilcoxon's p; recordings better, equal, worse"
    )
    return PageTable(caption, [Column(name) for name in header], lines, names=2)


def _count_table(name: str, rows: pd.DataFrame) -> PageTable:
    counts = count_speakers(rows)
    most = counts.to_numpy().max()

    def cell(times: int, right: bool) -> Cell:
        bar = [("count", float(100 * times / most))]
        return Cell(str(times or ""), times, "right" if right else "", bar)

    lines = [
        Row(
            [Cell(str(speakers), speakers)]
            + [cell(times, speakers == found) for times, found in zip(row, counts, strict=True)]
        )
        for speakers, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
    return PageTable(name, [Column(x) for x in ("speakers", *map(str, counts))], lines)
