"""Scores as one table: a row for each protocol and recording; for an experiment, also each system and set.

The columns are those of per_recording.tsv: seconds of speaker time (scored, miss, false alarm,
confusion), the same in percent of the scored time, DER, JER, and the numbers of speakers. All tables
and pictures of scores are views of this table.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from diar.base.errors import DataError
from diar.base.regions import TOUCH
from diar.scoring.rates import Evaluation, Protocol, Regions, Turns, evaluate
from diar.scoring.systems import SETS, SYSTEMS, rank

FILE = "per_recording.tsv"
SPREAD = ["mean", "std", "min", "max", "count"]  # of a figure over seeds
PARTS = {"miss": "miss_%", "false alarm": "fa_%", "confusion": "conf_%"}  # of a DER
SECONDS = ["scored_s", "miss_s", "fa_s", "conf_s"]
ERRORS = SECONDS[1:]
RATES = [*PARTS.values(), "der_%", "der_md_eval_%", "jer_%"]
COUNTS = ["speakers", "speakers_found"]
COLUMNS = ["protocol", "recording", *SECONDS, *RATES, *COUNTS]


def make_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Put the scores of all recordings under all protocols into a table of ``COLUMNS``."""
    rows = [
        {"protocol": name, **row._asdict()}
        for name, scores in evaluation.scores.items()
        for row in scores
    ]
    return _with_rates(pd.DataFrame(rows))[COLUMNS]


def totals(frame: pd.DataFrame, by: str | Sequence[str] = "protocol") -> pd.DataFrame:
    """Sum up the recordings of each group, such as a protocol, or a system under a protocol.

    Returns:
        A row for each group, in the order of their first recordings; columns:
        SECONDS, COUNTS: sums. Rates are those of the sums; JER is the mean over all speakers.
        recordings: their number.
        exact_%: the percentage with the right number of speakers.
        mean_absolute_error, bias: of that number; a bias above 0 means too many speakers.
    """
    error = frame["speakers_found"] - frame["speakers"]
    more_confusion = (frame["der_md_eval_%"] - frame["der_%"]) * frame["scored_s"] / 100
    columns = {
        "conf_md_eval_s": frame["conf_s"] + more_confusion,
        "jer_sum": frame["jer_%"] * frame["speakers"] / 100,
        "exact_%": 100.0 * (error == 0),
        "mean_absolute_error": error.abs(),
        "bias": error,
    }
    by = by if isinstance(by, str) else list(by)
    groups = frame.assign(**columns).groupby(by, sort=False)
    sums = groups[[*SECONDS, *COUNTS, "conf_md_eval_s", "jer_sum"]].sum()
    means = groups[["exact_%", "mean_absolute_error", "bias"]].mean()
    total = _with_rates(sums).join(means).assign(recordings=groups.size())
    return total.drop(columns=["conf_md_eval_s", "jer_sum"])


def total_score(
    reference: Turns, hypothesis: Turns, uem: Regions | None, protocol: Protocol
) -> pd.Series:
    """Score all recordings together under one protocol: the row of ``totals``."""
    return totals(make_frame(evaluate(reference, hypothesis, uem, {"": protocol}))).iloc[0]


