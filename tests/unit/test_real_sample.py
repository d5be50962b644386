"""Real conversations from packages: their references."""

from __future__ import annotations

import pytest

from diar.base.errors import DataError
from diar.corpora.real_sample import clip, read_trs

TRS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE Trans SYSTEM "trans-14.dtd">
<Trans><Episode><Section type="report" startTime="0" endTime="9">
<Turn startTime="0" endTime="1" speaker="a"/>
<Turn startTime="1" endTime="2.5" speaker="a b"/>
<Turn startTime="2.5" endTime="4" speaker="b"/>
<Turn startTime="4" endTime="6"/>
<Turn startTime="6" endTime="9" speaker="a"/>
</Section></Episode></Trans>
"""


def test_who_talk_at_the_same_time_have_a_turn_each(tmp_path):
    (tmp_path / "x.trs").write_text(TRS)
    turns = read_trs(tmp_path / "x.trs", "r")
    spans = [(t.start, t.end, t.speaker) for t in turns]
    assert spans == [(0, 2.5, "a"), (1, 4, "b"), (6, 9, "a")]
    assert [(t.start, t.end) for t in clip(turns, 5.0)] == [(0, 2.5), (1, 4)]
    assert clip(turns, 7.0)[-1].end == 7.0


@pytest.mark.parametrize(
    "text",
    [
        "no XML",
        TRS.replace('endTime="1"', ""),
        TRS.replace('"6"', '"x"'),
        TRS.replace("8859", "8860"),
    ],
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "x.trs").write_text(text)
    with pytest.raises(DataError, match="Transcriber"):
        read_trs(tmp_path / "x.trs", "r")
