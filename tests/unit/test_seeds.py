"""A system that was fitted with several seeds: one row with its spread, and its first seed elsewhere."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import run
from hypothesis import given
from hypothesis import strategies as st
from small_scores import make_experiment, scores_in

import plot
from diar.pictures import scores
from diar.report.score_tables import scored_set
from diar.report.usage import usage_of
from diar.scoring.frame import first_seed, other_seeds, read_frame, read_seeds, spread
from diar.scoring.systems import name_of_directory, read_summaries
from diar.scoring.text import over_seeds

MISSED = {"": 10, "seed2": 16, "seed10": 13}  # seconds of 100, by directory


@pytest.fixture
def exp(tmp_path):
    """Two systems of two recordings each; one of them has three seeds."""
    made = tmp_path / "exp"
    for part, missed in MISSED.items():
        scores_in(made / "dec_paper/test" / part / "score", [missed, missed])
    scores_in(made / "dec_default/test/score", [4, 6])
    (made / "dec_paper/test/seedling/score").mkdir(parents=True)
    (made / "dec_paper/test/seedling/score/per_recording.tsv").write_text("of someone else\n")
    example = json.loads(
        (make_experiment(tmp_path / "other") / "exp/ahc_oracle/test/score/summary.json").read_text()
    )
    for system in ("dec_paper", "dec_default"):
        path = made / system / "test/score/summary.json"
        path.write_text(json.dumps(example | {"command": "steps/score.sh"}))
    return made


def test_seeds_are_read_in_their_order(exp):
    found = other_seeds(exp / "dec_paper/test/score")
    assert [path.parent.name for path in found] == ["seed2", "seed10"]
    frame = read_seeds(exp)
    full = frame[(frame["protocol"] == "full") & (frame["recording"] == "r0")]
    assert full.groupby("system")["miss_s"].apply(list).to_dict() == {
        "dec_default": [4.0],
        "dec_paper": [10.0, 16.0, 13.0],
    }
    first = first_seed(full)
    assert "seed" not in first
    assert first["miss_s"].tolist() == [4.0, 10.0]


@given(st.lists(st.integers(0, 99), min_size=1, max_size=6))
def test_the_spread_is_that_of_the_totals(errors):
    rows = [
        {"protocol": "full", "recording": f"r{i}", "scored_s": 50.0 * (i + 1), "miss_s": float(error), "fa_s": 0.0,
         "conf_s": 0.0, "der_%": 0.0, "der_md_eval_%": 0.0, "jer_%": 0.0, "speakers": 2,
         "speakers_found": 2 + (error > 50), "seed": seed}
        for seed, error in enumerate(errors) for i in range(2)
    ]  # fmt: skip
    figures = spread(pd.DataFrame(rows), ["protocol"]).loc["full"]
    ders = [100 * 2 * error / 150 for error in errors]
    assert figures["der_%", "mean"] == pytest.approx(np.mean(ders))
    assert (figures["der_%", "min"], figures["der_%", "max"]) == pytest.approx(
        (min(ders), max(ders))
    )
    assert figures["der_%", "count"] == len(errors)
    if len(errors) > 1:
        assert figures["der_%", "std"] == pytest.approx(np.std(ders, ddof=1))
    right = [100.0 * (error <= 50) for error in errors]
    assert figures["exact_%", "mean"] == pytest.approx(np.mean(right))


def test_how_a_figure_is_written():
    one = pd.Series({"mean": 3.456, "std": float("nan"), "min": 3.456, "max": 3.456, "count": 1})
    assert over_seeds(one) == "3.46"
    five = pd.Series({"mean": 42.4, "std": 8.06, "min": 33.3, "max": 50.0, "count": 5})
    assert over_seeds(five, decimals=0, unit=" %") == "42 ± 8 (33 to 50) %"


def test_the_page_of_results_has_one_row(exp, tmp_path):
    result = run("local/make_results.py", exp, tmp_path / "R.md")
    assert result.returncode == 0, result.stderr
    page, said = (re.sub(" +", " ", x) for x in ((tmp_path / "R.md").read_text(), result.stdout))
    rows = [line for line in page.splitlines() if line.startswith("| DEC, as published")]
    spreads, *others = rows
    assert spreads.startswith("| DEC, as published, 3 seeds ")
    assert "| 13.00 ± 3.00 (10.00 to 16.00) |" in spreads
    assert "| 100 ± 0 (100 to 100) % |" in spreads
    assert spreads in said
    assert others and all(row.startswith("| DEC, as published, first of 3 ") for row in others)
    assert any("| 10.00 / 0.00 / 0.00 |" in row for row in others)
    default = next(line for line in page.splitlines() if line.startswith("| DEC, default"))
    assert "±" not in default and "| 5.00 |" in default


def test_comparisons_say_that_it_is_the_first(exp):
    result = run("local/compare.py", exp / "dec_default/test/score", exp / "dec_paper/test/score")
    a, b = result.stdout.splitlines()[:2]
    assert a == f"A: {exp}/dec_default/test/score"
    assert b == f"B: {exp}/dec_paper/test/score, first of 3 seeds"
    assert "-5.00" in result.stdout


def test_pictures_say_whose_seed_they_are_of(exp):
    (panel,) = scores.bars(exp, "test").values()
    assert list(panel.index) == ["DEC, default", "DEC, as published, first of 3 seeds"]
    assert plot.label_of(exp / "dec_paper/test/rttm") == "DEC, as published, first of 3 seeds"
    assert plot.label_of(exp / "dec_paper/test/seed2/rttm") == "DEC, as published, seed 2"
    assert name_of_directory(Path("exp/ahc/seedless")) == "AHC"


def test_the_report_has_mean_and_spread(exp):
    summaries = read_summaries(exp, "test", ["dec_default", "dec_paper"])
    made = scored_set(read_seeds(exp, "test"), summaries, "dec_default")
    every, parts, paired = made["folded"]
    for table in (made["main"], every):
        full = [column.text for column in table.header].index("DER % full")
        default, paper = (row.cells for row in table.rows)
        assert (paper[0].text, paper[0].below) == ("DEC, as published", "mean of 3 seeds")
        assert (paper[full].text, paper[full].below) == ("13.00", "± 3.00 (10.00 to 16.00)")
        assert (default[0].below, default[full].text) == ("", "5.00")
        assert "±" not in default[full].below
    assert "several seeds" in made["main"].caption
    assert made["ders"]["dec_paper"]["full"].text == "13.00"
    assert parts.rows[1].cells[0].text == "DEC, as published, first of 3 seeds"
    assert parts.header[-3].protocol == "full"
    assert parts.rows[1].cells[-3].value == pytest.approx(10.0)
    assert {row.cells[0].text for row in paired.rows} == {"DEC, as published, first of 3 seeds"}
    shutil.rmtree(exp / "dec_paper/test/seed2")
    shutil.rmtree(exp / "dec_paper/test/seed10")
    alone = scored_set(read_seeds(exp, "test"), summaries, "dec_default")
    assert "seeds" not in alone["main"].caption
    assert alone["main"].rows[1].cells[0].below == ""


def test_the_time_of_every_seed_is_told(exp):
    for part in MISSED:
        log = exp / "dec_paper/test" / part / "log"
        log.mkdir()
        (log / "fit_dec.1.log").write_text("2026 [share.py:9] used 2.0 s, 1.5 s CPU, 40 MB\n")
    used = usage_of(exp)
    assert [(x.directory, x.stage) for x in used] == [
        (f"dec_paper/test{part}", 4) for part in ("", "/seed10", "/seed2")
    ]


def test_a_table_without_other_seeds_is_unchanged(exp):
    shutil.rmtree(exp / "dec_paper")
    frame = first_seed(read_seeds(exp))
    assert frame["der_%"].tolist() == read_frame(exp / "dec_default/test/score")["der_%"].tolist()
