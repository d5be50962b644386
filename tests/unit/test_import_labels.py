"""Labels that people made or corrected in Audacity, Praat and ELAN, as those write them."""

import re
import sys

import pytest
from pympi.Elan import Eaf, to_string

import import_labels
from diar import exports
from diar.base.errors import DataError
from diar.base.types import Turn
from diar.exports.marks import turns_of
from diar.kaldi.rttm import read_rttm


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["program", *map(str, words)])
    import_labels.main()


def labels(folder, text, name="talk.txt", speaker="tier"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return turns_of(exports.read(path), "talk", speaker)


def test_audacity_as_it_is(tmp_path):
    text = (
        "\ufeff0.000000\t1.500000\tA\r\n"
        "\\\t200.000000\t3000.000000\r\n"
        "2,250000\t3,000000\tAnna B\r\n"
        "4.000000\t4.000000\ta point\r\n"
        "5.000000\t6.000000\t\r\n"
        "7.000000\t8.000000\r\n"
        "\r\n"
        "1.000000\t2.000000\tA"
    )
    turns, notes = labels(tmp_path, text)
    assert turns == [
        Turn("talk", 0.0, 1.5, "A"),
        Turn("talk", 1.0, 1.0, "A"),
        Turn("talk", 2.25, 0.75, "Anna_B"),
    ]
    assert notes == [
        "blanks are not allowed in an RTTM: 'Anna B' becomes Anna_B",
        "1 label(s) of zero length ignored; the first in line 4",
        "2 label(s) without a name ignored; the first in line 5",
        "1 turn(s) overlap another of the same speaker",
    ]


LONG = re.sub(
    r'(?<=[0-9"])\n',
    " \n",  # as Praat has it
    '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 5.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "Dr. ""No"""
        xmin = 0
        xmax = 5.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.75
            text = ""
        intervals [2]:
            xmin = 0.75
            xmax = 2
            text = "so she says:
""intervals [3]:"""
        intervals [3]:
            xmin = 2
            xmax = 5.5
            text = " "
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 5.5
        points: size = 1
        points [1]:
            number = 3
            mark = "here"
    item [3]:
        class = "IntervalTier"
        name = "B"
        xmin = 0
        xmax = 5.5
        intervals: size = 1
        intervals [1]:
            xmin = 1.1368683772161603e-13
            xmax = 5.5
            text = "B"
''',
)
SHORT = '''File type = "ooTextFile"
"TextGrid" ! by "hand" 7

0
5.5
<exists>
3
"IntervalTier" "Dr. ""No""" 0 5.5 3
0 0.75 ""
0.75 2 "so she says:
""intervals [3]:"""
2 5.5 " "
"TextTier" "clicks" 0 5.5 1
3 "here"
"IntervalTier" "B" 0 5.5 1
1.1368683772161603e-13 5.5 "B"
'''


@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_praat_as_it_is(tmp_path, text, coding, ends):
    bom = "\ufeff" if coding == "utf-16-be" else ""
    data = (bom + text.replace("\n", ends)).encode(coding)
    turns, notes = labels(tmp_path, data, "talk.TextGrid")
    assert turns == [Turn("talk", 0.0, 5.5, "B"), Turn("talk", 0.75, 1.25, 'Dr._"No"')]
    line = 20 if text == LONG else 10
    assert notes == [
        "'clicks' is a point tier: its 1 point(s) are not turns",
        'blanks are not allowed in an RTTM: \'Dr. "No"\' becomes Dr._"No"',
        "1 label(s) not called as the tier, which counts (--speaker label takes the label); the first"
        f" in line {line}",
    ]
    labelled, _ = labels(tmp_path, data, "talk.TextGrid", "label")
    assert [t.speaker for t in labelled] == ["B", 'so_she_says:_"intervals_[3]:"']


def eaf_text(change=lambda eaf: None):
    eaf = Eaf()
    eaf.add_annotation("default", 500, 1500, "hello")
    eaf.add_annotation("default", 2000, 3000, "")
    eaf.add_tier("words", parent="default")
    eaf.add_annotation("words", 500, 900, "hel")
    change(eaf)
    return to_string(eaf)


def test_elan_as_it_is(tmp_path):
    turns, notes = labels(tmp_path, eaf_text(), "talk.eaf")
    assert turns == [Turn("talk", 0.5, 1.0, "default"), Turn("talk", 2.0, 1.0, "default")]
    assert notes == [
        "tier 'words' depends on another: its 1 annotation(s) are not turns",
        "1 label(s) not called as the tier, which counts (--speaker label takes the label); the first"
        " of tier 'default' at 0.5 s",
    ]
    turns, notes = labels(tmp_path, eaf_text(), "talk.eaf", "label")
    assert turns == [Turn("talk", 0.5, 1.0, "hello")]
    assert "1 label(s) without a name ignored; the first of tier 'default' at 2 s" in notes
    late = eaf_text(lambda eaf: eaf.add_linked_file("a.wav", time_origin=250))
    assert "its media has an offset of 250 ms" in labels(tmp_path, late, "talk.eaf")[1][1]


def spoilt(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "0 1 A\n", r":1: expected '<start> <tab> <end> <tab> <speaker>', found '0 1 A'"),
        ("a.txt", "0\t1\tA\n1\tx\tB\n", r":2: expected '<start> <tab>"),
        ("a.txt", "1.234,5\t2\tA\n", r":1: expected"),
        ("a.txt", "inf\t2\tA\n", r":1: expected"),
        ("a.txt", "\n2\t1\tA\n", r":2: end 1 is before start 2"),
        ("a.txt", "-1\t1\tA\n", r":1: starts before 0, at -1 s"),
        ("a.txt", "0\t1\tA B\n1\t2\tA_B\n", r":2: 'A B' and 'A_B' would both be speaker A_B"),
        ("a.txt", b"0\t1\t\xff\n", "not a UTF-8 text file"),
        ("a.TextGrid", "hello", "not a TextGrid in text format"),
        ("a.TextGrid", b"ooBinaryFile\x08TextGrid\xff\xff", "not a TextGrid in text format"),
        ("a.TextGrid", LONG.replace("B", "\xe9").encode("latin-1"), "neither UTF-8 nor UTF-16"),
        ("a.TextGrid", spoilt(LONG, "TextGrid", "Pitch"), ":2: holds a Pitch, expected a TextGrid"),
        ("a.TextGrid", spoilt(LONG, '"TextGrid"', '"Pi\ntch\33"'), ":2: holds a Pi tch , expected"),
        ("a.TextGrid", f'"ooTextFile" "TextGrid{"8" * 5000}"', r"8 \[...\] 8"),
        ("a.TextGrid", spoilt(LONG, "TextTier", "OddTier"), ":29: a tier of class 'OddTier'"),
        ("a.TextGrid", LONG[:-30], "the file ends, expected a"),
        ("a.TextGrid", LONG[:-4], ":46: a text does not end, expected a text"),
        ("a.TextGrid", spoilt(LONG, "0.75", "1.2.3"), ":17: '1.2.3' is not a number"),
        ("a.TextGrid", spoilt(LONG, "size = 3", "size = 2.5"), ":7: 2.5 is not a count"),
        ("a.TextGrid", spoilt(LONG, "size = 3", "size = 1e999"), ":7: '1e999' is not a number"),
        ("a.TextGrid", spoilt(LONG, "xmin = 0.75", "xmin = -0.75"), ":20: starts before 0"),
        ("a.TextGrid", spoilt(LONG, "xmax = 2 ", "xmax = 0.5 "), ":20: end 0.5 is before start"),
        ("a.TextGrid", spoilt(LONG, 'text = ""', "text = 7"), ":18: found 7, expected a text"),
        ("a.eaf", "hello", "not a valid .eaf"),
        ("a.eaf", "<ANNOTATION_DOCUMENT/>", "not a valid .eaf"),
        ("a.eaf", lambda eaf: eaf.header.update(TIME_UNITS="PAL-frames"), "times in PAL-frames"),
        ("a.eaf", lambda eaf: eaf.timeslots.update(ts2=None), "tier 'default': an annotation"),
        (
            "a.eaf",
            lambda eaf: eaf.timeslots.update(ts2=1700),
            "tier 'default' at 1.7 s: end 1.5 is",
        ),
        ("a.srt", "", "expected labels of Audacity"),
    ],
)
def test_odd_files_are_refused(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message) as error:
        labels(tmp_path, eaf_text(text) if callable(text) else text, name)
    assert str(error.value).startswith(f"{tmp_path / name}:")
    assert str(error.value).isprintable() and len(str(error.value)) < 2000


def test_corrections_of_several_recordings(tmp_path, monkeypatch, capsys):
    (tmp_path / "my talk.txt").write_text("0\t1\tA\n")
    (tmp_path / "b.TextGrid").write_text(spoilt(SHORT, "3\n", "0\n"))
    out = tmp_path / "sub/all.rttm"
    call(monkeypatch, tmp_path / "my talk.txt", tmp_path / "b.TextGrid", out)
    assert read_rttm(out) == {"my_talk": [Turn("my_talk", 0.0, 1.0, "A")]}
    said = capsys.readouterr()
    assert said.err == f"import_labels.py: {tmp_path}/b.TextGrid: no turns\n"
    assert said.out == f"{out}: 1 turn(s) of 1 speaker(s) in 2 recording(s)\n"
    call(monkeypatch, "--recording", "x", tmp_path / "my talk.txt", out)
    assert list(read_rttm(out)) == ["x"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.txt", "b.TextGrid"], "b.TextGrid: the last argument must be the RTTM to write"),
        (["a.txt", "sub/a.txt", "x.rttm"], "would both be recording a: rename one"),
        (
            ["--recording", "r", "a.txt", "b.txt", "x.rttm"],
            "--recording names one recording, but there are 2",
        ),
        (["--recording", "r r", "a.txt", "x.rttm"], "'r r' is not allowed in an RTTM"),
    ],
)
def test_what_import_refuses(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("0\t1\tA\n")
    with pytest.raises(DataError, match=message):
        call(monkeypatch, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