def first_protocol(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of the first protocol: JER and numbers of speakers are the same in all protocols."""
    return frame[frame["protocol"] == frame["protocol"].iloc[0]]


def split(frame: pd.DataFrame, by: str) -> dict[str, pd.DataFrame]:
    """Split the rows by system, set or protocol, in the order of their first appearance."""
    return {str(name): rows for name, rows in frame.groupby(by, sort=False)}


def count_speakers(frame: pd.DataFrame) -> pd.DataFrame:
    """Count the recordings by their numbers of speakers in the reference (rows) and the hypothesis (columns).

    Args:
        frame: the rows of one protocol.
    """
    return pd.crosstab(frame["speakers"], frame["speakers_found"])


def to_tsv(frame: pd.DataFrame) -> str:
    """Write a line for each protocol and recording, a TOTAL for each protocol; empty: no figure."""
    total = totals(frame).assign(recording="TOTAL").reset_index()[COLUMNS]
    lines = pd.concat([frame, total]).sort_values(
        "protocol", key=lambda names: pd.factorize(names)[0], kind="stable"
    )
    return lines.to_csv(
        sep="\t", index=False, float_format="%.3f", quoting=csv.QUOTE_NONE, lineterminator="\n"
    )


def read_frame(score_dir: str | Path) -> pd.DataFrame:
    """Read the table of a system from a score directory, without the totals, recordings sorted.

    Raises:
        DataError: the file is missing or not in this format.
    """
    path = Path(score_dir) / FILE
    numbers = [*SECONDS, *RATES]
    try:
        frame = pd.read_csv(
            path, sep="\t", usecols=COLUMNS, quoting=csv.QUOTE_NONE, encoding="utf-8",
            dtype={"protocol": str, "recording": str} | dict.fromkeys(numbers, float) | dict.fromkeys(COUNTS, int),
            keep_default_na=False, na_values=dict.fromkeys(numbers, ""), float_precision="round_trip",
        )  # fmt: skip
    except OSError:
        raise DataError("no such file: steps/score.sh makes it", path) from None
    except (ValueError, OverflowError) as error:
        raise DataError(f"not made by steps/score.sh: {error}", path) from None
    frame = frame[frame.duplicated("protocol", keep="last")]  # the last of each is its total
    if frame.empty:
        raise DataError("has no figures: make it again with steps/score.sh", path)
    sorted_rows = [rows.sort_values("recording") for rows in split(frame, "protocol").values()]
    return pd.concat(sorted_rows, ignore_index=True)[COLUMNS]


def read_experiment(exp: str | Path, only: str | None = None) -> pd.DataFrame:
    """Read the table of all systems and sets of an experiment, both in the order of tables.

    This is how notebooks open an experiment: docs/pandas.md has examples.

    Args:
        exp: the directory, such as ``exp``.
        only: the set to read; None: all.

    Returns:
        Columns system, set, and ``COLUMNS``.

    Raises:
        DataError: there are no scores, or some cannot be read.
    """
    exp = Path(exp)
    found = [path.parts[-4:-2] for path in exp.glob(f"*/*/score/{FILE}")]
    pairs = [(name, system) for system, name in found if only in (None, name)]
    if not pairs:
        raise DataError(f"no <system>/<set>/score/{FILE} below it: ./run.sh makes them", exp)
    pairs.sort(key=lambda pair: (rank(pair[0], SETS), rank(pair[1], list(SYSTEMS))))
    frames = {(system, name): read_frame(exp / system / name / "score") for name, system in pairs}
    where = ["system", "set"]
    return pd.concat(frames, names=where).reset_index(where).reset_index(drop=True)


def other_seeds(score_dir: Path) -> list[Path]:
    """List the score directories of the other seeds of a system, in order.

    Those of ``<system>/<set>/score`` are ``<system>/<set>/seed<N>/score``, as made by ./run.sh --seeds.
    """
    numbers = {}
    for path in score_dir.parent.glob(f"seed*/score/{FILE}"):
        number = path.parts[-3].removeprefix("seed")
        if number.isdecimal():
            numbers[int(number)] = path.parent
    return [numbers[number] for number in sorted(numbers)]


def read_seeds(exp: Path, only: str | None = None) -> pd.DataFrame:
    """Read the tables of ``read_experiment`` and those of the other seeds of each system.

    Returns:
        The columns of ``read_experiment``, and seed: 0 for the first, 1, 2, ... for the others.

    Raises:
        DataError: see ``read_experiment``.
    """
    frame = read_experiment(exp, only)
    others = [
        read_frame(path).assign(system=system, set=name, seed=seed)
        for system, name in frame[["system", "set"]].drop_duplicates().itertuples(index=False)
        for seed, path in enumerate(other_seeds(exp / system / name / "score"), 1)
    ]
    return pd.concat([frame.assign(seed=0), *others], ignore_index=True)


def first_seed(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of the first seed of each system, from a table of ``read_seeds``."""
    return frame[frame["seed"] == 0].drop(columns="seed")


def spread(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sum up the recordings of each group for each seed, with the spread over the seeds.

    Args:
        frame: as returned by ``read_seeds``.
        by: the columns to group by.

    Returns:
        A row for each group; columns (figure of ``totals``, one of ``SPREAD``). std is the sample
        standard deviation; nan with one seed.
    """
    return totals(frame, [*by, "seed"]).groupby(list(by), sort=False).agg(SPREAD)


def _with_rates(seconds: pd.DataFrame) -> pd.DataFrame:
    """Add ``RATES`` to seconds, speakers and sums of Jaccard error rates.

    Without scored speech there is no percentage; DER is then 0, or 100 if anything was found, as in
    pyannote.metrics. Without a speaker there is no JER.
    """
    scored = seconds["scored_s"].where(seconds["scored_s"] > TOUCH)
    found = 100.0 * (seconds["fa_s"] > TOUCH)
    wrong = seconds["miss_s"] + seconds["fa_s"]
    return seconds.assign(
        **{f"{error[:-2]}_%": 100 * seconds[error] / scored for error in ERRORS},
        **{
            "der_%": (100 * (wrong + seconds["conf_s"]) / scored).fillna(found),
            "der_md_eval_%": (100 * (wrong + seconds["conf_md_eval_s"]) / scored).fillna(found),
            "jer_%": 100 * seconds["jer_sum"] / seconds["speakers"].where(seconds["speakers"] > 0),
        },
    )
